using System.Diagnostics;
using System.Globalization;

namespace RunProof.Execution.Tests;

/// <summary>References whose outcome can never be what is wanted where they stand: refused with the plan, before anything is executed.</summary>
public sealed class ReferenceTypesTests(ITestOutputHelper output)
{
    private const string Outcome =
        """
        {"type":"object","additionalProperties":false,"required":["n","s","list"],"properties":{"n":{"type":"integer"},"s":{"type":"string"},"maybe":{"type":["string","null"]},"b":{"type":"boolean"},
        "any":{},"either":{"anyOf":[{"type":"string"},{"type":"integer"}]},"amount":{"type":["string","number"]},"list":{"type":"array","items":{"type":"integer"}},
        "color":{"enum":["red","green"]},"o":{"type":"object","additionalProperties":false,"required":["x"],"properties":{"x":{"type":"string"},"y":{"type":"boolean"}}},
        "map":{"type":"object","additionalProperties":{"type":"integer"}}}}
        """;

    private const string Parameters =
        """
        {"type":"object","additionalProperties":false,"properties":{"n":{"type":"integer"},"s":{"type":"string"},"maybe":{"type":["integer","null"]},"b":{"type":"boolean"},"any":{},
        "amount":{"type":["string","number"]},"strings":{"type":"array","items":{"type":"string"}},"color":{"enum":["blue","green"]},"cold":{"enum":["blue"]},
        "o":{"type":"object","additionalProperties":false,"required":["x"],"properties":{"x":{"type":"integer"}}},"p":{"type":"object","required":["z"],"properties":{"z":{}}},
        "deep":{"type":"array","items":{"type":"object","properties":{"k":{"type":"boolean"}}}},"map":{"type":"object","additionalProperties":{"type":"string"}}}}
        """;

    private readonly House _house = new(
        new FakeSkill("give", (_, _, _) => new(FakeSkill.Gives("{}"))) { Shape = Outcome }, new FakeSkill("take", (_, _, _) => new(FakeSkill.Gives("{}"))) { Takes = Parameters },
        new FakeSkill("open", (_, _, _) => new(FakeSkill.Gives("{}"))));

    [Theory]
    [InlineData("n", "g.n")]
    [InlineData("s", "g.s")]
    [InlineData("s", "g.maybe")]
    [InlineData("maybe", "g.n")]
    [InlineData("n", "g.amount")]
    [InlineData("amount", "g.n")]
    [InlineData("s", "g.either")]
    [InlineData("b", "g.any")]
    [InlineData("any", "g.list")]
    [InlineData("color", "g.color")]
    [InlineData("color", "g.s")]
    [InlineData("n", "g.list[3]")]
    [InlineData("n", "g.map.whatever")]
    [InlineData("b", "g.o.y")]
    [InlineData("strings", "g.any")]
    [InlineData("p", "g.map")]
    public void What_may_be_right_is_never_refused(string member, string path) => Assert.Empty(Errors($$$"""{"{{{member}}}":"{{steps.{{{path}}}}}"}"""));

    [Theory]
    [InlineData("s", "g.n", "is a number, where a string is wanted by skill \"take\" at s")]
    [InlineData("n", "g.s", "is a string, where a number is wanted by skill \"take\" at n")]
    [InlineData("maybe", "g.s", "is a string, where a number or null is wanted by skill \"take\" at maybe")]
    [InlineData("b", "g.maybe", "is a string or null, where a boolean is wanted by skill \"take\" at b")]
    [InlineData("n", "g.list", "is an array, where a number is wanted by skill \"take\" at n")]
    [InlineData("strings", "g.list", "is a number[], where a string is wanted by skill \"take\" at strings")]
    [InlineData("cold", "g.color", "is none of the values that are wanted: \"blue\" by skill \"take\" at cold")]
    [InlineData("cold", "g.n", "is a number, where a string is wanted by skill \"take\" at cold")]
    [InlineData("o", "g.o", "is a string at x, where a number is wanted by skill \"take\" at o")]
    [InlineData("p", "g.o", "never has the member z that is wanted by skill \"take\" at p")]
    [InlineData("s", "g.map.whatever", "is a number, where a string is wanted by skill \"take\" at s")]
    [InlineData("s", "g", "is an object, where a string is wanted by skill \"take\" at s")]
    public void What_can_never_fit_is_refused_with_both_places(string member, string path, string why) => Assert.Equal(
        [new PlanError("plan[1].params." + member, $$$"""{{steps.{{{path}}}}}: what the outcome of step "g" has there {{{why}}}""")], Errors($$$"""{"{{{member}}}":"{{steps.{{{path}}}}}"}"""));

