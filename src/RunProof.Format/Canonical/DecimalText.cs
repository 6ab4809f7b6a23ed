using System.Buffers;
using System.Globalization;

namespace RunProof.Format;

/// <summary>
/// The exact decimal value of a JSON number token, 0.DIGITS × 10^point with no zero at either end of DIGITS: what rule 2 of proof-format.md section 1
/// compares with the ECMAScript form of the token's double.
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

    private readonly int _digits;
    private readonly long _point;

    private DecimalText(ReadOnlySpan<byte> token)
    {
        var mantissa = token.IndexOfAny((byte)'e', (byte)'E');
        var exponent = mantissa < 0 ? 0 : Exponent(token[(mantissa + 1)..]);
        var digits = mantissa < 0 ? token : token[..mantissa];
        _first = digits.IndexOfAnyInRange((byte)'1', (byte)'9');
        if (_first < 0)
            return;
        _end = digits.LastIndexOfAnyInRange((byte)'1', (byte)'9') + 1;
        var point = digits.IndexOf((byte)'.');
        point = point < 0 ? digits.Length : point;
        _digits = _end - _first - (_first < point && _end > point ? 1 : 0);
        _point = exponent + point - _first + (_first < point ? 0 : 1);
    }

    /// <summary>Writes the ECMAScript form of the token's double.</summary>
    /// <param name="token">A number by JSON's grammar.</param>
    /// <param name="target">At least <see cref="EcmaScriptNumber.MaxLength"/> bytes.</param>
    /// <param name="written">Bytes written.</param>
    /// <param name="exact">Whether the form's decimal value is the token's.</param>
    /// <returns>False where the double would be infinite.</returns>
    internal static bool TryWrite(ReadOnlySpan<byte> token, Span<byte> target, out int written, out bool exact)
    {
        var number = new DecimalText(token);
        written = 0;
        exact = true;
        if (number._digits == 0)
        {
            target[written++] = (byte)'0';
            return true;
        }

        Span<byte> digits = stackalloc byte[DecidingDigits + 1];
        digits = digits[..number.CopyDigits(token, digits)];
        var negative = token[0] == '-';
        if (number._digits <= SafeDigits && number._point is > -290 and < 300)
        {
            written = EcmaScriptNumber.Lay(negative, digits, (int)number._point, target);
            return true;
        }

        var value = number.ToDouble(digits);
        if (double.IsInfinity(value))
            return false;
        exact = value != 0 && number._digits <= 17 && EcmaScriptNumber.IsShortest(value, digits, (int)number._point);
        written = EcmaScriptNumber.Format(negative ? -value : value, target);
        return true;
    }

    private double ToDouble(ReadOnlySpan<byte> digits)
    {
        if (_point > 310)
            return double.PositiveInfinity;
        if (_point < -330)
            return 0;

        // Normalized before parsing: the runtime's parser cuts off exponents that a million zeros before the digits would make up for.
        Span<byte> text = stackalloc byte[DecidingDigits + 16];
        "0."u8.CopyTo(text);
        digits.CopyTo(text[2..]);
        var n = 2 + digits.Length;
        text[n++] = (byte)'E';
        _point.TryFormat(text[n..], out var written, default, CultureInfo.InvariantCulture);
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

    /// <summary>The exponent, saturated far outside what a double can reach.</summary>
    private static long Exponent(ReadOnlySpan<byte> text)
    {
        long exponent = 0;
        foreach (var c in text.TrimStart("+-"u8))
            exponent = Math.Min((exponent * 10) + c - '0', 1L << 50);
        return text[0] == '-' ? -exponent : exponent;
    }
}
