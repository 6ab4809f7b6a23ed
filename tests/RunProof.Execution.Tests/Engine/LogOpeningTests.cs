using RunProof.Format;
using RunProof.Ledger;
using RunProof.Skills;

namespace RunProof.Execution.Tests;

/// <summary>Runs that wait until their trace's opening is in the tenant's log: nothing of them begins before.</summary>
public sealed class LogOpeningTests
{
    private const string Plan = """[{"id":"a","skill":"work","timeout_ms":3600000},{"id":"b","skill":"work","params":{"x":"{{steps.a.n}}"},"timeout_ms":3600000}]""";

    private readonly FakeSkill _work = new("work", (_, _, _) => new(FakeSkill.Gives("""{"n":7}""")));
    private readonly FakeLogOpenings _log = new();
    private readonly House _house;

    public LogOpeningTests()
    {
        _house = new House(_work) { Openings = _log };
        _house.Options = _house.Options with { LogOpeningTimeout = TimeSpan.FromHours(1) };
    }

    [Fact]
    public async Task Nothing_begins_or_is_announced_before_the_opening_is_in_the_log_and_the_first_step_proves_it()
    {
        await SubmitAsync();

        await _house.WorkAsync(async () =>
        {
            await UntilAsync(() => _log.Asked > 3);
            Assert.Empty(_work.Calls);
            Assert.Empty(_house.Recorder.Only.Intents);
            Assert.Contains("\"await_log_opening\":true", _house.Recorder.Only.Opening.Context!.ToString());
            _log.TakeIn();
            await UntilAsync(() => _house.Runs.Only.HasEnded);
        });

        Assert.Equal(RunStatus.Succeeded, _house.Runs.Only.Status);
        var id = _house.Runs.Only.Id.Value;
        Assert.Equal([$"proof of trace_{id}", null], _house.Recorder.Only.Steps.Select(step => step.LogOpening));
        Assert.Equal(["open", "announce", "append 0", "append 1", "seal"], _house.Recorder.Writes);
    }

    [Fact]
    public async Task A_run_that_does_not_ask_for_it_asks_no_log()
    {
        await SubmitAsync(awaits: false);

        await _house.WorkAsync(() => UntilAsync(() => _house.Runs.Only.HasEnded));

        Assert.Equal((RunStatus.Succeeded, 0), (_house.Runs.Only.Status, _log.Asked));
        Assert.All(_house.Recorder.Only.Steps, step => Assert.Null(step.LogOpening));
        Assert.DoesNotContain("await_log_opening", _house.Recorder.Only.Opening.Context!.ToString());
    }

    [Theory]
    [InlineData(null, true)]
    [InlineData(false, false)]
    public async Task The_host_says_what_a_request_leaves_open(bool? asked, bool awaits)
    {
        _house.Options = _house.Options with { AwaitLogOpening = true };

        await _house.Service.SubmitAsync(_house.Request(Plan) with { AwaitLogOpening = asked }, default);

        Assert.Equal(awaits, _house.Runs.Only.AwaitsLogOpening);
    }

    [Fact]
    public async Task The_same_key_with_another_wish_is_another_request()
    {
        await _house.Service.SubmitAsync(_house.Request(Plan, key: "k") with { AwaitLogOpening = true }, default);

        Assert.IsType<Submission.IdempotencyConflict>(await _house.Service.SubmitAsync(_house.Request(Plan, key: "k"), default));
        Assert.True(Assert.IsType<Submission.Accepted>(await _house.Service.SubmitAsync(_house.Request(Plan, key: "k") with { AwaitLogOpening = true }, default)).Existing);
    }

    [Fact]
    public async Task Many_that_wait_are_asked_for_together()
    {
        _house.Options = _house.Options with { Concurrency = 8 };
        for (var i = 0; i < 8; i++)
            await SubmitAsync();

        await _house.WorkAsync(async () =>
        {
            await UntilAsync(() => _log.Most == 8);
            _log.TakeIn();
            await UntilAsync(() => _house.Runs.All.All(run => run.HasEnded));
        });

        Assert.Equal(16, _work.Calls.Count);
    }

