using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution.Tests;

/// <summary>A process dies at every point of a run's life; the next one goes on with the run.</summary>
public sealed class RunRecoveryTests
{
    private readonly FakeSkill _skill = new("work", (_, _, _) => new(FakeSkill.Gives("""{"n":7}""")));
    private readonly FakeSkill _safe = new("safe", (_, context, _) => new(FakeSkill.Gives($$"""{"key":"{{context.IdempotencyKey}}","n":8}"""))) { Idempotent = true };
    private readonly House _house;

    public RunRecoveryTests() => _house = new House(_skill, _safe);

    [Fact]
    public async Task A_run_whose_trace_never_opened_is_executed_whole()
    {
        Abandon(_house.Planned("""{"skill":"work"}""").Run);

        await RecoverAsync();

        Assert.Equal((RunStatus.Succeeded, 1), (_house.Runs.Only.Status, _house.Runs.Only.Attempts));
        Assert.Single(_skill.Calls);
        Assert.Equal(SealStatus.Completed, _house.Recorder.Only.Closing!.Status);
    }

    [Fact]
    public async Task The_step_under_way_is_recorded_interrupted_with_its_resolved_parameters()
    {
        var planned = await DieAsync("append 1", """{"id":"a","skill":"work"}""", """{"id":"b","skill":"work","params":{"x":"{{steps.a.n}}"}}""");

        await RecoverAsync();

        var steps = _house.Recorder.Only.Steps;
        Assert.Equal([StepStatus.Succeeded, StepStatus.Interrupted], steps.Select(step => step.Status));
        Assert.Equal("""{"x":7}""", steps[1].Parameters.ToString());
        Assert.Null(steps[1].Outcome);
        Assert.Equal(("interrupted", "FAILURE", "work", "1.2.3"), (steps[1].OutcomeCode, steps[1].OutcomeCategory, steps[1].SkillName, steps[1].SkillVersion));
        Assert.Equal("run-1:1", steps[1].IdempotencyKey);
        Assert.Contains("\"plan_step\":\"b\"", steps[1].Context!.ToString());
        Assert.Equal(SealStatus.Aborted, _house.Recorder.Only.Closing!.Status);
        Assert.Contains("\"failed_steps\":1,\"steps\":2", _house.Recorder.Only.Closing.Metadata!.ToString());
        Assert.Equal((RunStatus.Aborted, "worker_lost"), (_house.Runs.Only.Status, _house.Runs.Only.ErrorCode));
        Assert.Equal(2, _skill.Calls.Count);
        Assert.NotNull(planned);
    }

    [Fact]
    public async Task An_idempotent_step_under_way_is_executed_again_under_its_key_and_the_run_goes_on()
    {
        await DieAsync("append 1", """{"id":"a","skill":"work"}""", """{"id":"b","skill":"safe","params":{"x":"{{steps.a.n}}"}}""", """{"id":"c","skill":"work","params":{"k":"{{steps.b.key}}"}}""");

        await RecoverAsync();

        var steps = _house.Recorder.Only.Steps;
        Assert.Equal([StepStatus.Succeeded, StepStatus.Succeeded, StepStatus.Succeeded], steps.Select(step => step.Status));
        Assert.Equal(["""{"x":7}""", """{"x":7}"""], _safe.Calls);
        Assert.Equal(["{}", """{"k":"run-1:1"}"""], _skill.Calls);
        Assert.Equal([false, true, false], steps.Select(step => step.Context!.ToString().Contains("\"resumed\":true", StringComparison.Ordinal)));
        Assert.Equal("run-1:1", steps[1].IdempotencyKey);
        Assert.Equal((RunStatus.Succeeded, 1), (_house.Runs.Only.Status, _house.Runs.Only.Attempts));
        Assert.Contains("\"failed_steps\":0,\"steps\":3", _house.Recorder.Only.Closing!.Metadata!.ToString());
    }

