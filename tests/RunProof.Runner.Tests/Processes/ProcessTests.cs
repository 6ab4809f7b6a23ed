using System.Net;
using System.Net.Sockets;
using Npgsql;
using RunProof.Format;
using RunProof.Postgres;
using RunProof.Testing;

namespace RunProof.Runner.Tests;

/// <summary>The runner as it is deployed, and as it dies.</summary>
public sealed class ProcessTests(RunnerFixture fixture) : IAsyncLifetime
{
    // Of each test's own: no other runner may recover what this one leaves.
    private TestDatabase _database = null!;

    public async ValueTask InitializeAsync() => _database = await fixture.CreateDatabaseAsync();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task The_stub_planners_run_makes_a_real_http_call_to_the_runner_itself()
    {
        await using var runner = await RunnerProcess.StartAsync(_database.RunnerConnectionString);
        var client = await runner.ClientAsync(await Store.CreateKeyAsync(_database, "acme", "runner"));
        var agent = await client.CreateAgentAsync();

        var run = await client.PostAsync("/api/v1/runs", $$"""{"agent_id":"{{agent}}","goal":"validate","origin_system_id":"tests","wait":60}""");

        Assert.Equal(("succeeded", "stub"), (run["status"], run["planner"]));
        Assert.Equal("http_call", run.Body.GetProperty("plan")[0].GetProperty("skill").GetString());
        Assert.Equal("200", await StepAsync(run, "outcome_data::jsonb->>'status_code'"));
        Assert.Equal("Responsive is better than fast.", await StepAsync(run, "outcome_data::jsonb->>'text'"));
    }

