using System.Text.Json;

namespace RunProof.Execution.Tests;

/// <summary>The JSON Schema of plans, held against what the parser takes and refuses.</summary>
public sealed class PlanSchemaTests
{
    private readonly House _house = new(new FakeSkill("echo", (_, _, _) => new(FakeSkill.Gives("{}"))));

    [Theory]
    [InlineData("""[{"skill":"echo"}]""", true)]
    [InlineData("""[{"id":"a","skill":"echo","params":{"x":[1,{"y":null}]},"on_error":"continue","timeout_ms":1}]""", true)]
    [InlineData("""[{"skill":"echo","on_error":"retry","retry":{"max_attempts":10,"backoff_ms":0,"max_backoff_ms":3600000,"strategy":"linear","when":{"codes":["http_5*","timeout"]}}}]""", true)]
    [InlineData("""[{"skill":"echo","retry":null,"condition":null,"fallback":null}]""", true)]
    [InlineData("""[{"id":"a","skill":"echo"},{"skill":"echo","depends_on":["a"]},{"skill":"echo","depends_on":[]}]""", true)]
    [InlineData("""[{"id":"a","skill":"echo"},{"skill":"echo","fallback":{"skill":"echo","params":{},"retry":{"when":null},"timeout_ms":5}}]""", true)]
    [InlineData("""[{"skill":"echo","fallback":{"skill":"echo","retry":null}}]""", true)]
    [InlineData("""[{"id":"a","skill":"echo"},{"skill":"echo","condition":{"value":"{{steps.a.x}}","equals":{"y":[1]}}}]""", true)]
    [InlineData("""[{"id":"a","skill":"echo"},{"skill":"echo","condition":{"value":"x {{ steps.a.x }}","not_equals":null}}]""", true)]
    [InlineData("""[{"id":"a","skill":"echo"},{"skill":"echo","condition":{"value":"{{steps.a.x}}","in":[1,"2",null]}}]""", true)]
    [InlineData("""[{"id":"a","skill":"echo"},{"skill":"echo","condition":{"value":"{{steps.a.x}}","in":"{{steps.a.y}}"}}]""", true)]
    [InlineData("""[{"id":"a","skill":"echo"},{"skill":"echo","condition":{"all":[{"value":"{{steps.a.x}}","at_least":1},{"value":"{{steps.a.x}}","at_most":"1.5"},{"value":"{{steps.a.x}}","less_than":"{{steps.a.y}}"}]}}]""", true)]
    [InlineData("""[{"id":"a","skill":"echo"},{"skill":"echo","condition":{"any":[{"not":{"value":"{{steps.a.x}}","exists":true}},{"value":"{{steps.a.x}}","matches":"^a"},{"value":"{{steps.a.t}}","greater_than":"2026-01-01T00:00:00Z"}]}}]""", true)]
    [InlineData("""[{"id":"a","skill":"echo"},{"skill":"echo","condition":{"step":"a","status":["succeeded","failed","skipped","blocked","interrupted"]}}]""", true)]
    [InlineData("[]", false)]
    [InlineData("{}", false)]
    [InlineData("[7]", false)]
    [InlineData("[{}]", false)]
    [InlineData("""[{"skill":7}]""", false)]
    [InlineData("""[{"skill":"echo","when":1}]""", false)]
    [InlineData("""[{"skill":"echo","id":"Ä"}]""", false)]
    [InlineData("""[{"skill":"echo","params":[]}]""", false)]
    [InlineData("""[{"skill":"echo","params":null}]""", false)]
    [InlineData("""[{"skill":"echo","on_error":"ignore"}]""", false)]
    [InlineData("""[{"skill":"echo","on_error":null}]""", false)]
    [InlineData("""[{"skill":"echo","timeout_ms":0}]""", false)]
    [InlineData("""[{"skill":"echo","timeout_ms":3600001}]""", false)]
    [InlineData("""[{"skill":"echo","timeout_ms":1.5}]""", false)]
    [InlineData("""[{"skill":"echo","retry":{}}]""", false)]
    [InlineData("""[{"skill":"echo","on_error":"continue","retry":{"max_attempts":2}}]""", false)]
    [InlineData("""[{"skill":"echo","on_error":"retry","retry":{"max_attempts":11}}]""", false)]
    [InlineData("""[{"skill":"echo","on_error":"retry","retry":{"strategy":"random"}}]""", false)]
    [InlineData("""[{"skill":"echo","on_error":"retry","retry":{"when":{}}}]""", false)]
    [InlineData("""[{"skill":"echo","on_error":"retry","retry":{"when":{"codes":["*"]}}}]""", false)]
    [InlineData("""[{"skill":"echo","depends_on":"a"}]""", false)]
    [InlineData("""[{"skill":"echo","depends_on":null}]""", false)]
    [InlineData("""[{"id":"a","skill":"echo"},{"skill":"echo","depends_on":["a","a"]}]""", false)]
    [InlineData("""[{"skill":"echo","fallback":{}}]""", false)]
    [InlineData("""[{"skill":"echo","fallback":{"skill":"echo","on_error":"abort"}}]""", false)]
    [InlineData("""[{"skill":"echo","fallback":{"skill":"echo","fallback":{"skill":"echo"}}}]""", false)]
    [InlineData("""[{"id":"a","skill":"echo"},{"skill":"echo","condition":{}}]""", false)]
    [InlineData("""[{"id":"a","skill":"echo"},{"skill":"echo","condition":"{{steps.a.x}}"}]""", false)]
    [InlineData("""[{"id":"a","skill":"echo"},{"skill":"echo","condition":{"all":[]}}]""", false)]
    [InlineData("""[{"id":"a","skill":"echo"},{"skill":"echo","condition":{"value":"{{steps.a.x}}"}}]""", false)]
    [InlineData("""[{"id":"a","skill":"echo"},{"skill":"echo","condition":{"value":"x","equals":"x"}}]""", false)]
    [InlineData("""[{"id":"a","skill":"echo"},{"skill":"echo","condition":{"value":"{{steps.a.x}}","equals":1,"in":[1]}}]""", false)]
    [InlineData("""[{"id":"a","skill":"echo"},{"skill":"echo","condition":{"value":"{{steps.a.x}}","in":[]}}]""", false)]
    [InlineData("""[{"id":"a","skill":"echo"},{"skill":"echo","condition":{"value":"{{steps.a.x}}","at_least":true}}]""", false)]
    [InlineData("""[{"id":"a","skill":"echo"},{"skill":"echo","condition":{"value":"{{steps.a.x}}","exists":"yes"}}]""", false)]
    [InlineData("""[{"id":"a","skill":"echo"},{"skill":"echo","condition":{"value":"{{steps.a.x}}","matches":""}}]""", false)]
    [InlineData("""[{"id":"a","skill":"echo"},{"skill":"echo","condition":{"step":"a"}}]""", false)]
    [InlineData("""[{"id":"a","skill":"echo"},{"skill":"echo","condition":{"step":"a","status":["retrying"]}}]""", false)]
    [InlineData("""[{"id":"a","skill":"echo"},{"skill":"echo","condition":{"step":"a","status":"failed"}}]""", false)]
    [InlineData("""[{"id":"a","skill":"echo"},{"skill":"echo","condition":{"not":{"step":"a","status":["failed"]},"all":[{"step":"a","status":["failed"]}]}}]""", false)]
    public void What_the_parser_takes_is_valid_by_the_schema_and_what_it_refuses_is_not(string plan, bool isValid)
    {
        var written = House.Json(plan);
        var schema = new SmallSchema(House.Json(PlanParser.Schema()));

        Assert.Equal((isValid, isValid), (_house.Parser.Parse(written, "plan").Plan is not null, schema.IsValid(written)));
        // What is stored of it is a plan, too.
        if (isValid)
            Assert.True(schema.IsValid(House.Json(_house.Parser.Parse(written, "plan").Plan!.ToCanonicalJson().ToString())));
    }

