using RunProof.Format;
using RunProof.Testing;
using static RunProof.Ledger.Tests.RecorderBench;

namespace RunProof.Ledger.Tests;

public sealed class DecisionTests
{
    private static readonly DecidingRule Rule = new("guard", "2", Digest.Of("document"u8), "cards");

    public static TheoryData<string, StepDecision, StepStatus, StepSource> Contradictions => new()
    {
        { "denied and executed", Decisions.Denied, StepStatus.Succeeded, StepSource.Engine },
        { "denied and tried", Decisions.Denied, StepStatus.Failed, StepSource.Engine },
        { "allowed and refused", Decisions.Allowed, StepStatus.Blocked, StepSource.Engine },
        { "undecided and executed", Decisions.Gate().Undecided("lost"), StepStatus.Succeeded, StepSource.Engine },
        { "the engine's own and not governed", StepDecision.NotGoverned("imported"), StepStatus.Succeeded, StepSource.Engine },
    };

    [Theory]
    [MemberData(nameof(Contradictions))]
    public async Task A_step_that_contradicts_its_decision_is_refused(string what, StepDecision decision, StepStatus status, StepSource source)
    {
        await using var bench = new RecorderBench();
        var session = await bench.OpenAsync();
        var refused = await Assert.ThrowsAsync<ArgumentException>(async () => await session.Append(Step() with { Decision = decision, Status = status, Source = source }));
        Assert.True(refused.Message.StartsWith("Decision:", StringComparison.Ordinal), $"{what}: {refused.Message}");
        await Assert.ThrowsAsync<ArgumentNullException>(async () => await session.Append(Step() with { Decision = null! }));
        Assert.Equal(0, session.NextIndex);
    }

    [Fact]
    public async Task What_others_executed_may_be_recorded_as_not_governed()
    {
        await using var bench = new RecorderBench();
        var session = await bench.OpenAsync();
        await session.Append(Step() with { Decision = StepDecision.NotGoverned("imported from CI"), Source = StepSource.External });
        Assert.Equal("""{"attempt":1,"policy":{"decision":"not_governed","reason":"imported from CI"},"worker":"w1"}""", ContextOf(bench, 0));
    }

    [Theory]
    [InlineData(null, """{"policy":P}""")]
    [InlineData("{}", """{"policy":P}""")]
    [InlineData("""{"attempt":1}""", """{"attempt":1,"policy":P}""")]
    [InlineData("""{"worker":"w"}""", """{"policy":P,"worker":"w"}""")]
    [InlineData("""{"plan_step":{"policy":1},"redactions":[]}""", """{"plan_step":{"policy":1},"policy":P,"redactions":[]}""")]
    public async Task The_recorder_writes_the_decision_into_the_context_where_canonical_order_wants_it(string? context, string expected)
    {
        await using var bench = new RecorderBench();
        var session = await bench.OpenAsync();
        await session.Append(Step() with { Context = context is null ? null : Json(context) });
        var written = ContextOf(bench, 0);
        Assert.Equal(expected.Replace("P", """{"decision":"allowed","reason":"no policy is in force"}""", StringComparison.Ordinal), written);
        Assert.Equal(CanonicalJson.Parse(System.Text.Encoding.UTF8.GetBytes(written)).ToString(), written);
        var step = bench.Stored().Steps[0];
        Assert.Equal(IndependentChain.Commitment(step.Context!.Salt, written), step.Step.ContextHash.ToString());
    }