    [Fact]
    public async Task A_runner_without_a_connection_string_says_so_in_one_line_and_exits_2()
    {
        await using var runner = RunnerProcess.Start(connection: "");

        Assert.Equal(2, await runner.EndAsync());

        Assert.StartsWith("runner: there is no connection string: set ConnectionStrings:runproofdb", runner.Output);
        Assert.Single(runner.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public async Task A_runner_with_two_skills_of_one_name_names_both_places_in_one_line_and_exits_2()
    {
        await using var runner = RunnerProcess.Start(_database.RunnerConnectionString, AnotherEcho.Plugged);

        Assert.Equal(2, await runner.EndAsync());

        Assert.Equal(
            "runner: two skills are called \"echo\": RunProof.Runner.Tests.AnotherEcho, RunProof.Runner.Tests and RunProof.BuiltinSkills.EchoSkill, RunProof.BuiltinSkills\n",
            runner.Output);
    }

    [Fact]
    public async Task The_plan_of_the_README_succeeds_with_the_runner_called_localhost()
    {
        await using var runner = await RunnerProcess.StartAsync(_database.RunnerConnectionString);
        var client = await runner.ClientAsync(await Store.CreateKeyAsync(_database, "acme", "runner"));
        var local = new UriBuilder(client.Http.BaseAddress!) { Host = "localhost" }.Uri.GetLeftPart(UriPartial.Authority);
        var body = Readme.RequestWithAPlan().Replace("$RUNNER", local, StringComparison.Ordinal).Replace("demo-agent", await client.CreateAgentAsync(), StringComparison.Ordinal);

        var run = await client.PostAsync("/api/v1/runs", body);

        Assert.Equal(("succeeded", "given"), (run["status"], run["planner"]));
        Assert.Equal("""{"message":"Responsive is better than fast."}""", await Store.ScalarAsync(
            _database, "SELECT outcome_data FROM aos_trace_steps WHERE trace_id = $1 AND step_index = 1", run["trace_id"]!));
    }

    [Fact]
    public async Task A_run_whose_process_is_killed_is_sealed_aborted_by_the_next_with_its_step_interrupted()
    {
        var key = await Store.CreateKeyAsync(_database, "acme", "runner");
        // Accepts and says nothing: what a call to it did, no one can know.
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        var url = $"http://{silent.LocalEndpoint}/";
        string id;
        await using (var first = await RunnerProcess.StartAsync(_database.RunnerConnectionString, ("RunProof__HttpCall__Allow__0", silent.LocalEndpoint.ToString()!)))
        {
            var client = await first.ClientAsync(key);
            id = await BeginAsync(client, $$$"""[{"id":"a","skill":"echo","params":{"message":"{{{url}}}"}},{"id":"b","skill":"http_call","params":{"method":"POST","url":"{{steps.a.message}}"},"timeout_ms":600000},{"skill":"echo","params":{"message":"never"}}]""", steps: 1);
            await first.KillAsync();
        }

        await using var second = await RunnerProcess.StartAsync(_database.RunnerConnectionString);
        var ended = await (await second.ClientAsync(key)).GetAsync($"/api/v1/runs/{id}?wait=60");

        Assert.Equal("aborted", ended["status"]);
        Assert.Equal("worker_lost", ended.Body.GetProperty("error").GetProperty("code").GetString());
        Assert.Equal(
            $$"""0 echo succeeded {"message":"{{url}}"}; 1 http_call interrupted {"method":"POST","url":"{{url}}"}""",
            await Store.ScalarAsync(_database, "SELECT string_agg(step_index || ' ' || skill_name || ' ' || status || ' ' || params, '; ' ORDER BY step_index) FROM aos_trace_steps WHERE trace_id = $1", "trace_" + id));
        Assert.Equal("aborted 2", await Store.ScalarAsync(_database, "SELECT status || ' ' || chain_length FROM aos_traces WHERE run_id = $1", id));
        Assert.Equal(0L, await Store.ScalarAsync(_database, "SELECT count(*) FROM runproof.trace_heads WHERE trace_id = $1", "trace_" + id));
    }

    [Fact]
    public async Task A_run_that_waited_when_its_process_was_killed_is_executed_by_the_next()
    {
        var key = await Store.CreateKeyAsync(_database, "acme", "runner");
        string id;
        await using (var first = await RunnerProcess.StartAsync(_database.RunnerConnectionString, ("RunProof__Runner__Concurrency", "1")))
        {
            var client = await first.ClientAsync(key);
            await BeginAsync(client, """[{"skill":"wait","params":{"ms":300000},"timeout_ms":600000}]""", steps: 0);
            id = (await client.PostAsync("/api/v1/runs", ApiClient.Run(await client.CreateAgentAsync(), """[{"skill":"echo","params":{"message":"late"}}]""")))["run_id"]!;
            await first.KillAsync();
        }

        await using var second = await RunnerProcess.StartAsync(_database.RunnerConnectionString);
        var ended = await (await second.ClientAsync(key)).GetAsync($"/api/v1/runs/{id}?wait=60");

        Assert.Equal("succeeded", ended["status"]);
    }

    [Fact]
    public async Task A_process_that_is_asked_to_stop_seals_its_runs_and_exits_0()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0);
        silent.Start();
        await using var runner = await RunnerProcess.StartAsync(_database.RunnerConnectionString, ("RunProof__HttpCall__Allow__0", silent.LocalEndpoint.ToString()!));
        var client = await runner.ClientAsync(await Store.CreateKeyAsync(_database, "acme", "runner"));
        var id = await BeginAsync(client, $$$"""[{"skill":"http_call","params":{"method":"POST","url":"http://{{{silent.LocalEndpoint}}}/","timeout_ms":300000},"timeout_ms":600000}]""", steps: 0);
        var waiting = client.GetAsync($"/api/v1/runs/{id}?wait=300");

        Assert.Equal(0, await runner.TerminateAsync());

        Assert.Equal(HttpStatusCode.OK, (await waiting).Status);
        Assert.Equal("aborted stopped", await Store.ScalarAsync(_database, "SELECT status || ' ' || error_code FROM runs WHERE id = $1", id));
        Assert.Equal("interrupted", await Store.ScalarAsync(_database, "SELECT status FROM aos_trace_steps WHERE trace_id = $1", "trace_" + id));
        Assert.Equal("aborted", await Store.ScalarAsync(_database, "SELECT status FROM aos_traces WHERE run_id = $1", id));
    }

