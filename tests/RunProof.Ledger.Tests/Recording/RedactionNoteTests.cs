using static RunProof.Ledger.Tests.RecorderBench;

namespace RunProof.Ledger.Tests;

public sealed class RedactionNoteTests
{
    [Theory]
    [InlineData(null, """{"redactions":[{"place":"params.a","rule":"r"}]}""")]
    [InlineData("{}", """{"redactions":[{"place":"params.a","rule":"r"}]}""")]
    [InlineData("""{"a":1}""", """{"a":1,"redactions":[{"place":"params.a","rule":"r"}]}""")]
    [InlineData("""{"worker":"w"}""", """{"redactions":[{"place":"params.a","rule":"r"}],"worker":"w"}""")]
    [InlineData("""{"a":{"z":[1,{"redactions":0}]},"worker":"w"}""", """{"a":{"z":[1,{"redactions":0}]},"redactions":[{"place":"params.a","rule":"r"}],"worker":"w"}""")]
    [InlineData("""{"redactions":[],"z":1}""", """{"redactions":[{"place":"params.a","rule":"r"}],"z":1}""")]
    [InlineData("""{"redactions":[{"place":"x","rule":"y"}]}""", """{"redactions":[{"place":"x","rule":"y"},{"place":"params.a","rule":"r"}]}""")]
    [InlineData("""{"redaction":0,"redactionsX":0}""", """{"redaction":0,"redactions":[{"place":"params.a","rule":"r"}],"redactionsX":0}""")]
    [InlineData("""{"redactions\u0000":0}""", """{"redactions":[{"place":"params.a","rule":"r"}],"redactions\u0000":0}""")]
    public void Notes_stand_where_canonical_order_wants_them(string? context, string expected) =>
        Assert.Equal(expected, RedactionNote.AddTo(context is null ? null : Json(context), [new RedactionNote("params.a", "r")]).ToString());

    [Theory]
    [InlineData("params", "headers.authorization", "params.headers.authorization")]
    [InlineData("plan", "[0].params.url", "plan[0].params.url")]
    [InlineData("goal", "", "goal")]
    public void A_place_begins_with_its_payload(string payload, string place, string expected) => Assert.Equal(expected, RedactionNote.Join(payload, place));

    [Fact]
    public void A_member_redactions_that_is_no_array_is_a_misuse() =>
        Assert.Throws<ArgumentException>(() => RedactionNote.AddTo(Json("""{"redactions":1}"""), [new RedactionNote("goal", "r")]));

    [Fact]
    public async Task What_is_removed_reaches_no_payload_and_is_noted_in_the_context_of_its_record()
    {
        await using var bench = new RecorderBench(redactor: new WordRedactor("secret", "a.b", "name:password"));
        var session = await bench.Recorder.OpenAsync(Opening() with { Goal = Json("\"secret\""), Plan = Json("[\"secret\"]"), Context = null }, CancellationToken.None);
        await session.Append(Step() with { Parameters = Json("\"secret\""), Outcome = Json("\"secret\"") });
        await session.Append(Step(1));
        await session.Seal(Closing() with { Metadata = Json("""{"why":"secret"}""") });

        var stored = bench.Stored();
        Assert.Equal("""{"redactions":[{"place":"goal.a.b","rule":"name:password"},{"place":"plan.a.b","rule":"name:password"}]}""", Text(stored.Opening.Context));
        Assert.Equal("\"gone\"", Text(stored.Steps[0].Parameters));
        Assert.Equal("\"gone\"", Text(stored.Steps[0].Outcome));
        Assert.Equal(
            """{"attempt":1,"policy":{"decision":"allowed","reason":"no policy is in force"},"redactions":[{"place":"params.a.b","rule":"name:password"},{"place":"outcome_data.a.b","rule":"name:password"}],"worker":"w1"}""",
            Text(stored.Steps[0].Context));
        Assert.Equal("""{"attempt":1,"policy":{"decision":"allowed","reason":"no policy is in force"},"worker":"w1"}""", Text(stored.Steps[1].Context));
        Assert.Equal("""{"redactions":[{"place":"metadata.a.b","rule":"name:password"}],"why":"gone"}""", Text(stored.Seal!.Metadata));

        // The commitment is to what is stored, notes included.
        Assert.Equal(IndependentChain.Commitment(stored.Steps[0].Context!.Salt, Text(stored.Steps[0].Context)), stored.Steps[0].Step.ContextHash.ToString());
    }

    private static string Text(CommittedPayload? payload) => System.Text.Encoding.UTF8.GetString(payload!.Text.Span);
}
