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

        if (Math.Abs(value) < 1e15 && value == Math.Truncate(value))
        {
            ((long)value).TryFormat(target, out var whole, default, CultureInfo.InvariantCulture);
            return whole;
        }

        return FormatShortest(value, target);
    }

    private static int FormatShortest(double value, Span<byte> target)
    {
        Span<byte> shortest = stackalloc byte[32];
        // "E16" would give fixed digits; the default form gives the shortest that round-trip.
        value.TryFormat(shortest, out var length, default, CultureInfo.InvariantCulture);
        Span<byte> digits = stackalloc byte[20];
        var (negative, count, point) = Decompose(shortest[..length], digits);
        return Lay(negative, digits[..count], point, target);
    }

    /// <summary>Splits a decimal text into its digits without leading and trailing zeros and the place of its point: 0.DIGITS × 10^point.</summary>
    private static (bool Negative, int Count, int Point) Decompose(ReadOnlySpan<byte> text, Span<byte> digits)
    {
        var negative = text[0] == '-';
        int count = 0, point = 0, exponent = 0;
        var afterPoint = false;
        for (var i = negative ? 1 : 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c == 'E')
            {
                exponent = int.Parse(text[(i + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
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
        return (negative, count, point + exponent);
    }

    private static int Lay(bool negative, ReadOnlySpan<byte> digits, int n, Span<byte> target)
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
