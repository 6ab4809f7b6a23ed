using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Postgres;
using RunProof.Testing;

namespace RunProof.Cli.Tests;

/// <summary>
/// A real database with two runs that the real recorder recorded, and a runner and verifier that say about them what an honest pair would say, whatever
/// becomes of the evidence afterwards.
/// </summary>
internal sealed class ValidationScene : IAsyncDisposable
{
    private static readonly TenantId Tenant = TenantId.Parse("dev");

    private readonly Dictionary<string, JsonObject> _proofs = new(StringComparer.Ordinal);
    private readonly Dictionary<string, JsonObject> _runs = new(StringComparer.Ordinal);

    private ValidationScene(TestDatabase database, FakeService services) => (Database, Services) = (database, services);

    internal TestDatabase Database { get; }

    internal FakeService Services { get; }

    internal Dictionary<string, string?> Environment => new(Services.Environment)
    {
        ["ConnectionStrings__runproofdb"] = Database.AuditorConnectionString,
    };

    internal static async Task<ValidationScene> CreateAsync(PostgresFixture postgres)
    {
        var scene = new ValidationScene(await postgres.CreateMigratedDatabaseAsync(), await FakeService.StartAsync());
        await DatabaseCommandTests.ExecuteAsync(
            scene.Database.AdminConnectionString,
            "INSERT INTO runproof.tenants (tenant_id) VALUES ('dev'); INSERT INTO agents (tenant_id, id, name, created_at) VALUES ('dev', 'runproof-validation', 'v', now())");
        await scene.RecordAsync("stub", [("http_call", "{\"method\":\"GET\",\"url\":\"http://127.0.0.1/demo/zen\"}", "{\"body\":\"Responsive is better than fast.\",\"status_code\":200}")]);
        await scene.RecordAsync("given", [.. Enumerable.Repeat(("echo", "{\"message\":\"the same\"}", "{\"message\":\"the same\"}"), 3)]);
        scene.Services.Otherwise = scene.Answer;
        return scene;
    }

    /// <summary>What <c>validate</c> would look at, with a judge of the test's choice.</summary>
    internal async Task<ValidationReport> ValidateAsync(IEvidenceJudge judge, string? connection = null)
    {
        var builder = new NpgsqlConnectionStringBuilder(connection ?? Database.AuditorConnectionString);
        await using var source = NpgsqlDataSource.Create(builder);
        using var http = new HttpClient();
        var scene = new Scene
        {
            Runner = new ApiClient("runner", new Uri(Services.Url + "/"), FakeService.Key, http),
            Verifier = new ApiClient("verifier", new Uri(Services.Url + "/"), FakeService.Key, http),
            Database = new EvidenceDatabase(builder, source),
            Judge = judge,
            Clock = TimeProvider.System,
            Assemblies = CliProcess.Folder,
        };
        return await Validation.RunAsync(scene, TestContext.Current.CancellationToken);
    }

    /// <summary>Changes evidence as only an owner can who takes the guards away first.</summary>
    internal Task TamperAsync(string sql) => DatabaseCommandTests.ExecuteAsync(
        Database.AdminConnectionString,
        $"ALTER TABLE aos_traces DISABLE TRIGGER ALL; ALTER TABLE aos_trace_steps DISABLE TRIGGER ALL; {sql}; ALTER TABLE aos_traces ENABLE TRIGGER ALL; ALTER TABLE aos_trace_steps ENABLE TRIGGER ALL");

    public ValueTask DisposeAsync() => Services.DisposeAsync();

    private async Task RecordAsync(string planner, (string Skill, string Params, string Outcome)[] steps)
    {
        var start = WireTime.Truncate(TimeProvider.System.GetUtcNow());
        var id = Guid.CreateVersion7(start).ToString("D");
        await using var source = NpgsqlDataSource.Create(Database.RunnerConnectionString);
        await StoreAsync(source, id, planner, start);
        await using var recorder = new Recorder(
            new PostgresRecordingStore(source), new Redactor(), new RandomSaltSource(), TimeProvider.System, new RecorderOptions(), NullLogger<Recorder>.Instance);
        var session = await recorder.OpenAsync(Opening(id, planner, start), TestContext.Current.CancellationToken);
        foreach (var (skill, parameters, outcome) in steps)
            await session.AppendAsync(Step(skill, parameters, outcome, start), null, TestContext.Current.CancellationToken);
        var closing = new TraceClosing { Status = SealStatus.Completed, CompletedAt = start.AddMilliseconds(300), Metadata = CanonicalJson.Parse("{\"steps\":1}"u8) };
        var root = await session.SealAsync(closing, TestContext.Current.CancellationToken);
        _runs[planner] = Run(id, planner);
        _proofs[id] = Proof(id, root, steps);
    }

