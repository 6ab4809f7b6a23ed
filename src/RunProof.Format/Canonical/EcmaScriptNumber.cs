using System.Buffers.Text;
using System.Globalization;

namespace RunProof.Format;

/// <summary>The ECMAScript form of an IEEE-754 double (RFC 8785 section 3.2.2.3): shortest digits that round-trip, in Number::toString's layout.</summary>
public static class EcmaScriptNumber
{
    /// <summary>Bytes that any double needs at most: <c>-1.2345678901234567e-308</c> and room for the layout.</summary>
    public const int MaxLength = 32;

    /// <summary>Writes the number.</summary>
    /// <param name="value">A finite double; −0 is written as <c>0</c>.</param>
    /// <param name="target">At least <see cref="MaxLength"/> bytes.</param>
    /// <returns>Bytes written.</returns>
    /// <exception cref="CanonicalFormatException">NaN or an infinity.</exception>
    public static int Format(double value, Span<byte> target)
    {
        if (!double.IsFinite(value))
            throw new CanonicalFormatException("NaN and infinities have no canonical form (RFC 8785 section 3.2.2.3)");
        if (value == 0)
        {
            target[0] = (byte)'0';
            return 1;
        }

        // Up to 2^53 every integer is a double of its own: all its digits are the shortest.
        var whole = (long)value;
        if (whole == value && whole is > -(1L << 53) and < 1L << 53)
        {
            Utf8Formatter.TryFormat(whole, target, out var written);
            return written;
        }

        if (TryFormatShort(value, target, out var length))
            return length;
        Span<byte> digits = stackalloc byte[20];
        var count = Shortest(value, digits, out var point);
        return Lay(value < 0, digits[..count], point, target);
    }

    /// <summary>Whether the shortest digits that round-trip to a positive double are these: 0.DIGITS × 10^point.</summary>
    internal static bool IsShortest(double value, ReadOnlySpan<byte> digits, int point)
    {
        Span<byte> shortest = stackalloc byte[20];
        var count = Shortest(value, shortest, out var shortestPoint);
        return point == shortestPoint && digits.SequenceEqual(shortest[..count]);
    }

    /// <summary>
    /// Numbers of up to four decimals: durations, prices. Where value = n / 10^4 with n of at most 15 digits, the correctly rounded quotient of
    /// two exact doubles says so, and no shorter or closer decimal can exist: two decimals of 15 digits never share a double.
    /// </summary>
    private static bool TryFormatShort(double value, Span<byte> target, out int written)
    {
        written = 0;
        const double scale = 1e4;
        var magnitude = Math.Abs(value);
        if (magnitude is >= 1e11 or < 1e-4)
            return false;
        var scaled = (ulong)((magnitude * scale) + 0.5);
        if (scaled / scale != magnitude)
            return false;
        if (value < 0)
            target[written++] = (byte)'-';
        var (integer, fraction) = Math.DivRem(scaled, 10_000);
        Utf8Formatter.TryFormat(integer, target[written..], out var digits);
        written += digits;
        target[written] = (byte)'.';
        for (var i = 4; i > 0; i--)
        {
            target[written + i] = (byte)('0' + (fraction % 10));
            fraction /= 10;
        }

        // A whole number was written before: a digit other than zero stops this.
        for (written += 4; target[written] == '0'; written--)
        {
        }

        written++;
        return true;
    }

    private static int Shortest(double value, Span<byte> digits, out int point)
    {
        // "E16" would give fixed digits; the default form gives the shortest that round-trip, the closest of them.
        Span<byte> text = stackalloc byte[32];
        value.TryFormat(text, out var length, default, CultureInfo.InvariantCulture);
        return Decompose(text[..length], digits, out point);
    }

    /// <summary>Splits a decimal text into its digits without leading and trailing zeros and the place of its point: 0.DIGITS × 10^point.</summary>
    private static int Decompose(ReadOnlySpan<byte> text, Span<byte> digits, out int point)
    {
        var count = 0;
        point = 0;
        var afterPoint = false;
        foreach (var c in text.TrimStart((byte)'-'))
        {
            if (c == 'E')
            {
                point += int.Parse(text[(text.IndexOf((byte)'E') + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
                break;
            }

            if (c == '.')
            {
                afterPoint = true;
            }
            else if (c == '0' && count == 0)
            {
                point -= afterPoint ? 1 : 0;
            }
            else
            {
                digits[count++] = c;
                point += afterPoint ? 0 : 1;
            }
        }

        while (digits[count - 1] == '0')
            count--;
        return count;
    }

    /// <summary>Lays out digits without zeros at either end, 0.DIGITS × 10^n, as Number::toString does.</summary>
    internal static int Lay(bool negative, ReadOnlySpan<byte> digits, int n, Span<byte> target)
    {
        var at = 0;
        if (negative)
            target[at++] = (byte)'-';
        var k = digits.Length;
        if (k <= n && n <= 21)
        {
            digits.CopyTo(target[at..]);
            target.Slice(at + k, n - k).Fill((byte)'0');
            return at + n;
        }

        if (n is > 0 and <= 21)
        {
            digits[..n].CopyTo(target[at..]);
            target[at + n] = (byte)'.';
            digits[n..].CopyTo(target[(at + n + 1)..]);
            return at + k + 1;
        }

        if (n is > -6 and <= 0)
        {
            "0."u8.CopyTo(target[at..]);
            target.Slice(at + 2, -n).Fill((byte)'0');
            digits.CopyTo(target[(at + 2 - n)..]);
            return at + 2 - n + k;
        }

        target[at++] = digits[0];
        if (k > 1)
        {
            target[at++] = (byte)'.';
            digits[1..].CopyTo(target[at..]);
            at += k - 1;
        }

        target[at++] = (byte)'e';
        target[at++] = (byte)(n > 0 ? '+' : '-');
        Math.Abs(n - 1).TryFormat(target[at..], out var written, default, CultureInfo.InvariantCulture);
        return at + written;
    }
}
