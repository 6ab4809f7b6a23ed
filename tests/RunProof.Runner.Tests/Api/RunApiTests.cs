using System.Net;
using System.Text.Json;

namespace RunProof.Runner.Tests;

public sealed class RunApiTests(RunnerFixture runner)
{
    private const string Say = """[{"skill":"say","params":{"text":"hello"}}]""";

    [Fact]
    public async Task A_run_is_accepted_executed_and_told_of()
    {
        var agent = await runner.Acme.CreateAgentAsync();

        var accepted = await runner.Acme.PostAsync("/api/v1/runs", ApiClient.Run(agent, Say));
        var ended = await runner.Acme.GetAsync($"/api/v1/runs/{accepted["run_id"]}?wait=60");

        Assert.Equal(HttpStatusCode.Accepted, accepted.Status);
        Assert.Equal("queued", accepted["status"]);
        Assert.Equal($"/api/v1/runs/{accepted["run_id"]}", accepted.Headers.Location?.OriginalString);
        Assert.Equal(
            ["run_id", "agent_id", "goal", "origin_system_id", "correlation_id", "planner", "plan", "status", "attempts", "max_attempts",
                "priority", "not_before", "pause_requested_at", "cancel_requested_at", "budget", "await_log_opening", "seed", "frozen_timestamp", "is_synthetic",
                "synthetic_scenario_id", "idempotency_key", "origin", "parent", "trace_id", "trace_count", "step_count", "cost_cents", "tokens", "durable", "not_durable_because", "error", "created_at", "started_at", "completed_at", "duration_ms", "links"],
            ended.Body.EnumerateObject().Select(member => member.Name));
        Assert.Equal(
            ("succeeded", "1", "given", "do it", "tests", agent, "0", "False"),
            (ended["status"], ended["attempts"], ended["planner"], ended["goal"], ended["origin_system_id"], ended["agent_id"], ended["seed"], ended["is_synthetic"]));
        Assert.Equal((null, null), (ended["error"], ended["frozen_timestamp"]));
        Assert.Equal("trace_" + ended["run_id"], ended["trace_id"]);
        Assert.Equal($"/api/v1/runs/{ended["run_id"]}/proof", ended.Body.GetProperty("links").GetProperty("proof").GetString());
        Assert.True(ended.Body.GetProperty("duration_ms").GetDouble() >= 0);
        Assert.Equal("step_0", ended.Body.GetProperty("plan")[0].GetProperty("id").GetString());
    }