    [Fact]
    public async Task A_log_that_stands_still_fails_the_run_when_its_time_is_over_and_nothing_was_executed()
    {
        _house.Options = _house.Options with { LogOpeningTimeout = TimeSpan.FromSeconds(5) };
        _log.IsAway = true;
        await SubmitAsync();

        await _house.WorkAsync(() => UntilAsync(() => _house.Runs.Only.HasEnded));

        Assert.Equal((RunStatus.Failed, "log_unavailable"), (_house.Runs.Only.Status, _house.Runs.Only.ErrorCode));
        Assert.Equal("the opening of the run's trace was not in the tenant's log after 5 s, and the run waits for it", _house.Runs.Only.ErrorMessage);
        Assert.Empty(_work.Calls);
        Assert.Empty(_house.Recorder.Only.Steps);
        Assert.Equal(SealStatus.Failed, _house.Recorder.Only.Closing!.Status);
    }

    [Fact]
    public async Task An_attempt_that_failed_for_the_log_is_followed_by_another_which_waits_for_its_own_opening()
    {
        _house.Options = _house.Options with { LogOpeningTimeout = TimeSpan.FromMinutes(2) };
        await _house.Service.SubmitAsync(_house.Request(Plan) with { AwaitLogOpening = true, MaxAttempts = 2 }, default);

        await _house.WorkAsync(async () =>
        {
            await UntilAsync(() => _house.Runs.Only is { Attempts: 1, IsAttemptOpen: false } or { Attempts: 2 });
            _log.TakeIn();
            await UntilAsync(() => _house.Runs.Only.HasEnded);
        });

        Assert.Equal((RunStatus.Succeeded, 2), (_house.Runs.Only.Status, _house.Runs.Only.Attempts));
        Assert.Equal($"proof of trace_{_house.Runs.Only.Id.Value}.2", _house.Recorder.Traces.Values.Last().Steps[0].LogOpening);
    }

    [Fact]
    public async Task What_is_wrong_with_the_log_is_said()
    {
        _house.Options = _house.Options with { LogOpeningTimeout = TimeSpan.FromSeconds(2) };
        _log.Break("a tile is missing");
        await SubmitAsync();

        await _house.WorkAsync(() => UntilAsync(() => _house.Runs.Only.HasEnded));

        Assert.EndsWith(": a tile is missing", _house.Runs.Only.ErrorMessage);
    }

    [Fact]
    public async Task An_opening_that_the_log_refuses_fails_the_run_at_once()
    {
        _log.Refuse("header: does not verify");
        await SubmitAsync();

        await _house.WorkAsync(() => UntilAsync(() => _house.Runs.Only.HasEnded));

        Assert.Equal((RunStatus.Failed, "log_refused"), (_house.Runs.Only.Status, _house.Runs.Only.ErrorCode));
        Assert.Empty(_work.Calls);
    }

    [Fact]
    public async Task A_host_that_reads_no_log_fails_the_run_and_says_so()
    {
        var house = new House(_work) { Options = _house.Options with { LogOpeningTimeout = TimeSpan.FromSeconds(1) } };
        await house.Service.SubmitAsync(house.Request(Plan) with { AwaitLogOpening = true }, default);

        await house.WorkAsync(() => UntilAsync(() => house.Runs.Only.HasEnded));

        Assert.EndsWith("this process reads no log", house.Runs.Only.ErrorMessage);
        Assert.Empty(_work.Calls);
    }

    [Fact]
    public async Task A_run_that_waits_for_the_log_is_cancelled()
    {
        var run = await SubmitAsync();

        await _house.WorkAsync(async () =>
        {
            await UntilAsync(() => _log.Asked > 1);
            Assert.Equal(RunAnswer.Asked, await _house.Service.CancelAsync(House.Tenant, run, "key_1", "no", default));
            await UntilAsync(() => _house.Runs.Only.HasEnded);
        });

        Assert.Equal(RunStatus.Cancelled, _house.Runs.Only.Status);
        Assert.Equal(SealStatus.Aborted, _house.Recorder.Only.Closing!.Status);
        Assert.Empty(_house.Recorder.Only.Steps);
        Assert.Empty(_work.Calls);
    }

