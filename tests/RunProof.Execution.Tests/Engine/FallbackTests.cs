using RunProof.Format;
using RunProof.Ledger;
using RunProof.Policies;

namespace RunProof.Execution.Tests;

/// <summary>What is executed in a step's place once it has failed for good.</summary>
public sealed class FallbackTests
{
    private readonly FakeSkill _work = new("work", (_, _, _) => new(FakeSkill.Gives("""{"n":7}""")));
    private readonly FakeSkill _fail = new("fail", (_, _, _) => new(FakeSkill.Fails("broken")));
    private readonly FakeSkill _keyed = new("keyed", (_, context, _) => new(FakeSkill.Gives($$"""{"attempt":{{context.Attempt}},"key":"{{context.IdempotencyKey}}","n":8}""")));
    private readonly FakeSkill _safe = new("safe", (_, _, _) => new(FakeSkill.Gives("""{"n":9}"""))) { Idempotent = true };
    private readonly House _house;

    public FallbackTests() => _house = new House(_work, _fail, _keyed, _safe);

    [Fact]
    public async Task A_fallback_is_executed_once_under_a_key_of_its_own_and_its_outcome_stands_for_the_steps()
    {
        var outcome = await _house.ExecuteAsync(
            """{"id":"a","skill":"fail","params":{"x":1},"fallback":{"skill":"keyed","params":{"y":2}}}""", """{"id":"b","skill":"work","params":{"k":"{{steps.a.key}}"}}""",
            """{"id":"c","skill":"work","condition":{"step":"a","status":["succeeded"]}}""");

        var steps = _house.Recorder.Only.Steps;
        Assert.Equal([StepStatus.Failed, StepStatus.Succeeded, StepStatus.Succeeded, StepStatus.Succeeded], steps.Select(step => step.Status));
        Assert.Equal([0, 0, 1, 2], steps.Select(PlanGraphTests.PlanIndex));
        Assert.Equal(["a", "a", "b", "c"], steps.Select(PlanGraphTests.PlanStep));
        Assert.Equal(("fail", "run-1:0", 0), (steps[0].SkillName, steps[0].IdempotencyKey, steps[0].RetryCount));
        Assert.Equal(("keyed", "run-1:0:fallback", 1), (steps[1].SkillName, steps[1].IdempotencyKey, steps[1].RetryCount));
        Assert.True(ConditionTests.Context(steps[1]).GetProperty("fallback").GetBoolean());
        Assert.False(ConditionTests.Context(steps[0]).TryGetProperty("fallback", out _));
        Assert.Equal("""{"k":"run-1:0:fallback"}""", _work.Calls[0]);
        Assert.Equal(StepDecisionKind.Allowed, steps[1].Decision.Kind);
        Assert.Equal((RunStatus.Succeeded, null), (outcome.Status, outcome.ErrorCode));
        Assert.Equal(SealStatus.Completed, _house.Recorder.Only.Closing!.Status);
    }

    [Fact]
    public async Task The_fallback_is_announced_with_the_record_of_the_failure()
    {
        House house = null!;
        string? announced = null;
        house = new House(_fail, new FakeSkill("seen", (_, _, _) =>
        {
            announced = string.Join(';', house.Recorder.Only.Intents.Select(intent => $"{intent.PlanIndex},{intent.Attempt}"));
            return new(FakeSkill.Gives("{}"));
        }));

        await house.ExecuteAsync("""{"skill":"fail","fallback":{"skill":"seen"}}""");

        Assert.Equal("0,1", announced);
        Assert.Equal(["open", "append 0", "append 1", "seal"], house.Recorder.Writes);
    }

    [Theory]
    [InlineData("abort", RunStatus.Failed, 2)]
    [InlineData("continue", RunStatus.Succeeded, 3)]
    public async Task Where_the_fallback_fails_too_the_step_has_failed(string onError, RunStatus status, int recorded)
    {
        var outcome = await _house.ExecuteAsync($$"""{"skill":"fail","on_error":"{{onError}}","fallback":{"skill":"fail"} }""", """{"skill":"work"}""");

        Assert.Equal(status, outcome.Status);
        Assert.Equal(recorded, _house.Recorder.Only.Steps.Count);
        Assert.Equal(status is RunStatus.Failed ? "broken" : null, outcome.ErrorCode);
    }

    [Fact]
    public async Task A_step_that_succeeds_has_no_need_of_its_fallback()
    {
        await _house.ExecuteAsync("""{"skill":"work","fallback":{"skill":"keyed"}}""");

        Assert.Single(_house.Recorder.Only.Steps);
        Assert.Empty(_keyed.Calls);
    }

