using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Policies;
using RunProof.Postgres;
using RunProof.Testing;

namespace RunProof.Verifier.Tests;

/// <summary>Runs whose every kind of side record there is, recorded as the services do it: the runner's role, the real recorder, decisions of the real gate.</summary>
internal sealed class SideRecordScene : IAsyncDisposable
{
    internal static readonly TenantId Tenant = TenantId.Parse("acme");
    internal static readonly TenantId Other = TenantId.Parse("other");

    private const string Policy = """
        {"policy":"guard","version":"7","default":"allow","rules":[
          {"id":"no-echo","when":{"skill":"echo"},"effect":"deny","reason":"not here"},
          {"id":"some-fetch","when":{"skill":"fetch"},"effect":"limit","limit":{"calls":20},"reason":"not too many"}]}
        """;

    internal const string Usage =
        """{"attempt":0,"usage":{"cached_tokens":3,"cost_cents":"0.1250","input_tokens":1200,"model":"m-1","output_tokens":40,"price_version":"2026-01","provider":"local","reasoning_tokens":0,"response_id":"r-1"},"worker":"w"}""";

    private readonly Recorder _recorder;
    private readonly VerifierService _verifier;

    private SideRecordScene(TestDatabase database, NpgsqlDataSource admin, NpgsqlDataSource runner, Recorder recorder, VerifierService verifier, string key, string otherKey)
    {
        (Database, Admin, Runner, _recorder, _verifier, Key, OtherKey) = (database, admin, runner, recorder, verifier, key, otherKey);
        Start = WireTime.Truncate(TimeProvider.System.GetUtcNow());
    }

    internal TestDatabase Database { get; }

    internal NpgsqlDataSource Admin { get; }

    internal NpgsqlDataSource Runner { get; }

    internal IRunStore Runs => new PostgresRunStore(Runner);

    internal string Key { get; }

    internal string OtherKey { get; }

    internal DateTimeOffset Start { get; }

    internal static async Task<SideRecordScene> SetUpAsync(PostgresFixture postgres, Func<IRecordingStore, IRecordingStore>? store = null)
    {
        var database = await postgres.CreateMigratedDatabaseAsync();
        var admin = NpgsqlDataSource.Create(database.AdminConnectionString);
        var (key, other) = (await StoredEvidence.CreateKeyAsync(admin, Tenant.Value), await StoredEvidence.CreateKeyAsync(admin, Other.Value));
        await StoredEvidence.ExecuteAsync(admin, "INSERT INTO agents (tenant_id, id, name, created_at) SELECT tenant_id, 'agent', 'Agent', now() FROM runproof.tenants");
        var runner = NpgsqlDataSource.Create(database.RunnerConnectionString);
        var recording = new PostgresRecordingStore(runner);
        var recorder = new Recorder(
            store?.Invoke(recording) ?? recording, new Redactor(), new RandomSaltSource(), TimeProvider.System, new RecorderOptions(), NullLogger<Recorder>.Instance);
        return new SideRecordScene(database, admin, runner, recorder, await VerifierService.StartAsync(database.VerifierConnectionString), key, other);
    }

    public async ValueTask DisposeAsync()
    {
        await _verifier.DisposeAsync();
        await _recorder.DisposeAsync();
        await Runner.DisposeAsync();
        await Admin.DisposeAsync();
    }

    /// <summary>Two steps by no rule, completed: the run of most people.</summary>
    internal async Task PlainAsync(string run)
    {
        var session = await OpenAsync(run);
        await session.AppendAsync(Step(0, Decisions.Allowed), null, default);
        await session.AppendAsync(Step(1, Decisions.Allowed), null, default);
        await SealAsync(session, SealStatus.Completed, """{"steps":2}""");
    }

    /// <summary>A step that a policy limits, one that calls a model, one that fails: and the run with it.</summary>
    internal async Task FailedAsync(string run, TenantId? tenant = null)
    {
        var session = await OpenAsync(run, tenant);
        await session.AppendAsync(Step(0, await DecideAsync("fetch"), "fetch"), null, default);
        await session.AppendAsync(Step(1, Decisions.Allowed) with { Context = Json(Usage), CostCents = 0.125m }, null, default);
        await session.AppendAsync(Step(2, Decisions.Allowed, status: StepStatus.Failed, code: "http_500"), null, default);
        await SealAsync(session, SealStatus.Failed, """{"error":{"code":"http_500","message":"x"},"steps":3}""");
    }

