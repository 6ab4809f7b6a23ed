using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.RegularExpressions;
using RunProof.Format;

namespace RunProof.Policies;

/// <summary>What a parameter's value must be. All conditions that are given must hold.</summary>
internal sealed record Matcher
{
    /// <summary>Whether there must be a value at all; null where it is asked for nothing else.</summary>
    internal bool? Exists { get; init; }

    internal IReadOnlyList<Expected>? In { get; init; }

    internal IReadOnlyList<Expected>? NotIn { get; init; }

    internal Globs? Like { get; init; }

    internal Globs? NotLike { get; init; }

    internal Regex? Pattern { get; init; }

    internal string? Contains { get; init; }

    internal NumberRange? Range { get; init; }

    /// <summary>Whether a value is what it must be.</summary>
    /// <exception cref="InvalidDataException">It cannot be told.</exception>
    internal bool Matches(JsonElement value) =>
        Exists is not false
        && (In is null || In.Any(one => one.Is(value)))
        && (NotIn is null || !NotIn.Any(one => one.Is(value)))
        && (Like is null || (TextOf(value) is { } liked && Like.IsMatch(liked)))
        && (NotLike is null || TextOf(value) is not { } unliked || !NotLike.IsMatch(unliked))
        && (Pattern is null || (TextOf(value) is { } text && Pattern.IsMatch(text)))
        && (Contains is null || Holds(value, Contains))
        && (Range is null || (NumberOf(value) is { } number && Range.Holds(number)));

    private static bool Holds(JsonElement value, string part) => value.ValueKind switch
    {
        JsonValueKind.Array => value.EnumerateArray().Any(item => TextOf(item) == part),
        JsonValueKind.Object => value.EnumerateObject().Any(member => member.Name == part),
        _ => TextOf(value)?.Contains(part, StringComparison.Ordinal) ?? false,
    };

    private static string? TextOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => value.GetRawText(),
        _ => null,
    };

    // Amounts beyond a double's digits are texts in canonical JSON. Null is no amount; what is neither cannot be compared.
    private static decimal? NumberOf(JsonElement value)
    {
        if (value.ValueKind is JsonValueKind.Null)
            return null;
        var text = value.ValueKind is JsonValueKind.String ? value.GetString() : value.ValueKind is JsonValueKind.Number ? value.GetRawText() : null;
        return decimal.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new InvalidDataException("a value that is compared with a number is none, or has too many digits");
    }
}

/// <summary>A value that a parameter is compared with.</summary>
internal sealed record Expected(PolicyNode Node, CanonicalJson Canonical)
{
    internal bool Is(JsonElement value) => Node.Kind switch
    {
        NodeKind.Null => value.ValueKind is JsonValueKind.Null,
        NodeKind.Boolean => value.ValueKind is JsonValueKind.True or JsonValueKind.False && value.GetRawText() == Node.Text,
        NodeKind.Text => value.ValueKind is JsonValueKind.String && value.ValueEquals(Node.Text),
        NodeKind.Number => value.ValueKind is JsonValueKind.Number && IsSame(value),
        NodeKind.List => value.ValueKind is JsonValueKind.Array && IsSame(value),
        _ => value.ValueKind is JsonValueKind.Object && IsSame(value),
    };

    private bool IsSame(JsonElement value)
    {
        try
        {
            return CanonicalJson.Parse(JsonMarshal.GetRawUtf8Value(value)).Equals(Canonical);
        }
        catch (CanonicalFormatException)
        {
            // A number that no double keeps is not one that the document could write; anything else has two meanings.
            return value.ValueKind is JsonValueKind.Number ? false : throw new InvalidDataException("a value that is compared has more than one meaning");
        }
    }
}

/// <summary>From where to where a number may be.</summary>
internal sealed record NumberRange(decimal? Above, decimal? AtLeast, decimal? Below, decimal? AtMost)
{
    internal bool Holds(decimal number) => !(number <= Above) && !(number < AtLeast) && !(number >= Below) && !(number > AtMost);
}