    [Fact]
    public async Task Step_and_fallback_each_have_their_own_attempts_and_time()
    {
        var (tries, others) = (0, 0);
        var house = new House(
            new FakeSkill("shaky", (_, _, _) => new(FakeSkill.Fails($"no_{++tries}", retryable: true))),
            new FakeSkill("other", async (_, _, token) =>
            {
                if (++others < 3)
                    await Task.Delay(Timeout.Infinite, token);
                return FakeSkill.Gives("{}");
            }));

        var outcome = await house.ExecuteAsync(
            """{"skill":"shaky","on_error":"retry","retry":{"max_attempts":2,"backoff_ms":1000},"timeout_ms":5000,"fallback":{"skill":"other","retry":{"max_attempts":3,"backoff_ms":100},"timeout_ms":200}}""");

        var steps = house.Recorder.Only.Steps;
        Assert.Equal([StepStatus.Retrying, StepStatus.Failed, StepStatus.Retrying, StepStatus.Retrying, StepStatus.Succeeded], steps.Select(step => step.Status));
        Assert.Equal([0, 1, 2, 3, 4], steps.Select(step => step.RetryCount));
        Assert.Equal(["no_1", "no_2", "timeout", "timeout", null], steps.Select(step => step.OutcomeCode));
        Assert.Equal(RunStatus.Succeeded, outcome.Status);
    }

    [Fact]
    public async Task A_condition_stands_before_the_step_and_its_fallback()
    {
        var outcome = await _house.ExecuteAsync(
            """{"id":"a","skill":"work"}""",
            """{"id":"b","skill":"fail","condition":{"value":"{{steps.a.n}}","equals":8},"fallback":{"skill":"keyed"}}""",
            """{"id":"c","skill":"fail","on_error":"continue","condition":{"value":"{{steps.a.n}}","equals":"x"},"fallback":{"skill":"keyed"}}""",
            """{"id":"d","skill":"fail","condition":{"value":"{{steps.a.n}}","equals":7},"fallback":{"skill":"keyed"}}""");

        Assert.Equal(
            [StepStatus.Succeeded, StepStatus.Skipped, StepStatus.Failed, StepStatus.Failed, StepStatus.Succeeded], _house.Recorder.Only.Steps.Select(step => step.Status));
        Assert.Single(_keyed.Calls);
        Assert.Equal(RunStatus.Succeeded, outcome.Status);
    }

    [Fact]
    public async Task A_fallback_may_refer_to_earlier_steps_and_fails_where_they_were_skipped()
    {
        var outcome = await _house.ExecuteAsync(
            """{"id":"a","skill":"work"}""",
            """{"id":"s","skill":"work","condition":{"value":"{{steps.a.n}}","equals":8}}""",
            """{"id":"b","skill":"fail","fallback":{"skill":"keyed","params":{"x":"{{steps.a.n}}"}}}""",
            """{"id":"c","skill":"fail","fallback":{"skill":"keyed","params":{"x":"{{steps.s.n}}"}}}""");

        Assert.Equal(["""{"x":7}"""], _keyed.Calls);
        Assert.Equal((RunStatus.Failed, "unresolved_reference"), (outcome.Status, outcome.ErrorCode));
    }

    // append 1 is the record of the failure, append 2 that of the fallback.
    [Theory]
    [InlineData("append 1", "safe", "safe")]
    [InlineData("append 2", "fail", "safe")]
    [InlineData("append 3", "fail", "work")]
    [InlineData("seal", "fail", "work")]
    public async Task After_a_crash_the_fallback_is_executed_once(string lost, string skill, string fallback)
    {
        var asked = new FakeSkill("safe", (parameters, _, _) => new(parameters.TryGetProperty("fails", out _) ? FakeSkill.Fails("broken") : FakeSkill.Gives("""{"n":9}"""))) { Idempotent = true };
        var house = new House(_work, _fail, asked);
        await ConditionTests.DieAsync(
            house, lost, """{"skill":"work","params":{"first":1}}""", $$"""{"id":"b","skill":"{{skill}}","params":{"fails":1},"fallback":{"skill":"{{fallback}}","params":{"second":1} } }""",
            """{"skill":"safe","params":{"n":"{{steps.b.n}}"}}""");

        await ConditionTests.RecoverAsync(house);

        var steps = house.Recorder.Only.Steps;
        Assert.Equal([StepStatus.Succeeded, StepStatus.Failed, StepStatus.Succeeded, StepStatus.Succeeded], steps.Select(step => step.Status));
        Assert.Equal(["run-1:0", "run-1:1", "run-1:1:fallback", "run-1:2"], steps.Select(step => step.IdempotencyKey));
        Assert.Equal([0, 0, 1, 0], steps.Select(step => step.RetryCount));
        if (fallback == "work")
            Assert.Equal(["""{"first":1}""", """{"second":1}"""], _work.Calls);
        Assert.Equal(RunStatus.Succeeded, house.Runs.Only.Status);
    }

