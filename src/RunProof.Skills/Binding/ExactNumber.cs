using System.Globalization;
using System.Numerics;

namespace RunProof.Skills;

/// <summary>A decimal text as what it says exactly: digits without outer zeros, times a power of ten.</summary>
internal readonly ref struct ExactNumber
{
    // No integer or decimal type has more digits; what has more fits none of them.
    private const int MaxDigits = 40;
    private readonly bool _negative;
    private readonly string _digits;
    private readonly long _exponent;

    private ExactNumber(bool negative, string digits, long exponent)
    {
        _negative = negative && digits.Length > 0;
        _digits = digits;
        _exponent = exponent;
    }

    internal bool IsWhole => _exponent >= 0 || _digits.Length == 0;

    /// <summary>Takes a number in JSON's grammar; anything else is refused.</summary>
    internal static bool TryParse(string text, out ExactNumber number)
    {
        number = default;
        var rest = text.AsSpan();
        var negative = rest is ['-', ..];
        if (negative)
            rest = rest[1..];
        var whole = Digits(ref rest);
        if (whole.IsEmpty || (whole.Length > 1 && whole[0] == '0'))
            return false;
        ReadOnlySpan<char> fraction = default;
        if (rest is ['.', ..])
        {
            rest = rest[1..];
            fraction = Digits(ref rest);
            if (fraction.IsEmpty)
                return false;
        }

        if (!TryExponent(rest, out var exponent))
            return false;
        var digits = string.Concat(whole, fraction).TrimStart('0');
        var trimmed = digits.TrimEnd('0');
        number = new ExactNumber(negative, trimmed, exponent - fraction.Length + digits.Length - trimmed.Length);
        return true;
    }

    internal bool TryToInteger<T>(out T value)
        where T : struct, IBinaryInteger<T>
    {
        value = T.Zero;
        if (_digits.Length == 0)
            return true;
        if (!IsWhole || _digits.Length + _exponent > MaxDigits)
            return false;
        var text = (_negative ? "-" : "") + _digits + new string('0', (int)_exponent);
        return T.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value);
    }

    internal bool TryToDecimal(out decimal value)
    {
        value = 0;
        if (_digits.Length == 0)
            return true;
        if (_digits.Length > MaxDigits || _exponent < -28 || _digits.Length + _exponent > 29)
            return false;
        // Parsing rounds silently; reading the result back shows whether it did.
        var text = (_negative ? "-" : "") + _digits + "e" + _exponent.ToString(CultureInfo.InvariantCulture);
        return decimal.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out value)
            && TryParse(value.ToString(CultureInfo.InvariantCulture), out var back)
            && back._digits == _digits && back._exponent == _exponent;
    }

    private static ReadOnlySpan<char> Digits(scoped ref ReadOnlySpan<char> rest)
    {
        var end = rest.IndexOfAnyExceptInRange('0', '9');
        var digits = end < 0 ? rest : rest[..end];
        rest = rest[digits.Length..];
        return digits;
    }

    private static bool TryExponent(ReadOnlySpan<char> rest, out long exponent)
    {
        exponent = 0;
        if (rest.IsEmpty)
            return true;
        if (rest[0] is not ('e' or 'E'))
            return false;
        rest = rest[1..];
        var negative = rest is ['-', ..];
        if (rest is ['-' or '+', ..])
            rest = rest[1..];
        // More digits than these are out of every type's range, and would overflow the sums here.
        if (rest.Length > 12 || !long.TryParse(rest, NumberStyles.None, CultureInfo.InvariantCulture, out exponent))
            return false;
        exponent = negative ? -exponent : exponent;
        return true;
    }
}