    /// <summary>A step that a policy denies; the run halts.</summary>
    internal async Task BlockedAsync(string run)
    {
        var session = await OpenAsync(run);
        await session.AppendAsync(Step(0, Decisions.Allowed), null, default);
        await session.AppendAsync(Step(1, await DecideAsync("echo"), status: StepStatus.Blocked, code: "policy_denied") with { Outcome = null }, null, default);
        await SealAsync(session, SealStatus.Failed, """{"error":{"code":"policy_denied","message":"x"},"steps":2}""");
    }

    internal async Task<ITraceSession> OpenAsync(string run, TenantId? tenant = null, int attempt = 1) => await _recorder.OpenAsync(
        new TraceOpening
        {
            TenantId = tenant ?? Tenant,
            TraceId = TraceId.Of(RunId.Parse(run), attempt),
            RunId = RunId.Parse(run),
            AgentId = AgentId.Parse("agent"),
            CorrelationId = CorrelationId.Parse(run),
            OriginSystemId = "tests",
            Planner = "given",
            StartedAt = Start,
            Goal = Json("\"a goal\""),
            Plan = Json("[]"),
            Context = Json("{}"),
        },
        default);

    internal StepRecording Step(int index, StepDecision decision, string skill = "echo", StepStatus status = StepStatus.Succeeded, string? code = null) => new()
    {
        SkillId = skill,
        SkillName = skill,
        SkillVersion = "1.0.0",
        Status = status,
        Decision = decision,
        OutcomeCategory = status is StepStatus.Succeeded ? "SUCCESS" : "FAILURE",
        OutcomeCode = code,
        DurationMs = 12.25,
        Timestamp = Start.AddMilliseconds(index),
        Parameters = Json("{}"),
        Outcome = Json("{}"),
        Context = Json("""{"attempt":0,"worker":"w"}"""),
    };

    internal async Task SealAsync(ITraceSession session, SealStatus status, string? metadata = null) => await session.SealAsync(
        new TraceClosing { Status = status, CompletedAt = Start.AddSeconds(2), Metadata = metadata is null ? null : Json(metadata) }, default);

    internal static async Task<StepDecision> DecideAsync(string skill)
    {
        var read = PolicyReader.Read(Policy);
        Assert.True(read.Policy is not null, string.Join("; ", read.Errors));
        var gate = await Decisions.Gate([read.Policy!]).BeginAsync(
            new GovernedRun { TenantId = Tenant, AgentId = null, Planner = "given", StartedAt = default }, default);
        return await gate.DecideAsync(new StepAction(skill, Json("{}")), default);
    }

    internal async Task StoreRunAsync(string run, bool started)
    {
        await Runs.CreateAsync(
            new Run
            {
                TenantId = Tenant, Id = RunId.Parse(run), AgentId = AgentId.Parse("agent"), Goal = "g", OriginSystemId = "tests", CorrelationId = CorrelationId.Parse(run),
                Planner = "given", PlanJson = "[{}]", PlanRedacted = false, Status = RunStatus.Queued, CreatedAt = Start, Worker = started ? "w" : null,
                LeaseUntil = started ? Start.AddMinutes(5) : null, CreatedBy = "key_maker",
            },
            default);
        if (started)
            Assert.True(await Runs.StartAsync(Tenant, RunId.Parse(run), "w", Start, Start.AddMinutes(5), default));
    }

    /// <summary>A superuser, who takes every guard and constraint away first and puts the triggers back.</summary>
    internal Task TamperAsync(string table, string sql) => StoredEvidence.ExecuteAsync(Admin,
        $"ALTER TABLE {table} DISABLE TRIGGER ALL; {sql}; ALTER TABLE {table} ENABLE TRIGGER ALL");

    internal Task<JsonObject> ProofAsync(string run) => _verifier.ProofAsync(run, Key);

    internal async Task<JsonObject> EvidenceAsync(string run)
    {
        var (status, body) = await _verifier.GetAsync($"/api/v1/runs/{run}/evidence", Key);
        Assert.True(status == 200, body.ToJsonString());
        return body;
    }

    internal Task<(int Status, JsonObject Body)> GetAsync(string path, string? key) => _verifier.GetAsync(path, key);

    internal async Task<long> CountAsync(string sql)
    {
        await using var command = Admin.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    internal static CanonicalJson Json(string text) => CanonicalJson.Parse(Encoding.UTF8.GetBytes(text));
}