    [Fact]
    public async Task A_step_that_a_crash_interrupted_falls_back()
    {
        await ConditionTests.DieAsync(_house, "append 0", """{"id":"a","skill":"work","fallback":{"skill":"keyed"}}""", """{"skill":"work","params":{"n":"{{steps.a.n}}"}}""");

        await ConditionTests.RecoverAsync(_house);

        var steps = _house.Recorder.Only.Steps;
        Assert.Equal([StepStatus.Interrupted, StepStatus.Succeeded, StepStatus.Succeeded], steps.Select(step => step.Status));
        Assert.Equal(["run-1:0", "run-1:0:fallback", "run-1:1"], steps.Select(step => step.IdempotencyKey));
        Assert.Equal("""{"n":8}""", _work.Calls[^1]);
        Assert.Equal(RunStatus.Succeeded, _house.Runs.Only.Status);
    }

    [Fact]
    public async Task A_fallback_that_a_crash_interrupted_is_recorded_so_and_never_executed_again()
    {
        await ConditionTests.DieAsync(_house, "append 1", """{"id":"a","skill":"fail","fallback":{"skill":"keyed","params":{"y":2}}}""", """{"skill":"work"}""");

        await ConditionTests.RecoverAsync(_house);

        var steps = _house.Recorder.Only.Steps;
        Assert.Equal([StepStatus.Failed, StepStatus.Interrupted], steps.Select(step => step.Status));
        Assert.Equal(("keyed", "run-1:0:fallback", 1, """{"y":2}"""), (steps[1].SkillName, steps[1].IdempotencyKey, steps[1].RetryCount, steps[1].Parameters.ToString()));
        Assert.True(ConditionTests.Context(steps[1]).GetProperty("fallback").GetBoolean());
        Assert.Single(_keyed.Calls);
        Assert.Equal((RunStatus.Aborted, "worker_lost"), (_house.Runs.Only.Status, _house.Runs.Only.ErrorCode));
    }

    [Fact]
    public async Task Attempts_of_a_fallback_are_counted_across_a_crash()
    {
        var tries = 0;
        var house = new House(_fail, new FakeSkill("shaky", (_, _, _) => new(++tries < 4 ? FakeSkill.Fails("busy", retryable: true) : FakeSkill.Gives("{}"))) { Idempotent = true });
        await ConditionTests.DieAsync(house, "append 2", """{"skill":"fail","fallback":{"skill":"shaky","retry":{"max_attempts":3,"backoff_ms":10}}}""");

        await ConditionTests.RecoverAsync(house);

        Assert.Equal(
            [StepStatus.Failed, StepStatus.Retrying, StepStatus.Retrying, StepStatus.Succeeded], house.Recorder.Only.Steps.Select(step => step.Status));
        Assert.Equal([0, 1, 2, 3], house.Recorder.Only.Steps.Select(step => step.RetryCount));
        Assert.Equal(RunStatus.Succeeded, house.Runs.Only.Status);
    }

    [Fact]
    public async Task A_run_that_no_process_can_go_on_with_has_the_fallback_under_way_recorded_as_what_it_was()
    {
        var planned = _house.Planned("""{"id":"a","skill":"fail","fallback":{"skill":"keyed","params":{"y":2}}}""");
        _house.Recorder.Fail("append 1", Fault.Lost);
        await _house.DriveAsync(_house.Engine.ExecuteAsync(planned, null, RunControl.Of(default)));
        _house.Recorder.Heal();
        _house.Runs.Put(planned.Run with { PlanRedacted = true, Worker = "dead", LeaseUntil = _house.Clock.GetUtcNow() - TimeSpan.FromSeconds(1) });

        await ConditionTests.RecoverAsync(_house);

        var step = _house.Recorder.Only.Steps[1];
        Assert.Equal((StepStatus.Interrupted, "keyed", "run-1:0:fallback", """{"y":2}"""), (step.Status, step.SkillName, step.IdempotencyKey, step.Parameters.ToString()));
        Assert.True(ConditionTests.Context(step).GetProperty("fallback").GetBoolean());
    }

    [Fact]
    public async Task Branches_go_on_beside_a_fallback()
    {
        var outcome = await _house.ExecuteAsync(
            """{"id":"a","skill":"fail","depends_on":[],"fallback":{"skill":"keyed"}}""", """{"id":"b","skill":"work"}""", """{"id":"c","skill":"work","depends_on":["a","b"],"params":{"n":"{{steps.a.n}}"}}""");

        Assert.Equal(4, _house.Recorder.Only.Steps.Count);
        Assert.Equal("c", PlanGraphTests.PlanStep(_house.Recorder.Only.Steps[^1]));
        Assert.Equal("""{"n":8}""", _work.Calls[^1]);
        Assert.Equal(RunStatus.Succeeded, outcome.Status);
    }