    [Fact]
    public void The_schema_knows_every_member_that_the_parser_knows()
    {
        using var schema = JsonDocument.Parse(PlanParser.Schema());
        var definitions = schema.RootElement.GetProperty("$defs");
        Assert.Equal(Known("""[{"skill":"echo","x":1}]""", "plan[0].x"), Names(definitions.GetProperty("step")));
        Assert.Equal(Known("""[{"skill":"echo","fallback":{"skill":"echo","x":1}}]""", "plan[0].fallback.x"), Names(definitions.GetProperty("fallback")));
        Assert.Equal(Known("""[{"skill":"echo","on_error":"retry","retry":{"x":1}}]""", "plan[0].retry.x"), Names(definitions.GetProperty("retry")));
        Assert.Equal(
            Known("""[{"id":"a","skill":"echo"},{"skill":"echo","condition":{"value":"{{steps.a.x}}","equals":1,"x":1}}]""", "plan[1].condition.x"),
            Names(definitions.GetProperty("condition").GetProperty("oneOf")[4]));
    }

    private IEnumerable<string> Known(string plan, string place) =>
        _house.Parser.Parse(House.Json(plan), "plan").Errors.Single(error => error.Place == place).Message.Split("there are: ")[1].Split(", ").Order(StringComparer.Ordinal);

    private static IEnumerable<string> Names(JsonElement definition) => definition.GetProperty("properties").EnumerateObject().Select(member => member.Name).Order(StringComparer.Ordinal);
}
