using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Testing;

namespace RunProof.Postgres.Tests;

/// <summary>A recorder on a migrated database of its own, logged in as the runner; and an administrator's eyes on the rows.</summary>
internal sealed class RecordingDesk : IAsyncDisposable
{
    internal static readonly DateTimeOffset Start = new(2026, 2, 10, 12, 43, 41, 549, 430, TimeSpan.Zero);

    private RecordingDesk(TestDatabase database, RecorderOptions options)
    {
        Database = database.Name;
        VerifierConnectionString = database.VerifierConnectionString;
        Runner = NpgsqlDataSource.Create(database.RunnerConnectionString);
        Admin = NpgsqlDataSource.Create(database.AdminConnectionString);
        Store = new PostgresRecordingStore(Runner);
        Recorder = new Recorder(Store, new NoRedaction(), new CountingSaltSource(), TimeProvider.System, options, NullLogger<Recorder>.Instance);
    }

    internal string Database { get; }

    internal string VerifierConnectionString { get; }

    internal NpgsqlDataSource Runner { get; }

    internal NpgsqlDataSource Admin { get; }

    internal PostgresRecordingStore Store { get; }

    internal Recorder Recorder { get; }

    internal static async Task<RecordingDesk> SetUpAsync(PostgresFixture postgres, RecorderOptions? options = null) =>
        new(await postgres.CreateMigratedDatabaseAsync(), options ?? new RecorderOptions());

    internal static CanonicalJson Json(string canonical) => CanonicalJson.FromCanonicalBytes(Encoding.UTF8.GetBytes(canonical));

    internal static TraceId Trace(string run = "run-1") => TraceId.Of(RunId.Parse(run));

    internal static TenantId Tenant(string tenant = "acme") => TenantId.Parse(tenant);

    internal static TraceOpening Opening(string run = "run-1", string tenant = "acme") => new()
    {
        TenantId = Tenant(tenant),
        TraceId = Trace(run),
        RunId = RunId.Parse(run),
        AgentId = AgentId.Parse("agent-7"),
        CorrelationId = CorrelationId.Parse("corr-1"),
        OriginSystemId = "tests",
        Planner = "given",
        Seed = new SafeInteger(-42),
        FrozenTimestamp = Start.AddYears(-1),
        IsSynthetic = true,
        SyntheticScenarioId = "scenario",
        StartedAt = Start,
        Goal = Json("\"grüße an 😀\""),
        Plan = Json("[{\"skill\":\"echo\"}]"),
        Context = Json("{\"worker\":\"w1\"}"),
        FirstSteps = new StepIntent(0, 0, Start),
    };

    internal static StepRecording Step(int n = 0) => new()
    {
        SkillId = "echo",
        SkillName = "Echo",
        SkillVersion = "1",
        Schema = Digest.Of("schema"u8),
        Status = StepStatus.Failed,
        Decision = Decisions.Allowed,
        OutcomeCategory = "FAILURE",
        OutcomeCode = "http_500",
        CostCents = 0.25m,
        DurationMs = 0.1 + 0.2,
        RetryCount = 2,
        IdempotencyKey = $"run-1:{n}",
        ReplayBehavior = ReplayBehavior.Check,
        RngStateBefore = "state",
        Source = StepSource.Mcp,
        Timestamp = Start.AddSeconds(n),
        Parameters = Json($$"""{"n":{{n}},"nul":"\u0000"}"""),
        Outcome = Json("null"),
        Context = Json("""{"attempt":1}"""),
    };

    internal static TraceClosing Closing(SealStatus status = SealStatus.Completed) =>
        new() { Status = status, CompletedAt = Start.AddSeconds(9), Metadata = Json("""{"steps":1}""") };

    internal async Task<ITraceSession> OpenAsync(string run = "run-1", string tenant = "acme") =>
        await Recorder.OpenAsync(Opening(run, tenant), CancellationToken.None);

    /// <summary>One value, as the administrator sees it.</summary>
    internal async Task<T> AskAsync<T>(string sql, params object[] values)
    {
        await using var command = Admin.CreateCommand(sql);
        foreach (var value in values)
            command.Parameters.Add(new NpgsqlParameter { Value = value });
        return (T)(await command.ExecuteScalarAsync())!;
    }

    internal Task<long> StepsOf(string run, string tenant = "acme") =>
        AskAsync<long>("SELECT count(*) FROM aos_trace_steps WHERE trace_id = $1 AND tenant_id = $2", Trace(run).Value, tenant);

    public async ValueTask DisposeAsync()
    {
        await Recorder.DisposeAsync();
        await Runner.DisposeAsync();
        await Admin.DisposeAsync();
    }

    private sealed class NoRedaction : IRedactor
    {
        public RedactionResult Redact(CanonicalJson payload) => new(payload, []);
    }
}

internal static class Expectations
{
    internal static async Task<RecordingException> Fails(this Task call, RecordingFailure failure)
    {
        var exception = await Assert.ThrowsAsync<RecordingException>(() => call);
        Assert.True(failure == exception.Failure, $"expected {failure}: {exception}");
        return exception;
    }
}
