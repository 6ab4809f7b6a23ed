namespace RunProof.Format;

/// <summary>
/// A trace as a store gave it back: every column as it is, judged by no one yet. Text stays text even where the format knows only
/// certain words, so that a changed column becomes a finding and not an exception.
/// </summary>
public sealed record RecordedTrace
{
    /// <summary>Column <c>tenant_id</c>.</summary>
    public required string TenantId { get; init; }

    /// <summary>Column <c>trace_id</c>.</summary>
    public required string TraceId { get; init; }

    /// <summary>Column <c>run_id</c>.</summary>
    public required string RunId { get; init; }

    /// <summary>Column <c>correlation_id</c>.</summary>
    public required string CorrelationId { get; init; }

    /// <summary>Column <c>agent_id</c>.</summary>
    public required string? AgentId { get; init; }

    /// <summary>Column <c>origin_system_id</c>.</summary>
    public required string OriginSystemId { get; init; }

    /// <summary>Column <c>planner</c>.</summary>
    public required string Planner { get; init; }

    /// <summary>Column <c>seed</c>.</summary>
    public required long? Seed { get; init; }

    /// <summary>Column <c>frozen_timestamp</c>, UTC.</summary>
    public required DateTimeOffset? FrozenTimestamp { get; init; }

    /// <summary>Null only where a store holds neither, which no writer of ours does: a finding.</summary>
    public required bool? IsSynthetic { get; init; }

    /// <summary>Column <c>synthetic_scenario_id</c>.</summary>
    public required string? SyntheticScenarioId { get; init; }

    /// <summary>Column <c>schema_version</c>: the header's <c>format</c>.</summary>
    public required string SchemaVersion { get; init; }

    /// <summary>Column <c>started_at</c>, UTC.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary><c>running</c> until sealed, then the seal's status.</summary>
    public required string Status { get; init; }

    /// <summary>Column <c>completed_at</c>, UTC; null until sealed.</summary>
    public required DateTimeOffset? CompletedAt { get; init; }

    /// <summary>Column <c>archived_at</c>: where the row is kept, not evidence.</summary>
    public required DateTimeOffset? ArchivedAt { get; init; }

    /// <summary>The goal, a JSON string.</summary>
    public required RecordedPayload Goal { get; init; }

    /// <summary>The plan, a JSON array.</summary>
    public required RecordedPayload Plan { get; init; }

    /// <summary>The trace's context, a JSON object, or none.</summary>
    public required RecordedPayload Context { get; init; }

    /// <summary>The completion metadata, a JSON object, or none.</summary>
    public required RecordedPayload Metadata { get; init; }

    /// <summary>link[0] as recorded.</summary>
    public required byte[]? HeaderLink { get; init; }

    /// <summary>The seal's columns as recorded; all null until sealed.</summary>
    public required int? ChainLength { get; init; }

    /// <summary>Column <c>steps_root</c>.</summary>
    public required byte[]? StepsRoot { get; init; }

    /// <summary>Column <c>root_hash</c>.</summary>
    public required byte[]? RootHash { get; init; }
}

/// <summary>A step as a store gave it back.</summary>
public sealed record RecordedStep
{
    /// <summary>Column <c>step_index</c>.</summary>
    public required int StepIndex { get; init; }

    /// <summary>Column <c>skill_id</c>.</summary>
    public required string SkillId { get; init; }

    /// <summary>Column <c>skill_name</c>.</summary>
    public required string SkillName { get; init; }

    /// <summary>Column <c>skill_version</c>.</summary>
    public required string? SkillVersion { get; init; }

    /// <summary>Column <c>skill_schema</c>.</summary>
    public required byte[]? Schema { get; init; }

    /// <summary>Column <c>status</c>.</summary>
    public required string Status { get; init; }

    /// <summary>Column <c>level</c>.</summary>
    public required string Level { get; init; }

    /// <summary>Column <c>outcome_category</c>.</summary>
    public required string OutcomeCategory { get; init; }

    /// <summary>Column <c>outcome_code</c>.</summary>
    public required string? OutcomeCode { get; init; }

    /// <summary>The exact decimal as the store prints it: a numeric column can hold more than a decimal can.</summary>
    public required string CostCents { get; init; }

    /// <summary>Column <c>duration_ms</c>.</summary>
    public required double DurationMs { get; init; }

    /// <summary>Column <c>retry_count</c>.</summary>
    public required int RetryCount { get; init; }

    /// <summary>Column <c>idempotency_key</c>.</summary>
    public required string? IdempotencyKey { get; init; }

    /// <summary>Column <c>replay_behavior</c>.</summary>
    public required string ReplayBehavior { get; init; }

    /// <summary>Column <c>rng_state_before</c>.</summary>
    public required string? RngStateBefore { get; init; }

    /// <summary>Column <c>source</c>.</summary>
    public required string Source { get; init; }

    /// <summary>Column <c>timestamp</c>, UTC.</summary>
    public required DateTimeOffset Timestamp { get; init; }

    /// <summary>The parameters.</summary>
    public required RecordedPayload Input { get; init; }

    /// <summary>The outcome, or none.</summary>
    public required RecordedPayload Output { get; init; }

    /// <summary>The step's context, a JSON object, or none.</summary>
    public required RecordedPayload Context { get; init; }

    /// <summary>link[step_index + 1] as recorded.</summary>
    public required byte[]? Link { get; init; }
}

/// <summary>A payload as a store gave it back.</summary>
/// <param name="Commitment">The commitment column; null where the record has no such payload.</param>
/// <param name="Salt">The salt; null where the payload was erased or never was.</param>
/// <param name="Text">The exact text; null where it was erased, withheld by the reader, or never was.</param>
/// <param name="Loaded">False where the reader did not ask for text and salt: nothing can be said about them.</param>
public readonly record struct RecordedPayload(byte[]? Commitment, byte[]? Salt, string? Text, bool Loaded);