    [Fact]
    public async Task A_caller_cannot_write_the_decision_itself()
    {
        await using var bench = new RecorderBench();
        var session = await bench.OpenAsync();
        var refused = await Assert.ThrowsAsync<ArgumentException>(async () => await session.Append(Step() with { Context = Json("""{"policy":{"decision":"allowed"}}""") }));
        Assert.Contains("only the recorder writes it", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Places_that_a_rule_names_are_in_no_payload_and_noted_with_the_rule()
    {
        await using var bench = new RecorderBench();
        var session = await bench.OpenAsync();
        var effects = new DecisionEffects { Parameters = [Place("card", "policy:guard/cards"), Place("items[*].who", "policy:guard/cards")], Outcome = [Place("echo", "policy:guard/cards")] };
        await session.Append(Step() with
        {
            Decision = new StepDecision(StepDecisionKind.Redacted, "no cards", Rule, effects),
            Parameters = Json("""{"card":{"number":1},"items":[{"n":1,"who":"a"},{"n":2,"who":null}],"other":"card"}"""),
            Outcome = Json("""{"echo":"a","fine":"b"}"""),
        });
        var step = bench.Stored().Steps[0];
        Assert.Equal("""{"card":"<REDACTED>","items":[{"n":1,"who":"<REDACTED>"},{"n":2,"who":null}],"other":"card"}""", Text(step.Parameters));
        Assert.Equal("""{"echo":"<REDACTED>","fine":"b"}""", Text(step.Outcome!));
        Assert.Equal(
            $$"""{"attempt":1,"policy":{"decision":"redacted","digest":"{{Digest.Of("document"u8)}}","policy":"guard","reason":"no cards","rule":"cards","version":"2"},"redactions":[{"place":"params.card","rule":"policy:guard/cards"},{"place":"params.items[0].who","rule":"policy:guard/cards"},{"place":"outcome_data.echo","rule":"policy:guard/cards"}],"worker":"w1"}""",
            ContextOf(bench, 0));
    }

    [Theory]
    [InlineData("a.b", """{"a":{"b":[1,2],"c":3}}""", """{"a":{"b":"<REDACTED>","c":3}}""", "a.b")]
    [InlineData("a.*", """{"a":{"b":1,"c":null,"d":2}}""", """{"a":{"b":"<REDACTED>","c":null,"d":"<REDACTED>"}}""", "a.b a.d")]
    [InlineData("a[1][0]", """{"a":[[1],[2,3]]}""", """{"a":[[1],["<REDACTED>",3]]}""", "a[1][0]")]
    [InlineData("[*]", """[1,"x"]""", """["<REDACTED>","<REDACTED>"]""", "[0] [1]")]
    [InlineData("[\"a.b\"]", """{"a.b":1}""", """{"a.b":"<REDACTED>"}""", "[\"a.b\"]")]
    [InlineData("body.card", """{"body":{"$json":"{\"card\":1,\"card\":2}"},"x":1}""", """{"body":{"$json":"<REDACTED>"},"x":1}""", "body.$json")]
    [InlineData("body[0].card", """{"body":{"$base64":"AA==","$mediaType":"x"}}""", """{"body":{"$base64":"<REDACTED>","$mediaType":"x"}}""", "body.$base64")]
    [InlineData("card", """{"$json":"{}"}""", """{"$json":"<REDACTED>"}""", "$json")]
    [InlineData("other.card", """{"body":{"$json":"{}"}}""", """{"body":{"$json":"{}"}}""", "")]
    [InlineData("a", """{"a":"<REDACTED>"}""", """{"a":"<REDACTED>"}""", "")]
    [InlineData("a.b", """{"a":[{"b":1}],"b":2}""", """{"a":[{"b":1}],"b":2}""", "")]
    public void A_place_is_cut_out_with_all_that_is_in_it_and_nothing_else(string place, string payload, string expected, string removed)
    {
        var result = PlaceRedaction.Apply(Json(payload), [Place(place, "r")]);
        Assert.Equal(expected, result.Payload.ToString());
        Assert.Equal(removed, string.Join(' ', result.Removals.Select(removal => removal.Place)));
    }

    [Theory]
    [InlineData("", "is empty")]
    [InlineData("a..b", "has no name at character 3")]
    [InlineData("a.", "has no name at character 3")]
    [InlineData("a[x]", "neither [n], [*] nor")]
    [InlineData("a[-1]", "neither [n], [*] nor")]
    [InlineData("a[1", "not closed")]
    [InlineData("[\"a]", "not closed")]
    [InlineData("a[1]b", "has no . or [ at character 5")]
    [InlineData("a\"b", "must be written as")]
    public void A_place_that_cannot_be_read_says_why(string text, string why)
    {
        Assert.False(PlacePattern.TryParse(text, out _, out var error));
        Assert.Contains(why, error, StringComparison.Ordinal);
    }

    [Fact]
    public void Decisions_are_equal_where_all_that_follows_from_them_is()
    {
        StepDecision Of(int timeout) => new(StepDecisionKind.Limited, "r", Rule, new DecisionEffects { TimeoutMs = timeout, Counted = ["guard/cards"] });
        Assert.Equal(Of(1), Of(1));
        Assert.NotEqual(Of(1), Of(2));
        Assert.Equal(Step() with { Decision = Of(1) }, Step() with { Decision = Of(1) });
        Assert.Throws<ArgumentException>(() => StepDecision.NotGoverned(" "));
    }

    private static PlaceRedaction Place(string place, string rule)
    {
        Assert.True(PlacePattern.TryParse(place, out var pattern, out var error), error);
        return new PlaceRedaction(pattern!, rule);
    }

    private static string ContextOf(RecorderBench bench, int step) => Text(bench.Stored().Steps[step].Context!);

    private static string Text(CommittedPayload payload) => System.Text.Encoding.UTF8.GetString(payload.Text.Span);
}
