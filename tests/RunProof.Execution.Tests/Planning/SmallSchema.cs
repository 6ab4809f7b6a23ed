using System.Text.Json;
using System.Text.RegularExpressions;

namespace RunProof.Execution.Tests;

/// <summary>Checks values against a JSON Schema, as far as the schemas of this repository go; any other keyword throws, so that none is passed over.</summary>
internal sealed class SmallSchema(JsonElement root)
{
    public bool IsValid(JsonElement value) => IsValid(root, value);

    private bool IsValid(JsonElement schema, JsonElement value)
    {
        if (schema.ValueKind is JsonValueKind.True or JsonValueKind.False)
            return schema.ValueKind is JsonValueKind.True;
        foreach (var keyword in schema.EnumerateObject())
        {
            if (!Holds(schema, keyword, value))
                return false;
        }

        return true;
    }

    private bool Holds(JsonElement schema, JsonProperty keyword, JsonElement value)
    {
        var (isObject, isArray, isText, isNumber) = (value.ValueKind is JsonValueKind.Object, value.ValueKind is JsonValueKind.Array, value.ValueKind is JsonValueKind.String, value.ValueKind is JsonValueKind.Number);
        var says = keyword.Value;
        return keyword.Name switch
        {
            "$schema" or "$defs" or "title" or "description" or "default" or "then" or "else" => true,
            "$ref" => IsValid(root.GetProperty("$defs").GetProperty(says.GetString()!["#/$defs/".Length..]), value),
            "type" => says.ValueKind is JsonValueKind.Array ? says.EnumerateArray().Any(type => IsOf(type.GetString()!, value)) : IsOf(says.GetString()!, value),
            "enum" => says.EnumerateArray().Any(one => JsonElement.DeepEquals(one, value)),
            "const" => JsonElement.DeepEquals(says, value),
            "anyOf" => says.EnumerateArray().Any(one => IsValid(one, value)),
            "oneOf" => says.EnumerateArray().Count(one => IsValid(one, value)) == 1,
            "if" => !IsValid(says, value) || IsValid(schema.GetProperty("then"), value),
            "required" => !isObject || says.EnumerateArray().All(name => value.TryGetProperty(name.GetString()!, out _)),
            "properties" => !isObject || value.EnumerateObject().All(member => !says.TryGetProperty(member.Name, out var of) || IsValid(of, member.Value)),
            "additionalProperties" => !isObject || value.EnumerateObject().All(member => schema.GetProperty("properties").TryGetProperty(member.Name, out _) || IsValid(says, member.Value)),
            "minProperties" => !isObject || value.EnumerateObject().Count() >= says.GetInt32(),
            "maxProperties" => !isObject || value.EnumerateObject().Count() <= says.GetInt32(),
            "items" => !isArray || value.EnumerateArray().All(item => IsValid(says, item)),
            "minItems" => !isArray || value.GetArrayLength() >= says.GetInt32(),
            "maxItems" => !isArray || value.GetArrayLength() <= says.GetInt32(),
            "uniqueItems" => !isArray || value.EnumerateArray().Select(item => item.GetRawText()).Distinct(StringComparer.Ordinal).Count() == value.GetArrayLength(),
            "minLength" => !isText || value.GetString()!.Length >= says.GetInt32(),
            "maxLength" => !isText || value.GetString()!.Length <= says.GetInt32(),
            "pattern" => !isText || Regex.IsMatch(value.GetString()!, says.GetString()!, RegexOptions.CultureInvariant),
            "minimum" => !isNumber || value.GetDecimal() >= says.GetDecimal(),
            "maximum" => !isNumber || value.GetDecimal() <= says.GetDecimal(),
            _ => throw new NotSupportedException($"the schema has a keyword that is not checked here: {keyword.Name}"),
        };
    }

    private static bool IsOf(string type, JsonElement value) => type switch
    {
        "integer" => value.ValueKind is JsonValueKind.Number && value.TryGetInt64(out _),
        "number" => value.ValueKind is JsonValueKind.Number,
        "string" => value.ValueKind is JsonValueKind.String,
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "null" => value.ValueKind is JsonValueKind.Null,
        "array" => value.ValueKind is JsonValueKind.Array,
        "object" => value.ValueKind is JsonValueKind.Object,
        _ => throw new NotSupportedException(type),
    };
}
