using RunProof.Format;

namespace RunProof.Execution.Tests;

public sealed class PlanParserTests
{
    private const string ResponseShape =
        """{"type":"object","additionalProperties":false,"properties":{"body":{},"status_code":{"type":"integer"},"items":{"type":"array","items":{"type":"object","additionalProperties":false,"properties":{"id":{"type":"string"}}}}}}""";

    private readonly House _house = new(
        new FakeSkill("echo", (_, _, _) => new(FakeSkill.Gives("{}"))),
        new FakeSkill("fetch", (_, _, _) => new(FakeSkill.Gives("{}"))) { Required = "url", Shape = ResponseShape });

    [Fact]
    public void Every_default_is_written_out_in_canonical_order()
    {
        var plan = Parse("""[{"skill":"echo"},{"skill":"echo","on_error":"retry","params":{"b":1,"a":[1.50]}}]""").Plan!;

        Assert.Equal(
            """[{"id":"step_0","on_error":"abort","params":{},"retry":null,"skill":"echo","timeout_ms":30000},"""
            + """{"id":"step_1","on_error":"retry","params":{"a":[1.5],"b":1},"retry":{"backoff_ms":500,"max_attempts":3,"max_backoff_ms":30000,"strategy":"exponential"},"skill":"echo","timeout_ms":30000}]""",
            plan.ToCanonicalJson().ToString());
    }

    [Fact]
    public void A_plan_read_back_from_its_canonical_form_is_the_same_plan()
    {
        var text = Parse("""[{"id":"a","skill":"echo","timeout_ms":5},{"skill":"echo","on_error":"retry","retry":{"strategy":"linear","backoff_ms":1,"max_attempts":2,"max_backoff_ms":9},"params":{"x":"{{steps.a.y}}"}}]""").Plan!.ToCanonicalJson().ToString();

        Assert.Equal(text, Parse(text).Plan!.ToCanonicalJson().ToString());
    }

    [Theory]
    [InlineData("{}", "plan", "must be an array of steps, not an object")]
    [InlineData("[]", "plan", "must have 1 to 10000 steps, not 0")]
    [InlineData("[1]", "plan[0]", "must be an object, not a number")]
    [InlineData("""[{}]""", "plan[0].skill", "is missing: name the skill to execute")]
    [InlineData("""[{"skill":7}]""", "plan[0].skill", "must be a string, not a number")]
    [InlineData("""[{"skill":"nope"}]""", "plan[0].skill", "there is no skill \"nope\"; there are: echo, fetch")]
    [InlineData("""[{"skill":"echo","id":"Über"}]""", "plan[0].id", "must be 1 to 64 of a-z 0-9 _ -")]
    [InlineData("""[{"skill":"echo","id":"a"},{"skill":"echo","id":"a"}]""", "plan[1].id", "\"a\" is the id of plan[0] already")]
    [InlineData("""[{"skill":"echo","id":"step_1"},{"skill":"echo"}]""", "plan[1].id", "\"step_1\" is the id of plan[0] already")]
    [InlineData("""[{"skill":"echo","when":1}]""", "plan[0].when", "is not a member here; there are: id, depends_on, condition, skill, params, on_error, retry, timeout_ms, fallback")]
    [InlineData("""[{"skill":"echo","params":[]}]""", "plan[0].params", "must be an object, not an array")]
    [InlineData("""[{"skill":"echo","on_error":"ignore"}]""", "plan[0].on_error", "must be one of abort, continue, retry")]
    [InlineData("""[{"skill":"echo","on_error":null}]""", "plan[0].on_error", "must be one of abort, continue, retry")]
    [InlineData("""[{"skill":"echo","timeout_ms":0}]""", "plan[0].timeout_ms", "must be an integer from 1 to 3600000")]
    [InlineData("""[{"skill":"echo","timeout_ms":1.5}]""", "plan[0].timeout_ms", "must be an integer from 1 to 3600000")]
    [InlineData("""[{"skill":"echo","retry":{}}]""", "plan[0].retry", "has no effect unless on_error is \"retry\"")]
    [InlineData("""[{"skill":"echo","on_error":"retry","retry":3}]""", "plan[0].retry", "must be an object, not a number")]
    [InlineData("""[{"skill":"echo","on_error":"retry","retry":{"max_attempts":11}}]""", "plan[0].retry.max_attempts", "must be an integer from 1 to 10")]
    [InlineData("""[{"skill":"echo","on_error":"retry","retry":{"jitter":true}}]""", "plan[0].retry.jitter", "is not a member here; there are: max_attempts, backoff_ms, max_backoff_ms, strategy, when")]
    [InlineData("""[{"skill":"echo","on_error":"retry","retry":{"when":"http_503"}}]""", "plan[0].retry.when", "must be an object with codes, an array of 1 to 32 codes of failures")]
    [InlineData("""[{"skill":"echo","on_error":"retry","retry":{"when":{"codes":[]}}}]""", "plan[0].retry.when", "must be an object with codes, an array of 1 to 32 codes of failures")]
    [InlineData("""[{"skill":"echo","on_error":"retry","retry":{"when":{"codes":["x"],"status":5}}}]""", "plan[0].retry.when.status", "is not a member here; there are: codes")]
    [InlineData("""[{"skill":"echo","on_error":"retry","retry":{"when":{"codes":["x","*"]}}}]""", "plan[0].retry.when.codes", "\"*\" is no code of a failure: 1 to 64 of A-Z a-z 0-9 . _ -, and * may stand behind them")]
    [InlineData("""[{"skill":"fetch","params":{}}]""", "plan[0].params.url", "is missing")]
    [InlineData("""[{"skill":"echo","params":{"x":["{{steps.a.b}}"]}}]""", "plan[0].params.x[0]", "{{steps.a.b}}: there is no step \"a\"")]
    [InlineData("""[{"skill":"echo","params":{"x":"{{steps.b.c}}"}},{"skill":"echo","id":"b"}]""", "plan[0].params.x", "{{steps.b.c}}: step \"b\" comes no earlier than this one")]
    [InlineData("""[{"skill":"echo","id":"me","params":{"x":"{{steps.me.c}}"}}]""", "plan[0].params.x", "{{steps.me.c}}: step \"me\" comes no earlier than this one")]
    [InlineData("""[{"skill":"fetch","id":"f","params":{"url":1}},{"skill":"echo","params":{"x":"{{steps.f.bodi}}"}}]""", "plan[1].params.x", "{{steps.f.bodi}}: an outcome of step \"f\" never has that path")]
    [InlineData("""[{"skill":"fetch","id":"f","params":{"url":1}},{"skill":"echo","params":{"x":"{{steps.f.status_code.x}}"}}]""", "plan[1].params.x", "{{steps.f.status_code.x}}: an outcome of step \"f\" never has that path")]
    [InlineData("""[{"skill":"fetch","id":"f","params":{"url":1}},{"skill":"echo","params":{"x":"{{steps.f.items[0].name}}"}}]""", "plan[1].params.x", "{{steps.f.items[0].name}}: an outcome of step \"f\" never has that path")]
    [InlineData("""[{"skill":"fetch","id":"f","params":{"url":1}},{"skill":"echo","params":{"x":"{{steps.f.items.length}}"}}]""", "plan[1].params.x", "{{steps.f.items.length}}: an outcome of step \"f\" never has that path")]
    [InlineData("""[{"skill":"echo","params":{"x":"{{steps.}}"}}]""", "plan[0].params.x", "{{steps.}} is not a reference: write {{steps.<id>.<path>}}, the path of names after dots and [indices]")]
    [InlineData("""[{"skill":"echo","params":{"x":"to {{steps.a"}}]""", "plan[0].params.x", "the reference that begins at character 3 has no closing }}")]
    public void What_is_wrong_is_named_with_its_place(string plan, string place, string message)
    {
        var validation = Parse(plan);

        Assert.Null(validation.Plan);
        Assert.Contains(new PlanError(place, message), validation.Errors);
        Assert.Single(validation.Errors);
    }

