using RunProof.Format;

namespace RunProof.Verification;

/// <summary>What the verification of a bundle may rely on.</summary>
public sealed record BundleOptions
{
    /// <summary>Keys of the log that the caller has from elsewhere. Default: none, and then no bundle is VERIFIED: whoever made it could have made its key.</summary>
    public IReadOnlyList<INoteVerifier> TrustedKeys { get; init; } = [];

    /// <summary>Makes a verifier of the key that stands in the bundle, to say at least whether the bundle agrees with itself. Default: none is made.</summary>
    public Func<NoteKey, INoteVerifier?> VerifierOf { get; init; } = static _ => null;

    /// <summary>Findings kept, at least 1; beyond them they are counted. Default 10,000.</summary>
    public int MaxFindings { get; init; } = 10_000;
}
