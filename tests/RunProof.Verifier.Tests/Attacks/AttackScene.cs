using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using RunProof.Format;
using RunProof.Keys;
using RunProof.Ledger;
using RunProof.Postgres;
using RunProof.Testing;
using RunProof.Verification;
using RunProof.Verification.Tests;

namespace RunProof.Verifier.Tests;

/// <summary>
/// A tenant whose runs were recorded by the recorder, entered into its log by the service and ended by the runner's store: everything as in production,
/// before somebody comes who owns the database and holds the log's key.
/// </summary>
internal sealed class AttackScene : IAsyncDisposable
{
    internal const string LogName = "test.example";

    internal static readonly TenantId Tenant = TenantId.Parse("acme");

    private readonly string _folder = Directory.CreateTempSubdirectory("runproof-attack").FullName;
    private readonly TestDatabase _database;
    private readonly NpgsqlDataSource _runner;
    private readonly Dictionary<string, string> _keys = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string?> _settings;

    private AttackScene(TestDatabase database, IReadOnlyDictionary<string, string?>? settings)
    {
        _database = database;
        (Admin, Auditor) = (NpgsqlDataSource.Create(database.AdminConnectionString), NpgsqlDataSource.Create(database.AuditorConnectionString));
        _runner = NpgsqlDataSource.Create(database.RunnerConnectionString);
        _settings = new(settings ?? new Dictionary<string, string?>(), StringComparer.Ordinal)
        {
            ["RunProof:Log:Name"] = LogName,
            ["RunProof:Log:KeyFolder"] = _folder,
            ["RunProof:Log:Interval"] = "00:00:00.02",
        };
    }

    /// <summary>The attacker's connections.</summary>
    internal NpgsqlDataSource Admin { get; }

    /// <summary>Connections that may read and nothing else.</summary>
    internal NpgsqlDataSource Auditor { get; }

    internal VerifierService Verifier { get; private set; } = null!;

    /// <summary>The key that signs the tenant's log; the attacker has it.</summary>
    internal NoteSigner RealKey => KeyOf(Tenant.Value);

    /// <summary>What an auditor was given when all was well: the log's public key.</summary>
    internal INoteVerifier KnownKey => NoteVerifier.Parse(RealKey.ToString());

    internal static async Task<AttackScene> StartAsync(PostgresFixture postgres, IReadOnlyDictionary<string, string?>? settings = null)
    {
        var scene = new AttackScene(await postgres.CreateMigratedDatabaseAsync(), settings);
        scene.Verifier = await scene.StartVerifierAsync();
        return scene;
    }

