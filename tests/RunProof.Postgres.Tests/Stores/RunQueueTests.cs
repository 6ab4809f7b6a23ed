using Microsoft.Extensions.Logging.Abstractions;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Testing;
using static RunProof.Postgres.Tests.StoreDatabase;

namespace RunProof.Postgres.Tests;

/// <summary>The line of runs: who gets which, when, and who no longer.</summary>
public sealed class RunQueueTests(PostgresFixture postgres) : IAsyncLifetime
{
    private readonly StoreDatabase _database = new(postgres);

    private IRunStore Runs => _database.Runs;

    public ValueTask InitializeAsync() => _database.InitializeAsync();

    public ValueTask DisposeAsync() => _database.DisposeAsync();

    [Fact]
    public async Task A_run_without_a_worker_waits_and_is_claimed_once()
    {
        for (var i = 0; i < 40; i++)
            await QueueAsync(T1, $"run-{i}");

        var claimed = await Task.WhenAll(Enumerable.Range(0, 8).Select(i => ClaimAsync($"worker-{i}", 10)));

        var all = claimed.SelectMany(runs => runs).ToList();
        while (all.Count < 40 && await ClaimAsync("late", 10) is { Count: > 0 } more)
            all.AddRange(more);
        Assert.Equal(40, all.Count);
        Assert.Equal(40, all.Select(run => run.Id).Distinct().Count());
        foreach (var run in all)
            Assert.Equal(run.Worker, (await Runs.FindAsync(T1, run.Id, default))!.Worker);
    }

    [Fact]
    public async Task Tenants_take_turns_and_within_one_the_higher_priority_and_the_longer_wait_come_first()
    {
        for (var i = 0; i < 6; i++)
            await QueueAsync(T1, $"a{i}", run => run with { CreatedAt = Noon.AddSeconds(i), Priority = (short)(i == 5 ? 1 : 0) });
        for (var i = 0; i < 2; i++)
            await QueueAsync(T2, $"b{i}", run => run with { CreatedAt = Noon.AddSeconds(i) });

        Assert.Equal(["a5", "a0", "b0", "b1"], Ids(await ClaimAsync("w", 4)).Order().OrderByDescending(id => id == "a5"));
        Assert.Equal(["a1", "a2"], Ids(await ClaimAsync("w", 2)));
        Assert.Equal(["a3", "a4"], Ids(await ClaimAsync("w", 9)));
        Assert.Empty(await ClaimAsync("w", 9));
    }

    [Fact]
    public async Task The_turn_goes_on_behind_the_tenant_that_had_it_last()
    {
        await QueueAsync(T1, "a");
        await QueueAsync(T2, "b");

        Assert.Equal(["b"], Ids(await Runs.ClaimAsync("w", Noon.AddHours(1), Noon.AddHours(2), 1, T1, default)));
        Assert.Equal(["a"], Ids(await Runs.ClaimAsync("w", Noon.AddHours(1), Noon.AddHours(2), 1, T2, default)));
    }

    [Fact]
    public async Task A_run_is_not_claimed_before_its_time()
    {
        await QueueAsync(T1, "later", run => run with { NotBefore = Noon.AddMinutes(5) });

        Assert.Empty(await Runs.ClaimAsync("w", Noon.AddMinutes(4), Noon.AddHours(1), 5, null, default));
        Assert.Equal(["later"], Ids(await Runs.ClaimAsync("w", Noon.AddMinutes(5), Noon.AddHours(1), 5, null, default)));
    }

    [Fact]
    public async Task A_tenant_with_a_limit_has_no_more_under_way_however_many_claim_at_once()
    {
        await _database.ExecuteAsync("INSERT INTO runproof.tenant_limits (tenant_id, concurrent_runs) VALUES ('t1', 3)");
        for (var i = 0; i < 10; i++)
            await QueueAsync(T1, $"a{i}");
        await QueueAsync(T2, "b");

        var claimed = new List<Run>();
        for (var round = 0; round < 5; round++)
            claimed.AddRange((await Task.WhenAll(Enumerable.Range(0, 4).Select(i => ClaimAsync($"w{i}", 5)))).SelectMany(runs => runs));
        Assert.Equal(3, claimed.Count(run => run.TenantId == T1));
        Assert.Equal(1, claimed.Count(run => run.TenantId == T2));

        var first = claimed.First(run => run.TenantId == T1);
        Assert.True(await Runs.FinishAsync(T1, first.Id, first.Worker!, new RunEnd(RunStatus.Aborted, Noon, null, 0, null, null), default));
        Assert.Single(await ClaimAsync("w9", 5));
    }

