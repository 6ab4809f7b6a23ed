using RunProof.Testing;

namespace RunProof.Runner.Tests;

/// <summary>What a service says in whatever way of its own key is in no table and no line of the log; and nothing that it says keeps a step from being recorded.</summary>
public sealed class ModelSecretTests(RunnerFixture fixture)
{
    [Fact]
    public async Task The_services_key_and_address_are_in_no_table_and_no_line_of_the_log()
    {
        var said = new Queue<ModelTurn>(
        [
            ModelTurn.Fails(500, "server_error", $"Bad gateway for Bearer {ModelServer.ApiKey}"),
            ModelTurn.Fails(429, "rate_limit_exceeded", $"Too many of {ModelServer.ApiKey}") with { Headers = new Dictionary<string, string> { ["Retry-After"] = "0.1", ["x-key"] = ModelServer.ApiKey } },
            ModelTurn.Says($"Your key is {ModelServer.ApiKey}.\0And a NUL."),
            ModelTurn.Fails(401, "invalid_api_key", $"Incorrect API key provided: {ModelServer.ApiKey}."),
        ]);
        await using var model = await ModelServer.StartAsync(_ =>
        {
            lock (said)
                return said.Dequeue();
        });
        var database = await fixture.CreateDatabaseAsync();
        await using var runner = await RunnerProcess.StartAsync(
            database.RunnerConnectionString, ("Logging__LogLevel__Default", "Debug"), ("RunProof__Models__small__Endpoint", model.Endpoint), ("RunProof__Models__small__Model", ModelServer.Model),
            ("RunProof__Models__small__ApiKey", ModelServer.ApiKey), ("RunProof__Models__small__Provider", "test"));
        var client = await runner.ClientAsync(await Store.CreateKeyAsync(database, "acme", "runner"));
        const string Ask = "\"skill\":\"llm_invoke\",\"params\":{\"model\":\"small\",\"messages\":[{\"role\":\"user\",\"content\":\"Well?\"}]}";

        var run = await client.PostAsync("/api/v1/runs", ApiClient.Run(
            await client.CreateAgentAsync(), $$$"""[{"id":"a",{{{Ask}}},"on_error":"retry","retry":{"backoff_ms":10}},{"id":"b",{{{Ask}}} }]""", ",\"wait\":120"));

        Assert.Equal(("failed", "key_refused"), (run["status"], run.Body.GetProperty("error").GetProperty("code").GetString()));
        Assert.Equal("retrying, retrying, succeeded, failed", await Store.ScalarAsync(database, "SELECT string_agg(status, ', ' ORDER BY step_index) FROM aos_trace_steps"));
        Assert.Contains("Your key is [masked].\\u0000And a NUL.", (string)(await Store.ScalarAsync(database, "SELECT outcome_data FROM aos_trace_steps WHERE status = 'succeeded'"))!, StringComparison.Ordinal);
        var address = new Uri(model.Endpoint).Authority;
        var tables = (string)(await Store.ScalarAsync(
            database, "SELECT string_agg(oid::regclass::text, ' ') FROM pg_class WHERE relkind = 'r' AND relnamespace IN ('public'::regnamespace, 'runproof'::regnamespace)"))!;
        foreach (var table in tables.Split(' '))
            Assert.Equal((table, 0L), (table, await Store.ScalarAsync(database, $"SELECT count(*) FROM {table} t WHERE strpos(t::text, $1) > 0 OR strpos(t::text, $2) > 0", ModelServer.ApiKey, address)));
        Assert.Contains("dbug: ", runner.Output);
        Assert.DoesNotContain(ModelServer.ApiKey, runner.Output);
    }
}
