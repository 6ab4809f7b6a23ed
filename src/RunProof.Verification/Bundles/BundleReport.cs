using RunProof.Format;

namespace RunProof.Verification;

/// <summary>What was found about a bundle. Only <see cref="BundleVerifier"/> makes one.</summary>
public sealed class BundleReport
{
    internal BundleReport(IReadOnlyList<Check> checks) => (Checks, Verdict) = (checks, Verdict.OfBundle(checks));

    /// <summary>The verdict; it follows from <see cref="Checks"/> alone.</summary>
    public Verdict Verdict { get; }

    /// <summary>Every check, done or not, in the order of the chain.</summary>
    public IReadOnlyList<Check> Checks { get; }

    /// <summary>What does not hold, in the order of the chain; for a bundle that is unsupported, why.</summary>
    public required IReadOnlyList<Finding> Findings { get; init; }

    /// <summary>Findings beyond those.</summary>
    public required long FindingsOmitted { get; init; }

    /// <summary>The bundle; null where it has not the form of one.</summary>
    public required ProofBundle? Bundle { get; init; }

    /// <summary>Payloads that were found to match their commitments.</summary>
    public required long PayloadsVerified { get; init; }

    /// <summary>Commitments of which the bundle shows no payload: withheld or erased.</summary>
    public required long PayloadsNotShown { get; init; }

    /// <summary>The key under which the checkpoint's signature is right; null where none is, or where only the bundle's own was tried.</summary>
    public required NoteKey? SignedBy { get; init; }

    /// <summary>The checkpoint, where a trusted key signed it.</summary>
    public required Checkpoint? Checkpoint { get; init; }
}
