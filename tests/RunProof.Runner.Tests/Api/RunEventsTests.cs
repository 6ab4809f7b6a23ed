using System.Net;

namespace RunProof.Runner.Tests;

/// <summary>A run's progress as server-sent events.</summary>
public sealed class RunEventsTests(RunnerFixture runner)
{
    private const string Plan = """[{"id":"one","skill":"wait","params":{"ms":150}},{"skill":"say","params":{"text":"the payload"}}]""";

    [Fact]
    public async Task A_run_s_progress_is_told_as_it_goes_and_the_stream_ends_with_it()
    {
        var run = await CreateAsync(Plan);

        var told = await runner.AcmeAuditor.AllEventsAsync(run);

        Assert.Equal(["running 1", "step 0 one wait succeeded", "step 1 step_1 say succeeded", "sealed completed 2", "succeeded!"], told.Select(one => one.Words).Where(words => words != "queued 0"));
        Assert.DoesNotContain(told, one => one.Data.GetRawText().Contains("the payload", StringComparison.Ordinal));
        Assert.InRange(told.First(one => one.Type == "step").Data.GetProperty("duration_ms").GetDouble(), 100, 60_000);
        Assert.Equal(await runner.ScalarAsync("SELECT encode(root_hash, 'hex') FROM aos_traces WHERE run_id = $1", run), told.Single(one => one.Type == "sealed").Data.GetProperty("root_hash").GetString());
        var end = told[^1].Data;
        Assert.Equal((1, 2, 1), (end.GetProperty("trace_count").GetInt32(), end.GetProperty("step_count").GetInt32(), end.GetProperty("attempts").GetInt32()));
    }

    [Fact]
    public async Task Whoever_comes_back_with_an_event_s_id_is_told_what_follows_it_and_204_at_the_end()
    {
        var run = await CreateAsync("""[{"skill":"say","params":{"text":1}},{"skill":"fail"}]""", ",\"wait\":30");
        await runner.Acme.SendAsync(HttpMethod.Post, $"/api/v1/runs/{run}/retry");
        await runner.Acme.GetAsync($"/api/v1/runs/{run}?wait=30");

        var all = await runner.Acme.AllEventsAsync(run);

        Assert.Equal(
            ["running 1", "step 0 step_0 say succeeded", "step 1 step_1 fail failed", "sealed failed 2", "running 2", "step .20 step_0 say succeeded", "step .21 step_1 fail failed", "sealed failed 2", "failed!"],
            all.Select(one => one.Words));
        Assert.Equal("broken", all[^1].Data.GetProperty("error").GetProperty("code").GetString());
        for (var i = 0; i < all.Count - 1; i++)
            Assert.Equal(all.Skip(i + 1).Select(one => (one.Id, one.Words)), (await runner.Acme.AllEventsAsync(run, all[i].Id)).Select(one => (one.Id, one.Words)));
        using var over = await runner.Acme.OpenAsync(run, all[^1].Id);
        Assert.Equal(HttpStatusCode.NoContent, over.StatusCode);
        var view = await runner.Acme.GetAsync($"/api/v1/runs/{run}");
        Assert.Equal(("2", "4"), (view["trace_count"], view["step_count"]));
        var listed = (await runner.Acme.GetAsync("/api/v1/runs?limit=200")).Body.GetProperty("items").EnumerateArray().Single(one => one.GetProperty("run_id").GetString() == run);
        Assert.Equal(4, listed.GetProperty("step_count").GetInt32());
    }

    [Fact]
    public async Task A_long_run_is_told_whole_after_its_end()
    {
        var steps = string.Join(',', Enumerable.Repeat("""{"skill":"say","params":{"text":1}}""", 200));
        var run = await CreateAsync($"[{steps}]", ",\"wait\":60,\"max_attempts\":1");

        var told = await runner.Acme.AllEventsAsync(run);

        Assert.Equal(Enumerable.Range(0, 200), told.Where(one => one.Type == "step").Select(one => one.Data.GetProperty("index").GetInt32()));
        Assert.Equal("succeeded!", told[^1].Words);
    }

    [Fact]
    public async Task Refusals_are_problems()
    {
        var run = await CreateAsync(Plan);

        (await runner.Other.GetAsync($"/api/v1/runs/{run}/events")).IsProblem(404, "/problems/not-found");
        (await runner.Acme.GetAsync("/api/v1/runs/nothing/events")).IsProblem(404, "/problems/not-found");
        (await runner.Anonymous.GetAsync($"/api/v1/runs/{run}/events")).IsProblem(401, "/problems/unauthorized");
        (await runner.Acme.SendAsync(HttpMethod.Get, $"/api/v1/runs/{run}/events", null, "", ("Last-Event-ID", "7"))).IsProblem(400, "/problems/invalid-request").Names("Last-Event-ID");
    }

    private async Task<string> CreateAsync(string plan, string more = "") =>
        (await runner.Acme.PostAsync("/api/v1/runs", ApiClient.Run(await runner.Acme.CreateAgentAsync(), plan, more)))["run_id"]!;
}
