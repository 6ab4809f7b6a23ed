using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using RunProof.Testing;

[assembly: AssemblyFixture(typeof(PostgresFixture))]

namespace RunProof.EndToEnd.Tests;

/// <summary>One set of processes for all the tests of this class.</summary>
public sealed class SystemFixture(PostgresFixture postgres) : IAsyncLifetime
{
    internal RunningSystem System { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        var database = await postgres.CreateDatabaseAsync();
        System = await RunningSystem.StartAsync(database.AdminConnectionString, database.AdminConnectionString, TestContext.Current.CancellationToken);
    }

    public ValueTask DisposeAsync() => System.DisposeAsync();
}

/// <summary>The path of the issue, over HTTP, with processes: an agent's goal becomes a plan, its skills run, the trace is sealed, the verifier compares.</summary>
public sealed class ProvenRun(SystemFixture fixture) : IClassFixture<SystemFixture>
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private RunningSystem System => fixture.System;

    [Fact]
    public async Task A_run_with_a_real_http_call_is_recorded_sealed_and_verified()
    {
        var run = await System.CreateRunAsync(Request(), Cancel);
        var id = run.GetProperty("run_id").GetString()!;
        Assert.Equal("succeeded", run.GetProperty("status").GetString());

        var trace = Assert.Single(await System.QueryAsync("SELECT trace_id, run_id, status, started_at, completed_at FROM aos_traces WHERE run_id = $1", Cancel, id));
        Assert.Equal(("trace_" + id, "completed"), ((string)trace[0]!, (string)trace[2]!));
        var step = Assert.Single(await System.QueryAsync(
            "SELECT step_index, skill_name, status, duration_ms, cost_cents, source, level FROM aos_trace_steps WHERE trace_id = $1", Cancel, trace[0]!));
        Assert.Equal([0, "http_call", "succeeded", "engine", "INFO"], new[] { step[0], step[1], step[2], step[5], step[6] });

        var proof = await System.ProveAsync(id, Cancel);
        Assert.Equal("VERIFIED", proof.GetProperty("verification_status").GetString());
        Assert.Equal("HASH_CHAIN", proof.GetProperty("integrity_model").GetString());
        Assert.Equal((1, 1, 1), (Int(proof, "chain_length"), Int(proof, "trace_count"), Int(proof, "step_count")));
        Assert.Equal(JsonValueKind.Null, proof.GetProperty("failure_reason").ValueKind);
        Assert.Contains("Responsive is better than fast.", proof.GetProperty("aos_trace_steps").GetRawText(), StringComparison.Ordinal);
        Assert.Equal(
            Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(id + "0:http_call:success"))), proof.GetProperty("aos_fingerprint").GetString());
    }

    [Fact]
    public async Task The_root_hash_is_what_a_stranger_computes_from_the_visible_columns()
    {
        var run = await System.CreateRunAsync(Request(Plan(Echo("one \"quoted\" word"), Echo("two"), Echo("three"))), Cancel);
        var id = run.GetProperty("run_id").GetString()!;

        var (root, link) = await IndependentProof.RecomputeAsync(System.Owner, id, Cancel);

        var proof = await System.ProveAsync(id, Cancel);
        Assert.Equal(root, proof.GetProperty("root_hash").GetString());
        var recorded = (byte[])Assert.Single(await System.QueryAsync("SELECT link FROM aos_traces WHERE run_id = $1", Cancel, id))[0]!;
        Assert.Equal(link, Convert.ToHexStringLower(recorded));
    }

    [Fact]
    public async Task A_skill_that_fails_is_a_failed_step_and_a_failed_run_whose_evidence_still_holds()
    {
        var missing = new { skill = "http_call", @params = new { method = "GET", url = System.RunnerUrl + "/demo/no-such-page" } };
        var run = await System.CreateRunAsync(Request(Plan(missing, Echo("never reached"))), Cancel);
        var id = run.GetProperty("run_id").GetString()!;

        Assert.Equal("failed", run.GetProperty("status").GetString());
        var rows = await System.QueryAsync(
            "SELECT s.status, s.level, s.outcome_code, t.status FROM aos_trace_steps s JOIN aos_traces t USING (tenant_id, trace_id) WHERE t.run_id = $1", Cancel, id);
        Assert.Equal(["failed", "ERROR", "http_404", "failed"], Assert.Single(rows));
        Assert.Equal("VERIFIED", (await System.ProveAsync(id, Cancel)).GetProperty("verification_status").GetString());
    }

    [Fact]
    public async Task A_later_step_takes_the_outcome_of_an_earlier_one()
    {
        var zen = new { id = "zen", skill = "http_call", @params = new { method = "GET", url = System.RunnerUrl + "/demo/zen" } };
        var run = await System.CreateRunAsync(Request(Plan(zen, Echo("said: {{steps.zen.status_code}}"))), Cancel);
        var id = run.GetProperty("run_id").GetString()!;

        Assert.Equal("succeeded", run.GetProperty("status").GetString());
        var outcome = (string)Assert.Single(await System.QueryAsync(
            "SELECT outcome_data FROM aos_trace_steps WHERE trace_id = $1 AND step_index = 1", Cancel, "trace_" + id))[0]!;
        Assert.Contains("said: 200", outcome, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_secret_in_a_plan_is_in_no_table_and_the_proof_still_holds()
    {
        var secret = new { skill = "echo", @params = new { message = "token ghp_abcdefghijklmnopqrstuvwxyz0123456789 end" } };
        var run = await System.CreateRunAsync(Request(Plan(secret)), Cancel);
        var id = run.GetProperty("run_id").GetString()!;

        Assert.Equal("succeeded", run.GetProperty("status").GetString());
        var everything = await System.QueryAsync(
            "SELECT r::text FROM runs r WHERE r.id = $1 UNION ALL SELECT t::text FROM aos_traces t WHERE t.run_id = $1 UNION ALL SELECT s::text FROM aos_trace_steps s WHERE s.trace_id = 'trace_' || $1",
            Cancel, id);
        Assert.Equal(3, everything.Count);
        Assert.All(everything, row => Assert.DoesNotContain("ghp_abcdef", (string)row[0]!, StringComparison.Ordinal));
        Assert.Equal("VERIFIED", (await System.ProveAsync(id, Cancel)).GetProperty("verification_status").GetString());
    }

    [Fact]
    public async Task What_the_owner_of_the_database_changes_is_found_and_the_command_line_exits_10()
    {
        var run = await System.CreateRunAsync(Request(), Cancel);
        var id = run.GetProperty("run_id").GetString()!;
        var (before, _) = await System.CommandLineAsync(Cancel, "run", "prove", id);

        await System.TamperAsync($"UPDATE aos_trace_steps SET outcome_data = replace(outcome_data, 'fast', 'slow') WHERE trace_id = 'trace_{id}'", Cancel);

        var proof = await System.ProveAsync(id, Cancel);
        Assert.Equal("FAILED", proof.GetProperty("verification_status").GetString());
        Assert.Contains("step 0: outcome_data", proof.GetProperty("failure_reason").GetString(), StringComparison.Ordinal);
        var (after, output) = await System.CommandLineAsync(Cancel, "run", "prove", id);
        Assert.Equal((0, 10), (before, after));
        Assert.Contains("outcome_data", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_command_line_tells_apart_not_found_and_not_authorised()
    {
        var (missing, _) = await System.CommandLineAsync(Cancel, "run", "prove", "no-such-run");
        var (refused, _) = await System.CommandLineAsync(Cancel, "run", "prove", "no-such-run", "--api-key", "rpk_BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB");
        Assert.Equal((4, 3), (missing, refused));
    }

    [Fact]
    public async Task Another_tenant_cannot_tell_that_the_run_exists()
    {
        var run = await System.CreateRunAsync(Request(), Cancel);
        var id = run.GetProperty("run_id").GetString()!;
        var (exit, output) = await System.CommandLineAsync(Cancel, "keys", "create", "--tenant", "other", "--name", "e2e", "--json");
        Assert.True(exit == 0, output);
        using var key = JsonDocument.Parse(output);
        var secret = key.RootElement.GetProperty("api_key").GetString();

        Assert.Equal(HttpStatusCode.NotFound, await System.StatusAsync($"{System.VerifierUrl}/api/v1/runs/{id}/proof", secret, Cancel));
        Assert.Equal(HttpStatusCode.NotFound, await System.StatusAsync($"{System.RunnerUrl}/api/v1/runs/{id}", secret, Cancel));
        Assert.Equal(HttpStatusCode.Unauthorized, await System.StatusAsync($"{System.VerifierUrl}/api/v1/runs/{id}/proof", null, Cancel));
    }

    [Fact]
    public async Task Validate_proves_a_run_of_its_own_and_writes_its_report()
    {
        var report = Path.Combine(Path.GetTempPath(), $"runproof-report-{Guid.NewGuid():N}.md");
        try
        {
            var (exit, output) = await System.CommandLineAsync(Cancel, "validate", "--report", report);
            var text = await File.ReadAllTextAsync(report, Cancel);
            Assert.True(exit == 0, output + "\n" + text);
            Assert.Contains("VERDICT PASS", output, StringComparison.Ordinal);
            Assert.Contains("VERIFIED", text, StringComparison.Ordinal);
            Assert.DoesNotContain("warning:", output, StringComparison.Ordinal);
            foreach (var word in (string[])["run blocked at step 1: budget_exceeded", "zen-1", "demo-1"])
                Assert.Contains(word, text, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(report);
        }
    }

    private static object Request(object[]? plan = null) =>
        new { agent_id = "demo-agent", goal = "end to end", origin_system_id = "e2e", plan, wait = 60 };

    private static object[] Plan(params object[] steps) => steps;

    private static object Echo(string message) => new { skill = "echo", @params = new { message } };

    private static int Int(JsonElement json, string name) => json.GetProperty(name).GetInt32();
}
