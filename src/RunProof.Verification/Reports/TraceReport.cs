using RunProof.Format;

namespace RunProof.Verification;

/// <summary>What was found about one trace. Only <see cref="TraceVerifier"/> makes one.</summary>
public sealed class TraceReport
{
    internal TraceReport(IntegrityModel model, IReadOnlyList<Check> checks)
    {
        Model = model;
        Checks = checks;
        Verdict = Verdict.Of(model, checks);
    }

    /// <summary>The trace's id as recorded.</summary>
    public required string TraceId { get; init; }

    /// <summary>What was verified.</summary>
    public IntegrityModel Model { get; }

    /// <summary>The verdict; it follows from <see cref="Checks"/> alone.</summary>
    public Verdict Verdict { get; }

    /// <summary>Every check, done or not, in the order of the chain.</summary>
    public IReadOnlyList<Check> Checks { get; }

    /// <summary>What does not hold, in the order of the chain; for a trace that is unsupported, why. At most <see cref="VerificationOptions.MaxFindings"/>.</summary>
    public required IReadOnlyList<Finding> Findings { get; init; }

    /// <summary>Findings beyond those.</summary>
    public required long FindingsOmitted { get; init; }

    /// <summary>Steps that were read.</summary>
    public required int StepCount { get; init; }

    /// <summary>Steps, from step 0, up to which header and links hold without a finding.</summary>
    public required int StepsThatHold { get; init; }

    /// <summary>The seal's number of steps as recorded; null for an open trace.</summary>
    public required int? ChainLength { get; init; }

    /// <summary>root_hash as recorded; null for an open trace or where it has no 32 bytes.</summary>
    public required Digest? RootHash { get; init; }

    /// <summary>root_hash as recomputed; null where it cannot be.</summary>
    public required Digest? RecomputedRootHash { get; init; }

    /// <summary>Payloads that were found to match their commitments.</summary>
    public required long PayloadsVerified { get; init; }

    /// <summary>Places of payloads whose commitment alone is left. At most <see cref="VerificationOptions.MaxFindings"/>.</summary>
    public required IReadOnlyList<string> ErasedPayloads { get; init; }

    /// <summary>Payloads whose commitment alone is left, all of them.</summary>
    public required long ErasedPayloadCount { get; init; }

    /// <summary>The inclusion proofs of the steps; null unless <see cref="IntegrityModel.MerkleTree"/> was asked for and every link could be recomputed.</summary>
    public required StepProofs? StepProofs { get; init; }
}
