using System.Diagnostics.Metrics;
using static RunProof.Ledger.Tests.RecorderBench;

namespace RunProof.Ledger.Tests;

public sealed class GroupCommitTests
{
    private static readonly RecorderOptions OneFlusher = new() { Flushers = 1, Attempts = 1 };

    [Fact]
    public async Task Appends_that_arrive_while_a_commit_is_under_way_share_the_next_one()
    {
        await using var bench = new RecorderBench(OneFlusher);
        var sessions = await OpenAll(bench, 65);
        bench.Store.Commits.Clear();
        var gate = new TaskCompletionSource();
        bench.Store.Gate = gate.Task;

        var first = sessions[0].Append(Step());
        await Until(() => bench.Store.Calls == 66);
        var others = sessions.Skip(1).Select(session => session.Append(Step())).ToList();
        gate.SetResult();
        await first;
        await Task.WhenAll(others);
        Assert.Equal([1, 64], bench.Store.Commits.Select(batch => batch.Count));
    }

    [Fact]
    public async Task A_lone_write_leaves_at_once_in_a_batch_of_its_own()
    {
        await using var bench = new RecorderBench();
        var session = await bench.OpenAsync();
        for (var n = 0; n < 10; n++)
            await session.Append(Step(n));
        Assert.All(bench.Store.Commits, batch => Assert.Single(batch));
        Assert.Empty(bench.Clock.Waits);
    }

    [Fact]
    public async Task Openings_appends_and_seals_share_commits()
    {
        await using var bench = new RecorderBench(OneFlusher);
        var sessions = await OpenAll(bench, 3);
        bench.Store.Commits.Clear();
        var gate = new TaskCompletionSource();
        bench.Store.Gate = gate.Task;
        var first = sessions[0].Append(Step());
        await Until(() => bench.Store.Calls == 4);
        Task[] others = [sessions[1].Append(Step()), sessions[2].Seal(Closing()), bench.OpenAsync("late")];
        gate.SetResult();
        await Task.WhenAll([first, .. others]);
        Assert.Equal([1, 3], bench.Store.Commits.Select(batch => batch.Count));
    }

    [Theory]
    [InlineData(10, 8 * 1024 * 1024, new[] { 1, 10, 10, 4 })]
    [InlineData(100, 1024, new[] { 1, 3, 3, 3, 3, 3, 3, 3, 3 })]
    public async Task A_batch_has_at_most_as_many_entries_and_bytes_as_the_options_say(int entries, int bytes, int[] expected)
    {
        await using var bench = new RecorderBench(OneFlusher with { MaxBatchEntries = entries, MaxBatchBytes = bytes });
        var sessions = await OpenAll(bench, 25);
        bench.Store.Commits.Clear();
        var gate = new TaskCompletionSource();
        bench.Store.Gate = gate.Task;
        var step = Step() with { Parameters = Json($"\"{new string('x', 230)}\""), Outcome = null, Context = null };
        var first = sessions[0].Append(step);
        await Until(() => bench.Store.Calls == 26);
        var others = sessions.Skip(1).Select(session => session.Append(step)).ToList();
        gate.SetResult();
        await Task.WhenAll([first, .. others]);
        Assert.Equal(expected, bench.Store.Commits.Select(batch => batch.Count));
    }

    [Fact]
    public async Task A_write_larger_than_a_batch_may_be_goes_alone()
    {
        await using var bench = new RecorderBench(OneFlusher with { MaxBatchBytes = 1024 });
        var session = await bench.OpenAsync();
        await session.Append(Step() with { Parameters = Json($"\"{new string('x', 5000)}\"") });
        Assert.Single(bench.Store.Commits[^1]);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(33)]
    public async Task A_poison_write_fails_alone(int poisoned)
    {
        await using var bench = new RecorderBench(OneFlusher);
        var sessions = await OpenAll(bench, 33);
        bench.Store.IsPoison = entry => entry is AppendEntry { Step.SkillId: "poison" };
        var gate = new TaskCompletionSource();
        bench.Store.Gate = gate.Task;
        var appends = sessions.Index().Select(s => s.Item.Append(Step() with { SkillId = s.Index < poisoned ? "poison" : "echo" })).ToList();
        gate.SetResult();
        for (var i = 0; i < poisoned; i++)
        {
            var failed = await appends[i].Fails(RecordingFailure.Refused);
            Assert.Contains("violates a check", failed.Message, StringComparison.Ordinal);
            Assert.Contains($"run-{i}, step 0", failed.Message, StringComparison.Ordinal);
        }

        await Task.WhenAll(appends.Skip(poisoned));
        for (var i = 0; i < sessions.Count; i++)
            Assert.Equal(i < poisoned ? 0 : 1, bench.Stored($"run-{i}").Steps.Count);

        // The place is still free: what was refused does not count.
        Assert.NotEqual(default, await sessions[0].Append(Step()));
    }

