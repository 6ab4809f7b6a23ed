using System.Globalization;
using System.Text;
using RunProof.Format;

namespace RunProof.Verification;

/// <summary>Judges what a file says of the log: is the entry this trace's, is it in the tree, did the log sign that tree, and have witnesses seen it?</summary>
/// <param name="trace">What the entry must say; null for an entry or a checkpoint that comes alone.</param>
/// <param name="options">What may be relied on.</param>
/// <param name="checks">The checks.</param>
/// <param name="log">The findings.</param>
internal sealed class LogJudge(LoggedTrace? trace, BundleOptions options, CheckList checks, FindingLog log)
{
    private const string NotIndependent =
        "only the key in the file itself was at hand, and whoever made the file could have made that: give the log's key from elsewhere";

    private const string NoKey = "no key of the log was given";

    /// <summary>The trusted key that signed the checkpoint.</summary>
    internal NoteKey? SignedBy { get; private set; }

    /// <summary>The checkpoint, once a trusted key's signature has been verified.</summary>
    internal Checkpoint? Checkpoint { get; private set; }

    /// <summary>The policy's witnesses that cosigned it.</summary>
    internal IReadOnlyList<string> Cosigners { get; private set; } = [];

    /// <summary>The entry, where it is one of a sealed trace.</summary>
    internal SealedEntry? Entry { get; private set; }

    /// <summary>Judges the log part of a bundle, or of another file that has one.</summary>
    internal void Judge(BundleLog? given)
    {
        if (given is null)
        {
            NothingDone("the entry awaits inclusion in the log");
            return;
        }

        JudgeEntry(given.Entry);
        if (!TlogProof.TryParse(given.Proof, out var proof, out var problem))
        {
            Fail(EvidenceCheck.LogInclusion, FindingCodes.LogInclusionMismatch, "log.proof", problem);
            checks.NotDone(EvidenceCheck.CheckpointSignature, "the proof could not be read");
            NoQuorum("the proof could not be read");
            return;
        }

        try
        {
            JudgeProof(Encoding.UTF8.GetBytes(given.Entry), proof, given.PublicKey, (trace?.TenantId ?? Entry?.TenantId)?.Value);
        }
        catch (PlatformNotSupportedException e)
        {
            NothingDone(e.Message);
        }
    }

    /// <summary>Judges that an entry is in a log, and its checkpoint.</summary>
    /// <exception cref="PlatformNotSupportedException">Signatures cannot be verified on this machine.</exception>
    internal void JudgeProof(byte[] entry, TlogProof proof, string? publicKey, string? tenant)
    {
        if (JudgeSignature(publicKey, proof.Checkpoint, tenant) is { } checkpoint)
            JudgeInclusion(entry, proof, checkpoint);
        else
            checks.NotDone(EvidenceCheck.LogInclusion, "there is no checkpoint that could be relied on");
    }

    /// <summary>The checkpoint, if a known key signed it; the file's own key makes it readable, and nothing more.</summary>
    /// <param name="publicKey">The key that stands in the file; null where none does.</param>
    /// <param name="note">The signed checkpoint.</param>
    /// <param name="tenant">Whose log it must be; null where any will do.</param>
    /// <exception cref="PlatformNotSupportedException">Signatures cannot be verified on this machine.</exception>
    internal Checkpoint? JudgeSignature(string? publicKey, SignedNote note, string? tenant)
    {
        var isTrusted = options.TrustedKeys.Count > 0;
        if (!TryKeys(publicKey, isTrusted, out var keys))
        {
            NoQuorum("there is no checkpoint that could be relied on");
            return null;
        }

        if (!SignedHead.TryJudge(note, keys, tenant, out var head, out var problem))
            return Refuse(problem);
        var checkpoint = head.Checkpoint;
        // At the hand-over of a log two keys signed, and a file names one of them.
        var signer = head.Signers.FirstOrDefault(key => string.Equals(key.ToString(), publicKey, StringComparison.Ordinal)) ?? head.Signers[0];
        if (publicKey is not null && !string.Equals(signer.ToString(), publicKey, StringComparison.Ordinal) && !HasSigned(note, publicKey, signer.Name))
            Fail(EvidenceCheck.CheckpointSignature, FindingCodes.CheckpointRefused, "log.public_key", $"is not the key that signed the checkpoint, {signer}");
        if (isTrusted)
        {
            (SignedBy, Checkpoint) = (signer, checkpoint);
            checks.Pass(EvidenceCheck.CheckpointSignature, string.Create(CultureInfo.InvariantCulture, $"{signer.Name} signed the tree of {checkpoint.Size} entries with the given key {signer.Id:x8}"));
        }
        else
        {
            checks.NotDone(EvidenceCheck.CheckpointSignature, NotIndependent);
            log.Note(new Finding(FindingCodes.LogNotChecked, "log.public_key", "log.public_key: " + NotIndependent));
        }

        JudgeQuorum(note);
        return checkpoint;
    }

