using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;

namespace RunProof.Generators.Tests.Driving;

/// <summary>RFC 8785 written for comparison only: slowly, from its text, sharing nothing with the code under test.</summary>
internal static class SlowCanonicalizer
{
    public static string Canonicalize(JsonNode? node) => node switch
    {
        null => "null",
        JsonObject members => "{" + string.Join(',', members.OrderBy(static member => member.Key, StringComparer.Ordinal)
            .Select(static member => Text(member.Key) + ":" + Canonicalize(member.Value))) + "}",
        JsonArray items => "[" + string.Join(',', items.Select(Canonicalize)) + "]",
        JsonValue value when value.TryGetValue<string>(out var text) => Text(text),
        JsonValue value when value.TryGetValue<bool>(out var flag) => flag ? "true" : "false",
        JsonValue value => Number(value.GetValue<double>()),
        _ => throw new ArgumentOutOfRangeException(nameof(node)),
    };

    private static string Text(string text)
    {
        var json = new StringBuilder("\"");
        foreach (var c in text)
        {
            var escape = "\"\"\\\\\bb\tt\nn\ff\rr".IndexOf(c, StringComparison.Ordinal);
            json.Append(escape >= 0 && escape % 2 == 0 ? "\\" + "\"\"\\\\\bb\tt\nn\ff\rr"[escape + 1] : c < ' ' ? "\\u" + ((int)c).ToString("x4", CultureInfo.InvariantCulture) : c.ToString());
        }

        return json.Append('"').ToString();
    }

    /// <summary>ECMA-262 Number::toString: the shortest digits that round-trip (.NET's R form), in its layout.</summary>
    private static string Number(double value)
    {
        if (value == 0)
            return "0";
        if (value < 0)
            return "-" + Number(-value);
        var parts = value.ToString("E16", CultureInfo.InvariantCulture).Split('E');
        for (var precision = 0; precision <= 16; precision++)
        {
            var shorter = value.ToString("E" + precision.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
            if (double.Parse(shorter, CultureInfo.InvariantCulture) == value)
            {
                parts = shorter.Split('E');
                break;
            }
        }

        var digits = parts[0].Replace(".", "", StringComparison.Ordinal).TrimEnd('0');
        var (k, n) = (digits.Length, int.Parse(parts[1], CultureInfo.InvariantCulture) + 1);
        if (k <= n && n <= 21)
            return digits + new string('0', n - k);
        if (n is > 0 and <= 21)
            return digits[..n] + "." + digits[n..];
        if (n is > -6 and <= 0)
            return "0." + new string('0', -n) + digits;
        var exponent = "e" + (n > 0 ? "+" : "-") + Math.Abs(n - 1).ToString(CultureInfo.InvariantCulture);
        return k == 1 ? digits + exponent : digits[..1] + "." + digits[1..] + exponent;
    }
}
