using System.Text.Json;
using RunProof.Testing;

namespace RunProof.EndToEnd.Tests;

/// <summary>Runs that a language model plans, as it goes or at once: the real processes, a service that speaks the protocol over HTTP.</summary>
public sealed class AgentRuns(PostgresFixture postgres)
{
    private const string Steps = "SELECT step_index, skill_name, status, context::jsonb ->> 'plan_step' FROM aos_trace_steps WHERE trace_id = 'trace_' || $1 ORDER BY 1";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_agent_calls_skills_until_it_is_done_and_all_of_it_is_proven_and_exported()
    {
        await using var model = await ModelServer.StartAsync(request => request.Turn switch
        {
            0 => ModelTurn.Calls(("echo", """{"message":"seven stars"}"""), ("json_transform", """{"input":{"a":[1,2]},"path":"a[1]"}"""), ("echo", "{}")),
            _ => ModelTurn.Says("I saw " + request.Messages.Count(message => message.GetProperty("role").ValueEquals("tool")) + " results."),
        });
        await using var system = await StartAsync(model);
        var (exit, output) = await system.CommandLineAsync(
            Cancel, "run", "create", "--agent", "demo-agent", "--goal", "count the stars", "--origin", "e2e", "--planner", "agent", "--model", "small",
            "--tool", "echo", "--tool", "json_*", "--wait", "60", "--json");
        Assert.True(exit == 0, output);
        using var run = JsonDocument.Parse(output);
        var id = run.RootElement.GetProperty("run_id").GetString()!;

        Assert.Empty(model.Refusals);
        Assert.Equal(["echo", "json_transform"], model.Requests.First().Tools);
        var rows = await system.QueryAsync(Steps, Cancel, id);
        Assert.Equal(
            ["turn_1", "turn_1_call_1", "turn_1_call_2", "turn_1_call_3", "turn_2"], rows.Select(row => (string)row[3]!).Order(StringComparer.Ordinal));
        Assert.Equal("failed", rows.Single(row => (string)row[3]! == "turn_1_call_3")[2]);
        var told = model.Requests.Last().Messages.Where(message => message.GetProperty("role").ValueEquals("tool")).Select(message => message.GetProperty("content").GetString()!).ToArray();
        Assert.Equal(3, told.Length);
        Assert.Contains("seven stars", told[0], StringComparison.Ordinal);
        Assert.Contains("invalid_params", told[2], StringComparison.Ordinal);

        Assert.Equal("VERIFIED", (await system.ProveAsync(id, Cancel)).GetProperty("verification_status").GetString());
        var cost = await system.QueryAsync("SELECT sum(cost_cents) > 0, sum((context::jsonb ->> 'tokens')::bigint) > 0 FROM aos_trace_steps WHERE skill_name = 'llm_invoke'", Cancel);
        Assert.Equal([true, true], Assert.Single(cost));
        var bundle = Path.Combine(Path.GetTempPath(), id + ".json");
        try
        {
            var (exported, said) = await system.CommandLineAsync(Cancel, "run", "export", id, "--output", bundle);
            Assert.True(exported == 0, said);
            var text = await File.ReadAllTextAsync(bundle, Cancel);
            Assert.Contains("I saw 3 results.", text, StringComparison.Ordinal);
            Assert.Contains("test-model-2026-01-01", text, StringComparison.Ordinal);
            Assert.DoesNotContain(ModelServer.ApiKey, text, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(bundle);
        }

        await system.TamperAsync($"UPDATE aos_trace_steps SET outcome_data = replace(outcome_data, 'I saw 3', 'I saw 4') WHERE trace_id = 'trace_{id}'", Cancel);
        Assert.Equal("FAILED", (await system.ProveAsync(id, Cancel)).GetProperty("verification_status").GetString());
    }

    [Fact]
    public async Task A_policy_that_denies_a_tool_or_limits_tokens_is_obeyed_and_the_agent_is_told()
    {
        await using var model = await ModelServer.StartAsync(request =>
            request.Turn == 0 ? ModelTurn.Calls(("echo", """{"message":"forbidden"}""")) : request.Turn < 3 ? ModelTurn.Calls(("echo", """{"message":"fine"}""")) : ModelTurn.Says("Never."));
        var folder = Directory.CreateTempSubdirectory("agent-policies-");
        try
        {
            await File.WriteAllTextAsync(
                Path.Combine(folder.FullName, "house.yaml"),
                """
                policy: house
                version: "1"
                default: allow
                rules:
                  - { id: word, effect: deny, reason: not that word, on_block: continue, when: { skill: echo, params: { message: forbidden } } }
                  - { id: thrift, effect: limit, reason: enough, limit: { tokens: 600 }, when: { skill: llm_invoke } }
                """, Cancel);
            await using var system = await StartAsync(model, ("RunProof__Policies__Folder", folder.FullName), ("RunProof__Planners__Agent__Skills__0", "echo"));
            var run = await system.CreateRunAsync(new { agent_id = "demo-agent", goal = "say it", origin_system_id = "e2e", planner = "agent", wait = 60 }, Cancel);
            var id = run.GetProperty("run_id").GetString()!;

            var rows = await system.QueryAsync(Steps, Cancel, id);
            Assert.Equal("blocked", rows.Single(row => (string)row[3]! == "turn_1_call_1")[2]);
            Assert.Contains("rule word: not that word", model.Requests.ElementAt(1).Last, StringComparison.Ordinal);
            Assert.Equal("blocked", rows[^1][2]);
            Assert.Equal("llm_invoke", rows[^1][1]);
            Assert.Equal("failed", run.GetProperty("status").GetString());
            Assert.Equal("VERIFIED", (await system.ProveAsync(id, Cancel)).GetProperty("verification_status").GetString());
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task An_agent_whose_runner_is_killed_goes_on_and_asks_the_model_nothing_twice()
    {
        await using var model = await ModelServer.StartAsync(request => request.Turn == 0 ? ModelTurn.Calls(("wait", """{"ms":3000}""")) : ModelTurn.Says("Waited."));
        await using var system = await StartAsync(model);
        var run = await system.CreateRunAsync(new { agent_id = "demo-agent", goal = "wait a little", origin_system_id = "e2e", planner = "agent", tools = new[] { "wait" } }, Cancel);
        var id = run.GetProperty("run_id").GetString()!;
        await UntilAsync(system, "SELECT 1 FROM aos_trace_steps WHERE trace_id = 'trace_' || $1", id);
        await system.KillRunnerAsync();
        await system.StartRunnerAsync(Cancel);
        await UntilAsync(system, "SELECT 1 FROM runs WHERE id = $1 AND status IN ('succeeded', 'failed', 'aborted')", id);

        Assert.Equal(
            [[0, "llm_invoke", "succeeded", "turn_1"], [1, "wait", "succeeded", "turn_1_call_1"], [2, "llm_invoke", "succeeded", "turn_2"]], await system.QueryAsync(Steps, Cancel, id));
        Assert.Equal([0, 1], model.Requests.Select(request => request.Turn));
        Assert.Equal("VERIFIED", (await system.ProveAsync(id, Cancel)).GetProperty("verification_status").GetString());
    }

    [Fact]
    public async Task A_plan_that_a_model_wrote_wrongly_is_repaired_and_executed()
    {
        await using var model = await ModelServer.StartAsync(
            ModelTurn.Says("""[{"id":"say","skill":"ehco","params":{"message":"hi"}}]"""), ModelTurn.Says("""[{"id":"say","skill":"echo","params":{"message":"hi"}},{"skill":"echo","params":{"message":"{{steps.say.message}} again"}}]"""));
        await using var system = await StartAsync(model);
        var run = await system.CreateRunAsync(new { agent_id = "demo-agent", goal = "say hi twice", origin_system_id = "e2e", planner = "llm", tools = new[] { "echo" }, wait = 60 }, Cancel);
        var id = run.GetProperty("run_id").GetString()!;
        Assert.True(run.GetProperty("status").GetString() == "succeeded", run.ToString());
        Assert.Equal(["plan_1", "plan_2", "say", "step_1"], (await system.QueryAsync(Steps, Cancel, id)).Select(row => (string)row[3]!));
        Assert.Contains("plan[0].skill: there is no skill \\\"ehco\\\"", JsonEncodedText.Encode(model.Requests.Last().Last, System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping).ToString(), StringComparison.Ordinal);
        Assert.Equal("VERIFIED", (await system.ProveAsync(id, Cancel)).GetProperty("verification_status").GetString());
    }

    [Fact]
    public async Task Rules_of_the_operator_make_a_plan_and_the_trace_names_them()
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(
                file, "planner: rules\nversion: '7'\nrules:\n  - { id: greet, goal: { glob: 'greet {name}' }, plan: [{ skill: echo, params: { message: 'Hello, {{goal.name}}!' } }] }\n", Cancel);
            await using var model = await ModelServer.StartAsync();
            await using var system = await StartAsync(model, ("RunProof__Planners__Rules", file));
            var run = await system.CreateRunAsync(new { agent_id = "demo-agent", goal = "greet Ada", origin_system_id = "e2e", planner = "rules", wait = 60 }, Cancel);
            var id = run.GetProperty("run_id").GetString()!;
            Assert.Equal("succeeded", run.GetProperty("status").GetString());
            var context = JsonElement.Parse((string)Assert.Single(await system.QueryAsync("SELECT context FROM aos_traces WHERE run_id = $1", Cancel, id))[0]!);
            Assert.Equal(("greet", "7", 64), (
                context.GetProperty("planned_by").GetProperty("rule").GetString(), context.GetProperty("planned_by").GetProperty("version").GetString(),
                context.GetProperty("planned_by").GetProperty("digest").GetString()!.Length));
            Assert.Equal("VERIFIED", (await system.ProveAsync(id, Cancel)).GetProperty("verification_status").GetString());
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static async Task UntilAsync(RunningSystem system, string sql, string id)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        while ((await system.QueryAsync(sql, limit.Token, id)).Count == 0)
            await Task.Delay(100, limit.Token);
    }

    private async Task<RunningSystem> StartAsync(ModelServer model, params (string Name, string Value)[] more)
    {
        var database = await postgres.CreateDatabaseAsync();
        return await RunningSystem.StartAsync(
            database.AdminConnectionString, database.AdminConnectionString, Cancel,
            [
                ("RunProof__Models__small__Endpoint", model.Endpoint), ("RunProof__Models__small__Model", ModelServer.Model), ("RunProof__Models__small__ApiKey", ModelServer.ApiKey),
                ("RunProof__Models__small__Price__Version", "e2e-1"), ("RunProof__Models__small__Price__Input", "2.50"), ("RunProof__Models__small__Price__Output", "10"),
                .. more,
            ]);
    }
}
