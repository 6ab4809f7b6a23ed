using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using Npgsql;
using RunProof.EmbeddedPostgres;
using RunProof.Format;
using RunProof.Postgres;
using RunProof.Testing;
using RunProof.Verification;

namespace RunProof.Runner.Tests;

/// <summary>
/// Runners and the database die under load, again and again. What must hold whatever dies: no accepted run is lost or stuck, no recorded step is executed again, no
/// effect is without its step, and every trace is sealed and verifies. How many rounds: the variable <c>RUNPROOF_TEST_KILL_ROUNDS</c>.
/// </summary>
public sealed class DurabilityTests(RunnerFixture fixture, ITestOutputHelper output) : IDisposable
{
    private const int Runners = 3;
    private const int InFlight = 200;
    private const string Plan =
        """
        [{"id":"a","skill":"leave_mark","params":{"mark":"a"},"on_error":"continue"},
         {"id":"b","skill":"leave_mark_again","params":{"mark":"b"}},
         {"id":"c","skill":"wait","params":{"ms":150}},
         {"id":"d","skill":"leave_mark","params":{"mark":"d"},"on_error":"continue"},
         {"id":"e","skill":"wait","params":{"ms":150}},
         {"id":"f","skill":"leave_mark","params":{"mark":"f"}},
         {"id":"g","skill":"echo","params":{"message":"{{steps.b.mark}}"}}]
        """;

    private static readonly int Rounds = int.TryParse(Environment.GetEnvironmentVariable("RUNPROOF_TEST_KILL_ROUNDS"), CultureInfo.InvariantCulture, out var rounds) ? rounds : 5;

    private readonly string _marks = Directory.CreateTempSubdirectory("runproof-marks-").FullName;

    public void Dispose() => Directory.Delete(_marks, recursive: true);

    [Fact]
    public async Task Runners_that_are_killed_under_load_lose_nothing_and_do_nothing_twice()
    {
        var database = await fixture.CreateDatabaseAsync();
        await using var scene = await Scene.StartAsync(database, _marks);
        var clock = Stopwatch.StartNew();
        for (var round = 0; round < Rounds; round++)
        {
            await scene.FillAsync(InFlight);
            await Task.Delay(300);
            await scene.KillAndReplaceAsync(round % Runners);
        }

        await JudgeAsync(database, scene, $"{Rounds} kills of {Runners} runners", clock);
    }

