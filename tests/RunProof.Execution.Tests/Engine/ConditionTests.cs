using System.Text.Json;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Testing;

namespace RunProof.Execution.Tests;

/// <summary>Steps that are executed only where their condition is true.</summary>
public sealed class ConditionTests
{
    private const string Outcome =
        """
        {"amount":"12.50","big":"9007199254740993","deep":{"n":null,"list":[1,"x",{"a":1.0}]},"email":"ada@example.com","flag":true,"id":"a-17","none":null,
        "password":"hunter2","status":200,"third":0.1,"time":"2026-02-10T12:43:41.549430Z","text":"ready"}
        """;

    private readonly FakeSkill _looked = new("look", (_, _, _) => new(FakeSkill.Gives(Outcome)));
    private readonly FakeSkill _work = new("work", (_, _, _) => new(FakeSkill.Gives("""{"n":7}""")));
    private readonly FakeSkill _fail = new("fail", (_, _, _) => new(FakeSkill.Fails("broken")));
    private readonly House _house;

    public ConditionTests() => _house = new House(_looked, _work, _fail);

    [Theory]
    [InlineData("""{"value":"{{steps.a.status}}","equals":200}""", true)]
    [InlineData("""{"value":"{{steps.a.status}}","equals":2e2}""", true)]
    [InlineData("""{"value":"{{steps.a.status}}","not_equals":200}""", false)]
    [InlineData("""{"value":"{{steps.a.status}}","in":[404,200]}""", true)]
    [InlineData("""{"value":"{{steps.a.status}}","in":["x",404]}""", false)]
    [InlineData("""{"value":"{{steps.a.text}}","in":["ready","steady"]}""", true)]
    [InlineData("""{"value":"x","in":"{{steps.a.deep.list}}"}""", null)]
    [InlineData("""{"value":"{{steps.a.deep.list[1]}}","in":"{{steps.a.deep.list}}"}""", true)]
    [InlineData("""{"value":"{{steps.a.third}}","equals":0.1}""", true)]
    [InlineData("""{"value":"{{steps.a.third}}","less_than":"0.10000000000000000001"}""", true)]
    [InlineData("""{"value":"{{steps.a.third}}","at_least":"0.1"}""", true)]
    [InlineData("""{"value":"{{steps.a.big}}","greater_than":"9007199254740992"}""", true)]
    [InlineData("""{"value":"{{steps.a.big}}","equals":"9007199254740992"}""", false)]
    [InlineData("""{"value":"{{steps.a.amount}}","equals":12.5}""", true)]
    [InlineData("""{"value":"{{steps.a.amount}}","greater_than":12.49}""", true)]
    [InlineData("""{"value":"{{steps.a.amount}}","at_most":12.5}""", true)]
    [InlineData("""{"value":"{{steps.a.amount}}","less_than":9}""", false)]
    [InlineData("""{"value":"{{steps.a.time}}","greater_than":"2026-02-10T14:43:41+02:00"}""", true)]
    [InlineData("""{"value":"{{steps.a.time}}","less_than":"2026-02-10T12:43:41.549430Z"}""", false)]
    [InlineData("""{"value":"{{steps.a.none}}","equals":null}""", true)]
    [InlineData("""{"value":"{{steps.a.none}}","not_equals":"x"}""", true)]
    [InlineData("""{"value":"{{steps.a.flag}}","equals":true}""", true)]
    [InlineData("""{"value":"{{steps.a.deep.list}}","equals":[1,"x",{"a":1}]}""", true)]
    [InlineData("""{"value":"{{steps.a.deep.list}}","equals":[1,"x",{"a":"1"}]}""", false)]
    [InlineData("""{"value":"{{steps.a.id}}/{{steps.a.status}}","equals":"a-17/200"}""", true)]
    [InlineData("""{"value":"{{steps.a.id}}","matches":"^[a-z]-[0-9]{2}$"}""", true)]
    [InlineData("""{"value":"{{steps.a.id}}","matches":"7"}""", true)]
    [InlineData("""{"value":"{{steps.a.id}}","matches":"^7"}""", false)]
    [InlineData("""{"value":"{{steps.a.id}}","exists":true}""", true)]
    [InlineData("""{"value":"{{steps.a.none}}","exists":true}""", false)]
    [InlineData("""{"value":"{{steps.a.deep.nothing.here}}","exists":false}""", true)]
    [InlineData("""{"value":"{{steps.f.x}}","exists":false}""", true)]
    [InlineData("""{"value":"{{steps.a.text}}","equals":"{{steps.a.text}}"}""", true)]
    [InlineData("""{"step":"f","status":["failed"]}""", true)]
    [InlineData("""{"step":"a","status":["failed","skipped"]}""", false)]
    [InlineData("""{"all":[{"step":"a","status":["succeeded"]},{"value":"{{steps.a.status}}","less_than":300}]}""", true)]
    [InlineData("""{"any":[{"step":"f","status":["failed"]},{"value":"{{steps.f.x}}","equals":1}]}""", true)]
    [InlineData("""{"all":[{"step":"f","status":["succeeded"]},{"value":"{{steps.f.x}}","equals":1}]}""", false)]
    [InlineData("""{"not":{"value":"{{steps.a.status}}","equals":200}}""", false)]
    public async Task A_step_whose_condition_is_false_is_skipped_and_one_whose_condition_is_true_is_executed(string condition, bool? expected)
    {
        if (expected is not { } isTrue)
        {
            Assert.NotEmpty(_house.Parser.Parse(House.Json($$"""[{"id":"a","skill":"look"},{"skill":"work","condition":{{condition}}}]"""), "plan").Errors);
            return;
        }

        var outcome = await ExecuteAsync(condition);

        var step = _house.Recorder.Only.Steps[2];
        Assert.Equal(isTrue ? StepStatus.Succeeded : StepStatus.Skipped, step.Status);
        Assert.Equal(isTrue ? 1 : 0, _work.Calls.Count);
        Assert.Equal(isTrue, Context(step).GetProperty("condition").GetProperty("result").GetBoolean());
        Assert.Equal(RunStatus.Succeeded, outcome.Status);
    }

