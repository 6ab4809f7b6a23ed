using System.Net;

namespace RunProof.Runner.Tests;

/// <summary>Cancel, pause, resume, retry over HTTP.</summary>
public sealed class RunControlApiTests(RunnerFixture runner)
{
    private const string Slow = """[{"skill":"wait","params":{"ms":1500}},{"skill":"say","params":{"text":"after"}}]""";

    [Fact]
    public async Task A_run_is_cancelled_and_its_evidence_says_who_and_why()
    {
        var run = await BeginAsync("""[{"skill":"hold","timeout_ms":600000}]""");
        // A run is said to run before its first step begins; cancelled in between it has none.
        for (var i = 0; !runner.Held.ContainsKey(run); i++)
        {
            Assert.True(i < 600, "its step does not begin");
            await Task.Delay(50, TestContext.Current.CancellationToken);
        }

        var asked = await runner.Acme.PostAsync($"/api/v1/runs/{run}/cancel", """{"reason":"no longer needed"}""");
        var ended = await runner.Acme.GetAsync($"/api/v1/runs/{run}?wait=60");
        var again = await runner.Acme.SendAsync(HttpMethod.Post, $"/api/v1/runs/{run}/cancel");

        Assert.Equal(HttpStatusCode.Accepted, asked.Status);
        Assert.NotNull(asked["cancel_requested_at"]);
        Assert.Equal("cancelled", ended["status"]);
        Assert.Equal((HttpStatusCode.OK, "cancelled"), (again.Status, again["status"]));
        Assert.Equal("aborted", await runner.ScalarAsync("SELECT status FROM aos_traces WHERE run_id = $1", run));
        Assert.Equal("no longer needed", await runner.ScalarAsync("SELECT metadata::json ->> 'cancel_reason' FROM aos_traces WHERE run_id = $1", run));
        Assert.StartsWith("key_", (string)(await runner.ScalarAsync("SELECT metadata::json ->> 'cancelled_by' FROM aos_traces WHERE run_id = $1", run))!);
        Assert.Equal("interrupted cancelled", await runner.ScalarAsync("SELECT status || ' ' || outcome_code FROM aos_trace_steps WHERE trace_id = 'trace_' || $1", run));
        (await runner.Acme.SendAsync(HttpMethod.Post, $"/api/v1/runs/{run}/pause")).IsProblem(409, "/problems/run-ended");
    }

    [Fact]
    public async Task A_run_is_paused_and_goes_on_when_it_is_resumed()
    {
        var run = await BeginAsync(Slow);

        var asked = await runner.Acme.SendAsync(HttpMethod.Post, $"/api/v1/runs/{run}/pause");
        Assert.Equal(HttpStatusCode.Accepted, asked.Status);
        await UntilAsync(run, "paused");
        await Task.Delay(300);
        // It is paused behind its first step, or before it.
        Assert.InRange(Convert.ToInt64(await runner.ScalarAsync("SELECT count(*) FROM aos_trace_steps WHERE trace_id = 'trace_' || $1", run)), 0, 1);
        Assert.Equal("paused", (await runner.Acme.SendAsync(HttpMethod.Post, $"/api/v1/runs/{run}/pause"))["status"]);
        Assert.Equal(HttpStatusCode.OK, (await runner.Acme.SendAsync(HttpMethod.Post, $"/api/v1/runs/{run}/resume")).Status);

        var ended = await runner.Acme.GetAsync($"/api/v1/runs/{run}?wait=60");
        Assert.Equal(("succeeded", "1"), (ended["status"], ended["attempts"]));
        Assert.Equal("wait say", await runner.ScalarAsync("SELECT string_agg(skill_name, ' ' ORDER BY step_index) FROM aos_trace_steps WHERE trace_id = 'trace_' || $1", run));
    }

    [Fact]
    public async Task A_run_that_failed_gets_another_attempt_with_its_own_trace()
    {
        var agent = await runner.Acme.CreateAgentAsync();
        var failed = await runner.Acme.PostAsync("/api/v1/runs", ApiClient.Run(agent, """[{"skill":"fail"}]""", ",\"wait\":60"));
        var run = failed["run_id"]!;

        Assert.Equal(HttpStatusCode.OK, (await runner.Acme.SendAsync(HttpMethod.Post, $"/api/v1/runs/{run}/retry")).Status);
        await UntilAsync(run, "failed");
        var ended = await runner.Acme.GetAsync($"/api/v1/runs/{run}");

        Assert.Equal(("2", $"trace_{run}.2"), (ended["attempts"], ended["trace_id"]));
        Assert.Equal($"trace_{run} failed, trace_{run}.2 failed", await runner.ScalarAsync("SELECT string_agg(trace_id || ' ' || status, ', ' ORDER BY trace_id) FROM aos_traces WHERE run_id = $1", run));
        (await runner.Acme.SendAsync(HttpMethod.Post, "/api/v1/runs/nothing/retry")).IsProblem(404, "/problems/not-found");
        (await runner.Other.SendAsync(HttpMethod.Post, $"/api/v1/runs/{run}/retry")).IsProblem(404, "/problems/not-found");
        (await runner.AcmeAuditor.SendAsync(HttpMethod.Post, $"/api/v1/runs/{run}/retry")).IsProblem(403, "/problems/forbidden");
    }

    [Fact]
    public async Task Attempts_that_a_request_allows_are_made()
    {
        var agent = await runner.Acme.CreateAgentAsync();
        var run = (await runner.Acme.PostAsync("/api/v1/runs", ApiClient.Run(agent, """[{"skill":"fail"}]""", ",\"max_attempts\":2")))["run_id"]!;

        var ended = await runner.Acme.GetAsync($"/api/v1/runs/{run}?wait=60");

        Assert.Equal(("failed", "2", "2"), (ended["status"], ended["attempts"], ended["max_attempts"]));
    }

    [Fact]
    public async Task A_run_may_begin_later_and_be_cancelled_before()
    {
        var agent = await runner.Acme.CreateAgentAsync();
        var later = await runner.Acme.PostAsync("/api/v1/runs", ApiClient.Run(agent, Slow, $",\"not_before\":\"{DateTimeOffset.UtcNow.AddHours(1):O}\",\"priority\":7"));

        var cancelled = await runner.Acme.SendAsync(HttpMethod.Post, $"/api/v1/runs/{later["run_id"]}/cancel");

        Assert.Equal(("queued", "7"), (later["status"], later["priority"]));
        Assert.Equal((HttpStatusCode.OK, "cancelled", "0"), (cancelled.Status, cancelled["status"], cancelled["attempts"]));
    }

    [Theory]
    [InlineData("""{"reason":""}""", "reason")]
    [InlineData("""{"reason":7}""", "reason")]
    [InlineData("""{"why":"x"}""", "why")]
    public async Task What_is_wrong_with_a_reason_is_named(string body, string place) =>
        (await runner.Acme.PostAsync("/api/v1/runs/nothing/cancel", body)).IsProblem(400, "/problems/invalid-request").Names(place);

    private async Task<string> BeginAsync(string plan)
    {
        var run = (await runner.Acme.PostAsync("/api/v1/runs", ApiClient.Run(await runner.Acme.CreateAgentAsync(), plan)))["run_id"]!;
        await UntilAsync(run, "running");
        return run;
    }

    private async Task UntilAsync(string run, string status)
    {
        for (var i = 0; ; i++)
        {
            var found = await runner.Acme.GetAsync($"/api/v1/runs/{run}");
            if (found["status"] == status)
                return;
            Assert.True(i < 600, $"it stays {found["status"]}");
            await Task.Delay(50);
        }
    }
}