    [Fact]
    public async Task A_process_that_is_asked_to_stop_leaves_a_step_that_may_be_repeated_to_the_next()
    {
        var key = await Store.CreateKeyAsync(_database, "acme", "runner");
        string id;
        await using (var first = await RunnerProcess.StartAsync(_database.RunnerConnectionString))
        {
            id = await BeginAsync(await first.ClientAsync(key), """[{"skill":"wait","params":{"ms":4000},"timeout_ms":600000}]""", steps: 0);
            Assert.Equal(0, await first.TerminateAsync());
        }

        await using var second = await RunnerProcess.StartAsync(_database.RunnerConnectionString);
        var ended = await (await second.ClientAsync(key)).GetAsync($"/api/v1/runs/{id}?wait=60");

        Assert.Equal(("succeeded", "1"), (ended["status"], ended["attempts"]));
        Assert.Equal("true", await Store.ScalarAsync(_database, "SELECT context::json ->> 'resumed' FROM aos_trace_steps WHERE trace_id = $1", "trace_" + id));
    }

    [Fact]
    public async Task Secrets_in_a_plan_reach_the_skill_and_no_table()
    {
        await using var runner = await RunnerProcess.StartAsync(_database.RunnerConnectionString);
        var client = await runner.ClientAsync(await Store.CreateKeyAsync(_database, "acme", "runner"));
        var secret = "ghp_" + new string('A', 18) + new string('7', 18);

        var run = await client.PostAsync("/api/v1/runs", ApiClient.Run(
            await client.CreateAgentAsync(), $$$"""[{"skill":"echo","params":{"message":"my {{{secret}}}"}}]""", ",\"wait\":60"));

        Assert.Equal("succeeded", run["status"]);
        Assert.DoesNotContain(secret, run.Body.ToString());
        Assert.Equal(false, await Store.ScalarAsync(
            _database,
            "SELECT r::text LIKE $2 OR t::text LIKE $2 OR s::text LIKE $2 FROM runs r, aos_traces t, aos_trace_steps s WHERE r.id = $1 AND t.run_id = r.id AND s.trace_id = t.trace_id",
            run["run_id"]!, $"%{secret}%"));
    }

    /// <summary>The older system redacted some of its tables; plans, errors, agents and events kept what callers had given.</summary>
    [Fact]
    public async Task A_secret_is_in_no_table_and_no_line_of_the_log_wherever_it_was_given()
    {
        // The web framework's own lines are left out: here the runner is also the one that is called, and a called server's request lines are its own affair.
        await using var runner = await RunnerProcess.StartAsync(
            _database.RunnerConnectionString, ("Logging__LogLevel__Default", "Debug"), ("Logging__LogLevel__Microsoft.AspNetCore", "Warning"));
        var client = await runner.ClientAsync(await Store.CreateKeyAsync(_database, "acme", "runner"));
        var secret = "ghp_" + new string('B', 18) + new string('8', 18);

        var agent = await client.PostAsync("/api/v1/agents", $$"""{"name":"Ada {{secret}}","description":"has {{secret}} and more"}""");
        var run = await client.PostAsync("/api/v1/runs", $$$$"""
            {"agent_id":"{{{{agent["id"]}}}}","goal":"use {{{{secret}}}}","origin_system_id":"tests","wait":60,"plan":[
              {"id":"a","skill":"echo","params":{"message":"my {{{{secret}}}}"}},
              {"skill":"json_transform","params":{"input":{"a":1},"pick":["{{{{secret}}}}"]},"on_error":"continue"},
              {"skill":"http_call","params":{"url":"{{{{client.Http.BaseAddress}}}}demo/zen?token={{{{secret}}}}","headers":{"Authorization":"Bearer {{{{secret}}}}"}},"on_error":"continue"},
              {"skill":"http_call","params":{"url":"http://{{{{secret}}}}.invalid/{{{{secret}}}}"}}]}
            """);

        Assert.Equal("failed", run["status"]);
        Assert.DoesNotContain(secret, agent.Body.ToString());
        Assert.DoesNotContain(secret, run.Body.ToString());
        var tables = (string)(await Store.ScalarAsync(
            _database, "SELECT string_agg(oid::regclass::text, ' ') FROM pg_class WHERE relkind = 'r' AND relnamespace IN ('public'::regnamespace, 'runproof'::regnamespace)"))!;
        Assert.True(tables.Split(' ').Length >= 10, tables);
        foreach (var table in tables.Split(' '))
            Assert.Equal((table, 0L), (table, await Store.ScalarAsync(_database, $"SELECT count(*) FROM {table} t WHERE t::text LIKE $1", $"%{secret}%")));
        Assert.Contains("dbug: ", runner.Output);
        Assert.DoesNotContain(secret, runner.Output);
    }