    [Fact]
    public async Task A_run_that_waits_for_the_log_is_paused_and_waits_again_when_it_goes_on()
    {
        var run = await SubmitAsync();

        await _house.WorkAsync(async () =>
        {
            await UntilAsync(() => _log.Asked > 1);
            Assert.Equal(RunAnswer.Asked, await _house.Service.PauseAsync(House.Tenant, run, default));
            await UntilAsync(() => _house.Runs.Only.Status is RunStatus.Paused);
            var asked = _log.Asked;
            Assert.Equal(RunAnswer.Done, await _house.Service.ResumeAsync(House.Tenant, run, default));
            await UntilAsync(() => _log.Asked > asked + 1);
            Assert.Empty(_work.Calls);
            _log.TakeIn();
            await UntilAsync(() => _house.Runs.Only.HasEnded);
        });

        Assert.Equal((RunStatus.Succeeded, 1), (_house.Runs.Only.Status, _house.Runs.Only.Attempts));
        Assert.Equal(2, _work.Calls.Count);
        Assert.NotNull(_house.Recorder.Only.Steps[0].LogOpening);
    }

    [Fact]
    public async Task A_process_that_stops_lets_go_of_what_waits_and_the_next_one_waits_with_it()
    {
        await SubmitAsync();
        await _house.WorkAsync(() => UntilAsync(() => _log.Asked > 1));
        Assert.True(_house.Runs.Only is { Worker: null, IsAttemptOpen: true, IsBetweenSteps: true });
        Assert.Null(_house.Recorder.Only.Closing);

        var next = _house.Next("worker-2");
        await next.WorkAsync(async () =>
        {
            var asked = _log.Asked;
            await UntilAsync(() => _log.Asked > asked + 1);
            Assert.Empty(_work.Calls);
            _log.TakeIn();
            await UntilAsync(() => next.Runs.Only.HasEnded);
        });

        Assert.Equal(RunStatus.Succeeded, _house.Runs.Only.Status);
        Assert.NotNull(_house.Recorder.Only.Steps[0].LogOpening);
    }

    [Fact]
    public async Task A_process_that_dies_while_it_waits_leaves_nothing_that_had_begun()
    {
        Abandon(_house.Planned("""{"skill":"work"}"""), open: true);
        _log.TakeIn();

        await _house.WorkAsync(() => UntilAsync(() => _house.Runs.Only.HasEnded));

        var step = Assert.Single(_house.Recorder.Only.Steps);
        Assert.Equal((RunStatus.Succeeded, StepStatus.Succeeded), (_house.Runs.Only.Status, step.Status));
        Assert.Equal("proof of trace_run-1", step.LogOpening);
        Assert.DoesNotContain("resumed", step.Context!.ToString());
    }

    [Fact]
    public async Task A_process_that_dies_in_the_first_step_leaves_what_the_next_one_finds_the_proof_of()
    {
        _log.TakeIn();
        var planned = _house.Planned("""{"skill":"work"}""") with { };
        planned = planned with { Run = planned.Run with { AwaitsLogOpening = true } };
        _house.Recorder.Fail("append 0", Fault.Lost);
        await _house.DriveAsync(_house.Engine.ExecuteAsync(planned, null, RunControl.Of(default)));
        _house.Recorder.Heal();
        Abandon(planned, open: false);

        await _house.WorkAsync(() => UntilAsync(() => _house.Runs.Only.HasEnded));

        var step = Assert.Single(_house.Recorder.Only.Steps);
        Assert.Equal((StepStatus.Interrupted, "proof of trace_run-1"), (step.Status, step.LogOpening));
        Assert.Single(_work.Calls);
    }

    // As a process that opened the trace, announced nothing and died left it.
    private void Abandon(PlannedRun planned, bool open)
    {
        var run = planned.Run with { AwaitsLogOpening = true };
        if (open)
        {
            _ = _house.Recorder.OpenAsync(
                new TraceOpening
                {
                    TenantId = run.TenantId, TraceId = TraceId.Of(run.Id, 1), RunId = run.Id, AgentId = run.AgentId, CorrelationId = run.CorrelationId, OriginSystemId = "tests",
                    Planner = "given", StartedAt = _house.Clock.GetUtcNow(), Goal = EvidenceContext.OfText(run.Goal), Plan = planned.Plan.ToCanonicalJson(),
                },
                default);
        }

        _house.Runs.Put(run with { Worker = "dead", LeaseUntil = _house.Clock.GetUtcNow() - TimeSpan.FromSeconds(1) });
    }

    private async Task<RunId> SubmitAsync(bool awaits = true) =>
        Assert.IsType<Submission.Accepted>(await _house.Service.SubmitAsync(_house.Request(Plan) with { AwaitLogOpening = awaits }, default)).Run.Id;

    private static async Task UntilAsync(Func<bool> condition)
    {
        while (!condition())
            await Task.Delay(2);
    }
}