    [Fact]
    public async Task A_tenant_with_a_limit_has_its_runs_counted_also_where_their_maker_has_a_place()
    {
        await _database.ExecuteAsync("INSERT INTO runproof.tenant_limits (tenant_id, concurrent_runs) VALUES ('t1', 1)");

        var (_, counted) = await Runs.CreateAsync(_database.NewRun(T1) with { PlanRedacted = false }, default);
        var (_, kept) = await Runs.CreateAsync(_database.NewRun(T1) with { PlanRedacted = true }, default);

        Assert.Null(counted.Worker);
        Assert.Equal("worker-1", kept.Worker);
    }

    [Fact]
    public async Task Whoever_lost_its_lease_on_a_run_appends_nothing_from_the_moment_it_is_claimed()
    {
        await using var recorder = new Recorder(
            new PostgresRecordingStore(_database.Runner), new Redactor(), new CountingSaltSource(), TimeProvider.System, new RecorderOptions(), NullLogger<Recorder>.Instance);
        var run = _database.NewRun(T1, "lost") with { PlanRedacted = false, LeaseUntil = Noon };
        await Runs.CreateAsync(run, default);
        await Runs.StartAsync(T1, run.Id, "worker-1", Noon, Noon, default);
        var session = await recorder.OpenAsync(RecordingDesk.Opening("lost", "t1"), default);
        await session.AppendAsync(RecordingDesk.Step(), new StepIntent(1, 0, Noon), default);

        var claimed = Assert.Single(await Runs.ClaimAsync("heir", Noon.AddSeconds(1), Noon.AddHours(1), 5, null, default));

        Assert.True(claimed is { Status: RunStatus.Running, IsAttemptOpen: true, IsBetweenSteps: false, Worker: "heir" });
        await session.AppendAsync(RecordingDesk.Step(1), null, default).AsTask().Fails(RecordingFailure.Fenced);
        var heirs = await recorder.TakeOverAsync(T1, TraceId.Of(run.Id), default);
        Assert.Equal((1, 1), (heirs.NextIndex, heirs.InFlight.First!.PlanIndex));
        await heirs.AppendAsync(RecordingDesk.Step(1), null, default);
    }

    [Fact]
    public async Task A_worker_does_not_take_its_own_runs_over_after_an_outage()
    {
        var run = _database.NewRun(T1) with { LeaseUntil = Noon };
        await Runs.CreateAsync(run, default);

        Assert.Empty(await Runs.ClaimAsync("worker-1", Noon.AddHours(1), Noon.AddHours(2), 5, null, default));
        Assert.Single(await Runs.ClaimAsync("worker-2", Noon.AddHours(1), Noon.AddHours(2), 5, null, default));
    }

    [Fact]
    public async Task A_run_that_is_let_go_of_waits_for_the_next_and_keeps_its_attempt()
    {
        var run = await StartedAsync("handed");

        Assert.True(await Runs.ReleaseAsync(T1, run, "worker-1", new RunRelease(BetweenSteps: true, Pause: false, Noon), default));
        Assert.False(await Runs.ReleaseAsync(T1, run, "worker-1", new RunRelease(BetweenSteps: true, Pause: false, Noon), default));

        var claimed = Assert.Single(await ClaimAsync("heir", 5));
        Assert.True(claimed is { Status: RunStatus.Queued, IsAttemptOpen: true, IsBetweenSteps: true, Attempts: 1 });
        Assert.True(await Runs.StartAsync(T1, run, "heir", Noon.AddHours(1), Noon.AddHours(2), default));
        Assert.True(await Runs.FindAsync(T1, run, default) is { Status: RunStatus.Running, IsBetweenSteps: false, Attempts: 1 } going && going.StartedAt == Noon);
    }

