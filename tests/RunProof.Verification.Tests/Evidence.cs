using System.Globalization;
using System.Text.Json.Nodes;
using RunProof.Format;

namespace RunProof.Verification.Tests;

/// <summary>Evidence as a store would give it back, from a bundle that an independent implementation made. Nothing is computed here.</summary>
internal sealed record Evidence(RecordedTrace Trace, List<RecordedStep> Steps)
{
    internal static string Vectors { get; } = RunProof.Testing.Vectors.PathOf("runproof");

    internal static Evidence Bundle(string name) => From(Load("bundles", name));

    internal static JsonObject Load(string folder, string name) =>
        JsonNode.Parse(File.ReadAllText(Path.Combine(Vectors, folder, name + ".json")))!.AsObject();

    internal TraceReport Verify(VerificationOptions? options = null) => TraceVerifier.Verify(Trace, Steps, options);

    internal Evidence With(Func<RecordedTrace, RecordedTrace> change) => this with { Trace = change(Trace) };

    internal Evidence With(int step, Func<RecordedStep, RecordedStep> change) =>
        this with { Steps = [.. Steps.Select((recorded, index) => index == step ? change(recorded) : recorded)] };

    internal static Evidence From(JsonObject bundle)
    {
        var (header, seal) = (bundle["header"]!.AsObject(), bundle["seal"]!.AsObject());
        var links = bundle["links"]!.AsArray();
        var payloads = bundle["payloads"]!.AsObject();
        var steps = bundle["steps"]!.AsArray().Select((step, index) => Step(step!.AsObject(), Hex(Item(links, index + 1)), payloads)).ToList();
        return new Evidence(Header(header, seal, bundle, payloads), steps);
    }

    private static RecordedTrace Header(JsonObject header, JsonObject seal, JsonObject bundle, JsonObject payloads) => new()
    {
        TenantId = Text(header["tenant_id"])!,
        TraceId = Text(header["trace_id"])!,
        RunId = Text(header["run_id"])!,
        CorrelationId = Text(header["correlation_id"])!,
        AgentId = Text(header["agent_id"]),
        OriginSystemId = Text(header["origin_system_id"])!,
        Planner = Text(header["planner"])!,
        Seed = (long)header["seed"]!.GetValue<double>(),
        FrozenTimestamp = Time(header["frozen_timestamp"]),
        IsSynthetic = header["is_synthetic"]!.GetValue<bool>(),
        SyntheticScenarioId = Text(header["synthetic_scenario_id"]),
        SchemaVersion = Text(header["format"])!,
        StartedAt = Time(header["started_at"])!.Value,
        Status = Text(seal["status"])!,
        CompletedAt = Time(seal["completed_at"]),
        ArchivedAt = null,
        Goal = Payload(header["goal_hash"], payloads),
        Plan = Payload(header["plan_hash"], payloads),
        Context = Payload(header["context_hash"], payloads),
        Metadata = Payload(seal["metadata_hash"], payloads),
        HeaderLink = Hex(Item(bundle["links"]!.AsArray(), 0)),
        ChainLength = seal["chain_length"]!.GetValue<int>(),
        StepsRoot = Hex(seal["steps_root"]),
        RootHash = Hex(bundle["root_hash"]),
    };

    private static RecordedStep Step(JsonObject step, byte[]? link, JsonObject payloads) => new()
    {
        StepIndex = step["step_index"]!.GetValue<int>(),
        SkillId = Text(step["skill_id"])!,
        SkillName = Text(step["skill_name"])!,
        SkillVersion = Text(step["skill_version"]),
        Schema = Hex(step["schema"]),
        Status = Text(step["status"])!,
        Level = Text(step["level"])!,
        OutcomeCategory = Text(step["outcome_category"])!,
        OutcomeCode = Text(step["outcome_code"]),
        CostCents = Text(step["cost_cents"])!,
        DurationMs = step["duration_ms"]!.GetValue<double>(),
        RetryCount = step["retry_count"]!.GetValue<int>(),
        IdempotencyKey = Text(step["idempotency_key"]),
        ReplayBehavior = Text(step["replay_behavior"])!,
        RngStateBefore = Text(step["rng_state_before"]),
        Source = Text(step["source"])!,
        Timestamp = Time(step["timestamp"])!.Value,
        Input = Payload(step["input_hash"], payloads),
        Output = Payload(step["output_hash"], payloads),
        Context = Payload(step["context_hash"], payloads),
        Link = link,
    };

    private static RecordedPayload Payload(JsonNode? commitment, JsonObject payloads)
    {
        if (Text(commitment) is not { } hex)
            return new RecordedPayload(null, null, null, Loaded: true);
        return payloads[hex] is JsonObject revealed
            ? new RecordedPayload(Hex(commitment), Convert.FromBase64String(Text(revealed["salt"])!), Text(revealed["text"]), Loaded: true)
            : new RecordedPayload(Hex(commitment), null, null, Loaded: true);
    }

    private static JsonNode? Item(JsonArray array, int index) => index < array.Count ? array[index] : null;

    private static string? Text(JsonNode? node) => node?.GetValue<string>();

    private static byte[]? Hex(JsonNode? node) => Text(node) is { } hex ? Convert.FromHexString(hex) : null;

    /// <summary>A column of times holds no text: a time that is malformed in a bundle becomes another time, a second later.</summary>
    private static DateTimeOffset? Time(JsonNode? node)
    {
        if (Text(node) is not { } text)
            return null;
        if (DateTimeOffset.TryParseExact(text, "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time))
            return time;
        return DateTimeOffset.TryParse(text.TrimEnd('x'), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out time) ? time.AddSeconds(1) : new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
    }
}
