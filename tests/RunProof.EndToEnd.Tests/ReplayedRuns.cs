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

    [Fact]
    public async Task A_replay_and_a_fork_whose_runner_is_killed_end_as_undisturbed_ones_do()
    {
        await using var gate = await GateServer.StartAsync();
        var database = await postgres.CreateDatabaseAsync();
        await using var system = await RunningSystem.StartAsync(
            database.AdminConnectionString, database.AdminConnectionString, Cancel, ("RunProof__HttpCall__Allow__0", new Uri(gate.Url).Authority));
        var plan = new object[]
        {
            new { id = "first", skill = "echo", @params = new { message = "seven" }, depends_on = Array.Empty<string>() },
            new { id = "keep", skill = "kv_set", @params = new { key = "killed", value = "{{steps.first.message}}" }, depends_on = new[] { "first" } },
            new { id = "ask", skill = "http_call", @params = new { url = gate.Url, timeout_ms = 200_000 }, timeout_ms = 200_000, depends_on = new[] { "first" } },
            new { id = "also", skill = "http_call", @params = new { url = gate.Url, timeout_ms = 200_000 }, timeout_ms = 200_000, depends_on = new[] { "keep" } },
            new { id = "say", skill = "echo", @params = new { message = "{{steps.keep.version}} {{steps.ask.text}} {{steps.also.text}}" }, depends_on = new[] { "ask", "also" } },
        };
        var run = await system.CreateRunAsync(new { agent_id = "demo-agent", goal = "be killed", origin_system_id = "e2e", plan, wait = 60 }, Cancel);
        Assert.True(Text(run, "status") == "succeeded", run.ToString());
        var origin = Text(run, "run_id")!;

        var undisturbed = await CliAsync(system, 0, "run", "replay", origin, "--wait", "--json");
        var replay = await KilledAsync(system, gate, "run", "replay", origin, "--json");
        var report = await CliAsync(system, 0, "run", "replay", replay, "--report", "--json");
        Assert.Equal(Undated(undisturbed), Undated(report));
        Assert.Equal("5", Text(report, "steps_compared"));
        Assert.Equal("VERIFIED", Text(await system.ProveAsync(replay, Cancel), "verification_status"));

        var fork = Text(await CliAsync(system, 0, "run", "fork", origin, "--from-step", "2", "--wait", "--json"), "run_id")!;
        var killed = await KilledAsync(system, gate, "run", "fork", origin, "--from-step", "2", "--json");
        var diff = await CliAsync(system, 0, "run", "diff", fork, killed, "--json");
        Assert.Equal(("3", "3"), (Text(diff, "steps_compared"), Text(diff, "steps_alike")));
        var proof = await system.ProveAsync(killed, Cancel);
        Assert.Equal("VERIFIED", Text(proof, "verification_status"));
        Assert.Contains(proof.GetProperty("checks").EnumerateArray(), check => Text(check, "name") == "ORIGIN" && Text(check, "status") == "passed");

        // What a page says to a person.
        var page = (await system.CommandLineAsync(Cancel, "run", "replay", replay, "--report")).Output;
        foreach (var said in (string[])["equal", "trace_" + replay, "trace_" + origin, "4 executed and compared, 0 executed, 1 taken from the record"])
            Assert.Contains(said, page, StringComparison.Ordinal);
        page = (await system.CommandLineAsync(Cancel, "run", "diff", fork, killed)).Output;
        foreach (var said in (string[])["alike", "3 steps, 3 alike, 0 only in A, 0 only in B", "duration ms", "TIME"])
            Assert.Contains(said, page, StringComparison.Ordinal);

        // The context that names its origin is erased: then nobody can look, and the proof says so.
        await system.QueryAsync("SELECT runproof.erase_payload('dev', $1, NULL, 'context', 'ada', 'asked for')", Cancel, "trace_" + killed);
        proof = await system.ProveAsync(killed, Cancel);
        Assert.Equal("VERIFIED", Text(proof, "verification_status"));
        var check = Assert.Single(proof.GetProperty("checks").EnumerateArray(), each => Text(each, "name") == "ORIGIN");
        Assert.Equal("not_done", Text(check, "status"));
        Assert.Contains("trace_" + origin, Text(check, "detail"), StringComparison.Ordinal);

        await system.TamperAsync($"UPDATE aos_trace_steps SET outcome_data = replace(outcome_data, 'seven', 'eight') WHERE trace_id = 'trace_{replay}'", Cancel);
        Assert.Equal("FAILED", Text(await system.ProveAsync(replay, Cancel), "verification_status"));
        Assert.Equal("not_verified", Text(await CliAsync(system, 10, "run", "replay", replay, "--report", "--json"), "status"));
    }

    // Both branches are at the gate when the runner dies; the next one makes both calls again.
    private static async Task<string> KilledAsync(RunningSystem system, GateServer gate, params string[] words)
    {
        gate.Close();
        var came = gate.Came;
        var id = Text(await CliAsync(system, 0, words), "run_id")!;
        await gate.UntilAsync(came + 2, Cancel);
        await system.KillRunnerAsync();
        gate.Open();
        await system.StartRunnerAsync(Cancel);
        var ended = await system.GetRunAsync(id, 120, Cancel);
        Assert.True(Text(ended, "status") == "succeeded", ended.ToString());
        var resumed = await system.QueryAsync("SELECT count(*) FROM aos_trace_steps WHERE trace_id = 'trace_' || $1 AND context::json ->> 'resumed' = 'true'", Cancel, id);
        Assert.Equal(2L, Assert.Single(resumed)[0]);
        return id;
    }

    // A report without what is another every time: whose it is, when, and in which order branches ended.
    private static string Undated(JsonElement report)
    {
        var undated = System.Text.Json.Nodes.JsonNode.Parse(report.GetRawText())!.AsObject();
        foreach (var name in (string[])["varied", "steps_reordered"])
            undated.Remove(name);
        foreach (var name in (string[])["run_id", "trace_id", "root_hash", "started_at", "completed_at", "duration_ms"])
            undated["replay"]!.AsObject().Remove(name);
        return undated.ToJsonString();
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
