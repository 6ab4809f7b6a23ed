namespace RunProof.Ledger;

/// <summary>Bytes of a column, or null. The text of a text column is its UTF-8. Part of a buffer that is used again.</summary>
/// <param name="buffer">The buffer; null for a null.</param>
/// <param name="start">Where.</param>
/// <param name="length">Bytes.</param>
public readonly struct RawColumn(byte[]? buffer, int start, int length)
{
    private readonly byte[]? _buffer = buffer;
    private readonly int _start = start;
    private readonly int _length = length;

    /// <summary>Whether the column is null.</summary>
    public bool IsNull => _buffer is null;

    /// <summary>The bytes; none for a null.</summary>
    public ReadOnlySpan<byte> Span => new(_buffer, _start, _length);

    /// <summary>A column of its own bytes.</summary>
    /// <param name="bytes">The bytes; null for a null.</param>
    /// <returns>The column.</returns>
    public static RawColumn Of(byte[]? bytes) => new(bytes, 0, bytes?.Length ?? 0);
}

/// <summary>A payload's columns.</summary>
/// <param name="Commitment">The commitment; null where the record has no such payload.</param>
/// <param name="Salt">The salt; null where it was erased or not read.</param>
/// <param name="Text">The text; null where it was erased or not read.</param>
public readonly record struct RawPayload(RawColumn Commitment, RawColumn Salt, RawColumn Text);

/// <summary>An entry of a log, and what else is stored of its trace's place in the log.</summary>
public sealed class EntryRow
{
    /// <summary>Its index, from 0.</summary>
    public long Position { get; set; }

    /// <summary>Column <c>kind</c>.</summary>
    public RawColumn Kind { get; set; }

    /// <summary>Column <c>trace_id</c>.</summary>
    public RawColumn TraceId { get; set; }

    /// <summary>Column <c>run_id</c>.</summary>
    public RawColumn RunId { get; set; }

    /// <summary>The entry.</summary>
    public RawColumn Text { get; set; }

    /// <summary>The position of the trace's other entry, the first where there are several: of a seal the opening's, of an opening the seal's. Null where there is none.</summary>
    public long? PartnerPosition { get; set; }

    /// <summary>The other entry.</summary>
    public RawColumn PartnerText { get; set; }

    /// <summary>Whether the trace follows.</summary>
    public bool IsEvidenceRead { get; set; }

    /// <summary>Whether the trace was in quarantine before: it entered the log out of its time.</summary>
    public bool IsRequeued { get; set; }

    /// <summary>Whether an earlier entry is of the same trace and kind.</summary>
    public bool IsRepeated { get; set; }

    /// <summary>The status of the run's record; null where there is none, or where no evidence follows.</summary>
    public RawColumn RunStatus { get; set; }

    /// <summary>Where the seal of a trace stands that is opened and not sealed in the log: <c>queued</c>, <c>quarantined</c> or null.</summary>
    public RawColumn Waiting { get; set; }
}

/// <summary>A trace's columns.</summary>
public sealed class TraceRow
{
    /// <summary>Whether a column holds what no record of the format can and this row cannot show: the trace must be read otherwise.</summary>
    public bool IsOdd { get; set; }

    /// <summary>Column <c>tenant_id</c>.</summary>
    public RawColumn TenantId { get; set; }

    /// <summary>Column <c>trace_id</c>.</summary>
    public RawColumn TraceId { get; set; }

    /// <summary>Column <c>run_id</c>.</summary>
    public RawColumn RunId { get; set; }

    /// <summary>Column <c>correlation_id</c>.</summary>
    public RawColumn CorrelationId { get; set; }

    /// <summary>Column <c>agent_id</c>.</summary>
    public RawColumn AgentId { get; set; }

    /// <summary>Column <c>origin_system_id</c>.</summary>
    public RawColumn OriginSystemId { get; set; }

    /// <summary>Column <c>planner</c>.</summary>
    public RawColumn Planner { get; set; }

    /// <summary>Column <c>synthetic_scenario_id</c>.</summary>
    public RawColumn SyntheticScenarioId { get; set; }

