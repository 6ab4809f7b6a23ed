using RunProof.Format;
using static RunProof.Ledger.Tests.RecorderBench;

namespace RunProof.Ledger.Tests;

public sealed class FencingTests
{
    [Fact]
    public async Task A_former_writer_can_neither_append_nor_seal()
    {
        await using var bench = new RecorderBench();
        var former = await bench.OpenAsync();
        var other = await bench.OpenAsync("run-2");
        var session = await bench.Recorder.TakeOverAsync(Tenant(), Trace(), CancellationToken.None);
        var failed = await former.Append(Step()).Fails(RecordingFailure.Fenced);
        Assert.Contains("trace_run-1, step 0", failed.Message, StringComparison.Ordinal);
        await former.Seal(Closing()).Fails(RecordingFailure.Fenced);
        Assert.Empty(bench.Stored().Steps);

        await session.Append(Step());
        await other.Append(Step());
        Assert.Single(bench.Stored().Steps);
    }

    [Fact]
    public async Task Once_fenced_a_session_says_so_without_asking_the_store()
    {
        await using var bench = new RecorderBench();
        var former = await bench.OpenAsync();
        await bench.Recorder.TakeOverAsync(Tenant(), Trace(), CancellationToken.None);
        await former.Append(Step()).Fails(RecordingFailure.Fenced);
        var calls = bench.Store.Calls;
        await former.Append(Step()).Fails(RecordingFailure.Fenced);
        Assert.Equal(calls, bench.Store.Calls);
    }

    [Fact]
    public async Task Taking_over_names_the_step_under_way_and_continues_at_the_head()
    {
        await using var bench = new RecorderBench();
        var former = await bench.OpenAsync();
        var intent = new StepIntent(1, 2, Start.AddSeconds(5));
        await former.Append(Step(), intent);
        var session = await bench.Recorder.TakeOverAsync(Tenant(), Trace(), CancellationToken.None);
        Assert.Equal([intent], session.InFlight);
        Assert.Equal((1, former.LastLink), (session.NextIndex, session.LastLink));
    }

    [Fact]
    public async Task A_trace_that_is_not_there_cannot_be_taken_over_nor_one_of_another_tenant()
    {
        await using var bench = new RecorderBench();
        await bench.OpenAsync();
        await bench.Recorder.TakeOverAsync(Tenant(), Trace("run-9"), CancellationToken.None).AsTask().Fails(RecordingFailure.NotFound);
        await bench.Recorder.TakeOverAsync(Tenant("rival"), Trace(), CancellationToken.None).AsTask().Fails(RecordingFailure.NotFound);
    }

    [Fact]
    public async Task A_sealed_trace_cannot_be_taken_over()
    {
        await using var bench = new RecorderBench();
        var session = await bench.OpenAsync();
        await session.Seal(Closing());
        await bench.Recorder.TakeOverAsync(Tenant(), Trace(), CancellationToken.None).AsTask().Fails(RecordingFailure.Sealed);
    }

    [Fact]
    public async Task Another_opening_of_the_same_trace_is_a_conflict_that_names_both_links()
    {
        await using var bench = new RecorderBench();
        var session = await bench.OpenAsync();
        var failed = await bench.OpenAsync().Fails(RecordingFailure.Conflict);
        Assert.Contains(session.LastLink.ToString(), failed.Message, StringComparison.Ordinal);
        Assert.Contains("header", failed.Message, StringComparison.Ordinal);
        Assert.Equal(2, System.Text.RegularExpressions.Regex.Count(failed.Message, "[0-9a-f]{64}"));
    }

    [Fact]
    public async Task Another_step_in_the_same_place_is_a_conflict_that_names_both_links()
    {
        await using var bench = new RecorderBench();
        var session = await bench.OpenAsync();
        var first = await session.Append(Step());
        var twin = new AppendEntry(Tenant(), Trace())
        {
            Epoch = 1, Previous = bench.Stored().Opening.Link, Step = bench.Stored().Steps[0].Step, Link = Digest.Of("other"u8),
            Parameters = bench.Stored().Steps[0].Parameters, Outcome = null, Context = null, Intents = null,
        };
        var result = Assert.Single(await bench.Store.RecordAsync([twin], CancellationToken.None));
        var failed = RecordingFailures.Of(result.Outcome, twin.TraceId, "step 0", twin.Link, result.Found);
        Assert.Equal(RecordingFailure.Conflict, failed.Failure);
        Assert.Contains(first.ToString(), failed.Message, StringComparison.Ordinal);
        Assert.Contains(twin.Link.ToString(), failed.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_is_appended_after_the_seal_and_only_the_same_seal_is_there_already()
    {
        await using var bench = new RecorderBench();
        var session = await bench.OpenAsync();
        var root = await session.Seal(Closing());
        Assert.Equal(root, await session.Seal(Closing()));
        await session.Append(Step()).Fails(RecordingFailure.Sealed);
        await session.Seal(Closing(SealStatus.Failed)).Fails(RecordingFailure.Sealed);
    }

    [Fact]
    public async Task Calls_of_one_session_that_overlap_are_a_misuse()
    {
        await using var bench = new RecorderBench();
        var session = await bench.OpenAsync();
        var gate = new TaskCompletionSource();
        bench.Store.Gate = gate.Task;
        var first = session.Append(Step());
        await Assert.ThrowsAsync<InvalidOperationException>(() => session.Append(Step(1)));
        gate.SetResult();
        await first;
        await session.Append(Step(1));
        Assert.Equal(2, bench.Stored().Steps.Count);
    }
}