    [Fact]
    public async Task A_run_is_paused_by_its_worker_and_waits_for_nobody()
    {
        var run = await StartedAsync("paused");

        Assert.Equal(RunAnswer.Asked, await Runs.PauseAsync(T1, run, Noon, default));
        Assert.Equal(RunAnswer.Asked, await Runs.PauseAsync(T1, run, Noon, default));
        Assert.Equal(new RunWish(T1, run, true, null, null), Assert.Single(await Runs.RenewAsync("worker-1", Noon.AddMinutes(1), default)));
        Assert.True(await Runs.ReleaseAsync(T1, run, "worker-1", new RunRelease(BetweenSteps: true, Pause: true, Noon), default));
        Assert.Equal(RunStatus.Paused, (await Runs.FindAsync(T1, run, default))!.Status);
        Assert.Empty(await ClaimAsync("heir", 5));
        Assert.Equal(RunAnswer.Done, await Runs.PauseAsync(T1, run, Noon, default));
        Assert.Equal(RunAnswer.Done, await Runs.ResumeAsync(T1, run, Noon, default));
        Assert.Equal(RunAnswer.Done, await Runs.ResumeAsync(T1, run, Noon, default));
        Assert.Single(await ClaimAsync("heir", 5));
        Assert.Equal(RunAnswer.NotFound, await Runs.ResumeAsync(T2, run, Noon, default));
    }

    [Fact]
    public async Task A_wish_to_pause_that_was_taken_back_in_time_puts_the_run_in_line()
    {
        var run = await StartedAsync("hasty");
        await Runs.PauseAsync(T1, run, Noon, default);
        await Runs.ResumeAsync(T1, run, Noon, default);

        Assert.True(await Runs.ReleaseAsync(T1, run, "worker-1", new RunRelease(BetweenSteps: true, Pause: true, Noon), default));

        Assert.Equal(RunStatus.Queued, (await Runs.FindAsync(T1, run, default))!.Status);
        Assert.Single(await ClaimAsync("heir", 5));
    }

    [Fact]
    public async Task Who_cancels_and_why_is_kept_and_the_first_word_counts()
    {
        var run = await StartedAsync("cancelled");

        Assert.Equal(RunAnswer.Asked, await Runs.CancelAsync(T1, run, "key_1", "enough", Noon, default));
        Assert.Equal(RunAnswer.Asked, await Runs.CancelAsync(T1, run, "key_2", null, Noon, default));
        Assert.Equal(RunAnswer.Cancelling, await Runs.PauseAsync(T1, run, Noon, default));
        Assert.Equal(new RunWish(T1, run, false, "key_1", "enough"), Assert.Single(await Runs.FindWishesAsync("worker-1", default)));
        Assert.True(await Runs.FinishAsync(T1, run, "worker-1", new RunEnd(RunStatus.Cancelled, Noon, 1, 1, "cancelled", null), default));
        Assert.Equal(RunAnswer.Done, await Runs.CancelAsync(T1, run, "key_2", null, Noon, default));
        Assert.Equal(RunAnswer.Ended, await Runs.PauseAsync(T1, run, Noon, default));
        Assert.Equal("key_1", (await Runs.FindAsync(T1, run, default))!.CancelRequestedBy);
    }

    [Fact]
    public async Task A_run_that_nobody_has_is_cancelled_at_once_and_one_with_an_open_trace_by_the_next()
    {
        var waits = await QueueAsync(T1, "waits");
        var open = await StartedAsync("open");
        await Runs.ReleaseAsync(T1, open, "worker-1", new RunRelease(BetweenSteps: true, Pause: false, Noon.AddDays(1)), default);

        Assert.Equal(RunAnswer.Done, await Runs.CancelAsync(T1, waits, "key_1", null, Noon, default));
        Assert.Equal(RunAnswer.Asked, await Runs.CancelAsync(T1, open, "key_1", null, Noon, default));

        Assert.Equal((RunStatus.Cancelled, "cancelled by key_1"), ((await Runs.FindAsync(T1, waits, default))!.Status, (await Runs.FindAsync(T1, waits, default))!.ErrorMessage));
        Assert.Equal("open", Assert.Single(await ClaimAsync("heir", 5)).Id.Value);
    }

    [Fact]
    public async Task A_plan_that_only_its_process_knows_is_not_paused()
    {
        var run = _database.NewRun(T1) with { PlanRedacted = true };
        await Runs.CreateAsync(run, default);

        Assert.Equal(RunAnswer.NotKept, await Runs.PauseAsync(T1, run.Id, Noon, default));
    }

