using System.Net;
using System.Text.Json;

namespace RunProof.Runner.Tests;

/// <summary>Budgets and kill switches over HTTP. Each test has a tenant of its own.</summary>
public sealed class RestraintApiTests(RunnerFixture fixture)
{
    private static int _tenants;

    private const string Tokens = """{"scope":"tenant","period":"day","tokens":100}""";

    [Fact]
    public async Task A_budget_is_set_changed_told_of_and_retired()
    {
        var tenant = await TenantAsync();
        var made = await tenant.Governor.SendAsync(HttpMethod.Put, "/api/v1/budgets/team", """{"scope":"tenant","period":"day","zone":"Europe/Zurich","cost_cents":"12.50","tokens":100}""");
        Assert.Equal((HttpStatusCode.Created, "1", "active", "12.5", "100", "Europe/Zurich", "halt"), (made.Status, made["version"], made["status"], made["cost_cents"], made["tokens"], made["zone"], made["on_exceeded"]));
        Assert.Equal(HttpStatusCode.OK, (await tenant.Governor.SendAsync(HttpMethod.Put, "/api/v1/budgets/team", """{"scope":"tenant","period":"day","zone":"Europe/Zurich","cost_cents":12.5,"tokens":100,"runs":null}""")).Status);
        var changed = await tenant.Governor.SendAsync(HttpMethod.Put, "/api/v1/budgets/team", """{"scope":"tenant","period":"day","zone":"Europe/Zurich","runs":7,"on_exceeded":"continue"}""");
        Assert.Equal((HttpStatusCode.Created, "2", null, "7"), (changed.Status, changed["version"], changed["cost_cents"], changed["runs"]));
        (await tenant.Governor.SendAsync(HttpMethod.Put, "/api/v1/budgets/team", Tokens)).IsProblem(409, "/problems/budget-of-other-kind");
        var shown = await tenant.Auditor.GetAsync("/api/v1/budgets/team");
        Assert.Equal(["2:active", "1:retired"], shown.Body.GetProperty("versions").EnumerateArray().Select(version => $"{version.GetProperty("version")}:{version.GetProperty("status")}"));
        Assert.Equal(2, (await tenant.Runner.GetAsync("/api/v1/budgets")).Body.GetProperty("items").GetArrayLength());
        Assert.Equal(0, (await tenant.Auditor.GetAsync("/api/v1/budgets/team/usage?limit=5")).Body.GetProperty("items").GetArrayLength());
        Assert.Equal(HttpStatusCode.OK, (await tenant.Governor.SendAsync(HttpMethod.Delete, "/api/v1/budgets/team")).Status);
        (await tenant.Governor.SendAsync(HttpMethod.Delete, "/api/v1/budgets/team")).IsProblem(404, "/problems/not-found");
        (await tenant.Auditor.GetAsync("/api/v1/budgets/none/usage")).IsProblem(404, "/problems/not-found");
        (await fixture.Other.GetAsync("/api/v1/budgets/team")).IsProblem(404, "/problems/not-found");
    }