    [Fact]
    public async Task What_is_removed_from_a_step_is_named_with_its_rule_in_the_steps_context()
    {
        await using var runner = await RunnerProcess.StartAsync(_database.RunnerConnectionString);
        var client = await runner.ClientAsync(await Store.CreateKeyAsync(_database, "acme", "runner"));

        var run = await client.PostAsync("/api/v1/runs", ApiClient.Run(await client.CreateAgentAsync(), $$$$"""
            [{"skill":"http_call","params":{"url":"{{{{client.Http.BaseAddress}}}}demo/zen","headers":{"PRIVATE-TOKEN":"hunter2","accept":"text/plain"}}},
             {"skill":"echo","params":{"message":"write to ada@example.com"}}]
            """, ",\"wait\":60"));

        Assert.Equal("succeeded", run["status"]);
        Assert.Equal("""{"PRIVATE-TOKEN":"<REDACTED>","accept":"text/plain"}""", await StepAsync(run, "(params::json->'headers')::text"));
        Assert.Equal("""[{"rule": "name:private_token", "place": "params.headers.PRIVATE-TOKEN"}]""", await StepAsync(run, "(context::jsonb->'redactions')::text"));
        Assert.Equal(
            """[{"rule": "email", "place": "params.message"}, {"rule": "email", "place": "outcome_data.message"}]""",
            await Store.ScalarAsync(_database, "SELECT (context::jsonb->'redactions')::text FROM aos_trace_steps WHERE trace_id = $1 AND step_index = 1", run["trace_id"]!));
    }

    [Fact]
    public async Task A_runner_with_a_full_queue_refuses_and_says_when_to_ask_again()
    {
        await using var runner = await RunnerProcess.StartAsync(
            _database.RunnerConnectionString, ("RunProof__Runner__Concurrency", "1"), ("RunProof__Runner__QueueCapacity", "1"));
        var client = await runner.ClientAsync(await Store.CreateKeyAsync(_database, "acme", "runner"));
        // Only this process knows these plans: they wait here and nowhere else.
        var slow = $$$"""[{"skill":"wait","params":{"ms":300000},"timeout_ms":600000},{"skill":"echo","params":{"message":"ghp_{{{new string('C', 36)}}}"}}]""";
        await BeginAsync(client, slow, steps: 0);
        var agent = await client.CreateAgentAsync();

        var queued = await client.PostAsync("/api/v1/runs", ApiClient.Run(agent, slow));
        var refused = await client.PostAsync("/api/v1/runs", ApiClient.Run(agent, slow));

        Assert.Equal(HttpStatusCode.Accepted, queued.Status);
        refused.IsProblem(503, "/problems/unavailable");
        Assert.NotNull(refused.Headers.RetryAfter);
        Assert.Equal(2L, await Store.ScalarAsync(_database, "SELECT count(*) FROM runs"));
    }