    [Fact]
    public async Task One_conflict_in_a_batch_is_its_own_affair()
    {
        await using var bench = new RecorderBench(OneFlusher);
        var sessions = await OpenAll(bench, 8);
        await bench.Recorder.TakeOverAsync(Tenant(), Trace("run-3"), CancellationToken.None);
        var gate = new TaskCompletionSource();
        bench.Store.Gate = gate.Task;
        var appends = sessions.Select(session => session.Append(Step())).ToList();
        gate.SetResult();
        await appends[3].Fails(RecordingFailure.Fenced);
        appends.RemoveAt(3);
        await Task.WhenAll(appends);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(8)]
    public async Task Steps_of_a_trace_are_recorded_in_the_order_they_were_appended_and_never_in_two_batches_at_once(int flushers)
    {
        await using var bench = new RecorderBench(new RecorderOptions { Flushers = flushers, MaxBatchEntries = 5 });
        await Task.WhenAll(Enumerable.Range(0, 32).Select(async i =>
        {
            var session = await bench.OpenAsync($"run-{i}");
            for (var n = 0; n < 20; n++)
                await session.Append(Step(n));
            await session.Seal(Closing());
        }));
        Assert.False(bench.Store.TraceWasInTwoBatches);
        for (var i = 0; i < 32; i++)
            Assert.Equal(Enumerable.Range(0, 20), bench.Stored($"run-{i}").Steps.Select(step => step.Step.StepIndex));
    }

    [Fact]
    public async Task A_caller_that_gives_up_tears_no_batch_and_its_write_happens_all_the_same()
    {
        await using var bench = new RecorderBench(OneFlusher);
        var sessions = await OpenAll(bench, 3);
        var gate = new TaskCompletionSource();
        bench.Store.Gate = gate.Task;
        using var givesUp = new CancellationTokenSource();
        var first = sessions[0].Append(Step());
        await Until(() => bench.Store.Calls == 4);
        var impatient = sessions[1].Append(Step(), null, givesUp.Token);
        var patient = sessions[2].Append(Step());
        await givesUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => impatient);
        gate.SetResult();
        await Task.WhenAll(first, patient);
        await Until(() => bench.Stored("run-1").Steps.Count == 1);

        // Asked again it is there already; asked for the next one, the session knows where it stands.
        var salts = bench.Salts.Filled;
        await sessions[1].Append(Step());
        Assert.Equal(salts, bench.Salts.Filled);
        await sessions[1].Append(Step(1));
        Assert.Equal(["run-1:0", "run-1:1"], bench.Stored("run-1").Steps.Select(step => step.Step.IdempotencyKey));
    }

    [Fact]
    public async Task A_full_queue_makes_callers_wait_and_lets_them_give_up_unqueued()
    {
        await using var bench = new RecorderBench(OneFlusher with { QueueCapacity = 2 });
        var sessions = await OpenAll(bench, 4);
        var gate = new TaskCompletionSource();
        bench.Store.Gate = gate.Task;
        var appends = sessions.Take(2).Select(session => session.Append(Step())).ToList();
        using var givesUp = new CancellationTokenSource();
        var waits = sessions[2].Append(Step(), null, givesUp.Token);
        await givesUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waits);
        var stays = sessions[3].Append(Step());
        Assert.False(stays.IsCompleted);
        gate.SetResult();
        await Task.WhenAll([.. appends, stays]);
        Assert.Empty(bench.Stored("run-2").Steps);
        Assert.Single(bench.Stored("run-3").Steps);
    }

    [Fact]
    public async Task Closing_waits_for_what_is_queued_and_refuses_what_comes_later()
    {
        var bench = new RecorderBench(OneFlusher);
        var sessions = await OpenAll(bench, 10);
        var gate = new TaskCompletionSource();
        bench.Store.Gate = gate.Task;
        var appends = sessions.Select(session => session.Append(Step())).ToList();
        var closing = bench.Recorder.DisposeAsync().AsTask();
        Assert.False(closing.IsCompleted);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => bench.OpenAsync("late"));
        gate.SetResult();
        await closing;
        Assert.All(Enumerable.Range(0, 10), i => Assert.Single(bench.Stored($"run-{i}").Steps));
        await Task.WhenAll(appends);
    }

    [Fact]
    public async Task The_meter_counts_batches_durations_and_steps()
    {
        var (sizes, steps, durations) = (0, 0L, 0);
        using var listener = new MeterListener { InstrumentPublished = (instrument, l) => { if (instrument.Meter.Name == "RunProof.Ledger") l.EnableMeasurementEvents(instrument); } };
        listener.SetMeasurementEventCallback<int>((instrument, value, _, _) => { if (instrument.Name == "runproof.ledger.batch.size") Interlocked.Add(ref sizes, value); });
        listener.SetMeasurementEventCallback<long>((instrument, value, _, _) => { if (instrument.Name == "runproof.ledger.steps.appended") Interlocked.Add(ref steps, value); });
        listener.SetMeasurementEventCallback<double>((_, _, _, _) => Interlocked.Increment(ref durations));
        listener.Start();
        await using var bench = new RecorderBench();
        var session = await bench.OpenAsync();
        for (var n = 0; n < 3; n++)
            await session.Append(Step(n));

        // Other tests run beside this one and are counted too.
        Assert.True(sizes >= 4 && steps >= 3 && durations >= 4, $"{sizes} entries, {steps} steps, {durations} commits");
    }

    private static async Task<List<ITraceSession>> OpenAll(RecorderBench bench, int count)
    {
        var sessions = new List<ITraceSession>();
        for (var i = 0; i < count; i++)
            sessions.Add(await bench.OpenAsync($"run-{i}"));
        return sessions;
    }

    private static async Task Until(Func<bool> holds)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!holds())
            await Task.Delay(1, patience.Token);
    }
}
