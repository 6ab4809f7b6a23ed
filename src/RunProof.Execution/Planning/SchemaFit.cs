using System.Globalization;
using System.Text.Json;

namespace RunProof.Execution;

/// <summary>The types of JSON that a value may have, as far as a schema says.</summary>
[Flags]
internal enum JsonTypes
{
    None = 0,
    Null = 1,
    Boolean = 2,
    Number = 4,
    Text = 8,
    Array = 16,
    Object = 32,
    Any = Null | Boolean | Number | Text | Array | Object,
}

/// <summary>
/// Whether what one schema admits can be what another wants. It errs on the side of the plan: a schema of unknown form, or of several, admits anything, and only what can
/// never fit is told.
/// </summary>
internal static class SchemaFit
{
    private const int MaxDepth = 16;

    /// <summary>What a schema says at a path; undefined where it says nothing.</summary>
    /// <param name="schema">JSON Schema of a value.</param>
    /// <param name="path">A path that it does not exclude.</param>
    public static JsonElement At(JsonElement schema, IReadOnlyList<PathPart> path)
    {
        foreach (var part in path)
        {
            if (IsOpen(schema))
                return default;
            schema = part.Name is { } name ? Member(schema, name) : Member(schema, "items", isKeyword: true);
        }

        return schema;
    }

    /// <summary>Why a value of one schema never fits another; null where it may.</summary>
    /// <param name="given">The schema of what is given; undefined for anything.</param>
    /// <param name="wanted">The schema of what is wanted; undefined for anything.</param>
    public static string? Misfit(JsonElement given, JsonElement wanted) => Misfit(given, wanted, "", 0);

    /// <summary>The types that a schema admits.</summary>
    public static JsonTypes TypesOf(JsonElement schema)
    {
        if (schema.ValueKind is not JsonValueKind.Object || HasForms(schema))
            return JsonTypes.Any;
        var types = schema.TryGetProperty("type", out var type) ? Declared(type) : JsonTypes.Any;
        if (ValuesOf(schema) is { } values)
            types &= values.Aggregate(JsonTypes.None, static (all, one) => all | TypeOf(one));
        return types;
    }

    /// <summary>The type of a value.</summary>
    public static JsonTypes TypeOf(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Null => JsonTypes.Null,
        JsonValueKind.True or JsonValueKind.False => JsonTypes.Boolean,
        JsonValueKind.Number => JsonTypes.Number,
        JsonValueKind.String => JsonTypes.Text,
        JsonValueKind.Array => JsonTypes.Array,
        JsonValueKind.Object => JsonTypes.Object,
        _ => JsonTypes.Any,
    };

    /// <summary>Types in words: <c>a string or null</c>.</summary>
    public static string Words(JsonTypes types)
    {
        (JsonTypes Type, string Word)[] words =
        [
            (JsonTypes.Text, "a string"), (JsonTypes.Number, "a number"), (JsonTypes.Boolean, "a boolean"), (JsonTypes.Array, "an array"), (JsonTypes.Object, "an object"), (JsonTypes.Null, "null"),
        ];
        return types is JsonTypes.Any ? "any value" : string.Join(" or ", words.Where(word => types.HasFlag(word.Type)).Select(word => word.Word));
    }

    private static string? Misfit(JsonElement given, JsonElement wanted, string at, int depth)
    {
        var (have, want) = (TypesOf(given), TypesOf(wanted));
        if ((have & want) is JsonTypes.None)
            return $"is {Words(have)}{at}, where {Words(want)} is wanted";
        if (depth == MaxDepth)
            return null;
        if (ValuesOf(given) is { } some && ValuesOf(wanted) is { } others && !some.Any(one => others.Any(other => JsonElement.DeepEquals(one, other))))
            return $"is none of the values{at} that are wanted: {string.Join(", ", others.Take(10).Select(static other => other.GetRawText()))}";
        return have switch
        {
            JsonTypes.Array when want.HasFlag(JsonTypes.Array) && !IsOpen(wanted) && !IsOpen(given) =>
                Misfit(Member(given, "items", isKeyword: true), Member(wanted, "items", isKeyword: true), at + "[]", depth + 1),
            JsonTypes.Object when want.HasFlag(JsonTypes.Object) && !IsOpen(wanted) && !IsOpen(given) => OfMembers(given, wanted, at, depth),
            _ => null,
        };
    }