    /// <summary>Says of every check on the log that it was not done.</summary>
    internal void NothingDone(string why)
    {
        var all = trace is null ? (EvidenceCheck[])[EvidenceCheck.CheckpointSignature] : [EvidenceCheck.LogEntry, EvidenceCheck.LogInclusion, EvidenceCheck.CheckpointSignature];
        foreach (var check in all)
            checks.NotDone(check, why);
        NoQuorum(why);
        log.Note(new Finding(FindingCodes.LogNotChecked, "log", "log: " + why));
    }

    private void JudgeEntry(string text)
    {
        if (!CanonicalBytes.TryRead<SealedEntry>(Encoding.UTF8.GetBytes(text), out var entry, out var fault))
        {
            Fail(EvidenceCheck.LogEntry, FindingCodes.LogEntryMismatch, "log.entry", string.Create(CultureInfo.InvariantCulture, $"is no entry of a sealed trace in canonical form: byte {fault.Offset}: {fault.Message}"));
            return;
        }

        Entry = entry;
        foreach (var (member, _) in trace!.Compare(entry).Where(static member => !member.Holds))
            Fail(EvidenceCheck.LogEntry, FindingCodes.LogEntryMismatch, "log.entry." + member, "is another trace's");
        checks.Pass(EvidenceCheck.LogEntry, "the entry is of this trace and its root_hash");
    }

    private void JudgeQuorum(SignedNote note)
    {
        if (options.Quorum is not { } quorum)
            return;
        var isMet = quorum.IsMet(note, out var cosigners, out var problem);
        Cosigners = cosigners;
        if (isMet)
            checks.Pass(EvidenceCheck.WitnessQuorum, cosigners.Count == 0 ? "the policy asks for no witness" : "cosigned by " + string.Join(", ", cosigners));
        else
            Fail(EvidenceCheck.WitnessQuorum, FindingCodes.QuorumNotMet, "checkpoint", problem);
    }

    private void NoQuorum(string why)
    {
        if (options.Quorum is not null)
            checks.NotDone(EvidenceCheck.WitnessQuorum, why);
    }

    private bool TryKeys(string? publicKey, bool isTrusted, out IReadOnlyList<INoteVerifier> keys)
    {
        keys = options.TrustedKeys;
        NoteKey? own = null;
        if (publicKey is not null && !NoteKey.TryParse(publicKey, out own, out var problem))
        {
            Fail(EvidenceCheck.CheckpointSignature, FindingCodes.CheckpointRefused, "log.public_key", problem);
            return isTrusted;
        }

        if (isTrusted)
            return true;
        if (own is not null && options.VerifierOf(own) is { } verifier)
        {
            keys = [verifier];
            return true;
        }

        checks.NotDone(EvidenceCheck.CheckpointSignature, NoKey);
        var place = publicKey is null ? "checkpoint" : "log.public_key";
        log.Note(new Finding(FindingCodes.LogNotChecked, place, $"{place}: {NoKey}"));
        return false;
    }

    /// <summary>The next key of a log that was handed over, of which the caller has the old one.</summary>
    private bool HasSigned(SignedNote note, string publicKey, string origin) =>
        NoteKey.TryParse(publicKey, out var key, out _) && key.Name == origin && options.VerifierOf(key) is { } verifier && note.Verify([verifier], out _, out _);

    private void JudgeInclusion(byte[] entry, TlogProof proof, Checkpoint checkpoint)
    {
        if (!SignedHead.Covers(checkpoint, proof.Index, entry, proof.Path))
            Fail(EvidenceCheck.LogInclusion, FindingCodes.LogInclusionMismatch, "log.proof", "the entry is not in the checkpoint's tree at that index");
        checks.Pass(EvidenceCheck.LogInclusion, string.Create(CultureInfo.InvariantCulture, $"the entry is number {proof.Index} of the checkpoint's {checkpoint.Size}"));
    }

    private Checkpoint? Refuse(string said)
    {
        Fail(EvidenceCheck.CheckpointSignature, FindingCodes.CheckpointRefused, "checkpoint", said);
        NoQuorum("there is no checkpoint that could be relied on");
        return null;
    }

    private void Fail(EvidenceCheck check, string code, string place, string said) => log.Add(check, new Finding(code, place, $"{place}: {said}"));
}
