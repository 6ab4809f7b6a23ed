using System.Text.Json;
using RunProof.Testing;

namespace RunProof.EndToEnd.Tests;

/// <summary>A person approves, as an operator's command line does it, of a run whose runner was killed meanwhile; who approved what is in the proof and in the bundle.</summary>
public sealed class ApprovedRuns(PostgresFixture postgres)
{
    private const string Policy =
        """
        policy: ask
        version: "1"
        default: allow
        rules:
          - { id: ask, effect: require_approval, reason: a person decides, when: { skill: echo, params: { message: { glob: "pay*" } } } }
          - { id: soon, effect: require_approval, reason: at once, approval: { valid_for_seconds: 1 }, when: { skill: echo, params: { message: soon } } }
        """;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_run_waits_over_the_death_of_its_runner_and_its_proof_says_who_approved_what()
    {
        var database = await postgres.CreateDatabaseAsync();
        await using var system = await RunningSystem.StartAsync(database.AdminConnectionString, database.AdminConnectionString, Cancel);
        var folder = Directory.CreateTempSubdirectory("approved-");
        try
        {
            var file = Path.Combine(folder.FullName, "ask.yaml");
            await File.WriteAllTextAsync(file, Policy, Cancel);
            var (applied, why) = await system.CommandLineAsync(Cancel, "policy", "apply", file, "--api-key", await KeyAsync(system, "ops", "governor"));
            Assert.True(applied == 0, why);
            var ada = await KeyAsync(system, "ada", "approver");
            await Task.Delay(TimeSpan.FromSeconds(2), Cancel);

            var approved = await WaitingAsync(system);
            var rejected = await WaitingAsync(system);
            await system.KillRunnerAsync();
            await system.StartRunnerAsync(Cancel);

            await DecideAsync(system, approved, ada, "approve");
            Assert.Equal("succeeded", (await system.GetRunAsync(approved, 60, Cancel)).GetProperty("status").GetString());
            await ProveAsync(system, folder.FullName, approved, "approved", "approved");

            await DecideAsync(system, rejected, ada, "reject");
            var ended = await system.GetRunAsync(rejected, 60, Cancel);
            Assert.Equal(("failed", "approval_rejected"), (ended.GetProperty("status").GetString(), ended.GetProperty("error").GetProperty("code").GetString()));
            await ProveAsync(system, folder.FullName, rejected, "approval_required", "rejected");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    [Fact]
    public async Task What_became_of_each_approval_is_proven_and_whoever_changes_it_is_found()
    {
        var database = await postgres.CreateDatabaseAsync();
        await using var system = await RunningSystem.StartAsync(database.AdminConnectionString, database.AdminConnectionString, Cancel);
        var folder = Directory.CreateTempSubdirectory("approvals-");
        try
        {
            var ada = await KeyAsync(system, "ada", "approver");
            var (applied, _) = await system.SendAsync(
                HttpMethod.Put, $"{system.RunnerUrl}/api/v1/policies/ask", await KeyAsync(system, "ops", "governor"), Rules, Cancel);
            Assert.Equal(201, applied);

            var expired = await CreateAsync(system, new { skill = "echo", @params = new { message = "soon" } });
            await UntilEndedAsync(system, expired, "approval_expired");
            await HeldAsync(system, folder.FullName, expired, "expired", "UPDATE runproof.approvals SET status = 'withdrawn'", "status", "APPROVAL_EXPIRED MEDIUM");

            var rejected = await CreateAsync(system, new { skill = "echo", @params = new { message = "pay" } });
            await AnswerAsync(system, rejected, ada, "reject");
            await UntilEndedAsync(system, rejected, "approval_rejected");
            await HeldAsync(system, folder.FullName, rejected, "rejected", "UPDATE runproof.approvals SET status = 'approved'", "status", "APPROVAL_REJECTED LOW");

            // While people are asked of "pay", somebody changes the plan in the database: what they approved is not what would be executed.
            var changed = await CreateAsync(system, new { skill = "echo", @params = new { message = "pay" } });
            await UntilWaitingAsync(system, changed);
            await system.TamperAsync(
                $"ALTER TABLE runs DISABLE TRIGGER USER; UPDATE runs SET plan_json = replace(plan_json, '\"pay\"', '\"pay more\"') WHERE id = '{changed}'; ALTER TABLE runs ENABLE TRIGGER USER", Cancel);
            await AnswerAsync(system, changed, ada, "approve");
            await UntilEndedAsync(system, changed, "approval_mismatch");
            await HeldAsync(system, folder.FullName, changed, "mismatch", "UPDATE runproof.approvals SET status = 'rejected'", "status", "APPROVAL_MISMATCH HIGH");

            var asks = await CreateAsync(system, new { skill = "approval", @params = new { message = "May I?" } });
            await AnswerAsync(system, asks, ada, "approve");
            await UntilEndedAsync(system, asks, null);
            await HeldAsync(system, folder.FullName, asks, "approved", "UPDATE runproof.approvals SET valid_until = valid_until + interval '1 year'", "valid_until", null);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static readonly object Rules = new
    {
        policy = "ask",
        version = "1",
        @default = "allow",
        rules = new object[]
        {
            new { id = "ask", effect = "require_approval", reason = "a person decides", when = new { skill = "echo", @params = new { message = new { glob = "pay*" } } } },
            new { id = "soon", effect = "require_approval", reason = "at once", approval = new { valid_for_seconds = 1 }, when = new { skill = "echo", @params = new { message = "soon" } } },
        },
    };

    private static async Task<string> CreateAsync(RunningSystem system, object step)
    {
        object[] plan = [step, new { skill = "echo", @params = new { message = "done" } }];
        return (await system.CreateRunAsync(new { agent_id = "demo-agent", goal = "held", origin_system_id = "e2e", plan }, Cancel)).GetProperty("run_id").GetString()!;
    }

    private static async Task UntilWaitingAsync(RunningSystem system, string run)
    {
        for (var i = 0; (await system.GetRunAsync(run, 0, Cancel)).GetProperty("status").GetString() != "waiting"; i++)
        {
            Assert.True(i < 1200, "it never waits");
            await Task.Delay(50, Cancel);
        }
    }

    private static async Task UntilEndedAsync(RunningSystem system, string run, string? code)
    {
        var ended = await system.GetRunAsync(run, 90, Cancel);
        Assert.True(ended.GetProperty("status").GetString() == (code is null ? "succeeded" : "failed"), ended.ToString());
        if (code is not null)
            Assert.Equal(code, ended.GetProperty("error").GetProperty("code").GetString());
    }

    private static async Task AnswerAsync(RunningSystem system, string run, string approver, string decision)
    {
        await UntilWaitingAsync(system, run);
        var (_, page) = await system.SendAsync(HttpMethod.Get, $"{system.RunnerUrl}/api/v1/approvals?run_id={run}", null, null, Cancel);
        var asked = Assert.Single(page.GetProperty("items").EnumerateArray());
        var (status, answer) = await system.SendAsync(
            HttpMethod.Post, $"{system.RunnerUrl}/api/v1/approvals/{asked.GetProperty("id").GetString()}/{decision}", approver,
            new { action_digest = asked.GetProperty("action_digest").GetString(), shown_digest = asked.GetProperty("shown_digest").GetString(), reason = "as agreed" }, Cancel);
        Assert.True(status == 200, answer.ToString());
    }

    // Verified, in the bundle, and found where it is changed: in the table first, then in the chain.
    private static async Task HeldAsync(RunningSystem system, string folder, string run, string said, string change, string column, string? incident)
    {
        var proof = await system.ProveAsync(run, Cancel);
        Assert.True(proof.GetProperty("verification_status").GetString() == "VERIFIED", proof.ToString());
        Assert.Equal(("passed", "1 approval is kept as the steps say"), CheckOf(proof));
        Assert.Equal("complete", proof.GetProperty("side_records").GetProperty("status").GetString());
        var context = (string)(await system.QueryAsync("SELECT context FROM aos_trace_steps WHERE trace_id = $1 AND step_index = 0", Cancel, "trace_" + run))[0][0]!;
        using var evidence = JsonDocument.Parse(context);
        Assert.Equal(said, evidence.RootElement.GetProperty("approval").GetProperty("status").GetString());
        if (incident is not null)
            Assert.Equal(incident, (await system.QueryAsync("SELECT trigger_type || ' ' || severity FROM incidents WHERE source_run_id = $1", Cancel, run))[0][0]);
        var bundle = await ExportAsync(system, folder, run, context);

        await system.TamperAsync($"CREATE TABLE saved AS TABLE runproof.approvals; {Off} {change} WHERE run_id = '{run}'; {On}", Cancel);
        proof = await system.ProveAsync(run, Cancel);
        Assert.Equal(("FAILED", "APPROVAL_DIFFERS"), (proof.GetProperty("verification_status").GetString(), proof.GetProperty("failure_code").GetString()));
        Assert.EndsWith($"].{column}", proof.GetProperty("findings")[0].GetProperty("place").GetString(), StringComparison.Ordinal);
        Assert.NotEqual(0, (await system.CommandLineAsync(Cancel, "run", "export", run, "--output", bundle + ".not")).ExitCode);
        await system.TamperAsync($"{Off} UPDATE runproof.approvals a SET ({Columns}) = (SELECT {Columns} FROM saved s WHERE s.approval_id = a.approval_id); {On} DROP TABLE saved", Cancel);
        Assert.Equal("VERIFIED", (await system.ProveAsync(run, Cancel)).GetProperty("verification_status").GetString());

        await system.TamperAsync($"UPDATE aos_trace_steps SET context = replace(context, '\"status\":\"{said}\"', '\"status\":\"x\"') WHERE trace_id = 'trace_{run}' AND step_index = 0", Cancel);
        proof = await system.ProveAsync(run, Cancel);
        Assert.Equal(("FAILED", "step 0: context does not match its commitment"), (proof.GetProperty("verification_status").GetString(), proof.GetProperty("failure_reason").GetString()));
    }

    private const string Off = "ALTER TABLE runproof.approvals DISABLE TRIGGER USER;";
    private const string On = "ALTER TABLE runproof.approvals ENABLE TRIGGER USER;";
    private const string Columns = "status, valid_until";

    // The bundle has the steps' word; what is kept beside them is not in it, and that is said.
    private static async Task<string> ExportAsync(RunningSystem system, string folder, string run, string context)
    {
        var bundle = Path.Combine(folder, run + ".json");
        var (exported, output) = await system.CommandLineAsync(Cancel, "run", "export", run, "--output", bundle);
        Assert.True(exported == 0, output);
        using var document = JsonDocument.Parse(await File.ReadAllTextAsync(bundle, Cancel));
        Assert.Contains(context, document.RootElement.GetProperty("payloads").EnumerateObject().Select(payload => payload.Value.GetProperty("text").GetString()));
        var (verified, report) = await system.CommandLineAsync(Cancel, "verify", bundle, "--key", await system.VerifierKeyAsync(Cancel), "--json");
        Assert.True(verified == 0, report);
        using var said = JsonDocument.Parse(report);
        Assert.Equal(("not_done", "1 step names an approval: what is kept of them was not at hand"), CheckOf(said.RootElement));
        return bundle;
    }

    private static (string?, string?) CheckOf(JsonElement report)
    {
        var check = report.GetProperty("checks").EnumerateArray().Single(each => each.GetProperty("name").GetString() == "APPROVALS");
        return (check.GetProperty("status").GetString(), check.GetProperty("detail").GetString());
    }

    private static async Task<string> WaitingAsync(RunningSystem system)
    {
        object[] plan = [new { skill = "echo", @params = new { message = "pay" } }, new { skill = "echo", @params = new { message = "done" } }];
        var run = (await system.CreateRunAsync(new { agent_id = "demo-agent", goal = "approved", origin_system_id = "e2e", plan }, Cancel)).GetProperty("run_id").GetString()!;
        for (var i = 0; (await system.GetRunAsync(run, 0, Cancel)).GetProperty("status").GetString() != "waiting"; i++)
        {
            Assert.True(i < 600, "it never waits");
            await Task.Delay(50, Cancel);
        }

        return run;
    }

    private static async Task DecideAsync(RunningSystem system, string run, string approver, string decision)
    {
        var (listed, list) = await system.CommandLineAsync(Cancel, "approval", "list", "--status", "pending", "--run", run, "--json");
        Assert.True(listed == 0, list);
        using var page = JsonDocument.Parse(list);
        var approval = Assert.Single(page.RootElement.GetProperty("items").EnumerateArray());
        var (id, digest) = (approval.GetProperty("id").GetString()!, approval.GetProperty("action_digest").GetString()!);
        var (shown, text) = await system.CommandLineAsync(Cancel, "approval", "show", id);
        Assert.True(shown == 0 && text.Contains(digest, StringComparison.Ordinal) && text.Contains("\"message\": \"pay\"", StringComparison.Ordinal), text);

        Assert.Equal(2, (await system.CommandLineAsync(Cancel, "approval", decision, id, "--api-key", approver)).ExitCode);
        Assert.Equal(1, (await system.CommandLineAsync(Cancel, "approval", decision, id, "--digest", new string('0', 64), "--api-key", approver)).ExitCode);
        Assert.Equal(3, (await system.CommandLineAsync(Cancel, "approval", decision, id, "--digest", digest)).ExitCode);
        var (decided, output) = await system.CommandLineAsync(Cancel, "approval", decision, id, "--digest", digest, "--reason", "as agreed", "--api-key", approver);
        Assert.True(decided == 0, output);
    }

    private static async Task ProveAsync(RunningSystem system, string folder, string run, string decision, string status)
    {
        var proof = await system.ProveAsync(run, Cancel);
        Assert.Equal("VERIFIED", proof.GetProperty("verification_status").GetString());
        var context = (string)(await system.QueryAsync("SELECT context FROM aos_trace_steps WHERE trace_id = $1 AND step_index = 0", Cancel, "trace_" + run))[0][0]!;
        using var evidence = JsonDocument.Parse(context);
        var approval = evidence.RootElement.GetProperty("approval");
        Assert.Equal(decision, evidence.RootElement.GetProperty("policy").GetProperty("decision").GetString());
        Assert.Equal(("ada", "as agreed", status), (approval.GetProperty("by").GetString(), approval.GetProperty("reason").GetString(), approval.GetProperty("status").GetString()));

        var bundle = Path.Combine(folder, run + ".json");
        var (exported, output) = await system.CommandLineAsync(Cancel, "run", "export", run, "--output", bundle);
        Assert.True(exported == 0, output);
        using var document = JsonDocument.Parse(await File.ReadAllTextAsync(bundle, Cancel));
        Assert.Contains(context, document.RootElement.GetProperty("payloads").EnumerateObject().Select(payload => payload.Value.GetProperty("text").GetString()));

        await system.TamperAsync($"UPDATE aos_trace_steps SET context = replace(context, '\"by\":\"ada\"', '\"by\":\"eve\"') WHERE trace_id = 'trace_{run}' AND step_index = 0", Cancel);
        proof = await system.ProveAsync(run, Cancel);
        Assert.Equal("FAILED", proof.GetProperty("verification_status").GetString());
        Assert.Contains("step 0: context", proof.GetProperty("failure_reason").GetString(), StringComparison.Ordinal);
    }

    private static async Task<string> KeyAsync(RunningSystem system, string name, string scope)
    {
        var (made, output) = await system.CommandLineAsync(Cancel, "keys", "create", "--tenant", "dev", "--name", name, "--scope", scope, "--json");
        Assert.True(made == 0, output);
        using var key = JsonDocument.Parse(output);
        return key.RootElement.GetProperty("api_key").GetString()!;
    }
}
