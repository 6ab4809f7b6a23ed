using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution.Tests;

public sealed class RunServiceTests
{
    private const string Plan = """[{"skill":"work","params":{"a":1}}]""";

    private readonly FakeSkill _skill = new("work", (_, _, _) => new(FakeSkill.Gives("{}")));
    private readonly House _house;

    public RunServiceTests() => _house = new House(_skill);

    [Fact]
    public async Task A_submitted_run_is_stored_queued_then_executed_to_its_end()
    {
        var accepted = Assert.IsType<Submission.Accepted>(await _house.Service.SubmitAsync(_house.Request(Plan), default));

        Assert.False(accepted.Existing);
        Assert.Equal(RunStatus.Queued, accepted.Run.Status);
        Assert.Equal("given", accepted.Run.Planner);
        Assert.Equal(accepted.Run.Id.Value, accepted.Run.CorrelationId.Value);
        Assert.Equal('7', accepted.Run.Id.Value[14]);
        Assert.Equal("""[{"id":"step_0","on_error":"abort","params":{"a":1},"retry":null,"skill":"work","timeout_ms":30000}]""", accepted.Run.PlanJson);
        Assert.Empty(_skill.Calls);

        await _house.WorkAsync(() => _house.Service.WaitAsync(House.Tenant, accepted.Run.Id, TimeSpan.FromMinutes(5), default));

        var run = _house.Runs.Only;
        Assert.Equal((RunStatus.Succeeded, 1, null), (run.Status, run.Attempts, run.ErrorCode));
        Assert.NotNull(run.DurationMs);
        Assert.Equal(SealStatus.Completed, _house.Recorder.Only.Closing!.Status);
    }

    [Fact]
    public async Task A_failed_step_is_a_failed_run_in_the_store_too()
    {
        var house = new House(new FakeSkill("work", (_, _, _) => new(FakeSkill.Fails("hunter2_no"))));
        await house.Service.SubmitAsync(house.Request(Plan), default);

        await house.WorkAsync(() => house.Service.WaitAsync(House.Tenant, house.Runs.Only.Id, TimeSpan.FromMinutes(5), default));

        Assert.Equal(RunStatus.Failed, house.Runs.Only.Status);
        Assert.Equal("step \"step_0\": it said <REDACTED>_no", house.Runs.Only.ErrorMessage);
    }

    [Fact]
    public async Task Secrets_are_executed_and_never_stored()
    {
        var request = _house.Request("""[{"skill":"work","params":{"password":"hunter2"}}]""") with { Goal = "log in with hunter2" };

        var accepted = Assert.IsType<Submission.Accepted>(await _house.Service.SubmitAsync(request, default));
        Assert.True(accepted.Run.PlanRedacted);
        Assert.Equal("log in with <REDACTED>", accepted.Run.Goal);
        Assert.DoesNotContain("hunter2", accepted.Run.PlanJson);

        await _house.WorkAsync(() => _house.Service.WaitAsync(House.Tenant, accepted.Run.Id, TimeSpan.FromMinutes(5), default));
        Assert.Equal("""{"password":"hunter2"}""", Assert.Single(_skill.Calls));
    }

    [Fact]
    public async Task The_same_request_under_the_same_key_is_one_run_and_another_is_a_conflict()
    {
        var first = Assert.IsType<Submission.Accepted>(await _house.Service.SubmitAsync(_house.Request(Plan, "k"), default));
        var again = Assert.IsType<Submission.Accepted>(await _house.Service.SubmitAsync(_house.Request("""[ {"params":{"a":1.0},"skill":"work"} ]""", "k"), default));
        var other = await _house.Service.SubmitAsync(_house.Request(Plan, "k") with { Goal = "another" }, default);

        Assert.True(again.Existing);
        Assert.Equal(first.Run.Id, again.Run.Id);
        Assert.Equal(first.Run.Id, Assert.IsType<Submission.IdempotencyConflict>(other).Existing.Id);
        Assert.Single(_house.Runs.All);
    }

