namespace RunProof.Format;

/// <summary>The header of a trace: what is known when it opens (proof-format.md section 3).</summary>
[Canonical(Name = "runproof.header")]
public sealed partial record TraceHeader
{
    /// <summary>The format of every record that <see cref="TraceHeader"/> begins.</summary>
    public const string CurrentFormat = "runproof/v1";

    /// <summary>The agent, or null.</summary>
    public required AgentId? AgentId { get; init; }

    /// <summary>Commitment to the trace's context, an open JSON object; or null.</summary>
    public required Digest? ContextHash { get; init; }

    /// <summary>The caller's correlation id.</summary>
    public required CorrelationId CorrelationId { get; init; }

    /// <summary>Always <see cref="CurrentFormat"/>.</summary>
    public required string Format { get; init; }

    /// <summary>The time that a deterministic run sees as now, or null.</summary>
    public required DateTimeOffset? FrozenTimestamp { get; init; }

    /// <summary>Commitment to the goal, a JSON string.</summary>
    public required Digest GoalHash { get; init; }

    /// <summary>Whether the run is a test and no one's work.</summary>
    public required bool IsSynthetic { get; init; }

    /// <summary>The system that asked for the run.</summary>
    public required string OriginSystemId { get; init; }

    /// <summary>Commitment to the plan, a JSON array of planned steps.</summary>
    public required Digest PlanHash { get; init; }

    /// <summary>Who planned: <c>stub</c>, <c>given</c>, ….</summary>
    public required string Planner { get; init; }

    /// <summary>The run.</summary>
    public required RunId RunId { get; init; }

    /// <summary>The seed of the run's randomness.</summary>
    public required SafeInteger Seed { get; init; }

    /// <summary>When the trace opened; whole microseconds.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>The synthetic scenario, or null.</summary>
    public required string? SyntheticScenarioId { get; init; }

    /// <summary>The tenant.</summary>
    public required TenantId TenantId { get; init; }

    /// <summary>The trace.</summary>
    public required TraceId TraceId { get; init; }
}

/// <summary>One step of a trace (proof-format.md section 3).</summary>
[Canonical(Name = "runproof.step")]
public sealed partial record TraceStep
{
    /// <summary>Commitment to the step's context, an open JSON object; or null.</summary>
    public required Digest? ContextHash { get; init; }

    /// <summary>What it cost, in cents, exactly.</summary>
    public required decimal CostCents { get; init; }

    /// <summary>How long it took, in milliseconds; finite.</summary>
    public required double DurationMs { get; init; }

    /// <summary>The key under which its effect happens at most once, or null.</summary>
    public required string? IdempotencyKey { get; init; }

    /// <summary>Commitment to the parameters.</summary>
    public required Digest InputHash { get; init; }

    /// <summary>The function of <see cref="Status"/> that <see cref="Wire.LevelOf"/> is.</summary>
    public required StepLevel Level { get; init; }

    /// <summary>The kind of outcome, a word.</summary>
    public required string OutcomeCategory { get; init; }

    /// <summary>The outcome's code, or null.</summary>
    public required string? OutcomeCode { get; init; }

    /// <summary>Commitment to the outcome, or null where there is none.</summary>
    public required Digest? OutputHash { get; init; }

    /// <summary>What a replay does with it.</summary>
    public required ReplayBehavior ReplayBehavior { get; init; }

    /// <summary>Attempts before this one.</summary>
    public required int RetryCount { get; init; }

    /// <summary>The random generator's state before it, or null.</summary>
    public required string? RngStateBefore { get; init; }

    /// <summary>Fingerprint of the skill's canonical schema (section 6), or null for a step from outside.</summary>
    public required Digest? Schema { get; init; }

    /// <summary>The skill's id.</summary>
    public required string SkillId { get; init; }

    /// <summary>The skill's name.</summary>
    public required string SkillName { get; init; }

    /// <summary>The skill's version, or null.</summary>
    public required string? SkillVersion { get; init; }

    /// <summary>Who recorded it.</summary>
    public required StepSource Source { get; init; }

    /// <summary>How it ended.</summary>
    public required StepStatus Status { get; init; }

    /// <summary>Its place, from 0, without gaps.</summary>
    public required int StepIndex { get; init; }

    /// <summary>When it began; whole microseconds.</summary>
    public required DateTimeOffset Timestamp { get; init; }
}

/// <summary>The seal of a trace (proof-format.md section 3).</summary>
[Canonical(Name = "runproof.seal")]
public sealed partial record TraceSeal
{
    /// <summary>Number of steps.</summary>
    public required int ChainLength { get; init; }

    /// <summary>When it was sealed; whole microseconds.</summary>
    public required DateTimeOffset CompletedAt { get; init; }

    /// <summary>Commitment to the completion metadata, or null.</summary>
    public required Digest? MetadataHash { get; init; }

    /// <summary>How the run ended.</summary>
    public required SealStatus Status { get; init; }

    /// <summary>RFC 6962 tree hash over the links of the steps.</summary>
    public required Digest StepsRoot { get; init; }
}
