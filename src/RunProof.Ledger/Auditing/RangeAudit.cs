using System.Globalization;
using System.Text;
using RunProof.Format;
using RunProof.Keys;
using RunProof.Verification;

namespace RunProof.Ledger;

/// <summary>What came of a range of a log.</summary>
internal sealed record RangeResult(CompactRange Tree, AuditCounts Counts, AuditFindings Findings, IReadOnlyList<(long Position, DateTimeOffset StartedAt, string TraceId)> Openings, IReadOnlyList<(long Position, RotatedEntry Entry)> HandOvers);

/// <summary>What all ranges of an audit have in common.</summary>
internal sealed record AuditScope(IAuditSource Source, IEvidenceStore Evidence, TenantId Tenant, long Size, AuditOptions Options, DateTimeOffset Now, (long Size, DateTimeOffset Time)? NewerThan);

/// <summary>
/// Audits one range: hashes its entries, recomputes the trace that each leads to from its columns, derives the entry anew and compares. One row is in memory, and
/// what the quick recomputation doubted, a few traces at a time.
/// </summary>
internal sealed class RangeAudit(AuditScope scope, AuditRange range, QuickTrace quick)
{
    private const int DoubtedAtOnce = 128;

    private readonly CompactRange _tree = new(range.First);
    private readonly AuditFindings _findings = new(scope.Options.MaxFindings);
    private readonly List<(long, DateTimeOffset, string)> _openings = [];
    private readonly List<(long, RotatedEntry)> _handOvers = [];
    private readonly List<Examined> _doubted = [];
    private readonly TraceClock _clock = new(scope);
    private Examined? _entry;
    private byte[] _leaf = new byte[1024];
    private long _opened;
    private long _sealed;
    private long _rotated;
    private long _entries;
    private long _traces;
    private long _steps;
    private long _open;
    private long _waiting;

    internal async Task<RangeResult> RunAsync(CancellationToken cancellationToken)
    {
        var (verified, erased) = (quick.PayloadsVerified, quick.PayloadsErased);
        var slow = new SlowTraces(scope, range.Payloads);
        var rows = await scope.Source.ReadAsync(scope.Tenant, range, cancellationToken).ConfigureAwait(false);
        await using (rows.ConfigureAwait(false))
        {
            for (var row = AuditRow.Entry; row is not AuditRow.End;)
            {
                switch (row = await rows.NextAsync(cancellationToken).ConfigureAwait(false))
                {
                    case AuditRow.Trace:
                        BeginTrace(rows.Trace);
                        break;
                    case AuditRow.Step:
                        if (_entry is { TraceRows: > 0 })
                            quick.Add(rows.Step);
                        if (_entry is not null)
                            _entry.StepRows++;
                        break;
                    default:
                        FinishTrace();
                        if (row is AuditRow.Entry)
                            BeginEntry(rows.Entry);
                        break;
                }

                if (_doubted.Count >= DoubtedAtOnce || (row is AuditRow.End && _doubted.Count > 0))
                    await slow.JudgeAsync(_doubted, Conclude, _findings, cancellationToken).ConfigureAwait(false);
            }
        }

        Gap(range.End);
        var counts = new AuditCounts
        {
            Entries = _entries, Opened = _opened, Sealed = _sealed, Rotated = _rotated, Traces = _traces, Steps = _steps, Open = _open, Waiting = _waiting,
            PayloadsVerified = quick.PayloadsVerified - verified + slow.PayloadsVerified, PayloadsErased = quick.PayloadsErased - erased + slow.PayloadsErased,
        };
        return new RangeResult(_tree, counts, _findings, _openings, _handOvers);
    }

    private void BeginEntry(EntryRow row)
    {
        if (row.Position < _tree.End || row.Position >= range.End)
        {
            Find(AuditCodes.PositionGap, row.Position, null, PlaceOf(row.Position), "comes twice, or out of order");
            return;
        }

        Gap(row.Position);
        _entries++;
        _tree.Append(LeafOf(row.Text.Span));
        var entry = new Examined(row);
        if (ProblemOf(entry, row) is { } problem)
        {
            entry.IsRefused = true;
            Find(AuditCodes.EntryMismatch, entry.Position, entry.TraceId, PlaceOf(entry.Position), problem);
        }

        if (row.IsRepeated)
            Find(AuditCodes.EntryRepeated, entry.Position, entry.TraceId, PlaceOf(entry.Position), $"is the second {entry.Kind} entry of trace {entry.TraceId}");
        if (entry.Kind is LogEntryKind.Sealed && (entry.Partner is null || entry.Partner > entry.Position))
            Find(AuditCodes.OpenedMissing, entry.Position, entry.TraceId, PlaceOf(entry.Position), $"seals trace {entry.TraceId}, which was not opened in the log before");
        _entry = entry;
    }

