using System.Text;
using System.Text.Json;
using RunProof.Testing;

namespace RunProof.EndToEnd.Tests;

/// <summary>Runs under a person's hand, over the real command line: cancelled, paused, resumed, tried again, watched, scheduled; and the proof of what came of it.</summary>
public sealed class ControlledRuns(SystemFixture fixture) : IClassFixture<SystemFixture>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private RunningSystem System => fixture.System;

    [Fact]
    public async Task A_run_is_cancelled_and_its_sealed_evidence_says_who_and_why()
    {
        var id = await CreateAsync(Wait(60_000), Echo("never"));
        await UntilAsync("SELECT 1 FROM runproof.trace_heads WHERE trace_id = 'trace_' || $1", id);

        var cancelled = await JsonAsync(0, "run", "cancel", id, "--reason", "changed my mind");
        var (watched, output) = await System.CommandLineAsync(Cancel, "run", "watch", id);
        var (again, _) = await System.CommandLineAsync(Cancel, "run", "cancel", id);
        var (paused, refusal) = await System.CommandLineAsync(Cancel, "run", "pause", id);
        var (nothing, _) = await System.CommandLineAsync(Cancel, "run", "cancel", "no-such-run");

        Assert.Equal(id, cancelled.GetProperty("run_id").GetString());
        Assert.Equal((1, 0, 1, 4), (watched, again, paused, nothing));
        Assert.Contains("cancelled", output, StringComparison.Ordinal);
        Assert.Contains("ended", refusal, StringComparison.Ordinal);
        var row = Assert.Single(await System.QueryAsync("SELECT status, metadata::json ->> 'cancel_reason', metadata::json ->> 'cancelled_by' FROM aos_traces WHERE run_id = $1", Cancel, id));
        Assert.Equal(("aborted", "changed my mind"), ((string)row[0]!, (string)row[1]!));
        Assert.StartsWith("key_", (string)row[2]!, StringComparison.Ordinal);
        Assert.Equal("VERIFIED", Verdict(await System.ProveAsync(id, Cancel)));
        await System.TamperAsync($"UPDATE aos_traces SET metadata = replace(metadata, 'changed my mind', 'was told to') WHERE run_id = '{id}'", Cancel);
        Assert.Equal("FAILED", Verdict(await System.ProveAsync(id, Cancel)));
    }

    [Fact]
    public async Task A_run_is_paused_and_resumed_and_watched_to_its_end()
    {
        var id = await CreateAsync(Wait(10_000), Echo("after"));
        await UntilAsync("SELECT 1 FROM runproof.trace_heads WHERE trace_id = 'trace_' || $1", id);

        await JsonAsync(0, "run", "pause", id);
        await UntilAsync("SELECT 1 FROM runs WHERE id = $1 AND status = 'paused'", id);
        var resumed = await JsonAsync(0, "run", "resume", id);
        var (exit, output) = await System.CommandLineAsync(Cancel, "run", "watch", id, "--json");
        var (refused, _) = await System.CommandLineAsync(Cancel, "run", "resume", id);

        Assert.NotEqual("paused", resumed.GetProperty("status").GetString());
        Assert.Equal((0, 1), (exit, refused));
        var events = output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonElement.Parse(line)).ToList();
        Assert.Equal([0, 1], events.Where(one => one.GetProperty("event").GetString() == "step").Select(one => one.GetProperty("data").GetProperty("index").GetInt32()));
        Assert.Equal("end", events[^1].GetProperty("event").GetString());
        Assert.Equal(("VERIFIED", 1), (Verdict(await System.ProveAsync(id, Cancel)), (await System.GetRunAsync(id, 0, Cancel)).GetProperty("attempts").GetInt32()));
    }

    [Fact]
    public async Task A_run_of_two_attempts_is_proved_whole_and_a_change_in_either_is_found_online_and_offline()
    {
        // 1. It fails, and is tried again by hand: two traces.
        var missing = new { id = "page", skill = "http_call", @params = new { method = "GET", url = System.RunnerUrl + "/demo/no-such-page" } };
        var id = await CreateAsync(Echo("first words"), missing);
        Assert.Equal("failed", (await System.GetRunAsync(id, 60, Cancel)).GetProperty("status").GetString());
        await JsonAsync(0, "run", "retry", id);
        var (watched, output) = await System.CommandLineAsync(Cancel, "run", "watch", id);
        Assert.Equal(1, watched);
        Assert.Contains($"trace_{id} sealed failed", output, StringComparison.Ordinal);
        Assert.Contains($"trace_{id}.2 sealed failed", output, StringComparison.Ordinal);

        // 2. The proof has both, and each root is what a stranger computes.
        var proof = await System.ProveAsync(id, Cancel);
        Assert.Equal(("VERIFIED", 2, 4), (Verdict(proof), proof.GetProperty("trace_count").GetInt32(), proof.GetProperty("step_count").GetInt32()));
        var traces = proof.GetProperty("aos_traces").EnumerateArray().Select(one => one.GetProperty("trace_id").GetString()!).ToList();
        Assert.Equal([$"trace_{id}", $"trace_{id}.2"], traces);
        var run = await System.GetRunAsync(id, 0, Cancel);
        Assert.Equal((2, 4), (run.GetProperty("trace_count").GetInt32(), run.GetProperty("step_count").GetInt32()));
        foreach (var trace in traces)
        {
            var recorded = (byte[])Assert.Single(await System.QueryAsync("SELECT root_hash FROM aos_traces WHERE trace_id = $1", Cancel, trace))[0]!;
            Assert.Equal((await IndependentProof.RecomputeAsync(System.Owner, id, Cancel, trace)).Root, Convert.ToHexStringLower(recorded));
        }

        // 3. Each is exported, verified by a stranger with the log's key alone, and refused once a word of it is changed. A statement is on the last.
        var folder = Directory.CreateTempSubdirectory("attempts-");
        try
        {
            var key = await System.VerifierKeyAsync(Cancel);
            foreach (var trace in traces)
                await ExportAsync(id, trace, key, Path.Combine(folder.FullName, trace + ".json"));
            var statement = Path.Combine(folder.FullName, "statement.json");
            await JsonAsync(0, "run", "export", id, "--format", "in-toto", "--output", statement);
            var payload = Encoding.UTF8.GetString(Convert.FromBase64String(JsonElement.Parse(await File.ReadAllTextAsync(statement, Cancel)).GetProperty("payload").GetString()!));
            Assert.Contains($"trace_{id}.2", payload, StringComparison.Ordinal);
            Assert.Equal(0, (await System.CommandLineAsync(Cancel, "verify", statement, "--key", key)).ExitCode);
        }
        finally
        {
            folder.Delete(recursive: true);
        }

        // 4. Whichever attempt is changed, the run's proof fails and says where.
        foreach (var trace in traces)
        {
            await System.TamperAsync($"UPDATE aos_trace_steps SET outcome_data = replace(outcome_data, 'first', 'other') WHERE trace_id = '{trace}'", Cancel);
            var (exit, told) = await System.CommandLineAsync(Cancel, "run", "prove", id);
            Assert.Equal(10, exit);
            Assert.Contains("outcome_data", told, StringComparison.Ordinal);
            await System.TamperAsync($"UPDATE aos_trace_steps SET outcome_data = replace(outcome_data, 'other', 'first') WHERE trace_id = '{trace}'", Cancel);
            Assert.Equal(0, (await System.CommandLineAsync(Cancel, "run", "prove", id)).ExitCode);
        }
    }

    [Fact]
    public async Task A_schedule_is_set_shown_triggered_and_removed_and_its_run_s_proof_names_it()
    {
        var file = Path.GetTempFileName();
        try
        {
            await File.WriteAllTextAsync(file, """{"agent_id":"demo-agent","goal":"every night","origin_system_id":"e2e","plan":[{"skill":"echo","params":{"message":"night"}}]}""", Cancel);
            var set = await JsonAsync(0, "schedule", "set", "nightly", "--cron", "30 2 * * *", "--time-zone", "Europe/Berlin", "--request", file, "--catch-up", "last");
            Assert.Equal(5, set.GetProperty("upcoming").GetArrayLength());
            Assert.Equal("nightly", Assert.Single((await JsonAsync(0, "schedule", "list")).GetProperty("items").EnumerateArray()).GetProperty("name").GetString());
            var triggered = (await JsonAsync(0, "schedule", "trigger", "nightly")).GetProperty("run_id").GetString()!;
            Assert.Equal("succeeded", (await System.GetRunAsync(triggered, 60, Cancel)).GetProperty("status").GetString());

            // The clock's own time, as if it were there now.
            await System.QueryAsync("UPDATE runproof.schedules SET next_due = now() - interval '25 hours', look_at = now() RETURNING 1", Cancel);
            var id = (string)await UntilAsync("SELECT last_run_id FROM runproof.schedules WHERE name = $1 AND fired = 1", "nightly");
            Assert.Equal("succeeded", (await System.GetRunAsync(id, 60, Cancel)).GetProperty("status").GetString());
            Assert.Equal([id, triggered], (await JsonAsync(0, "schedule", "show", "nightly")).GetProperty("runs").EnumerateArray().Select(one => one.GetProperty("run_id").GetString()).OrderBy(one => one == triggered));

            Assert.Equal("VERIFIED", Verdict(await System.ProveAsync(id, Cancel)));
            await System.TamperAsync($"UPDATE aos_traces SET context = replace(context, '\"name\":\"nightly\"', '\"name\":\"nobody\"') WHERE run_id = '{id}'", Cancel);
            var proof = await System.ProveAsync(id, Cancel);
            Assert.Equal("FAILED", Verdict(proof));
            Assert.Contains("context", proof.GetProperty("failure_reason").GetString(), StringComparison.Ordinal);

            await JsonAsync(0, "schedule", "remove", "nightly");
            Assert.Equal(4, (await System.CommandLineAsync(Cancel, "schedule", "show", "nightly")).ExitCode);
            Assert.Equal(2, (await System.CommandLineAsync(Cancel, "schedule", "set", "nightly", "--cron", "every night", "--request", file)).ExitCode);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private async Task ExportAsync(string id, string trace, string key, string file)
    {
        await JsonAsync(0, "run", "export", id, "--trace", trace, "--output", file);
        Assert.Equal(0, (await System.CommandLineAsync(Cancel, "verify", file, "--key", key)).ExitCode);
        var text = await File.ReadAllTextAsync(file, Cancel);
        Assert.Contains("first words", text, StringComparison.Ordinal);
        await File.WriteAllTextAsync(file, text.Replace("first words", "other words", StringComparison.Ordinal), Cancel);
        Assert.Equal(10, (await System.CommandLineAsync(Cancel, "verify", file, "--key", key)).ExitCode);
    }

    private async Task<string> CreateAsync(params object[] plan)
    {
        var run = await System.CreateRunAsync(new { agent_id = "demo-agent", goal = "under control", origin_system_id = "e2e", plan }, Cancel);
        return run.GetProperty("run_id").GetString()!;
    }

    private async Task<JsonElement> JsonAsync(int exit, params string[] arguments)
    {
        var (code, output) = await System.CommandLineAsync(Cancel, [.. arguments, "--json"]);
        Assert.True(code == exit, $"{string.Join(' ', arguments)}: {code} {output}");
        return JsonElement.Parse(output);
    }

    private async Task<object> UntilAsync(string sql, string id)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        limit.CancelAfter(TimeSpan.FromSeconds(90));
        while (true)
        {
            if (await System.QueryAsync(sql, limit.Token, id) is [var row, ..])
                return row[0]!;
            await Task.Delay(100, limit.Token);
        }
    }

    private static object Wait(int ms) => new { skill = "wait", @params = new { ms }, timeout_ms = 300_000 };

    private static object Echo(string message) => new { skill = "echo", @params = new { message } };

    private static string? Verdict(JsonElement proof) => proof.GetProperty("verification_status").GetString();
}
