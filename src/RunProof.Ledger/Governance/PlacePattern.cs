using System.Globalization;
using System.Text;
using System.Text.Json;
using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>
/// Names places in a JSON value: <c>headers.authorization</c>, <c>items[2].email</c>, <c>items[*].email</c> (every item), <c>headers.*</c> (every member),
/// <c>["odd name"].x</c>. Spelled as <see cref="Removal.Place"/> is, with <c>*</c> in addition.
/// </summary>
public sealed class PlacePattern
{
    /// <summary>The most parts that a place may have.</summary>
    public const int MaxParts = 32;

    private readonly Part[] _parts;

    private PlacePattern(string text, Part[] parts) => (Text, _parts) = (text, parts);

    /// <summary>As it was written.</summary>
    public string Text { get; }

    internal ReadOnlySpan<Part> Parts => _parts;

    /// <summary>Reads a pattern.</summary>
    /// <param name="text">The text; not empty.</param>
    /// <param name="pattern">The pattern, or null.</param>
    /// <param name="error">What is wrong with it, or null.</param>
    /// <returns>Whether it is one.</returns>
    public static bool TryParse(string text, out PlacePattern? pattern, out string? error)
    {
        ArgumentNullException.ThrowIfNull(text);
        var parts = new List<Part>();
        var at = 0;
        error = null;
        pattern = null;
        while (at < text.Length || parts.Count == 0)
        {
            if (text.Length == 0)
                error = "is empty";
            else if (at < text.Length && text[at] == '[')
                error = ReadBracket(text, ref at, parts);
            else
                error = ReadName(text, ref at, parts);
            if (error is null && parts.Count > MaxParts)
                error = string.Create(CultureInfo.InvariantCulture, $"has more than {MaxParts} parts");
            if (error is not null)
                return false;
        }

        pattern = new PlacePattern(text, [.. parts]);
        return true;
    }

    /// <summary>The same place seen from an array that holds the value as a member of one of its items.</summary>
    /// <param name="index">The item.</param>
    /// <param name="member">The member, or the names that lead to it.</param>
    /// <returns><c>[index].member.…</c>.</returns>
    public PlacePattern Within(int index, params ReadOnlySpan<string> member)
    {
        var names = member.ToArray();
        var text = string.Create(CultureInfo.InvariantCulture, $"[{index}].{string.Join('.', names)}{(Text[0] == '[' ? "" : ".")}{Text}");
        return new PlacePattern(text, [new Part(null, index, IsItem: true), .. names.Select(static name => new Part(name, null, IsItem: false)), .. _parts]);
    }

    /// <summary>The values at the places, also within JSON that is kept as text under <c>$json</c> (proof-format.md section 1, rule 2).</summary>
    /// <param name="root">The value.</param>
    /// <exception cref="InvalidDataException">A place leads into bytes that cannot be looked into: whoever asks must not take that for "nothing there".</exception>
    /// <returns>None, one, or several where the pattern has a <c>*</c> or a text a name twice.</returns>
    public IEnumerable<JsonElement> Find(JsonElement root) => Find(root, 0);

    private IEnumerable<JsonElement> Find(JsonElement value, int at)
    {
        if (KeptAsText(value) is { } inner)
            return Find(inner, at);
        if (at == _parts.Length)
            return [value];
        var part = _parts[at];
        return value.ValueKind switch
        {
            JsonValueKind.Object when !part.IsItem => value.EnumerateObject().Where(member => part.Names(member.Name)).SelectMany(member => Find(member.Value, at + 1)),
            JsonValueKind.Array when part.IsItem => value.EnumerateArray().Where((_, index) => part.Indexes(index)).SelectMany(item => Find(item, at + 1)),
            _ => [],
        };
    }

    /// <summary>The value that is kept as text; null for any other value.</summary>
    internal static JsonElement? KeptAsText(JsonElement value)
    {
        if (value.ValueKind is not JsonValueKind.Object)
            return null;
        if (value.TryGetProperty("$base64", out _))
            throw new InvalidDataException("a value that is kept as bytes cannot be looked into");
        if (!value.TryGetProperty("$json", out var text))
            return null;
        if (text.ValueKind is not JsonValueKind.String)
            throw new InvalidDataException("a member $json that is no text cannot be looked into");
        try
        {
            using var document = JsonDocument.Parse(text.GetString()!, new JsonDocumentOptions { MaxDepth = 1024 });
            return document.RootElement.Clone();
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException("a member $json that is no JSON cannot be looked into", fault);
        }
    }

    private static string? ReadName(string text, ref int at, List<Part> parts)
    {
        if (parts.Count > 0)
        {
            if (text[at] != '.')
                return string.Create(CultureInfo.InvariantCulture, $"has no . or [ at character {at + 1}");
            at++;
        }

        var end = text.AsSpan(at).IndexOfAny('.', '[');
        var name = end < 0 ? text[at..] : text.Substring(at, end);
        if (name.Length == 0)
            return string.Create(CultureInfo.InvariantCulture, $"has no name at character {at + 1}");
        if (name.AsSpan().ContainsAny("\"]"))
            return $"has a name, {name}, that must be written as [\"…\"]";
        parts.Add(name == "*" ? new Part(null, null, IsItem: false) : new Part(name, null, IsItem: false));
        at += name.Length;
        return null;
    }

    private static string? ReadBracket(string text, ref int at, List<Part> parts)
    {
        if (at + 1 < text.Length && text[at + 1] == '"')
            return ReadQuoted(text, ref at, parts);
        var end = text.IndexOf(']', at);
        if (end < 0)
            return string.Create(CultureInfo.InvariantCulture, $"has a [ at character {at + 1} that is not closed");
        var inside = text.AsSpan(at + 1, end - at - 1);
        if (inside is "*")
            parts.Add(new Part(null, null, IsItem: true));
        else if (int.TryParse(inside, NumberStyles.None, CultureInfo.InvariantCulture, out var index))
            parts.Add(new Part(null, index, IsItem: true));
        else
            return $"has [{inside}], which is neither [n], [*] nor [\"name\"]";
        at = end + 1;
        return null;
    }

    private static string? ReadQuoted(string text, ref int at, List<Part> parts)
    {
        var name = new StringBuilder();
        for (var i = at + 2; i < text.Length; i++)
        {
            if (text[i] == '"')
            {
                if (i + 1 >= text.Length || text[i + 1] != ']')
                    break;
                parts.Add(new Part(name.ToString(), null, IsItem: false));
                at = i + 2;
                return null;
            }

            if (text[i] == '\\' && i + 1 < text.Length)
                i++;
            name.Append(text[i]);
        }

        return string.Create(CultureInfo.InvariantCulture, $"has a [\" at character {at + 1} that is not closed");
    }

    /// <summary>One step down: a member or an item.</summary>
    internal readonly record struct Part(string? Name, int? Index, bool IsItem)
    {
        internal bool Names(string name) => !IsItem && (Name is null || Name == name);

        internal bool Indexes(int index) => IsItem && (Index is null || Index == index);
    }
}