    [Fact]
    public async Task A_run_whose_plan_holds_a_secret_says_that_it_is_not_durable_and_why()
    {
        var agent = await runner.Acme.CreateAgentAsync();

        var plain = await runner.Acme.PostAsync("/api/v1/runs", ApiClient.Run(agent, Say));
        var secret = await runner.Acme.PostAsync("/api/v1/runs", ApiClient.Run(agent, """[{"skill":"say","params":{"text":"pay with 4111 1111 1111 1111"}}]"""));

        Assert.Equal(("True", null), (plain["durable"], plain["not_durable_because"]));
        Assert.Equal("False", secret["durable"]);
        Assert.Contains("plan_not_kept", secret["not_durable_because"], StringComparison.Ordinal);
        Assert.DoesNotContain("4111", secret.Body.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(",\"wait\":60", "")]
    [InlineData(",\"wait\":true", "")]
    [InlineData("", "?wait=60")]
    [InlineData("", "?wait=true")]
    public async Task Whoever_waits_gets_the_run_as_it_ended(string more, string query)
    {
        var agent = await runner.Acme.CreateAgentAsync();

        var ended = await runner.Acme.PostAsync("/api/v1/runs" + query, ApiClient.Run(agent, Say, more));

        Assert.Equal((HttpStatusCode.OK, "succeeded"), (ended.Status, ended["status"]));
    }

    [Fact]
    public async Task Waiting_ends_before_the_run_does()
    {
        var agent = await runner.Acme.CreateAgentAsync();

        var running = await runner.Acme.PostAsync("/api/v1/runs", ApiClient.Run(agent, """[{"skill":"hold"}]""", ",\"wait\":0.3"));

        Assert.Equal(HttpStatusCode.Accepted, running.Status);
        Assert.Contains(running["status"], new[] { "queued", "running" });
    }

    [Fact]
    public async Task A_failed_step_is_a_failed_run()
    {
        var agent = await runner.Acme.CreateAgentAsync();

        var failed = await runner.Acme.PostAsync("/api/v1/runs", ApiClient.Run(agent, """[{"id":"f","skill":"fail"},{"skill":"fail"}]""", ",\"wait\":60"));

        Assert.Equal((HttpStatusCode.OK, "failed"), (failed.Status, failed["status"]));
        Assert.Equal("broken", failed.Body.GetProperty("error").GetProperty("code").GetString());
        Assert.Equal("step \"f\": it said broken", failed.Body.GetProperty("error").GetProperty("message").GetString());
    }

    [Fact]
    public async Task What_was_executed_is_in_the_store_as_evidence()
    {
        var agent = await runner.Acme.CreateAgentAsync();
        const string Plan = """[{"id":"a","skill":"say","params":{"text":"one"}},{"skill":"fail","on_error":"continue"},{"skill":"say","params":{"text":"{{steps.a.said.text}} two"}}]""";

        var run = await runner.Acme.PostAsync("/api/v1/runs", ApiClient.Run(agent, Plan, ",\"wait\":60"));

        Assert.Equal("succeeded", run["status"]);
        var steps = await runner.ScalarAsync(
            "SELECT string_agg(step_index || ' ' || skill_name || ' ' || status || ' ' || level || ' ' || source || ' ' || params, '; ' ORDER BY step_index) FROM aos_trace_steps WHERE trace_id = $1",
            run["trace_id"]!);
        Assert.Equal(
            """0 say succeeded INFO engine {"text":"one"}; 1 fail failed ERROR engine {}; 2 say succeeded INFO engine {"text":"one two"}""", steps);
        Assert.Equal("completed 3", await runner.ScalarAsync("SELECT status || ' ' || chain_length FROM aos_traces WHERE run_id = $1", run["run_id"]!));
    }

    [Fact]
    public async Task The_same_request_under_one_key_is_one_run_and_another_a_conflict()
    {
        var agent = await runner.Acme.CreateAgentAsync();
        var key = Guid.NewGuid().ToString();

        var first = await runner.Acme.PostAsync("/api/v1/runs", ApiClient.Run(agent, Say, $",\"idempotency_key\":\"{key}\""));
        var again = await runner.Acme.PostAsync("/api/v1/runs", ApiClient.Run(agent, Say), ("Idempotency-Key", key));
        var other = await runner.Acme.PostAsync("/api/v1/runs", ApiClient.Run(agent, """[{"skill":"say","params":{"text":"other"}}]"""), ("Idempotency-Key", key));

        Assert.Equal(HttpStatusCode.Accepted, first.Status);
        Assert.Equal(HttpStatusCode.OK, again.Status);
        Assert.Equal(first["run_id"], again["run_id"]);
        Assert.Equal(key, again["idempotency_key"]);
        Assert.Contains(first["run_id"]!, other.IsProblem(409, "/problems/idempotency-conflict")["detail"]);
    }

    [Fact]
    public async Task Many_equal_requests_at_once_are_one_run()
    {
        var agent = await runner.Acme.CreateAgentAsync();
        var key = Guid.NewGuid().ToString();

        var answers = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => runner.Acme.PostAsync("/api/v1/runs", ApiClient.Run(agent, Say), ("Idempotency-Key", key))));

