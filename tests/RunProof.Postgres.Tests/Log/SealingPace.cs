using System.Diagnostics;
using System.Globalization;
using RunProof.Ledger;
using RunProof.Testing;

namespace RunProof.Postgres.Tests;

/// <summary>How fast, on this machine, in one run. RUNPROOF_TEST_SEALING=n runs it over n traces; the numbers decide nothing.</summary>
public sealed class SealingPace(PostgresFixture postgres, ITestOutputHelper output)
{
    [Fact]
    public async Task Recording_and_sealing_at_their_own_pace()
    {
        var traces = int.Parse(Environment.GetEnvironmentVariable("RUNPROOF_TEST_SEALING") ?? "64", CultureInfo.InvariantCulture);
        await using var desk = await LogDesk.SetUpAsync(postgres);
        await RecordAsync(desk, "warm-up", 0, 64);
        await SealingFaults.DrainAsync(SealingFaults.Sealer(desk.Store, desk.Evidence), desk.Tenant);
        await RecordAsync(desk, "recorded with the queue", 64, traces);
        var watch = Stopwatch.StartNew();
        await SealingFaults.DrainAsync(SealingFaults.Sealer(desk.Store, desk.Evidence), desk.Tenant);
        Say("sealed, opening and seal of each", traces, watch);
        // By turns, so that both meet the same neighbours on the machine.
        for (var turn = 0; turn < 6; turn++)
        {
            var mode = turn % 2 == 0 ? "DISABLE" : "ENABLE ALWAYS";
            await desk.Recording.AskAsync<int>($"ALTER TABLE aos_traces {mode} TRIGGER queue_opened; ALTER TABLE aos_traces {mode} TRIGGER queue_sealed; SELECT 1");
            await RecordAsync(desk, turn % 2 == 0 ? "recorded without the queue's triggers" : "recorded with them", 64 + ((turn + 1) * traces), traces);
        }

        Assert.Empty((await LogFsck.CheckAsync(desk.Reader, desk.Tenant, [], default)).Findings);
    }

    private async Task RecordAsync(LogDesk desk, string what, int first, int count)
    {
        var watch = Stopwatch.StartNew();
        for (var done = 0; done < count; done += 64)
            await desk.RecordAsync(first + done, Math.Min(64, count - done), steps: 3);
        Say(what + ", 3 steps each, 64 at once", count, watch);
    }

    private void Say(string what, int traces, Stopwatch watch) =>
        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{what}: {traces} traces in {watch.ElapsedMilliseconds} ms, {traces / watch.Elapsed.TotalSeconds:0} traces/s"));
}