    public async ValueTask DisposeAsync()
    {
        await Verifier.DisposeAsync();
        await Admin.DisposeAsync();
        await Auditor.DisposeAsync();
        await _runner.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    internal NoteSigner KeyOf(string tenant) => SigningKeyFile.Load(Path.Combine(_folder, SigningKeyFile.FileName)).Under($"{LogName}/{tenant}");

    internal string FileNamed(string name) => Path.Combine(_folder, name);

    /// <summary>Stops sealing for a while: what is recorded meanwhile stays in the queue.</summary>
    internal async Task StopSealingAsync()
    {
        await Verifier.DisposeAsync();
        Verifier = await VerifierService.StartAsync(_database.VerifierConnectionString);
    }

    internal async Task RestartAsync()
    {
        await Verifier.DisposeAsync();
        Verifier = await StartVerifierAsync();
    }

    /// <summary>A run from its request to its end, its trace in the log.</summary>
    internal async Task RunAsync(string run, int steps = 4, string tenant = "acme", DateTimeOffset? at = null)
    {
        await RecordAsync(run, steps, tenant, at);
        await IncludedAsync(run, tenant);
    }

    internal async Task IncludedAsync(string run, string tenant = "acme")
    {
        var proof = await ProofAsync(run, tenant, "?wait=30");
        Assert.True(Text(proof, "verification_status") == "VERIFIED" && Check(proof, "LOG_INCLUSION") == "passed", proof.ToJsonString());
    }

    /// <summary>A run from its request to its end.</summary>
    internal async Task RecordAsync(string run, int steps = 4, string tenant = "acme", DateTimeOffset? at = null)
    {
        var start = WireTime.Truncate(at ?? DateTimeOffset.UtcNow);
        await BeginAsync(run, tenant, start);
        await using var recorder = Recorder();
        var session = await OpenAsync(recorder, run, tenant, start);
        for (var index = 0; index < steps; index++)
            await session.AppendAsync(Step(run, index, start), null, default);
        await session.SealAsync(new TraceClosing { Status = SealStatus.Completed, CompletedAt = start.AddMilliseconds(50) }, default);
        await FinishAsync(run, start.AddMilliseconds(60), tenant);
    }

    internal async Task FinishAsync(string run, DateTimeOffset at, string tenant = "acme") => Assert.True(
        await new PostgresRunStore(_runner).FinishAsync(TenantId.Parse(tenant), RunId.Parse(run), "worker", new RunEnd(RunStatus.Succeeded, at, 60, 1, null, null), default));

    /// <summary>A run that a worker has started.</summary>
    internal async Task BeginAsync(string run, string tenant, DateTimeOffset start)
    {
        await KeyForAsync(tenant);
        await new PostgresAgentStore(_runner).CreateAsync(new Agent(TenantId.Parse(tenant), AgentId.Parse("agent"), "agent", null, start), default);
        var runs = new PostgresRunStore(_runner);
        await runs.CreateAsync(
            new Run
            {
                TenantId = TenantId.Parse(tenant),
                Id = RunId.Parse(run),
                AgentId = AgentId.Parse("agent"),
                Goal = "\"a goal\"",
                OriginSystemId = "tests",
                CorrelationId = CorrelationId.Parse(run),
                Planner = "given",
                PlanJson = "[]",
                PlanRedacted = false,
                Status = RunStatus.Queued,
                CreatedAt = start,
                Worker = "worker",
                LeaseUntil = start.AddHours(1),
            },
            default);
        Assert.True(await runs.StartAsync(TenantId.Parse(tenant), RunId.Parse(run), "worker", start, start.AddHours(1), default));
    }

    internal Recorder Recorder() =>
        new(new PostgresRecordingStore(_runner), new Redactor(), new RandomSaltSource(), TimeProvider.System, new RecorderOptions(), NullLogger<Recorder>.Instance);

    internal static async Task<ITraceSession> OpenAsync(Recorder recorder, string run, string tenant, DateTimeOffset start) => await recorder.OpenAsync(
        new TraceOpening
        {
            TenantId = TenantId.Parse(tenant),
            TraceId = TraceId.Parse("trace_" + run),
            RunId = RunId.Parse(run),
            AgentId = AgentId.Parse("agent"),
            CorrelationId = CorrelationId.Parse(run),
            OriginSystemId = "tests",
            Planner = "given",
            StartedAt = start,
            Goal = Json("\"a goal\""),
            Plan = Json("[]"),
            Context = Json("{}"),
        },
        default);

    internal static StepRecording Step(string run, int index, DateTimeOffset start) => new()
    {
        SkillId = "echo",
        SkillName = "echo",
        SkillVersion = "1.0.0",
        Status = StepStatus.Succeeded,
        Decision = Decisions.Allowed,
        OutcomeCategory = "SUCCESS",
        CostCents = 0.25m,
        DurationMs = 12.25,
        IdempotencyKey = $"{run}:{index}",
        Timestamp = start.AddMilliseconds(10 * (index + 1)),
        Parameters = Json($$"""{"message":"{{run}} asks {{index}}"}"""),
        Outcome = Json($$"""{"message":"{{run}} answers {{index}}"}"""),
        Context = Json("{}"),
    };

    internal Task<Evidence> ReadAsync(string run, string tenant = "acme") => Crime.ReadAsync(Admin, tenant, run);

    internal Task CommitAsync(Func<Crime, Task> deed) => Crime.CommitAsync(Admin, deed);

    internal async Task<JsonObject> ProofAsync(string run, string tenant = "acme", string query = "") => await Verifier.ProofAsync(run, await KeyForAsync(tenant), query);

    internal async Task<(int Status, JsonObject Body)> GetAsync(string path, string tenant = "acme") => await Verifier.GetAsync(path, await KeyForAsync(tenant));

    internal async Task<(int Status, byte[] Body)> GetBytesAsync(string path, string tenant = "acme") => await Verifier.GetBytesAsync(path, await KeyForAsync(tenant));

    /// <summary>The run's bundle as a stranger gets it.</summary>
    internal async Task<byte[]> BundleAsync(string run)
    {
        var (status, body) = await GetBytesAsync($"/api/v1/runs/{run}/bundle?wait=30");
        Assert.True(status == 200, Encoding.UTF8.GetString(body));
        return body;
    }

    /// <summary>What the stranger's own program says of a file, with the key that he was given when all was well: <c>runproof verify</c>.</summary>
    internal BundleReport Verify(byte[] bundle) => BundleVerifier.Verify(bundle, new BundleOptions { TrustedKeys = [KnownKey] });

    /// <summary><c>runproof log fsck</c>, with the key that was known when all was well.</summary>
    internal async Task<IReadOnlyList<Finding>> FsckAsync() => (await LogFsck.CheckAsync(new PostgresLogReader(Auditor), Tenant, [KnownKey], default)).Findings;

    /// <summary><c>runproof log audit</c> by somebody who may read the database, with the key that was known when all was well.</summary>
    internal Task<AuditReport> AuditAsync(AuditState? remembered = null, string tenant = "acme") => LogAudit.RunAsync(
        new PostgresAuditSource(Auditor), new PostgresLogReader(Auditor), new PostgresEvidenceStore(Auditor), TenantId.Parse(tenant), remembered,
        new AuditOptions { Keys = [NoteVerifier.Parse(KeyOf(tenant).ToString())], VerifierOf = static key => NoteVerifier.TryCreate(key, out var verifier, out _) ? verifier : null },
        TimeProvider.System, tick: null, save: null, default);

    /// <summary>What an audit finds: codes, each once.</summary>
    internal async Task<string[]> AuditCodesAsync(string tenant = "acme") => [.. (await AuditAsync(tenant: tenant)).Findings.Counts.Keys.Order(StringComparer.Ordinal)];

    /// <summary>The checkpoint that is served now.</summary>
    internal async Task<SignedNote> CheckpointAsync()
    {
        var (status, body) = await GetBytesAsync($"/log/{Tenant}/checkpoint");
        Assert.Equal(200, status);
        Assert.True(SignedNote.TryParse(body, out var note, out var problem), problem);
        return note;
    }

    internal async Task<JsonObject> HealthAsync() =>
        (await Verifier.GetAsync("/health")).Body["checks"]!.AsArray().Select(check => check!.AsObject()).Single(check => check["name"]!.GetValue<string>() == "log");

    internal static async Task WaitAsync(Func<Task<bool>> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!await condition())
            await Task.Delay(10, limit.Token);
    }

    internal static string Text(JsonNode node, string member) => node[member]!.GetValue<string>();

    internal static string Check(JsonObject proof, string name) => Text(proof["checks"]!.AsArray().Single(check => Text(check!, "name") == name)!, "status");

    private static CanonicalJson Json(string text) => CanonicalJson.Parse(Encoding.UTF8.GetBytes(text));

    private async Task<string> KeyForAsync(string tenant)
    {
        if (!_keys.TryGetValue(tenant, out var key))
            _keys.Add(tenant, key = await StoredEvidence.CreateKeyAsync(Admin, tenant));
        return key;
    }

    private Task<VerifierService> StartVerifierAsync() => VerifierService.StartAsync(_database.VerifierConnectionString, _settings);
}
