using System.Buffers;
using System.Globalization;

namespace RunProof.Format;

/// <summary>
/// The exact decimal value of a JSON number token, 0.DIGITS × 10^<see cref="Point"/> with no zero at either end of DIGITS: what rule 2 of
/// proof-format.md section 1 compares with the ECMAScript form of the token's double.
/// </summary>
internal readonly ref struct DecimalText
{
    // Enough digits to round any decimal to a double; the rest only says "and a little more".
    private const int DecidingDigits = 800;

    // Digits that a double keeps apart from all others: with so few, the shortest form is the number itself (away from the subnormals).
    private const int SafeDigits = 15;

    /// <summary>Where the first and behind the last non-zero digit stand in the token; equal for zero.</summary>
    private readonly int _first;
    private readonly int _end;

    private DecimalText(int first, int end, int digits, long point, bool isPlainInteger)
    {
        _first = first;
        _end = end;
        Digits = digits;
        Point = point;
        IsPlainInteger = isPlainInteger;
    }

    /// <summary>Significant digits; 0 for zero.</summary>
    internal int Digits { get; }

    /// <summary>The decimal exponent; saturated far outside what a double can reach.</summary>
    internal long Point { get; }

    /// <summary>Neither point nor exponent.</summary>
    internal bool IsPlainInteger { get; }

    /// <summary>Scans the number token that begins at an offset, by RFC 8259's grammar.</summary>
    internal static bool TryScan(ReadOnlySpan<byte> json, ref int at, out DecimalText number)
    {
        number = default;
        var start = at;
        if (json[at] == '-')
            at++;
        var whole = at;
        SkipDigits(json, ref at);
        var wholeEnd = at;
        if (wholeEnd == whole || (json[whole] == '0' && wholeEnd - whole > 1))
        {
            at = Math.Min(whole + 1, wholeEnd);
            return false;
        }

        if (at < json.Length && json[at] == '.')
        {
            at++;
            if (!SkipDigits(json, ref at))
                return false;
        }

        var mantissaEnd = at;
        long exponent = 0;
        if (at < json.Length && (json[at] | 0x20) == 'e' && !TryExponent(json, ref at, out exponent))
            return false;
        number = Of(json[start..mantissaEnd], wholeEnd - start, exponent, at == wholeEnd);
        return true;
    }

    /// <summary>Writes the ECMAScript form of the token's double.</summary>
    /// <param name="token">The token that was scanned.</param>
    /// <param name="target">At least <see cref="EcmaScriptNumber.MaxLength"/> bytes.</param>
    /// <param name="written">Bytes written.</param>
    /// <param name="exact">Whether the form's decimal value is the token's.</param>
    /// <returns>False where the double would be infinite.</returns>
    internal bool TryWrite(ReadOnlySpan<byte> token, Span<byte> target, out int written, out bool exact)
    {
        written = 0;
        exact = true;
        if (Digits == 0)
        {
            target[written++] = (byte)'0';
            return true;
        }

        Span<byte> digits = stackalloc byte[DecidingDigits + 1];
        var kept = CopyDigits(token, digits);
        var negative = token[0] == '-';
        if (Digits <= SafeDigits && Point is > -290 and < 300)
        {
            written = EcmaScriptNumber.Lay(negative, digits[..kept], (int)Point, target);
            return true;
        }

        var value = ToDouble(digits[..kept]);
        if (double.IsInfinity(value))
            return false;
        exact = value != 0 && Digits <= 17 && EcmaScriptNumber.IsShortest(value, digits[..kept], (int)Point);
        written = EcmaScriptNumber.Format(negative ? -value : value, target);
        return true;
    }

    private double ToDouble(ReadOnlySpan<byte> digits)
    {
        if (Point > 310)
            return double.PositiveInfinity;
        if (Point < -330)
            return 0;

        // Normalized before parsing: the runtime's parser cuts off exponents that a million zeros before the digits would make up for.
        Span<byte> text = stackalloc byte[DecidingDigits + 16];
        "0."u8.CopyTo(text);
        digits.CopyTo(text[2..]);
        var n = 2 + digits.Length;
        text[n++] = (byte)'E';
        Point.TryFormat(text[n..], out var written, default, CultureInfo.InvariantCulture);
        return double.Parse(text[..(n + written)], NumberStyles.Float, CultureInfo.InvariantCulture);
    }

    private int CopyDigits(ReadOnlySpan<byte> token, Span<byte> digits)
    {
        var n = 0;
        foreach (var c in token[_first.._end])
        {
            if (c == '.')
                continue;
            if (n == DecidingDigits)
            {
                // The last digit of all is no zero: what is left lifts the number a little above the digits kept.
                digits[n++] = (byte)'1';
                break;
            }

            digits[n++] = c;
        }

        return n;
    }

    private static DecimalText Of(ReadOnlySpan<byte> mantissa, int wholeEnd, long exponent, bool isPlainInteger)
    {
        var first = mantissa.IndexOfAnyInRange((byte)'1', (byte)'9');
        if (first < 0)
            return new DecimalText(0, 0, 0, 0, isPlainInteger);
        var end = mantissa.LastIndexOfAnyInRange((byte)'1', (byte)'9') + 1;
        var digits = end - first - (first < wholeEnd && end > wholeEnd ? 1 : 0);
        var point = first < wholeEnd ? wholeEnd - first : wholeEnd - first + 1;
        return new DecimalText(first, end, digits, point + exponent, isPlainInteger);
    }

    private static bool TryExponent(ReadOnlySpan<byte> json, ref int at, out long exponent)
    {
        exponent = 0;
        at++;
        var negative = at < json.Length && json[at] == '-';
        if (at < json.Length && json[at] is (byte)'-' or (byte)'+')
            at++;
        var start = at;
        if (!SkipDigits(json, ref at))
            return false;
        foreach (var c in json[start..at])
            exponent = Math.Min((exponent * 10) + c - '0', 1L << 50);
        exponent = negative ? -exponent : exponent;
        return true;
    }

    private static bool SkipDigits(ReadOnlySpan<byte> json, ref int at)
    {
        var length = json[at..].IndexOfAnyExceptInRange((byte)'0', (byte)'9');
        length = length < 0 ? json.Length - at : length;
        at += length;
        return length > 0;
    }
}
