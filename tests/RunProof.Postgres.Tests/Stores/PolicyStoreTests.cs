using RunProof.Format;
using RunProof.Ledger;
using static RunProof.Postgres.Tests.StoreDatabase;

namespace RunProof.Postgres.Tests;

public sealed class PolicyStoreTests(StoreDatabase database) : IClassFixture<StoreDatabase>
{
    private IPolicyStore Policies => new PostgresPolicyStore(database.Runner);

    [Fact]
    public async Task A_version_is_in_force_from_when_it_is_applied_and_a_former_one_may_be_again()
    {
        var tenant = await TenantAsync("versions");
        Assert.Equal((0L, 0), Counted(await Policies.ReadInForceAsync(tenant, -1, default)));
        var (first, second) = (Version(tenant, "1"), Version(tenant, "2") with { CreatedAt = Noon.AddHours(1) });
        Assert.Equal((PolicyApplication.Applied, first), await Policies.ApplyAsync(first, default));
        Assert.Equal((PolicyApplication.Unchanged, first), await Policies.ApplyAsync(first with { CreatedBy = "key_2" }, default));
        Assert.Equal(PolicyApplication.Applied, (await Policies.ApplyAsync(second, default)).Outcome);
        Assert.Equal([second], (await Policies.ReadInForceAsync(tenant, 0, default)).Policies!);
        Assert.Equal([second, first with { IsActive = false }], await Policies.ListAsync(tenant, "p", default));
        Assert.Equal(PolicyApplication.Applied, (await Policies.ApplyAsync(first, default)).Outcome);
        var now = await Policies.ReadInForceAsync(tenant, 2, default);
        Assert.Equal((3L, first), (now.Stamp, Assert.Single(now.Policies!)));
        Assert.Null((await Policies.ReadInForceAsync(tenant, 3, default)).Policies);
    }

    [Fact]
    public async Task A_version_never_changes()
    {
        var tenant = await TenantAsync("taken");
        var version = Version(tenant, "1");
        await Policies.ApplyAsync(version, default);
        var (outcome, stored) = await Policies.ApplyAsync(version with { Document = "other", Digest = Digest.Of("other"u8) }, default);
        Assert.Equal((PolicyApplication.VersionTaken, version), (outcome, stored));
        foreach (var sql in new[] { "UPDATE runproof.policies SET document = 'x'", "DELETE FROM runproof.policies", "TRUNCATE runproof.policies CASCADE", "UPDATE runproof.policy_changes SET version = NULL", "DELETE FROM runproof.policy_changes" })
        {
            var refused = await Assert.ThrowsAsync<Npgsql.PostgresException>(() => database.ExecuteAsync(sql));
            Assert.StartsWith("S600", refused.SqlState, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task What_is_retired_is_in_force_no_longer_and_may_be_applied_again()
    {
        var tenant = await TenantAsync("retired");
        Assert.False(await Policies.RetireAsync(tenant, "p", "key_1", Noon, default));
        await Policies.ApplyAsync(Version(tenant, "1"), default);
        Assert.True(await Policies.RetireAsync(tenant, "p", "key_1", Noon, default));
        Assert.False(await Policies.RetireAsync(tenant, "p", "key_1", Noon, default));
        Assert.Equal((2L, 0), Counted(await Policies.ReadInForceAsync(tenant, 1, default)));
        Assert.False(Assert.Single(await Policies.ListAsync(tenant, null, default)).IsActive);
        Assert.Equal(PolicyApplication.Applied, (await Policies.ApplyAsync(Version(tenant, "1"), default)).Outcome);
    }

    [Fact]
    public async Task Another_tenant_s_policies_are_not_there()
    {
        var tenant = await TenantAsync("mine");
        await Policies.ApplyAsync(Version(tenant, "1"), default);
        Assert.Equal((0L, 0), Counted(await Policies.ReadInForceAsync(await TenantAsync("theirs"), -1, default)));
        Assert.Empty(await Policies.ListAsync(TenantId.Parse("theirs"), "p", default));
        await using var direct = database.Runner.CreateCommand("SELECT count(*) FROM runproof.policies");
        Assert.Equal(0L, await direct.ExecuteScalarAsync(TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Changes_at_the_same_time_get_numbers_of_their_own()
    {
        var tenant = await TenantAsync("many");
        await Task.WhenAll(Enumerable.Range(0, 20).Select(i => Policies.ApplyAsync(Version(tenant, "1") with { Name = $"p{i}" }, default)));
        Assert.Equal((20L, 20), Counted(await Policies.ReadInForceAsync(tenant, -1, default)));
    }

    private static (long Stamp, int Count) Counted(PoliciesInForce found) => (found.Stamp, found.Policies!.Count);

    private async Task<TenantId> TenantAsync(string name)
    {
        await database.ExecuteAsync($"INSERT INTO runproof.tenants (tenant_id) VALUES ('{name}') ON CONFLICT DO NOTHING");
        return TenantId.Parse(name);
    }

    private static StoredPolicy Version(TenantId tenant, string version) => new()
    {
        TenantId = tenant, Name = "p", Version = version, Document = "policy: ü\n# " + version, Digest = Digest.Of(System.Text.Encoding.UTF8.GetBytes(version)),
        IsActive = true, CreatedAt = Noon, CreatedBy = "key_1",
    };
}
