namespace RunProof.Format;

/// <summary>
/// A trace as a store gave it back: every column as it is, judged by no one yet. Text stays text even where the format knows only
/// certain words, so that a changed column becomes a finding and not an exception.
/// </summary>
public sealed record RecordedTrace
{
    public required string TenantId { get; init; }
    public required string TraceId { get; init; }
    public required string RunId { get; init; }
    public required string CorrelationId { get; init; }
    public required string? AgentId { get; init; }
    public required string OriginSystemId { get; init; }
    public required string Planner { get; init; }
    public required long? Seed { get; init; }
    public required DateTimeOffset? FrozenTimestamp { get; init; }

    /// <summary>Null only where a store holds neither, which no writer of ours does: a finding.</summary>
    public required bool? IsSynthetic { get; init; }
    public required string? SyntheticScenarioId { get; init; }
    public required string SchemaVersion { get; init; }
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary><c>running</c> until sealed, then the seal's status.</summary>
    public required string Status { get; init; }
    public required DateTimeOffset? CompletedAt { get; init; }
    public required DateTimeOffset? ArchivedAt { get; init; }

    public required RecordedPayload Goal { get; init; }
    public required RecordedPayload Plan { get; init; }
    public required RecordedPayload Context { get; init; }
    public required RecordedPayload Metadata { get; init; }

    /// <summary>link[0] as recorded.</summary>
    public required byte[]? HeaderLink { get; init; }

    /// <summary>The seal's columns as recorded; all null until sealed.</summary>
    public required int? ChainLength { get; init; }
    public required byte[]? StepsRoot { get; init; }
    public required byte[]? RootHash { get; init; }
}

/// <summary>A step as a store gave it back.</summary>
public sealed record RecordedStep
{
    public required int StepIndex { get; init; }
    public required string SkillId { get; init; }
    public required string SkillName { get; init; }
    public required string? SkillVersion { get; init; }
    public required byte[]? Schema { get; init; }
    public required string Status { get; init; }
    public required string Level { get; init; }
    public required string OutcomeCategory { get; init; }
    public required string? OutcomeCode { get; init; }

    /// <summary>The exact decimal as the store prints it: a numeric column can hold more than a decimal can.</summary>
    public required string CostCents { get; init; }
    public required double DurationMs { get; init; }
    public required int RetryCount { get; init; }
    public required string? IdempotencyKey { get; init; }
    public required string ReplayBehavior { get; init; }
    public required string? RngStateBefore { get; init; }
    public required string Source { get; init; }
    public required DateTimeOffset Timestamp { get; init; }
    public required RecordedPayload Input { get; init; }
    public required RecordedPayload Output { get; init; }
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
