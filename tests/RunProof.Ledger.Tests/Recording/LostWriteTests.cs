using RunProof.Format;
using static RunProof.Ledger.Tests.RecorderBench;

namespace RunProof.Ledger.Tests;

/// <summary>Every write, lost and persisted-but-reported-failed: within the recorder's tries, and beyond them.</summary>
public sealed class LostWriteTests
{
    public static TheoryData<Fault> BothFaults => [Fault.Lost, Fault.PersistedButFailed];

    [Theory]
    [MemberData(nameof(BothFaults))]
    public async Task A_failed_opening_is_tried_again_unseen(Fault fault)
    {
        await using var bench = new RecorderBench();
        bench.Store.Faults.Enqueue(fault);
        var session = await bench.OpenAsync();
        await session.Append(Step());
        Assert.Single(bench.Stored().Steps);
        Assert.Equal(session.LastLink, bench.Stored().LastLink);
    }

    [Theory]
    [MemberData(nameof(BothFaults))]
    public async Task A_failed_append_is_tried_again_unseen_and_recorded_once(Fault fault)
    {
        await using var bench = new RecorderBench();
        var session = await bench.OpenAsync();
        bench.Store.Faults.Enqueue(fault);
        var link = await session.Append(Step());
        await session.Append(Step(1));
        Assert.Equal(link, bench.Stored().Steps[0].Link);
        Assert.Equal(2, bench.Stored().Steps.Count);
    }

    [Theory]
    [MemberData(nameof(BothFaults))]
    public async Task A_failed_seal_is_tried_again_unseen(Fault fault)
    {
        await using var bench = new RecorderBench();
        var session = await bench.OpenAsync();
        bench.Store.Faults.Enqueue(fault);
        var root = await session.Seal(Closing());
        Assert.Equal(root, bench.Stored().Seal!.RootHash);
    }

    [Theory]
    [MemberData(nameof(BothFaults))]
    public async Task An_opening_that_was_unavailable_is_the_same_bytes_when_asked_again(Fault fault)
    {
        await using var bench = new RecorderBench(new RecorderOptions { Attempts = 1 });
        bench.Store.Faults.Enqueue(fault);
        var failed = await bench.OpenAsync().Fails(RecordingFailure.Unavailable);
        Assert.True(failed.IsTransient);
        var salts = bench.Salts.Filled;

        var session = await bench.OpenAsync();
        Assert.Equal(salts, bench.Salts.Filled);
        await session.Append(Step());
        Assert.Single(bench.Stored().Steps);
    }

    [Theory]
    [MemberData(nameof(BothFaults))]
    public async Task An_append_that_was_unavailable_is_the_same_bytes_when_asked_again(Fault fault)
    {
        await using var bench = new RecorderBench(new RecorderOptions { Attempts = 1 });
        var session = await bench.OpenAsync();
        bench.Store.Faults.Enqueue(fault);
        await session.Append(Step()).Fails(RecordingFailure.Unavailable);
        var salts = bench.Salts.Filled;

        // An equal recording, not the same instance: what counts is its content.
        var link = await session.Append(Step());
        Assert.Equal(salts, bench.Salts.Filled);
        Assert.Equal(1, session.NextIndex);
        Assert.Equal(link, Assert.Single(bench.Stored().Steps).Link);
    }

    [Theory]
    [MemberData(nameof(BothFaults))]
    public async Task A_seal_that_was_unavailable_is_the_same_bytes_when_asked_again(Fault fault)
    {
        await using var bench = new RecorderBench(new RecorderOptions { Attempts = 1 });
        var session = await bench.OpenAsync();
        bench.Store.Faults.Enqueue(fault);
        await session.Seal(Closing()).Fails(RecordingFailure.Unavailable);
        var salts = bench.Salts.Filled;
        var root = await session.Seal(Closing());
        Assert.Equal(salts, bench.Salts.Filled);
        Assert.Equal(root, bench.Stored().Seal!.RootHash);
    }

    [Theory]
    [MemberData(nameof(BothFaults))]
    public async Task Another_step_after_an_unanswered_one_is_recorded_behind_it(Fault fault)
    {
        await using var bench = new RecorderBench(new RecorderOptions { Attempts = 1 });
        var session = await bench.OpenAsync();
        bench.Store.Faults.Enqueue(fault);
        await session.Append(Step(0)).Fails(RecordingFailure.Unavailable);
        await session.Append(Step(1));
        Assert.Equal(["run-1:0", "run-1:1"], bench.Stored().Steps.Select(s => s.Step.IdempotencyKey));
        Assert.Equal(2, session.NextIndex);
    }