    [Fact]
    public async Task A_run_for_which_one_process_has_no_place_is_executed_by_another_at_once()
    {
        var key = await Store.CreateKeyAsync(_database, "acme", "runner");
        await using var full = await RunnerProcess.StartAsync(_database.RunnerConnectionString, ("RunProof__Runner__Concurrency", "1"));
        var client = await full.ClientAsync(key);
        await BeginAsync(client, """[{"skill":"wait","params":{"ms":300000},"timeout_ms":600000}]""", steps: 0);
        await using var idle = await RunnerProcess.StartAsync(_database.RunnerConnectionString);

        var ended = await client.PostAsync("/api/v1/runs", ApiClient.Run(await client.CreateAgentAsync(), """[{"skill":"echo","params":{"message":1}}]""", ",\"wait\":30"));

        Assert.Equal("succeeded", ended["status"]);
        Assert.NotEqual(
            await Store.ScalarAsync(_database, "SELECT worker FROM runs WHERE id <> $1", ended["run_id"]!),
            await Store.ScalarAsync(_database, "SELECT worker FROM runs WHERE id = $1", ended["run_id"]!));
    }

    [Fact]
    public async Task How_far_a_trace_got_is_shown_to_the_worker_that_has_the_run_and_only_while_it_is_under_way()
    {
        await using var runner = await RunnerProcess.StartAsync(_database.RunnerConnectionString);
        var client = await runner.ClientAsync(await Store.CreateKeyAsync(_database, "acme", "runner"));
        var id = RunId.Parse(await BeginAsync(
            client, """[{"id":"a","skill":"echo","params":{"message":"one"}},{"skill":"wait","params":{"ms":300000},"timeout_ms":600000}]""", steps: 1));
        var worker = (string)(await Store.ScalarAsync(_database, "SELECT worker FROM runs WHERE id = $1", id.Value))!;
        await using var source = NpgsqlDataSource.Create(_database.RunnerConnectionString);
        var store = new PostgresRecoveryStore(source);
        var (acme, other) = (TenantId.Parse("acme"), TenantId.Parse("other"));

        var seen = await store.ReadAsync(acme, id, worker, default);
        Assert.Equal("running", seen!.Status);
        var step = Assert.Single(seen.Steps);
        Assert.Equal((0, "succeeded", """{"message":"one"}"""), (step.StepIndex, step.Status, step.Outcome));
        Assert.Contains("\"plan_step\":\"a\"", step.Context);
        Assert.Null(await store.ReadAsync(acme, id, "another worker", default));
        Assert.Null(await store.ReadAsync(other, id, worker, default));
        await using var direct = source.CreateCommand("SELECT count(*) FROM aos_trace_steps");
        Assert.Equal("42501", (await Assert.ThrowsAsync<PostgresException>(() => direct.ExecuteScalarAsync())).SqlState);

        await runner.TerminateAsync();
        Assert.Null(await store.ReadAsync(acme, id, worker, default));
    }

    private async Task<string?> StepAsync(Answer run, string expression) =>
        (string?)await Store.ScalarAsync(_database, $"SELECT {expression} FROM aos_trace_steps WHERE trace_id = $1 AND step_index = 0", run["trace_id"]!);

    /// <summary>Begins a run, and waits until so many of its steps are recorded and it executes the next.</summary>
    private async Task<string> BeginAsync(ApiClient client, string plan, int steps)
    {
        var run = await client.PostAsync("/api/v1/runs", ApiClient.Run(await client.CreateAgentAsync(), plan));
        for (var i = 0; ; i++)
        {
            Assert.True(i < 600, "it never begins");
            var recorded = await Store.ScalarAsync(
            _database,
                "SELECT (SELECT count(*) FROM aos_trace_steps WHERE trace_id = $1) FROM aos_traces WHERE trace_id = $1", run["trace_id"]!);
            if (recorded is long count && count == steps)
                return run["run_id"]!;
            await Task.Delay(50);
        }
    }
}
