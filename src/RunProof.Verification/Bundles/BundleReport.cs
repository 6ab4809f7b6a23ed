using RunProof.Format;

namespace RunProof.Verification;

/// <summary>What was found about a bundle. Only <see cref="BundleVerifier"/> makes one.</summary>
public sealed class BundleReport : FileReport
{
    internal BundleReport(FileJudgement judgement)
        : base(judgement)
    {
    }

    /// <summary>The bundle; null where it has not the form of one.</summary>
    public required ProofBundle? Bundle { get; init; }

    /// <summary>Payloads that were found to match their commitments.</summary>
    public required long PayloadsVerified { get; init; }

    /// <summary>Commitments of which the bundle shows no payload: withheld or erased.</summary>
    public required long PayloadsNotShown { get; init; }
}
