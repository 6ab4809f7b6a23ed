using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Postgres;
using RunProof.Testing;

namespace RunProof.Verifier.Tests;

/// <summary>From the recorder through the database to the proof: each side of it as its own role.</summary>
public sealed class RecordedRuns(PostgresFixture postgres, ITestOutputHelper output) : IAsyncLifetime
{
    private static readonly TenantId Tenant = TenantId.Parse("acme");
    private static readonly DateTimeOffset Start = new(2026, 3, 4, 5, 6, 7, TimeSpan.Zero);

    private NpgsqlDataSource _runner = null!;
    private Recorder _recorder = null!;
    private VerifierService _verifier = null!;
    private string _key = "";

    public async ValueTask InitializeAsync()
    {
        var database = await postgres.CreateMigratedDatabaseAsync();
        await using (var admin = NpgsqlDataSource.Create(database.AdminConnectionString))
            _key = await StoredEvidence.CreateKeyAsync(admin, Tenant.Value);
        _runner = NpgsqlDataSource.Create(database.RunnerConnectionString);
        _recorder = new Recorder(new PostgresRecordingStore(_runner), new Redactor(), new RandomSaltSource(), TimeProvider.System, new RecorderOptions(), NullLogger<Recorder>.Instance);
        _verifier = await VerifierService.StartAsync(database.VerifierConnectionString);
    }

    public async ValueTask DisposeAsync()
    {
        await _verifier.DisposeAsync();
        await _recorder.DisposeAsync();
        await _runner.DisposeAsync();
    }

    [Theory]
    [InlineData("HASH_CHAIN")]
    [InlineData("MERKLE_TREE")]
    public async Task What_the_recorder_wrote_is_verified(string model)
    {
        var session = await OpenAsync($"run-{model}");
        await session.AppendAsync(Step(0, StepStatus.Retrying, """{"password":"hunter2","n":0.1}"""), null, default);
        await session.AppendAsync(Step(1, StepStatus.Failed, """{"text":"𝄞 \u0001 \"quoted\""}"""), null, default);
        await session.AppendAsync(Step(2, StepStatus.Succeeded, "[]") with { Outcome = null, Context = null, CostCents = 0.2500m, DurationMs = 1e-7 }, null, default);
        var root = await session.SealAsync(new TraceClosing { Status = SealStatus.Failed, CompletedAt = Start.AddSeconds(9), Metadata = Json("""{"steps":3}""") }, default);

        var proof = await _verifier.ProofAsync($"run-{model}", _key, $"?model={model}&include_payloads=true");
        Assert.True(Text(proof, "verification_status") == "VERIFIED", proof.ToJsonString());
        Assert.Equal(root.ToString(), Text(proof, "root_hash"));
        Assert.Equal(3, proof["chain_length"]!.GetValue<int>());
        Assert.DoesNotContain("hunter2", proof.ToJsonString());
        Assert.Equal("0.25", Text(proof["aos_trace_steps"]![2]!, "cost_cents").TrimEnd('0'));
    }

    [Fact]
    public async Task A_run_under_way_is_unsupported_until_it_is_sealed()
    {
        var session = await OpenAsync("under-way");
        await session.AppendAsync(Step(0, StepStatus.Succeeded, "{}"), null, default);
        var proof = await _verifier.ProofAsync("under-way", _key);
        Assert.Equal(("UNSUPPORTED", "seal: the trace is not sealed; the chain holds for step 0"), (Text(proof, "verification_status"), Text(proof, "failure_reason")));
        await session.SealAsync(new TraceClosing { Status = SealStatus.Completed, CompletedAt = Start }, default);
        Assert.Equal("VERIFIED", Text(await _verifier.ProofAsync("under-way", _key), "verification_status"));
    }

    [Fact]
    public async Task A_long_trace_is_verified_and_shown_whole()
    {
        var steps = int.Parse(Environment.GetEnvironmentVariable("RUNPROOF_TEST_LONG_TRACE") ?? "1000");
        var session = await OpenAsync("long");
        var payload = $$"""{"text":"{{new string('x', 800)}}"}""";
        for (var index = 0; index < steps; index++)
            await session.AppendAsync(Step(index, StepStatus.Succeeded, payload), null, default);
        await session.SealAsync(new TraceClosing { Status = SealStatus.Completed, CompletedAt = Start.AddHours(1) }, default);
        var clock = Stopwatch.StartNew();
        var proof = await _verifier.ProofAsync("long", _key, "?include_payloads=true");
        output.WriteLine($"{steps} steps with payloads verified and shown in {clock.ElapsedMilliseconds} ms");
        Assert.Equal("VERIFIED", Text(proof, "verification_status"));
        Assert.Equal(Enumerable.Range(0, steps), proof["aos_trace_steps"]!.AsArray().Select(step => step!["step_index"]!.GetValue<int>()));
    }

    private async Task<ITraceSession> OpenAsync(string run) => await _recorder.OpenAsync(
        new TraceOpening
        {
            TenantId = Tenant,
            TraceId = TraceId.Parse($"trace_{run}"),
            RunId = RunId.Parse(run),
            AgentId = AgentId.Parse("agent"),
            CorrelationId = CorrelationId.Parse(run),
            OriginSystemId = "tests",
            Planner = "given",
            Seed = new SafeInteger(-5),
            FrozenTimestamp = Start.AddTicks(17),
            StartedAt = Start.AddTicks(3),
            Goal = Json("\"a goal, with ü and 𝄞\""),
            Plan = Json("[]"),
            Context = Json("{}"),
        },
        default);

    private static StepRecording Step(int index, StepStatus status, string payload) => new()
    {
        SkillId = "echo",
        SkillName = "echo",
        SkillVersion = "1.0.0",
        Status = status,
        Decision = Decisions.For(status),
        OutcomeCategory = status is StepStatus.Succeeded ? "SUCCESS" : "FAILURE",
        OutcomeCode = status is StepStatus.Succeeded ? null : "http_500",
        DurationMs = 12.25,
        IdempotencyKey = $"key:{index}",
        Timestamp = Start.AddMilliseconds(index),
        Parameters = Json(payload),
        Outcome = Json(payload),
        Context = Json("""{"attempt":1}"""),
    };

    private static CanonicalJson Json(string text) => CanonicalJson.Parse(Encoding.UTF8.GetBytes(text));

    private static string Text(JsonNode node, string member) => node[member]!.GetValue<string>();
}
