using System.Diagnostics;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Testing;
using static RunProof.Postgres.Tests.RecordingDesk;

namespace RunProof.Postgres.Tests;

/// <summary>Many traces at once: shared commits, broken connections, nothing lost and nothing twice.</summary>
public sealed class ManyTracesTests(PostgresFixture postgres)
{
    [Fact]
    public async Task Sixty_four_traces_at_once_share_transactions_and_each_keeps_its_own_chain()
    {
        await using var desk = await SetUpAsync(postgres);
        await RunAsync(desk, runs: 64, steps: 10);
        await AssertChainsAsync(desk, runs: 64, steps: 10);

        // A row remembers the transaction that wrote it.
        Assert.InRange(await desk.AskAsync<long>("SELECT count(DISTINCT xmin::text) FROM aos_trace_steps"), 10, 640 / 4);
    }

    [Fact]
    public async Task A_write_is_one_transaction_and_one_round_trip()
    {
        await using var desk = await SetUpAsync(postgres);
        await desk.OpenAsync("warm-up");
        var commands = 0;
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "Npgsql",
            Sample = (ref _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity => { if (activity.Tags.Any(tag => tag.Value == desk.Database)) Interlocked.Increment(ref commands); },
        };
        ActivitySource.AddActivityListener(listener);
        await RunAsync(desk, runs: 1, steps: 10);
        listener.Dispose();

        Assert.Equal(12, commands);
        Assert.Equal(10L, await desk.AskAsync<long>("SELECT count(DISTINCT xmin::text) FROM aos_trace_steps"));
    }

    [Fact]
    public async Task A_connection_killed_in_mid_flight_loses_nothing_and_doubles_nothing()
    {
        await using var desk = await SetUpAsync(postgres, new RecorderOptions { Attempts = 100, Backoff = TimeSpan.FromMilliseconds(1), MaxBackoff = TimeSpan.FromMilliseconds(20) });
        using var done = new CancellationTokenSource();
        var killer = Task.Run(async () =>
        {
            var killed = 0L;
            while (killed < 30 && !done.IsCancellationRequested)
            {
                killed += await desk.AskAsync<long>("SELECT count(pg_terminate_backend(pid)) FROM (SELECT pid FROM pg_stat_activity WHERE usename = 'runproof_runner_login' AND state = 'active' AND datname = current_database() LIMIT 1) a");
                await Task.Delay(1);
            }

            return killed;
        });
        await RunAsync(desk, runs: 32, steps: 20);
        await done.CancelAsync();
        Assert.InRange(await killer, 1, long.MaxValue);
        await AssertChainsAsync(desk, runs: 32, steps: 20);
    }

    [Fact]
    public async Task Two_recorders_that_fight_over_traces_leave_every_chain_whole()
    {
        await using var desk = await SetUpAsync(postgres, new RecorderOptions { Attempts = 20 });
        await using var rival = new Recorder(new PostgresRecordingStore(desk.Runner), new Nothing(), new RandomSaltSource(), TimeProvider.System,
            new RecorderOptions { Attempts = 20 }, Microsoft.Extensions.Logging.Abstractions.NullLogger<Recorder>.Instance);
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 24).Select(async i =>
        {
            var session = await desk.OpenAsync($"run-{i}");
            var writing = WriteAsync(session, 20);
            await Task.Delay(i % 5);
            var successor = await rival.TakeOverAsync(Tenant(), Trace($"run-{i}"), CancellationToken.None);
            var fenced = await writing;
            await WriteAsync(successor, 3);
            await successor.SealAsync(Closing(SealStatus.Aborted), CancellationToken.None);
            return fenced;
        }));
        Assert.Contains(true, outcomes);
        Assert.Equal(0L, await desk.AskAsync<long>("SELECT count(*) FROM runproof.trace_heads"));
        Assert.Equal(0L, await desk.AskAsync<long>(
            "SELECT count(*) FROM aos_traces t WHERE t.chain_length <> (SELECT count(*) FROM aos_trace_steps s WHERE s.trace_id = t.trace_id AND s.tenant_id = t.tenant_id)"));
    }

    private static async Task<bool> WriteAsync(ITraceSession session, int steps)
    {
        try
        {
            for (var n = 0; n < steps; n++)
                await session.AppendAsync(Step(session.NextIndex), null, CancellationToken.None);
            return false;
        }
        catch (RecordingException e) when (e.Failure is RecordingFailure.Fenced)
        {
            return true;
        }
    }

    private static Task RunAsync(RecordingDesk desk, int runs, int steps) => Task.WhenAll(Enumerable.Range(0, runs).Select(async i =>
    {
        var session = await desk.OpenAsync($"run-{i}");
        for (var n = 0; n < steps; n++)
            await session.AppendAsync(Step(n), null, CancellationToken.None);
        await session.SealAsync(Closing(), CancellationToken.None);
    }));

    /// <summary>Recomputes steps_root on the server's rows by RFC 6962's recursive definition, and counts.</summary>
    private static async Task AssertChainsAsync(RecordingDesk desk, int runs, int steps)
    {
        Assert.Equal((long)runs, await desk.AskAsync<long>("SELECT count(*) FROM aos_traces WHERE status = 'completed' AND chain_length = $1", steps));
        Assert.Equal((long)runs * steps, await desk.AskAsync<long>("SELECT count(*) FROM aos_trace_steps"));
        for (var i = 0; i < runs; i++)
        {
            var links = await desk.AskAsync<byte[][]>("SELECT array_agg(link ORDER BY step_index) FROM aos_trace_steps WHERE trace_id = $1", Trace($"run-{i}").Value);
            var root = await desk.AskAsync<byte[]>("SELECT steps_root FROM aos_traces WHERE trace_id = $1", Trace($"run-{i}").Value);
            Assert.Equal(Convert.ToHexString(TreeHash(links)), Convert.ToHexString(root));
        }
    }

    private static byte[] TreeHash(ReadOnlySpan<byte[]> leaves)
    {
        if (leaves.Length == 1)
            return System.Security.Cryptography.SHA256.HashData([0, .. leaves[0]]);
        var k = 1;
        while (k * 2 < leaves.Length)
            k *= 2;
        return System.Security.Cryptography.SHA256.HashData([1, .. TreeHash(leaves[..k]), .. TreeHash(leaves[k..])]);
    }

    private sealed class Nothing : IRedactor
    {
        public RedactionResult Redact(CanonicalJson payload) => new(payload, []);
    }
}