    private static async Task StoreAsync(NpgsqlDataSource source, string id, string planner, DateTimeOffset start)
    {
        var run = new Run
        {
            TenantId = Tenant,
            Id = RunId.Parse(id),
            AgentId = AgentId.Parse("runproof-validation"),
            Goal = "RunProof validation run",
            OriginSystemId = "runproof-validate",
            CorrelationId = CorrelationId.Parse(id),
            Planner = planner,
            PlanJson = "[]",
            PlanRedacted = false,
            Status = RunStatus.Queued,
            CreatedAt = start,
            Worker = "test",
            LeaseUntil = start.AddMinutes(1),
        };
        var store = new PostgresRunStore(source);
        await store.CreateAsync(run, TestContext.Current.CancellationToken);
        await store.StartAsync(Tenant, run.Id, "test", start, start.AddMinutes(1), TestContext.Current.CancellationToken);
        await store.FinishAsync(Tenant, run.Id, "test", new RunEnd(RunStatus.Succeeded, start.AddSeconds(1), 300, 1, null, null), TestContext.Current.CancellationToken);
    }

    private static TraceOpening Opening(string id, string planner, DateTimeOffset start) => new()
    {
        TenantId = Tenant,
        TraceId = TraceId.Parse("trace_" + id),
        RunId = RunId.Parse(id),
        AgentId = AgentId.Parse("runproof-validation"),
        CorrelationId = CorrelationId.Parse(id),
        OriginSystemId = "runproof-validate",
        Planner = planner,
        IsSynthetic = true,
        SyntheticScenarioId = "runproof-validate",
        StartedAt = start,
        Goal = CanonicalJson.Parse("\"RunProof validation run\""u8),
        Plan = CanonicalJson.Parse("[]"u8),
        Context = CanonicalJson.Parse("{\"worker\":\"test\"}"u8),
    };

    private static StepRecording Step(string skill, string parameters, string outcome, DateTimeOffset start) => new()
    {
        SkillId = skill,
        SkillName = skill,
        SkillVersion = "1.0.0",
        Status = StepStatus.Succeeded,
        Decision = Decisions.Allowed,
        OutcomeCategory = "SUCCESS",
        CostCents = 0.25m,
        DurationMs = 227.6,
        Timestamp = start,
        Parameters = CanonicalJson.Parse(System.Text.Encoding.UTF8.GetBytes(parameters)),
        Outcome = CanonicalJson.Parse(System.Text.Encoding.UTF8.GetBytes(outcome)),
        Context = CanonicalJson.Parse("{\"attempt\":1}"u8),
    };

    private static JsonObject Run(string id, string planner) =>
        new() { ["run_id"] = id, ["agent_id"] = "runproof-validation", ["goal"] = "RunProof validation run", ["planner"] = planner, ["status"] = "succeeded", ["trace_id"] = "trace_" + id, ["duration_ms"] = 300 };

    private static JsonObject Proof(string id, Digest root, (string Skill, string Params, string Outcome)[] steps)
    {
        // Spelled out, not asked of the code under test: H(run_id ‖ "0:http_call:success" …).
        var text = id + string.Concat(steps.Select((step, at) => string.Create(CultureInfo.InvariantCulture, $"{at}:{step.Skill}:success")));
        return new JsonObject
        {
            ["run_id"] = id,
            ["tenant_id"] = "dev",
            ["verification_status"] = "VERIFIED",
            ["chain_length"] = steps.Length,
            ["root_hash"] = root.ToString(),
            ["trace_count"] = 1,
            ["step_count"] = steps.Length,
            ["checks"] = new JsonArray(
                new JsonObject { ["name"] = "HASH_CHAIN", ["status"] = "passed", ["detail"] = "all" },
                new JsonObject { ["name"] = "LOG_INCLUSION", ["status"] = "not_done", ["detail"] = "no log yet" }),
            ["aos_fingerprint"] = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(text))),
            ["verified_at"] = "2026-02-10T12:00:00.000000Z",
        };
    }

    private FakeService.Reply Answer(HttpContext context)
    {
        var (method, path) = (context.Request.Method, context.Request.Path.Value!);
        if (path == "/health")
            return new(200, """{"status":"Healthy","checks":[{"name":"PostgreSql","status":"Healthy","description":null},{"name":"schema","status":"Healthy","description":"schema version 5"}]}""");
        if (context.Request.Headers.Authorization.Count == 0)
            return FakeService.Problem(401, "unauthorized", "a key is needed");
        if (path == "/api/v1/skills")
            return new(200, """{"items":[{"name":"echo","version":"1.0.0","schema":"00"},{"name":"http_call","version":"1.0.0","schema":"00"}]}""");
        if (path == "/api/v1/agents")
            return FakeService.Problem(409, "duplicate", "it is there already");
        if (method == "POST" && path == "/api/v1/runs")
            return new(200, _runs[JsonDocument.Parse((string)context.Items["body"]!).RootElement.GetProperty("planner").GetString()!].ToJsonString());
        if (path.EndsWith("/proof", StringComparison.Ordinal) && _proofs.TryGetValue(path.Split('/')[^2], out var proof))
        {
            var copy = proof.DeepClone();
            copy["integrity_model"] = context.Request.Query["model"].ToString();
            return new(200, copy.ToJsonString());
        }

        return FakeService.Problem(404, "not-found", "there is no such run");
    }
}
