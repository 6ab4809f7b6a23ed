using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>
/// Records traces as evidence: every call returns only when what it wrote is durable. Payloads are redacted, then committed to, then hashed, then written.
/// </summary>
public interface ITraceRecorder
{
    /// <summary>Opens a trace: writes its header and the intents of its first steps.</summary>
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
    /// <returns>The session; its <see cref="ITraceSession.InFlight"/> names the steps that were under way, if any.</returns>
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

    /// <summary>The steps that a former writer announced and did not record; none for a trace that this session opened.</summary>
    StepIntents InFlight { get; }

    /// <summary>Appends a step and, in the same write, says what is under way now.</summary>
    /// <param name="step">The step.</param>
    /// <param name="next">All that is under way beside it or about to begin after it; it takes the place of what was announced before. Null or none where nothing is.</param>
    /// <param name="cancellationToken">Gives up waiting; the step may be recorded all the same, and appending it again is harmless.</param>
    /// <exception cref="RecordingException">Another step is there at this index, another writer has taken over, the trace is sealed, or the store cannot be reached.</exception>
    /// <returns>The step's link.</returns>
    ValueTask<Digest> AppendAsync(StepRecording step, StepIntents next, CancellationToken cancellationToken);

    /// <summary>Says what is under way or about to begin where no step is recorded: a run goes on, or is let go of.</summary>
    /// <param name="intents">All of it; it takes the place of what was announced before.</param>
    /// <param name="cancellationToken">Gives up waiting; it may be announced all the same, and announcing it again is harmless.</param>
    /// <exception cref="RecordingException">Another writer has taken over, the trace is sealed, or the store cannot be reached.</exception>
    ValueTask AnnounceAsync(StepIntents intents, CancellationToken cancellationToken);

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
    /// <summary>The tenant.</summary>
    public required TenantId TenantId { get; init; }

    /// <summary>The trace; new in its tenant.</summary>
    public required TraceId TraceId { get; init; }

    /// <summary>The run that it is evidence of.</summary>
    public required RunId RunId { get; init; }

    /// <summary>The agent, or null.</summary>
    public AgentId? AgentId { get; init; }

    /// <summary>The caller's correlation id.</summary>
    public required CorrelationId CorrelationId { get; init; }

    /// <summary>The system that asked for the run: 1 to 128 characters.</summary>
    public required string OriginSystemId { get; init; }

    /// <summary>Who planned: 1 to 64 characters.</summary>
    public required string Planner { get; init; }

    /// <summary>The seed of the run's randomness. Default 0.</summary>
    public SafeInteger Seed { get; init; }

    /// <summary>The time that a deterministic run sees as now, or null.</summary>
    public DateTimeOffset? FrozenTimestamp { get; init; }

    /// <summary>Whether it is a test and no one's work. Default false.</summary>
    public bool IsSynthetic { get; init; }

    /// <summary>The synthetic scenario, or null.</summary>
    public string? SyntheticScenarioId { get; init; }

    /// <summary>When it opens; finer than a microsecond is cut off.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>A JSON string.</summary>
    public required CanonicalJson Goal { get; init; }

    /// <summary>A JSON array of planned steps.</summary>
    public required CanonicalJson Plan { get; init; }

    /// <summary>Places of the plan that policies take out of evidence. Default: none.</summary>
    public IReadOnlyList<PlaceRedaction> PlanRedactions { get; init; } = [];

    /// <summary>An open JSON object, or null. Redactions are added to it under <c>redactions</c>.</summary>
    public CanonicalJson? Context { get; init; }

    /// <summary>The steps that begin first, or none.</summary>
    public StepIntents FirstSteps { get; init; }
}

/// <summary>That a step is about to begin: kept beside the trace's head, so that a crash leaves a name and a time.</summary>
/// <param name="PlanIndex">Its place in the plan, from 0.</param>
/// <param name="Attempt">Attempts of it before this one.</param>
/// <param name="StartedAt">When it begins.</param>
public sealed record StepIntent(int PlanIndex, int Attempt, DateTimeOffset StartedAt);

/// <summary>A step to record. Payloads are as executed: the recorder redacts them.</summary>
public sealed record StepRecording
{
    /// <summary>The skill's id: 1 to 128 characters.</summary>
    public required string SkillId { get; init; }

    /// <summary>The skill's name: 1 to 128 characters.</summary>
    public required string SkillName { get; init; }

    /// <summary>The skill's version, or null.</summary>
    public string? SkillVersion { get; init; }

    /// <summary>Fingerprint of the skill's canonical schema, or null for a step from outside.</summary>
    public Digest? Schema { get; init; }

    /// <summary>How it ended; the level follows from it.</summary>
    public required StepStatus Status { get; init; }

    /// <summary>The kind of outcome: 1 to 64 characters.</summary>
    public required string OutcomeCategory { get; init; }

    /// <summary>The outcome's code, or null.</summary>
    public string? OutcomeCode { get; init; }

    /// <summary>What it cost, in cents, exactly; not negative. Default 0.</summary>
    public decimal CostCents { get; init; }

    /// <summary>How long it took, in milliseconds; finite, not negative.</summary>
    public required double DurationMs { get; init; }

    /// <summary>Attempts before this one. Default 0.</summary>
    public int RetryCount { get; init; }

    /// <summary>The key under which its effect happens at most once, or null.</summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>What a replay does with it. Default: execute.</summary>
    public ReplayBehavior ReplayBehavior { get; init; }

    /// <summary>The random generator's state before it, or null.</summary>
    public string? RngStateBefore { get; init; }

    /// <summary>Who recorded it. Default: the engine.</summary>
    public StepSource Source { get; init; } = StepSource.Engine;

    /// <summary>When it began; finer than a microsecond is cut off.</summary>
    public required DateTimeOffset Timestamp { get; init; }

    /// <summary>What it was called with.</summary>
    public required CanonicalJson Parameters { get; init; }

    /// <summary>What came back, or null.</summary>
    public CanonicalJson? Outcome { get; init; }

    /// <summary>What was decided of it before it could begin. Added to the context under <c>policy</c>.</summary>
    public required StepDecision Decision { get; init; }

    /// <summary>
    /// For the first step of a run that waited for it: the proof (C2SP tlog-proof) that the trace's opening is in its tenant's log. Added to the context under
    /// <c>log_opening</c>, and not redacted: it is hashes, and the log's name. Default: none.
    /// </summary>
    public string? LogOpening { get; init; }

    /// <summary>An open JSON object, or null. Redactions are added to it under <c>redactions</c>, the decision under <c>policy</c>.</summary>
    public CanonicalJson? Context { get; init; }
}

/// <summary>How a trace ends.</summary>
public sealed record TraceClosing
{
    /// <summary>How the run ended.</summary>
    public required SealStatus Status { get; init; }

    /// <summary>When it ended; finer than a microsecond is cut off.</summary>
    public required DateTimeOffset CompletedAt { get; init; }

    /// <summary>An open JSON object, or null.</summary>
    public CanonicalJson? Metadata { get; init; }
}
