using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Postgres;
using RunProof.Skills;
using RunProof.Testing;
using RunProof.Verification;

namespace RunProof.Evolution.Tests;

/// <summary>What one build records in PostgreSQL, a later one verifies, reads and writes again, although its classes have moved on.</summary>
public sealed class EvolutionTests(PostgresFixture postgres, ThreeBuilds builds) : IClassFixture<ThreeBuilds>, IAsyncLifetime
{
    private const string Parameters =
        """{"count":2,"labels":{"A":"9007199254740993","b":"-1"},"note":{"text":"grüße, \"Ada\""},"price":"12.5","sku":"A-7"}""";

    private const string Outcome =
        """{"id":"0f8fad5b-d9cb-469f-a165-70867728950e","lines":["A-7"],"placed_at":"2026-02-10T12:43:41.549430Z","state":"24h"}""";

    private static readonly TenantId Tenant = TenantId.Parse("acme");
    private static readonly RunId Run = RunId.Parse("run-1");
    private static readonly DateTimeOffset Start = new(2026, 2, 10, 12, 43, 41, TimeSpan.Zero);

    private readonly Build _first = builds.First, _second = builds.Second, _third = builds.Third;
    private TestDatabase _database = null!;

    public async ValueTask InitializeAsync() => _database = await postgres.CreateMigratedDatabaseAsync();

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    [Fact]
    public async Task A_run_of_the_first_build_is_verified_read_and_written_again_by_the_third()
    {
        var called = await _first.CallAsync("""{"sku":"A-7","count":2,"price":"12.50","note":{"text":"grüße, \"Ada\""},"labels":{"b":-1,"A":"9007199254740993"}}""");
        Assert.Equal((Parameters, Outcome), (called.Parameters.ToString(), called.Outcome.ToString()));
        await RecordAsync((_first.Skill, called.Parameters, called.Outcome));

        var (trace, steps) = await LoadAsync();
        var report = TraceVerifier.Verify(trace, steps, new VerificationOptions { Tenant = Tenant, Run = Run, Schemas = new RegistryShapes(_third.Schemas) });
        Assert.Equal("VERIFIED", report.Verdict.Name);
        Assert.Equal((CheckStatus.Passed, "2 payloads conform to the schemas of their steps"), SchemaCheck(report));

        // The step says by what it was recorded: the first build's skill, by section 6, computed here.
        var step = Assert.Single(steps);
        Assert.Equal(Hex(SkillOfTheFirstBuild()), Convert.ToHexStringLower(step.Schema!));
        Assert.True(_third.Schemas.TryFindSkill(new Digest(step.Schema), out var skill));
        Assert.Equal(("place_order", "1.0.0"), (skill.Name, skill.Version));
        Assert.True(_third.Schemas.TryFindPayloads(new Digest(step.Schema), out var parameters, out var outcome));
        Assert.Equal(("order", "1", OrderOfTheFirstBuild()), (parameters.Name, parameters.Version, parameters.SchemaJson));
        WritesAgain(parameters, step.Input, Parameters);
        WritesAgain(outcome, step.Output, Outcome);
        Assert.Equal(
            "2 x A-7 at 12.5, grüße, \"Ada\", 2 labels",
            _third.Assembly.GetType("Acme.Orders.Buying")!.GetMethod("Describe")!.Invoke(null, [Encoding.UTF8.GetBytes(step.Input.Text!)]));
    }

    [Fact]
    public void The_third_build_has_no_class_of_that_shape_but_the_one_from_its_lock()
    {
        var fingerprint = Hex(OrderOfTheFirstBuild());
        var types = _third.Assembly.GetTypes().Where(type => (string?)type.GetProperty("CanonicalFingerprint")?.GetValue(null) == fingerprint).Select(type => type.FullName);
        Assert.Equal(["Acme.Orders.CanonicalHistory.OrderV1"], types);
        Assert.DoesNotContain(_third.Assembly.GetTypes(), type => type.FullName is "Acme.Orders.Order" or "Acme.Orders.Receipt" or "Acme.Orders.State");
    }

    [Fact]
    public async Task Steps_of_all_three_builds_in_one_trace_are_read_each_by_its_own_shape()
    {
        var first = await _first.CallAsync("""{"sku":"A","count":1,"price":1,"note":null,"labels":{}}""");
        var second = await _second.CallAsync("""{"SKU":"B","count":9007199254740993,"note":"n"}""");
        var third = await _third.CallAsync("""{"what":{"any":[1,null]}}""");
        await RecordAsync((_first.Skill, first.Parameters, first.Outcome), (_second.Skill, second.Parameters, second.Outcome), (_third.Skill, third.Parameters, third.Outcome));

        var (trace, steps) = await LoadAsync();
        var report = TraceVerifier.Verify(trace, steps, new VerificationOptions { Schemas = new RegistryShapes(_third.Schemas) });
        Assert.Equal("VERIFIED", report.Verdict.Name);
        Assert.Equal((CheckStatus.Passed, "6 payloads conform to the schemas of their steps"), SchemaCheck(report));
        Assert.Equal(["1.0.0", "2.0.0", "3.0.0"], steps.Select(step => _third.Schemas.TryFindSkill(new Digest(step.Schema), out var skill) ? skill.Version : "?"));
    }

