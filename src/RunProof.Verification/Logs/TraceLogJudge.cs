using System.Globalization;
using System.Text;
using RunProof.Format;

namespace RunProof.Verification;

/// <summary>Holds a recomputed trace against what its tenant's log says of it.</summary>
internal sealed class TraceLogJudge(LogEvidence evidence, CheckList checks, FindingLog log)
{
    private const string Missing =
        "is not in the log and does not await inclusion, though the transaction that recorded it queued it: it was taken out of the queue, or the log was replaced";

    /// <param name="header">The header as recomputed; null where it could not be.</param>
    /// <param name="link">link[0] as recomputed.</param>
    /// <param name="seal">The seal as recomputed; null for an open trace, or where it could not be.</param>
    /// <param name="root">root_hash as recomputed.</param>
    /// <param name="isOpen">Whether the trace is open, so that there is nothing to seal.</param>
    internal void Judge(TraceHeader? header, Digest? link, TraceSeal? seal, Digest? root, bool isOpen)
    {
        var checkpoint = JudgeCheckpoint(header);
        if (header is null || link is null)
            checks.NotDone(EvidenceCheck.OpenedEntry, "the header could not be recomputed");
        else
            JudgeEntry(EvidenceCheck.OpenedEntry, "opened", evidence.Opened, evidence.AwaitsOpened, CanonicalBytes.Of(OpenedEntry.Of(header, link.Value)), checkpoint);
        if (isOpen && evidence.SealSeen is { } seen)
            checks.Fail(EvidenceCheck.LogInclusion, "the trace is open, though " + seen);
        else if (isOpen)
            checks.NotDone(EvidenceCheck.LogInclusion, "the trace is open: its seal will be entered");
        else if (header is null || seal is null || root is null)
            checks.NotDone(EvidenceCheck.LogInclusion, "the trace could not be recomputed");
        else
            JudgeEntry(EvidenceCheck.LogInclusion, "sealed", evidence.Sealed, evidence.AwaitsSealed, CanonicalBytes.Of(SealedEntry.Of(header, seal, root.Value)), checkpoint);
    }

    private Checkpoint? JudgeCheckpoint(TraceHeader? header)
    {
        if (evidence.Checkpoint is not { } note)
        {
            checks.NotDone(EvidenceCheck.CheckpointSignature, "the log has published no checkpoint yet");
            return null;
        }

        try
        {
            if (!SignedHead.TryJudge(note, evidence.Keys, header?.TenantId.Value, out var head, out var problem))
                return Refuse(problem);
            checks.Pass(EvidenceCheck.CheckpointSignature, string.Create(CultureInfo.InvariantCulture, $"{head.Checkpoint.Origin} signed the tree of {head.Checkpoint.Size} entries; whether that is its key you must know from elsewhere: {head.Signers[0]}"));
            return head.Checkpoint;
        }
        catch (PlatformNotSupportedException e)
        {
            checks.NotDone(EvidenceCheck.CheckpointSignature, e.Message);
            return null;
        }
    }

    private Checkpoint? Refuse(string problem)
    {
        log.Add(EvidenceCheck.CheckpointSignature, new Finding(FindingCodes.CheckpointRefused, "checkpoint", "checkpoint: " + problem));
        return null;
    }

    private void JudgeEntry(EvidenceCheck check, string kind, EntryInLog? entry, bool awaits, byte[] expected, Checkpoint? checkpoint)
    {
        var place = $"log.{kind}";
        if (entry is null)
            JudgeAbsence(check, kind, place, awaits);
        else if (!Encoding.UTF8.GetBytes(entry.Text).AsSpan().SequenceEqual(expected))
            log.Add(check, new Finding(FindingCodes.LogEntryMismatch, place, string.Create(CultureInfo.InvariantCulture, $"{place}: entry {entry.Position} of the log is of another record of this trace: {entry.Text}")));
        else if (checkpoint is null)
            checks.NotDone(check, string.Create(CultureInfo.InvariantCulture, $"entry {entry.Position} is this trace's, but there is no checkpoint that could be relied on"));
        else if (!SignedHead.Covers(checkpoint, entry.Position, expected, entry.Path))
            log.Add(check, new Finding(FindingCodes.LogInclusionMismatch, place, string.Create(CultureInfo.InvariantCulture, $"{place}: entry {entry.Position} does not lead to the root of the checkpoint: the log's tiles or entries were changed")));
        else
            checks.Pass(check, string.Create(CultureInfo.InvariantCulture, $"entry {entry.Position} of the {checkpoint.Size} that the checkpoint covers is this trace's, recomputed"));
    }

    private void JudgeAbsence(EvidenceCheck check, string kind, string place, bool awaits)
    {
        if (evidence.Refused is { } refused)
            log.Add(check, new Finding(FindingCodes.LogEntryMismatch, place, $"{place}: was not let into the log: {refused}"));
        else if (awaits)
            checks.NotDone(check, $"the {kind} entry awaits inclusion in the log; ask again, or with wait");
        else
            log.Add(check, new Finding(FindingCodes.LogEntryMissing, place, $"{place}: {Missing}"));
    }
}
