using System.Globalization;
using System.Text.Json;
using RunProof.Testing;

namespace RunProof.EndToEnd.Tests;

/// <summary>Runs that call a language model: the real processes, a service that speaks the protocol over HTTP.</summary>
public sealed class ModelRuns(PostgresFixture postgres)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_model_is_called_in_a_plan_and_what_it_took_is_evidence_that_nobody_can_change()
    {
        await using var model = await ModelServer.StartAsync(
            ModelTurn.Fails(503, "overloaded", "Try again."),
            ModelTurn.Says("""{"city":"Ålesund"}""") with { CachedTokens = 4, ReasoningTokens = 2 });
        await using var system = await StartAsync(model, ("RunProof__Prompts__clerk", "You are a clerk. Answer in json."));
        object[] plan =
        [
            new
            {
                id = "ask", skill = "llm_invoke", on_error = "retry", retry = new { backoff_ms = 10 },
                @params = new { model = "small", system_prompt_ref = "clerk", response_format = new { type = "json_object" }, messages = new[] { new { role = "user", content = "Where, as json?" } } },
            },
            new { id = "use", skill = "echo", @params = new { message = "{{steps.ask.json.city}}" } },
        ];

        var run = await system.CreateRunAsync(new { agent_id = "demo-agent", goal = "ask a model", origin_system_id = "e2e", plan, seed = 7, wait = 60 }, Cancel);

        var id = run.GetProperty("run_id").GetString()!;
        Assert.True(run.GetProperty("status").GetString() == "succeeded", run.ToString());
        var proof = await system.ProveAsync(id, Cancel);
        Assert.Equal("VERIFIED", proof.GetProperty("verification_status").GetString());
        Assert.Equal(7, model.Requests.Last().Json.GetProperty("seed").GetInt64());

        var rows = await system.QueryAsync(
            "SELECT status, cost_cents, context::jsonb #>> '{usage,model}', context::jsonb #>> '{usage,price_version}', (context::jsonb #>> '{usage,input_tokens}')::bigint,"
            + " (context::jsonb #>> '{usage,output_tokens}')::bigint, context::jsonb #>> '{usage,cost_cents}', outcome_data FROM aos_trace_steps ORDER BY step_index", Cancel);
        Assert.Equal(["retrying", "succeeded", "succeeded"], rows.Select(row => (string)row[0]!));
        var (sent, came) = ((long)rows[1][4]!, (long)rows[1][5]!);
        // 2.50 and 10 for a million, 0.25 for what was cached; in cents.
        var cents = (((sent - 4) * 250m) + (4 * 25m) + (came * 1_000m)) / 1_000_000m;
        Assert.Equal((cents, "test-model-2026-01-01", "e2e-1"), ((decimal)rows[1][1]!, (string)rows[1][2]!, (string)rows[1][3]!));
        Assert.Equal(cents, decimal.Parse((string)rows[1][6]!, CultureInfo.InvariantCulture));
        Assert.Contains("Ålesund", (string)rows[2][7]!, StringComparison.Ordinal);
        // The run tells what all its steps took, the failed try too; a list tells the same.
        var told = await system.GetRunAsync(id, 0, Cancel);
        var used = (long)Assert.Single(await system.QueryAsync("SELECT sum((context::jsonb ->> 'tokens')::bigint)::bigint FROM aos_trace_steps", Cancel))[0]!;
        Assert.Equal((rows.Sum(row => (decimal)row[1]!), used), (decimal.Parse(told.GetProperty("cost_cents").GetString()!, CultureInfo.InvariantCulture), told.GetProperty("tokens").GetInt64()));
        var (listed, list) = await system.CommandLineAsync(Cancel, "run", "list", "--json");
        Assert.Equal(0, listed);
        Assert.Contains($"\"cost_cents\":\"{told.GetProperty("cost_cents").GetString()}\"", list.Replace("\": ", "\":", StringComparison.Ordinal), StringComparison.Ordinal);

        var everything = await system.QueryAsync(
            "SELECT r::text FROM runs r UNION ALL SELECT t::text FROM aos_traces t UNION ALL SELECT s::text FROM aos_trace_steps s", Cancel);
        foreach (var secret in new[] { ModelServer.ApiKey, model.Endpoint, "You are a clerk" })
            Assert.All(everything, row => Assert.DoesNotContain(secret, (string)row[0]!, StringComparison.Ordinal));

        await system.TamperAsync($"UPDATE aos_trace_steps SET context = replace(context, '\"input_tokens\":{sent}', '\"input_tokens\":1') WHERE trace_id = 'trace_{id}'", Cancel);
        var broken = await system.ProveAsync(id, Cancel);
        Assert.Equal("FAILED", broken.GetProperty("verification_status").GetString());
        Assert.Contains("step 1: context", broken.GetProperty("failure_reason").GetString(), StringComparison.Ordinal);
    }

    private async Task<RunningSystem> StartAsync(ModelServer model, params (string Name, string Value)[] more)
    {
        var database = await postgres.CreateDatabaseAsync();
        return await RunningSystem.StartAsync(
            database.AdminConnectionString, database.AdminConnectionString, Cancel,
            [
                ("RunProof__Models__small__Endpoint", model.Endpoint), ("RunProof__Models__small__Model", ModelServer.Model), ("RunProof__Models__small__ApiKey", ModelServer.ApiKey),
                ("RunProof__Models__small__Price__Version", "e2e-1"), ("RunProof__Models__small__Price__Input", "2.50"),
                ("RunProof__Models__small__Price__CachedInput", "0.25"), ("RunProof__Models__small__Price__Output", "10"),
                .. more,
            ]);
    }
}
