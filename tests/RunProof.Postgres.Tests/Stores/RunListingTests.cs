using RunProof.Format;
using RunProof.Ledger;
using static RunProof.Postgres.Tests.StoreDatabase;

namespace RunProof.Postgres.Tests;

public sealed class RunListingTests(StoreDatabase database) : IClassFixture<StoreDatabase>
{
    private readonly IRunStore _runs = database.Runs;

    [Fact]
    public async Task Pages_follow_each_other_without_repeating_or_missing_a_run_while_others_are_made()
    {
        // Five runs of each instant, so that pages end among equals.
        var tenant = await TenantAsync("paged");
        var made = new List<RunId>();
        for (var i = 0; i < 25; i++)
            made.Add(await CreateAsync(tenant, $"page-{i:d2}", Noon.AddSeconds(i / 5)));

        var seen = new List<RunId>();
        (DateTimeOffset, RunId)? after = null;
        while (await _runs.ListAsync(tenant, new RunFilter { After = after, Limit = 3 }, default) is { Count: > 0 } page)
        {
            Assert.True(page.Count <= 3);
            seen.AddRange(page.Select(run => run.Id));
            after = (page[^1].CreatedAt, page[^1].Id);
            await CreateAsync(tenant, $"newer-{seen.Count}", Noon.AddHours(1));
        }

        Assert.Equal(made.OrderDescending(Comparer<RunId>.Create((a, b) => string.CompareOrdinal(a.Value, b.Value))), seen);
    }

    [Fact]
    public async Task Each_filter_leaves_what_it_names()
    {
        var tenant = await TenantAsync("filtered");
        await database.Agents.CreateAsync(new Agent(tenant, AgentId.Parse("agent-2"), "Second", null, Noon), default);
        var queued = await CreateAsync(tenant, "f-1", Noon);
        var running = await CreateAsync(tenant, "f-2", Noon.AddSeconds(1), run => run with { OriginSystemId = "elsewhere" });
        var other = await CreateAsync(tenant, "f-3", Noon.AddSeconds(2), run => run with { AgentId = AgentId.Parse("agent-2") });
        await _runs.StartAsync(tenant, running, "worker-1", Noon, Noon.AddMinutes(1), default);

        Assert.Equal([other, queued], await IdsAsync(tenant, new RunFilter { Status = RunStatus.Queued }));
        Assert.Equal([running], await IdsAsync(tenant, new RunFilter { Status = RunStatus.Running }));
        Assert.Empty(await IdsAsync(tenant, new RunFilter { Status = RunStatus.Failed }));
        Assert.Equal([other], await IdsAsync(tenant, new RunFilter { AgentId = AgentId.Parse("agent-2") }));
        Assert.Equal([running], await IdsAsync(tenant, new RunFilter { OriginSystemId = "elsewhere" }));
        Assert.Equal([other, running], await IdsAsync(tenant, new RunFilter { CreatedFrom = Noon.AddSeconds(1) }));
        Assert.Equal([queued], await IdsAsync(tenant, new RunFilter { CreatedBefore = Noon.AddSeconds(1) }));
        Assert.Equal([other, running, queued], await IdsAsync(tenant, new RunFilter()));
        Assert.Equal([other], await IdsAsync(tenant, new RunFilter { Limit = 1 }));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(201)]
    public async Task A_limit_out_of_range_is_misuse(int limit) =>
        await Assert.ThrowsAsync<ArgumentOutOfRangeException>(() => _runs.ListAsync(T1, new RunFilter { Limit = limit }, default));

    private async Task<TenantId> TenantAsync(string name)
    {
        await database.ExecuteAsync($"INSERT INTO runproof.tenants (tenant_id) VALUES ('{name}')");
        var tenant = TenantId.Parse(name);
        await database.Agents.CreateAsync(new Agent(tenant, Agent1, "Agent", null, Noon), default);
        return tenant;
    }

    private async Task<RunId> CreateAsync(TenantId tenant, string id, DateTimeOffset at, Func<Run, Run>? change = null)
    {
        var run = database.NewRun(tenant, id) with { CreatedAt = at };
        Assert.Equal(RunCreation.Created, (await _runs.CreateAsync(change is null ? run : change(run), default)).Outcome);
        return run.Id;
    }

    private async Task<IEnumerable<RunId>> IdsAsync(TenantId tenant, RunFilter filter) => (await _runs.ListAsync(tenant, filter, default)).Select(run => run.Id);
}