    [Theory]
    [MemberData(nameof(Variations))]
    public async Task Any_other_member_of_a_request_makes_it_another(string member, Func<RunRequest, RunRequest> change)
    {
        await _house.Agents.CreateAsync(new Agent(House.Tenant, AgentId.Parse("agent-2"), "Bob", null, default), default);
        await _house.Service.SubmitAsync(_house.Request(Plan, "k"), default);

        var other = await _house.Service.SubmitAsync(change(_house.Request(Plan, "k")), default);

        Assert.True(other is Submission.IdempotencyConflict, member);
    }

    public static TheoryData<string, Func<RunRequest, RunRequest>> Variations() => new()
    {
        { "goal", request => request with { Goal = "x" } },
        { "agent", request => request with { AgentId = AgentId.Parse("agent-2") } },
        { "origin", request => request with { OriginSystemId = "x" } },
        { "correlation", request => request with { CorrelationId = CorrelationId.Parse("x") } },
        { "seed", request => request with { Seed = new SafeInteger(1) } },
        { "frozen", request => request with { FrozenTimestamp = DateTimeOffset.UnixEpoch } },
        { "synthetic", request => request with { IsSynthetic = true } },
        { "scenario", request => request with { IsSynthetic = true, SyntheticScenarioId = "s" } },
        { "plan", request => request with { Plan = House.Json("""[{"skill":"work"}]""") } },
    };

    [Fact]
    public async Task Nothing_is_stored_of_a_request_that_is_not_valid()
    {
        var invalid = Assert.IsType<Submission.Invalid>(await _house.Service.SubmitAsync(
            _house.Request(Plan) with { Goal = " ", OriginSystemId = "a\0b", SyntheticScenarioId = "s", Planner = "oracle" }, default));
        var unplanned = Assert.IsType<Submission.Invalid>(await _house.Service.SubmitAsync(_house.Request("[]"), default));
        var unknown = await _house.Service.SubmitAsync(_house.Request(Plan) with { AgentId = AgentId.Parse("nobody") }, default);
        var foreign = await _house.Service.SubmitAsync(_house.Request(Plan) with { TenantId = TenantId.Parse("other") }, default);

        Assert.False(invalid.InPlan);
        Assert.Equal(["goal", "origin_system_id", "synthetic_scenario_id", "planner"], invalid.Errors.Select(error => error.Place));
        Assert.True(unplanned.InPlan);
        Assert.IsType<Submission.UnknownAgent>(unknown);
        Assert.IsType<Submission.UnknownAgent>(foreign);
        Assert.Empty(_house.Runs.All);
    }

    [Fact]
    public async Task Beyond_the_places_of_a_process_a_run_waits_in_the_store_for_any()
    {
        _house.Options = _house.Options with { Concurrency = 1 };

        var here = Assert.IsType<Submission.Accepted>(await _house.Service.SubmitAsync(_house.Request(Plan), default));
        var waits = Assert.IsType<Submission.Accepted>(await _house.Service.SubmitAsync(_house.Request(Plan), default));

        Assert.Equal("worker-1", here.Run.Worker);
        Assert.Null(waits.Run.Worker);
        await _house.WorkAsync(() => UntilAsync(() => _house.Runs.All.All(run => run.Status is RunStatus.Succeeded)));
    }

    [Fact]
    public async Task Of_runs_whose_plan_only_this_process_knows_no_more_are_taken_in_than_can_wait()
    {
        _house.Options = _house.Options with { Concurrency = 1, QueueCapacity = 1 };
        const string Secret = """[{"skill":"work","params":{"password":"hunter2"}}]""";

        await _house.Service.SubmitAsync(_house.Request(Secret), default);
        await _house.Service.SubmitAsync(_house.Request(Secret), default);
        var refused = await _house.Service.SubmitAsync(_house.Request(Secret), default);

        Assert.False(Assert.IsType<Submission.Overloaded>(refused).Stopping);
        Assert.All(_house.Runs.All, run => Assert.Equal("worker-1", run.Worker));
        Assert.Equal(2, _house.Runs.All.Count);
        await _house.WorkAsync(() => UntilAsync(() => _house.Runs.All.All(run => run.Status is RunStatus.Succeeded)));
    }

