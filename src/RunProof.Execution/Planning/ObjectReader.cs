using System.Globalization;
using System.Text.Json;

namespace RunProof.Execution;

/// <summary>Reads members of JSON objects and collects what is wrong, each with its place.</summary>
internal sealed class ObjectReader
{
    private readonly List<PlanError> _errors = [];

    public IReadOnlyList<PlanError> Errors => _errors;

    public void Fail(string place, string message) => _errors.Add(new PlanError(place, message));

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
    public static IEnumerable<(string Place, string Text)> Strings(JsonElement value, string place) => value.ValueKind switch
    {
        JsonValueKind.String => [(place, value.GetString()!)],
        JsonValueKind.Object => value.EnumerateObject().SelectMany(member => Strings(member.Value, $"{place}.{member.Name}")),
        JsonValueKind.Array => value.EnumerateArray().SelectMany((item, i) => Strings(item, $"{place}[{i.ToString(CultureInfo.InvariantCulture)}]")),
        _ => [],
    };

    public void RefuseOthers(JsonElement value, string place, string[] known)
    {
        foreach (var member in value.EnumerateObject())
        {
            if (Array.IndexOf(known, member.Name) < 0)
                Fail($"{place}.{member.Name}", $"is not a member here; there are: {string.Join(", ", known)}");
        }
    }

    public string? String(JsonElement value, string place, string name)
    {
        if (!value.TryGetProperty(name, out var member))
            return null;
        if (member.ValueKind == JsonValueKind.String)
            return TextOf(member, $"{place}.{name}");
        Fail($"{place}.{name}", $"must be a string, not {Describe(member)}");
        return null;
    }

    public int Integer(JsonElement value, string place, string name, int least, int most, int usual)
    {
        if (!value.TryGetProperty(name, out var member))
            return usual;
        if (member.ValueKind == JsonValueKind.Number && member.TryGetInt32(out var number) && number >= least && number <= most)
            return number;
        Fail($"{place}.{name}", string.Create(CultureInfo.InvariantCulture, $"must be an integer from {least} to {most}"));
        return usual;
    }

    public int Word(JsonElement value, string place, string name, ReadOnlySpan<string> words, int usual)
    {
        if (!value.TryGetProperty(name, out var member))
            return usual;
        for (var i = 0; i < words.Length; i++)
        {
            if (member.ValueKind == JsonValueKind.String && member.ValueEquals(words[i]))
                return i;
        }

        Fail($"{place}.{name}", $"must be one of {string.Join(", ", words!)}");
        return usual;
    }

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
