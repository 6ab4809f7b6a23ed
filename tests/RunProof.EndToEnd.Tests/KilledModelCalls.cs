using System.Text.Json;
using RunProof.Testing;

namespace RunProof.EndToEnd.Tests;

/// <summary>A runner that dies while a model thinks: the call is made again, under the same key, and what it took is counted once.</summary>
public sealed class KilledModelCalls(PostgresFixture postgres)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("given", "ask")]
    [InlineData("agent", "turn_1")]
    [InlineData("llm", "plan_1")]
    public async Task A_call_that_a_crash_hid_is_made_again_under_its_key_and_counted_once(string planner, string step)
    {
        var asked = 0;
        var said = planner == "llm" ? """[{"id":"say","skill":"echo","params":{"message":"hi"}}]""" : "Heard.";
        await using var model = await ModelServer.StartAsync(
            _ => Interlocked.Increment(ref asked) == 1 ? ModelTurn.Says("Nobody hears this.") with { Delay = TimeSpan.FromMinutes(30) } : ModelTurn.Says(said));
        await using var system = await StartAsync(model);
        var governor = await GovernorAsync(system);
        var (exit, output) = await system.CommandLineAsync(
            Cancel, "budget", "set", "tokens", "--scope", "agent", "--period", "day", "--tokens", "1000000", "--api-key", governor);
        Assert.True(exit == 0, output);
        object ask = new { id = "ask", skill = "llm_invoke", timeout_ms = 600_000, @params = new { model = "small", messages = new[] { new { role = "user", content = "Well?" } } } };
        object request = planner == "given"
            ? new { agent_id = "demo-agent", goal = "ask", origin_system_id = "e2e", plan = new[] { ask } }
            : new { agent_id = "demo-agent", goal = "ask", origin_system_id = "e2e", planner, tools = new[] { "echo" } };
        var id = (await system.CreateRunAsync(request, Cancel)).GetProperty("run_id").GetString()!;
        await UntilAsync(() => Task.FromResult(model.Requests.Count == 1));

        await system.KillRunnerAsync();
        Assert.Empty(await system.QueryAsync("SELECT 1 FROM aos_trace_steps WHERE trace_id = 'trace_' || $1", Cancel, id));
        await system.StartRunnerAsync(Cancel);
        await UntilAsync(async () => (await system.QueryAsync("SELECT 1 FROM runs WHERE id = $1 AND status IN ('succeeded', 'failed', 'aborted')", Cancel, id)).Count > 0);

        var rows = await system.QueryAsync(
            "SELECT status, context::jsonb ->> 'plan_step', context::jsonb ->> 'resumed', (context::jsonb ->> 'attempt')::int, (context::jsonb ->> 'tokens')::bigint, cost_cents"
            + " FROM aos_trace_steps WHERE trace_id = 'trace_' || $1 AND skill_name = 'llm_invoke'", Cancel, id);
        var tokens = (long)Assert.Single(rows)[4]!;
        Assert.Equal(["succeeded", step, "true", 0], rows[0][..4]);

        // The service was asked the same twice, and could know it.
        var requests = model.Requests.ToArray();
        Assert.Equal(2, requests.Length);
        Assert.Equal(requests[0].Text, requests[1].Text);
        Assert.Equal(requests[0].Headers["Idempotency-Key"], requests[1].Headers["Idempotency-Key"]);

        // One answer was heard, and one is counted: in the step, in the side record, and in what the budget has.
        Assert.Equal((long)(((requests[1].Text.Length + 3) / 4) + ((said.Length + 3) / 4)), tokens);
        Assert.Equal([[tokens, rows[0][5]]], await system.QueryAsync("SELECT (input_tokens + output_tokens)::bigint, cost_cents FROM llm_run_records WHERE run_id = $1", Cancel, id));
        var (_, shown) = await system.CommandLineAsync(Cancel, "budget", "show", "tokens", "--json");
        using var usage = JsonDocument.Parse(shown);
        Assert.Equal(tokens, usage.RootElement.GetProperty("usage")[0].GetProperty("tokens").GetInt64());
        Assert.Equal("VERIFIED", (await system.ProveAsync(id, Cancel)).GetProperty("verification_status").GetString());
    }

    private static async Task UntilAsync(Func<Task<bool>> holds)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        limit.CancelAfter(TimeSpan.FromMinutes(2));
        while (!await holds())
            await Task.Delay(100, limit.Token);
    }

    private static async Task<string> GovernorAsync(RunningSystem system)
    {
        var (made, output) = await system.CommandLineAsync(Cancel, "keys", "create", "--tenant", "dev", "--name", "governor", "--scope", "governor", "--json");
        Assert.True(made == 0, output);
        using var key = JsonDocument.Parse(output);
        return key.RootElement.GetProperty("api_key").GetString()!;
    }

    private async Task<RunningSystem> StartAsync(ModelServer model)
    {
        var database = await postgres.CreateDatabaseAsync();
        return await RunningSystem.StartAsync(
            database.AdminConnectionString, database.AdminConnectionString, Cancel,
            ("RunProof__Models__small__Endpoint", model.Endpoint), ("RunProof__Models__small__Model", ModelServer.Model), ("RunProof__Models__small__ApiKey", ModelServer.ApiKey),
            ("RunProof__Models__small__TimeoutSeconds", "600"), ("RunProof__Models__small__Price__Version", "e2e-1"), ("RunProof__Models__small__Price__Input", "2.50"),
            ("RunProof__Models__small__Price__Output", "10"));
    }
}
