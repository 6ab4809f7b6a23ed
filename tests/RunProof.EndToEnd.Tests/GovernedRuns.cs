using System.Text.Json;
using RunProof.Testing;

namespace RunProof.EndToEnd.Tests;

/// <summary>Policies as an operator sets them, and what they leave in evidence: each effect in a proof that is VERIFIED, in a bundle, and FAILED once somebody changes it.</summary>
public sealed class GovernedRuns(PostgresFixture postgres)
{
    private const string Policy =
        """
        policy: house
        version: "1"
        description: One rule of each effect.
        default: deny
        rules:
          - { id: skills, effect: allow, when: { skill: [echo, http_call, wait, json_transform] } }
          - { id: words, effect: deny, reason: not that word, on_block: continue, when: { skill: echo, params: { message: bad } } }
          - { id: ask, effect: require_approval, reason: a person decides, approval: { valid_for_seconds: 1 }, when: { skill: echo, params: { message: pay } } }
          - { id: few, effect: limit, reason: at most two, limit: { calls: 2 }, when: { skill: echo, params: { message: { glob: "few*" } } } }
          - { id: hide, effect: redact, redact: [params.message, outcome.message], when: { skill: echo, params: { message: { glob: "xyzzy*" } } } }
        """;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Every_effect_is_found_again_in_a_verified_proof_and_in_the_bundle_and_a_changed_decision_fails()
    {
        var database = await postgres.CreateDatabaseAsync();
        await using var system = await RunningSystem.StartAsync(database.AdminConnectionString, database.AdminConnectionString, Cancel);
        var folder = Directory.CreateTempSubdirectory("governed-");
        try
        {
            await ApplyAsync(system, folder.FullName);
            (string Words, string[] Decisions, string Status, string Rule)[] cases =
            [
                ("good", ["allowed"], "succeeded", "skills"),
                ("bad good", ["denied", "allowed"], "succeeded", "words"),
                ("pay good", ["approval_required"], "failed", "ask"),
                ("few1 few2 few3", ["limited", "limited", "denied"], "failed", "few"),
                ("xyzzy", ["redacted"], "succeeded", "hide"),
            ];
            foreach (var (words, decisions, status, rule) in cases)
                await RunAsync(system, folder.FullName, words.Split(' '), decisions, status, rule);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    // A key of the runner's scope is refused; a governor's is not.
    private static async Task ApplyAsync(RunningSystem system, string folder)
    {
        var file = Path.Combine(folder, "house.yaml");
        await File.WriteAllTextAsync(file, Policy, Cancel);
        var (asRunner, _) = await system.CommandLineAsync(Cancel, "policy", "apply", file);
        var (made, output) = await system.CommandLineAsync(Cancel, "keys", "create", "--tenant", "dev", "--name", "governor", "--scope", "governor", "--json");
        Assert.True(made == 0, output);
        using var key = JsonDocument.Parse(output);
        var secret = key.RootElement.GetProperty("api_key").GetString()!;
        var (applied, said) = await system.CommandLineAsync(Cancel, "policy", "apply", file, "--api-key", secret);
        Assert.Equal((3, 0), (asRunner, applied));
        Assert.Contains("active", said, StringComparison.Ordinal);
        var (listed, list) = await system.CommandLineAsync(Cancel, "policy", "list");
        Assert.True(listed == 0 && list.Contains("house", StringComparison.Ordinal), list);
        await File.WriteAllTextAsync(file, Policy.Replace("effect: deny", "effect: forbid", StringComparison.Ordinal), Cancel);
        var (wrong, why) = await system.CommandLineAsync(Cancel, "policy", "check", file);
        Assert.Equal(2, wrong);
        Assert.Contains("line 7", why, StringComparison.Ordinal);
        await Task.Delay(TimeSpan.FromSeconds(2), Cancel);
    }

    private static async Task RunAsync(RunningSystem system, string folder, string[] words, string[] decisions, string status, string rule)
    {
        var plan = words.Select(word => new { skill = "echo", @params = new { message = word } });
        var run = await system.CreateRunAsync(new { agent_id = "demo-agent", goal = "governed", origin_system_id = "e2e", plan, wait = 60 }, Cancel);
        var id = run.GetProperty("run_id").GetString()!;
        Assert.Equal(status, run.GetProperty("status").GetString());

        var proof = await system.ProveAsync(id, Cancel);
        Assert.Equal("VERIFIED", proof.GetProperty("verification_status").GetString());
        var contexts = (await system.QueryAsync("SELECT context FROM aos_trace_steps WHERE trace_id = $1 ORDER BY step_index", Cancel, "trace_" + id)).Select(row => (string)row[0]!).ToList();
        Assert.Equal(decisions, contexts.Select(context => PolicyOf(context).GetProperty("decision").GetString()));
        Assert.Contains(contexts, context => PolicyOf(context).GetProperty("rule").GetString() == rule);
        var shown = proof.GetProperty("aos_trace_steps").GetRawText();
        Assert.All(decisions, decision => Assert.Contains(decision, shown, StringComparison.Ordinal));

        var bundle = Path.Combine(folder, id + ".json");
        var (exported, output) = await system.CommandLineAsync(Cancel, "run", "export", id, "--output", bundle);
        Assert.True(exported == 0, output);
        var text = await File.ReadAllTextAsync(bundle, Cancel);
        Assert.DoesNotContain("xyzzy", text, StringComparison.Ordinal);
        using var document = JsonDocument.Parse(text);
        var revealed = document.RootElement.GetProperty("payloads").EnumerateObject().Select(payload => payload.Value.GetProperty("text").GetString());
        Assert.All(contexts, context => Assert.Contains(context, revealed));

        await system.TamperAsync($"UPDATE aos_trace_steps SET context = replace(context, '\"decision\":\"{decisions[0]}\"', '\"decision\":\"other\"') WHERE trace_id = 'trace_{id}' AND step_index = 0", Cancel);
        proof = await system.ProveAsync(id, Cancel);
        Assert.Equal("FAILED", proof.GetProperty("verification_status").GetString());
        Assert.Contains("step 0: context", proof.GetProperty("failure_reason").GetString(), StringComparison.Ordinal);
    }

    private static JsonElement PolicyOf(string context)
    {
        using var document = JsonDocument.Parse(context);
        return document.RootElement.GetProperty("policy").Clone();
    }
}
