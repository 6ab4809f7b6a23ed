using RunProof.Format;
using RunProof.Verification;

namespace RunProof.Ledger;

/// <summary>What the checks of an audit from outside follow from.</summary>
internal sealed record OutsideOutcome(
    OutsideOptions Options, AuditFindings Findings, OutsideCounts Counts, long From, Checkpoint Checkpoint, bool IsBuilt, OutsideKeys Keys, NoteKey? Signer, IReadOnlyList<string> Earlier,
    long Open, bool IsFull, long? ResumedAt, (bool IsMet, string Words)? Quorum);

/// <summary>The checks of an audit from outside: each finding fails one, and what was not looked at is named.</summary>
internal static class OutsideChecks
{
    internal static IReadOnlyList<AuditCheck> Of(OutsideOutcome outcome)
    {
        List<AuditCheck> checks = [Signature(outcome), Root(outcome), History(outcome), Tiles(outcome), Entries(outcome)];
        if (outcome.Counts.Opened + outcome.Counts.Sealed + outcome.Counts.Rotated > 0)
            checks.AddRange([Pairing(outcome), Clocks(outcome), HandOvers(outcome)]);
        if (outcome.Quorum is { } quorum)
            checks.Add(new AuditCheck("WITNESS_QUORUM", quorum.IsMet ? CheckStatus.Passed : CheckStatus.Failed, quorum.Words));
        return checks;
    }

    private static AuditCheck Signature(OutsideOutcome outcome)
    {
        const string Name = "CHECKPOINT_SIGNATURE";
        if (Count(outcome, AuditCodes.CheckpointRefused) > 0)
            return Failed(outcome, Name, AuditCodes.CheckpointRefused);
        if (outcome.Signer is not { } signer)
            return new AuditCheck(Name, CheckStatus.NotDone, "no key is known: give the log's key with --key or --trust");
        return outcome.Keys.IsIndependent
            ? new AuditCheck(Name, CheckStatus.Passed, FormattableString.Invariant($"{signer} ({outcome.Keys.Source}) signed the tree of {outcome.Checkpoint.Size} entries"))
            : new AuditCheck(Name, CheckStatus.NotDone, FormattableString.Invariant($"{signer} signed the tree of {outcome.Checkpoint.Size} entries, and only the log itself says that this is its key: give it with --key or --trust"));
    }

    private static AuditCheck Root(OutsideOutcome outcome) => Count(outcome, AuditCodes.RootMismatch) > 0 ? Failed(outcome, "LOG_ROOT", AuditCodes.RootMismatch)
        : outcome.IsBuilt ? Passed("LOG_ROOT", $"the tree of {outcome.Checkpoint.Size} entries has the signed root {outcome.Checkpoint.Root}")
        : new AuditCheck("LOG_ROOT", CheckStatus.NotDone, "the tree cannot be built: neither the entries nor their hashes are served");

    private static AuditCheck History(OutsideOutcome outcome)
    {
        if (Count(outcome, AuditCodes.RolledBack, AuditCodes.Forked) > 0)
            return Failed(outcome, "LOG_CONSISTENCY", AuditCodes.RolledBack, AuditCodes.Forked);
        return outcome.Earlier.Count == 0
            ? new AuditCheck("LOG_CONSISTENCY", CheckStatus.NotDone, "no earlier audit is remembered: a history that was replaced before this one shows nowhere", IsRequired: false)
            : Passed("LOG_CONSISTENCY", $"continues {string.Join(", and ", outcome.Earlier)}");
    }

