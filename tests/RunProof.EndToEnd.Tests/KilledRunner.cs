using System.Net;
using System.Net.Sockets;
using RunProof.Testing;

namespace RunProof.EndToEnd.Tests;

/// <summary>A runner that dies leaves no trace dangling.</summary>
public sealed class KilledRunner(PostgresFixture postgres)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_run_whose_runner_was_killed_is_sealed_aborted_by_the_next_with_its_step_interrupted()
    {
        // Accepts and says nothing: what a call to it did, no one can know.
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var address = silent.LocalEndpoint.ToString()!;
        var database = await postgres.CreateDatabaseAsync();
        await using var system = await RunningSystem.StartAsync(
            database.AdminConnectionString, database.AdminConnectionString, Cancel, ("RunProof__HttpCall__Allow__0", address));
        var id = await KillInAsync(system, new { skill = "http_call", @params = new { method = "POST", url = $"http://{address}/", timeout_ms = 300_000 }, timeout_ms = 300_000 });
        await UntilAsync(system, "SELECT 1 FROM runs WHERE id = $1 AND status = 'aborted'", id);

        var steps = await system.QueryAsync("SELECT step_index, skill_name, status, level FROM aos_trace_steps WHERE trace_id = 'trace_' || $1 ORDER BY 1", Cancel, id);
        Assert.Equal([[0, "echo", "succeeded", "INFO"], [1, "http_call", "interrupted", "ERROR"]], steps);
        Assert.Equal("aborted", Assert.Single(await system.QueryAsync("SELECT status FROM aos_traces WHERE run_id = $1", Cancel, id))[0]);
        Assert.Equal("VERIFIED", (await system.ProveAsync(id, Cancel)).GetProperty("verification_status").GetString());
    }

    [Fact]
    public async Task A_run_whose_runner_was_killed_goes_on_in_the_next_with_the_step_that_may_be_repeated()
    {
        var database = await postgres.CreateDatabaseAsync();
        await using var system = await RunningSystem.StartAsync(database.AdminConnectionString, database.AdminConnectionString, Cancel);
        var id = await KillInAsync(system, new { skill = "wait", @params = new { ms = 3_000 }, timeout_ms = 300_000 });
        await UntilAsync(system, "SELECT 1 FROM runs WHERE id = $1 AND status = 'succeeded'", id);

        var steps = await system.QueryAsync(
            "SELECT step_index, skill_name, status, context::json ->> 'resumed' FROM aos_trace_steps WHERE trace_id = 'trace_' || $1 ORDER BY 1", Cancel, id);
        Assert.Equal([[0, "echo", "succeeded", DBNull.Value], [1, "wait", "succeeded", "true"]], steps);
        Assert.Equal("completed", Assert.Single(await system.QueryAsync("SELECT status FROM aos_traces WHERE run_id = $1", Cancel, id))[0]);
        Assert.Equal("VERIFIED", (await system.ProveAsync(id, Cancel)).GetProperty("verification_status").GetString());
    }

    /// <summary>Begins a run, kills the runner in its second step, and starts the next.</summary>
    private static async Task<string> KillInAsync(RunningSystem system, object step)
    {
        var plan = new object[] { new { skill = "echo", @params = new { message = "before" } }, step };
        var run = await system.CreateRunAsync(new { agent_id = "demo-agent", goal = "die", origin_system_id = "e2e", plan }, Cancel);
        var id = run.GetProperty("run_id").GetString()!;
        await UntilAsync(system, "SELECT 1 FROM aos_trace_steps WHERE trace_id = 'trace_' || $1", id);
        await system.KillRunnerAsync();
        Assert.Equal("UNSUPPORTED", (await system.ProveAsync(id, Cancel)).GetProperty("verification_status").GetString());
        await system.StartRunnerAsync(Cancel);
        return id;
    }

    private static async Task UntilAsync(RunningSystem system, string sql, string id)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        while ((await system.QueryAsync(sql, limit.Token, id)).Count == 0)
            await Task.Delay(100, limit.Token);
    }
}
