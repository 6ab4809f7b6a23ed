using RunProof.Format;
using RunProof.Ledger;
using static RunProof.Postgres.Tests.StoreDatabase;

namespace RunProof.Postgres.Tests;

/// <summary>Each call of a store is one transaction: the server's own count of them says so.</summary>
public sealed class RoundTripTests(StoreDatabase database) : IClassFixture<StoreDatabase>
{
    [Fact]
    public async Task Each_call_is_one_transaction_and_leaves_no_tenant_behind()
    {
        var run = database.NewRun(T1);
        await AssertOneAsync(() => database.Runs.CreateAsync(run, default));
        await AssertOneAsync(() => database.Runs.FindAsync(T1, run.Id, default));
        await AssertOneAsync(() => database.Runs.ListAsync(T1, new RunFilter(), default));
        await AssertOneAsync(() => database.Runs.StartAsync(T1, run.Id, "worker-1", Noon, Noon, default));
        await AssertOneAsync(() => database.Runs.FinishAsync(T1, run.Id, "worker-1", new RunEnd(RunStatus.Failed, Noon, 1, 1, null, null), default));
        await AssertOneAsync(() => database.Agents.FindAsync(T1, Agent1, default));
        await AssertOneAsync(() => new PostgresApiKeyStore(database.Runner).FindAsync(Digest.Of("x"u8), default));
    }

    // Transactions are counted by their ids' kind-independent number in the backend's own virtual id: "backend/number".
    private async Task AssertOneAsync(Func<Task> call)
    {
        var before = await VirtualAsync();
        await call();
        var after = await VirtualAsync();
        Assert.Equal(before.Backend, after.Backend);
        Assert.Equal(before.Number + 2, after.Number);
        await using var left = database.Runner.CreateCommand("SELECT coalesce(current_setting('runproof.tenant_id', true), '')");
        Assert.Equal("", await left.ExecuteScalarAsync());
    }

    private async Task<(string Backend, long Number)> VirtualAsync()
    {
        await using var command = database.Runner.CreateCommand("SELECT virtualtransaction FROM pg_locks WHERE pid = pg_backend_pid() LIMIT 1");
        var parts = ((string)(await command.ExecuteScalarAsync())!).Split('/');
        return (parts[0], long.Parse(parts[1]));
    }
}
