using System.Globalization;
using RunProof.Testing;

namespace RunProof.Runner.Tests;

/// <summary>Runs that wait for runs, over the death of their processes, and where no place is free.</summary>
public sealed class SubRunProcessTests(RunnerFixture fixture)
{
    [Fact]
    public async Task A_runner_with_one_place_executes_runs_that_wait_for_runs_that_wait_for_runs()
    {
        var database = await fixture.CreateDatabaseAsync();
        await using var runner = await RunnerProcess.StartAsync(database.RunnerConnectionString, ("RunProof__Runner__Concurrency", "1"));
        var client = await runner.ClientAsync(await Store.CreateKeyAsync(database, "acme", "runner"));
        await Store.ScalarAsync(database, "INSERT INTO runproof.tenant_limits VALUES ('acme', 1)");
        var agent = await client.CreateAgentAsync();
        const string Plan =
            """
            [{"id":"a","skill":"sub_run","depends_on":[],"params":{"goal":"a","plan":[{"skill":"sub_run","params":{"goal":"a a","plan":[{"skill":"echo","params":{"message":1}}]}}]}},
             {"id":"b","skill":"sub_run","depends_on":[],"params":{"goal":"b","plan":[{"skill":"echo","params":{"message":2}}]}}]
            """;

        var runs = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => client.PostAsync("/api/v1/runs", ApiClient.Run(agent, Plan))));

        foreach (var run in runs)
        {
            var ended = await client.GetAsync($"/api/v1/runs/{run["run_id"]}?wait=120");
            Assert.True(ended["status"] == "succeeded", ended["error"] ?? ended["status"]);
        }

        Assert.Equal(12L, await Store.ScalarAsync(database, "SELECT count(*) FROM runs WHERE status = 'succeeded'"));
    }

    [Fact]
    public async Task A_runner_that_is_killed_while_a_sub_run_is_under_way_leaves_one_sub_run_and_both_go_on()
    {
        var database = await fixture.CreateDatabaseAsync();
        var key = await Store.CreateKeyAsync(database, "acme", "runner");
        var lease = ("RunProof__Runner__LeaseSeconds", "2");
        await using var first = await RunnerProcess.StartAsync(database.RunnerConnectionString, lease);
        var client = await first.ClientAsync(key);
        // Beside the sub-run a step of the parent's own is under way: the process dies holding both runs.
        var run = await client.PostAsync("/api/v1/runs", ApiClient.Run(
            await client.CreateAgentAsync(),
            """
            [{"id":"own","skill":"wait","depends_on":[],"params":{"ms":4000}},
             {"id":"child","skill":"sub_run","depends_on":[],"params":{"goal":"child","plan":[{"skill":"wait","params":{"ms":4000}},{"id":"x","skill":"echo","params":{"message":"done"}}]}},
             {"id":"last","skill":"echo","depends_on":["own","child"],"params":{"message":"{{steps.child.outcomes.x.message}}"}}]
            """));
        await UntilAsync(database, "SELECT 1 FROM runs WHERE parent_run_id = $1 AND status = 'running'", run["run_id"]!);
        await first.KillAsync();

        await using var heir = await RunnerProcess.StartAsync(database.RunnerConnectionString, lease);
        var ended = await (await heir.ClientAsync(key)).GetAsync($"/api/v1/runs/{run["run_id"]}?wait=120");

        Assert.True(ended["status"] == "succeeded", ended["error"] ?? ended["status"]);
        Assert.Equal(1L, await Store.ScalarAsync(database, "SELECT count(*) FROM runs WHERE parent_run_id = $1", run["run_id"]!));
        Assert.Equal(
            1L,
            await Store.ScalarAsync(
                database,
                """
                SELECT count(*) FROM aos_trace_steps s JOIN aos_traces c ON c.run_id = (SELECT id FROM runs WHERE parent_run_id = $1)
                  WHERE s.trace_id = 'trace_' || $1 AND s.outcome_data LIKE '%' || encode(c.root_hash, 'hex') || '%'
                """,
                run["run_id"]!));
    }

    private static async Task UntilAsync(TestDatabase database, string sql, params object[] values)
    {
        for (var i = 0; await Store.ScalarAsync(database, sql, values) is null; i++)
        {
            Assert.True(i < 2_400, string.Create(CultureInfo.InvariantCulture, $"never: {sql}"));
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }
}
