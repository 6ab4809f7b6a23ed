using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>A payload ready to be stored: redacted, canonical, committed to.</summary>
/// <param name="Text">The canonical bytes, UTF-8: exactly what was committed to.</param>
/// <param name="Salt">16 bytes.</param>
/// <param name="Commitment">H("runproof/v1/payload\n" ‖ salt ‖ text) (proof-format.md section 2).</param>
public sealed record CommittedPayload(ReadOnlyMemory<byte> Text, byte[] Salt, Digest Commitment);

/// <summary>One write to one trace: its opening, a step, or its seal.</summary>
public abstract record RecordingEntry
{
    private protected RecordingEntry()
    {
    }

    /// <summary>The tenant.</summary>
    public abstract TenantId TenantId { get; }

    /// <summary>The trace.</summary>
    public abstract TraceId TraceId { get; }

    /// <summary>Bytes of its payloads.</summary>
    public abstract int PayloadBytes { get; }
}

/// <summary>The opening of a trace.</summary>
public sealed record OpenEntry : RecordingEntry
{
    /// <summary>The header.</summary>
    public required TraceHeader Header { get; init; }

    /// <summary>link[0].</summary>
    public required Digest Link { get; init; }

    /// <summary>The goal.</summary>
    public required CommittedPayload Goal { get; init; }

    /// <summary>The plan.</summary>
    public required CommittedPayload Plan { get; init; }

    /// <summary>The trace's context, or null.</summary>
    public required CommittedPayload? Context { get; init; }

    /// <summary>What is about to begin.</summary>
    public required StepIntents Intents { get; init; }

    /// <inheritdoc/>
    public override TenantId TenantId => Header.TenantId;

    /// <inheritdoc/>
    public override TraceId TraceId => Header.TraceId;

    /// <inheritdoc/>
    public override int PayloadBytes => Goal.Text.Length + Plan.Text.Length + (Context?.Text.Length ?? 0);
}

/// <summary>A step appended to a trace.</summary>
public sealed record AppendEntry : RecordingEntry
{
    private readonly TenantId _tenant;
    private readonly TraceId _trace;

    /// <summary>A write to a trace.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="trace">The trace.</param>
    public AppendEntry(TenantId tenant, TraceId trace) => (_tenant, _trace) = (tenant, trace);

    /// <summary>The writer's epoch (<see cref="TraceHead.Epoch"/>).</summary>
    public required long Epoch { get; init; }

    /// <summary>link[i], the link that this step was hashed onto.</summary>
    public required Digest Previous { get; init; }

    /// <summary>The step.</summary>
    public required TraceStep Step { get; init; }

    /// <summary>link[i+1], this step's own.</summary>
    public required Digest Link { get; init; }

    /// <summary>The parameters.</summary>
    public required CommittedPayload Parameters { get; init; }

    /// <summary>The outcome, or null where there is none.</summary>
    public required CommittedPayload? Outcome { get; init; }

    /// <summary>The step's context, or null.</summary>
    public required CommittedPayload? Context { get; init; }

    /// <summary>What is under way beside it or about to begin after it.</summary>
    public required StepIntents Intents { get; init; }

    /// <inheritdoc/>
    public override TenantId TenantId => _tenant;

    /// <inheritdoc/>
    public override TraceId TraceId => _trace;

    /// <inheritdoc/>
    public override int PayloadBytes => Parameters.Text.Length + (Outcome?.Text.Length ?? 0) + (Context?.Text.Length ?? 0);
}

/// <summary>The seal of a trace.</summary>
public sealed record SealEntry : RecordingEntry
{
    private readonly TenantId _tenant;
    private readonly TraceId _trace;

    /// <summary>A write to a trace.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="trace">The trace.</param>
    public SealEntry(TenantId tenant, TraceId trace) => (_tenant, _trace) = (tenant, trace);

    /// <summary>The writer's epoch (<see cref="TraceHead.Epoch"/>).</summary>
    public required long Epoch { get; init; }

    /// <summary>link[n], the link that the seal was hashed onto.</summary>
    public required Digest Last { get; init; }

    /// <summary>The seal.</summary>
    public required TraceSeal Seal { get; init; }

    /// <summary>The root hash.</summary>
    public required Digest RootHash { get; init; }

    /// <summary>The completion metadata, or null.</summary>
    public required CommittedPayload? Metadata { get; init; }

    /// <inheritdoc/>
    public override TenantId TenantId => _tenant;

    /// <inheritdoc/>
    public override TraceId TraceId => _trace;

    /// <inheritdoc/>
    public override int PayloadBytes => Metadata?.Text.Length ?? 0;
}
