using System.Globalization;
using System.Numerics;
using System.Text.Json;

namespace RunProof.Execution;

/// <summary>A decimal number as it is written, without rounding: what a double cannot hold is told apart all the same.</summary>
internal readonly struct ExactNumber : IComparable<ExactNumber>
{
    // The longest a number may be written: far more than a decimal or an Int128 needs.
    private const int MaxLength = 400;
    private const int MaxExponent = 400;

    private readonly BigInteger _digits;
    private readonly int _exponent;

    private ExactNumber(BigInteger digits, int exponent) => (_digits, _exponent) = (digits, exponent);

    /// <summary>The number that a JSON value is: a number, or a string that holds a plain decimal, as longs and decimals are recorded.</summary>
    /// <returns>Null where it is none.</returns>
    public static ExactNumber? Of(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Number => Parse(value.GetRawText(), mayHaveExponent: true),
        JsonValueKind.String => Parse(value.GetString()!, mayHaveExponent: false),
        _ => null,
    };

    /// <inheritdoc/>
    public int CompareTo(ExactNumber other)
    {
        var least = Math.Min(_exponent, other._exponent);
        return At(least).CompareTo(other.At(least));
    }

    // JSON's own grammar of numbers; ".5", "+1" and "01" are texts.
    private static ExactNumber? Parse(ReadOnlySpan<char> text, bool mayHaveExponent)
    {
        if (text.Length is 0 or > MaxLength)
            return null;
        var exponent = 0;
        if (text.IndexOfAny('e', 'E') is var at and >= 0)
        {
            if (!mayHaveExponent || !int.TryParse(text[(at + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out exponent) || Math.Abs(exponent) > MaxExponent)
                return null;
            text = text[..at];
        }

        var unsigned = text[0] == '-' ? text[1..] : text;
        var dot = unsigned.IndexOf('.');
        var whole = dot < 0 ? unsigned : unsigned[..dot];
        var fraction = dot < 0 ? default : unsigned[(dot + 1)..];
        if (!IsDigits(whole) || (whole.Length > 1 && whole[0] == '0') || (dot >= 0 && !IsDigits(fraction)))
            return null;
        var digits = BigInteger.Parse(string.Concat(whole, fraction), NumberStyles.None, CultureInfo.InvariantCulture);
        return new ExactNumber(text[0] == '-' ? -digits : digits, exponent - fraction.Length);
    }

    private static bool IsDigits(ReadOnlySpan<char> text) => !text.IsEmpty && !text.ContainsAnyExceptInRange('0', '9');

    private BigInteger At(int exponent) => _exponent == exponent ? _digits : _digits * BigInteger.Pow(10, _exponent - exponent);
}
