using RunProof.Format;

namespace RunProof.Verification;

/// <summary>What a verification is asked for.</summary>
public sealed record VerificationOptions
{
    /// <summary>Which structure is verified. Default: <see cref="IntegrityModel.HashChain"/>.</summary>
    public IntegrityModel Model { get; init; }

    /// <summary>The tenant whose evidence this must be; null where any is accepted.</summary>
    public TenantId? Tenant { get; init; }

    /// <summary>The run that this must be evidence of; null where any is accepted.</summary>
    public RunId? Run { get; init; }

    /// <summary>
    /// Whether the run's own record says that it has ended, so that its trace must be sealed: one that is not has lost its seal. Default: false. An engine
    /// seals before it ends a run, so whoever asks reads the run's record before the evidence.
    /// </summary>
    public bool RunHasEnded { get; init; }

    /// <summary>Whether the run's own record says that it succeeded, so that its trace must be sealed completed: the two cannot both be true otherwise. Default: false.</summary>
    public bool RunSucceeded { get; init; }

    /// <summary>The trace that this one goes on from, as the run's own record says; null where it says of none. It is no evidence: it only says what an erased context no longer does.</summary>
    public TraceId? ForkOf { get; init; }

    /// <summary>
    /// Shapes by which revealed payloads are read besides: check <c>PAYLOAD_SCHEMA</c>, which a proof does not need and which can make it fail. Default: null, and
    /// there is no such check.
    /// </summary>
    public IPayloadSchemas? Schemas { get; init; }

    /// <summary>
    /// What is kept of the trace's approvals, and of approvals whose trace is not there: check <c>APPROVALS</c>, which a proof does not need and which can make it fail. Null
    /// where it is not at hand; where a step names an approval, the check then says so. Default: null.
    /// </summary>
    public IReadOnlyList<RecordedApproval>? Approvals { get; init; }

    /// <summary>Keys of the log, where any are at hand, for a checkpoint that the trace itself holds. Default: none. Those of the log's evidence count too.</summary>
    public IReadOnlyList<INoteVerifier> LogKeys { get; init; } = [];

    /// <summary>Findings kept of one trace, at least 1; beyond them they are counted. Default 10,000. Bounds memory against hostile evidence.</summary>
    public int MaxFindings { get; init; } = 10_000;
}
