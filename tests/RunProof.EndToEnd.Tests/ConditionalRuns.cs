using System.Text.Json;
using RunProof.Testing;

namespace RunProof.EndToEnd.Tests;

/// <summary>Steps with conditions and fallbacks, over HTTP: what was executed, what was not and why is in a proof that is VERIFIED, and FAILED once somebody changes it.</summary>
public sealed class ConditionalRuns(PostgresFixture postgres)
{
    private static readonly object Plan = new object[]
    {
        new { id = "first", skill = "echo", @params = new { message = "yes" } },
        new { id = "done", skill = "echo", @params = new { message = "executed" }, condition = new { value = "{{steps.first.message}}", equals = "yes" } },
        new { id = "passed", skill = "echo", @params = new { message = "never" }, condition = new { value = "{{steps.first.message}}", matches = "^no" } },
        new { id = "needs", skill = "echo", @params = new { message = "{{steps.passed.message}}" } },
        new { id = "saved", skill = "http_call", @params = new { url = "http://10.255.255.1/" }, fallback = new { skill = "echo", @params = new { message = "instead" } } },
        new { id = "last", skill = "echo", @params = new { message = "{{steps.saved.message}}" }, condition = new { step = "passed", status = new[] { "skipped" } } },
    };

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_was_skipped_and_what_fell_back_is_found_again_in_a_verified_proof_and_a_changed_condition_fails()
    {
        var database = await postgres.CreateDatabaseAsync();
        await using var system = await RunningSystem.StartAsync(database.AdminConnectionString, database.AdminConnectionString, Cancel);

        var run = await system.CreateRunAsync(new { agent_id = "demo-agent", goal = "conditions", origin_system_id = "e2e", plan = Plan, wait = 60 }, Cancel);
        var id = run.GetProperty("run_id").GetString()!;
        Assert.True(run.GetProperty("status").GetString() == "succeeded", run.GetRawText());

        var rows = await system.QueryAsync("SELECT status, outcome_category, context, idempotency_key, outcome_data, level FROM aos_trace_steps WHERE trace_id = $1 ORDER BY step_index", Cancel, "trace_" + id);
        Assert.Equal(
            [("succeeded", "SUCCESS"), ("succeeded", "SUCCESS"), ("skipped", "SUCCESS"), ("skipped", "SUCCESS"), ("failed", "FAILURE"), ("succeeded", "SUCCESS"), ("succeeded", "SUCCESS")],
            rows.Select(row => ((string)row[0]!, (string)row[1]!)));
        Assert.True(Member(rows[1], "condition").GetProperty("result").GetBoolean());
        Assert.False(Member(rows[2], "condition").GetProperty("result").GetBoolean());
        Assert.Equal("yes", Member(rows[2], "condition").GetProperty("looked_at")[0].GetProperty("value").GetString());
        Assert.Equal("passed", Member(rows[3], "skipped").GetProperty("step").GetString());
        Assert.Equal($"{id}:4:fallback", rows[5][3]);
        Assert.True(Member(rows[5], "fallback").GetBoolean());
        Assert.Contains("instead", (string)rows[6][4]!, StringComparison.Ordinal);

        var proof = await system.ProveAsync(id, Cancel);
        Assert.True(proof.GetProperty("verification_status").GetString() == "VERIFIED", proof.GetProperty("findings").GetRawText());
        Assert.Equal("complete", proof.GetProperty("side_records").GetProperty("status").GetString());
        var (watched, told) = await system.CommandLineAsync(Cancel, "run", "watch", id);
        Assert.True(watched == 0 && told.Contains("passed  echo  skipped", StringComparison.Ordinal) && told.Contains("saved  echo  succeeded (1 before)", StringComparison.Ordinal), told);
        var (compared, output) = await system.CommandLineAsync(Cancel, "run", "diff", id, id);
        Assert.True(compared == 0, output);

        await system.TamperAsync($"UPDATE aos_trace_steps SET context = replace(context, '\"result\":false', '\"result\":true') WHERE trace_id = 'trace_{id}' AND step_index = 2", Cancel);
        proof = await system.ProveAsync(id, Cancel);
        Assert.Equal("FAILED", proof.GetProperty("verification_status").GetString());
        Assert.Contains("step 2: context", proof.GetProperty("failure_reason").GetString(), StringComparison.Ordinal);
    }

    private static JsonElement Member(object?[] row, string name)
    {
        using var context = JsonDocument.Parse((string)row[2]!);
        return context.RootElement.GetProperty(name).Clone();
    }
}
