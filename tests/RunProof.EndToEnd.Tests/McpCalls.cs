using System.Text.Json;
using RunProof.Testing;

namespace RunProof.EndToEnd.Tests;

/// <summary>Calls of MCP tools in runs of the real processes: many at once, with progress, and with answers that are not what was promised.</summary>
public sealed class McpCalls(PostgresFixture postgres)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Sixty_four_branches_that_call_one_server_give_it_four_calls_at_once()
    {
        await using var system = await StartAsync(("many", "counts-open"));
        var plan = Enumerable.Range(0, 64).Select(i => new { id = $"call_{i}", skill = "mcp:many/echo", depends_on = Array.Empty<string>(), @params = new { text = $"{i}" } }).ToArray();

        var run = await system.CreateRunAsync(new { agent_id = "demo-agent", goal = "call many", origin_system_id = "e2e", plan, wait = 120 }, Cancel);

        Assert.True(run.GetProperty("status").GetString() == "succeeded", run.ToString());
        var rows = await system.QueryAsync("SELECT max((outcome_data::jsonb #>> '{structured,most}')::int), count(*)::int FROM aos_trace_steps WHERE trace_id = $1", Cancel, run.GetProperty("trace_id").GetString()!);
        Assert.InRange((int)rows[0][0]!, 1, 4);
        Assert.Equal(64, rows[0][1]);
        Assert.Equal("VERIFIED", (await system.ProveAsync(run.GetProperty("run_id").GetString()!, Cancel)).GetProperty("verification_status").GetString());
    }

    [Fact]
    public async Task Progress_and_an_answer_that_was_not_promised_are_evidence_that_nobody_can_change()
    {
        await using var system = await StartAsync(("slow", "says-how-far"), ("odd", "measures"));
        object[] plan =
        [
            new { id = "far", skill = "mcp:slow/echo", @params = new { text = "3" } },
            new { id = "warm", skill = "mcp:odd/measure", @params = new { answer = new { content = Array.Empty<object>(), structuredContent = new { degrees = "warm" } } } },
        ];

        var run = await system.CreateRunAsync(new { agent_id = "demo-agent", goal = "measure", origin_system_id = "e2e", plan, wait = 120 }, Cancel);

        var id = run.GetProperty("run_id").GetString()!;
        Assert.Equal(("failed", "output_mismatch"), (run.GetProperty("status").GetString(), run.GetProperty("error").GetProperty("code").GetString()));
        var rows = await system.QueryAsync(
            "SELECT status, context::jsonb #>> '{mcp,progress,count}', context::jsonb #>> '{mcp,progress,last}', outcome_code, outcome_data::jsonb #>> '{structured,degrees}' FROM aos_trace_steps WHERE trace_id = $1 ORDER BY step_index",
            Cancel, "trace_" + id);
        Assert.Equal([["succeeded", "3", "3", DBNull.Value, DBNull.Value], ["failed", DBNull.Value, DBNull.Value, "output_mismatch", "warm"]], rows);
        Assert.Equal("VERIFIED", (await system.ProveAsync(id, Cancel)).GetProperty("verification_status").GetString());

        await system.TamperAsync($"UPDATE aos_trace_steps SET context = replace(context, '\"progress\":{{\"count\":3', '\"progress\":{{\"count\":2') WHERE trace_id = 'trace_{id}'", Cancel);
        var broken = await system.ProveAsync(id, Cancel);
        Assert.Equal("FAILED", broken.GetProperty("verification_status").GetString());
        Assert.Contains("step 0: context", broken.GetProperty("failure_reason").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Calls_that_a_model_makes_in_one_answer_are_under_way_together_and_are_answered_in_its_order()
    {
        await using var model = await ModelServer.StartAsync(request =>
            request.Turn == 0 ? ModelTurn.Calls(("mcp_pair_echo", """{"text":"a"}"""), ("mcp_pair_echo", """{"text":"b"}""")) : ModelTurn.Says("Both."));
        // It answers nobody before two ask: one after the other, they would wait for ever.
        await using var system = await StartAsync(
            [("pair", "together")], ("RunProof__Models__small__Endpoint", model.Endpoint), ("RunProof__Models__small__Model", ModelServer.Model), ("RunProof__Models__small__ApiKey", ModelServer.ApiKey));

        var run = await system.CreateRunAsync(new { agent_id = "demo-agent", goal = "ask twice", origin_system_id = "e2e", planner = "agent", tools = new[] { "mcp:pair/*" }, wait = 120 }, Cancel);

        Assert.True(run.GetProperty("status").GetString() == "succeeded", run.ToString());
        var told = model.Requests.Last().Messages;
        var calls = told.Single(message => message.GetProperty("role").ValueEquals("assistant")).GetProperty("tool_calls").EnumerateArray().Select(call => call.GetProperty("id").GetString());
        var answers = told.Where(message => message.GetProperty("role").ValueEquals("tool")).ToArray();
        Assert.Equal(calls, answers.Select(answer => answer.GetProperty("tool_call_id").GetString()));
        string[] expected = ["first", "second"];
        Assert.Equal(expected, answers.Select(Text).Order(StringComparer.Ordinal));
        Assert.Equal("VERIFIED", (await system.ProveAsync(run.GetProperty("run_id").GetString()!, Cancel)).GetProperty("verification_status").GetString());
    }

    private static string? Text(JsonElement answer) =>
        JsonElement.Parse(answer.GetProperty("content").GetString()!).GetProperty("content")[0].GetProperty("text").GetString();

    private Task<RunningSystem> StartAsync(params (string Name, string Mode)[] servers) => StartAsync(servers, []);

    private async Task<RunningSystem> StartAsync((string Name, string Mode)[] servers, params (string Name, string Value)[] more)
    {
        var database = await postgres.CreateDatabaseAsync();
        var variables = servers.SelectMany<(string Name, string Mode), (string, string)>(server =>
        [
            ($"RunProof__Mcp__{server.Name}__Command", "dotnet"), ($"RunProof__Mcp__{server.Name}__Args__0", HostProcess.BuiltTest("RunProof.Mcp.Sample")),
            ($"RunProof__Mcp__{server.Name}__Args__1", server.Mode), ($"RunProof__Mcp__{server.Name}__Tenants__0", "*"),
        ]);
        return await RunningSystem.StartAsync(database.AdminConnectionString, database.AdminConnectionString, Cancel, [.. variables, .. more]);
    }
}