    /// <summary>What a row says beside its entry, and what the entry says by itself.</summary>
    private string? ProblemOf(Examined entry, EntryRow row)
    {
        switch (entry.Kind)
        {
            case LogEntryKind.Opened:
                _opened++;
                if (!CanonicalBytes.TryRead<OpenedEntry>(row.Text.Span, out var opened, out _) || opened.Kind != OpenedEntry.KindOpened)
                    return "is no entry of a trace's opening in canonical form";
                if (!row.IsRequeued)
                    _openings.Add((entry.Position, opened.StartedAt, entry.TraceId));
                Say(_clock.ProblemOf(entry, opened.StartedAt, "started_at"));
                return Fits(entry, opened.Format, opened.TenantId, opened.TraceId, opened.RunId);
            case LogEntryKind.Sealed:
                _sealed++;
                if (!CanonicalBytes.TryRead<SealedEntry>(row.Text.Span, out var closed, out _) || closed.Kind != SealedEntry.KindSealed)
                    return "is no entry of a trace's seal in canonical form";
                Say(_clock.ProblemOf(entry, closed.CompletedAt, "completed_at"));
                return Fits(entry, closed.Format, closed.TenantId, closed.TraceId, closed.RunId);
            default:
                _rotated++;
                if (!CanonicalBytes.TryRead<RotatedEntry>(row.Text.Span, out var rotated, out _) || rotated.Kind != RotatedEntry.KindRotated || rotated.TenantId != scope.Tenant)
                    return "is no entry of a hand-over in canonical form";
                _handOvers.Add((entry.Position, rotated));
                return KeyHandOver.Verify(rotated, out var problem) ? null : problem;
        }
    }

    private string? Fits(Examined entry, string format, TenantId tenant, TraceId trace, RunId run) =>
        format == TraceHeader.CurrentFormat && tenant == scope.Tenant && trace.Value == entry.TraceId && run.Value == entry.RunId ? null : "is of another tenant, trace or run than its row says";

    private void BeginTrace(TraceRow row)
    {
        if (_entry is not { } entry)
            return;
        if (entry.TraceRows++ == 0)
        {
            quick.Begin(row);
            entry.HeaderLink = row.Link.Span.ToArray();
        }
    }

    /// <summary>The trace of the last entry is read: does it hold, and is the entry what it gives?</summary>
    private void FinishTrace()
    {
        if (_entry is not { IsEvidenceRead: true } entry)
        {
            _entry = null;
            return;
        }

        _entry = null;
        _traces += entry.TraceRows > 0 ? 1 : 0;
        _steps += entry.StepRows;
        if (entry.TraceRows > 1)
            Find(AuditCodes.TraceTwice, entry.Position, entry.TraceId, "trace", "is stored twice, among the live traces and in the archive");
        if (entry.TraceRows == 0)
        {
            Missing(entry, entry.StepRows);
        }
        else if (entry.TraceRows > 1 || !quick.Finish() || (entry.RunStatus is "succeeded" && quick.Seal is { Status: not SealStatus.Completed }))
        {
            _doubted.Add(entry);
        }
        else
        {
            Say(_clock.ProblemOf(entry, quick));
            Conclude(entry, new TraceFacts(quick.IsOpen, quick.OpenedEntry(new Digest(entry.HeaderLink)), quick.IsOpen ? null : quick.SealedEntry()));
        }
    }

    private void Missing(Examined entry, long steps)
    {
        if (steps > 0)
            Find(FindingCodes.HeaderMissing, entry.Position, entry.TraceId, "header", string.Create(CultureInfo.InvariantCulture, $"is missing, though {steps} of the trace's steps are there, and entry {entry.Position} of the log"));
        else
            Find(AuditCodes.TraceMissing, entry.Position, entry.TraceId, "trace", string.Create(CultureInfo.InvariantCulture, $"is missing, with all its steps, though entry {entry.Position} of the log says that it was {(entry.Kind is LogEntryKind.Opened ? "opened" : "sealed")}"));
    }

    /// <summary>Holds the log's entries of a trace against what its columns give.</summary>
    private void Conclude(Examined entry, TraceFacts? facts)
    {
        if (facts is null)
        {
            Missing(entry, 0);
            return;
        }

        var (opened, openedAt) = entry.Kind is LogEntryKind.Opened ? (entry.Text, entry.Position) : (entry.PartnerText, entry.Partner ?? 0);
        if (opened is not null && facts.Opened is not null && !opened.AsSpan().SequenceEqual(facts.Opened))
            Differs(entry, openedAt, facts.Opened);
        if (entry.Kind is LogEntryKind.Sealed)
            ConcludeSealed(entry, facts);
        else
            ConcludeOpened(entry, facts);
    }

    private void ConcludeSealed(Examined entry, TraceFacts facts)
    {
        if (facts.IsOpen)
            Find(FindingCodes.SealMissing, entry.Position, entry.TraceId, "seal", string.Create(CultureInfo.InvariantCulture, $"is missing, though entry {entry.Position} of the log says that the trace was sealed"));
        else if (facts.Sealed is not null && !entry.Text.AsSpan().SequenceEqual(facts.Sealed))
            Differs(entry, entry.Position, facts.Sealed);
    }

