using System.Net;

namespace RunProof.Runner.Tests;

/// <summary>Two runners share the schedules of a database, and one is killed while it fires: no time is lost, none fires twice.</summary>
public sealed class ScheduledRunTests(RunnerFixture fixture)
{
    private const int Schedules = 12;
    private const int Missed = 20;

    [Fact]
    public async Task Times_fire_once_whoever_dies_while_they_do()
    {
        var database = await fixture.CreateDatabaseAsync();
        var key = await Store.CreateKeyAsync(database, "acme", "runner");
        await using var first = await RunnerProcess.StartAsync(database.RunnerConnectionString);
        await using var second = await RunnerProcess.StartAsync(database.RunnerConnectionString);
        var client = await second.ClientAsync(key);
        var agent = await client.CreateAgentAsync();
        var request = ApiClient.Run(agent, """[{"skill":"echo","params":{"message":1}}]""");
        for (var i = 0; i < Schedules; i++)
        {
            var body = $$"""{"cron":"* * * * *","catch_up":"all","catch_up_limit":100,"overlap":"allow","request":{{request}}}""";
            Assert.Equal(HttpStatusCode.Created, (await client.SendAsync(HttpMethod.Put, $"/api/v1/schedules/s{i}", body)).Status);
        }

        // As if no runner had been there for a while.
        await Store.ScalarAsync(database, $"UPDATE runproof.schedules SET next_due = date_trunc('minute', now()) - interval '{Missed} minutes', look_at = now()");
        for (var i = 0; await Store.ScalarAsync(database, "SELECT count(*) FROM runs WHERE idempotency_key LIKE 'schedule:%'") is not >= 15L; i++)
        {
            Assert.True(i < 12_000, "nothing fires");
            await Task.Delay(10);
        }

        await first.KillAsync();
        for (var i = 0; await Store.ScalarAsync(database, $"SELECT count(*) FROM runproof.schedules WHERE fired > {Missed}") is not (long)Schedules; i++)
        {
            Assert.True(i < 600, "not all fire");
            await Task.Delay(100);
        }

        // Every minute from the first to the last that fired, of every schedule, has its run, and only one.
        Assert.Equal((long)Schedules, await Store.ScalarAsync(database, """
            SELECT count(*) FROM runproof.schedules s CROSS JOIN LATERAL (
                SELECT count(*) AS runs, count(DISTINCT r.idempotency_key) AS keys FROM runs r WHERE r.tenant_id = s.tenant_id AND r.idempotency_key LIKE 'schedule:' || s.name || ':%') r
              WHERE r.runs = r.keys AND r.runs = s.fired AND s.skipped = 0
            """));
        Assert.Equal((long)Schedules, await Store.ScalarAsync(database, $"""
            SELECT count(*) FROM (
              SELECT split_part(r.idempotency_key, ':', 2) AS name, min(split_part(r.idempotency_key, ':', 3)), count(*) AS n,
                  max(substr(r.idempotency_key, strpos(r.idempotency_key, ':20') + 1)::timestamptz) - min(substr(r.idempotency_key, strpos(r.idempotency_key, ':20') + 1)::timestamptz) AS span
                FROM runs r GROUP BY 1) s
              WHERE s.span = make_interval(mins => (s.n - 1)::integer) AND s.n > {Missed}
            """));
        for (var i = 0; await Store.ScalarAsync(database, "SELECT 1 FROM runs WHERE completed_at IS NULL LIMIT 1") is not null; i++)
        {
            Assert.True(i < 600, "a run hangs");
            await Task.Delay(100);
        }

        Assert.Equal(await Store.ScalarAsync(database, "SELECT count(*) FROM runs"), await Store.ScalarAsync(database, "SELECT count(*) FROM aos_traces WHERE status = 'completed' AND context::json #>> '{schedule,due}' IS NOT NULL"));
    }
}