    [Theory]
    [InlineData("read", StepStatus.Succeeded, 2)]
    [InlineData("pay", StepStatus.Interrupted, 1)]
    public async Task A_skill_that_says_of_each_call_whether_it_may_be_made_again_is_asked_with_what_was_called(string word, StepStatus status, int calls)
    {
        var asked = new FakeSkill("asked", (_, _, _) => new(FakeSkill.Gives("{}"))) { Repeatable = static parameters => parameters.Contains("read", StringComparison.Ordinal) };
        var says = new FakeSkill("says", (_, _, _) => new(FakeSkill.Gives($$"""{"word":"{{word}}"}""")));
        var house = new House(asked, says);
        await DieAsync(house, "append 1", """{"id":"a","skill":"says"}""", """{"id":"b","skill":"asked","params":{"do":"{{steps.a.word}}"}}""");

        await RecoverAsync(house);

        Assert.Equal(status, house.Recorder.Only.Steps[1].Status);
        Assert.Equal(calls, asked.Calls.Count);
    }

    [Fact]
    public async Task A_plan_that_goes_on_after_a_failure_goes_on_after_an_interruption()
    {
        await DieAsync("append 0", """{"id":"a","skill":"work","on_error":"continue"}""", """{"id":"b","skill":"work","params":{"b":1}}""");

        await RecoverAsync();

        Assert.Equal([StepStatus.Interrupted, StepStatus.Succeeded], _house.Recorder.Only.Steps.Select(step => step.Status));
        Assert.Equal(["{}", """{"b":1}"""], _skill.Calls);
        Assert.Equal(RunStatus.Succeeded, _house.Runs.Only.Status);
        Assert.Contains("\"failed_steps\":1,\"steps\":2", _house.Recorder.Only.Closing!.Metadata!.ToString());
    }

    [Fact]
    public async Task Attempts_made_before_the_crash_count()
    {
        var tries = 0;
        var skill = new FakeSkill("safe", (_, _, _) => new(++tries < 4 ? FakeSkill.Fails("busy", retryable: true) : FakeSkill.Gives("{}"))) { Idempotent = true };
        var house = new House(skill);
        var planned = house.Planned("""{"skill":"safe","on_error":"retry","retry":{"max_attempts":3,"backoff_ms":100}}""");
        house.Recorder.Fail("append 1", Fault.Lost);
        await house.DriveAsync(house.Engine.ExecuteAsync(planned, null, RunControl.Of(default)));
        house.Recorder.Heal();
        house.Runs.Put(planned.Run with { Worker = "dead", LeaseUntil = house.Clock.GetUtcNow() - TimeSpan.FromSeconds(1) });

        await house.WorkAsync(() => UntilAsync(() => house.Runs.Only.CompletedAt is not null));

        // Two before the crash, one of them not recorded; the repeated one and the third after it.
        Assert.Equal([(StepStatus.Retrying, 0), (StepStatus.Retrying, 1), (StepStatus.Succeeded, 2)], house.Recorder.Only.Steps.Select(step => (step.Status, step.RetryCount)));
        Assert.Equal(4, tries);
    }

    [Fact]
    public async Task A_reference_into_an_outcome_that_was_redacted_fails_its_step()
    {
        await DieAsync("append 1", """{"id":"a","skill":"work"}""", """{"id":"b","skill":"safe","params":{"x":"{{steps.a.n}}"}}""");
        var first = _house.Recorder.Only.Steps[0];
        _house.Recorder.Only.Steps[0] = first with
        {
            Context = CanonicalJson.Parse(System.Text.Encoding.UTF8.GetBytes(
                first.Context!.ToString().Replace("\"worker\"", "\"redactions\":[{\"place\":\"outcome_data.n\",\"rule\":\"test\"}],\"worker\"", StringComparison.Ordinal))),
        };

        await RecoverAsync();

        Assert.Equal([StepStatus.Succeeded, StepStatus.Failed], _house.Recorder.Only.Steps.Select(step => step.Status));
        Assert.Equal((RunStatus.Failed, "redacted_reference"), (_house.Runs.Only.Status, _house.Runs.Only.ErrorCode));
        Assert.Single(_safe.Calls);
    }

