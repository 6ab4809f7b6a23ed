using System.Text.Json.Serialization;
using RunProof.Format;

namespace RunProof.Verifier;

/// <summary>A trace's columns as recorded. Digests are hex, salts base64, times UTC with six digits, payloads the exact text.</summary>
internal sealed record TraceResponse
{
    public required string TraceId { get; init; }
    public required string TenantId { get; init; }
    public required string RunId { get; init; }
    public required string CorrelationId { get; init; }
    public required string? AgentId { get; init; }
    public required string OriginSystemId { get; init; }
    public required string Planner { get; init; }
    public required long? Seed { get; init; }
    public required string? FrozenTimestamp { get; init; }
    public required bool? IsSynthetic { get; init; }
    public required string? SyntheticScenarioId { get; init; }
    public required string SchemaVersion { get; init; }
    public required string Status { get; init; }
    public required string StartedAt { get; init; }
    public required string? CompletedAt { get; init; }
    public required string? ArchivedAt { get; init; }
    public required string? GoalHash { get; init; }
    public required string? PlanHash { get; init; }
    public required string? ContextHash { get; init; }
    public required string? MetadataHash { get; init; }
    public required string? Link { get; init; }
    public required int? ChainLength { get; init; }
    public required string? StepsRoot { get; init; }
    public required string? RootHash { get; init; }

    /// <summary>This trace's own verdict.</summary>
    public required string VerificationStatus { get; init; }

    /// <summary>By column: <c>goal</c>, <c>plan</c>, <c>context</c>, <c>metadata</c>. Only with include_payloads; an erased one is null.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, PayloadResponse?>? Payloads { get; init; }

    internal static TraceResponse Of(RecordedTrace trace, string verdict, bool payloads) => new()
    {
        TraceId = trace.TraceId,
        TenantId = trace.TenantId,
        RunId = trace.RunId,
        CorrelationId = trace.CorrelationId,
        AgentId = trace.AgentId,
        OriginSystemId = trace.OriginSystemId,
        Planner = trace.Planner,
        Seed = trace.Seed,
        FrozenTimestamp = Row.Time(trace.FrozenTimestamp),
        IsSynthetic = trace.IsSynthetic,
        SyntheticScenarioId = trace.SyntheticScenarioId,
        SchemaVersion = trace.SchemaVersion,
        Status = trace.Status,
        StartedAt = WireTime.ToText(trace.StartedAt),
        CompletedAt = Row.Time(trace.CompletedAt),
        ArchivedAt = Row.Time(trace.ArchivedAt),
        GoalHash = Row.Hex(trace.Goal.Commitment),
        PlanHash = Row.Hex(trace.Plan.Commitment),
        ContextHash = Row.Hex(trace.Context.Commitment),
        MetadataHash = Row.Hex(trace.Metadata.Commitment),
        Link = Row.Hex(trace.HeaderLink),
        ChainLength = trace.ChainLength,
        StepsRoot = Row.Hex(trace.StepsRoot),
        RootHash = Row.Hex(trace.RootHash),
        VerificationStatus = verdict,
        Payloads = payloads ? Row.Payloads(("goal", trace.Goal), ("plan", trace.Plan), ("context", trace.Context), ("metadata", trace.Metadata)) : null,
    };
}

/// <summary>A step's columns as recorded.</summary>
internal sealed record StepResponse
{
    public required string TraceId { get; init; }
    public required int StepIndex { get; init; }
    public required string SkillId { get; init; }
    public required string SkillName { get; init; }
    public required string? SkillVersion { get; init; }
    public required string? SkillSchema { get; init; }
    public required string Status { get; init; }
    public required string Level { get; init; }
    public required string OutcomeCategory { get; init; }
    public required string? OutcomeCode { get; init; }
    public required string CostCents { get; init; }

    /// <summary>A number; <c>"NaN"</c> or an infinity in quotes where a hostile hand wrote one.</summary>
    [JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals)]
    public required double DurationMs { get; init; }
    public required int RetryCount { get; init; }
    public required string? IdempotencyKey { get; init; }
    public required string ReplayBehavior { get; init; }
    public required string? RngStateBefore { get; init; }
    public required string Source { get; init; }
    public required string Timestamp { get; init; }
    public required string? InputHash { get; init; }
    public required string? OutputHash { get; init; }
    public required string? ContextHash { get; init; }
    public required string? Link { get; init; }

    /// <summary>By column: <c>params</c>, <c>outcome_data</c>, <c>context</c>. Only with include_payloads; an erased one is null.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyDictionary<string, PayloadResponse?>? Payloads { get; init; }

    /// <summary>The leaf of the step's link in steps_root. Only under MERKLE_TREE.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? LeafHash { get; init; }

    /// <summary>From the leaf to steps_root, bottom up (RFC 6962 section 2.1.1). Only under MERKLE_TREE.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<string>? InclusionProof { get; init; }

    internal static StepResponse Of(string trace, RecordedStep step, bool payloads) => new()
    {
        TraceId = trace,
        StepIndex = step.StepIndex,
        SkillId = step.SkillId,
        SkillName = step.SkillName,
        SkillVersion = step.SkillVersion,
        SkillSchema = Row.Hex(step.Schema),
        Status = step.Status,
        Level = step.Level,
        OutcomeCategory = step.OutcomeCategory,
        OutcomeCode = step.OutcomeCode,
        CostCents = step.CostCents,
        DurationMs = step.DurationMs,
        RetryCount = step.RetryCount,
        IdempotencyKey = step.IdempotencyKey,
        ReplayBehavior = step.ReplayBehavior,
        RngStateBefore = step.RngStateBefore,
        Source = step.Source,
        Timestamp = WireTime.ToText(step.Timestamp),
        InputHash = Row.Hex(step.Input.Commitment),
        OutputHash = Row.Hex(step.Output.Commitment),
        ContextHash = Row.Hex(step.Context.Commitment),
        Link = Row.Hex(step.Link),
        Payloads = payloads ? Row.Payloads(("params", step.Input), ("outcome_data", step.Output), ("context", step.Context)) : null,
    };
}

/// <summary>A payload: H("runproof/v1/payload\n" ‖ salt ‖ UTF-8 of text) is its commitment.</summary>
/// <param name="Text">The exact text that was committed to.</param>
/// <param name="Salt">16 bytes, base64.</param>
internal sealed record PayloadResponse(string? Text, string? Salt);

/// <summary>How columns are spelled.</summary>
internal static class Row
{
    internal static string? Hex(byte[]? bytes) => bytes is null ? null : Convert.ToHexStringLower(bytes);

    internal static string? Time(DateTimeOffset? time) => time is { } value ? WireTime.ToText(value) : null;

    /// <summary>Only payloads that were committed to: a record without a context has none to show.</summary>
    internal static IReadOnlyDictionary<string, PayloadResponse?> Payloads(params ReadOnlySpan<(string Column, RecordedPayload Payload)> columns)
    {
        var shown = new Dictionary<string, PayloadResponse?>(StringComparer.Ordinal);
        foreach (var (column, payload) in columns)
        {
            if (payload is { Text: null, Salt: null })
            {
                if (payload.Commitment is not null)
                    shown[column] = null;
            }
            else
            {
                shown[column] = new PayloadResponse(payload.Text, payload.Salt is null ? null : Convert.ToBase64String(payload.Salt));
            }
        }

        return shown;
    }
}