    [Theory]
    [InlineData("""{"value":"{{steps.a.missing}}","equals":1}""", "unresolved_reference")]
    [InlineData("""{"value":"{{steps.f.x}}","equals":1}""", "unresolved_reference")]
    [InlineData("""{"value":"{{steps.a.text}}","equals":1}""", "condition_not_comparable")]
    [InlineData("""{"value":"{{steps.a.flag}}","not_equals":"true"}""", "condition_not_comparable")]
    [InlineData("""{"value":"{{steps.a.deep}}","equals":"x"}""", "condition_not_comparable")]
    [InlineData("""{"value":"{{steps.a.text}}","greater_than":1}""", "condition_not_comparable")]
    [InlineData("""{"value":"{{steps.a.none}}","less_than":1}""", "condition_not_comparable")]
    [InlineData("""{"value":"{{steps.a.time}}","less_than":1}""", "condition_not_comparable")]
    [InlineData("""{"value":"{{steps.a.status}}","matches":"2"}""", "condition_not_comparable")]
    [InlineData("""{"value":"{{steps.a.status}}","in":["a","b"]}""", "condition_not_comparable")]
    [InlineData("""{"value":"{{steps.a.status}}","in":"{{steps.a.text}}"}""", "condition_not_comparable")]
    [InlineData("""{"not":{"value":"{{steps.a.missing}}","equals":1}}""", "unresolved_reference")]
    [InlineData("""{"any":[{"value":"{{steps.a.missing}}","equals":1},{"step":"a","status":["succeeded"]}]}""", "unresolved_reference")]
    public async Task A_condition_that_cannot_be_evaluated_fails_the_step_and_nothing_is_executed(string condition, string code)
    {
        var outcome = await ExecuteAsync(condition);

        var step = _house.Recorder.Only.Steps[2];
        Assert.Equal((StepStatus.Failed, code, "FAILURE"), (step.Status, step.OutcomeCode, step.OutcomeCategory));
        Assert.Equal(StepDecisionKind.Undecided, step.Decision.Kind);
        Assert.Equal(JsonValueKind.Null, Context(step).GetProperty("condition").GetProperty("result").ValueKind);
        Assert.StartsWith("the step's condition cannot be evaluated: ", Context(step).GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Empty(_work.Calls);
        Assert.Equal((RunStatus.Failed, code), (outcome.Status, outcome.ErrorCode));
    }

    [Fact]
    public async Task A_skipped_step_is_evidence_of_what_was_looked_at_and_costs_nothing()
    {
        var outcome = await ExecuteAsync("""{"all":[{"step":"a","status":["succeeded"]},{"value":"{{steps.a.status}}","equals":404}]}""");

        var step = _house.Recorder.Only.Steps[2];
        Assert.Equal((StepStatus.Skipped, "SUCCESS", null, 0m, 0d), (step.Status, step.OutcomeCategory, step.OutcomeCode, step.CostCents, step.DurationMs));
        Assert.Null(step.Outcome);
        Assert.Equal((StepDecisionKind.Undecided, "nothing was executed: the step's condition is false"), (step.Decision.Kind, step.Decision.Reason));
        Assert.Equal("run-1:2", step.IdempotencyKey);
        Assert.Equal(
            """
            {"is":{"all":[{"status":["succeeded"],"step":"a"},{"equals":404,"value":"{{steps.a.status}}"}]},"looked_at":[{"status":"succeeded","step":"a"},{"reference":"{{steps.a.status}}","value":200}],"result":false}
            """,
            Context(step).GetProperty("condition").GetRawText());
        Assert.Equal("""{"because":"condition"}""", Context(step).GetProperty("skipped").GetRawText());
        Assert.Equal(RunStatus.Succeeded, outcome.Status);
        // One step of this plan failed: a skipped step is no failed one.
        Assert.Contains("\"failed_steps\":1,", _house.Recorder.Only.Closing!.Metadata!.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Evidence_shows_no_value_that_redaction_takes_out_of_the_outcome_and_of_a_long_one_its_digest()
    {
        var text = new string('x', 300);
        var house = new House(new FakeSkill("look", (_, _, _) => new(FakeSkill.Gives($$"""{"secret":"hunter2","long":"{{text}}"}"""))), _work);

        await house.ExecuteAsync(
            """{"id":"a","skill":"look"}""",
            """{"skill":"work","condition":{"all":[{"value":"{{steps.a.secret}}","exists":true},{"value":"{{steps.a.long}}","equals":"y"}]}}""");

        var looked = Context(house.Recorder.Only.Steps[1]).GetProperty("condition").GetProperty("looked_at");
        Assert.Equal(
            $$"""[{"bytes":302,"digest":"{{Digest.Of(System.Text.Encoding.UTF8.GetBytes($"\"{text}\""))}}","reference":"{{"{{steps.a.long}}"}}"},{"redacted":true,"reference":"{{"{{steps.a.secret}}"}}"}]""",
            looked.GetRawText());
    }

    [Fact]
    public async Task What_refers_to_a_skipped_step_is_skipped_through_it_and_what_only_depends_on_it_is_executed()
    {
        var outcome = await _house.ExecuteAsync(
            """{"id":"a","skill":"look"}""",
            """{"id":"b","skill":"work","depends_on":["a"],"condition":{"value":"{{steps.a.status}}","equals":404}}""",
            """{"id":"c","skill":"work","depends_on":["b"],"params":{"x":"{{steps.b.n}}"}}""",
            """{"id":"d","skill":"work","depends_on":["c"],"condition":{"value":"{{steps.c.n}}","equals":1}}""",
            """{"id":"e","skill":"work","depends_on":["c","d"],"params":{"e":1},"condition":{"any":[{"step":"d","status":["skipped"]},{"value":"{{steps.c.n}}","equals":1}]}}""");

        var steps = _house.Recorder.Only.Steps;
        Assert.Equal(
            [StepStatus.Succeeded, StepStatus.Skipped, StepStatus.Skipped, StepStatus.Skipped, StepStatus.Succeeded], steps.OrderBy(PlanGraphTests.PlanIndex).Select(step => step.Status));
        var byPlan = steps.OrderBy(PlanGraphTests.PlanIndex).ToList();
        Assert.Equal("""{"because":"reference","step":"b"}""", Context(byPlan[2]).GetProperty("skipped").GetRawText());
        Assert.Equal("""{"because":"reference","step":"c"}""", Context(byPlan[3]).GetProperty("skipped").GetRawText());
        Assert.Equal(JsonValueKind.Null, Context(byPlan[3]).GetProperty("condition").GetProperty("result").ValueKind);
        Assert.Equal(["""{"e":1}"""], _work.Calls);
        Assert.Equal(RunStatus.Succeeded, outcome.Status);
    }

    [Fact]
    public async Task A_condition_that_cannot_be_evaluated_is_tolerated_where_the_step_says_so()
    {
        var outcome = await _house.ExecuteAsync(
            """{"id":"a","skill":"look"}""",
            """{"id":"b","skill":"work","on_error":"continue","condition":{"value":"{{steps.a.text}}","equals":1}}""",
            """{"id":"c","skill":"work","condition":{"step":"b","status":["failed"]}}""");

        Assert.Equal([StepStatus.Succeeded, StepStatus.Failed, StepStatus.Succeeded], _house.Recorder.Only.Steps.Select(step => step.Status));
        Assert.Equal(RunStatus.Succeeded, outcome.Status);
    }

    [Fact]
    public async Task A_skipped_step_is_never_announced_and_what_waits_for_it_begins_once_it_is_recorded()
    {
        House house = null!;
        var seen = new List<(int Steps, string Announced)>();
        house = new House(_looked, new FakeSkill("work", (_, _, _) =>
        {
            seen.Add((house.Recorder.Only.Steps.Count, string.Join(',', house.Recorder.Only.Intents.Select(intent => intent.PlanIndex))));
            return new(FakeSkill.Gives("{}"));
        }));

        await house.ExecuteAsync(
            """{"id":"a","skill":"look"}""", """{"id":"b","skill":"work","condition":{"value":"{{steps.a.status}}","equals":404}}""", """{"id":"c","skill":"work"}""");

        Assert.Equal([(2, "2")], seen);
        Assert.Equal(["open", "append 0", "append 1", "append 2", "seal"], house.Recorder.Writes);
    }

    [Fact]
    public async Task Thousands_of_skipped_steps_are_recorded_one_after_the_other()
    {
        var plan = Enumerable.Range(1, 2_000).Select(_ => """{"skill":"work","condition":{"step":"a","status":["failed"]}}""").Prepend("""{"id":"a","skill":"look"}""").ToArray();

        var outcome = await _house.ExecuteAsync(plan);

        Assert.Equal(RunStatus.Succeeded, outcome.Status);
        Assert.Equal(2_000, _house.Recorder.Only.Steps.Count(step => step.Status is StepStatus.Skipped));
        Assert.Empty(_work.Calls);
    }

    [Theory]
    [InlineData("append 1")]
    [InlineData("append 2")]
    [InlineData("seal")]
    public async Task After_a_crash_a_recorded_skip_is_known_from_the_record_and_what_was_not_recorded_is_looked_at_again(string lost)
    {
        string[] plan =
        [
            """{"id":"a","skill":"look"}""", """{"id":"b","skill":"work","params":{"b":1},"condition":{"value":"{{steps.a.status}}","equals":404}}""",
            """{"id":"c","skill":"safe","condition":{"step":"b","status":["skipped"]}}""", """{"id":"d","skill":"work","params":{"x":"{{steps.b.n}}"}}""",
        ];
        var safe = new FakeSkill("safe", (_, _, _) => new(FakeSkill.Gives("{}"))) { Idempotent = true };
        var house = new House(_looked, _work, safe);
        await DieAsync(house, lost, plan);

        await RecoverAsync(house);

        var steps = house.Recorder.Only.Steps;
        Assert.Equal([StepStatus.Succeeded, StepStatus.Skipped, StepStatus.Succeeded, StepStatus.Skipped], steps.Select(step => step.Status));
        Assert.Single(_looked.Calls);
        Assert.Empty(_work.Calls);
        Assert.Equal(lost == "append 1" ? 1 : lost == "append 2" ? 2 : 1, safe.Calls.Count);
        Assert.True(Context(steps[2]).GetProperty("condition").GetProperty("result").GetBoolean());
        Assert.Equal((RunStatus.Succeeded, SealStatus.Completed), (house.Runs.Only.Status, house.Recorder.Only.Closing!.Status));
    }

    [Fact]
    public async Task A_recorded_skip_stands_even_where_what_it_looked_at_has_changed_since()
    {
        await DieAsync(_house, "append 2", """{"id":"a","skill":"look"}""", """{"id":"b","skill":"work","condition":{"value":"{{steps.a.status}}","equals":404}}""", """{"id":"c","skill":"fail","on_error":"continue"}""");
        // Whatever happened to the record of the step: it is not asked again.
        var first = _house.Recorder.Only.Steps[0];
        _house.Recorder.Only.Steps[0] = first with { Outcome = CanonicalJson.Parse("""{"status":404}"""u8) };

        await RecoverAsync(_house);

        Assert.Equal([StepStatus.Succeeded, StepStatus.Skipped, StepStatus.Interrupted], _house.Recorder.Only.Steps.Select(step => step.Status));
        Assert.Empty(_work.Calls);
    }

    [Fact]
    public async Task A_step_that_was_announced_was_to_be_executed_whatever_its_condition_looks_like_now()
    {
        await DieAsync(_house, "append 1", """{"id":"a","skill":"look"}""", """{"id":"b","skill":"work","on_error":"continue","condition":{"value":"{{steps.a.status}}","equals":200}}""");
        var first = _house.Recorder.Only.Steps[0];
        _house.Recorder.Only.Steps[0] = first with { Outcome = CanonicalJson.Parse("""{"status":404}"""u8) };

        await RecoverAsync(_house);

        var step = _house.Recorder.Only.Steps[1];
        Assert.Equal(StepStatus.Interrupted, step.Status);
        Assert.True(Context(step).GetProperty("condition").GetProperty("result").GetBoolean());
        Assert.Equal("a process before this one found it true and announced the step", Context(step).GetProperty("condition").GetProperty("note").GetString());
    }

    [Fact]
    public async Task A_paused_run_records_no_skip_before_it_goes_on()
    {
        using var control = new RunControl(CancellationToken.None, CancellationToken.None);
        var wish = new RunWish(House.Tenant, RunId.Parse("run-1"), Pause: true, null, null);
        var house = new House(_work, new FakeSkill("look", (_, _, _) =>
        {
            control.Obey(wish);
            return new(FakeSkill.Gives(Outcome));
        }));
        var planned = house.Planned("""{"id":"a","skill":"look"}""", """{"id":"b","skill":"work","condition":{"value":"{{steps.a.status}}","equals":404}}""");

        var outcome = await house.DriveAsync(house.Engine.ExecuteAsync(planned, null, control));

        Assert.Equal((true, true), (outcome.Release!.BetweenSteps, outcome.Release.Pause));
        Assert.Equal([StepStatus.Succeeded], house.Recorder.Only.Steps.Select(step => step.Status));
        house.Runs.Put(planned.Run with { Status = RunStatus.Queued, IsAttemptOpen = true, IsBetweenSteps = true, Worker = null });
        await RecoverAsync(house);
        Assert.Equal([StepStatus.Succeeded, StepStatus.Skipped], house.Recorder.Only.Steps.Select(step => step.Status));
        Assert.Equal(RunStatus.Succeeded, house.Runs.Only.Status);
    }

    internal static JsonElement Context(StepRecording step)
    {
        using var context = step.Context!.ToDocument();
        return context.RootElement.Clone();
    }

    /// <summary>Executes until a write, which is lost with the process.</summary>
    internal static async Task DieAsync(House house, string write, params string[] steps)
    {
        var planned = house.Planned(steps);
        house.Recorder.Fail(write, Fault.Lost);
        await house.DriveAsync(house.Engine.ExecuteAsync(planned, null, RunControl.Of(default)));
        house.Recorder.Heal();
        house.Runs.Put(planned.Run with { Worker = "dead", LeaseUntil = house.Clock.GetUtcNow() - TimeSpan.FromSeconds(1) });
    }

    internal static Task RecoverAsync(House house) => house.Next("worker-2").WorkAsync(() => PlanGraphTests.UntilAsync(() => house.Runs.Only.CompletedAt is not null));

    private Task<RunOutcome> ExecuteAsync(string condition) => _house.ExecuteAsync(
        """{"id":"a","skill":"look"}""", """{"id":"f","skill":"fail","on_error":"continue"}""", $$"""{"id":"s","skill":"work","condition":{{condition}}}""");
}
