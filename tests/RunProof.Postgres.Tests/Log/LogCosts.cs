using RunProof.Format;
using RunProof.Ledger;
using RunProof.Testing;
using RunProof.Tiles;

namespace RunProof.Postgres.Tests;

/// <summary>
/// What sealing and serving cost on a log of 100,000 entries that the planner has never looked at: rows that the server goes through, whatever plan it takes.
/// A plan that reads a tenant's log or queue to find one trace shows here, and nowhere else until it is too late.
/// </summary>
public sealed class LogCosts(PostgresFixture postgres)
{
    private const int Size = 100_000;

    [Fact]
    public async Task Serving_looks_up_what_it_serves_and_touches_nothing_that_sequencing_writes()
    {
        await using var desk = await LogDesk.SetUpAsync(postgres);
        await new SyntheticLog(desk.Tenant, SealingFaults.Key, SealingFaults.Options.Name, Size).LoadAsync(desk.Recording.Admin, []);
        await using var plans = await ServerPlans.StartAsync(desk);
        if (plans is null)
            Assert.Skip("the server has no auto_explain");
        var reader = new PostgresLogReader(plans.Source);
        foreach (var tile in new[] { new TileAddress(TileKind.Hashes, 0, 390, 160), new TileAddress(TileKind.Hashes, 0, 7, 256), new TileAddress(TileKind.Hashes, 2, 0, 1) })
        {
            Assert.Single(await reader.ReadTilesAsync(desk.Tenant, [tile], default));
            Assert.Equal(["log_tiles 1"], Said(plans.TakeRows()));
        }

        Assert.Equal(256, await CountAsync(reader, desk.Tenant, 99_000, 256));
        Assert.Equal(["log_entries 256"], Said(plans.TakeRows()));
        foreach (var index in new[] { 0L, 255, 256, 65_535, 65_536, 99_999 })
        {
            // Three levels of tiles, in each at most the one on the way up and the one at the right edge.
            Assert.NotEmpty(await TileProofs.InclusionAsync(reader, desk.Tenant, index, Size, default));
            var rows = plans.TakeRows();
            Assert.Equal(["log_tiles"], rows.Keys);
            Assert.InRange(rows["log_tiles"], 1, 6);
        }

        // Where a trace stands is asked of the queue too: one look-up, of the trace alone.
        var place = await reader.FindTraceAsync(desk.Tenant, "trace_synthetic-000000040000", default);
        Assert.Equal([80_000L, 80_001L], place.Entries.Select(entry => entry.Position));
        Assert.Equal(2, plans.TakeRows().Sum(table => table.Value));
        Assert.Equal(Size, (await reader.FindAsync(desk.Tenant, default))!.Size);
        Assert.Equal(["logs 1"], Said(plans.TakeRows()));
    }

    [Fact]
    public async Task A_commit_goes_through_the_rows_of_its_batch_however_large_the_log_and_the_queue_are()
    {
        await using var desk = await LogDesk.SetUpAsync(postgres);
        await desk.RecordAsync(0, 40);
        // The sessions' first plans are made while the log is small, and kept.
        await using var plans = await ServerPlans.StartAsync(desk);
        if (plans is null)
            Assert.Skip("the server has no auto_explain");
        const int Batch = 8;
        var sealer = SealingFaults.Sealer(new PostgresLogStore(plans.Source), new PostgresEvidenceStore(plans.Source), options: SealingFaults.Options with { BatchSize = Batch, Examiners = 1 });
        Assert.Equal(2 * Batch, (await sealer.SealAsync(desk.Tenant, CancellationToken.None)).Entered);
        plans.TakeRows();
        Assert.Equal(2 * Batch, (await sealer.SealAsync(desk.Tenant, CancellationToken.None)).Entered);
        var small = plans.TakeRows();
        Assert.Empty(new[] { "aos_trace_steps", "aos_traces", "log_entries", "log_queue", "log_tiles", "logs" }.Except(small.Keys));

        // Another tenant's log and queue, and the own queue, grow behind the planner's back; the own log by what it seals.
        await new SyntheticLog(RecordingDesk.Tenant("other"), SealingFaults.Key, SealingFaults.Options.Name, Size).LoadAsync(desk.Recording.Admin, []);
        await desk.Recording.AskAsync<int>($"INSERT INTO runproof.log_queue SELECT t, 'trace_none_' || n, 'opened', now() + n * interval '1 s' FROM generate_series(1, {Size}) n, unnest(ARRAY['acme', 'other']) t; SELECT 1");
        foreach (var _ in Enumerable.Range(0, 2))
        {
            Assert.Equal(2 * Batch, (await sealer.SealAsync(desk.Tenant, CancellationToken.None)).Entered);
            var large = plans.TakeRows();
            foreach (var (table, rows) in large)
                Assert.True(rows <= 16 * Batch, $"{table}: {rows} rows for {Batch} traces, {small.GetValueOrDefault(table)} while everything was small");
        }
    }

    [Fact]
    public async Task A_log_of_any_size_that_is_put_there_at_once_is_one_that_fsck_accepts()
    {
        await using var desk = await LogDesk.SetUpAsync(postgres);
        await desk.RecordAsync(0, 3, steps: 2);
        var traces = new List<RecordedTrace>();
        await using (var snapshot = await desk.Evidence.OpenAsync(desk.Tenant, default))
        {
            foreach (var number in Enumerable.Range(0, 3))
                traces.AddRange(await snapshot.ReadTracesAsync(RunId.Parse(ILogBench.TraceOf(number)["trace_".Length..]), payloads: false, default));
        }

        var log = new SyntheticLog(desk.Tenant, SealingFaults.Key, SealingFaults.Options.Name, 1_000);
        await log.LoadAsync(desk.Recording.Admin, traces);
        var report = await LogFsck.CheckAsync(desk.Reader, desk.Tenant, [SealingFaults.Verifier(SealingFaults.Key, SealingFaults.Options.OriginOf(desk.Tenant))], default);
        Assert.Empty(report.Findings);
        Assert.Equal(1_000, report.Entries);
        Assert.Equal(log.PositionOf(2, 3), (await desk.Reader.FindTraceAsync(desk.Tenant, ILogBench.TraceOf(2), default)).Entries[0].Position);

        // The sealer goes on where it ends.
        await desk.RecordAsync(3, 2);
        Assert.Equal((4, 0), await SealingFaults.DrainAsync(SealingFaults.Sealer(desk.Store, desk.Evidence), desk.Tenant));
        Assert.Empty((await LogFsck.CheckAsync(desk.Reader, desk.Tenant, [], default)).Findings);
    }

    private static IEnumerable<string> Said(IReadOnlyDictionary<string, double> rows) => rows.Select(table => $"{table.Key} {table.Value}");

    private static async Task<int> CountAsync(PostgresLogReader reader, TenantId tenant, long first, int count)
    {
        var found = 0;
        await foreach (var _ in reader.ReadEntriesAsync(tenant, first, count, default))
            found++;
        return found;
    }
}