    [Theory]
    [MemberData(nameof(BothFaults))]
    public async Task A_seal_after_an_unanswered_step_covers_that_step(Fault fault)
    {
        await using var bench = new RecorderBench(new RecorderOptions { Attempts = 1 });
        var session = await bench.OpenAsync();
        bench.Store.Faults.Enqueue(fault);
        await session.Append(Step()).Fails(RecordingFailure.Unavailable);
        await session.Seal(Closing(SealStatus.Aborted));
        Assert.Equal(1, bench.Stored().Seal!.Seal.ChainLength);
        Assert.Single(bench.Stored().Steps);
    }

    [Fact]
    public async Task Another_seal_after_an_unanswered_one_that_was_persisted_is_refused()
    {
        await using var bench = new RecorderBench(new RecorderOptions { Attempts = 1 });
        var session = await bench.OpenAsync();
        bench.Store.Faults.Enqueue(Fault.PersistedButFailed);
        await session.Seal(Closing()).Fails(RecordingFailure.Unavailable);
        await session.Seal(Closing(SealStatus.Aborted)).Fails(RecordingFailure.Sealed);
        Assert.Equal(SealStatus.Completed, bench.Stored().Seal!.Seal.Status);
    }

    [Fact]
    public async Task The_intent_that_goes_with_a_step_tried_again_is_the_latest()
    {
        await using var bench = new RecorderBench(new RecorderOptions { Attempts = 1 });
        var session = await bench.OpenAsync();
        bench.Store.Faults.Enqueue(Fault.Lost);
        await session.Append(Step(), new StepIntent(1, 0, Start)).Fails(RecordingFailure.Unavailable);
        var later = new StepIntent(1, 0, Start.AddSeconds(30));
        await session.Append(Step(), later);
        Assert.Equal([later], bench.Stored().Intents);
    }

    [Theory]
    [MemberData(nameof(BothFaults))]
    public async Task Taking_over_is_tried_again_unseen(Fault fault)
    {
        await using var bench = new RecorderBench();
        var former = await bench.OpenAsync();
        await former.Append(Step());
        bench.Store.Faults.Enqueue(fault);
        var session = await bench.Recorder.TakeOverAsync(Tenant(), Trace(), CancellationToken.None);
        await session.Append(Step(1));
        Assert.Equal(2, bench.Stored().Steps.Count);
    }

    [Fact]
    public async Task A_store_that_stays_away_is_asked_as_often_as_the_option_says_with_growing_pauses()
    {
        await using var bench = new RecorderBench(new RecorderOptions { Attempts = 4, Backoff = TimeSpan.FromMilliseconds(100), MaxBackoff = TimeSpan.FromMilliseconds(250) });
        for (var i = 0; i < 4; i++)
            bench.Store.Faults.Enqueue(Fault.Lost);
        await bench.OpenAsync().Fails(RecordingFailure.Unavailable);
        Assert.Equal(4, bench.Store.Calls);
        Assert.Equal([100, 200, 250], bench.Clock.Waits.Select(wait => wait.TotalMilliseconds));
    }

    [Fact]
    public async Task A_writer_that_dies_after_each_write_leaves_a_trace_that_another_can_finish()
    {
        // 0 = after the opening, 1 = after the first step, …: at each point the process is gone, and what it was told is there.
        for (var dies = 0; dies <= 3; dies++)
        {
            await using var bench = new RecorderBench();
            var former = await bench.OpenAsync();
            for (var n = 0; n < dies; n++)
                await former.Append(Step(n), new StepIntent(n + 1, 0, Start.AddSeconds(n + 1)));

            var session = await bench.Recorder.TakeOverAsync(Tenant(), Trace(), CancellationToken.None);
            Assert.Equal(dies, session.NextIndex);
            Assert.Equal(former.LastLink, session.LastLink);
            Assert.Equal(dies, Assert.Single(session.InFlight).PlanIndex);
            await session.Append(Step(dies) with { Status = StepStatus.Interrupted });
            await session.Seal(Closing(SealStatus.Aborted));
            var links = bench.Stored().Steps.Select(step => step.Link.ToString()).ToList();
            Assert.Equal(IndependentChain.TreeHash(links), bench.Stored().Seal!.Seal.StepsRoot.ToString());
        }
    }
}
