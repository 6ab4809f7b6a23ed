using System.Text;
using Npgsql;
using RunProof.Format;
using RunProof.Ledger;
using static RunProof.Postgres.Tests.StoreDatabase;

namespace RunProof.Postgres.Tests;

/// <summary>What a runner may read of the evidence of another run: the origin of a run that it has, and nothing else.</summary>
public sealed class ReplayStoreTests(StoreDatabase database) : IClassFixture<StoreDatabase>
{
    private readonly PostgresReplayStore _replays = new(database.Runner);

    [Fact]
    public async Task The_origin_of_a_run_is_read_by_the_worker_that_has_the_run_and_by_no_other()
    {
        await EvidenceAsync("t1", "trace_origin-1", "origin-1");
        var run = await CreateAsync(T1, "replay-1", "origin-1", "mine");

        Assert.Equal(("trace_origin-1", 2), await ReadAsync(T1, run, "mine"));
        Assert.NotNull((await PageAsync(run, 1, 1))[0].Output.Text);
        Assert.Equal((null, 0), await ReadAsync(T1, run, "another"));
        Assert.Equal((null, 0), await ReadAsync(T2, run, "mine"));
        Assert.True(await database.Runs.FinishAsync(T1, run.Id, "mine", new RunEnd(RunStatus.Aborted, Noon, null, 0, null, null), default));
        Assert.Equal((null, 0), await ReadAsync(T1, run, "mine"));
    }

    [Fact]
    public async Task A_page_ends_after_so_many_steps_or_bytes_and_its_first_step_is_always_in_it()
    {
        await EvidenceAsync("t1", "trace_origin-4", "origin-4", 7);
        var run = await CreateAsync(T1, "replay-4", "origin-4", "mine");
        var size = (await PageAsync(run, 0, 1)).Sum(step => new[] { step.Input, step.Output, step.Context }.Sum(payload => payload.Text is { } text ? Encoding.UTF8.GetByteCount(text) : 0));

        Assert.Equal([0, 1, 2], await IndexesAsync(run, 0, 3));
        Assert.Equal([5, 6], await IndexesAsync(run, 5, 3));
        Assert.Empty(await IndexesAsync(run, 7, 3));
        Assert.Equal([2, 3], await IndexesAsync(run, 2, 200, 2 * size));
        Assert.Equal([2], await IndexesAsync(run, 2, 200, (2 * size) - 1));
        Assert.Equal([2], await IndexesAsync(run, 2, 200, 1));
    }

    [Fact]
    public async Task A_page_of_an_archived_origin_is_read_as_before()
    {
        await EvidenceAsync("t1", "trace_origin-5", "origin-5", 3);
        var run = await CreateAsync(T1, "replay-5", "origin-5", "mine");
        await database.ExecuteAsync("ALTER TABLE aos_traces DISABLE TRIGGER ALL; ALTER TABLE aos_trace_steps DISABLE TRIGGER ALL; ALTER TABLE aos_traces_archive DISABLE TRIGGER ALL; "
            + "ALTER TABLE aos_trace_steps_archive DISABLE TRIGGER ALL; INSERT INTO aos_traces_archive SELECT * FROM aos_traces WHERE trace_id = 'trace_origin-5'; "
            + "INSERT INTO aos_trace_steps_archive SELECT * FROM aos_trace_steps WHERE trace_id = 'trace_origin-5'; DELETE FROM aos_trace_steps WHERE trace_id = 'trace_origin-5'; "
            + "DELETE FROM aos_traces WHERE trace_id = 'trace_origin-5'; ALTER TABLE aos_traces ENABLE TRIGGER ALL; ALTER TABLE aos_trace_steps ENABLE TRIGGER ALL; "
            + "ALTER TABLE aos_traces_archive ENABLE TRIGGER ALL; ALTER TABLE aos_trace_steps_archive ENABLE TRIGGER ALL");

        Assert.Equal(("trace_origin-5", 3), await ReadAsync(T1, run, "mine"));
        Assert.Equal([1, 2], await IndexesAsync(run, 1, 3));
    }

    [Fact]
    public async Task Another_tenants_trace_is_no_origin_and_a_run_without_an_origin_has_none()
    {
        await EvidenceAsync("t2", "trace_origin-2", "origin-2");
        var stranger = await CreateAsync(T1, "replay-2", "origin-2", "mine");
        var plain = database.NewRun(T1, "plain-2") with { Worker = "mine" };
        await database.Runs.CreateAsync(plain, default);

        Assert.Equal((null, 0), await ReadAsync(T1, stranger, "mine"));
        Assert.Equal((null, 0), await ReadAsync(T1, plain, "mine"));
    }

    [Fact]
    public async Task An_origin_is_stored_whole_and_never_changes()
    {
        var run = await CreateAsync(T1, "replay-3", "origin-3", "mine");
        var fork = database.NewRun(T1, "fork-3") with { Origin = run.Origin! with { Mode = null, From = 0 } };
        await database.Runs.CreateAsync(fork, default);

        Assert.Equal(run.Origin, (await database.Runs.FindAsync(T1, run.Id, default))!.Origin);
        Assert.Equal(fork.Origin, (await database.Runs.FindAsync(T1, fork.Id, default))!.Origin);
        foreach (var change in new[] { "origin_run_id = 'x'", "origin_trace_id = 'x'", "origin_from = 2", "replay_mode = 'dry'", "replay_mode = NULL" })
            Assert.Equal("S6007", (await Assert.ThrowsAsync<PostgresException>(() => database.ExecuteAsync($"UPDATE runs SET {change} WHERE id = 'replay-3'"))).SqlState);
    }

    private async Task<(string? Trace, int Steps)> ReadAsync(TenantId tenant, Run run, string worker) => (
        (await _replays.FindAsync(tenant, run.Id, worker, default))?.TraceId, (await _replays.ReadStepsAsync(tenant, run.Id, worker, new OriginPage(0, 200, long.MaxValue), default)).Count);

    private Task<IReadOnlyList<RecordedStep>> PageAsync(Run run, int first, int steps, long bytes = long.MaxValue) => _replays.ReadStepsAsync(T1, run.Id, "mine", new OriginPage(first, steps, bytes), default);

    private async Task<IEnumerable<int>> IndexesAsync(Run run, int first, int steps, long bytes = long.MaxValue) => (await PageAsync(run, first, steps, bytes)).Select(step => step.StepIndex);

    private async Task<Run> CreateAsync(TenantId tenant, string id, string origin, string worker)
    {
        var run = database.NewRun(tenant, id) with { Worker = worker, Origin = new RunOrigin(RunId.Parse(origin), TraceId.Of(RunId.Parse(origin)), 1, ReplayMode.Check) };
        await database.Runs.CreateAsync(run, default);
        return run;
    }

    private Task EvidenceAsync(string tenant, string trace, string run, int steps = 2) => database.ExecuteAsync(
        $"SET ROLE runproof_owner; {Insert("aos_traces", Seed.Trace(tenant, trace, run))}; {string.Concat(Enumerable.Range(0, steps).Select(index => Insert("aos_trace_steps", Seed.Step(tenant, trace, index)) + "; "))}RESET ROLE");

    private static string Insert(string table, Dictionary<string, string> columns) => $"INSERT INTO public.{table} ({string.Join(", ", columns.Keys)}) VALUES ({string.Join(", ", columns.Values)})";
}
