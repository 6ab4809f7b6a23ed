using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json.Nodes;

namespace RunProof.BuiltinSkills;

/// <summary>A path into JSON: names with dots between them, <c>[n]</c> for an array's element: <c>items[0].price.amount</c>.</summary>
internal sealed class JsonPath
{
    private const int LongestPath = 64;

    private readonly IReadOnlyList<(string? Name, int Index)> _steps;

    private JsonPath(string text, IReadOnlyList<(string?, int)> steps)
    {
        Text = text;
        _steps = steps;
    }

    internal string Text { get; }

    internal bool HasIndex => _steps.Any(step => step.Name is null);

    internal static bool TryParse(string text, [NotNullWhen(true)] out JsonPath? path)
    {
        path = null;
        var steps = new List<(string?, int)>();
        var rest = text.AsSpan();
        while (steps.Count < LongestPath)
        {
            var length = rest.IndexOfAny(".[]");
            var name = length < 0 ? rest : rest[..length];
            if (name.IsEmpty)
                return false;
            steps.Add((name.ToString(), 0));
            rest = rest[name.Length..];
            while (rest is ['[', ..])
            {
                var close = rest.IndexOf(']');
                if (close < 0 || !int.TryParse(rest[1..close], NumberStyles.None, CultureInfo.InvariantCulture, out var index))
                    return false;
                steps.Add((null, index));
                rest = rest[(close + 1)..];
            }

            if (rest.IsEmpty)
            {
                path = new JsonPath(text, steps);
                return true;
            }

            if (rest[0] != '.')
                return false;
            rest = rest[1..];
        }

        return false;
    }

    /// <summary>Whether something stands there, and what.</summary>
    internal bool TryGet(JsonNode? root, out JsonNode? value)
    {
        value = root;
        foreach (var (name, index) in _steps)
        {
            if (!TryStep(ref value, name, index))
                return false;
        }

        return true;
    }

    /// <summary>Takes a member out of its object.</summary>
    internal bool TryRemove(JsonNode? root, out JsonNode? value)
    {
        if (!TryGet(root, out value) || _steps[^1].Name is not { } last || !TryGetParent(root, out var parent) || parent is not JsonObject holder)
            return false;
        return holder.Remove(last);
    }

    /// <summary>Puts a value there; objects on the way that are missing are made, array elements are not.</summary>
    internal bool TrySet(JsonNode? root, JsonNode? value)
    {
        var at = root;
        for (var i = 0; i < _steps.Count - 1; i++)
        {
            var (name, index) = _steps[i];
            if (name is not null && at is JsonObject holder && !holder.ContainsKey(name) && _steps[i + 1].Name is not null)
                holder[name] = new JsonObject();
            if (!TryStep(ref at, name, index))
                return false;
        }

        switch (at, _steps[^1])
        {
            case (JsonObject holder, { Name: { } name }):
                holder[name] = value;
                return true;
            case (JsonArray array, { Name: null, Index: var index }) when index < array.Count:
                array[index] = value;
                return true;
            default:
                return false;
        }
    }

    private bool TryGetParent(JsonNode? root, out JsonNode? parent)
    {
        parent = root;
        foreach (var (name, index) in _steps.SkipLast(1))
        {
            if (!TryStep(ref parent, name, index))
                return false;
        }

        return true;
    }

    private static bool TryStep(ref JsonNode? at, string? name, int index)
    {
        switch (at)
        {
            case JsonObject holder when name is not null && holder.TryGetPropertyValue(name, out var member):
                at = member;
                return true;
            case JsonArray array when name is null && index < array.Count:
                at = array[index];
                return true;
            default:
                return false;
        }
    }
}