    private static string? OfMembers(JsonElement given, JsonElement wanted, string at, int depth)
    {
        if (wanted.TryGetProperty("required", out var required) && required.ValueKind is JsonValueKind.Array)
        {
            foreach (var name in required.EnumerateArray().Where(static one => one.ValueKind is JsonValueKind.String).Select(static one => one.GetString()!))
            {
                if (OutcomeShape.Excludes(given, [new PathPart(name, 0)]))
                    return $"never has the member {(at + "." + name).TrimStart('.')} that is wanted";
            }
        }

        if (!given.TryGetProperty("properties", out var properties) || properties.ValueKind is not JsonValueKind.Object)
            return null;
        var always = given.TryGetProperty("required", out var names) && names.ValueKind is JsonValueKind.Array
            ? names.EnumerateArray().Where(static one => one.ValueKind is JsonValueKind.String).Select(static one => one.GetString()!).ToHashSet(StringComparer.Ordinal)
            : [];
        foreach (var member in properties.EnumerateObject().Where(member => always.Contains(member.Name)))
        {
            var within = at + "." + member.Name;
            if (OutcomeShape.Excludes(wanted, [new PathPart(member.Name, 0)]))
                return $"has the member {within.TrimStart('.')}, which is not wanted";
            if (Misfit(member.Value, Member(wanted, member.Name), (at.Length == 0 ? " at " : "") + within.TrimStart('.'), depth + 1) is { } misfit)
                return misfit;
        }

        return null;
    }

    private static JsonElement Member(JsonElement schema, string name, bool isKeyword = false)
    {
        if (isKeyword)
            return schema.TryGetProperty(name, out var keyword) ? keyword : default;
        if (schema.TryGetProperty("properties", out var properties) && properties.ValueKind is JsonValueKind.Object && properties.TryGetProperty(name, out var member))
            return member;
        return schema.TryGetProperty("additionalProperties", out var others) ? others : default;
    }

    private static JsonTypes Declared(JsonElement type) => type.ValueKind switch
    {
        JsonValueKind.String => Named(type.GetString()!),
        JsonValueKind.Array => type.EnumerateArray().Aggregate(JsonTypes.None, static (all, one) => all | (one.ValueKind is JsonValueKind.String ? Named(one.GetString()!) : JsonTypes.Any)),
        _ => JsonTypes.Any,
    };

    private static JsonTypes Named(string type) => type switch
    {
        "null" => JsonTypes.Null,
        "boolean" => JsonTypes.Boolean,
        "integer" or "number" => JsonTypes.Number,
        "string" => JsonTypes.Text,
        "array" => JsonTypes.Array,
        "object" => JsonTypes.Object,
        _ => JsonTypes.Any,
    };

    private static List<JsonElement>? ValuesOf(JsonElement schema)
    {
        if (schema.ValueKind is not JsonValueKind.Object || HasForms(schema))
            return null;
        if (schema.TryGetProperty("const", out var only))
            return [only];
        return schema.TryGetProperty("enum", out var values) && values.ValueKind is JsonValueKind.Array ? [.. values.EnumerateArray()] : null;
    }

    // What is true of it depends on more than its own type.
    private static bool IsOpen(JsonElement schema) => schema.ValueKind is not JsonValueKind.Object || HasForms(schema) || !schema.TryGetProperty("type", out _);

    private static bool HasForms(JsonElement schema) =>
        schema.EnumerateObject().Any(static keyword => keyword.Name is "$ref" or "$dynamicRef" or "anyOf" or "oneOf" or "allOf" or "not" or "if" or "patternProperties" or "prefixItems");
}