    [Fact]
    public async Task A_place_is_given_back_when_nothing_was_queued()
    {
        _house.Options = _house.Options with { Concurrency = 2 };

        await _house.Service.SubmitAsync(_house.Request(Plan, "k"), default);
        for (var i = 0; i < 3; i++)
            Assert.IsType<Submission.Accepted>(await _house.Service.SubmitAsync(_house.Request(Plan, "k"), default));
        Assert.Equal("worker-1", Assert.IsType<Submission.Accepted>(await _house.Service.SubmitAsync(_house.Request(Plan), default)).Run.Worker);
    }

    [Fact]
    public async Task A_run_begins_no_earlier_than_it_may_and_by_priority()
    {
        _house.Options = _house.Options with { Concurrency = 1 };
        var now = _house.Clock.GetUtcNow();
        await _house.Service.SubmitAsync(_house.Request("""[{"skill":"work","params":{"a":"first"}}]"""), default);
        await _house.Service.SubmitAsync(_house.Request("""[{"skill":"work","params":{"a":"low"}}]"""), default);
        await _house.Service.SubmitAsync(_house.Request("""[{"skill":"work","params":{"a":"high"}}]""") with { Priority = 5 }, default);
        await _house.Service.SubmitAsync(_house.Request("""[{"skill":"work","params":{"a":"late"}}]""") with { Priority = 9, NotBefore = now.AddMinutes(1) }, default);

        await _house.WorkAsync(() => UntilAsync(() => _house.Runs.All.All(run => run.Status is RunStatus.Succeeded)));

        Assert.Equal(["first", "high", "low", "late"], _skill.Calls.Select(call => call[6..^2]));
        Assert.True(_house.Runs.All.Single(run => run.NotBefore is not null).StartedAt >= now.AddMinutes(1));
    }

    [Fact]
    public async Task A_run_that_was_stored_although_the_store_said_no_is_executed()
    {
        _house.Runs.PersistAndThrow["create"] = new TimeoutException();

        await Assert.ThrowsAsync<TimeoutException>(() => _house.Service.SubmitAsync(_house.Request(Plan), default));

        await _house.WorkAsync(() => UntilAsync(() => _house.Runs.Only.Status is RunStatus.Succeeded));
    }

    [Theory]
    [InlineData("start")]
    [InlineData("finish")]
    public async Task A_change_of_status_that_was_stored_although_the_store_said_no_does_not_hang_the_run(string write)
    {
        _house.Runs.PersistAndThrow[write] = new TimeoutException();
        await _house.Service.SubmitAsync(_house.Request(Plan), default);

        await _house.WorkAsync(() => UntilAsync(() => _house.Runs.Only.Status is RunStatus.Succeeded));

        Assert.Single(_skill.Calls);
    }

    [Theory]
    [InlineData("start")]
    [InlineData("finish")]
    public async Task A_store_that_is_away_is_waited_for(string write)
    {
        _house.Runs.Throw[write] = (new TimeoutException(), 20);
        await _house.Service.SubmitAsync(_house.Request(Plan), default);

        await _house.WorkAsync(() => UntilAsync(() => _house.Runs.Only.Status is RunStatus.Succeeded));

        Assert.Single(_skill.Calls);
    }

    [Fact]
    public async Task A_run_whose_evidence_cannot_be_written_fails_once_its_trace_is_sealed()
    {
        _house.Recorder.Fail("append 0", Fault.Lost, times: 1);
        _house.Recorder.Fail("takeover", Fault.Lost, times: 10);
        await _house.Service.SubmitAsync(_house.Request(Plan), default);

        await _house.WorkAsync(() => UntilAsync(() => _house.Runs.Only.Status is RunStatus.Failed));

        Assert.Equal("evidence_unavailable", _house.Runs.Only.ErrorCode);
        Assert.Equal(SealStatus.Failed, _house.Recorder.Only.Closing!.Status);
        Assert.Single(_house.Recorder.Only.Steps);
    }