    private void ConcludeOpened(Examined entry, TraceFacts facts)
    {
        if (facts.IsOpen && entry.RunStatus is null or "succeeded" or "failed" or "aborted" or "cancelled")
            Find(AuditCodes.Dangling, entry.Position, entry.TraceId, "seal", $"is missing: the trace was opened and never sealed, and {(entry.RunStatus is null ? "there is no run that would seal it" : $"its run's record says {entry.RunStatus}")}");
        else if (facts.IsOpen)
            _open++;
        else if (entry.Waiting is "queued" or "entered")
            _waiting++;
        else if (entry.Waiting is null)
            Find(AuditCodes.SealedMissing, entry.Position, entry.TraceId, "log.sealed", "is missing: the trace is sealed, and its seal is neither in the log nor on the way into it");
    }

    private void Differs(Examined entry, long position, byte[] derived)
    {
        if (!entry.IsRefused || position != entry.Position)
            Find(AuditCodes.EntryMismatch, position, entry.TraceId, PlaceOf(position), $"is not what its trace's columns give: {Encoding.UTF8.GetString(derived)}");
    }

    /// <summary>Positions without an entry: the tree goes on with leaves that nothing hashes to, so that its root cannot come right.</summary>
    private void Gap(long until)
    {
        if (_tree.End >= until)
            return;
        var missing = until - _tree.End;
        Find(AuditCodes.PositionGap, _tree.End, null, PlaceOf(_tree.End), missing == 1 ? "is missing" : string.Create(CultureInfo.InvariantCulture, $"is missing, and all up to entries[{until - 1}]"));
        _findings.Tally(AuditCodes.PositionGap, missing - 1);
        while (_tree.End < until)
            _tree.Append(default(Digest));
    }

    private Digest LeafOf(ReadOnlySpan<byte> text)
    {
        if (_leaf.Length <= text.Length)
            _leaf = new byte[text.Length * 2];
        _leaf[0] = 0;
        text.CopyTo(_leaf.AsSpan(1));
        return Digest.Of(_leaf.AsSpan(0, text.Length + 1));
    }

    private void Say(AuditFinding? finding)
    {
        if (finding is not null)
            _findings.Add(finding);
    }

    private void Find(string code, long? position, string? trace, string place, string said) => _findings.Add(AuditText.Finding(code, position, trace, place, said));

    private static string PlaceOf(long position) => string.Create(CultureInfo.InvariantCulture, $"entries[{position}]");
}

/// <summary>An entry whose trace is examined.</summary>
internal sealed class Examined
{
    internal Examined(EntryRow row)
    {
        Position = row.Position;
        Kind = row.Kind.Span.SequenceEqual("opened"u8) ? LogEntryKind.Opened : row.Kind.Span.SequenceEqual("sealed"u8) ? LogEntryKind.Sealed : LogEntryKind.Rotated;
        (TraceId, RunId) = (Encoding.UTF8.GetString(row.TraceId.Span), Encoding.UTF8.GetString(row.RunId.Span));
        Text = row.Text.Span.ToArray();
        Partner = row.PartnerPosition;
        PartnerText = row.PartnerText.IsNull ? null : row.PartnerText.Span.ToArray();
        RunStatus = row.RunStatus.IsNull ? null : Encoding.UTF8.GetString(row.RunStatus.Span);
        Waiting = row.Waiting.IsNull ? null : Encoding.UTF8.GetString(row.Waiting.Span);
        IsEvidenceRead = row.IsEvidenceRead;
    }

    internal long Position { get; }

    internal LogEntryKind Kind { get; }

    internal string TraceId { get; }

    internal string RunId { get; }

    internal byte[] Text { get; }

    internal long? Partner { get; }

    internal byte[]? PartnerText { get; }

    internal string? RunStatus { get; }

    internal string? Waiting { get; }

    /// <summary>Whether the trace belongs to this entry: it is read once, with the last of its entries.</summary>
    internal bool IsEvidenceRead { get; }

    /// <summary>Whether the entry by itself, or beside its row, is wrong already.</summary>
    internal bool IsRefused { get; set; }

    internal int TraceRows { get; set; }

    internal long StepRows { get; set; }

    internal byte[] HeaderLink { get; set; } = [];
}

/// <summary>What a trace's columns give: its entries, as far as they can be derived.</summary>
internal sealed record TraceFacts(bool IsOpen, byte[]? Opened, byte[]? Sealed);

/// <summary>How findings are worded.</summary>
internal static class AuditText
{
    internal static AuditFinding Finding(string code, long? position, string? trace, string place, string said) =>
        new(code, position, trace, place, (trace is null ? "" : trace + ": ") + place + ": " + said);
}
