using System.Text.Json;
using RunProof.Testing;

namespace RunProof.EndToEnd.Tests;

/// <summary>Replay, fork and diff as a person uses them: the real processes, the command line, and somebody with the owner's rights.</summary>
public sealed class ReplayedRuns(PostgresFixture postgres)
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Runs_are_replayed_forked_and_compared_and_a_changed_world_or_origin_is_told_at_its_place()
    {
        var files = Directory.CreateTempSubdirectory("runproof-replayed-").FullName;
        var database = await postgres.CreateDatabaseAsync();
        await using var system = await RunningSystem.StartAsync(database.AdminConnectionString, database.AdminConnectionString, Cancel, ("RunProof__Files__Root", files));
        try
        {
            var file = Path.Combine(Directory.CreateDirectory(Path.Combine(files, "dev")).FullName, "price.json");
            await File.WriteAllTextAsync(file, """{"price":"12.50"}""", Cancel);
            var (first, second) = (await RunAsync(system), await RunAsync(system));

            // 1. Equal, and the replay is evidence of its own.
            var equal = await CliAsync(system, 0, "run", "replay", first, "--wait", "--json");
            Assert.Equal("equal", equal.GetProperty("status").GetString());
            var replay = equal.GetProperty("replay").GetProperty("run_id").GetString()!;
            var proof = await system.ProveAsync(replay, Cancel);
            Assert.Equal("VERIFIED", proof.GetProperty("verification_status").GetString());
            Assert.All(proof.GetProperty("aos_trace_steps").EnumerateArray(), step => Assert.Equal("replay", step.GetProperty("source").GetString()));
            await CliAsync(system, 0, "run", "diff", first, second, "--json");

            // 2. The world changes: the replay says where.
            await File.WriteAllTextAsync(file, """{"price":"13.00"}""", Cancel);
            var diverged = await CliAsync(system, 10, "run", "replay", first, "--wait", "--json");
            var divergence = diverged.GetProperty("first");
            Assert.Equal(("outcome", "read", "outcome_data"), (Text(divergence, "kind"), Text(divergence, "plan_step"), Text(divergence, "place")));
            Assert.Contains(diverged.GetProperty("divergences").EnumerateArray(), each => Text(each, "path") == "$.json.price" && Text(each, "origin") == "\"12.50\"" && Text(each, "replay") == "\"13.00\"");
            await CliAsync(system, 0, "run", "replay", first, "--mode", "dry", "--wait", "--json");

            // 3. Two runs that differ, from the services and from two files.
            var third = await RunAsync(system);
            var diff = await CliAsync(system, 1, "run", "diff", first, third, "--json");
            Assert.Contains(diff.GetProperty("differences").EnumerateArray(), each => Text(each, "kind") == "parameters" && Text(each, "path") == "$.message");
            var (a, b) = (Path.Combine(files, "a.runproof.json"), Path.Combine(files, "b.runproof.json"));
            await CliAsync(system, 0, "run", "export", first, "--output", a, "--json");
            await CliAsync(system, 0, "run", "export", third, "--output", b, "--json");
            var offline = await CliAsync(system, 1, "run", "diff", a, b, "--json");
            Assert.Equal(diff.GetProperty("differences").GetRawText(), offline.GetProperty("differences").GetRawText());
            await CliAsync(system, 0, "run", "diff", a, a, "--json");

            // 4. A fork goes on from what the origin found, not from what is there now.
            var fork = Text(await CliAsync(system, 0, "run", "fork", first, "--from-step", "1", "--wait", "--json"), "run_id")!;
            proof = await system.ProveAsync(fork, Cancel);
            Assert.Equal("VERIFIED", proof.GetProperty("verification_status").GetString());
            Assert.Contains(proof.GetProperty("checks").EnumerateArray(), check => Text(check, "name") == "ORIGIN" && Text(check, "status") == "passed");
            Assert.Equal("""{"message":"it is 12.50"}""", proof.GetProperty("aos_trace_steps")[0].GetProperty("payloads").GetProperty("params").GetProperty("text").GetString());

            // 5. The origin is changed: the fork's proof fails, and nothing is replayed of it any more.
            await system.TamperAsync($"UPDATE aos_trace_steps SET outcome_data = replace(outcome_data, '12.50', '99.99') WHERE trace_id = 'trace_{first}' AND step_index = 0", Cancel);
            proof = await system.ProveAsync(fork, Cancel);
            Assert.Equal(("FAILED", "FORK_ORIGIN_DIFFERS"), (Text(proof, "verification_status"), Text(proof, "failure_code")));
            var refused = await CliAsync(system, 1, "run", "replay", first, "--wait", "--json");
            Assert.Equal("origin_not_verified", refused.GetProperty("error").GetProperty("code").GetString());
            Assert.Equal("not_verified", Text(await CliAsync(system, 10, "run", "replay", replay, "--report", "--json"), "status"));
            await CliAsync(system, 10, "run", "diff", first, second, "--json");

            // 6. The origin is taken away: the fork's own chain still holds, and its proof says what could not be looked at.
            await system.TamperAsync($"DELETE FROM aos_trace_steps WHERE trace_id = 'trace_{first}'; DELETE FROM aos_traces WHERE trace_id = 'trace_{first}'", Cancel);
            proof = await system.ProveAsync(fork, Cancel);
            Assert.Contains(proof.GetProperty("findings").EnumerateArray(), finding => Text(finding, "code") == "FORK_ORIGIN_MISSING");
            Assert.Contains(proof.GetProperty("checks").EnumerateArray(), check => Text(check, "name") == "ORIGIN" && Text(check, "status") == "not_done");
        }
        finally
        {
            Directory.Delete(files, recursive: true);
        }
    }

    private static async Task<string> RunAsync(RunningSystem system)
    {
        var plan = new object[]
        {
            new { id = "read", skill = "file_read", @params = new { path = "price.json", @as = "json" } },
            new { id = "say", skill = "echo", @params = new { message = "it is {{steps.read.json.price}}" } },
        };
        var run = await system.CreateRunAsync(new { agent_id = "demo-agent", goal = "what it costs", origin_system_id = "e2e", plan, wait = 60 }, Cancel);
        Assert.Equal("succeeded", Text(run, "status"));
        return Text(run, "run_id")!;
    }

    private static async Task<JsonElement> CliAsync(RunningSystem system, int expected, params string[] words)
    {
        var (exit, output) = await system.CommandLineAsync(Cancel, words);
        Assert.True(exit == expected, $"{string.Join(' ', words)} ended with {exit}: {output}");
        using var document = JsonDocument.Parse(output);
        return document.RootElement.Clone();
    }

    private static string? Text(JsonElement value, string member) => value.GetProperty(member).ToString();
}
