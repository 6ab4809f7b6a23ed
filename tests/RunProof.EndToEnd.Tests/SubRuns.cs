using System.Text.Json;
using RunProof.Testing;

namespace RunProof.EndToEnd.Tests;

/// <summary>A run of runs as a person proves it: the real processes, the command line, and somebody with the owner's rights.</summary>
public sealed class SubRuns(PostgresFixture postgres)
{
    private const string Plan =
        """
        [{"id":"a","skill":"sub_run","depends_on":[],"params":{"goal":"a","plan":[
           {"id":"x","skill":"echo","params":{"message":"from a"}},{"id":"below","skill":"sub_run","params":{"goal":"below","plan":[{"skill":"echo","params":{"message":"deep"}}]}}]}},
         {"id":"b","skill":"sub_run","depends_on":[],"params":{"goal":"b","plan":[{"id":"x","skill":"echo","params":{"message":"from b"}}]}},
         {"id":"last","skill":"echo","depends_on":["a","b"],"params":{"message":"{{steps.b.outcomes.x.message}}"}}]
        """;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_runs_proof_holds_its_sub_runs_and_fails_where_one_is_changed_or_gone()
    {
        var database = await postgres.CreateDatabaseAsync();
        await using var system = await RunningSystem.StartAsync(database.AdminConnectionString, database.AdminConnectionString, Cancel);
        var (first, second, third) = (await RunAsync(system), await RunAsync(system), await RunAsync(system));

        // 1. Everything holds, and the parent's check says what it compared.
        var proof = await system.ProveAsync(first, Cancel);
        Assert.True(Text(proof, "verification_status") == "VERIFIED", proof.GetProperty("findings").ToString());
        Assert.Contains("2 sub-runs recomputed", Text(CheckOf(proof), "detail"), StringComparison.Ordinal);
        var children = await ChildrenAsync(system, first);
        foreach (var child in children.Values)
            Assert.Equal("VERIFIED", Text(await system.ProveAsync(child, Cancel), "verification_status"));
        var below = (await ChildrenAsync(system, children["a"]))["below"];

        // 2. What is at hand without the sub-runs says that they were not looked at, and claims nothing of them.
        var file = Path.Combine(Path.GetTempPath(), $"{Guid.NewGuid():N}.runproof.json");
        try
        {
            var key = await system.VerifierKeyAsync(Cancel);
            await CliAsync(system, "run", "export", first, "--output", file, "--json");
            Assert.Equal("not_done", Text(CheckOf(await CliAsync(system, "verify", file, "--key", key, "--json")), "status"));
        }
        finally
        {
            File.Delete(file);
        }

        // 3. A step of the sub-run's own sub-run is changed: each run above says so.
        await system.TamperAsync($"UPDATE aos_trace_steps SET outcome_data = replace(outcome_data, 'deep', 'flat') WHERE trace_id = 'trace_{below}'", Cancel);
        foreach (var run in (string[])[first, children["a"]])
            await FailsAsync(system, run, "SUB_RUN_DIFFERS");
        await system.TamperAsync($"UPDATE aos_trace_steps SET outcome_data = replace(outcome_data, 'flat', 'deep') WHERE trace_id = 'trace_{below}'", Cancel);
        Assert.Equal("VERIFIED", Text(await system.ProveAsync(first, Cancel), "verification_status"));

        // 4. A sub-run is taken away.
        var gone = children["b"];
        await system.TamperAsync($"DELETE FROM aos_trace_steps WHERE trace_id = 'trace_{gone}'; DELETE FROM aos_traces WHERE trace_id = 'trace_{gone}'", Cancel);
        await FailsAsync(system, first, "SUB_RUN_MISSING");

        // 5. What the sub-run says of its parent is changed; then what the parent says of the sub-run.
        var named = (await ChildrenAsync(system, second))["a"];
        await system.TamperAsync($"UPDATE aos_traces SET context = replace(context, '{second}', '{third}') WHERE trace_id = 'trace_{named}'", Cancel);
        await FailsAsync(system, second, "SUB_RUN_DIFFERS");
        await system.TamperAsync($"UPDATE aos_trace_steps SET context = replace(context, '\"plan_step\":\"a\"', '\"plan_step\":\"c\"') WHERE trace_id = 'trace_{third}'", Cancel);
        Assert.Equal("FAILED", Text(await system.ProveAsync(third, Cancel), "verification_status"));
    }

    private static async Task<string> RunAsync(RunningSystem system)
    {
        using var plan = JsonDocument.Parse(Plan);
        var run = await system.CreateRunAsync(new { agent_id = "demo-agent", goal = "a run of runs", origin_system_id = "tests", plan = plan.RootElement, wait = 60 }, Cancel);
        Assert.True(Text(run, "status") == "succeeded", run.ToString());
        return Text(run, "run_id")!;
    }

    private static async Task<Dictionary<string, string>> ChildrenAsync(RunningSystem system, string run) =>
        (await system.JsonAsync($"{system.RunnerUrl}/api/v1/runs?parent={run}", Cancel)).GetProperty("items").EnumerateArray().ToDictionary(child => Text(child, "goal")!, child => Text(child, "run_id")!);

    private static async Task<JsonElement> CliAsync(RunningSystem system, params string[] words)
    {
        var (exit, output) = await system.CommandLineAsync(Cancel, words);
        Assert.True(exit == 0, $"{string.Join(' ', words)} ended with {exit}: {output}");
        using var document = JsonDocument.Parse(output);
        return document.RootElement.Clone();
    }

    private static async Task FailsAsync(RunningSystem system, string run, string code)
    {
        var proof = await system.ProveAsync(run, Cancel);
        Assert.Equal(("FAILED", code), (Text(proof, "verification_status"), Text(proof, "failure_code")));
        Assert.Equal("failed", Text(CheckOf(proof), "status"));
    }

    private static JsonElement CheckOf(JsonElement report) => report.GetProperty("checks").EnumerateArray().Single(check => Text(check, "name") == "SUB_RUNS");

    private static string? Text(JsonElement value, string member) => value.GetProperty(member).GetString();
}
