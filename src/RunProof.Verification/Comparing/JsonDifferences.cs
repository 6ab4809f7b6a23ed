using System.Globalization;
using System.Text;
using System.Text.Json;

namespace RunProof.Verification;

/// <summary>A place at which two JSON texts differ.</summary>
/// <param name="Path">Where, as a JSON path: <c>$</c>, <c>$.body.items[0]</c>, <c>$['odd name']</c>.</param>
/// <param name="Left">The value there as JSON text, cut off where it is long; null where there is none.</param>
/// <param name="Right">The same of the other.</param>
public sealed record JsonDifference(string Path, string? Left, string? Right);

/// <summary>Finds where two recorded JSON texts differ. Canonical texts are equal to the byte where their values are; so values are compared as they are spelled.</summary>
public static class JsonDifferences
{
    private const int LongestExcerpt = 200;
    private static readonly JsonDocumentOptions Deep = new() { MaxDepth = 1024 };

    /// <summary>Finds the differences, in the order of the left text; what only the right has comes after its siblings.</summary>
    /// <param name="left">A JSON text.</param>
    /// <param name="right">Another.</param>
    /// <param name="most">At most so many.</param>
    /// <returns>None where the texts are the same to the byte.</returns>
    public static IReadOnlyList<JsonDifference> Between(string left, string right, int most)
    {
        ArgumentNullException.ThrowIfNull(left);
        ArgumentNullException.ThrowIfNull(right);
        ArgumentOutOfRangeException.ThrowIfLessThan(most, 1);
        if (string.Equals(left, right, StringComparison.Ordinal))
            return [];
        var found = new List<JsonDifference>();
        try
        {
            using var one = JsonDocument.Parse(left, Deep);
            using var other = JsonDocument.Parse(right, Deep);
            Compare(new StringBuilder("$"), one.RootElement, other.RootElement, found, most);
        }
        catch (JsonException)
        {
            found.Clear();
        }

        // The bytes differ, though no value does, or what is recorded is no JSON at all: the whole differs.
        return found.Count > 0 ? found : [new JsonDifference("$", Cut(left), Cut(right))];
    }

    /// <summary>Whether a place is another or lies within it.</summary>
    /// <param name="path">The place.</param>
    /// <param name="whole">The other.</param>
    internal static bool IsWithin(string path, string whole) =>
        path.StartsWith(whole, StringComparison.Ordinal) && (path.Length == whole.Length || path[whole.Length] is '.' or '[');

    private static void Compare(StringBuilder path, JsonElement left, JsonElement right, List<JsonDifference> found, int most)
    {
        if (found.Count == most)
            return;
        if (left.ValueKind is JsonValueKind.Object && right.ValueKind is JsonValueKind.Object)
            CompareMembers(path, left, right, found, most);
        else if (left.ValueKind is JsonValueKind.Array && right.ValueKind is JsonValueKind.Array)
            CompareItems(path, left, right, found, most);
        else if (!Same(left, right))
            found.Add(new JsonDifference(path.ToString(), Cut(left.GetRawText()), Cut(right.GetRawText())));
    }

    private static void CompareMembers(StringBuilder path, JsonElement left, JsonElement right, List<JsonDifference> found, int most)
    {
        foreach (var member in left.EnumerateObject())
        {
            var there = right.TryGetProperty(member.Name, out var other);
            At(path, member.Name, () =>
            {
                if (there)
                    Compare(path, member.Value, other, found, most);
                else
                    Add(found, most, new JsonDifference(path.ToString(), Cut(member.Value.GetRawText()), null));
            });
        }

        foreach (var member in right.EnumerateObject())
        {
            if (!left.TryGetProperty(member.Name, out _))
                At(path, member.Name, () => Add(found, most, new JsonDifference(path.ToString(), null, Cut(member.Value.GetRawText()))));
        }
    }

    private static void CompareItems(StringBuilder path, JsonElement left, JsonElement right, List<JsonDifference> found, int most)
    {
        var (ours, theirs) = (left.GetArrayLength(), right.GetArrayLength());
        using var one = left.EnumerateArray();
        using var other = right.EnumerateArray();
        for (var i = 0; i < Math.Max(ours, theirs) && found.Count < most; i++)
        {
            var (isLeft, isRight) = (one.MoveNext(), other.MoveNext());
            var length = path.Length;
            path.Append(CultureInfo.InvariantCulture, $"[{i}]");
            if (isLeft && isRight)
                Compare(path, one.Current, other.Current, found, most);
            else
                found.Add(new JsonDifference(path.ToString(), isLeft ? Cut(one.Current.GetRawText()) : null, isRight ? Cut(other.Current.GetRawText()) : null));
            path.Length = length;
        }
    }

    private static void Add(List<JsonDifference> found, int most, JsonDifference difference)
    {
        if (found.Count < most)
            found.Add(difference);
    }

    private static void At(StringBuilder path, string name, Action act)
    {
        var length = path.Length;
        if (name.Length > 0 && !char.IsAsciiDigit(name[0]) && name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '_'))
            path.Append('.').Append(name);
        else
            path.Append("['").Append(name.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("'", "\\'", StringComparison.Ordinal)).Append("']");
        act();
        path.Length = length;
    }

    private static bool Same(JsonElement left, JsonElement right) =>
        left.ValueKind == right.ValueKind && string.Equals(left.GetRawText(), right.GetRawText(), StringComparison.Ordinal);

    private static string Cut(string text) => text.Length <= LongestExcerpt ? text
        : string.Concat(text.AsSpan(0, char.IsHighSurrogate(text[LongestExcerpt - 1]) ? LongestExcerpt - 1 : LongestExcerpt), "…");
}
