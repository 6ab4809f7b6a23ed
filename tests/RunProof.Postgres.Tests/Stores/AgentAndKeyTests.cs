using Npgsql;
using RunProof.Format;
using RunProof.Ledger;
using static RunProof.Postgres.Tests.StoreDatabase;

namespace RunProof.Postgres.Tests;

public sealed class AgentAndKeyTests(StoreDatabase database) : IClassFixture<StoreDatabase>
{
    [Fact]
    public async Task An_agent_is_made_once_in_a_tenant()
    {
        var agent = new Agent(T1, AgentId.Parse("once"), "Näme", "What it does", Noon);
        Assert.True(await database.Agents.CreateAsync(agent, default));
        Assert.False(await database.Agents.CreateAsync(agent with { Name = "other" }, default));
        Assert.True(await database.Agents.CreateAsync(agent with { TenantId = T2 }, default));
        Assert.Equal(agent, await database.Agents.FindAsync(T1, agent.Id, default));
    }

    [Fact]
    public async Task Another_tenant_s_agent_is_not_there()
    {
        var agent = new Agent(T1, AgentId.Parse("private"), "n", null, Noon);
        await database.Agents.CreateAsync(agent, default);
        Assert.Null(await database.Agents.FindAsync(T2, agent.Id, default));
        Assert.DoesNotContain(await database.Agents.ListAsync(T2, null, 100, default), other => other.Id == agent.Id);
    }

    [Fact]
    public async Task Agents_are_listed_by_id_in_pages()
    {
        await database.ExecuteAsync("INSERT INTO runproof.tenants (tenant_id) VALUES ('listing')");
        var tenant = TenantId.Parse("listing");
        foreach (var id in new[] { "b", "a", "C", "d_", "d" })
            await database.Agents.CreateAsync(new Agent(tenant, AgentId.Parse(id), id, null, Noon), default);
        var first = await database.Agents.ListAsync(tenant, null, 3, default);
        var second = await database.Agents.ListAsync(tenant, first[^1].Id, 3, default);
        Assert.Equal(["C", "a", "b"], first.Select(agent => agent.Id.Value));
        Assert.Equal(["d", "d_"], second.Select(agent => agent.Id.Value));
    }

    [Fact]
    public async Task A_key_is_found_by_its_hash_until_it_is_revoked()
    {
        var keys = new PostgresApiKeyStore(database.Admin);
        var key = new ApiKey(TenantId.Parse("keys"), "key_1", "first", "runner", Noon, null);
        var hash = Digest.Of("rpk_secret"u8);
        await keys.CreateAsync(key, hash, default);

        foreach (var source in new[] { database.Runner, database.Verifier })
            Assert.Equal(key, await new PostgresApiKeyStore(source).FindAsync(hash, default));
        Assert.Null(await keys.FindAsync(Digest.Of("rpk_other"u8), default));

        Assert.True(await keys.RevokeAsync("key_1", Noon.AddHours(1), default));
        Assert.False(await keys.RevokeAsync("key_1", Noon.AddHours(2), default));
        Assert.False(await keys.RevokeAsync("key_none", Noon.AddHours(2), default));
        Assert.Null(await new PostgresApiKeyStore(database.Runner).FindAsync(hash, default));
        Assert.Equal([key with { RevokedAt = Noon.AddHours(1) }], await keys.ListAsync(key.TenantId, default));
    }

    [Fact]
    public async Task A_key_makes_its_tenant_where_it_is_new_and_leaves_it_where_it_is_not()
    {
        var keys = new PostgresApiKeyStore(database.Admin);
        await keys.CreateAsync(new ApiKey(TenantId.Parse("made"), "key_a", "a", "runner", Noon, null), Digest.Of("a"u8), default);
        await keys.CreateAsync(new ApiKey(TenantId.Parse("made"), "key_b", "b", "auditor", Noon.AddSeconds(1), null), Digest.Of("b"u8), default);
        Assert.Equal(["key_a", "key_b"], (await keys.ListAsync(TenantId.Parse("made"), default)).Select(key => key.Id));
        Assert.True((await keys.ListAsync(null, default)).Count >= 2);
    }

    [Fact]
    public async Task A_service_cannot_make_list_or_revoke_keys()
    {
        var keys = new PostgresApiKeyStore(database.Runner);
        var key = new ApiKey(T1, "key_x", "x", "runner", Noon, null);
        foreach (var call in new Func<Task>[]
        {
            () => keys.CreateAsync(key, Digest.Of("x"u8), default), () => keys.ListAsync(null, default), () => keys.RevokeAsync("key_x", Noon, default),
        })
        {
            Assert.Equal("42501", (await Assert.ThrowsAsync<PostgresException>(call)).SqlState);
        }
    }
}
