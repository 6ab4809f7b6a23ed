using RunProof.Ledger;
using static RunProof.Postgres.Tests.StoreDatabase;

namespace RunProof.Postgres.Tests;

public sealed class RunClaimTests(StoreDatabase database) : IClassFixture<StoreDatabase>
{
    private readonly IRunStore _runs = database.Runs;

    [Fact]
    public async Task Claims_that_have_run_out_are_taken_over_in_every_tenant_and_only_once()
    {
        var worker = "claims";
        var mine = new List<Run>();
        for (var i = 0; i < 20; i++)
        {
            var run = database.NewRun(i % 2 == 0 ? T1 : T2) with { Worker = worker, LeaseUntil = Noon.AddSeconds(i) };
            await _runs.CreateAsync(run, default);
            mine.Add(run);
        }

        await _runs.StartAsync(T1, mine[0].Id, worker, Noon, Noon, default);
        await _runs.FinishAsync(T1, mine[2].Id, worker, new RunEnd(RunStatus.Aborted, Noon, null, 0, null, null), default);

        // Of the 20 one has ended, ten are still claimed.
        var claimed = (await Task.WhenAll(Enumerable.Range(0, 4).Select(i =>
            _runs.ClaimAsync($"heir-{i}", Noon.AddSeconds(10), Noon.AddHours(1), 100, null, default)))).SelectMany(runs => runs).Where(run => mine.Exists(other => other.Id == run.Id)).ToList();
        Assert.Equal(mine.Take(10).Where((_, i) => i != 2).Select(run => run.Id.Value).Order(), claimed.Select(run => run.Id.Value).Order());
        Assert.All(claimed, run => Assert.StartsWith("heir-", run.Worker, StringComparison.Ordinal));
        Assert.All(claimed, run => Assert.Equal(Noon.AddHours(1), run.LeaseUntil));
        Assert.Equal(RunStatus.Running, claimed.Single(run => run.Id == mine[0].Id).Status);
        Assert.False(await _runs.FinishAsync(T1, mine[0].Id, worker, new RunEnd(RunStatus.Succeeded, Noon, 1, 1, null, null), default));
    }

    [Fact]
    public async Task Renewing_moves_the_claims_of_one_worker_in_every_tenant()
    {
        var first = database.NewRun(T1) with { Worker = "renewing" };
        var second = database.NewRun(T2) with { Worker = "renewing" };
        var other = database.NewRun(T1) with { Worker = "not-renewing" };
        foreach (var run in new[] { first, second, other })
            await _runs.CreateAsync(run, default);
        await _runs.RenewAsync("renewing", Noon.AddDays(1), default);
        Assert.Equal(Noon.AddDays(1), (await _runs.FindAsync(T1, first.Id, default))!.LeaseUntil);
        Assert.Equal(Noon.AddDays(1), (await _runs.FindAsync(T2, second.Id, default))!.LeaseUntil);
        Assert.Equal(other.LeaseUntil, (await _runs.FindAsync(T1, other.Id, default))!.LeaseUntil);
    }

    [Fact]
    public async Task No_more_are_claimed_than_asked_for_and_the_longest_abandoned_first()
    {
        for (var i = 0; i < 3; i++)
            await _runs.CreateAsync(database.NewRun(T1, $"limited-{i}") with { Worker = "limited", LeaseUntil = Noon.AddYears(-1).AddSeconds(-i) }, default);
        var claimed = await _runs.ClaimAsync("heir", Noon.AddYears(-1).AddSeconds(1), Noon.AddDays(9), 2, null, default);
        Assert.Equal(["limited-1", "limited-2"], claimed.Select(run => run.Id.Value).Order());
    }
}
