using System.Globalization;
using System.Text.Json;
using RunProof.Format;
using RunProof.Skills;

namespace RunProof.Mcp;

/// <summary>
/// A small check of JSON Schema, honest about its size: <c>type</c>, <c>enum</c>, <c>const</c>, <c>required</c>, <c>properties</c>, <c>additionalProperties</c>, <c>items</c>,
/// <c>prefixItems</c>, the limits of numbers, lengths and counts, <c>allOf</c>, <c>anyOf</c>, <c>oneOf</c> and local <c>$ref</c>. What else a schema says is left to the server,
/// which checks its parameters itself. The schema is a stranger's: it can refuse too much or too little, and nothing else.
/// </summary>
internal sealed class ToolSchema
{
    // A schema whose branches multiply is left to the server beyond this.
    private const int MaxSteps = 20_000;
    private const int MaxDepth = 64;

    private readonly JsonElement _root;

    /// <summary>Takes the schema of a tool's parameters or of its structured answer.</summary>
    /// <param name="schema">Any JSON; kept.</param>
    internal ToolSchema(JsonElement schema) => _root = schema.Clone();

    /// <summary>Refuses what does not fit. No message repeats a value.</summary>
    /// <param name="value">The parameters, or the answer.</param>
    /// <param name="place">Where it stands in the plan or the outcome.</param>
    /// <exception cref="JsonBindingException">It does not fit; the first place is named.</exception>
    internal void Check(JsonElement value, string place)
    {
        if (new Walk(_root).Find(_root, value, place, 0) is { } fault)
            throw new JsonBindingException(fault.Place, fault.Reason);
    }

    private sealed record Fault(string Place, string Reason);

    private sealed class Walk(JsonElement root)
    {
        private int _steps;

        internal Fault? Find(JsonElement schema, JsonElement value, string place, int depth)
        {
            if (++_steps > MaxSteps || depth > MaxDepth)
                return null;
            if (schema.ValueKind is JsonValueKind.False)
                return new Fault(place, "nothing may stand here");
            if (schema.ValueKind is not JsonValueKind.Object)
                return null;
            return Referred(schema, value, place, depth)
                ?? OfType(schema, value, place)
                ?? OneOfValues(schema, value, place)
                ?? Combined(schema, value, place, depth)
                ?? (value.ValueKind switch
                {
                    JsonValueKind.Object => OfObject(schema, value, place, depth),
                    JsonValueKind.Array => OfArray(schema, value, place, depth),
                    JsonValueKind.String => OfText(schema, value, place),
                    JsonValueKind.Number => OfNumber(schema, value, place),
                    _ => null,
                });
        }

        private Fault? Referred(JsonElement schema, JsonElement value, string place, int depth) =>
            Member(schema, "$ref") is { ValueKind: JsonValueKind.String } reference && Resolve(reference.GetString()!) is { } target ? Find(target, value, place, depth + 1) : null;

        private JsonElement? Resolve(string reference)
        {
            if (reference == "#")
                return root;
            if (!reference.StartsWith("#/", StringComparison.Ordinal))
                return null;
            var at = root;
            foreach (var part in reference[2..].Split('/'))
            {
                var name = Uri.UnescapeDataString(part).Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
                if (Member(at, name) is not { } next)
                    return null;
                at = next;
            }

            return at;
        }

        private static Fault? OfType(JsonElement schema, JsonElement value, string place)
        {
            var declared = Member(schema, "type");
            string[] types = declared switch
            {
                { ValueKind: JsonValueKind.String } one => [one.GetString()!],
                { ValueKind: JsonValueKind.Array } several => [.. several.EnumerateArray().Where(each => each.ValueKind is JsonValueKind.String).Select(each => each.GetString()!)],
                _ => [],
            };
            return types.Length == 0 || types.Any(type => Is(value, type)) ? null : new Fault(place, $"expected {string.Join(" or ", types.Select(Article))}, got {Kind(value)}");
        }

        private static bool Is(JsonElement value, string type) => type switch
        {
            "object" => value.ValueKind is JsonValueKind.Object,
            "array" => value.ValueKind is JsonValueKind.Array,
            "string" => value.ValueKind is JsonValueKind.String,
            "number" => value.ValueKind is JsonValueKind.Number,
            "integer" => value.ValueKind is JsonValueKind.Number && value.TryGetDouble(out var number) && Math.Floor(number) == number,
            "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
            "null" => value.ValueKind is JsonValueKind.Null,
            // A word that is none of JSON Schema says nothing that can be checked.
            _ => true,
        };

        private static Fault? OneOfValues(JsonElement schema, JsonElement value, string place)
        {
            if (Member(schema, "const") is { } only && !JsonElement.DeepEquals(only, value))
                return new Fault(place, $"expected {Shown(only)}, got another value");
            if (Member(schema, "enum") is not { ValueKind: JsonValueKind.Array } words || words.EnumerateArray().Any(word => JsonElement.DeepEquals(word, value)))
                return null;
            return new Fault(place, $"expected one of {Shortened(string.Join(", ", words.EnumerateArray().Take(50).Select(Shown)), 400)}, got another value");
        }

