using System.Net;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace RunProof.Runner.Tests;

/// <summary>Approvals over HTTP: runs that wait for people, and what people decide. Each test has a tenant of its own: policies are a tenant's.</summary>
public sealed class ApprovalApiTests(RunnerFixture fixture)
{
    private static int _tenants;

    private const string Ask = "{ id: ask, effect: require_approval, reason: a person decides, when: { skill: say, params: { text: pay } } }";
    private const string Pay = """[{"id":"first","skill":"say","params":{"text":"hello"}},{"id":"buy","skill":"say","params":{"text":"pay"}},{"id":"last","skill":"say","params":{"text":"bye"}}]""";

    [Fact]
    public async Task A_run_waits_until_a_person_approves_and_its_evidence_says_who_approved_what()
    {
        var house = await HouseAsync(Ask);
        var (run, approval) = await AskedAsync(house, Pay);

        Assert.Equal("waiting", (await house.Runner.GetAsync($"/api/v1/runs/{run}"))["status"]);
        Assert.Null(await fixture.ScalarAsync("SELECT worker FROM runs WHERE id = $1 AND worker IS NOT NULL", run));
        Assert.Equal(("pending", "buy", "guard", "ask"), (approval["status"], approval["plan_step"], approval["policy"], approval["rule"]));
        var action = approval.Body.GetProperty("action");
        Assert.Equal(("pay", approval["action_digest"], "a person decides"), (
            action.GetProperty("params").GetProperty("text").GetString(), action.GetProperty("action_digest").GetString(),
            action.GetProperty("policy").GetProperty("reason").GetString()));
        Assert.Equal(approval["shown_digest"], Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes("runproof/v1/approval\n" + approval["shown"]))));

        var approved = await DecideAsync(house.Ada, approval, "approve", ",\"reason\":\"in the budget\"");
        var ended = await house.Runner.GetAsync($"/api/v1/runs/{run}?wait=60");

        Assert.Equal((HttpStatusCode.OK, "approved"), (approved.Status, approved["status"]));
        Assert.Equal(("succeeded", "1"), (ended["status"], ended["attempts"]));
        Assert.Equal("allowed, approved, allowed", await fixture.ScalarAsync(
            "SELECT string_agg(context::json #>> '{policy,decision}', ', ' ORDER BY step_index) FROM aos_trace_steps WHERE trace_id = 'trace_' || $1", run));
        using var evidence = JsonDocument.Parse((string)(await fixture.ScalarAsync("SELECT context::json ->> 'approval' FROM aos_trace_steps WHERE trace_id = 'trace_' || $1 AND step_index = 1", run))!);
        string? Said(string name) => evidence.RootElement.GetProperty(name).GetString();
        Assert.Equal(("ada", "in the budget", "approved", approval["id"]), (Said("by"), Said("reason"), Said("status"), Said("id")));
        Assert.Equal((approval["action_digest"], approval["shown_digest"]), (Said("action_digest"), Said("shown_digest")));
        Assert.NotNull((await house.Runner.GetAsync($"/api/v1/approvals/{approval["id"]}"))["used_at"]);
    }

    [Fact]
    public async Task A_rejected_step_is_blocked_and_the_run_halts_or_goes_on_as_the_rule_says()
    {
        var house = await HouseAsync(Ask);
        var (run, approval) = await AskedAsync(house, Pay);
        Assert.Equal("rejected", (await DecideAsync(house.Ada, approval, "reject", ",\"reason\":\"too dear\""))["status"]);
        var ended = await house.Runner.GetAsync($"/api/v1/runs/{run}?wait=60");
        Assert.Equal(("failed", "approval_rejected"), (ended["status"], ended.Body.GetProperty("error").GetProperty("code").GetString()));
        Assert.Contains("rejected by ada: too dear", ended.Body.GetProperty("error").GetProperty("message").GetString(), StringComparison.Ordinal);
        Assert.Equal("blocked approval_rejected rejected", await fixture.ScalarAsync(
            "SELECT status || ' ' || outcome_code || ' ' || (context::json #>> '{approval,status}') FROM aos_trace_steps WHERE trace_id = 'trace_' || $1 AND step_index = 1", run));

        var lenient = await HouseAsync(Ask.Replace("effect:", "on_block: continue, effect:", StringComparison.Ordinal));
        (run, approval) = await AskedAsync(lenient, Pay);
        await DecideAsync(lenient.Ada, approval, "reject");
        Assert.Equal("succeeded", (await lenient.Runner.GetAsync($"/api/v1/runs/{run}?wait=60"))["status"]);
        Assert.Equal("succeeded blocked succeeded", await fixture.ScalarAsync(
            "SELECT string_agg(status, ' ' ORDER BY step_index) FROM aos_trace_steps WHERE trace_id = 'trace_' || $1", run));
    }

    [Fact]
    public async Task What_nobody_decides_expires_without_anyone_asking()
    {
        var house = await HouseAsync(Ask.Replace("effect:", "approval: { valid_for_seconds: 1 }, effect:", StringComparison.Ordinal));
        var (run, approval) = await AskedAsync(house, Pay);
        var ended = await house.Runner.GetAsync($"/api/v1/runs/{run}?wait=60");
        Assert.Equal(("failed", "approval_expired"), (ended["status"], ended.Body.GetProperty("error").GetProperty("code").GetString()));
        Assert.Equal("expired", (await house.Runner.GetAsync($"/api/v1/approvals/{approval["id"]}"))["status"]);
        (await DecideAsync(house.Ada, approval, "approve")).IsProblem(409, "/problems/approval-ended");
    }

    [Theory]
    [InlineData("UPDATE runproof.approvals SET action_digest = sha256('x') WHERE run_id = $1", "before")]
    [InlineData("UPDATE runproof.approvals SET action_shown = replace(action_shown, 'pay', 'nap') WHERE run_id = $1", "before")]
    [InlineData("UPDATE runs SET plan_json = replace(plan_json, 'pay', 'pay') || ' ' WHERE id = $1", "harmless")]
    [InlineData("UPDATE runproof.approvals SET valid_until = valid_until + interval '1 year' WHERE run_id = $1", "pending")]
    [InlineData("UPDATE runproof.approvals SET action_salt = substr(sha256('x'), 1, 16) WHERE run_id = $1", "pending")]
    public async Task An_action_that_somebody_changed_in_the_database_is_not_executed(string change, string when)
    {
        var house = await HouseAsync(Ask);
        var (run, approval) = await AskedAsync(house, Pay);
        await TamperAsync(change, run);

        if (when == "before")
        {
            (await DecideAsync(house.Ada, approval, "approve")).IsProblem(409, "/problems/action-changed");
            (await house.Runner.PostAsync($"/api/v1/runs/{run}/cancel", "{}")).Status.ToString();
            Assert.Equal("cancelled", (await house.Runner.GetAsync($"/api/v1/runs/{run}?wait=60"))["status"]);
            return;
        }

        Assert.Equal("approved", (await DecideAsync(house.Ada, approval, "approve"))["status"]);
        var ended = await house.Runner.GetAsync($"/api/v1/runs/{run}?wait=60");
        if (when == "harmless")
            Assert.Equal("succeeded", ended["status"]);
        else
            Assert.Equal(("failed", "approval_mismatch"), (ended["status"], ended.Body.GetProperty("error").GetProperty("code").GetString()));
    }

    [Fact]
    public async Task A_plan_that_somebody_changed_while_people_were_asked_is_not_executed()
    {
        var house = await HouseAsync("{ id: ask, effect: require_approval, reason: a person decides, when: { skill: say, params: { text: { glob: \"pay*\" } } } }");
        var (run, approval) = await AskedAsync(house, Pay);
        await TamperAsync("UPDATE runs SET plan_json = replace(plan_json, '\"pay\"', '\"pay more\"') WHERE id = $1", run);
        await DecideAsync(house.Ada, approval, "approve");
        var ended = await house.Runner.GetAsync($"/api/v1/runs/{run}?wait=60");
        Assert.Equal(("failed", "approval_mismatch"), (ended["status"], ended.Body.GetProperty("error").GetProperty("code").GetString()));
        Assert.Equal("mismatch", await fixture.ScalarAsync("SELECT context::json #>> '{approval,status}' FROM aos_trace_steps WHERE trace_id = 'trace_' || $1 AND step_index = 1", run));
    }

    [Fact]
    public async Task A_decision_that_was_written_past_the_service_is_no_decision()
    {
        var house = await HouseAsync(Ask.Replace("effect:", "approval: { approvers: [ada] }, effect:", StringComparison.Ordinal));
        var (run, approval) = await AskedAsync(house, Pay);
        await TamperAsync("""
            WITH d AS (INSERT INTO runproof.approval_decisions (tenant_id, approval_id, number, decision, by_key, by_name, at, action_digest, shown_digest)
              SELECT tenant_id, approval_id, 1, 'approved', 'key_x', 'mallory', now(), action_digest, shown_digest FROM runproof.approvals WHERE run_id = $1 RETURNING 1)
            UPDATE runproof.approvals SET status = 'approved', decided_at = now() WHERE run_id = $1
            """, run);
        await TamperAsync("SELECT runproof.wake_run(tenant_id, id, now()) FROM runs WHERE id = $1", run);
        var ended = await house.Runner.GetAsync($"/api/v1/runs/{run}?wait=60");
        Assert.Equal("approval_mismatch", ended.Body.GetProperty("error").GetProperty("code").GetString());
        Assert.Null(approval["decided_at"]);
    }

    [Fact]
    public async Task Only_an_approver_decides_never_of_what_the_same_person_asked_for_and_only_whom_the_rule_names()
    {
        var house = await HouseAsync(Ask.Replace("effect:", "approval: { approvers: [ada, test] }, effect:", StringComparison.Ordinal));
        var (run, approval) = await AskedAsync(house, Pay);
        (await DecideAsync(house.Runner, approval, "approve")).IsProblem(403, "/problems/forbidden");
        (await DecideAsync(house.Auditor, approval, "approve")).IsProblem(403, "/problems/forbidden");
        (await DecideAsync(fixture.Anonymous, approval, "approve")).IsProblem(401, "/problems/unauthorized");
        (await DecideAsync(house.Bob, approval, "approve")).IsProblem(403, "/problems/forbidden");
        // The run's key bears the name "test" too: the same person.
        var own = await DecideAsync(fixture.Client(await fixture.CreateKeyAsync(house.Tenant, "approver")), approval, "approve");
        Assert.Contains("another person", own.IsProblem(403, "/problems/forbidden")["detail"], StringComparison.Ordinal);
        (await DecideAsync(fixture.Client(await fixture.CreateKeyAsync("elsewhere", "approver", name: "ada")), approval, "approve")).IsProblem(404, "/problems/not-found");
        (await house.Ada.PostAsync("/api/v1/runs", "{}")).IsProblem(403, "/problems/forbidden");
        Assert.Equal("pending", (await house.Runner.GetAsync($"/api/v1/approvals/{approval["id"]}"))["status"]);
        Assert.Equal("approved", (await DecideAsync(house.Ada, approval, "approve"))["status"]);
        Assert.Equal("succeeded", (await house.Runner.GetAsync($"/api/v1/runs/{run}?wait=60"))["status"]);
    }

    [Fact]
    public async Task Two_who_decide_at_once_are_one_decision_and_a_refusal()
    {
        var house = await HouseAsync(Ask);
        for (var i = 0; i < 5; i++)
        {
            var (run, approval) = await AskedAsync(house, Pay);
            var answers = await Task.WhenAll(DecideAsync(house.Ada, approval, "approve"), DecideAsync(house.Bob, approval, "reject"));
            var lost = Assert.Single(answers, answer => answer.Status is HttpStatusCode.Conflict);
            lost.IsProblem(409, "/problems/approval-ended");
            var won = answers[0].Status is HttpStatusCode.OK ? "succeeded" : "failed";
            Assert.Equal(won, (await house.Runner.GetAsync($"/api/v1/runs/{run}?wait=60"))["status"]);
            Assert.Equal(1L, await fixture.ScalarAsync("SELECT count(*) FROM runproof.approval_decisions WHERE approval_id = $1", approval["id"]!));
        }
    }

    [Fact]
    public async Task A_rule_may_want_several_people()
    {
        var house = await HouseAsync(Ask.Replace("effect:", "approval: { count: 2 }, effect:", StringComparison.Ordinal));
        var (run, approval) = await AskedAsync(house, Pay);
        Assert.Equal("pending", (await DecideAsync(house.Ada, approval, "approve"))["status"]);
        Assert.Equal("pending", (await DecideAsync(house.Ada, approval, "approve"))["status"]);
        Assert.Equal("approved", (await DecideAsync(house.Bob, approval, "approve"))["status"]);
        Assert.Equal("approved", (await DecideAsync(house.Bob, approval, "approve"))["status"]);
        Assert.Equal("succeeded", (await house.Runner.GetAsync($"/api/v1/runs/{run}?wait=60"))["status"]);
        Assert.Equal("bob ada", await fixture.ScalarAsync(
            "SELECT (context::json #>> '{approval,by}') || ' ' || (context::json #>> '{approval,others,0,by}') FROM aos_trace_steps WHERE trace_id = 'trace_' || $1 AND step_index = 1", run));
    }

    [Fact]
    public async Task A_run_that_waits_is_cancelled_paused_and_resumed()
    {
        var house = await HouseAsync(Ask);
        var (run, approval) = await AskedAsync(house, Pay);
        Assert.Equal("paused", (await house.Runner.SendAsync(HttpMethod.Post, $"/api/v1/runs/{run}/pause"))["status"]);
        await house.Runner.SendAsync(HttpMethod.Post, $"/api/v1/runs/{run}/resume");
        await UntilAsync(house.Runner, run, "waiting");
        (await house.Runner.SendAsync(HttpMethod.Post, $"/api/v1/runs/{run}/retry")).Status.ToString();
        await house.Runner.PostAsync($"/api/v1/runs/{run}/cancel", """{"reason":"enough"}""");
        Assert.Equal("cancelled", (await house.Runner.GetAsync($"/api/v1/runs/{run}?wait=60"))["status"]);
        Assert.Equal("aborted 1", await fixture.ScalarAsync(
            "SELECT t.status || ' ' || (SELECT count(*) FROM aos_trace_steps s WHERE s.trace_id = t.trace_id) FROM aos_traces t WHERE t.run_id = $1", run));
        Assert.Equal("withdrawn", (await house.Runner.GetAsync($"/api/v1/approvals/{approval["id"]}"))["status"]);
        (await DecideAsync(house.Ada, approval, "approve")).IsProblem(409, "/problems/approval-ended");
    }

    [Fact]
    public async Task A_denial_beats_an_approval_and_a_rejection_outlives_its_rule()
    {
        var house = await HouseAsync(Ask);
        var (denied, first) = await AskedAsync(house, Pay);
        var (rejected, second) = await AskedAsync(house, Pay);
        await house.Runner.SendAsync(HttpMethod.Post, $"/api/v1/runs/{denied}/pause");
        await house.Runner.SendAsync(HttpMethod.Post, $"/api/v1/runs/{rejected}/pause");
        await DecideAsync(house.Ada, first, "approve");
        await DecideAsync(house.Ada, second, "reject");
        await PutAsync(house.Governor, "{ id: never, effect: deny, reason: no more, when: { skill: say, params: { text: pay } } }", "2");
        await house.Runner.SendAsync(HttpMethod.Post, $"/api/v1/runs/{denied}/resume");
        Assert.Equal("policy_denied", (await house.Runner.GetAsync($"/api/v1/runs/{denied}?wait=60")).Body.GetProperty("error").GetProperty("code").GetString());

        await PutAsync(house.Governor, "", "3");
        await house.Runner.SendAsync(HttpMethod.Post, $"/api/v1/runs/{rejected}/resume");
        Assert.Equal("approval_rejected", (await house.Runner.GetAsync($"/api/v1/runs/{rejected}?wait=60")).Body.GetProperty("error").GetProperty("code").GetString());
    }

    [Fact]
    public async Task A_run_whose_plan_only_its_process_knows_waits_there()
    {
        var house = await HouseAsync("{ id: ask, effect: require_approval, reason: a person decides, when: { skill: say } }");
        var agent = await house.Runner.CreateAgentAsync();
        var run = (await house.Runner.PostAsync("/api/v1/runs", ApiClient.Run(agent, """[{"skill":"say","params":{"text":"x","password":"hunter-two-2"}}]""")))["run_id"]!;
        var approval = await PendingAsync(house.Runner, run);
        Assert.DoesNotContain("hunter-two-2", approval.Body.ToString(), StringComparison.Ordinal);
        Assert.Equal("running", (await house.Runner.GetAsync($"/api/v1/runs/{run}"))["status"]);
        await DecideAsync(house.Ada, approval, "approve");
        Assert.Equal("succeeded", (await house.Runner.GetAsync($"/api/v1/runs/{run}?wait=60"))["status"]);
    }

    [Theory]
    [InlineData("approve", "\"fail\"", "succeeded", "True ada")]
    [InlineData("reject", "\"outcome\"", "succeeded", "False ada")]
    [InlineData("reject", "\"fail\"", "failed", null)]
    public async Task A_plan_asks_people_itself(string decision, string onReject, string status, string? said)
    {
        var house = await HouseAsync("");
        var plan = $$$"""[{"id":"ask","skill":"approval","params":{"message":"May I?","on_reject":{{{onReject}}},"approvers":["ada"],"valid_for_seconds":600}},{"skill":"say","params":{"text":"{{steps.ask.approved}} {{steps.ask.by}}"}}]""";
        var (run, approval) = await AskedAsync(house, plan);
        Assert.Equal((null, "approval"), (approval["policy"], approval["skill"]));
        (await DecideAsync(house.Bob, approval, decision)).IsProblem(403, "/problems/forbidden");
        Assert.Equal(HttpStatusCode.OK, (await DecideAsync(house.Ada, approval, decision)).Status);
        var ended = await house.Runner.GetAsync($"/api/v1/runs/{run}?wait=60");
        Assert.Equal(status, ended["status"]);
        if (said is null)
            Assert.Equal("approval_rejected", ended.Body.GetProperty("error").GetProperty("code").GetString());
        else
            Assert.Equal(said, (string?)await fixture.ScalarAsync("SELECT outcome_data::json #>> '{said,text}' FROM aos_trace_steps WHERE trace_id = 'trace_' || $1 AND step_index = 1", run), ignoreCase: true);
    }

    [Fact]
    public async Task Approvals_are_listed_and_what_is_wrong_with_a_question_is_named()
    {
        var house = await HouseAsync(Ask);
        var (one, first) = await AskedAsync(house, Pay);
        var (two, second) = await AskedAsync(house, Pay);
        var page = await house.Auditor.GetAsync("/api/v1/approvals?status=pending&limit=1");
        Assert.Equal(second["id"], page.Body.GetProperty("items")[0].GetProperty("id").GetString());
        var rest = await house.Auditor.GetAsync($"/api/v1/approvals?status=pending&limit=5&cursor={page["next"]}");
        Assert.Equal(first["id"], Assert.Single(rest.Body.GetProperty("items").EnumerateArray()).GetProperty("id").GetString());
        Assert.Equal(second["id"], Assert.Single((await house.Auditor.GetAsync($"/api/v1/approvals?run_id={two}")).Body.GetProperty("items").EnumerateArray()).GetProperty("id").GetString());
        Assert.Empty((await house.Auditor.GetAsync("/api/v1/approvals?status=approved")).Body.GetProperty("items").EnumerateArray());
        (await house.Auditor.GetAsync("/api/v1/approvals?status=maybe")).IsProblem(400, "/problems/invalid-request").Names("status");
        (await house.Auditor.GetAsync("/api/v1/approvals?cursor=x")).IsProblem(400, "/problems/invalid-request").Names("cursor");
        (await house.Auditor.GetAsync("/api/v1/approvals/nothing")).IsProblem(404, "/problems/not-found");
        (await fixture.Other.GetAsync($"/api/v1/approvals/{first["id"]}")).IsProblem(404, "/problems/not-found");
        (await house.Ada.PostAsync($"/api/v1/approvals/{first["id"]}/approve", """{"action_digest":"x"}""")).IsProblem(400, "/problems/invalid-request").Names("action_digest");
        (await house.Ada.PostAsync($"/api/v1/approvals/{first["id"]}/approve", "{}")).IsProblem(400, "/problems/invalid-request").Names("action_digest");
        (await house.Ada.PostAsync($"/api/v1/approvals/{first["id"]}/approve", $$"""{"action_digest":"{{new string('0', 64)}}"}""")).IsProblem(409, "/problems/action-changed");
        (await house.Ada.PostAsync($"/api/v1/approvals/{first["id"]}/approve", $$"""{"action_digest":"{{first["action_digest"]}}","shown_digest":"{{new string('0', 64)}}"}"""))
            .IsProblem(409, "/problems/action-changed");
        foreach (var run in (string[])[one, two])
            await house.Runner.PostAsync($"/api/v1/runs/{run}/cancel", "{}");
    }

    private sealed record House(string Tenant, ApiClient Runner, ApiClient Governor, ApiClient Auditor, ApiClient Ada, ApiClient Bob);

    private async Task<House> HouseAsync(string rules)
    {
        var tenant = $"approving-{Interlocked.Increment(ref _tenants)}";
        var house = new House(
            tenant, fixture.Client(await fixture.CreateKeyAsync(tenant, "runner")), fixture.Client(await fixture.CreateKeyAsync(tenant, "governor")),
            fixture.Client(await fixture.CreateKeyAsync(tenant, "auditor")), fixture.Client(await fixture.CreateKeyAsync(tenant, "approver", name: "ada")),
            fixture.Client(await fixture.CreateKeyAsync(tenant, "approver", name: "bob")));
        await PutAsync(house.Governor, rules, "1");
        return house;
    }

    // In force for all runners within two seconds; a tenant's first policy at once.
    private static async Task PutAsync(ApiClient governor, string rules, string version)
    {
        var document = $"policy: guard\nversion: '{version}'\ndefault: allow\nrules: [{rules}]\n";
        Assert.Equal(HttpStatusCode.Created, (await governor.SendAsync(HttpMethod.Put, "/api/v1/policies/guard", document, "application/yaml")).Status);
        if (version != "1")
            await Task.Delay(2_100, TestContext.Current.CancellationToken);
    }

    private static async Task<(string Run, Answer Approval)> AskedAsync(House house, string plan)
    {
        var made = await house.Runner.PostAsync("/api/v1/runs", ApiClient.Run(await house.Runner.CreateAgentAsync(), plan));
        Assert.True(made.Status is HttpStatusCode.Accepted, made.Body.ToString());
        await UntilAsync(house.Runner, made["run_id"]!, "waiting");
        return (made["run_id"]!, await PendingAsync(house.Runner, made["run_id"]!));
    }

    private static async Task<Answer> PendingAsync(ApiClient client, string run)
    {
        for (var i = 0; ; i++)
        {
            var found = (await client.GetAsync($"/api/v1/approvals?run_id={run}&status=pending")).Body.GetProperty("items");
            if (found.GetArrayLength() == 1)
                return await client.GetAsync($"/api/v1/approvals/{found[0].GetProperty("id").GetString()}");
            Assert.True(i < 600, "nobody is asked");
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }

    private static Task<Answer> DecideAsync(ApiClient client, Answer approval, string decision, string more = "") =>
        client.PostAsync($"/api/v1/approvals/{approval["id"]}/{decision}", $$"""{"action_digest":"{{approval["action_digest"]}}"{{more}}}""");

    private static async Task UntilAsync(ApiClient client, string run, string status)
    {
        for (var i = 0; ; i++)
        {
            var found = await client.GetAsync($"/api/v1/runs/{run}");
            if (found["status"] == status)
                return;
            Assert.True(i < 600, $"it stays {found.Body}");
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }
    }

    // As somebody who owns the database: no trigger holds.
    private async Task TamperAsync(string sql, string run)
    {
        await using var source = Npgsql.NpgsqlDataSource.Create(fixture.Database.AdminConnectionString);
        await using var connection = await source.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        string[] off = ["ALTER TABLE runs DISABLE TRIGGER USER", "ALTER TABLE runproof.approvals DISABLE TRIGGER USER"];
        string[] on = ["ALTER TABLE runs ENABLE TRIGGER USER", "ALTER TABLE runproof.approvals ENABLE TRIGGER USER"];
        foreach (var statement in (string[])[.. off, sql, .. on])
        {
            await using var command = new Npgsql.NpgsqlCommand(statement, connection, transaction);
            if (statement == sql)
                command.Parameters.Add(new Npgsql.NpgsqlParameter { Value = run });
            await command.ExecuteNonQueryAsync();
        }

        await transaction.CommitAsync();
    }
}