    [Theory]
    [InlineData("""{"s":"no {{steps.g.n}}"}""", null, null)]
    [InlineData("""{"n":"{{steps.g.n}}0"}""", "plan[1].params.n", "a string with references in it is text, and skill \"take\" wants a number at n")]
    [InlineData("""{"deep":[{"k":true},{"k":"{{steps.g.b}}"}]}""", null, null)]
    [InlineData("""{"deep":[{"k":true},{"k":"{{steps.g.n}}"}]}""", "plan[1].params.deep[1].k", "{{steps.g.n}}: what the outcome of step \"g\" has there is a number, where a boolean is wanted by skill \"take\" at deep[1].k")]
    [InlineData("""{"map":{"a":"{{steps.g.n}}"}}""", "plan[1].params.map.a", "{{steps.g.n}}: what the outcome of step \"g\" has there is a number, where a string is wanted by skill \"take\" at map.a")]
    public void Strings_with_references_are_text_and_places_within_are_looked_at(string parameters, string? place, string? message) =>
        Assert.Equal(place is null ? [] : [new PlanError(place, message!)], Errors(parameters));

    [Fact]
    public void A_step_that_stands_later_in_the_plan_and_comes_earlier_is_looked_at_too()
    {
        var errors = Parse(
            """[{"id":"t","skill":"take","depends_on":["g"],"params":{"s":"{{steps.g.n}}"}},{"id":"u","skill":"open","depends_on":["g"],"params":{"x":"{{steps.g.nothing}}"}},{"id":"g","skill":"give","depends_on":[]}]""");

        Assert.Equal(
            [
                new PlanError("plan[0].params.s", "{{steps.g.n}}: what the outcome of step \"g\" has there is a number, where a string is wanted by skill \"take\" at s"),
                new PlanError("plan[1].params.x", "{{steps.g.nothing}}: an outcome of step \"g\" never has that path"),
            ],
            errors);
    }

    [Fact]
    public void An_outcome_may_be_that_of_the_fallback()
    {
        Assert.Empty(Parse("""[{"id":"g","skill":"give","fallback":{"skill":"open"}},{"skill":"take","params":{"s":"{{steps.g.n}}","n":"{{steps.g.other}}"}}]"""));
        Assert.Equal(
            "plan[0].fallback.params.s",
            Assert.Single(Parse("""[{"id":"f","skill":"give","fallback":{"skill":"take","params":{"s":"{{steps.g.n}}"}},"depends_on":["g"]},{"id":"g","skill":"give"}]""")).Place);
        Assert.Single(Parse("""[{"id":"g","skill":"give","fallback":{"skill":"give"}},{"skill":"take","params":{"s":"{{steps.g.n}}"}}]"""));
    }

    [Theory]
    [InlineData("""{"value":"{{steps.g.n}}","matches":"1"}""", "{{steps.g.n}} is a number, which matches cannot compare")]
    [InlineData("""{"value":"{{steps.g.b}}","at_least":1}""", "{{steps.g.b}} is a boolean, which at_least cannot compare")]
    [InlineData("""{"value":"{{steps.g.b}}","equals":"true"}""", "{{steps.g.b}} is a boolean, which equals cannot compare with what is given")]
    [InlineData("""{"value":"{{steps.g.list}}","in":["a",1]}""", "{{steps.g.list}} is an array, which in cannot compare with what is given")]
    [InlineData("""{"value":"{{steps.g.s}}","equals":1}""", null)]
    [InlineData("""{"value":"{{steps.g.n}}","equals":null}""", null)]
    [InlineData("""{"value":"{{steps.g.maybe}}","equals":true}""", null)]
    [InlineData("""{"value":"{{steps.g.any}}","matches":"1"}""", null)]
    [InlineData("""{"value":"{{steps.g.nothing}}","exists":true}""", "{{steps.g.nothing}}: an outcome of step \"g\" never has that path")]
    public void A_comparison_that_can_never_be_made_is_refused(string condition, string? why)
    {
        var errors = Parse($$"""[{"id":"g","skill":"give"},{"skill":"open","condition":{{condition}} }]""");

        Assert.Equal(why is null ? [] : [new PlanError("plan[1].condition.value", why)], errors);
    }

