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

        var read = await _replays.ReadAsync(T1, run.Id, "mine", 1_000_000, default);

        Assert.Equal(("trace_origin-1", 2, false), (read!.Trace.TraceId, read.Steps.Count, read.IsTooLarge));
        Assert.NotNull(read.Steps[1].Output.Text);
        Assert.True((await _replays.ReadAsync(T1, run.Id, "mine", 10, default))!.IsTooLarge);
        Assert.Null(await _replays.ReadAsync(T1, run.Id, "another", 1_000_000, default));
        Assert.Null(await _replays.ReadAsync(T2, run.Id, "mine", 1_000_000, default));
        Assert.True(await database.Runs.FinishAsync(T1, run.Id, "mine", new RunEnd(RunStatus.Aborted, Noon, null, 0, null, null), default));
        Assert.Null(await _replays.ReadAsync(T1, run.Id, "mine", 1_000_000, default));
    }

    [Fact]
    public async Task Another_tenants_trace_is_no_origin_and_a_run_without_an_origin_has_none()
    {
        await EvidenceAsync("t2", "trace_origin-2", "origin-2");
        var stranger = await CreateAsync(T1, "replay-2", "origin-2", "mine");
        var plain = database.NewRun(T1, "plain-2") with { Worker = "mine" };
        await database.Runs.CreateAsync(plain, default);

        Assert.Null(await _replays.ReadAsync(T1, stranger.Id, "mine", 1_000_000, default));
        Assert.Null(await _replays.ReadAsync(T1, plain.Id, "mine", 1_000_000, default));
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

    private async Task<Run> CreateAsync(TenantId tenant, string id, string origin, string worker)
    {
        var run = database.NewRun(tenant, id) with { Worker = worker, Origin = new RunOrigin(RunId.Parse(origin), TraceId.Of(RunId.Parse(origin)), 1, ReplayMode.Check) };
        await database.Runs.CreateAsync(run, default);
        return run;
    }

    private Task EvidenceAsync(string tenant, string trace, string run) => database.ExecuteAsync(
        $"SET ROLE runproof_owner; {Insert("aos_traces", Seed.Trace(tenant, trace, run))}; {Insert("aos_trace_steps", Seed.Step(tenant, trace, 0))}; {Insert("aos_trace_steps", Seed.Step(tenant, trace, 1))}; RESET ROLE");

    private static string Insert(string table, Dictionary<string, string> columns) => $"INSERT INTO public.{table} ({string.Join(", ", columns.Keys)}) VALUES ({string.Join(", ", columns.Values)})";
}