    /// <summary>Column <c>schema_version</c>.</summary>
    public RawColumn SchemaVersion { get; set; }

    /// <summary>Column <c>status</c>.</summary>
    public RawColumn Status { get; set; }

    /// <summary>Column <c>seed</c>.</summary>
    public long Seed { get; set; }

    /// <summary>Column <c>is_synthetic</c>.</summary>
    public bool IsSynthetic { get; set; }

    /// <summary>Column <c>started_at</c>.</summary>
    public DateTimeOffset StartedAt { get; set; }

    /// <summary>Column <c>completed_at</c>.</summary>
    public DateTimeOffset? CompletedAt { get; set; }

    /// <summary>Column <c>frozen_timestamp</c>.</summary>
    public DateTimeOffset? FrozenTimestamp { get; set; }

    /// <summary>The goal.</summary>
    public RawPayload Goal { get; set; }

    /// <summary>The plan.</summary>
    public RawPayload Plan { get; set; }

    /// <summary>The context.</summary>
    public RawPayload Context { get; set; }

    /// <summary>The completion metadata.</summary>
    public RawPayload Metadata { get; set; }

    /// <summary>Column <c>link</c>.</summary>
    public RawColumn Link { get; set; }

    /// <summary>Column <c>chain_length</c>.</summary>
    public long? ChainLength { get; set; }

    /// <summary>Column <c>steps_root</c>.</summary>
    public RawColumn StepsRoot { get; set; }

    /// <summary>Column <c>root_hash</c>.</summary>
    public RawColumn RootHash { get; set; }
}

/// <summary>A step's columns.</summary>
public sealed class StepRow
{
    /// <summary>Whether a column holds what no record of the format can and this row cannot show: the trace must be read otherwise.</summary>
    public bool IsOdd { get; set; }

    /// <summary>Column <c>step_index</c>.</summary>
    public long StepIndex { get; set; }

    /// <summary>Column <c>skill_id</c>.</summary>
    public RawColumn SkillId { get; set; }

    /// <summary>Column <c>skill_name</c>.</summary>
    public RawColumn SkillName { get; set; }

    /// <summary>Column <c>skill_version</c>.</summary>
    public RawColumn SkillVersion { get; set; }

    /// <summary>Column <c>skill_schema</c>.</summary>
    public RawColumn Schema { get; set; }

    /// <summary>Column <c>status</c>.</summary>
    public RawColumn Status { get; set; }

    /// <summary>Column <c>level</c>.</summary>
    public RawColumn Level { get; set; }

    /// <summary>Column <c>outcome_category</c>.</summary>
    public RawColumn OutcomeCategory { get; set; }

    /// <summary>Column <c>outcome_code</c>.</summary>
    public RawColumn OutcomeCode { get; set; }

    /// <summary>Column <c>cost_cents</c>, exactly.</summary>
    public decimal CostCents { get; set; }

    /// <summary>Column <c>duration_ms</c>.</summary>
    public double DurationMs { get; set; }

    /// <summary>Column <c>retry_count</c>.</summary>
    public long RetryCount { get; set; }

    /// <summary>Column <c>idempotency_key</c>.</summary>
    public RawColumn IdempotencyKey { get; set; }

    /// <summary>Column <c>replay_behavior</c>.</summary>
    public RawColumn ReplayBehavior { get; set; }

    /// <summary>Column <c>rng_state_before</c>.</summary>
    public RawColumn RngStateBefore { get; set; }

    /// <summary>Column <c>source</c>.</summary>
    public RawColumn Source { get; set; }

    /// <summary>Column <c>timestamp</c>.</summary>
    public DateTimeOffset Timestamp { get; set; }

    /// <summary>The parameters.</summary>
    public RawPayload Input { get; set; }

    /// <summary>The outcome.</summary>
    public RawPayload Output { get; set; }

    /// <summary>The step's context.</summary>
    public RawPayload Context { get; set; }

    /// <summary>Column <c>link</c>.</summary>
    public RawColumn Link { get; set; }
}