    [Fact]
    public async Task A_database_that_is_killed_under_load_loses_nothing()
    {
        var folder = Path.Combine(Path.GetTempPath(), $"runproof-killed-{Guid.NewGuid():N}"[..24]);
        try
        {
            var server = await StartServerAsync(folder, port: 0);
            var port = server.Port;
            var database = await MigratedAsync(server);
            await using var scene = await Scene.StartAsync(database, _marks);
            var clock = Stopwatch.StartNew();
            var rounds = Math.Max(2, Rounds / 5);
            for (var round = 0; round < rounds; round++)
            {
                await scene.FillAsync(InFlight / 2);
                await Task.Delay(300);
                Assert.Equal(0, RunnerProcess.Signal(server.ProcessId, RunnerProcess.SigKill));
                await server.Ended;
                await server.DisposeAsync();
                server = await StartServerAsync(folder, port);
            }

            await JudgeAsync(database, scene, $"{rounds} kills of PostgreSQL", clock);
            NpgsqlConnection.ClearAllPools();
            await server.DisposeAsync();
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task A_runner_that_is_frozen_until_its_lease_has_passed_on_appends_nothing_more()
    {
        var database = await fixture.CreateDatabaseAsync();
        var key = await Store.CreateKeyAsync(database, "acme", "runner");
        await using var frozen = await RunnerProcess.StartAsync(database.RunnerConnectionString, Scene.Lease);
        var client = await frozen.ClientAsync(key);
        var run = await client.PostAsync("/api/v1/runs", ApiClient.Run(
            await client.CreateAgentAsync(), """[{"skill":"echo","params":{"message":1}},{"skill":"wait","params":{"ms":6000}},{"skill":"echo","params":{"message":2}}]"""));
        await UntilAsync(database, "SELECT 1 FROM aos_trace_steps WHERE trace_id = $1", run["trace_id"]!);
        var first = await Store.ScalarAsync(database, "SELECT worker FROM runs WHERE id = $1", run["run_id"]!);
        frozen.Freeze();
        await using var heir = await RunnerProcess.StartAsync(database.RunnerConnectionString, Scene.Lease);
        await UntilAsync(database, "SELECT 1 FROM runs WHERE id = $1 AND worker <> $2", run["run_id"]!, first!);
        frozen.Thaw();

        var ended = await (await heir.ClientAsync(key)).GetAsync($"/api/v1/runs/{run["run_id"]}?wait=60");

        Assert.Equal(("succeeded", "1"), (ended["status"], ended["attempts"]));
        Assert.NotEqual(first, await Store.ScalarAsync(database, "SELECT worker FROM runs WHERE id = $1", run["run_id"]!));
        // Awake again, the first one ended its wait while the trace was open still: its step was refused, and it knows why.
        for (var i = 0; !frozen.Output.Contains("has been taken over by another process", StringComparison.Ordinal); i++)
        {
            Assert.True(i < 300, frozen.Output);
            await Task.Delay(100);
        }

        Assert.Equal(1L, await Store.ScalarAsync(database, "SELECT count(DISTINCT context::json ->> 'worker') FROM aos_trace_steps WHERE trace_id = $1 AND step_index > 0", run["trace_id"]!));
        Assert.Equal("echo wait echo", await Store.ScalarAsync(database, "SELECT string_agg(skill_name, ' ' ORDER BY step_index) FROM aos_trace_steps WHERE trace_id = $1", run["trace_id"]!));
        Assert.Equal("VERIFIED", Assert.Single(await VerdictsAsync(database)).Verdict);
        // It is none the worse for it.
        var another = await client.PostAsync("/api/v1/runs", ApiClient.Run(await client.CreateAgentAsync(), """[{"skill":"echo","params":{"message":3}}]""", ",\"wait\":30"));
        Assert.Equal("succeeded", another["status"]);
    }

    private async Task JudgeAsync(TestDatabase database, Scene scene, string what, Stopwatch clock)
    {
        var left = clock.Elapsed;
        await UntilAsync(database, "SELECT 1 WHERE NOT EXISTS (SELECT FROM runs WHERE status IN ('queued', 'running', 'paused'))");
        var settled = clock.Elapsed - left;

        // No accepted run lost, none stuck.
        var known = Convert.ToInt64(await Store.ScalarAsync(database, "SELECT count(*) FROM runs"), CultureInfo.InvariantCulture);
        foreach (var accepted in scene.Accepted)
            Assert.True(await Store.ScalarAsync(database, "SELECT 1 FROM runs WHERE id = $1", accepted) is not null, $"run {accepted} was accepted and is not there");
        Assert.Equal(0L, await Store.ScalarAsync(database, "SELECT count(*) FROM aos_traces WHERE status = 'running'"));
        Assert.Equal(0L, await Store.ScalarAsync(database, "SELECT count(*) FROM runproof.trace_heads"));
        Assert.Equal(0L, await Store.ScalarAsync(database, "SELECT count(*) FROM runproof.run_queue"));

        // No effect twice but where a step may be repeated, and no effect without its step.
        var marks = Directory.EnumerateFiles(_marks).Select(file => Path.GetFileNameWithoutExtension(file).Replace('_', ':')).GroupBy(key => key).ToDictionary(key => key.Key, key => key.Count());
        var steps = await RowsAsync(database, "SELECT idempotency_key, skill_name, status FROM aos_trace_steps WHERE skill_name LIKE 'leave_mark%'");
        Assert.Empty(steps.GroupBy(step => step.Key).Where(step => step.Count() > 1).Select(step => step.Key));
        var byKey = steps.ToDictionary(step => step.Key);
        Assert.DoesNotContain(marks.Keys, mark => !byKey.ContainsKey(mark));
        Assert.Empty(marks.Where(mark => byKey[mark.Key].Skill == "leave_mark" && mark.Value > 1).Select(mark => mark.Key));
        Assert.Empty(steps.Where(step => step.Status == "succeeded" && !marks.ContainsKey(step.Key)).Select(step => step.Key));

        // Every trace whole.
        var verdicts = await VerdictsAsync(database);
        Assert.DoesNotContain(verdicts, verdict => verdict.Verdict != "VERIFIED");
        var interrupted = steps.Count(step => step.Status == "interrupted");
        var resumed = await Store.ScalarAsync(database, "SELECT count(*) FROM aos_trace_steps WHERE context::json ->> 'resumed' = 'true'");
        var ends = await Store.ScalarAsync(database, "SELECT string_agg(status || ' ' || n, ', ') FROM (SELECT status, count(*) AS n FROM runs GROUP BY status ORDER BY status) s");
        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{what} in {left.TotalSeconds:0} s, settled {settled.TotalSeconds:0} s later: {known} runs ({ends}), {scene.Accepted.Count} accepted, {verdicts.Count} traces sealed and VERIFIED, {marks.Values.Sum()} effects, {interrupted} interrupted, {resumed} repeated"));
        Assert.True(known >= InFlight / 2, "there was no load");
    }

    private static async Task<List<(string Key, string Skill, string Status)>> RowsAsync(TestDatabase database, string sql)
    {
        await using var source = NpgsqlDataSource.Create(database.AdminConnectionString);
        await using var command = source.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<(string, string, string)>();
        while (await reader.ReadAsync())
            rows.Add((reader.GetString(0), reader.GetString(1), reader.GetString(2)));
        return rows;
    }

    private static async Task<List<(string Trace, string Verdict)>> VerdictsAsync(TestDatabase database)
    {
        var runs = await RowsAsync(database, "SELECT id, tenant_id, status FROM runs");
        await using var source = NpgsqlDataSource.Create(database.VerifierConnectionString);
        var verdicts = new List<(string, string)>();
        await using var snapshot = await new PostgresEvidenceStore(source).OpenAsync(TenantId.Parse("acme"), default);
        foreach (var (id, tenant, status) in runs)
        {
            foreach (var trace in await snapshot.ReadTracesAsync(RunId.Parse(id), payloads: true, default))
            {
                var verifier = TraceVerifier.Begin(trace, new VerificationOptions
                {
                    Tenant = TenantId.Parse(tenant), Run = RunId.Parse(id), RunHasEnded = true, RunSucceeded = status == "succeeded",
                });
                await foreach (var step in snapshot.ReadStepsAsync(trace.TraceId, payloads: true, default))
                    verifier.Add(step);
                verdicts.Add((trace.TraceId, verifier.Finish().Verdict.Name));
            }
        }

        return verdicts;
    }

    private static async Task UntilAsync(TestDatabase database, string sql, params object[] values)
    {
        for (var i = 0; ; i++)
        {
            if (await Store.ScalarAsync(database, sql, values) is not null)
                return;
            Assert.True(i < 1_800, $"never: {sql}");
            await Task.Delay(100);
        }
    }

    private static Task<EmbeddedPostgresServer> StartServerAsync(string folder, int port) => EmbeddedPostgresServer.StartAsync(new EmbeddedPostgresOptions
    {
        Folder = folder,
        Port = port,
        Settings = new Dictionary<string, string>(StringComparer.Ordinal) { ["max_connections"] = "400", ["fsync"] = "off" },
    });

    private static async Task<TestDatabase> MigratedAsync(EmbeddedPostgresServer server)
    {
        var admin = server.ConnectionString("postgres") + ";Max Auto Prepare=0;No Reset On Close=true";
        var passwords = new RolePasswords(TestDatabase.RolePassword, TestDatabase.RolePassword, TestDatabase.RolePassword);
        await SchemaMigrator.MigrateAsync(admin, passwords, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance, default);
        return new TestDatabase("postgres", admin);
    }

    /// <summary>Three runners over one database, and somebody who always wants more.</summary>
    private sealed class Scene : IAsyncDisposable
    {
        internal static readonly (string, string) Lease = ("RunProof__Runner__LeaseSeconds", "2");

        private readonly TestDatabase _database;
        private readonly string _key;
        private readonly (string, string)[] _variables;
        private readonly RunnerProcess[] _runners = new RunnerProcess[Runners];
        private readonly ApiClient[] _clients = new ApiClient[Runners];
        private string _agent = "";

        private Scene(TestDatabase database, string key, string marks)
        {
            (_database, _key) = (database, key);
            _variables = [.. LeaveMark.Plugged(marks), Lease, ("RunProof__Runner__Concurrency", "70")];
        }

        public ConcurrentBag<string> Accepted { get; } = [];

        public static async Task<Scene> StartAsync(TestDatabase database, string marks)
        {
            var scene = new Scene(database, await Store.CreateKeyAsync(database, "acme", "runner"), marks);
            await Task.WhenAll(Enumerable.Range(0, Runners).Select(scene.StartAsync));
            scene._agent = await scene._clients[0].CreateAgentAsync();
            return scene;
        }

        /// <summary>Asks for runs until so many are under way.</summary>
        public async Task FillAsync(int runs)
        {
            var underWay = Convert.ToInt32(await AskPatientlyAsync("SELECT count(*) FROM runs WHERE status IN ('queued', 'running')"), CultureInfo.InvariantCulture);
            await Parallel.ForEachAsync(Enumerable.Range(0, Math.Max(0, runs - underWay)), new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (i, _) => await SubmitAsync(i));
        }

        public async Task KillAndReplaceAsync(int which)
        {
            await _runners[which].KillAsync();
            await _runners[which].DisposeAsync();
            await StartAsync(which);
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var runner in _runners)
                await runner.DisposeAsync();
        }

        private async Task StartAsync(int which)
        {
            _runners[which] = await RunnerProcess.StartAsync(_database.RunnerConnectionString, _variables);
            _clients[which] = await _runners[which].ClientAsync(_key);
        }

        // The same request under the same key until somebody says yes.
        private async Task SubmitAsync(int i)
        {
            var body = ApiClient.Run(_agent, Plan, $",\"idempotency_key\":\"{Guid.NewGuid():N}\"");
            for (var attempt = 0; ; attempt++)
            {
                try
                {
                    var answer = await _clients[(i + attempt) % Runners].PostAsync("/api/v1/runs", body);
                    if (answer.Status is HttpStatusCode.Accepted or HttpStatusCode.OK)
                    {
                        Accepted.Add(answer["run_id"]!);
                        return;
                    }

                    Assert.True(attempt < 300 && (int)answer.Status >= 500, answer.Body.ToString());
                }
                catch (Exception away) when (away is HttpRequestException or TaskCanceledException && attempt < 300)
                {
                    // That one is dead, or the database is.
                }

                await Task.Delay(100);
            }
        }

        private async Task<object?> AskPatientlyAsync(string sql)
        {
            for (var attempt = 0; ; attempt++)
            {
                try
                {
                    return await Store.ScalarAsync(_database, sql);
                }
                catch (NpgsqlException) when (attempt < 300)
                {
                    await Task.Delay(100);
                }
            }
        }
    }
}
