namespace RunProof.Ledger;

/// <summary>Something that an audit of a log found not to hold, and where.</summary>
/// <param name="Code">Stable, to branch on: one of <see cref="AuditCodes"/>, or of <c>FindingCodes</c> where a trace was recomputed.</param>
/// <param name="Position">The entry, from 0; null where it is none.</param>
/// <param name="TraceId">The trace; null where it is none.</param>
/// <param name="Place">Where in it: <c>entries[7]</c>, <c>steps[3].params</c>, <c>checkpoint</c>.</param>
/// <param name="Message">A sentence that names the place too.</param>
public sealed record AuditFinding(string Code, long? Position, string? TraceId, string Place, string Message);

/// <summary>The findings of an audit: so many are kept, all are counted.</summary>
/// <param name="most">Findings that are kept.</param>
public sealed class AuditFindings(int most = AuditFindings.MostKept)
{
    /// <summary>Findings that are kept by default.</summary>
    public const int MostKept = 1000;

    private readonly List<AuditFinding> _kept = [];
    private readonly SortedDictionary<string, long> _counts = new(StringComparer.Ordinal);

    /// <summary>The first findings.</summary>
    public IReadOnlyList<AuditFinding> Kept => _kept;

    /// <summary>All findings, by code.</summary>
    public IReadOnlyDictionary<string, long> Counts => _counts;

    /// <summary>All findings, kept or not.</summary>
    public long Count { get; private set; }

    /// <summary>Adds a finding.</summary>
    /// <param name="finding">The finding.</param>
    public void Add(AuditFinding finding)
    {
        ArgumentNullException.ThrowIfNull(finding);
        Tally(finding.Code, 1);
        if (_kept.Count < most)
            _kept.Add(finding);
    }

    /// <summary>Counts findings that somebody else did not keep.</summary>
    /// <param name="code">Their code.</param>
    /// <param name="count">How many.</param>
    public void Tally(string code, long count)
    {
        _counts[code] = _counts.GetValueOrDefault(code) + count;
        Count += count;
    }

    /// <summary>Takes over what was found elsewhere, or before an audit was broken off.</summary>
    /// <param name="kept">Findings.</param>
    /// <param name="counts">All findings there, by code.</param>
    public void Take(IEnumerable<AuditFinding> kept, IEnumerable<KeyValuePair<string, long>> counts)
    {
        ArgumentNullException.ThrowIfNull(kept);
        ArgumentNullException.ThrowIfNull(counts);
        foreach (var (code, count) in counts)
            Tally(code, count);
        _kept.AddRange(kept.Take(most - _kept.Count));
    }
}

/// <summary>Codes of findings about a whole log. One is never given another meaning.</summary>
public static class AuditCodes
{
    /// <summary>The checkpoint has no form of one, is another log's, or is signed by no key that was given.</summary>
    public const string CheckpointRefused = "CHECKPOINT_REFUSED";

    /// <summary>The entries do not give the root that the checkpoint signs.</summary>
    public const string RootMismatch = "LOG_ROOT_MISMATCH";

    /// <summary>The log has fewer entries than an earlier audit saw signed.</summary>
    public const string RolledBack = "LOG_ROLLED_BACK";

    /// <summary>The log does not begin as the one that an earlier audit saw signed: it has two histories.</summary>
    public const string Forked = "LOG_FORKED";

    /// <summary>A position has no entry.</summary>
    public const string PositionGap = "LOG_POSITION_GAP";

    /// <summary>An entry has not the form of one, or is not what its trace's columns give.</summary>
    public const string EntryMismatch = "LOG_ENTRY_MISMATCH";

    /// <summary>An entry opens or seals a trace that an earlier one did.</summary>
    public const string EntryRepeated = "LOG_ENTRY_REPEATED";

    /// <summary>A trace is sealed in the log and was not opened there before.</summary>
    public const string OpenedMissing = "OPENED_ENTRY_MISSING";

    /// <summary>A trace that was opened is not sealed in the log, though it ended.</summary>
    public const string SealedMissing = "SEALED_ENTRY_MISSING";

    /// <summary>A trace was opened and never sealed, and the run that would seal it is over or gone.</summary>
    public const string Dangling = "TRACE_DANGLING";

    /// <summary>A trace is in the log, and its evidence is gone.</summary>
    public const string TraceMissing = "TRACE_MISSING";

    /// <summary>A trace stands both among the live ones and in the archive.</summary>
    public const string TraceTwice = "TRACE_TWICE";

    /// <summary>A trace is neither in the log nor on the way into it.</summary>
    public const string NotInLog = "LOG_ENTRY_MISSING";

    /// <summary>A trace did not verify when its turn came, and was not let into the log.</summary>
    public const string Quarantined = "TRACE_QUARANTINED";

    /// <summary>A hand-over from key to key is false, or contradicts the list of the log's keys.</summary>
    public const string KeyMismatch = "LOG_KEY_MISMATCH";

    /// <summary>Times run backwards where no clock that is right within the tolerance makes them.</summary>
    public const string ClockBackwards = "LOG_CLOCK_BACKWARDS";

    /// <summary>A time has not come yet.</summary>
    public const string ClockAhead = "LOG_CLOCK_AHEAD";
}