    [Fact]
    public void All_errors_are_found_at_once()
    {
        var places = Parse("""[{"skill":"nope","timeout_ms":0},7,{"skill":"fetch","params":{},"on_error":"x"}]""").Errors.Select(error => error.Place);

        Assert.Equal(["plan[0].skill", "plan[0].timeout_ms", "plan[1]", "plan[2].on_error", "plan[2].params.url"], places);
    }

    [Theory]
    [InlineData("{{steps.f.body.anything[3].goes}}")]
    [InlineData("{{ steps.f.items[0].id }}")]
    [InlineData("{{steps.f}}")]
    [InlineData("{{not.a.reference}} and }} and {{")]
    public void What_may_be_there_is_let_through(string text)
    {
        Assert.Empty(Parse("""[{"skill":"fetch","id":"f","params":{"url":1}},{"skill":"echo","params":{"x":""" + $"\"{text}\"" + "}}]").Errors);
    }

    [Theory]
    [InlineData(10_000, true)]
    [InlineData(10_001, false)]
    public void A_plan_has_at_most_ten_thousand_steps(int steps, bool accepted)
    {
        var plan = "[" + string.Join(",", Enumerable.Repeat("""{"skill":"echo"}""", steps)) + "]";

        Assert.Equal(accepted, Parse(plan).Plan is not null);
    }

    [Theory]
    [InlineData("""{"a":1,"a":2}""")]
    [InlineData("""{"a":9007199254740993}""")]
    [InlineData("""{"a":"\ud800"}""")]
    public void Parameters_that_no_evidence_could_hold_exactly_are_refused(string parameters)
    {
        var error = Assert.Single(Parse("""[{"skill":"echo","params":""" + parameters + "}]").Errors);

        Assert.Equal("plan[0].params", error.Place);
    }

    [Fact]
    public async Task The_stub_planner_plans_the_same_whatever_the_goal()
    {
        var house = new House(new FakeSkill("http_call", (_, _, _) => new(FakeSkill.Gives("{}"))) { Required = "url" });
        var stub = house.Planners.Single(planner => planner.Name == "stub");

        var one = await stub.PlanAsync(new PlanningRequest("one", null), default);
        var other = await stub.PlanAsync(new PlanningRequest("other", null), default);

        Assert.Equal(
            """[{"id":"zen","on_error":"abort","params":{"method":"GET","url":"http://localhost:1/demo/zen"},"retry":null,"skill":"http_call","timeout_ms":30000}]""",
            one.Plan!.ToCanonicalJson().ToString());
        Assert.Equal(one.Plan.ToCanonicalJson(), other.Plan!.ToCanonicalJson());
    }

    [Fact]
    public async Task The_stub_planner_takes_no_plan_and_the_given_planner_needs_one()
    {
        var given = _house.Planners.Single(planner => planner.Name == "given");
        var stub = _house.Planners.Single(planner => planner.Name == "stub");

        Assert.Equal("plan", Assert.Single((await given.PlanAsync(new PlanningRequest("x", null), default)).Errors).Place);
        Assert.Equal("plan", Assert.Single((await stub.PlanAsync(new PlanningRequest("x", House.Json("[]")), default)).Errors).Place);
    }

    private PlanValidation Parse(string plan) => _house.Parser.Parse(House.Json(plan), "plan");
}
