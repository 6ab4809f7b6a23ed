using RunProof.Format;
using RunProof.Ledger;
using RunProof.Skills;

namespace RunProof.Execution.Tests;

/// <summary>Cancelling, pausing, resuming, handing over, trying again.</summary>
public sealed class RunControlTests
{
    private const string Plan = """[{"id":"a","skill":"hold","timeout_ms":3600000},{"id":"b","skill":"work","params":{"x":"{{steps.a.n}}"}}]""";

    private readonly TaskCompletionSource _begun = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _gate = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly FakeSkill _work = new("work", (_, _, _) => new(FakeSkill.Gives("{}")));
    private readonly FakeSkill _hold;
    private readonly House _house;

    public RunControlTests()
    {
        _hold = new FakeSkill("hold", async (_, _, token) =>
        {
            _begun.TrySetResult();
            await _gate.Task.WaitAsync(token);
            return FakeSkill.Gives("""{"n":7}""");
        });
        _house = new House(_work, _hold);
    }

    [Fact]
    public async Task A_run_is_paused_between_steps_and_goes_on_where_it_was()
    {
        var run = await SubmitAsync();

        await _house.WorkAsync(async () =>
        {
            await _begun.Task;
            Assert.Equal(RunAnswer.Asked, await _house.Service.PauseAsync(House.Tenant, run, default));
            await UntilAsync(() => _house.Runs.Only.PauseRequestedAt is not null);
            await _house.ObeyedAsync();
            _gate.SetResult();
            await UntilAsync(() => _house.Runs.Only.Status is RunStatus.Paused);
            Assert.Empty(_work.Calls);
            Assert.Null(_house.Recorder.Only.Closing);
            Assert.True(_house.Runs.Only is { Worker: null, IsBetweenSteps: true, IsAttemptOpen: true });
            Assert.Equal(RunAnswer.Done, await _house.Service.ResumeAsync(House.Tenant, run, default));
            await UntilAsync(() => _house.Runs.Only.HasEnded);
        });

        Assert.Equal(RunStatus.Succeeded, _house.Runs.Only.Status);
        Assert.Single(_hold.Calls);
        Assert.Equal("""{"x":7}""", Assert.Single(_work.Calls));
        Assert.Equal([StepStatus.Succeeded, StepStatus.Succeeded], _house.Recorder.Only.Steps.Select(step => step.Status));
        Assert.DoesNotContain("resumed", _house.Recorder.Only.Steps[1].Context!.ToString());
        Assert.Equal((1, SealStatus.Completed), (_house.Runs.Only.Attempts, _house.Recorder.Only.Closing!.Status));
    }

    [Fact]
    public async Task A_wish_to_pause_that_is_taken_back_is_forgotten()
    {
        var run = await SubmitAsync();

        await _house.WorkAsync(async () =>
        {
            await _begun.Task;
            await _house.Service.PauseAsync(House.Tenant, run, default);
            await _house.ObeyedAsync();
            await _house.Service.ResumeAsync(House.Tenant, run, default);
            await _house.ObeyedAsync();
            _gate.SetResult();
            await UntilAsync(() => _house.Runs.Only.HasEnded);
        });

        Assert.Equal(RunStatus.Succeeded, _house.Runs.Only.Status);
        Assert.Equal(0, _house.Recorder.Only.Epoch);
    }

    [Fact]
    public async Task Cancelling_ends_the_step_under_way_and_the_seal_says_who_and_why()
    {
        var run = await SubmitAsync();

        await _house.WorkAsync(async () =>
        {
            await _begun.Task;
            Assert.Equal(RunAnswer.Asked, await _house.Service.CancelAsync(House.Tenant, run, "key_1", "hunter2 is tired", default));
            await UntilAsync(() => _house.Runs.Only.HasEnded);
        });

        Assert.Equal((RunStatus.Cancelled, "cancelled"), (_house.Runs.Only.Status, _house.Runs.Only.ErrorCode));
        var step = Assert.Single(_house.Recorder.Only.Steps);
        Assert.Equal((StepStatus.Interrupted, "cancelled"), (step.Status, step.OutcomeCode));
        Assert.Equal(SealStatus.Aborted, _house.Recorder.Only.Closing!.Status);
        Assert.StartsWith("""{"cancel_reason":"<REDACTED> is tired","cancelled_by":"key_1","duration_ms":""", _house.Recorder.Only.Closing.Metadata!.ToString());
        Assert.Empty(_work.Calls);
        Assert.Equal(RunAnswer.Done, await _house.Service.CancelAsync(House.Tenant, run, "key_2", null, default));
        Assert.Equal(RunAnswer.Ended, await _house.Service.PauseAsync(House.Tenant, run, default));
    }

    [Fact]
    public async Task A_run_that_waits_is_cancelled_at_once_without_a_trace()
    {
        _house.Options = _house.Options with { Concurrency = 1 };
        await SubmitAsync();
        var waits = await SubmitAsync();

        Assert.Equal(RunAnswer.Done, await _house.Service.CancelAsync(House.Tenant, waits, "key_1", null, default));

        Assert.Equal(RunStatus.Cancelled, _house.Runs.All.Single(run => run.Id == waits).Status);
        Assert.Empty(_house.Recorder.Traces);
    }