        private Fault? Combined(JsonElement schema, JsonElement value, string place, int depth)
        {
            foreach (var each in Schemas(schema, "allOf"))
            {
                if (Find(each, value, place, depth + 1) is { } fault)
                    return fault;
            }

            var any = Schemas(schema, "anyOf");
            if (any.Count > 0 && any.All(each => Find(each, value, place, depth + 1) is not null))
                return any.Count == 1 ? Find(any[0], value, place, depth + 1) : new Fault(place, $"fits none of the {Count(any.Count)} forms that may stand here");
            var one = Schemas(schema, "oneOf");
            var fitting = one.Count(each => Find(each, value, place, depth + 1) is null);
            return one.Count == 0 || fitting == 1 || _steps > MaxSteps ? null
                : new Fault(place, fitting == 0 ? $"fits none of the {Count(one.Count)} forms that may stand here" : $"fits {Count(fitting)} forms where exactly one must");
        }

        private Fault? OfObject(JsonElement schema, JsonElement value, string place, int depth)
        {
            if (Member(schema, "required") is { ValueKind: JsonValueKind.Array } required)
            {
                foreach (var name in required.EnumerateArray().Where(each => each.ValueKind is JsonValueKind.String).Select(each => each.GetString()!))
                {
                    if (!value.TryGetProperty(name, out _))
                        return new Fault(JsonBinding.At(place, name), "missing");
                }
            }

            var properties = Member(schema, "properties") is { ValueKind: JsonValueKind.Object } known ? known : default;
            var patterns = Member(schema, "patternProperties") is { ValueKind: JsonValueKind.Object };
            var others = Member(schema, "additionalProperties");
            foreach (var member in value.EnumerateObject())
            {
                var at = JsonBinding.At(place, member.Name);
                if (properties.ValueKind is JsonValueKind.Object && properties.TryGetProperty(member.Name, out var own))
                {
                    if (Find(own, member.Value, at, depth + 1) is { } fault)
                        return fault;
                }
                else if (others is { } rest && !patterns)
                {
                    if (rest.ValueKind is JsonValueKind.False)
                        return new Fault(at, "unknown member; known are " + Names(properties));
                    if (Find(rest, member.Value, at, depth + 1) is { } fault)
                        return fault;
                }
            }

            return Bounds(schema, "minProperties", "maxProperties", value.EnumerateObject().Count(), place, "members");
        }

        private Fault? OfArray(JsonElement schema, JsonElement value, string place, int depth)
        {
            var first = Schemas(schema, "prefixItems");
            var items = Member(schema, "items");
            var i = 0;
            foreach (var item in value.EnumerateArray())
            {
                var rule = i < first.Count ? first[i] : items;
                if (rule is { } each && Find(each, item, $"{place}[{Count(i)}]", depth + 1) is { } fault)
                    return fault;
                i++;
            }

            return Bounds(schema, "minItems", "maxItems", i, place, "items");
        }

        private static Fault? OfText(JsonElement schema, JsonElement value, string place) =>
            Bounds(schema, "minLength", "maxLength", value.GetString()!.EnumerateRunes().Count(), place, "characters");

        private static Fault? OfNumber(JsonElement schema, JsonElement value, string place)
        {
            if (!value.TryGetDouble(out var number))
                return null;
            if (Limit(schema, "minimum") is { } least && number < least)
                return new Fault(place, string.Create(CultureInfo.InvariantCulture, $"must be at least {least}"));
            if (Limit(schema, "exclusiveMinimum") is { } above && number <= above)
                return new Fault(place, string.Create(CultureInfo.InvariantCulture, $"must be more than {above}"));
            if (Limit(schema, "maximum") is { } most && number > most)
                return new Fault(place, string.Create(CultureInfo.InvariantCulture, $"must be at most {most}"));
            if (Limit(schema, "exclusiveMaximum") is { } below && number >= below)
                return new Fault(place, string.Create(CultureInfo.InvariantCulture, $"must be less than {below}"));
            return null;
        }

        private static Fault? Bounds(JsonElement schema, string least, string most, int count, string place, string what)
        {
            if (Limit(schema, least) is { } low && count < low)
                return new Fault(place, string.Create(CultureInfo.InvariantCulture, $"must have at least {low} {what}, has {count}"));
            if (Limit(schema, most) is { } high && count > high)
                return new Fault(place, string.Create(CultureInfo.InvariantCulture, $"must have at most {high} {what}, has {count}"));
            return null;
        }

        private static double? Limit(JsonElement schema, string name) =>
            Member(schema, name) is { ValueKind: JsonValueKind.Number } limit && limit.TryGetDouble(out var value) ? value : null;

        private static List<JsonElement> Schemas(JsonElement schema, string name) =>
            Member(schema, name) is { ValueKind: JsonValueKind.Array } several ? [.. several.EnumerateArray()] : [];

        private static JsonElement? Member(JsonElement value, string name) =>
            value.ValueKind is JsonValueKind.Object && value.TryGetProperty(name, out var found) ? found : null;

        private static string Names(JsonElement properties) =>
            properties.ValueKind is not JsonValueKind.Object || !properties.EnumerateObject().Any() ? "none" : Shortened(string.Join(", ", properties.EnumerateObject().Take(50).Select(member => member.Name)), 400);

        private static string Shown(JsonElement value) => Shortened(value.GetRawText(), 60);

        private static string Shortened(string text, int most) => text.Length <= most ? text : text[..most] + "…";

        private static string Count(int number) => number.ToString(CultureInfo.InvariantCulture);

        private static string Article(string type) => type switch
        {
            "object" or "array" or "integer" => "an " + type,
            "null" => "null",
            _ => "a " + type,
        };

        private static string Kind(JsonElement value) => value.ValueKind switch
        {
            JsonValueKind.Object => "an object",
            JsonValueKind.Array => "an array",
            JsonValueKind.String => "a string",
            JsonValueKind.Number => "a number",
            JsonValueKind.True or JsonValueKind.False => "a boolean",
            _ => "null",
        };
    }
}
