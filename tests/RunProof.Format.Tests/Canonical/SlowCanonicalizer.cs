using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.Json;

namespace RunProof.Format.Tests;

/// <summary>RFC 8785 once more, from its text and not from our code: slow, with strings and recursion.</summary>
internal static class SlowCanonicalizer
{
    internal static string Canonicalize(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "{" + string.Join(',', value.EnumerateObject().OrderBy(m => m.Name, StringComparer.Ordinal).Select(m => Quote(m.Name) + ":" + Canonicalize(m.Value))) + "}",
        JsonValueKind.Array => "[" + string.Join(',', value.EnumerateArray().Select(Canonicalize)) + "]",
        JsonValueKind.String => Quote(value.GetString()!),
        JsonValueKind.Number => Number(value.GetDouble()),
        JsonValueKind.True => "true",
        JsonValueKind.False => "false",
        _ => "null",
    };

    internal static string Quote(string value)
    {
        var text = new StringBuilder("\"");
        foreach (var c in value)
        {
            text.Append(c switch
            {
                '"' => "\\\"",
                '\\' => "\\\\",
                '\b' => "\\b",
                '\t' => "\\t",
                '\n' => "\\n",
                '\f' => "\\f",
                '\r' => "\\r",
                < ' ' => "\\u" + ((int)c).ToString("x4", CultureInfo.InvariantCulture),
                _ => c.ToString(),
            });
        }

        // As UTF-8 would give it back, lone surrogates and all.
        return text.Append('"').ToString();
    }

    /// <summary>ECMA-262 Number::toString, from the digits of the round-trip form.</summary>
    internal static string Number(double value)
    {
        if (value == 0)
            return "0";
        var parts = Math.Abs(value).ToString("E16", CultureInfo.InvariantCulture);
        for (var precision = 0; precision <= 16; precision++)
        {
            var shorter = Math.Abs(value).ToString("E" + precision.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
            if (double.Parse(shorter, CultureInfo.InvariantCulture) == Math.Abs(value))
            {
                parts = shorter;
                break;
            }
        }

        var e = parts.IndexOf('E', StringComparison.Ordinal);
        var digits = parts[..e].Replace(".", "", StringComparison.Ordinal).TrimEnd('0');
        var n = int.Parse(parts[(e + 1)..], CultureInfo.InvariantCulture) + 1;
        var k = digits.Length;
        var sign = value < 0 ? "-" : "";
        if (k <= n && n <= 21)
            return sign + digits + new string('0', n - k);
        if (n is > 0 and <= 21)
            return sign + digits[..n] + "." + digits[n..];
        if (n is > -6 and <= 0)
            return sign + "0." + new string('0', -n) + digits;
        var exponent = (n > 0 ? "+" : "-") + Math.Abs(n - 1).ToString(CultureInfo.InvariantCulture);
        return sign + digits[0] + (k > 1 ? "." + digits[1..] : "") + "e" + exponent;
    }

    /// <summary>Whether a number token's decimal value is that of its ECMAScript form; with integers of any size.</summary>
    internal static bool IsExact(string token)
    {
        var value = double.Parse(token, CultureInfo.InvariantCulture);
        return double.IsFinite(value) && Rational(token) == Rational(Number(value));
    }

    private static (BigInteger Digits, int Exponent) Rational(string token)
    {
        var e = token.IndexOfAny(['e', 'E']);
        var mantissa = e < 0 ? token : token[..e];
        var exponent = e < 0 ? 0 : int.Parse(token[(e + 1)..], CultureInfo.InvariantCulture);
        var dot = mantissa.IndexOf('.', StringComparison.Ordinal);
        exponent -= dot < 0 ? 0 : mantissa.Length - dot - 1;
        var digits = BigInteger.Parse(mantissa.Replace(".", "", StringComparison.Ordinal), CultureInfo.InvariantCulture);
        while (!digits.IsZero && digits % 10 == 0)
        {
            digits /= 10;
            exponent++;
        }

        return (digits, digits.IsZero ? 0 : exponent);
    }
}