    [Fact]
    public async Task A_build_whose_lock_lacks_the_first_says_that_it_does_not_know_its_schema()
    {
        var called = await _first.CallAsync("""{"sku":"A","count":1,"price":1,"note":null,"labels":{}}""");
        await RecordAsync((_first.Skill, called.Parameters, called.Outcome));
        using var fresh = await Build.CompileAsync("WithoutMemory", Builds.ThirdWithoutMemory, lockText: null);

        var (trace, steps) = await LoadAsync();
        Assert.False(fresh.Schemas.TryFindPayloads(new Digest(steps[0].Schema), out _, out _));
        var report = TraceVerifier.Verify(trace, steps, new VerificationOptions { Schemas = new RegistryShapes(fresh.Schemas) });
        // Its bytes are what was committed to all the same.
        Assert.Equal("VERIFIED", report.Verdict.Name);
        var (status, detail) = SchemaCheck(report);
        Assert.Equal(CheckStatus.NotDone, status);
        Assert.Contains("1 schema is not known here", detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_payload_changed_by_one_byte_in_the_database_fails_at_its_place()
    {
        var called = await _first.CallAsync("""{"sku":"A-7","count":2,"price":"12.5","note":null,"labels":{}}""");
        await RecordAsync((_first.Skill, called.Parameters, called.Outcome));
        await using var admin = NpgsqlDataSource.Create(_database.AdminConnectionString);
        await using var change = admin.CreateCommand(
            "ALTER TABLE aos_trace_steps DISABLE TRIGGER ALL; UPDATE aos_trace_steps SET params = replace(params, '\"count\":2', '\"count\":3')");
        await change.ExecuteNonQueryAsync();

        var (trace, steps) = await LoadAsync();
        Assert.Contains("\"count\":3", steps[0].Input.Text, StringComparison.Ordinal);
        var report = TraceVerifier.Verify(trace, steps, new VerificationOptions { Schemas = new RegistryShapes(_third.Schemas) });
        Assert.Equal("FAILED", report.Verdict.Name);
        var finding = Assert.Single(report.Findings);
        Assert.Equal((FindingCodes.PayloadMismatch, "steps[0].params"), (finding.Code, finding.Place));
        // The old shape reads it, for it is an order; what it commits to is another one.
        Assert.True(_third.Schemas.TryFindPayloads(new Digest(steps[0].Schema), out var shape, out _));
        Assert.True(shape.TryReserialize(Encoding.UTF8.GetBytes(steps[0].Input.Text!), new ArrayBufferWriter<byte>(), out _));
        Assert.NotEqual(new Digest(steps[0].Input.Commitment!), CommitmentTo(steps[0].Input.Salt!, steps[0].Input.Text!));
    }

    [Fact]
    public async Task A_recorder_that_commits_to_something_else_than_its_step_names_is_found_by_the_shape_alone()
    {
        var called = await _first.CallAsync("""{"sku":"A","count":1,"price":1,"note":null,"labels":{}}""");
        await RecordAsync((_first.Skill, CanonicalJson.Parse("""{"count":1,"sku":"A"}"""u8), called.Outcome));
        var (trace, steps) = await LoadAsync();
        Assert.Equal("VERIFIED", TraceVerifier.Verify(trace, steps).Verdict.Name);

        var report = TraceVerifier.Verify(trace, steps, new VerificationOptions { Schemas = new RegistryShapes(_third.Schemas) });
        Assert.Equal("FAILED", report.Verdict.Name);
        var finding = Assert.Single(report.Findings);
        Assert.Equal((FindingCodes.PayloadSchemaMismatch, "steps[0].params"), (finding.Code, finding.Place));
        // Where the members part: after {"count":1 the shape has labels.
        Assert.Matches("^step 0: params does not conform to the schema that the step names: byte 1[0-2], ", finding.Message);
    }

    [Fact]
    public async Task What_the_recorder_redacted_is_counted_and_not_read_by_a_shape()
    {
        var called = await _first.CallAsync("""{"sku":"A","count":1,"price":1,"note":{"text":"write to ada@example.com"},"labels":{}}""");
        await RecordAsync((_first.Skill, called.Parameters, called.Outcome));
        var (trace, steps) = await LoadAsync();
        Assert.DoesNotContain("ada@example.com", steps[0].Input.Text, StringComparison.Ordinal);
        var report = TraceVerifier.Verify(trace, steps, new VerificationOptions { Schemas = new RegistryShapes(_third.Schemas) });
        Assert.Equal("VERIFIED", report.Verdict.Name);
        Assert.Equal(
            (CheckStatus.NotDone, "1 payload conforms to the schemas of their steps; 0 schemas are not known here, 1 payload is redacted or may be"), SchemaCheck(report));
    }

    private static (CheckStatus, string) SchemaCheck(TraceReport report)
    {
        var check = report.Checks.Single(check => check.Name == "PAYLOAD_SCHEMA");
        return (check.Status, check.Detail);
    }

    /// <summary>Reads and writes again by an old shape, and commits again to what was written.</summary>
    private static void WritesAgain(CanonicalSchema schema, RecordedPayload recorded, string expected)
    {
        var written = new ArrayBufferWriter<byte>();
        Assert.True(schema.TryReserialize(Encoding.UTF8.GetBytes(recorded.Text!), written, out var fault), fault.Message);
        Assert.Equal(expected, Encoding.UTF8.GetString(written.WrittenSpan));
        Assert.Equal(recorded.Text, Encoding.UTF8.GetString(written.WrittenSpan));
        Assert.Equal(new Digest(recorded.Commitment!), CommitmentTo(recorded.Salt!, Encoding.UTF8.GetString(written.WrittenSpan)));
    }

    // Section 2, by hand.
    private static Digest CommitmentTo(byte[] salt, string payload) =>
        new(SHA256.HashData([.. "runproof/v1/payload\n"u8, .. salt, .. Encoding.UTF8.GetBytes(payload)]));

    private static string OrderOfTheFirstBuild() =>
        $$"""{"members":{"count":"integer","labels":"map(string)","note":"{{Hex("""{"members":{"text":"string"},"name":"note","version":"1"}""")}}?","price":"string","sku":"string"},"name":"order","version":"1"}""";

    private static string SkillOfTheFirstBuild()
    {
        var receipt = Hex("""{"members":{"id":"guid","lines":"string[]","placed_at":"time","state":"enum(24h|open)"},"name":"receipt","version":"1"}""");
        return $"runproof/v1/skill\n[\"place_order\",\"1.0.0\",\"{Hex(OrderOfTheFirstBuild())}\",\"{receipt}\"]";
    }

    private static string Hex(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private async Task RecordAsync(params (SkillDescriptor Skill, CanonicalJson Parameters, CanonicalJson Outcome)[] steps)
    {
        await using var runner = NpgsqlDataSource.Create(_database.RunnerConnectionString);
        await using var recorder = new Recorder(
            new PostgresRecordingStore(runner), new Redactor(), new RandomSaltSource(), TimeProvider.System, new RecorderOptions(), NullLogger<Recorder>.Instance);
        var session = await recorder.OpenAsync(Opening(), CancellationToken.None);
        foreach (var (index, step) in steps.Index())
            await session.AppendAsync(Step(index, step.Skill, step.Parameters, step.Outcome), next: null, CancellationToken.None);
        await session.SealAsync(new TraceClosing { Status = SealStatus.Completed, CompletedAt = Start.AddMinutes(1), Metadata = CanonicalJson.Parse("{}"u8) }, CancellationToken.None);
    }

    private async Task<(RecordedTrace Trace, List<RecordedStep> Steps)> LoadAsync()
    {
        await using var verifier = NpgsqlDataSource.Create(_database.VerifierConnectionString);
        await using var snapshot = await new PostgresEvidenceStore(verifier).OpenAsync(Tenant, CancellationToken.None);
        var trace = Assert.Single(await snapshot.ReadTracesAsync(Run, payloads: true, CancellationToken.None));
        return (trace, await snapshot.ReadStepsAsync(trace.TraceId!, payloads: true, CancellationToken.None).ToListAsync());
    }

    private static TraceOpening Opening() => new()
    {
        TenantId = Tenant,
        TraceId = TraceId.Of(Run),
        RunId = Run,
        AgentId = AgentId.Parse("agent-7"),
        CorrelationId = CorrelationId.Parse("corr-1"),
        OriginSystemId = "tests",
        Planner = "given",
        Seed = new SafeInteger(7),
        FrozenTimestamp = null,
        IsSynthetic = false,
        SyntheticScenarioId = null,
        StartedAt = Start,
        Goal = CanonicalJson.Parse("\"order\""u8),
        Plan = CanonicalJson.Parse("[]"u8),
        Context = null,
        FirstSteps = new StepIntent(0, 0, Start),
    };

    private static StepRecording Step(int index, SkillDescriptor skill, CanonicalJson parameters, CanonicalJson outcome) => new()
    {
        SkillId = skill.Name,
        SkillName = skill.Name,
        SkillVersion = skill.Version,
        Schema = skill.Schema,
        Status = StepStatus.Succeeded,
        Decision = Decisions.Allowed,
        OutcomeCategory = "SUCCESS",
        OutcomeCode = null,
        CostCents = 0,
        DurationMs = 1,
        RetryCount = 0,
        IdempotencyKey = null,
        ReplayBehavior = skill.Replay,
        Timestamp = Start.AddSeconds(index),
        Parameters = parameters,
        Outcome = outcome,
        Context = null,
    };
}
