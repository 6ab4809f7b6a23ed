using System.Globalization;

namespace RunProof.Verification;

/// <summary>Numbers as a numeric column prints them. A decimal rounds what it cannot hold; evidence must not be rounded.</summary>
internal static class WireDecimal
{
    private const int LongestExact = 64;

    internal static bool TryParse(string? text, out decimal value)
    {
        value = 0;
        if (text is not { Length: >= 1 and <= LongestExact } || text.AsSpan().ContainsAnyExcept("-.0123456789"))
            return false;
        return decimal.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out value)
            && Plain(text) == Plain(value.ToString(CultureInfo.InvariantCulture))
            && !(value == 0 && text.StartsWith('-'));
    }

    /// <summary>Without leading zeros, trailing fractional zeros, a bare point, or a sign on zero. A numeric column may show any scale: 0.250 is 0.25.</summary>
    private static string Plain(string text)
    {
        var negative = text.StartsWith('-');
        var digits = negative ? text[1..] : text;
        if (digits.Contains('.', StringComparison.Ordinal))
            digits = digits.TrimEnd('0').TrimEnd('.');
        digits = digits.TrimStart('0');
        return digits.Length == 0 ? "0" : (negative ? "-" : "") + digits;
    }
}