    [Fact]
    public async Task Parameters_that_cannot_be_known_are_none_with_a_note()
    {
        // The first step's outcome is not kept.
        await DieAsync("append 1", """{"id":"a","skill":"work"}""", """{"id":"b","skill":"work","params":{"x":"{{steps.a.n}}"}}""");
        _house.Recorder.Only.Steps[0] = _house.Recorder.Only.Steps[0] with { Outcome = null };

        await RecoverAsync();

        var step = _house.Recorder.Only.Steps[1];
        Assert.Equal("{}", step.Parameters.ToString());
        Assert.Contains("\"note\":\"the parameters that were executed are not known: {{steps.a.n}}", step.Context!.ToString());
    }

    [Fact]
    public async Task The_dead_process_can_write_no_more()
    {
        await DieAsync("append 0", """{"skill":"work"}""");

        await RecoverAsync();

        Assert.Equal(1, _house.Recorder.Only.Epoch);
    }

    [Theory]
    [InlineData("work", SealStatus.Completed, RunStatus.Succeeded)]
    [InlineData("fails", SealStatus.Failed, RunStatus.Failed)]
    public async Task A_run_that_had_done_all_but_its_seal_is_sealed_as_it_went(string skill, SealStatus seal, RunStatus expected)
    {
        var house = new House(_skill, new FakeSkill("fails", (_, _, _) => new(FakeSkill.Fails("no"))));
        await DieAsync(house, "seal", $$"""{"skill":"{{skill}}"}""");

        await RecoverAsync(house);

        Assert.Single(house.Recorder.Only.Steps);
        Assert.Equal(seal, house.Recorder.Only.Closing!.Status);
        Assert.Equal((expected, expected is RunStatus.Failed ? "no" : null), (house.Runs.Only.Status, house.Runs.Only.ErrorCode));
    }

    [Theory]
    [InlineData(SealStatus.Completed, RunStatus.Succeeded)]
    [InlineData(SealStatus.Failed, RunStatus.Failed)]
    [InlineData(SealStatus.Aborted, RunStatus.Aborted)]
    public async Task A_run_whose_trace_was_sealed_ends_as_the_seal_says(SealStatus seal, RunStatus expected)
    {
        await DieAsync("nothing", """{"skill":"work"}""");
        _house.Recorder.Only.Closing = _house.Recorder.Only.Closing! with { Status = seal };

        await RecoverAsync();

        Assert.Equal(expected, _house.Runs.Only.Status);
        Assert.Equal(expected is not RunStatus.Succeeded, _house.Runs.Only.ErrorCode is not null);
    }

    [Theory]
    [InlineData("takeover", Fault.Lost)]
    [InlineData("takeover", Fault.PersistedButFailed)]
    [InlineData("append 0", Fault.Lost)]
    [InlineData("append 0", Fault.PersistedButFailed)]
    [InlineData("seal", Fault.Lost)]
    public async Task Recovery_that_fails_is_tried_again_and_marks_the_step_once(string write, Fault fault)
    {
        _house.Options = _house.Options with { EvidenceRetries = 3 };
        await DieAsync("append 0", """{"skill":"work"}""");
        _house.Recorder.Fail(write, fault, times: 1);

        await RecoverAsync();

        Assert.Equal(RunStatus.Aborted, _house.Runs.Only.Status);
        Assert.Equal([StepStatus.Interrupted], _house.Recorder.Only.Steps.Select(step => step.Status));
        Assert.Equal(SealStatus.Aborted, _house.Recorder.Only.Closing!.Status);
    }

    [Theory]
    [InlineData("takeover", Fault.Lost)]
    [InlineData("append 0", Fault.PersistedButFailed)]
    [InlineData("seal", Fault.Lost)]
    public async Task Ending_a_run_that_no_one_can_go_on_with_is_tried_again(string write, Fault fault)
    {
        var planned = await DieAsync("append 0", """{"skill":"work"}""");
        Abandon(planned.Run with { PlanRedacted = true });
        _house.Recorder.Fail(write, fault, times: 1);

        await _house.Claims.ClaimAsync(default);
        Assert.Equal(RunStatus.Running, _house.Runs.Only.Status);
        await _house.Claims.ClaimAsync(default);

        Assert.Equal((RunStatus.Aborted, "plan_not_kept"), (_house.Runs.Only.Status, _house.Runs.Only.ErrorCode));
        Assert.Equal([StepStatus.Interrupted], _house.Recorder.Only.Steps.Select(step => step.Status));
        Assert.Equal(SealStatus.Aborted, _house.Recorder.Only.Closing!.Status);
    }

