using System.Net;
using System.Text.Json;

namespace RunProof.Runner.Tests;

/// <summary>Policies over HTTP, and what they do to runs. Each test has a tenant of its own: policies are a tenant's.</summary>
public sealed class PolicyApiTests(RunnerFixture fixture)
{
    private static int _tenants;

    private const string NoEcho = "policy: guard\nversion: '1'\ndefault: allow\nrules:\n  - id: no-echo\n    when: { skill: echo, params: { message: bad } }\n    effect: deny\n    reason: not that word\n";

    [Fact]
    public async Task A_policy_is_put_in_force_once_and_its_versions_never_change()
    {
        var tenant = await TenantAsync();
        var made = await PutAsync(tenant.Governor, "guard", NoEcho);
        Assert.Equal((HttpStatusCode.Created, "active", "1", NoEcho), (made.Status, made["status"], made["version"], made["document"]));
        Assert.Equal(64, made["digest"]!.Length);
        Assert.Equal(HttpStatusCode.OK, (await PutAsync(tenant.Governor, "guard", NoEcho + "# a comment")).Status);
        (await PutAsync(tenant.Governor, "guard", NoEcho.Replace("bad", "worse", StringComparison.Ordinal))).IsProblem(409, "/problems/version-taken");
        var second = await PutAsync(tenant.Governor, "guard", NoEcho.Replace("'1'", "'2'", StringComparison.Ordinal));
        Assert.Equal(HttpStatusCode.Created, second.Status);
        var all = await tenant.Runner.GetAsync("/api/v1/policies/guard");
        Assert.Equal(["2:active", "1:retired"], all.Body.GetProperty("versions").EnumerateArray().Select(version => $"{version.GetProperty("version")}:{version.GetProperty("status")}"));
        Assert.Equal(2, (await tenant.Auditor.GetAsync("/api/v1/policies")).Body.GetProperty("items").GetArrayLength());
        var retired = await tenant.Governor.PostAsync("/api/v1/policies/guard/retire", "{}");
        Assert.All(retired.Body.GetProperty("versions").EnumerateArray(), version => Assert.Equal("retired", version.GetProperty("status").GetString()));
        (await tenant.Governor.PostAsync("/api/v1/policies/guard/retire", "{}")).IsProblem(404, "/problems/not-found");
    }

    [Fact]
    public async Task Who_is_governed_does_not_govern()
    {
        var tenant = await TenantAsync();
        (await PutAsync(tenant.Runner, "guard", NoEcho)).IsProblem(403, "/problems/forbidden");
        (await PutAsync(tenant.Auditor, "guard", NoEcho)).IsProblem(403, "/problems/forbidden");
        (await PutAsync(fixture.Anonymous, "guard", NoEcho)).IsProblem(401, "/problems/unauthorized");
        (await tenant.Runner.PostAsync("/api/v1/policies/guard/retire", "{}")).IsProblem(403, "/problems/forbidden");
        (await tenant.Governor.PostAsync("/api/v1/runs", "{}")).IsProblem(403, "/problems/forbidden");
        await PutAsync(tenant.Governor, "guard", NoEcho);
        (await fixture.Other.GetAsync("/api/v1/policies/guard")).IsProblem(404, "/problems/not-found");
    }

    [Fact]
    public async Task A_document_that_is_no_policy_is_refused_with_lines_and_places()
    {
        var tenant = await TenantAsync();
        (await PutAsync(tenant.Governor, "guard", "policy: guard\nversion: '1'\nrules: []")).IsProblem(400, "/problems/invalid-policy").Names("default", "line 1: is missing");
        (await PutAsync(tenant.Governor, "guard", "policy: [")).IsProblem(400, "/problems/invalid-policy").Names("document", "not YAML");
        (await PutAsync(tenant.Governor, "other", NoEcho)).IsProblem(400, "/problems/invalid-request").Names("name");
        (await tenant.Governor.SendAsync(HttpMethod.Put, "/api/v1/policies/guard", NoEcho, "application/octet-stream")).IsProblem(415, "/problems/unsupported-media-type");
        var json = await tenant.Governor.SendAsync(HttpMethod.Put, "/api/v1/policies/j", """{"policy":"j","version":"1","default":"deny","rules":[]}""");
        Assert.Equal(HttpStatusCode.Created, json.Status);
        Assert.Equal("object", (await fixture.Anonymous.GetAsync("/api/v1/policy-schema")).Body.GetProperty("type").GetString());
    }