    [Theory]
    [InlineData("""{}""", "plan[1].condition", "must have exactly one of value, step, all, any, not")]
    [InlineData("""{"all":[],"any":[]}""", "plan[1].condition", "must have exactly one of value, step, all, any, not, not all and any")]
    [InlineData("""{"all":[]}""", "plan[1].condition.all", "must be an array of at least one condition")]
    [InlineData("""{"all":[{"not":7}]}""", "plan[1].condition.all[0].not", "must be an object, not a number")]
    [InlineData("""{"value":"{{steps.g.n}}"}""", "plan[1].condition", "must compare value by exactly one of equals, not_equals, in, greater_than, less_than, at_least, at_most, exists, matches")]
    [InlineData("""{"value":"{{steps.g.n}}","equals":1,"in":[1]}""", "plan[1].condition", "must compare value by exactly one of equals, not_equals, in, greater_than, less_than, at_least, at_most, exists, matches")]
    [InlineData("""{"value":7,"equals":7}""", "plan[1].condition.value", "must be a string with a reference: {{steps.<id>.<path>}}")]
    [InlineData("""{"value":"{{steps.g.n}}","at_least":"many"}""", "plan[1].condition.at_least", "must be a number, a string that holds a decimal number or a time, or a reference")]
    [InlineData("""{"value":"{{steps.g.s}}","matches":"(a)\\1"}""", "plan[1].condition.matches", null)]
    [InlineData("""{"value":"{{steps.g.s}}","matches":"("}""", "plan[1].condition.matches", null)]
    [InlineData("""{"value":"n {{steps.g.s}}","exists":true}""", "plan[1].condition.value", "must be one reference and nothing else where it is asked whether it exists")]
    [InlineData("""{"value":"{{steps.g.s}}","equals":["{{steps.g.s}}"]}""", "plan[1].condition.equals", "a reference stands alone here, in no array or object")]
    [InlineData("""{"value":"{{steps.g.n}}","equals":12345678901234567890}""", "plan[1].condition", null)]
    [InlineData("""{"value":"{{steps.later.n}}","equals":1}""", "plan[1].condition.value", "{{steps.later.n}}: step \"later\" comes no earlier than this one")]
    [InlineData("""{"step":"later","status":["failed"]}""", "plan[1].condition.step", "\"later\": step \"later\" comes no earlier than this one")]
    [InlineData("""{"step":"nobody","status":["failed"]}""", "plan[1].condition.step", "there is no step \"nobody\"")]
    [InlineData("""{"step":"g","status":["retrying"]}""", "plan[1].condition.status", "\"retrying\" is none of succeeded, failed, skipped, blocked, interrupted")]
    [InlineData("""{"step":"g","status":["failed","failed"]}""", "plan[1].condition.status", "names failed twice")]
    [InlineData("""{"step":"g","status":"failed"}""", "plan[1].condition.status", "must be an array of at least one of succeeded, failed, skipped, blocked, interrupted")]
    [InlineData("""{"step":"g","status":["failed"],"equals":1}""", "plan[1].condition.equals", "is not a member here; there are: step, status")]
    [InlineData("""{"not":{"not":{"not":{"not":{"not":{"not":{"not":{"not":{"step":"g","status":["failed"]}}}}}}}}}""", "plan[1].condition.not.not.not.not.not.not.not.not", "is nested deeper than 8")]
    public void What_is_wrong_with_a_condition_is_named_with_its_place(string condition, string place, string? message)
    {
        var error = Assert.Single(Parse($$"""[{"id":"g","skill":"give"},{"skill":"open","condition":{{condition}} },{"id":"later","skill":"give"}]"""));

        Assert.Equal(place, error.Place);
        if (message is not null)
            Assert.Equal(message, error.Message);
    }

