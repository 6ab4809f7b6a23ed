using RunProof.Format;

namespace RunProof.Verification;

/// <summary>Whether enough witnesses have seen a checkpoint. A port: the policy of C2SP tlog-policy is one.</summary>
public interface IWitnessQuorum
{
    /// <summary>Judges the cosignatures of a checkpoint that a trusted key signed.</summary>
    /// <param name="checkpoint">The signed checkpoint.</param>
    /// <param name="cosigners">The witnesses that cosigned, by name.</param>
    /// <param name="problem">Why it must not be used, where it must not.</param>
    /// <exception cref="PlatformNotSupportedException">Signatures cannot be verified on this machine.</exception>
    /// <returns>Whether they are enough, and none of a known witness is false.</returns>
    bool IsMet(SignedNote checkpoint, out IReadOnlyList<string> cosigners, out string problem);
}

/// <summary>What the verification of a bundle, or of another file about the log, may rely on.</summary>
public sealed record BundleOptions
{
    /// <summary>Keys of the log that the caller has from elsewhere. Default: none, and then no bundle is VERIFIED: whoever made it could have made its key.</summary>
    public IReadOnlyList<INoteVerifier> TrustedKeys { get; init; } = [];

    /// <summary>Makes a verifier of the key that stands in the bundle, to say at least whether the bundle agrees with itself. Default: none is made.</summary>
    public Func<NoteKey, INoteVerifier?> VerifierOf { get; init; } = static _ => null;

    /// <summary>The witnesses that must have seen the checkpoint. Default: none, and then cosignatures are not looked at.</summary>
    public IWitnessQuorum? Quorum { get; init; }

    /// <summary>Payloads that the file withholds and the caller was given besides, by commitment; they are checked against it. Default: none.</summary>
    public Func<Digest, RevealedPayload?> Withheld { get; init; } = static _ => null;

    /// <summary>Findings kept, at least 1; beyond them they are counted. Default 10,000.</summary>
    public int MaxFindings { get; init; } = 10_000;
}