    private static AuditCheck Tiles(OutsideOutcome outcome)
    {
        if (Count(outcome, "LOG_TILE_MISMATCH") > 0)
            return Failed(outcome, "HASH_TILES", "LOG_TILE_MISMATCH");
        return outcome.Options.HashTiles switch
        {
            TileChecks.None => new AuditCheck("HASH_TILES", CheckStatus.NotDone, "not compared, as asked", IsRequired: false),
            TileChecks.Sample => Passed("HASH_TILES", $"{outcome.Counts.Tiles} served tiles are what the entries give; of the lowest level one in sixteen was compared, as asked"),
            _ => Passed("HASH_TILES", $"{outcome.Counts.Tiles} served tiles are what the entries give"),
        };
    }

    private static AuditCheck Entries(OutsideOutcome outcome)
    {
        var read = FormattableString.Invariant($"{outcome.Counts.Entries} read");
        if (outcome.Counts.Foreign > 0)
            read += FormattableString.Invariant($", {outcome.Counts.Foreign} of them not RunProof's, and hashed alone");
        if (outcome.From > 0)
            read += FormattableString.Invariant($"; those before {outcome.From} were not: the signed root vouches that they are what they were, not for what they say");
        if (Count(outcome, AuditCodes.EntryMismatch) > 0)
            return Failed(outcome, "ENTRIES", AuditCodes.EntryMismatch);
        return outcome.Counts.Unread > 0
            ? new AuditCheck("ENTRIES", CheckStatus.Failed, FormattableString.Invariant($"{outcome.Counts.Unread} are not served, or not as entries"))
            : new AuditCheck("ENTRIES", CheckStatus.Passed, read);
    }

    private static AuditCheck Pairing(OutsideOutcome outcome)
    {
        if (Count(outcome, AuditCodes.EntryRepeated, AuditCodes.OpenedMissing) > 0)
            return Failed(outcome, "PAIRING", AuditCodes.EntryRepeated, AuditCodes.OpenedMissing);
        var said = FormattableString.Invariant($"{outcome.Counts.Opened} openings and {outcome.Counts.Sealed} seals; {outcome.Open} traces are open");
        if (outcome.Counts.Unpaired > 0)
            said += FormattableString.Invariant($"; {outcome.Counts.Unpaired} seals are of traces that opened in what was not read");
        if (outcome.IsFull)
            said += "; more traces than are remembered, so that a second opening or seal of one may have been passed over";
        else if (outcome.ResumedAt is { } position || (outcome.From > 0 && (position = outcome.From) > 0))
            said += FormattableString.Invariant($"; a second opening or seal of a trace was sought among entries from {position} on");
        return new AuditCheck("PAIRING", CheckStatus.Passed, said);
    }

    private static AuditCheck Clocks(OutsideOutcome outcome) => Count(outcome, AuditCodes.ClockAhead, AuditCodes.ClockBackwards) > 0
        ? Failed(outcome, "CLOCKS", AuditCodes.ClockAhead, AuditCodes.ClockBackwards)
        : Passed("CLOCKS", $"no time contradicts another by more than {outcome.Options.ClockTolerance}");

    private static AuditCheck HandOvers(OutsideOutcome outcome) => Count(outcome, AuditCodes.KeyMismatch) > 0
        ? Failed(outcome, "KEYS", AuditCodes.KeyMismatch)
        : Passed("KEYS", outcome.Counts.Rotated == 0 ? $"no hand-over was read" : (FormattableString)$"{outcome.Counts.Rotated} hand-overs, each signed by both keys");

    private static AuditCheck Passed(string name, FormattableString detail) => new(name, CheckStatus.Passed, FormattableString.Invariant(detail));

    private static AuditCheck Failed(OutsideOutcome outcome, string name, params ReadOnlySpan<string> codes)
    {
        var count = Count(outcome, codes);
        return new AuditCheck(name, CheckStatus.Failed, FormattableString.Invariant($"{count} {(count == 1 ? "finding" : "findings")}"));
    }

    private static long Count(OutsideOutcome outcome, params ReadOnlySpan<string> codes)
    {
        var count = 0L;
        foreach (var code in codes)
            count += outcome.Findings.Counts.GetValueOrDefault(code);
        return count;
    }
}
