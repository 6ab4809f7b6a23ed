using System.Globalization;
using System.Text.Json;

namespace RunProof.Execution;

/// <summary>A place in the outcome of an earlier step: <c>{{steps.fetch.body.items[0].id}}</c>.</summary>
/// <param name="Step">The step's id.</param>
/// <param name="Path">Member names and array indices, from the outcome's root; empty for the whole outcome.</param>
internal sealed record Reference(string Step, IReadOnlyList<PathPart> Path)
{
    /// <summary>The reference as a plan writes it.</summary>
    public override string ToString() => "{{steps." + Step + string.Concat(Path.Select(part => part.ToString())) + "}}";

    /// <summary>The value that an outcome has at this place.</summary>
    /// <param name="outcome">The outcome's root.</param>
    /// <param name="value">The value, where there is one.</param>
    /// <returns>Whether there is.</returns>
    public bool TryFind(JsonElement outcome, out JsonElement value)
    {
        value = outcome;
        foreach (var part in Path)
        {
            if (part.Name is { } name)
            {
                if (value.ValueKind != JsonValueKind.Object || !value.TryGetProperty(name, out value))
                    return false;
            }
            else
            {
                if (value.ValueKind != JsonValueKind.Array || part.Index >= value.GetArrayLength())
                    return false;
                value = value[part.Index];
            }
        }

        return true;
    }
}

/// <summary>A member's name, or an array index where the name is null.</summary>
internal readonly record struct PathPart(string? Name, int Index)
{
    public override string ToString() => Name is null ? "[" + Index.ToString(CultureInfo.InvariantCulture) + "]" : "." + Name;
}

/// <summary>A string of a plan: text with references in it.</summary>
/// <param name="Parts">Text (a string) and references, in order.</param>
internal sealed record Template(IReadOnlyList<object> Parts)
{
    private const string Open = "{{";
    private const string Close = "}}";

    /// <summary>The one reference that the whole string is; null where it is anything else.</summary>
    public Reference? Whole => Parts is [Reference only] ? only : null;

    public IEnumerable<Reference> References => Parts.OfType<Reference>();

    /// <summary>Whether a string can hold a reference at all; most cannot, and are never parsed.</summary>
    public static bool MayRefer(string text) => text.Contains(Open, StringComparison.Ordinal) && text.Contains("steps.", StringComparison.Ordinal);

    /// <summary>Reads a string. Double braces around anything that does not begin with <c>steps.</c> are plain text.</summary>
    /// <param name="text">The string.</param>
    /// <param name="error">What is wrong with a reference in it.</param>
    /// <returns>The template; null where there is an error.</returns>
    public static Template? Parse(string text, out string? error)
    {
        error = null;
        var parts = new List<object>();
        var literal = 0;
        for (var at = 0; (at = text.IndexOf(Open, at, StringComparison.Ordinal)) >= 0;)
        {
            var inner = text.AsSpan(at + Open.Length).TrimStart(' ');
            if (!inner.StartsWith("steps.", StringComparison.Ordinal))
            {
                at++;
                continue;
            }

            var end = text.IndexOf(Close, at, StringComparison.Ordinal);
            if (end < 0)
            {
                error = $"the reference that begins at character {at.ToString(CultureInfo.InvariantCulture)} has no closing }}}}";
                return null;
            }

            var written = text[at..(end + Close.Length)];
            if (ParseReference(written[Open.Length..^Close.Length].Trim(' ')) is not { } reference)
            {
                error = $"{written} is not a reference: write {{{{steps.<id>.<path>}}}}, the path of names after dots and [indices]";
                return null;
            }

            if (at > literal)
                parts.Add(text[literal..at]);
            parts.Add(reference);
            literal = at = end + Close.Length;
        }

        if (literal < text.Length)
            parts.Add(text[literal..]);
        return new Template(parts);
    }

    private static Reference? ParseReference(string text)
    {
        var rest = text.AsSpan("steps.".Length);
        var end = rest.IndexOfAny('.', '[');
        var id = end < 0 ? rest : rest[..end];
        if (!PlanParser.IsStepId(id))
            return null;
        var path = new List<PathPart>();
        for (rest = end < 0 ? default : rest[end..]; rest.Length > 0;)
        {
            if (TakePart(ref rest) is not { } part)
                return null;
            path.Add(part);
        }

        return new Reference(id.ToString(), path);
    }

    private static PathPart? TakePart(ref ReadOnlySpan<char> rest)
    {
        if (rest[0] == '[')
        {
            var close = rest.IndexOf(']');
            if (close < 0 || !int.TryParse(rest[1..close], NumberStyles.None, CultureInfo.InvariantCulture, out var index))
                return null;
            rest = rest[(close + 1)..];
            return rest.Length > 0 && rest[0] is not ('.' or '[') ? null : new PathPart(null, index);
        }

        var name = rest[1..];
        var end = name.IndexOfAny('.', '[');
        var taken = end < 0 ? name : name[..end];
        rest = end < 0 ? default : name[end..];
        return taken.IsEmpty || taken.IndexOfAny("]{}") >= 0 ? null : new PathPart(taken.ToString(), 0);
    }
}
