using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>
/// Records traces as evidence: every call returns only when what it wrote is durable. Payloads are redacted, then committed to, then hashed, then written.
/// </summary>
public interface ITraceRecorder
{
    /// <summary>Opens a trace: writes its header and the intent of its first step.</summary>
    /// <param name="opening">What is known at the start.</param>
    /// <param name="cancellationToken">Gives up waiting; the trace may be open all the same.</param>
    /// <exception cref="RecordingException">It is there already with another header, or the store cannot be reached.</exception>
    /// <returns>The session through which its one writer appends.</returns>
    ValueTask<ITraceSession> OpenAsync(TraceOpening opening, CancellationToken cancellationToken);

    /// <summary>Takes a running trace over from a writer that died: fences that writer off and continues at the recorded head.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="trace">The trace.</param>
    /// <param name="cancellationToken">Gives up waiting; the former writer may be fenced off all the same.</param>
    /// <exception cref="RecordingException">There is no such trace, it is sealed, or the store cannot be reached.</exception>
    /// <returns>The session; its <see cref="ITraceSession.InFlight"/> names the step that was under way, if any.</returns>
    ValueTask<ITraceSession> TakeOverAsync(TenantId tenant, TraceId trace, CancellationToken cancellationToken);
}

/// <summary>The one writer of an open trace. Calls must not overlap; the recorder batches across traces, never within one.</summary>
public interface ITraceSession
{
    /// <summary>The tenant.</summary>
    TenantId TenantId { get; }

    /// <summary>The trace.</summary>
    TraceId TraceId { get; }

    /// <summary>The index that the next step will get.</summary>
    int NextIndex { get; }

    /// <summary>The last link recorded.</summary>
    Digest LastLink { get; }

    /// <summary>The step that a former writer began and did not record; null for a trace that this session opened.</summary>
    StepIntent? InFlight { get; }

    /// <summary>Appends a step and, in the same write, the intent of the step that follows.</summary>
    /// <param name="step">The step.</param>
    /// <param name="next">What is about to begin, or null where nothing is.</param>
    /// <param name="cancellationToken">Gives up waiting; the step may be recorded all the same, and appending it again is harmless.</param>
    /// <exception cref="RecordingException">Another step is there at this index, another writer has taken over, the trace is sealed, or the store cannot be reached.</exception>
    /// <returns>The step's link.</returns>
    ValueTask<Digest> AppendAsync(StepRecording step, StepIntent? next, CancellationToken cancellationToken);

    /// <summary>Seals the trace, once.</summary>
    /// <param name="closing">How it ended.</param>
    /// <param name="cancellationToken">Gives up waiting; the trace may be sealed all the same, and sealing it again alike is harmless.</param>
    /// <exception cref="RecordingException">It is sealed otherwise, another writer has taken over, or the store cannot be reached.</exception>
    /// <returns>The root hash.</returns>
    ValueTask<Digest> SealAsync(TraceClosing closing, CancellationToken cancellationToken);
}

/// <summary>What is known when a trace opens. Payloads are as executed: the recorder redacts them.</summary>
public sealed record TraceOpening
{
    public required TenantId TenantId { get; init; }
    public required TraceId TraceId { get; init; }
    public required RunId RunId { get; init; }
    public AgentId? AgentId { get; init; }
    public required CorrelationId CorrelationId { get; init; }
    public required string OriginSystemId { get; init; }
    public required string Planner { get; init; }
    public SafeInteger Seed { get; init; }
    public DateTimeOffset? FrozenTimestamp { get; init; }
    public bool IsSynthetic { get; init; }
    public string? SyntheticScenarioId { get; init; }
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>A JSON string.</summary>
    public required CanonicalJson Goal { get; init; }

    /// <summary>A JSON array of planned steps.</summary>
    public required CanonicalJson Plan { get; init; }

    /// <summary>An open JSON object, or null. Redactions are added to it under <c>redactions</c>.</summary>
    public CanonicalJson? Context { get; init; }

    /// <summary>The intent of the first step, or null.</summary>
    public StepIntent? FirstStep { get; init; }
}

/// <summary>That a step is about to begin: kept beside the trace's head, so that a crash leaves a name and a time.</summary>
/// <param name="PlanIndex">Its place in the plan, from 0.</param>
/// <param name="Attempt">Attempts of it before this one.</param>
/// <param name="StartedAt">When it begins.</param>
public sealed record StepIntent(int PlanIndex, int Attempt, DateTimeOffset StartedAt);

/// <summary>A step to record. Payloads are as executed: the recorder redacts them.</summary>
public sealed record StepRecording
{
    public required string SkillId { get; init; }
    public required string SkillName { get; init; }
    public string? SkillVersion { get; init; }
    public Digest? Schema { get; init; }
    public required StepStatus Status { get; init; }
    public required string OutcomeCategory { get; init; }
    public string? OutcomeCode { get; init; }
    public decimal CostCents { get; init; }
    public required double DurationMs { get; init; }
    public int RetryCount { get; init; }
    public string? IdempotencyKey { get; init; }
    public ReplayBehavior ReplayBehavior { get; init; }
    public string? RngStateBefore { get; init; }
    public StepSource Source { get; init; } = StepSource.Engine;
    public required DateTimeOffset Timestamp { get; init; }
    public required CanonicalJson Parameters { get; init; }
    public CanonicalJson? Outcome { get; init; }

    /// <summary>An open JSON object, or null. Redactions are added to it under <c>redactions</c>.</summary>
    public CanonicalJson? Context { get; init; }
}

/// <summary>How a trace ends.</summary>
public sealed record TraceClosing
{
    public required SealStatus Status { get; init; }
    public required DateTimeOffset CompletedAt { get; init; }

    /// <summary>An open JSON object, or null.</summary>
    public CanonicalJson? Metadata { get; init; }
}