    [Fact]
    public async Task A_queued_run_is_executed_as_if_its_process_had_never_died()
    {
        Abandon(Queued("""{"skill":"work","params":{"a":1}}"""));

        await _house.WorkAsync(() => UntilAsync(() => _house.Runs.Only.Status is RunStatus.Succeeded));

        Assert.Equal("""{"a":1}""", Assert.Single(_skill.Calls));
        Assert.Contains("\"agent_name\":\"Ada\"", _house.Recorder.Only.Opening.Context!.ToString());
    }

    [Fact]
    public async Task A_queued_run_whose_plan_was_redacted_is_aborted()
    {
        Abandon(Queued("""{"skill":"work"}""") with { PlanRedacted = true });

        await _house.Claims.ClaimAsync(default);

        Assert.Equal((RunStatus.Aborted, "plan_not_kept"), (_house.Runs.Only.Status, _house.Runs.Only.ErrorCode));
        Assert.Empty(_house.Recorder.Traces);
    }

    [Fact]
    public async Task A_queued_run_whose_skill_is_gone_is_aborted()
    {
        Abandon(Queued("""{"skill":"work"}""") with { PlanJson = """[{"skill":"gone"}]""" });

        await _house.Claims.ClaimAsync(default);

        Assert.Equal((RunStatus.Aborted, "invalid_plan"), (_house.Runs.Only.Status, _house.Runs.Only.ErrorCode));
    }

    [Fact]
    public async Task A_run_of_a_living_process_is_left_alone()
    {
        _house.Runs.Put(_house.Planned("""{"skill":"work"}""").Run with { Worker = "other", LeaseUntil = _house.Clock.GetUtcNow() });

        await _house.Claims.ClaimAsync(default);

        Assert.Equal(RunStatus.Running, _house.Runs.Only.Status);
    }

    [Fact]
    public async Task A_process_does_not_recover_its_own_living_runs_after_an_outage()
    {
        var gate = new TaskCompletionSource<Skills.SkillOutcome>();
        var house = new House(new FakeSkill("slow", (_, _, _) => new(gate.Task)));
        house.Runs.Throw["renew"] = (new TimeoutException(), 8);
        await house.Service.SubmitAsync(house.Request("""[{"skill":"slow","timeout_ms":3600000}]"""), default);

        await house.WorkAsync(async () =>
        {
            await UntilAsync(() => house.Clock.GetUtcNow() > house.Runs.Only.CreatedAt + TimeSpan.FromSeconds(30));
            gate.SetResult(FakeSkill.Gives("{}"));
            await UntilAsync(() => house.Runs.Only.Status is RunStatus.Succeeded);
        });

        Assert.Equal(0, house.Recorder.Only.Epoch);
    }

    private Run Queued(params string[] steps) => _house.Planned(steps).Run with { Status = RunStatus.Queued, StartedAt = null, Attempts = 0, IsAttemptOpen = false };

    private void Abandon(Run run) =>
        _house.Runs.Put(run with { Worker = "dead", LeaseUntil = _house.Clock.GetUtcNow() - TimeSpan.FromSeconds(1) });

    private Task RecoverAsync() => RecoverAsync(_house);

    private static Task RecoverAsync(House house) => house.WorkAsync(() => UntilAsync(() => house.Runs.Only.CompletedAt is not null));

    private async Task<PlannedRun> DieAsync(string write, params string[] steps)
    {
        var planned = await DieAsync(_house, write, steps);
        Abandon(planned.Run);
        return planned;
    }

    /// <summary>Executes until a write, which is lost with the process.</summary>
    private static async Task<PlannedRun> DieAsync(House house, string write, params string[] steps)
    {
        var planned = house.Planned(steps);
        house.Recorder.Fail(write, Fault.Lost);
        await house.DriveAsync(house.Engine.ExecuteAsync(planned, null, RunControl.Of(default)));
        house.Recorder.Heal();
        house.Runs.Put(planned.Run with { Worker = "dead", LeaseUntil = house.Clock.GetUtcNow() - TimeSpan.FromSeconds(1) });
        return planned;
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        while (!condition())
            await Task.Delay(2);
    }
}