    [Fact]
    public async Task A_cancelled_run_begins_no_fallback()
    {
        using var control = new RunControl(CancellationToken.None, CancellationToken.None);
        var wish = new RunWish(House.Tenant, RunId.Parse("run-1"), Pause: false, "ops", "enough");
        var house = new House(_keyed, new FakeSkill("fails", (_, _, _) =>
        {
            control.Obey(wish);
            return new(FakeSkill.Fails("broken"));
        }));

        var outcome = await house.DriveAsync(house.Engine.ExecuteAsync(house.Planned("""{"skill":"fails","fallback":{"skill":"keyed"}}"""), null, control));

        Assert.Empty(_keyed.Calls);
        Assert.Single(house.Recorder.Only.Steps);
        Assert.Equal((RunStatus.Failed, "broken"), (outcome.Status, outcome.ErrorCode));
    }

    [Theory]
    [InlineData("on_block: continue, ", RunStatus.Succeeded, 1)]
    [InlineData("", RunStatus.Failed, 0)]
    public async Task A_step_that_a_policy_refused_falls_back_where_the_rule_lets_the_run_go_on(string onBlock, RunStatus status, int calls)
    {
        var house = Governed($"{{id: no, effect: deny, reason: not this, {onBlock}when: {{skill: work}}}}");

        var outcome = await house.ExecuteAsync("""{"skill":"work","fallback":{"skill":"keyed"}}""");

        Assert.Equal(status, outcome.Status);
        Assert.Equal(calls, _keyed.Calls.Count);
        Assert.Equal(StepStatus.Blocked, house.Recorder.Only.Steps[0].Status);
    }

    [Fact]
    public async Task A_policy_may_refuse_the_fallback_and_takes_places_of_it_out_of_the_plan()
    {
        var house = Governed("{id: no, effect: deny, reason: not this, when: {skill: keyed}}, {id: hide, effect: redact, redact: [params.card], when: {skill: keyed}}");
        await house.WorkAsync(async () =>
        {
            Assert.IsType<Submission.Accepted>(await house.Service.SubmitAsync(house.Request("""[{"skill":"fail","fallback":{"skill":"keyed","params":{"card":"4242"}}}]"""), default));
            await PlanGraphTests.UntilAsync(() => house.Runs.Only.HasEnded);
        });

        Assert.Equal((RunStatus.Failed, "policy_denied"), (house.Runs.Only.Status, house.Runs.Only.ErrorCode));
        Assert.Equal([StepStatus.Failed, StepStatus.Blocked], house.Recorder.Only.Steps.Select(step => step.Status));
        Assert.Contains("""fallback":{"params":{"card":"<REDACTED>"}""", house.Runs.Only.PlanJson, StringComparison.Ordinal);
        Assert.Empty(_keyed.Calls);
    }

    [Fact]
    public async Task People_are_asked_of_the_step_and_again_of_its_fallback()
    {
        var house = Governed("{id: ask, effect: require_approval, reason: ask first, on_block: continue, when: {skill: [work, keyed]}}");
        house.Approvals = new FakeApprovalStore(house.Runs);
        await house.WorkAsync(async () =>
        {
            Assert.IsType<Submission.Accepted>(await house.Service.SubmitAsync(house.Request("""[{"id":"a","skill":"work","fallback":{"skill":"keyed","params":{"y":2}}}]"""), default));
            await PlanGraphTests.UntilAsync(() => house.Runs.Only.Status is RunStatus.Waiting);
            house.Approvals.Decide(approve: false, house.Clock.GetUtcNow());
            await PlanGraphTests.UntilAsync(() => house.Approvals.All.Count == 2 && house.Runs.Only.Status is RunStatus.Waiting);
            house.Approvals.Decide(approve: true, house.Clock.GetUtcNow(), at: 1);
            await PlanGraphTests.UntilAsync(() => house.Runs.Only.HasEnded);
        });

        Assert.Equal((RunStatus.Succeeded, null), (house.Runs.Only.Status, house.Runs.Only.ErrorMessage));
        Assert.Empty(_work.Calls);
        Assert.Equal(["""{"y":2}"""], _keyed.Calls);
        Assert.Equal([(StepStatus.Blocked, "approval_rejected"), (StepStatus.Succeeded, null)], house.Recorder.Only.Steps.Select(step => (step.Status, step.OutcomeCode)));
        Assert.Equal(["work", "keyed"], house.Approvals.All.Select(one => one.Request.Skill));
    }

    private House Governed(string rules) => new(_work, _fail, _keyed)
    {
        PolicyOptions = new PolicyOptions { Files = [PolicyReader.Read($"policy: p\nversion: '1'\ndefault: allow\nrules: [{rules}]").Policy!] },
    };
}
