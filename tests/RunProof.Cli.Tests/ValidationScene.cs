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
    private readonly Dictionary<string, JsonObject> _evidence = new(StringComparer.Ordinal);
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
        await scene.RecordStoppedAsync();
        await scene.RecordModelAsync();
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

    private Task RecordAsync(string planner, (string Skill, string Params, string Outcome)[] steps) =>
        RecordAsync(planner, planner, steps, start => [.. steps.Select(step => Step(step.Skill, step.Params, step.Outcome, start))], null);

    /// <summary>A run that was stopped before its second step, as the engine records it.</summary>
    private Task RecordStoppedAsync() => RecordAsync(
        "stopped", "given", [("echo", "", ""), ("echo", "", "")],
        start =>
        [
            Step("echo", "{}", "{}", start),
            Step("echo", "{}", "{}", start) with
            {
                Status = StepStatus.Blocked, Decision = Decisions.Denied, OutcomeCategory = "FAILURE", OutcomeCode = "budget_exceeded", Outcome = null, CostCents = 0,
            },
        ],
        "budget_exceeded");

    private Task RecordModelAsync() => RecordAsync(
        "model", "given", [("llm_invoke", "", "")],
        start =>
        [
            Step("llm_invoke", "{}", "{}", start) with
            {
                Context = CanonicalJson.Parse(
                    """
                    {"attempt":0,"usage":{"cached_tokens":0,"cost_cents":"0.0016","input_tokens":6,"model":"zen-1","output_tokens":5,"price_version":"demo-1","provider":"runproof-demo","reasoning_tokens":0,"response_id":null},"worker":"test"}
                    """u8),
            },
        ],
        null);

    private async Task RecordAsync(
        string kind, string planner, (string Skill, string Params, string Outcome)[] steps, Func<DateTimeOffset, StepRecording[]> recordings, string? error)
    {
        var start = WireTime.Truncate(TimeProvider.System.GetUtcNow());
        var id = Guid.CreateVersion7(start).ToString("D");
        await using var source = NpgsqlDataSource.Create(Database.RunnerConnectionString);
        await StoreAsync(source, id, planner, start);
        await using var recorder = new Recorder(
            new PostgresRecordingStore(source), new Redactor(), new RandomSaltSource(), TimeProvider.System, new RecorderOptions(), NullLogger<Recorder>.Instance);
        var session = await recorder.OpenAsync(Opening(id, planner, start), TestContext.Current.CancellationToken);
        foreach (var recording in recordings(start))
            await session.AppendAsync(recording, null, TestContext.Current.CancellationToken);
        var metadata = error is null ? "{\"steps\":1}" : $"{{\"error\":{{\"code\":\"{error}\",\"message\":\"x\"}},\"steps\":1}}";
        var closing = new TraceClosing
        {
            Status = error is null ? SealStatus.Completed : SealStatus.Failed, CompletedAt = start.AddMilliseconds(300),
            Metadata = CanonicalJson.Parse(System.Text.Encoding.UTF8.GetBytes(metadata)),
        };
        var root = await session.SealAsync(closing, TestContext.Current.CancellationToken);
        await new PostgresRunStore(source).FinishAsync(
            Tenant, RunId.Parse(id), "test", new RunEnd(error is null ? RunStatus.Succeeded : RunStatus.Failed, start.AddSeconds(1), 300, 1, error, null), TestContext.Current.CancellationToken);
        _runs[kind] = Run(id, planner, error);
        _proofs[id] = Proof(id, root, steps);
        _evidence[id] = SideRecordsOf(id, kind);
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

    private static JsonObject Run(string id, string planner, string? error) =>
        new() { ["error"] = error is null ? null : new JsonObject { ["code"] = error, ["message"] = "x" }, ["run_id"] = id, ["agent_id"] = "runproof-validation", ["goal"] = "RunProof validation run", ["planner"] = planner, ["status"] = error is null ? "succeeded" : "failed", ["trace_id"] = "trace_" + id, ["duration_ms"] = 300 };

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

    /// <summary>What an honest verifier says of them, whatever becomes of them afterwards.</summary>
    private static JsonObject SideRecordsOf(string id, string kind)
    {
        static JsonObject Table(int rows) => new() { ["is_there"] = true, ["expected"] = rows, ["observed"] = rows, ["equal"] = rows, ["missing"] = new JsonArray(), ["rows"] = new JsonArray() };
        var stopped = kind == "stopped" ? 1 : 0;
        return new JsonObject
        {
            ["run_id"] = id,
            ["verification_status"] = "VERIFIED",
            ["side_records"] = new JsonObject { ["status"] = "complete", ["score"] = "all", ["findings"] = new JsonArray() },
            ["governance_records"] = Table(stopped),
            ["incidents"] = Table(stopped),
            ["integrity_evidence"] = Table(1),
            ["llm_run_records"] = Table(kind == "model" ? 1 : 0),
            ["policy_evaluations"] = Table(1 + stopped),
        };
    }

    private static string KindOf(JsonElement request) => request.TryGetProperty("budget", out _) ? "stopped"
        : request.TryGetProperty("plan", out var plan) && plan[0].GetProperty("skill").GetString() == "llm_invoke" ? "model"
        : request.GetProperty("planner").GetString()!;

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
            return new(200, _runs[KindOf(JsonDocument.Parse((string)context.Items["body"]!).RootElement)].ToJsonString());
        if (path.EndsWith("/evidence", StringComparison.Ordinal) && _evidence.TryGetValue(path.Split('/')[^2], out var evidence))
            return new(200, evidence.ToJsonString());
        if (path.EndsWith("/proof", StringComparison.Ordinal) && _proofs.TryGetValue(path.Split('/')[^2], out var proof))
        {
            var copy = proof.DeepClone();
            copy["integrity_model"] = context.Request.Query["model"].ToString();
            return new(200, copy.ToJsonString());
        }

        return FakeService.Problem(404, "not-found", "there is no such run");
    }
}
