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
          - { id: ask, effect: require_approval, reason: a person decides, when: { skill: echo, params: { message: pay } } }
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