    [Fact]
    public void Size_and_number_of_comparisons_are_bounded()
    {
        string Many(int tests, string value) => $$"""[{"id":"g","skill":"give"},{"skill":"open","condition":{"all":[{{string.Join(',', Enumerable.Repeat($$$"""{"value":"{{steps.g.s}}","equals":"{{{value}}}"}""", tests))}}] } }]""";

        Assert.Empty(Parse(Many(64, "x")));
        Assert.Equal("is one too many: a condition compares and asks at most 64 times", Assert.Single(Parse(Many(65, "x"))).Message);
        Assert.Contains("at most 16384 are read", Assert.Single(Parse(Many(60, new string('x', 300)))).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"skill":"open","fallback":7}""", "plan[0].fallback", "must be an object, not a number")]
    [InlineData("""{"skill":"open","fallback":{}}""", "plan[0].fallback.skill", "is missing: name the skill to execute")]
    [InlineData("""{"skill":"open","fallback":{"skill":"open","on_error":"abort"}}""", "plan[0].fallback.on_error", "is not a member here; there are: skill, params, retry, timeout_ms")]
    [InlineData("""{"skill":"open","fallback":{"skill":"open","timeout_ms":0}}""", "plan[0].fallback.timeout_ms", "must be an integer from 1 to 3600000")]
    [InlineData("""{"skill":"open","fallback":{"skill":"open","retry":{"max_attempts":0}}}""", "plan[0].fallback.retry.max_attempts", "must be an integer from 1 to 10")]
    [InlineData("""{"id":"me","skill":"open","fallback":{"skill":"open","params":{"x":"{{steps.me.y}}"}}}""", "plan[0].fallback.params.x", "{{steps.me.y}}: step \"me\" comes no earlier than this one")]
    public void What_is_wrong_with_a_fallback_is_named_with_its_place(string step, string place, string message) =>
        Assert.Equal([new PlanError(place, message)], Parse($"[{step}]"));

    [Fact]
    public void Conditions_and_fallbacks_are_read_back_as_they_were_written()
    {
        var text = _house.Parser.Parse(
            House.Json("""[{"id":"g","skill":"give"},{"skill":"open","fallback":{"skill":"take","params":{"n":"{{steps.g.n}}"},"retry":{}},"condition":{"value":"{{steps.g.n}}","at_least":1.0}}]"""), "plan").Plan!.ToCanonicalJson().ToString();

        Assert.Contains(
            """{"condition":{"at_least":1,"value":"{{steps.g.n}}"},"fallback":{"params":{"n":"{{steps.g.n}}"},"retry":{"backoff_ms":500,"max_attempts":3,"max_backoff_ms":30000,"strategy":"exponential"},"skill":"take","timeout_ms":30000},"id":"step_1",""",
            text, StringComparison.Ordinal);
        Assert.Equal(text, _house.Parser.Parse(House.Json(text), "plan").Plan!.ToCanonicalJson().ToString());
    }

    /// <summary>Twice the steps take twice the time, about: four times the steps, far less than the sixteen times that each looking at all others would take.</summary>
    [Fact]
    public void Ten_thousand_steps_with_dependencies_references_and_conditions_are_read_in_time_that_grows_with_their_number()
    {
        _ = Time(500);
        var (few, many) = (Time(2_500), Time(10_000));
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"2,500 steps {few.TotalMilliseconds:F0} ms, 10,000 steps {many.TotalMilliseconds:F0} ms"));
        Assert.True(many < few * 16 + TimeSpan.FromSeconds(2), string.Create(CultureInfo.InvariantCulture, $"2,500 steps: {few.TotalMilliseconds} ms, 10,000 steps: {many.TotalMilliseconds} ms"));
    }

    // Of several times the least: what else the machine does at the moment is not measured.
    private TimeSpan Time(int steps)
    {
        var plan = House.Json("[" + string.Join(',', Enumerable.Range(0, steps).Select(Step)) + "]");
        var least = TimeSpan.MaxValue;
        for (var i = 0; i < 3; i++)
        {
            var clock = Stopwatch.StartNew();
            Assert.Empty(_house.Parser.Parse(plan, "plan").Errors);
            least = clock.Elapsed < least ? clock.Elapsed : least;
        }

        return least;
    }

    private static string Step(int n) => n < 8
        ? string.Create(CultureInfo.InvariantCulture, $$"""{"id":"s{{n}}","skill":"give","depends_on":[{{(n == 0 ? "" : $"\"s{n - 1}\"")}}]}""")
        : string.Create(CultureInfo.InvariantCulture, $$$"""
            {"id":"s{{{n}}}","skill":"give","depends_on":["s{{{n - 1}}}","s{{{n - 3}}}","s{{{n - 8}}}"],"params":{"x":"{{steps.s{{{n / 2}}}.s}}"},
            "condition":{"value":"{{steps.s{{{n - 5}}}.n}}","at_least":1},"fallback":{"skill":"take","params":{"n":"{{steps.s{{{n - 8}}}.n}}"} } }
            """);

    private IReadOnlyList<PlanError> Errors(string parameters) => Parse($$"""[{"id":"g","skill":"give"},{"skill":"take","params":{{parameters}} }]""");

    private IReadOnlyList<PlanError> Parse(string plan) => _house.Parser.Parse(House.Json(plan), "plan").Errors;
}