    [Fact]
    public async Task A_budget_that_is_none_is_refused_with_all_that_is_wrong()
    {
        var tenant = await TenantAsync();
        Task<Answer> PutAsync(string body, string id = "b") => tenant.Governor.SendAsync(HttpMethod.Put, $"/api/v1/budgets/{id}", body);
        (await PutAsync("{}")).IsProblem(400, "/problems/invalid-request").Names("scope").Names("period");
        (await PutAsync("""{"scope":"tenant","period":"week","tokens":-1,"cost_cents":"1e3","zone":"Mars","limit":3,"agent_id":"a b","on_exceeded":"stop"}""", "UPPER")).IsProblem(400, "/problems/invalid-request")
            .Names("id").Names("period", "run, day, month, total").Names("tokens").Names("cost_cents").Names("zone").Names("limit").Names("agent_id").Names("on_exceeded");
        (await PutAsync("""{"scope":"run","runs":3,"duration_ms":5}""")).IsProblem(400, "/problems/invalid-request").Names("runs");
        (await PutAsync("""{"scope":"run","period":"day","steps":3}""")).IsProblem(400, "/problems/invalid-request").Names("period");
        (await PutAsync("""{"scope":"tenant","period":"day","duration_ms":3,"agent_id":"x"}""")).IsProblem(400, "/problems/invalid-request").Names("duration_ms").Names("agent_id");
        (await PutAsync("""{"scope":"tenant","period":"day"}""")).IsProblem(400, "/problems/invalid-request").Names("cost_cents", "is missing");
        (await PutAsync("""{"scope":"agent","period":"day","agent_id":"nobody","steps":3}""")).IsProblem(404, "/problems/unknown-agent");
        (await PutAsync(Tokens, "run")).IsProblem(400, "/problems/invalid-request").Names("id");
        (await tenant.Runner.SendAsync(HttpMethod.Put, "/api/v1/budgets/b", Tokens)).IsProblem(403, "/problems/forbidden");
        (await fixture.Anonymous.SendAsync(HttpMethod.Put, "/api/v1/budgets/b", Tokens)).IsProblem(401, "/problems/unauthorized");
        (await tenant.Auditor.GetAsync("/api/v1/budgets/b/usage?limit=0&x=1")).IsProblem(400, "/problems/invalid-request").Names("limit").Names("x");

        var agent = await tenant.Runner.CreateAgentAsync();
        (await tenant.Runner.PostAsync("/api/v1/runs", ApiClient.Run(agent, "[]", ""","budget":{"runs":1,"tokens":1.5}"""))).IsProblem(400, "/problems/invalid-request").Names("budget.runs").Names("budget.tokens");
        (await tenant.Runner.PostAsync("/api/v1/runs", ApiClient.Run(agent, "[]", ""","budget":{}"""))).IsProblem(400, "/problems/invalid-request").Names("budget");
    }