    [Fact]
    public async Task Attempts_are_as_many_as_may_be()
    {
        var run = await StartedAsync("again", run => run with { MaxAttempts = 2 });

        Assert.True(await Runs.NextAttemptAsync(T1, run, "worker-1", Noon, default));
        var claimed = Assert.Single(await ClaimAsync("heir", 5));
        Assert.True(claimed is { Status: RunStatus.Queued, IsAttemptOpen: false, Attempts: 1, StartedAt: null });
        await Runs.StartAsync(T1, run, "heir", Noon.AddHours(1), Noon.AddHours(2), default);
        Assert.False(await Runs.NextAttemptAsync(T1, run, "heir", Noon, default));
        Assert.True(await Runs.FinishAsync(T1, run, "heir", new RunEnd(RunStatus.Failed, Noon, 1, 2, "no", "no"), default));

        Assert.Equal(RunAnswer.Done, await Runs.RetryAsync(T1, run, null, Noon, default));
        Assert.Equal(RunAnswer.Asked, await Runs.RetryAsync(T1, run, null, Noon, default));
        Assert.True(await Runs.FindAsync(T1, run, default) is { Status: RunStatus.Queued, MaxAttempts: 3, Attempts: 2, ErrorCode: null, CompletedAt: null });
        Assert.Single(await ClaimAsync("heir", 5));
    }

    [Fact]
    public async Task A_run_that_succeeded_is_not_tried_again()
    {
        var run = await StartedAsync("good");
        await Runs.FinishAsync(T1, run, "worker-1", new RunEnd(RunStatus.Succeeded, Noon, 1, 1, null, null), default);

        Assert.Equal(RunAnswer.Succeeded, await Runs.RetryAsync(T1, run, null, Noon, default));
    }

    [Fact]
    public async Task One_question_tells_of_all_that_ended()
    {
        var ended = await StartedAsync("ended");
        await Runs.FinishAsync(T1, ended, "worker-1", new RunEnd(RunStatus.Succeeded, Noon, 1, 1, null, null), default);
        var running = await StartedAsync("running");

        Assert.Equal([(T1, ended)], await Runs.FindEndedAsync([(T1, ended), (T1, running), (T2, ended), (T1, RunId.Parse("nobody"))], default));
    }

    [Fact]
    public async Task Signals_are_heard_by_another_process()
    {
        using var stop = new CancellationTokenSource();
        await using var other = Npgsql.NpgsqlDataSource.Create(_database.Database.RunnerConnectionString);
        var here = Signals(_database.Runner, listens: true);
        var there = Signals(other, listens: false);
        var heard = System.Threading.Channels.Channel.CreateUnbounded<RunSignal>();
        var running = Task.WhenAll(here.RunAsync(signal => heard.Writer.TryWrite(signal), stop.Token), there.RunAsync(_ => { }, stop.Token));
        // What was told before it listened is asked for once.
        Assert.Equal(RunSignal.Waiting, await heard.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30)));
        Assert.Equal(RunSignal.Waiting, await heard.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30)));

        there.Tell(RunSignal.Ended);

        Assert.Equal(RunSignal.Ended, await heard.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(30)));
        await stop.CancelAsync();
        await running;
    }

    private PostgresRunSignals Signals(Npgsql.NpgsqlDataSource source, bool listens) => new(
        source, new ListenSettings(listens ? _database.Database.RunnerConnectionString + ";Pooling=false" : null), TimeProvider.System, NullLogger<PostgresRunSignals>.Instance);

    private async Task<RunId> QueueAsync(TenantId tenant, string id, Func<Run, Run>? change = null)
    {
        var run = _database.NewRun(tenant, id) with { Worker = null, LeaseUntil = null, PlanRedacted = false };
        Assert.Equal(RunCreation.Created, (await Runs.CreateAsync(change?.Invoke(run) ?? run, default)).Outcome);
        return run.Id;
    }

    private async Task<RunId> StartedAsync(string id, Func<Run, Run>? change = null)
    {
        var run = _database.NewRun(T1, id) with { PlanRedacted = false, LeaseUntil = Noon.AddDays(1) };
        await Runs.CreateAsync(change?.Invoke(run) ?? run, default);
        Assert.True(await Runs.StartAsync(T1, run.Id, "worker-1", Noon, Noon.AddDays(1), default));
        return run.Id;
    }

    private Task<IReadOnlyList<Run>> ClaimAsync(string worker, int limit) => Runs.ClaimAsync(worker, Noon.AddHours(1), Noon.AddHours(2), limit, null, default);

    private static IEnumerable<string> Ids(IEnumerable<Run> runs) => runs.Select(run => run.Id.Value);
}
