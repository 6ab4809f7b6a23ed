using System.Globalization;
using System.Text.Json;

namespace RunProof.Execution;

/// <summary>
/// Reads members of JSON objects that a caller wrote, and collects everything that is wrong, each with its place. A place is empty at the document's root.
/// </summary>
public sealed class ObjectReader
{
    private readonly List<PlanError> _errors = [];

    /// <summary>What was wrong so far, in the order in which it was found.</summary>
    public IReadOnlyList<PlanError> Errors => _errors;

    /// <summary>Adds an error.</summary>
    /// <param name="place">Where.</param>
    /// <param name="message">What is wrong there, in a sentence a caller can act on.</param>
    public void Fail(string place, string message) => _errors.Add(new PlanError(place, message));

    /// <summary>A value's kind, with its article.</summary>
    /// <param name="value">The value.</param>
    /// <returns><c>an object</c>, <c>null</c>, ….</returns>
    public static string Describe(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => "a number",
        JsonValueKind.True or JsonValueKind.False => "a boolean",
        _ => "null",
    };

    /// <summary>All strings in a value, each with its place.</summary>
    internal static IEnumerable<(string Place, string Text)> Strings(JsonElement value, string place) => value.ValueKind switch
    {
        JsonValueKind.String => [(place, value.GetString()!)],
        JsonValueKind.Object => value.EnumerateObject().SelectMany(member => Strings(member.Value, $"{place}.{member.Name}")),
        JsonValueKind.Array => value.EnumerateArray().SelectMany((item, i) => Strings(item, $"{place}[{i.ToString(CultureInfo.InvariantCulture)}]")),
        _ => [],
    };

    /// <summary>Refuses members that are not known.</summary>
    /// <param name="value">An object.</param>
    /// <param name="place">Where it stands.</param>
    /// <param name="known">The names it may have.</param>
    public void RefuseOthers(JsonElement value, string place, string[] known)
    {
        foreach (var member in value.EnumerateObject())
        {
            if (Array.IndexOf(known, member.Name) < 0)
                Fail(At(place, member.Name), $"is not a member here; there are: {string.Join(", ", known)}");
        }
    }

    /// <summary>A string member; null where it is missing.</summary>
    /// <param name="value">An object.</param>
    /// <param name="place">Where it stands.</param>
    /// <param name="name">The member.</param>
    /// <param name="required">Whether it must be there.</param>
    public string? String(JsonElement value, string place, string name, bool required = false)
    {
        if (!value.TryGetProperty(name, out var member))
        {
            if (required)
                Fail(At(place, name), "is missing");
            return null;
        }

        if (member.ValueKind == JsonValueKind.String)
            return TextOf(member, At(place, name));
        Fail(At(place, name), $"must be a string, not {Describe(member)}");
        return null;
    }

    /// <summary>A boolean member; false where it is missing.</summary>
    /// <param name="value">An object.</param>
    /// <param name="place">Where it stands.</param>
    /// <param name="name">The member.</param>
    public bool Boolean(JsonElement value, string place, string name)
    {
        if (!value.TryGetProperty(name, out var member))
            return false;
        if (member.ValueKind is not (JsonValueKind.True or JsonValueKind.False))
            Fail(At(place, name), $"must be true or false, not {Describe(member)}");
        return member.ValueKind is JsonValueKind.True;
    }

    /// <summary>An integer member.</summary>
    /// <param name="value">An object.</param>
    /// <param name="place">Where it stands.</param>
    /// <param name="name">The member.</param>
    /// <param name="least">The least it may be.</param>
    /// <param name="most">The most it may be.</param>
    /// <param name="usual">What it is where it is missing.</param>
    public int Integer(JsonElement value, string place, string name, int least, int most, int usual)
    {
        if (!value.TryGetProperty(name, out var member))
            return usual;
        if (member.ValueKind == JsonValueKind.Number && member.TryGetInt32(out var number) && number >= least && number <= most)
            return number;
        Fail(At(place, name), string.Create(CultureInfo.InvariantCulture, $"must be an integer from {least} to {most}"));
        return usual;
    }

    /// <summary>A member that is one of some words.</summary>
    /// <param name="value">An object.</param>
    /// <param name="place">Where it stands.</param>
    /// <param name="name">The member.</param>
    /// <param name="words">The words.</param>
    /// <param name="usual">The index of the word where it is missing.</param>
    /// <returns>The word's index.</returns>
    public int Word(JsonElement value, string place, string name, ReadOnlySpan<string> words, int usual)
    {
        if (!value.TryGetProperty(name, out var member))
            return usual;
        for (var i = 0; i < words.Length; i++)
        {
            if (member.ValueKind == JsonValueKind.String && member.ValueEquals(words[i]))
                return i;
        }

        Fail(At(place, name), $"must be one of {string.Join(", ", words!)}");
        return usual;
    }

    /// <summary>Whether a string is Unicode text: without a lone surrogate.</summary>
    internal static bool IsText(JsonElement value)
    {
        try
        {
            return value.GetString() is not null;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    private static string At(string place, string name) => place.Length == 0 ? name : $"{place}.{name}";

    private string? TextOf(JsonElement member, string place)
    {
        try
        {
            return member.GetString();
        }
        catch (InvalidOperationException)
        {
            Fail(place, "has a lone surrogate: it is no Unicode text");
            return null;
        }
    }
}
