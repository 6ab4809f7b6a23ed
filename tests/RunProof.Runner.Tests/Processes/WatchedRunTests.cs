namespace RunProof.Runner.Tests;

/// <summary>Runners die and others go on: who watches is told every event once all the same.</summary>
public sealed class WatchedRunTests(RunnerFixture fixture)
{
    private static readonly (string, string) Lease = ("RunProof__Runner__LeaseSeconds", "2");

    [Fact]
    public async Task A_watch_goes_on_at_another_runner_when_its_own_and_the_run_s_are_killed()
    {
        var database = await fixture.CreateDatabaseAsync();
        var key = await Store.CreateKeyAsync(database, "acme", "runner");
        await using var first = await RunnerProcess.StartAsync(database.RunnerConnectionString, Lease);
        await using var other = await RunnerProcess.StartAsync(database.RunnerConnectionString, Lease);
        var (here, elsewhere) = (await first.ClientAsync(key), await other.ClientAsync(key));
        var steps = string.Join(',', Enumerable.Range(0, 30).Select(i => $$"""{"id":"s{{i}}","params":{"ms":100},"skill":"wait"}"""));
        var run = (await here.PostAsync("/api/v1/runs", ApiClient.Run(await here.CreateAgentAsync(), $"[{steps}]")))["run_id"]!;
        // One watches where the run is executed, one where it is not.
        var watcher = elsewhere.AllEventsAsync(run);

        var told = new List<Told>();
        await foreach (var one in here.EventsAsync(run))
        {
            told.Add(one);
            if (told.Count == 10)
                await first.KillAsync();
        }

        told.AddRange(await elsewhere.AllEventsAsync(run, told[^1].Id));

        string[] expected = ["running 1", .. Enumerable.Range(0, 30).Select(i => $"step {i} s{i} wait succeeded"), "sealed completed 30", "succeeded!"];
        Assert.Equal(expected, told.Select(one => one.Words).Where(words => words != "queued 0"));
        Assert.Equal(expected, (await watcher).Select(one => one.Words).Where(words => words != "queued 0"));
        Assert.InRange(told.Count, 33, 34);
    }

    [Fact]
    public async Task A_runner_opens_as_many_streams_as_it_may_and_ends_them_when_it_stops()
    {
        var database = await fixture.CreateDatabaseAsync();
        var key = await Store.CreateKeyAsync(database, "acme", "runner");
        await using var runner = await RunnerProcess.StartAsync(database.RunnerConnectionString, ("RunProof__Runner__MaxEventStreams", "4"));
        var client = await runner.ClientAsync(key);
        var run = (await client.PostAsync("/api/v1/runs", ApiClient.Run(await client.CreateAgentAsync(), """[{"skill":"wait","params":{"ms":20000}}]""")))["run_id"]!;
        using var one = await client.OpenAsync(run);
        using var two = await client.OpenAsync(run);
        (await TryAsync(client, run)).IsProblem(429, "/problems/too-many-streams");
        var told = two.Content.ReadAsStringAsync();
        Assert.Equal(0, await runner.TerminateAsync());
        Assert.Contains("event: status", await told);
        Assert.DoesNotContain("event: end", await told);
    }

    private static async Task<Answer> TryAsync(ApiClient client, string run)
    {
        using var response = await client.OpenAsync(run);
        var text = response.IsSuccessStatusCode ? "{}" : await response.Content.ReadAsStringAsync();
        using var document = System.Text.Json.JsonDocument.Parse(text);
        return new Answer(response.StatusCode, document.RootElement.Clone(), response.Content.Headers.ContentType?.MediaType, response.Headers);
    }
}