    [Fact]
    public async Task A_paused_run_that_is_cancelled_is_sealed_by_whoever_claims_it()
    {
        var run = await SubmitAsync();

        await _house.WorkAsync(async () =>
        {
            await _begun.Task;
            await _house.Service.PauseAsync(House.Tenant, run, default);
            await _house.ObeyedAsync();
            _gate.SetResult();
            await UntilAsync(() => _house.Runs.Only.Status is RunStatus.Paused);
            Assert.Equal(RunAnswer.Asked, await _house.Service.CancelAsync(House.Tenant, run, "key_1", null, default));
            await UntilAsync(() => _house.Runs.Only.HasEnded);
        });

        Assert.Equal(RunStatus.Cancelled, _house.Runs.Only.Status);
        Assert.Equal([StepStatus.Succeeded], _house.Recorder.Only.Steps.Select(step => step.Status));
        Assert.Equal(SealStatus.Aborted, _house.Recorder.Only.Closing!.Status);
        Assert.Contains("\"cancelled_by\":\"key_1\"", _house.Recorder.Only.Closing.Metadata!.ToString());
    }

    [Fact]
    public async Task A_process_that_stops_hands_its_run_over_between_steps()
    {
        await SubmitAsync();
        await _house.WorkAsync(() => _begun.Task, stopping: _gate.SetResult);

        Assert.True(_house.Runs.Only is { Status: RunStatus.Queued, IsAttemptOpen: true, IsBetweenSteps: true, Worker: null });
        Assert.Empty(_work.Calls);
        Assert.Null(_house.Recorder.Only.Closing);

        var next = _house.Next("worker-2");
        await next.WorkAsync(() => UntilAsync(() => next.Runs.Only.HasEnded));

        Assert.Equal(RunStatus.Succeeded, _house.Runs.Only.Status);
        Assert.Single(_hold.Calls);
        Assert.Equal("""{"x":7}""", Assert.Single(_work.Calls));
        Assert.Contains("\"worker\":\"worker-2\"", _house.Recorder.Only.Steps[1].Context!.ToString());
    }

    [Fact]
    public async Task A_step_that_may_be_repeated_is_left_to_the_next_process_when_this_one_must_stop()
    {
        var calls = 0;
        var skill = new FakeSkill("safe", async (_, _, token) =>
        {
            if (Interlocked.Increment(ref calls) == 1)
            {
                _begun.TrySetResult();
                await Task.Delay(Timeout.Infinite, token);
            }

            return FakeSkill.Gives("{}");
        }) { Idempotent = true };
        var house = new House(skill);
        await house.Service.SubmitAsync(house.Request("""[{"skill":"safe","timeout_ms":3600000}]"""), default);
        await house.WorkAsync(() => _begun.Task);

        Assert.True(house.Runs.Only is { Status: RunStatus.Running, IsBetweenSteps: false, Worker: null });
        Assert.Empty(house.Recorder.Only.Steps);

        var next = house.Next("worker-2");
        await next.WorkAsync(() => UntilAsync(() => next.Runs.Only.HasEnded));

        Assert.Equal((RunStatus.Succeeded, 2), (house.Runs.Only.Status, calls));
        Assert.Contains("\"resumed\":true", Assert.Single(house.Recorder.Only.Steps).Context!.ToString());
    }

    [Fact]
    public async Task A_run_that_fails_is_tried_again_as_often_as_it_may_each_time_with_a_trace_of_its_own()
    {
        var calls = 0;
        var house = new House(new FakeSkill("work", (_, _, _) => new(++calls < 3 ? FakeSkill.Fails("no") : FakeSkill.Gives("{}"))));
        await house.Service.SubmitAsync(house.Request("""[{"skill":"work"}]""") with { MaxAttempts = 3 }, default);

        await house.WorkAsync(() => UntilAsync(() => house.Runs.Only.HasEnded));

        Assert.Equal((RunStatus.Succeeded, 3), (house.Runs.Only.Status, house.Runs.Only.Attempts));
        var id = house.Runs.Only.Id.Value;
        Assert.Equal([$"trace_{id}", $"trace_{id}.2", $"trace_{id}.3"], house.Recorder.Traces.Keys);
        Assert.Equal([SealStatus.Failed, SealStatus.Failed, SealStatus.Completed], house.Recorder.Traces.Values.Select(trace => trace.Closing!.Status));
        // One key for all of them: whoever knows such keys does the work once.
        Assert.Single(house.Recorder.Traces.Values.SelectMany(trace => trace.Steps).Select(step => step.IdempotencyKey).Distinct());
    }

    [Fact]
    public async Task A_run_that_failed_gets_another_attempt_when_somebody_says_so()
    {
        var calls = 0;
        var house = new House(new FakeSkill("work", (_, _, _) => new(++calls < 2 ? FakeSkill.Fails("no") : FakeSkill.Gives("{}"))));
        await house.Service.SubmitAsync(house.Request("""[{"skill":"work"}]"""), default);
        var run = house.Runs.Only.Id;

        await house.WorkAsync(async () =>
        {
            await UntilAsync(() => house.Runs.Only.Status is RunStatus.Failed);
            Assert.Equal(RunAnswer.Done, await house.Service.RetryAsync(House.Tenant, run, null, default));
            await UntilAsync(() => house.Runs.Only.HasEnded && house.Runs.Only.Attempts == 2);
        });

        Assert.Equal((RunStatus.Succeeded, null), (house.Runs.Only.Status, house.Runs.Only.ErrorCode));
        Assert.Equal(2, house.Recorder.Traces.Count);
    }

    private async Task<RunId> SubmitAsync() =>
        Assert.IsType<Submission.Accepted>(await _house.Service.SubmitAsync(_house.Request(Plan), default)).Run.Id;

    private static async Task UntilAsync(Func<bool> condition)
    {
        while (!condition())
            await Task.Delay(2);
    }
}