    [Fact]
    public async Task A_plan_is_checked_without_a_run_also_by_a_policy_that_is_not_in_force()
    {
        var tenant = await TenantAsync();
        await PutAsync(tenant.Governor, "guard", NoEcho);
        const string Plan = """[{"skill":"echo","params":{"message":"good"}},{"id":"b","skill":"echo","params":{"message":"bad"}}]""";
        var check = await tenant.Auditor.PostAsync("/api/v1/policies/check", $$"""{"plan":{{Plan}}}""");
        var steps = check.Body.GetProperty("steps").EnumerateArray().ToList();
        Assert.Equal([true, false], steps.Select(step => step.GetProperty("may_execute").GetBoolean()));
        Assert.Equal("not that word", steps[1].GetProperty("decision").GetProperty("reason").GetString());
        Assert.Equal("b", steps[1].GetProperty("plan_step").GetString());

        var other = "policy: guard\nversion: '9'\ndefault: allow\nrules: [{id: one, effect: limit, limit: {calls: 1, timeout_ms: 5}}, {id: r, effect: redact, redact: [params.message]}]";
        var tried = await tenant.Auditor.PostAsync("/api/v1/policies/check", JsonSerializer.Serialize(new { plan = JsonDocument.Parse(Plan).RootElement, document = other, agent_id = "x" }));
        steps = [.. tried.Body.GetProperty("steps").EnumerateArray()];
        Assert.Equal(["limited", "denied"], steps.Select(step => step.GetProperty("decision").GetProperty("decision").GetString()));
        Assert.Equal("params.message", steps[0].GetProperty("redactions")[0].GetString());
        (await tenant.Auditor.PostAsync("/api/v1/policies/check", """{"plan":[{"skill":"none"}]}""")).IsProblem(400, "/problems/invalid-plan");
        (await tenant.Auditor.PostAsync("/api/v1/policies/check", """{"plan":[],"document":"x","bogus":1}""")).IsProblem(400, "/problems/invalid-request").Names("bogus");
    }

    [Fact]
    public async Task A_denied_step_blocks_the_run_and_the_decision_is_in_its_context()
    {
        var tenant = await TenantAsync();
        var digest = (await PutAsync(tenant.Governor, "guard", NoEcho))["digest"];
        var run = await RunAsync(tenant, """[{"skill":"echo","params":{"message":"good"}},{"skill":"echo","params":{"message":"bad"}},{"skill":"echo","params":{"message":"late"}}]""");
        Assert.Equal(("failed", "policy_denied"), (run["status"], run.Body.GetProperty("error").GetProperty("code").GetString()));
        Assert.Equal(2L, await fixture.ScalarAsync("SELECT count(*) FROM aos_trace_steps WHERE trace_id = $1", run["trace_id"]!));
        var context = (string)(await fixture.ScalarAsync("SELECT context FROM aos_trace_steps WHERE trace_id = $1 AND status = 'blocked'", run["trace_id"]!))!;
        Assert.Contains($$"""
            "policy":{"decision":"denied","digest":"{{digest}}","policy":"guard","reason":"not that word","rule":"no-echo","version":"1"}
            """.Trim(), context, StringComparison.Ordinal);
        var header = (string)(await fixture.ScalarAsync("SELECT context FROM aos_traces WHERE trace_id = $1", run["trace_id"]!))!;
        Assert.Contains($$"""
            "policies":{"guard":"{{digest}}"}
            """.Trim(), header, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_a_policy_redacts_is_in_no_table_and_was_executed_all_the_same()
    {
        var tenant = await TenantAsync();
        await PutAsync(tenant.Governor, "hide", "policy: hide\nversion: '1'\ndefault: allow\nrules: [{id: words, effect: redact, redact: [params.message, outcome.message], when: {skill: echo}}]");
        var run = await RunAsync(tenant, """[{"id":"a","skill":"echo","params":{"message":"xyzzy-plugh"}},{"skill":"json_transform","params":{"input":{"m":"{{steps.a.message}}"},"path":"m"}}]""");
        var everything = (string)(await fixture.ScalarAsync(
            "SELECT (SELECT r::text FROM runs r WHERE r.id = $1) || (SELECT t::text FROM aos_traces t WHERE t.run_id = $1) || (SELECT s::text FROM aos_trace_steps s WHERE s.trace_id = 'trace_' || $1 AND s.step_index = 0)", run["run_id"]!))!;
        Assert.DoesNotContain("xyzzy", everything, StringComparison.Ordinal);
        Assert.Contains("policy:hide/words", everything, StringComparison.Ordinal);
    }

    private static Task<Answer> PutAsync(ApiClient client, string name, string document) =>
        client.SendAsync(HttpMethod.Put, $"/api/v1/policies/{name}", document, "application/yaml");

    private static async Task<Answer> RunAsync((ApiClient Runner, ApiClient Governor, ApiClient Auditor) tenant, string plan)
    {
        var agent = await tenant.Runner.CreateAgentAsync();
        return await tenant.Runner.PostAsync("/api/v1/runs", $$"""{"agent_id":"{{agent}}","goal":"g","origin_system_id":"tests","plan":{{plan}},"wait":60}""");
    }

    private async Task<(ApiClient Runner, ApiClient Governor, ApiClient Auditor)> TenantAsync()
    {
        var tenant = $"governed-{Interlocked.Increment(ref _tenants)}";
        return (fixture.Client(await fixture.CreateKeyAsync(tenant, "runner")), fixture.Client(await fixture.CreateKeyAsync(tenant, "governor")), fixture.Client(await fixture.CreateKeyAsync(tenant, "auditor")));
    }
}
