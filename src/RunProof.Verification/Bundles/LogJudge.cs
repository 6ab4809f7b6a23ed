using System.Globalization;
using System.Text;
using RunProof.Format;

namespace RunProof.Verification;

/// <summary>Judges what a bundle says of the log: is the entry this trace's, is it in the tree, and did the log sign that tree?</summary>
internal sealed class LogJudge(ProofBundle bundle, BundleOptions options, CheckList checks, FindingLog log)
{
    private const string NotIndependent =
        "only the key in the bundle itself was at hand, and whoever made the bundle could have made that: give the log's key from elsewhere";

    /// <summary>The trusted key that signed the checkpoint.</summary>
    internal NoteKey? SignedBy { get; private set; }

    /// <summary>The checkpoint, once a trusted key's signature has been verified.</summary>
    internal Checkpoint? Checkpoint { get; private set; }

    internal void Judge()
    {
        if (bundle.Log is null)
        {
            NothingDone("the entry awaits inclusion in the log");
            return;
        }

        JudgeEntry(bundle.Log.Entry);
        if (!TlogProof.TryParse(bundle.Log.Proof, out var proof, out var problem))
        {
            Fail(EvidenceCheck.LogInclusion, FindingCodes.LogInclusionMismatch, "log.proof", problem);
            checks.NotDone(EvidenceCheck.CheckpointSignature, "the proof could not be read");
            return;
        }

        try
        {
            if (JudgeSignature(bundle.Log.PublicKey, proof.Checkpoint) is { } checkpoint)
                JudgeInclusion(bundle.Log.Entry, proof, checkpoint);
            else
                checks.NotDone(EvidenceCheck.LogInclusion, "there is no checkpoint that could be relied on");
        }
        catch (PlatformNotSupportedException e)
        {
            NothingDone(e.Message);
        }
    }

    private void NothingDone(string why)
    {
        foreach (var check in (EvidenceCheck[])[EvidenceCheck.LogEntry, EvidenceCheck.LogInclusion, EvidenceCheck.CheckpointSignature])
            checks.NotDone(check, why);
        log.Note(new Finding(FindingCodes.LogNotChecked, "log", "log: " + why));
    }

    private void JudgeEntry(string text)
    {
        if (!CanonicalBytes.TryRead<SealedEntry>(Encoding.UTF8.GetBytes(text), out var entry, out var fault))
        {
            Fail(EvidenceCheck.LogEntry, FindingCodes.LogEntryMismatch, "log.entry", string.Create(CultureInfo.InvariantCulture, $"is no entry of a sealed trace in canonical form: byte {fault.Offset}: {fault.Message}"));
            return;
        }

        var expected = SealedEntry.Of(bundle.Header, bundle.Seal, bundle.RootHash);
        (string Member, bool Holds)[] members =
        [
            ("root_hash", entry.RootHash == expected.RootHash), ("run_id", entry.RunId == expected.RunId), ("trace_id", entry.TraceId == expected.TraceId),
            ("tenant_id", entry.TenantId == expected.TenantId), ("status", entry.Status == expected.Status), ("completed_at", entry.CompletedAt == expected.CompletedAt),
            ("chain_length", entry.ChainLength == expected.ChainLength), ("format", entry.Format == expected.Format), ("kind", entry.Kind == expected.Kind),
        ];
        foreach (var (member, _) in members.Where(static member => !member.Holds))
            Fail(EvidenceCheck.LogEntry, FindingCodes.LogEntryMismatch, "log.entry." + member, "is another trace's");
        checks.Pass(EvidenceCheck.LogEntry, "the entry is of this trace and its root_hash");
    }

    /// <summary>The checkpoint, if a known key signed it; the bundle's own key makes it readable, and nothing more.</summary>
    private Checkpoint? JudgeSignature(string publicKey, SignedNote note)
    {
        var isTrusted = options.TrustedKeys.Count > 0;
        if (!TryKeys(publicKey, isTrusted, out var keys))
            return null;
        if (!note.Verify(keys, out var signers, out var problem) || !RunProof.Format.Checkpoint.TryParse(note.Text, out var checkpoint, out problem))
        {
            Fail(EvidenceCheck.CheckpointSignature, FindingCodes.CheckpointRefused, "checkpoint", problem);
            return null;
        }

        var signer = signers.FirstOrDefault(key => key.Name == checkpoint.Origin);
        if (signer is null || !checkpoint.Origin.EndsWith("/" + bundle.Header.TenantId.Value, StringComparison.Ordinal))
        {
            var said = signer is null ? $"its origin {checkpoint.Origin} is not the name of the key that signed it" : $"{checkpoint.Origin} is another tenant's log";
            Fail(EvidenceCheck.CheckpointSignature, FindingCodes.CheckpointRefused, "checkpoint", said);
            return null;
        }

        if (!string.Equals(signer.ToString(), publicKey, StringComparison.Ordinal))
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

        return checkpoint;
    }

    private bool TryKeys(string publicKey, bool isTrusted, out IReadOnlyList<INoteVerifier> keys)
    {
        keys = options.TrustedKeys;
        var isKey = NoteKey.TryParse(publicKey, out var own, out var problem);
        if (!isKey)
            Fail(EvidenceCheck.CheckpointSignature, FindingCodes.CheckpointRefused, "log.public_key", problem);
        if (isTrusted)
            return true;
        if (!isKey)
            return false;
        if (options.VerifierOf(own!) is { } verifier)
        {
            keys = [verifier];
            return true;
        }

        checks.NotDone(EvidenceCheck.CheckpointSignature, "no key of the log was given");
        log.Note(new Finding(FindingCodes.LogNotChecked, "log.public_key", "log.public_key: no key of the log was given"));
        return false;
    }

    private void JudgeInclusion(string entry, TlogProof proof, Checkpoint checkpoint)
    {
        var leaf = MerkleTree.LeafHash(Encoding.UTF8.GetBytes(entry));
        if (!MerkleProofs.VerifyInclusion((ulong)proof.Index, (ulong)checkpoint.Size, leaf, [.. proof.Path], checkpoint.Root))
            Fail(EvidenceCheck.LogInclusion, FindingCodes.LogInclusionMismatch, "log.proof", "the entry is not in the checkpoint's tree at that index");
        checks.Pass(EvidenceCheck.LogInclusion, string.Create(CultureInfo.InvariantCulture, $"the entry is number {proof.Index} of the checkpoint's {checkpoint.Size}"));
    }

    private void Fail(EvidenceCheck check, string code, string place, string said) => log.Add(check, new Finding(code, place, $"{place}: {said}"));
}
