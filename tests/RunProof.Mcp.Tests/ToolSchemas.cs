using System.Text.Json;
using RunProof.Format;

namespace RunProof.Mcp.Tests;

/// <summary>The small check of JSON Schema: what it refuses, what it leaves to the server, and that no schema of a stranger can hurt.</summary>
public sealed class ToolSchemas
{
    [Theory]
    [InlineData("""{"type":"object","required":["a"]}""", """{}""", "params.a: missing")]
    [InlineData("""{"properties":{"a":{"type":"string"}}}""", """{"a":1}""", "params.a: expected a string, got a number")]
    [InlineData("""{"properties":{"a":{"type":["integer","null"]}}}""", """{"a":1.5}""", "params.a: expected an integer or null, got a number")]
    [InlineData("""{"properties":{"a":{}},"additionalProperties":false}""", """{"b":1}""", "params.b: unknown member; known are a")]
    [InlineData("""{"additionalProperties":{"type":"boolean"}}""", """{"b":1}""", "params.b: expected a boolean, got a number")]
    [InlineData("""{"properties":{"a":{"enum":["x",1]}}}""", """{"a":"secret"}""", "params.a: expected one of \"x\", 1, got another value")]
    [InlineData("""{"properties":{"a":{"const":2}}}""", """{"a":3}""", "params.a: expected 2, got another value")]
    [InlineData("""{"properties":{"a":{"items":{"type":"string"}}}}""", """{"a":["x",2]}""", "params.a[1]: expected a string, got a number")]
    [InlineData("""{"properties":{"a":{"prefixItems":[{"type":"number"}],"items":false}}}""", """{"a":[1,2]}""", "params.a[1]: nothing may stand here")]
    [InlineData("""{"properties":{"a":{"minimum":1,"maximum":3}}}""", """{"a":4}""", "params.a: must be at most 3")]
    [InlineData("""{"properties":{"a":{"exclusiveMinimum":1}}}""", """{"a":1}""", "params.a: must be more than 1")]
    [InlineData("""{"properties":{"a":{"minLength":2}}}""", """{"a":"😀"}""", "params.a: must have at least 2 characters, has 1")]
    [InlineData("""{"properties":{"a":{"maxItems":1}}}""", """{"a":[1,2]}""", "params.a: must have at most 1 items, has 2")]
    [InlineData("""{"properties":{"a":{"anyOf":[{"type":"string"},{"type":"null"}]}}}""", """{"a":1}""", "params.a: fits none of the 2 forms that may stand here")]
    [InlineData("""{"properties":{"a":{"oneOf":[{"type":"number"},{"type":"integer"}]}}}""", """{"a":1}""", "params.a: fits 2 forms where exactly one must")]
    [InlineData("""{"properties":{"a":{"allOf":[{"type":"string"},{"minLength":3}]}}}""", """{"a":"ab"}""", "params.a: must have at least 3 characters, has 2")]
    [InlineData("""{"properties":{"a":{"$ref":"#/$defs/t"}},"$defs":{"t":{"type":"string"}}}""", """{"a":1}""", "params.a: expected a string, got a number")]
    [InlineData("""{"properties":{"a b":{"type":"string"}}}""", """{"a b":1}""", "params[\"a b\"]: expected a string, got a number")]
    public void Parameters_that_do_not_fit_are_refused_at_their_place_and_without_their_values(string schema, string parameters, string message)
    {
        var refused = Assert.Throws<JsonBindingException>(() => Check(schema, parameters));
        Assert.Equal(message, refused.Message);
        Assert.DoesNotContain("secret", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"type":"object","properties":{"a":{"type":"integer"}}}""", """{"a":3.0,"b":"more"}""")]
    [InlineData("""{"properties":{"a":{"type":"integer","minimum":0}}}""", """{"a":12345678901234567890}""")]
    [InlineData("""{"properties":{"a":{"pattern":"^(a+)+$","format":"email"}}}""", """{"a":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"}""")]
    [InlineData("""{"patternProperties":{"^x":{}},"additionalProperties":false}""", """{"y":1}""")]
    [InlineData("""{"properties":{"a":{"$ref":"https://elsewhere.example/schema"}}}""", """{"a":1}""")]
    [InlineData("""{"properties":{"a":{"$ref":"#/$defs/none"}}}""", """{"a":1}""")]
    [InlineData("""{"type":5,"required":"a","properties":[],"enum":7,"anyOf":{},"minimum":"x","items":3,"additionalProperties":4}""", """{"a":1}""")]
    [InlineData("""{"type":"unheard-of"}""", """{"a":1}""")]
    public void What_is_not_checked_is_left_to_the_server(string schema, string parameters) => Check(schema, parameters);

    [Fact]
    public void A_schema_that_refers_to_itself_ends() => Check("""{"$ref":"#"}""", """{"a":[[[1]]]}""");

    [Fact]
    public void A_schema_whose_branches_multiply_ends()
    {
        var schema = """{"type":"string"}""";
        for (var i = 0; i < 20; i++)
            schema = $$"""{"anyOf":[{{(i < 12 ? schema : "{}")}},{"anyOf":[{"$ref":"#"},{"$ref":"#"}]}]}""";
        Check(schema, "{}");
        Check("""{"$defs":{"a":{"allOf":[{"$ref":"#/$defs/a"},{"$ref":"#/$defs/a"},{"$ref":"#/$defs/a"}]}},"$ref":"#/$defs/a"}""", "{}");
    }

    private static void Check(string schema, string parameters)
    {
        using var document = JsonDocument.Parse(schema);
        using var value = JsonDocument.Parse(parameters);
        new ToolSchema(document.RootElement).Check(value.RootElement, "params");
    }
}
