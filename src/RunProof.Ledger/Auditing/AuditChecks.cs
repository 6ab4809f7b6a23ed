using System.Globalization;
using RunProof.Format;
using RunProof.Verification;

namespace RunProof.Ledger;

/// <summary>What the checks of an audit follow from.</summary>
internal sealed record AuditOutcome(
    AuditOptions Options, AuditState? Prior, ServedLog? Head, Checkpoint? Checkpoint, NoteKey? Signer, AuditKeys Keys, long From, long Size, Digest Root, IReadOnlyList<Earlier> Earlier,
    AuditCounts Counts, AuditFindings Findings, (bool IsMet, string Words)? Quorum);

/// <summary>The checks of an audit: each finding fails one, and what was not looked at is named.</summary>
internal static class AuditChecks
{
    private static readonly string[] OfCheckpoint = [AuditCodes.CheckpointRefused];
    private static readonly string[] OfRoot = [AuditCodes.RootMismatch];
    private static readonly string[] OfEntries = [AuditCodes.PositionGap, AuditCodes.EntryMismatch, AuditCodes.EntryRepeated];
    private static readonly string[] OfPayloads = [FindingCodes.PayloadMismatch, FindingCodes.PayloadIncomplete];
    private static readonly string[] OfPairs = [AuditCodes.OpenedMissing, AuditCodes.SealedMissing, AuditCodes.Dangling];
    private static readonly string[] OfStrays = [AuditCodes.NotInLog, AuditCodes.Quarantined];
    private static readonly string[] OfClocks = [AuditCodes.ClockBackwards, AuditCodes.ClockAhead];
    private static readonly string[] OfKeys = [AuditCodes.KeyMismatch];
    private static readonly string[] OfHistory = [AuditCodes.RolledBack, AuditCodes.Forked];
    private static readonly string[] OfWitnesses = [FindingCodes.QuorumNotMet];
    private static readonly HashSet<string> NotOfEvidence = new([.. OfCheckpoint, .. OfRoot, .. OfEntries, .. OfPayloads, .. OfPairs, .. OfStrays, .. OfClocks, .. OfKeys, .. OfHistory, .. OfWitnesses], StringComparer.Ordinal);

    internal static IReadOnlyList<AuditCheck> Of(AuditOutcome outcome)
    {
        var counts = outcome.Counts;
        List<AuditCheck> checks =
        [
            Signature(outcome),
            outcome.Head is null ? new AuditCheck("LOG_ROOT", CheckStatus.NotDone, "the log has not begun")
                : Judge(outcome, "LOG_ROOT", OfRoot, Invariant($"the tree of {outcome.Size} entries has the root {outcome.Root}")),
            History(outcome),
            Entries(outcome),
            Judge(outcome, "EVIDENCE", null, Invariant($"{counts.Traces} traces with {counts.Steps} steps recomputed from their columns")),
            outcome.Options.Payloads || Count(outcome, OfPayloads) > 0
                ? Judge(outcome, "PAYLOADS", OfPayloads, Invariant($"{counts.PayloadsVerified} match their commitments, {counts.PayloadsErased} erased: only the commitment is left"))
                : new AuditCheck("PAYLOADS", CheckStatus.NotDone, "texts and salts were not read, as asked"),
            Judge(outcome, "PAIRING", OfPairs, Invariant($"{counts.Opened} openings and {counts.Sealed} seals; {counts.Open} runs are under way, {counts.Waiting} seals on the way into the log")),
            Judge(outcome, "COMPLETENESS", OfStrays, "every trace that is stored is in the log, or on the way into it"),
            Judge(outcome, "CLOCKS", OfClocks, Invariant($"no time contradicts another by more than {outcome.Options.ClockTolerance}")),
            Judge(outcome, "KEYS", OfKeys, counts.Rotated == 0 ? "no hand-over was read" : Invariant($"{counts.Rotated} hand-overs, each signed by both keys")),
        ];
        if (outcome.Quorum is { } quorum)
            checks.Add(new AuditCheck("WITNESS_QUORUM", quorum.IsMet ? CheckStatus.Passed : CheckStatus.Failed, quorum.Words));
        return checks;
    }

    private static AuditCheck Signature(AuditOutcome outcome)
    {
        const string Name = "CHECKPOINT_SIGNATURE";
        if (outcome.Head is null)
            return new AuditCheck(Name, CheckStatus.NotDone, "the log has not begun");
        if (Count(outcome, OfCheckpoint) > 0 || outcome.Signer is null)
            return Judge(outcome, Name, OfCheckpoint, "");
        return outcome.Keys.IsIndependent
            ? new AuditCheck(Name, CheckStatus.Passed, Invariant($"{outcome.Signer} ({outcome.Keys.Source}) signed the tree of {outcome.Size} entries"))
            : new AuditCheck(Name, CheckStatus.NotDone, Invariant($"{outcome.Signer} signed the tree of {outcome.Size} entries, and only the log itself says that this is its key: give it with --key or --trust"));
    }

    private static AuditCheck History(AuditOutcome outcome)
    {
        const string Name = "LOG_CONSISTENCY";
        if (Count(outcome, OfHistory) > 0)
            return Judge(outcome, Name, OfHistory, "");
        return outcome.Earlier.Count == 0
            ? new AuditCheck(Name, CheckStatus.NotDone, "no earlier audit is remembered: a history that was replaced before this one shows nowhere", IsRequired: false)
            : new AuditCheck(Name, CheckStatus.Passed, "continues " + string.Join(", and ", outcome.Earlier.Select(static each => Invariant($"the {each.Size} entries that were {each.Words}"))));
    }

    private static AuditCheck Entries(AuditOutcome outcome)
    {
        const string Name = "ENTRIES";
        var read = Invariant($"{outcome.Counts.Entries} entries, each derived anew from its trace's columns");
        if (outcome.From == 0 || Count(outcome, OfEntries) > 0)
            return Judge(outcome, Name, OfEntries, read);
        var clean = outcome.Prior?.Audited?.CleanSize ?? 0;
        return outcome.From <= clean
            ? new AuditCheck(Name, CheckStatus.Passed, Invariant($"{read}; those before {outcome.From} were audited before without a finding, and were not read again, nor their traces"))
            : new AuditCheck(Name, CheckStatus.NotDone, Invariant($"{read}; those from {clean} to {outcome.From} were not read, nor their traces, and no earlier audit vouches for them"));
    }

    /// <param name="outcome">What was found.</param>
    /// <param name="name">The check.</param>
    /// <param name="codes">The findings that fail it; null for all that fail no other.</param>
    /// <param name="detail">What it says where there is none.</param>
    private static AuditCheck Judge(AuditOutcome outcome, string name, string[]? codes, string detail)
    {
        var count = Count(outcome, codes);
        return count == 0 ? new AuditCheck(name, CheckStatus.Passed, detail) : new AuditCheck(name, CheckStatus.Failed, Invariant($"{count} {(count == 1 ? "finding" : "findings")}"));
    }

    private static long Count(AuditOutcome outcome, string[]? codes) =>
        outcome.Findings.Counts.Where(each => codes is null ? !NotOfEvidence.Contains(each.Key) : codes.Contains(each.Key, StringComparer.Ordinal)).Sum(static each => each.Value);

    private static string Invariant(FormattableString text) => FormattableString.Invariant(text);
}