/// <summary>References that can never give what is wanted where they stand.</summary>
internal static class ReferenceTypes
{
    /// <summary>What is wrong with a string of parameters that refers to outcomes; null where nothing is known to be.</summary>
    /// <param name="template">The string.</param>
    /// <param name="outcomes">The schemas that the outcome of a step may have; none where they are not known.</param>
    /// <param name="parameters">The schema of the parameters in which it stands.</param>
    /// <param name="path">Where it stands in them.</param>
    /// <param name="skill">The skill that they are for.</param>
    public static string? Misfit(Template template, Func<string, IReadOnlyList<JsonElement>> outcomes, JsonElement parameters, IReadOnlyList<PathPart> path, string skill)
    {
        if (OutcomeShape.Excludes(parameters, path))
            return null;
        var wanted = SchemaFit.At(parameters, path);
        var place = string.Concat(path.Select(static part => part.ToString())).TrimStart('.');
        if (template.Whole is not { } reference)
        {
            var types = SchemaFit.TypesOf(wanted);
            return types.HasFlag(JsonTypes.Text) ? null : $"a string with references in it is text, and skill \"{skill}\" wants {SchemaFit.Words(types)} at {place}";
        }

        string? misfit = null;
        foreach (var schema in outcomes(reference.Step))
        {
            if (OutcomeShape.Excludes(schema, reference.Path))
                continue;
            misfit = SchemaFit.Misfit(SchemaFit.At(schema, reference.Path), wanted);
            if (misfit is null)
                return null;
        }

        return misfit is null ? null : $"{reference}: what the outcome of step \"{reference.Step}\" has there {misfit} by skill \"{skill}\" at {place}";
    }

    /// <summary>What is wrong with a comparison of a condition: that it could never be made; null where nothing is known to be.</summary>
    /// <param name="test">The comparison.</param>
    /// <param name="outcomes">The schemas that the outcome of a step may have; none where they are not known.</param>
    public static string? Misfit(ValueTest test, Func<string, IReadOnlyList<JsonElement>> outcomes)
    {
        var given = TypesOf(test.Value, outcomes);
        var wanted = test.How switch
        {
            Comparison.Exists => JsonTypes.Any,
            Comparison.Matches => JsonTypes.Text,
            Comparison.Equal or Comparison.NotEqual => Comparable(TypesOf(test.Against[0], outcomes)),
            Comparison.In when test.Against is [{ Template: not null }] => JsonTypes.Any,
            Comparison.In => test.Against.Aggregate(JsonTypes.None, (all, one) => all | Comparable(TypesOf(one, outcomes))),
            _ => JsonTypes.Number | JsonTypes.Text,
        };
        return (given & wanted) is not JsonTypes.None ? null
            : $"is {SchemaFit.Words(given)}, which {ConditionReader.Words[(int)test.How]} cannot compare{(test.How is Comparison.Equal or Comparison.NotEqual or Comparison.In ? " with what is given" : "")}";
    }

    private static JsonTypes TypesOf(Operand operand, Func<string, IReadOnlyList<JsonElement>> outcomes)
    {
        if (operand.Template is not { } template)
            return SchemaFit.TypeOf(operand.Literal);
        if (template.Whole is not { } reference)
            return JsonTypes.Text;
        var schemas = outcomes(reference.Step);
        return schemas.Count == 0 ? JsonTypes.Any
            : schemas.Where(schema => !OutcomeShape.Excludes(schema, reference.Path)).Aggregate(JsonTypes.None, (all, schema) => all | SchemaFit.TypesOf(SchemaFit.At(schema, reference.Path)));
    }

    // Longs and decimals are recorded as strings, and are numbers all the same.
    private static JsonTypes Comparable(JsonTypes types) =>
        types.HasFlag(JsonTypes.Null) ? JsonTypes.Any
        : types | JsonTypes.Null | ((types & (JsonTypes.Number | JsonTypes.Text)) is JsonTypes.None ? JsonTypes.None : JsonTypes.Number | JsonTypes.Text);
}