        Assert.Single(answers.Select(answer => answer["run_id"]).Distinct());
        Assert.Single(answers, answer => answer.Status is HttpStatusCode.Accepted);
    }

    [Fact]
    public async Task An_unknown_agent_is_refused_and_so_is_another_tenants()
    {
        var foreign = await runner.Other.CreateAgentAsync();

        (await runner.Acme.PostAsync("/api/v1/runs", ApiClient.Run("nobody", Say))).IsProblem(404, "/problems/unknown-agent");
        (await runner.Acme.PostAsync("/api/v1/runs", ApiClient.Run(foreign, Say))).IsProblem(404, "/problems/unknown-agent");
    }

    [Theory]
    [InlineData("""[{"skill":"nope"}]""", "plan[0].skill")]
    [InlineData("""[{"skill":"say"}]""", "plan[0].params.text")]
    [InlineData("[]", "plan")]
    [InlineData("""[{"skill":"say","params":{"text":"{{steps.x.y}}"}}]""", "plan[0].params.text")]
    public async Task A_plan_that_cannot_be_executed_is_refused_with_its_place(string plan, string place)
    {
        var agent = await runner.Acme.CreateAgentAsync();

        (await runner.Acme.PostAsync("/api/v1/runs", ApiClient.Run(agent, plan))).IsProblem(400, "/problems/invalid-plan").Names(place);
    }

    [Theory]
    [InlineData("""{"goal":"x","origin_system_id":"t"}""", "agent_id")]
    [InlineData("""{"agent_id":"a b","goal":"x","origin_system_id":"t"}""", "agent_id")]
    [InlineData("""{"agent_id":"a","origin_system_id":"t"}""", "goal")]
    [InlineData("""{"agent_id":"a","goal":"","origin_system_id":"t"}""", "goal")]
    [InlineData("""{"agent_id":"a","goal":null,"origin_system_id":"t"}""", "goal")]
    [InlineData("""{"agent_id":"a","goal":"x"}""", "origin_system_id")]
    [InlineData("""{"agent_id":"a","goal":"x","origin_system_id":"t","planner":"oracle"}""", "planner")]
    [InlineData("""{"agent_id":"a","goal":"x","origin_system_id":"t","seed":1.5}""", "seed")]
    [InlineData("""{"agent_id":"a","goal":"x","origin_system_id":"t","seed":"1"}""", "seed")]
    [InlineData("""{"agent_id":"a","goal":"x","origin_system_id":"t","seed":9007199254740992}""", "seed")]
    [InlineData("""{"agent_id":"a","goal":"x","origin_system_id":"t","frozen_timestamp":"2020-01-01T00:00:00"}""", "frozen_timestamp")]
    [InlineData("""{"agent_id":"a","goal":"x","origin_system_id":"t","frozen_timestamp":"yesterday"}""", "frozen_timestamp")]
    [InlineData("""{"agent_id":"a","goal":"x","origin_system_id":"t","is_synthetic":"yes"}""", "is_synthetic")]
    [InlineData("""{"agent_id":"a","goal":"x","origin_system_id":"t","synthetic_scenario_id":"s"}""", "synthetic_scenario_id")]
    [InlineData("""{"agent_id":"a","goal":"x","origin_system_id":"t","correlation_id":"a b"}""", "correlation_id")]
    [InlineData("""{"agent_id":"a","goal":"x","origin_system_id":"t","wait":301}""", "wait")]
    [InlineData("""{"agent_id":"a","goal":"x","origin_system_id":"t","wait":"long"}""", "wait")]
    [InlineData("""{"agent_id":"a","goal":"x","origin_system_id":"t","urgency":1}""", "urgency")]
    [InlineData("""{"agent_id":"a","goal":"x","origin_system_id":"t","priority":101}""", "priority")]
    [InlineData("""{"agent_id":"a","goal":"x","origin_system_id":"t","max_attempts":0}""", "max_attempts")]
    [InlineData("""{"agent_id":"a","goal":"x","origin_system_id":"t","not_before":"soon"}""", "not_before")]
    public async Task What_is_wrong_with_a_request_is_named(string body, string place)
    {
        (await runner.Acme.PostAsync("/api/v1/runs", body)).IsProblem(400, "/problems/invalid-request").Names(place);
    }

    /// <summary>The older system took these from its callers, unverified.</summary>
    [Theory]
    [InlineData("run_id")]
    [InlineData("trace_id")]
    [InlineData("tenant_id")]
    [InlineData("status")]
    [InlineData("root_hash")]
    [InlineData("steps")]
    [InlineData("trace")]
    [InlineData("metadata")]
    [InlineData("attempts")]
    [InlineData("started_at")]
    [InlineData("completed_at")]
    [InlineData("replay_mode")]
    [InlineData("incident_id")]
    [InlineData("stored_by")]
    public async Task What_only_the_recorder_may_say_is_refused_from_a_caller(string member)
    {
        var body = $$"""{"agent_id":"a","goal":"x","origin_system_id":"t","{{member}}":"1"}""";

        (await runner.Acme.PostAsync("/api/v1/runs", body)).IsProblem(400, "/problems/invalid-request").Names(member);
    }

    [Theory]
    [InlineData("")]
    [InlineData(",\"seed\":0")]
    [InlineData(",\"seed\":-0")]
    public async Task A_seed_of_zero_is_zero_and_no_other_default(string seed)
    {
        var agent = await runner.Acme.CreateAgentAsync();

        var run = await runner.Acme.PostAsync("/api/v1/runs", ApiClient.Run(agent, Say, seed + ",\"wait\":60"));

        Assert.Equal(("succeeded", "0"), (run["status"], run["seed"]));
        Assert.Equal(0L, await runner.ScalarAsync("SELECT seed FROM aos_traces WHERE run_id = $1", run["run_id"]!));
    }

    /// <summary>The older system looked at the addresses that stood in the plan, before the references in it were resolved.</summary>
    [Theory]
    [InlineData("http://169.254.169.254/latest/meta-data/", "{{steps.from.message}}")]
    [InlineData("169.254.169.254", "http://{{steps.from.message}}/latest/meta-data/")]
    [InlineData("[::1]", "http://{{steps.from.message}}:9/")]
    [InlineData("2130706433", "http://{{steps.from.message}}:9/")]
    public async Task An_address_that_comes_out_of_an_earlier_step_is_refused_like_any_other(string message, string url)
    {
        var agent = await runner.Acme.CreateAgentAsync();
        var plan = $$"""[{"id":"from","skill":"echo","params":{"message":"{{message}}"} },{"skill":"http_call","params":{"url":"{{url}}"} }]""";

        var run = await runner.Acme.PostAsync("/api/v1/runs", ApiClient.Run(agent, plan, ",\"wait\":60"));

        Assert.Equal("failed", run["status"]);
        Assert.Equal("address_blocked", run.Body.GetProperty("error").GetProperty("code").GetString());
        Assert.Equal("1 failed address_blocked", await runner.ScalarAsync(
            "SELECT step_index || ' ' || status || ' ' || outcome_code FROM aos_trace_steps WHERE trace_id = $1 AND skill_name = 'http_call'", run["trace_id"]!));
    }

    [Fact]
    public async Task All_that_is_wrong_is_named_at_once()
    {
        var answer = await runner.Acme.PostAsync("/api/v1/runs?wait=x&sort=up", """{"agent_id":7,"seed":"x","extra":1}""");

        answer.IsProblem(400, "/problems/invalid-request");
        Assert.Equal(
            ["agent_id", "extra", "goal", "origin_system_id", "seed", "sort", "wait"],
            answer.Body.GetProperty("errors").EnumerateObject().Select(error => error.Name).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_key_in_the_header_and_another_in_the_body_are_refused()
    {
        var body = """{"agent_id":"a","goal":"x","origin_system_id":"t","idempotency_key":"one"}""";

        (await runner.Acme.PostAsync("/api/v1/runs", body, ("Idempotency-Key", "two"))).IsProblem(400, "/problems/invalid-request").Names("Idempotency-Key");
    }

    [Fact]
    public async Task Every_member_of_a_request_comes_back()
    {
        var agent = await runner.Acme.CreateAgentAsync();

        var run = await runner.Acme.PostAsync("/api/v1/runs", ApiClient.Run(
            agent, Say, """
            ,"planner":"given","correlation_id":"c-1","seed":-9007199254740991,"frozen_timestamp":"2020-01-01T02:00:00+02:00","is_synthetic":true,"synthetic_scenario_id":"s-1","wait":60
            """));

        Assert.Equal("succeeded", run["status"]);
        Assert.Equal(
            ("c-1", "-9007199254740991", "2020-01-01T00:00:00.000000Z", "True", "s-1"),
            (run["correlation_id"], run["seed"], run["frozen_timestamp"], run["is_synthetic"], run["synthetic_scenario_id"]));
        Assert.Equal("c-1 -9007199254740991 true s-1", await runner.ScalarAsync(
            "SELECT correlation_id || ' ' || seed || ' ' || is_synthetic || ' ' || synthetic_scenario_id FROM aos_traces WHERE run_id = $1", run["run_id"]!));
    }

    [Fact]
    public async Task A_run_of_another_tenant_is_not_there_and_neither_is_what_cannot_be_a_run()
    {
        var agent = await runner.Acme.CreateAgentAsync();
        var run = await runner.Acme.PostAsync("/api/v1/runs", ApiClient.Run(agent, Say));

        (await runner.Other.GetAsync($"/api/v1/runs/{run["run_id"]}")).IsProblem(404, "/problems/not-found");
        (await runner.Acme.GetAsync("/api/v1/runs/01234567-89ab-7def-8123-456789abcdef")).IsProblem(404, "/problems/not-found");
        (await runner.Acme.GetAsync("/api/v1/runs/%20x")).IsProblem(404, "/problems/not-found");
    }

    [Fact]
    public async Task Runs_are_listed_newest_first_page_by_page_and_by_filter()
    {
        var client = runner.Client(await runner.CreateKeyAsync("t" + Guid.NewGuid().ToString("N"), "runner"));
        var agent = await client.CreateAgentAsync();
        var other = await client.CreateAgentAsync();
        var ids = new List<string>();
        for (var i = 0; i < 5; i++)
            ids.Add((await client.PostAsync("/api/v1/runs", ApiClient.Run(i == 4 ? other : agent, i == 3 ? """[{"skill":"fail"}]""" : Say, ",\"wait\":60")))["run_id"]!);

        var first = await client.GetAsync("/api/v1/runs?limit=2");
        var second = await client.GetAsync("/api/v1/runs?limit=2&cursor=" + first["next"]);
        var third = await client.GetAsync("/api/v1/runs?limit=2&cursor=" + second["next"]);

        Assert.Equal(ids.AsEnumerable().Reverse(), Ids(first).Concat(Ids(second)).Concat(Ids(third)));
        Assert.Null(third["next"]);
        Assert.Equal([ids[3]], Ids(await client.GetAsync("/api/v1/runs?status=failed")));
        Assert.Equal([ids[4]], Ids(await client.GetAsync("/api/v1/runs?agent_id=" + other)));
        Assert.Empty(Ids(await client.GetAsync("/api/v1/runs?origin_system_id=elsewhere")));
        Assert.Equal(5, Ids(await client.GetAsync("/api/v1/runs?created_from=2020-01-01T00:00:00Z")).Count);
        Assert.Empty(Ids(await client.GetAsync("/api/v1/runs?created_before=2020-01-01T00:00:00Z")));
    }

    [Theory]
    [InlineData("status=done", "status")]
    [InlineData("limit=0", "limit")]
    [InlineData("cursor=abc", "cursor")]
    [InlineData("cursor=!!!", "cursor")]
    [InlineData("created_from=yesterday", "created_from")]
    [InlineData("created_before=2020-01-01", "created_before")]
    [InlineData("agent_id=a%20b", "agent_id")]
    [InlineData("stauts=failed", "stauts")]
    public async Task A_wrong_filter_is_named(string query, string place)
    {
        (await runner.Acme.GetAsync("/api/v1/runs?" + query)).IsProblem(400, "/problems/invalid-request").Names(place);
    }

    private static List<string?> Ids(Answer page) => [.. page.Body.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("run_id").GetString())];
}
