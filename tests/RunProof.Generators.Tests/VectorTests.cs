using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using RunProof.Format;
using RunProof.Generators.Tests.Driving;

namespace RunProof.Generators.Tests;

/// <summary>Header, step and seal of the published vectors: read by hand into records, and written by the generated serializers.</summary>
public sealed class VectorTests
{
    public static TheoryData<string> Bundles() =>
        [.. Directory.GetFiles(Path.Combine(Repository.Root, "tests", "vectors", "runproof", "bundles"), "*.json").Select(static file => Path.GetFileName(file))];

    [Theory]
    [MemberData(nameof(Bundles))]
    public void Records_are_written_to_the_byte(string file)
    {
        var bundle = JsonNode.Parse(File.ReadAllText(Path.Combine(Repository.Root, "tests", "vectors", "runproof", "bundles", file)))!.AsObject();
        Same(bundle["header"]!, Header(bundle["header"]!));
        foreach (var step in bundle["steps"]!.AsArray())
            Same(step!, Step(step!));
        Same(bundle["seal"]!, Seal(bundle["seal"]!));
    }

    private static void Same<T>(JsonNode expected, T record)
        where T : ICanonical<T> => Assert.Equal(SlowCanonicalizer.Canonicalize(expected), Encoding.UTF8.GetString(CanonicalBytes.Of(record)));

    private static TraceHeader Header(JsonNode json) => new()
    {
        AgentId = Text(json, "agent_id") is { } agent ? AgentId.Parse(agent) : null,
        ContextHash = Hash(json, "context_hash"),
        CorrelationId = CorrelationId.Parse(Text(json, "correlation_id")!),
        Format = Text(json, "format")!,
        FrozenTimestamp = Time(json, "frozen_timestamp"),
        GoalHash = Hash(json, "goal_hash")!.Value,
        IsSynthetic = json["is_synthetic"]!.GetValue<bool>(),
        OriginSystemId = Text(json, "origin_system_id")!,
        PlanHash = Hash(json, "plan_hash")!.Value,
        Planner = Text(json, "planner")!,
        RunId = RunId.Parse(Text(json, "run_id")!),
        Seed = new SafeInteger(json["seed"]!.GetValue<long>()),
        StartedAt = Time(json, "started_at")!.Value,
        SyntheticScenarioId = Text(json, "synthetic_scenario_id"),
        TenantId = TenantId.Parse(Text(json, "tenant_id")!),
        TraceId = TraceId.Parse(Text(json, "trace_id")!),
    };

    private static TraceStep Step(JsonNode json) => new()
    {
        ContextHash = Hash(json, "context_hash"),
        CostCents = decimal.Parse(Text(json, "cost_cents")!, System.Globalization.CultureInfo.InvariantCulture),
        DurationMs = json["duration_ms"]!.GetValue<double>(),
        IdempotencyKey = Text(json, "idempotency_key"),
        InputHash = Hash(json, "input_hash")!.Value,
        Level = Wire.TryParse(Text(json, "level"), out StepLevel level) ? level : throw new JsonException("level"),
        OutcomeCategory = Text(json, "outcome_category")!,
        OutcomeCode = Text(json, "outcome_code"),
        OutputHash = Hash(json, "output_hash"),
        ReplayBehavior = Wire.TryParse(Text(json, "replay_behavior"), out ReplayBehavior replay) ? replay : throw new JsonException("replay_behavior"),
        RetryCount = json["retry_count"]!.GetValue<int>(),
        RngStateBefore = Text(json, "rng_state_before"),
        Schema = Hash(json, "schema"),
        SkillId = Text(json, "skill_id")!,
        SkillName = Text(json, "skill_name")!,
        SkillVersion = Text(json, "skill_version"),
        Source = Wire.TryParse(Text(json, "source"), out StepSource source) ? source : throw new JsonException("source"),
        Status = Wire.TryParse(Text(json, "status"), out StepStatus status) ? status : throw new JsonException("status"),
        StepIndex = json["step_index"]!.GetValue<int>(),
        Timestamp = Time(json, "timestamp")!.Value,
    };

    private static TraceSeal Seal(JsonNode json) => new()
    {
        ChainLength = json["chain_length"]!.GetValue<int>(),
        CompletedAt = Time(json, "completed_at")!.Value,
        MetadataHash = Hash(json, "metadata_hash"),
        Status = Wire.TryParse(Text(json, "status"), out SealStatus status) ? status : throw new JsonException("status"),
        StepsRoot = Hash(json, "steps_root")!.Value,
    };

    private static string? Text(JsonNode json, string member) => json[member]?.GetValue<string>();

    private static Digest? Hash(JsonNode json, string member) => Text(json, member) is { } hex ? Digest.Parse(hex) : null;

    private static DateTimeOffset? Time(JsonNode json, string member) =>
        Text(json, member) is not { } text ? null : WireTime.TryParse(text, out var time) ? time : throw new JsonException(member);
}