    [Fact]
    public async Task Whoever_waits_is_woken_without_polling()
    {
        var gate = new TaskCompletionSource<Skills.SkillOutcome>();
        var house = new House(new FakeSkill("work", (_, _, _) => new(gate.Task)));
        var accepted = Assert.IsType<Submission.Accepted>(await house.Service.SubmitAsync(
            house.Request("""[{"skill":"work","timeout_ms":3600000}]"""), default));

        await house.WorkAsync(async () =>
        {
            var waiting = house.Service.WaitAsync(House.Tenant, accepted.Run.Id, TimeSpan.FromHours(1), default);
            await UntilAsync(() => house.Runs.Only.Status is RunStatus.Running);
            await Task.Delay(50);
            Assert.False(waiting.IsCompleted);
            gate.SetResult(FakeSkill.Gives("{}"));
            Assert.Equal(RunStatus.Succeeded, (await waiting)!.Status);
        });

        Assert.Equal(2, house.Runs.Finds);
    }

    [Fact]
    public async Task Waiting_ends_with_its_patience()
    {
        var accepted = Assert.IsType<Submission.Accepted>(await _house.Service.SubmitAsync(_house.Request(Plan), default));

        var run = await _house.DriveAsync(_house.Service.WaitAsync(House.Tenant, accepted.Run.Id, TimeSpan.FromSeconds(1), default));

        Assert.Equal(RunStatus.Queued, run!.Status);
    }

    [Fact]
    public async Task A_run_of_another_process_is_asked_for_gently()
    {
        _house.Runs.Put(_house.Planned("""{"skill":"work"}""").Run with { Worker = "other", LeaseUntil = DateTimeOffset.MaxValue });

        await _house.DriveAsync(_house.Service.WaitAsync(House.Tenant, RunId.Parse("run-1"), TimeSpan.FromSeconds(20), default));

        // Two reads, and one question every half second, whoever else waits.
        Assert.Equal(2, _house.Runs.Finds);
        Assert.InRange(_house.Runs.EndedAsked, 10, 41);
    }

    [Fact]
    public async Task Another_tenants_run_is_not_there()
    {
        var accepted = Assert.IsType<Submission.Accepted>(await _house.Service.SubmitAsync(_house.Request(Plan), default));

        Assert.Null(await _house.Service.FindAsync(TenantId.Parse("other"), accepted.Run.Id, default));
        Assert.Null(await _house.Service.WaitAsync(TenantId.Parse("other"), accepted.Run.Id, TimeSpan.FromHours(1), default));
    }

    [Fact]
    public async Task A_process_that_stops_takes_no_run_aborts_the_running_and_leaves_the_queued_to_the_next()
    {
        var started = new TaskCompletionSource();
        var house = new House(new FakeSkill("work", async (_, _, token) =>
        {
            started.TrySetResult();
            await Task.Delay(Timeout.Infinite, token);
            return default;
        }));
        house.Options = house.Options with { Concurrency = 1 };
        const string Slow = """[{"skill":"work","timeout_ms":3600000}]""";
        await house.Service.SubmitAsync(house.Request(Slow), default);
        await house.Service.SubmitAsync(house.Request(Slow), default);

        await house.WorkAsync(() => started.Task);

        Assert.Equal([RunStatus.Aborted, RunStatus.Queued], house.Runs.All.Select(run => run.Status).Order().Reverse());
        Assert.Equal(StepStatus.Interrupted, Assert.Single(house.Recorder.Only.Steps).Status);
        Assert.Equal(SealStatus.Aborted, house.Recorder.Only.Closing!.Status);
        Assert.True(Assert.IsType<Submission.Overloaded>(await house.Service.SubmitAsync(house.Request(Slow), default)).Stopping);
        var left = house.Runs.All.Single(run => run.Status is RunStatus.Queued);
        Assert.Null(left.Worker);
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        while (!condition())
            await Task.Delay(2);
    }
}
