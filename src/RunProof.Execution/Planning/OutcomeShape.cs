using System.Text.Json;

namespace RunProof.Execution;

/// <summary>What a skill's outcome schema says about a path. It errs on the side of the plan: only what can never be there is refused.</summary>
internal static class OutcomeShape
{
    /// <summary>Whether an outcome of this schema can never have a value at a path.</summary>
    /// <param name="schema">JSON Schema of the outcome.</param>
    /// <param name="path">The path.</param>
    /// <returns>True where it cannot.</returns>
    public static bool Excludes(JsonElement schema, IReadOnlyList<PathPart> path)
    {
        foreach (var part in path)
        {
            if (schema.ValueKind != JsonValueKind.Object || IsOpen(schema))
                return false;
            var next = part.Name is { } name ? Member(schema, name) : Items(schema);
            if (next is not { } found)
                return true;
            schema = found;
        }

        return false;
    }

    // A schema of these forms may admit anything.
    private static bool IsOpen(JsonElement schema) =>
        schema.TryGetProperty("$ref", out _) || schema.TryGetProperty("anyOf", out _) || schema.TryGetProperty("oneOf", out _)
        || schema.TryGetProperty("allOf", out _) || schema.TryGetProperty("patternProperties", out _) || !schema.TryGetProperty("type", out _);

    private static JsonElement? Member(JsonElement schema, string name)
    {
        if (!Admits(schema, "object"))
            return null;
        if (schema.TryGetProperty("properties", out var properties) && properties.TryGetProperty(name, out var member))
            return member;
        if (!schema.TryGetProperty("additionalProperties", out var others))
            return default(JsonElement);
        return others.ValueKind == JsonValueKind.False ? null : others;
    }

    private static JsonElement? Items(JsonElement schema)
    {
        if (!Admits(schema, "array"))
            return null;
        return schema.TryGetProperty("items", out var items) ? items : default(JsonElement);
    }

    private static bool Admits(JsonElement schema, string type)
    {
        var declared = schema.GetProperty("type");
        return declared.ValueKind == JsonValueKind.Array
            ? declared.EnumerateArray().Any(one => one.ValueEquals(type))
            : declared.ValueEquals(type);
    }
}