    [Fact]
    public async Task A_runs_budget_counts_over_its_attempts_and_is_in_the_run_and_the_header()
    {
        var tenant = await TenantAsync();
        var agent = await tenant.Runner.CreateAgentAsync();
        const string Plan = """[{"skill":"echo","params":{"message":"a"}},{"skill":"fail","params":{}}]""";
        var run = await tenant.Runner.PostAsync("/api/v1/runs", ApiClient.Run(agent, Plan, ""","budget":{"steps":3,"cost_cents":2.50},"wait":60"""));
        Assert.Equal(("failed", "2.5", "3"), (run["status"], run.Body.GetProperty("budget").GetProperty("cost_cents").GetString(), run.Body.GetProperty("budget").GetProperty("steps").ToString()));
        Assert.Equal(HttpStatusCode.OK, (await tenant.Runner.PostAsync($"/api/v1/runs/{run["run_id"]}/retry", "")).Status);
        var again = await tenant.Runner.GetAsync($"/api/v1/runs/{run["run_id"]}?wait=60");
        Assert.Equal(("failed", "budget_exceeded"), (again["status"], again.Body.GetProperty("error").GetProperty("code").GetString()));
        Assert.Equal(["succeeded", "blocked"], ((string[])(await fixture.ScalarAsync("SELECT array_agg(status ORDER BY step_index) FROM aos_trace_steps WHERE trace_id = $1", again["trace_id"]!))!));
        Assert.Contains("\"budget\":{\"cost_cents\":\"2.5\",\"steps\":3}", (string)(await fixture.ScalarAsync("SELECT context FROM aos_traces WHERE trace_id = $1", again["trace_id"]!))!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_beyond_a_budget_may_be_left_to_a_person()
    {
        var tenant = await TenantAsync();
        var approver = fixture.Client(await fixture.CreateKeyAsync(tenant.Name, "approver", name: "ada"));
        await tenant.Governor.SendAsync(HttpMethod.Put, "/api/v1/budgets/two", """{"scope":"tenant","period":"total","steps":1,"on_exceeded":"require_approval"}""");
        var run = await tenant.Runner.PostAsync(
            "/api/v1/runs", ApiClient.Run(await tenant.Runner.CreateAgentAsync(), """[{"skill":"echo","params":{"message":"a"}},{"skill":"echo","params":{"message":"b"}}]"""));
        while ((await tenant.Runner.GetAsync($"/api/v1/runs/{run["run_id"]}"))["status"] != "waiting")
            await Task.Delay(50, TestContext.Current.CancellationToken);
        var asked = (await tenant.Runner.GetAsync($"/api/v1/approvals?run_id={run["run_id"]}")).Body.GetProperty("items")[0];
        Assert.Equal("budget:two", asked.GetProperty("policy").GetString());
        var approved = await approver.PostAsync($"/api/v1/approvals/{asked.GetProperty("id").GetString()}/approve", $$"""{"action_digest":"{{asked.GetProperty("action_digest").GetString()}}"}""");
        Assert.Equal(HttpStatusCode.OK, approved.Status);
        Assert.Equal("succeeded", (await tenant.Runner.GetAsync($"/api/v1/runs/{run["run_id"]}?wait=60"))["status"]);
        Assert.Equal("approved budget:two the budget of the tenant (total) is used up: steps 1 of 1", await fixture.ScalarAsync(
            "SELECT (context::json #>> '{policy,decision}') || ' ' || (context::json #>> '{policy,policy}') || ' ' || (context::json #>> '{policy,reason}') FROM aos_trace_steps WHERE trace_id = $1 AND step_index = 1", run["trace_id"]!));
    }

    [Fact]
    public async Task A_kill_switch_is_put_on_told_of_and_released_and_refuses_runs_meanwhile()
    {
        var tenant = await TenantAsync();
        var (agent, other) = (await tenant.Runner.CreateAgentAsync(), await tenant.Runner.CreateAgentAsync());
        var on = await tenant.Governor.PostAsync("/api/v1/kill-switch", $$"""{"scope":"agent","agent_id":"{{agent}}","reason":"pays 4111 1111 1111 1111"}""");
        Assert.Equal((HttpStatusCode.Created, "1", "True", "agent", agent), (on.Status, on["number"], on["active"], on["scope"], on["agent_id"]));
        Assert.DoesNotContain("4111", on["reason"], StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.OK, (await tenant.Governor.PostAsync("/api/v1/kill-switch", $$"""{"scope":"agent","agent_id":"{{agent}}","reason":"again"}""")).Status);
        const string Plan = """[{"skill":"echo","params":{"message":"a"}}]""";
        var refused = (await tenant.Runner.PostAsync("/api/v1/runs", ApiClient.Run(agent, Plan))).IsProblem(409, "/problems/killed");
        Assert.Contains("is stopped by key_", refused["detail"], StringComparison.Ordinal);
        Assert.Equal("succeeded", (await tenant.Runner.PostAsync("/api/v1/runs", ApiClient.Run(other, Plan, ",\"wait\":60")))["status"]);
        await tenant.Governor.PostAsync("/api/v1/kill-switch", """{"scope":"skill","skill":"say","reason":"it talks"}""");
        (await tenant.Runner.PostAsync("/api/v1/runs", ApiClient.Run(other, """[{"skill":"say","params":{"text":"a"}}]"""))).IsProblem(409, "/problems/killed");
        Assert.Equal(2, (await tenant.Auditor.GetAsync("/api/v1/kill-switch")).Body.GetProperty("items").GetArrayLength());
        var off = await tenant.Governor.SendAsync(HttpMethod.Delete, $"/api/v1/kill-switch?scope=agent&agent_id={agent}");
        Assert.Equal((HttpStatusCode.OK, "False"), (off.Status, off["active"]));
        (await tenant.Governor.SendAsync(HttpMethod.Delete, $"/api/v1/kill-switch?scope=agent&agent_id={agent}")).IsProblem(404, "/problems/not-found");
        Assert.Equal("succeeded", (await tenant.Runner.PostAsync("/api/v1/runs", ApiClient.Run(agent, Plan, ",\"wait\":60")))["status"]);
    }

    [Fact]
    public async Task A_step_under_way_is_ended_by_the_switch_and_one_that_may_end_is_the_runs_last()
    {
        var tenant = await TenantAsync();
        var agent = await tenant.Runner.CreateAgentAsync();
        const string Plan = """[{"skill":"hold","timeout_ms":600000},{"skill":"echo","params":{"message":"a"}}]""";
        foreach (var (graceful, statuses) in new[] { ("false", new[] { "interrupted" }), ("true", ["succeeded", "blocked"]) })
        {
            var run = await tenant.Runner.PostAsync("/api/v1/runs", ApiClient.Run(agent, Plan));
            while (!fixture.Held.ContainsKey(run["run_id"]!))
                await Task.Delay(20, TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.Created, (await tenant.Governor.PostAsync("/api/v1/kill-switch", $$"""{"scope":"tenant","reason":"stop","graceful":{{graceful}}}""")).Status);
            if (graceful == "true")
            {
                // In force after two seconds: a runner decides by nothing older.
                await Task.Delay(2_100, TestContext.Current.CancellationToken);
                fixture.ReleaseOf(run["run_id"]!).SetResult();
            }

            var ended = await tenant.Runner.GetAsync($"/api/v1/runs/{run["run_id"]}?wait=60");
            Assert.Equal(("aborted", "kill_switch"), (ended["status"], ended.Body.GetProperty("error").GetProperty("code").GetString()));
            Assert.Equal(statuses, (string[])(await fixture.ScalarAsync("SELECT array_agg(status ORDER BY step_index) FROM aos_trace_steps WHERE trace_id = $1", ended["trace_id"]!))!);
            Assert.Equal(HttpStatusCode.OK, (await tenant.Governor.SendAsync(HttpMethod.Delete, "/api/v1/kill-switch?scope=tenant")).Status);
        }
    }

    [Fact]
    public async Task A_switch_that_is_none_is_refused_and_who_is_governed_turns_none()
    {
        var tenant = await TenantAsync();
        Task<Answer> PostAsync(string body) => tenant.Governor.PostAsync("/api/v1/kill-switch", body);
        (await PostAsync("{}")).IsProblem(400, "/problems/invalid-request").Names("scope").Names("reason");
        (await PostAsync("""{"scope":"all","reason":"x"}""")).IsProblem(400, "/problems/invalid-request").Names("scope", "runproof kill on --all");
        (await PostAsync("""{"scope":"agent","skill":"echo","reason":" ","x":1}""")).IsProblem(400, "/problems/invalid-request").Names("agent_id").Names("skill").Names("reason").Names("x");
        (await PostAsync("""{"scope":"agent","agent_id":"nobody","reason":"x"}""")).IsProblem(404, "/problems/unknown-agent");
        (await tenant.Governor.SendAsync(HttpMethod.Delete, "/api/v1/kill-switch")).IsProblem(400, "/problems/invalid-request").Names("scope");
        (await tenant.Runner.PostAsync("/api/v1/kill-switch", """{"scope":"tenant","reason":"x"}""")).IsProblem(403, "/problems/forbidden");
        (await tenant.Auditor.SendAsync(HttpMethod.Delete, "/api/v1/kill-switch?scope=tenant")).IsProblem(403, "/problems/forbidden");
        (await fixture.Anonymous.GetAsync("/api/v1/kill-switch")).IsProblem(401, "/problems/unauthorized");
    }

    private async Task<(string Name, ApiClient Runner, ApiClient Governor, ApiClient Auditor)> TenantAsync()
    {
        var tenant = $"restrained-{Interlocked.Increment(ref _tenants)}";
        return (tenant, fixture.Client(await fixture.CreateKeyAsync(tenant, "runner")), fixture.Client(await fixture.CreateKeyAsync(tenant, "governor")), fixture.Client(await fixture.CreateKeyAsync(tenant, "auditor")));
    }
}
