using System.Globalization;
using RunProof.Format;
using RunProof.Keys;

namespace RunProof.Ledger;

/// <summary>Reads entries in their order, and pairs each trace's opening with its seal. Entries that are not RunProof's are another log's business and only counted.</summary>
internal sealed class OutsideEntries
{
    /// <summary>Hand-overs that are followed.</summary>
    private const int MaxRotations = 10_000;

    private readonly OutsideOptions _options;
    private readonly AuditFindings _findings;
    private readonly TraceMemory _seen;
    private readonly Dictionary<string, Opening> _open = new(StringComparer.Ordinal);
    private readonly string _origin;
    private readonly string? _tenant;
    private readonly DateTimeOffset _latest;
    private readonly bool _isWhole;
    private string? _key;
    private bool _isOurs;
    private bool _hasGap;

    /// <param name="options">Bounds.</param>
    /// <param name="origin">The log's origin, whose last part is its tenant's id.</param>
    /// <param name="counts">What was read before an interruption.</param>
    /// <param name="open">Traces that are open where reading begins; null where that is not known.</param>
    /// <param name="findings">Where findings go.</param>
    /// <param name="now">The auditor's time.</param>
    internal OutsideEntries(OutsideOptions options, string origin, OutsideCounts counts, IReadOnlyDictionary<string, long>? open, AuditFindings findings, DateTimeOffset now)
    {
        (_options, _origin, _findings, Counts) = (options, origin, findings, counts);
        (_seen, _latest, _isWhole) = (new TraceMemory(options.MaxRemembered), now + options.ClockTolerance, open is not null);
        _tenant = origin.LastIndexOf('/') is >= 0 and var slash ? origin[(slash + 1)..] : null;
        _isOurs = counts.Opened + counts.Sealed + counts.Rotated > 0;
        foreach (var (trace, position) in open ?? new Dictionary<string, long>())
            _open[trace] = new Opening(position, null, null);
    }

    internal OutsideCounts Counts { get; private set; }

    /// <summary>Verified hand-overs, by position.</summary>
    internal List<(long Position, RotatedEntry Entry)> HandOvers { get; } = [];

    /// <summary>Whether a second opening or seal could have been missed, since there were too many traces to remember or to await.</summary>
    internal bool IsFull => _seen.IsFull || OpenOmitted > 0;

    internal long OpenOmitted { get; private set; }

    internal long OpenCount => _open.Count + OpenOmitted;

    internal IReadOnlyDictionary<string, long> Open => _open.ToDictionary(static each => each.Key, static each => each.Value.Position, StringComparer.Ordinal);

    internal IReadOnlyList<OpenTrace> OldestOpen(int most) =>
        [.. _open.Select(static each => new OpenTrace(each.Key, each.Value.Position)).OrderBy(static each => each.Position).Take(most)];

    /// <summary>Entries that nobody served.</summary>
    internal void Skip(long count)
    {
        _hasGap = true;
        Counts = Counts with { Unread = Counts.Unread + count };
    }

    internal void Take(long position, ReadOnlySpan<byte> entry)
    {
        Counts = Counts with { Entries = Counts.Entries + 1 };
        if (entry.StartsWith("{\"format\":\"runproof/v1\",\"kind\":\"opened\""u8))
            TakeOpened(position, entry);
        else if (entry.StartsWith("{\"chain_length\":"u8))
            TakeSealed(position, entry);
        else if (entry.StartsWith("{\"format\":\"runproof/v1\",\"kind\":\"rotated\""u8))
            TakeRotated(position, entry);
        else
            TakeForeign(position);
    }

    private void TakeOpened(long position, ReadOnlySpan<byte> bytes)
    {
        if (!CanonicalBytes.TryRead<OpenedEntry>(bytes, out var entry, out var fault))
        {
            Malformed(position, "an opening", fault);
            return;
        }

        Counts = Counts with { Opened = Counts.Opened + 1 };
        _isOurs = true;
        var trace = entry.TraceId.Value;
        Belongs(position, entry.TenantId, trace);
        if (entry.StartedAt > _latest)
            Find(AuditCodes.ClockAhead, position, trace, "started_at", $"is {WireTime.ToText(entry.StartedAt)}, which has not come yet");
        if (!_seen.Add(trace) || _open.ContainsKey(trace))
            Find(AuditCodes.EntryRepeated, position, trace, null, $"opens trace {trace}, which was opened before");
        else if (_open.Count >= _options.MaxOpen)
            OpenOmitted++;
        else
            _open[trace] = new Opening(position, entry.RunId.Value, entry.StartedAt);
    }

    private void TakeSealed(long position, ReadOnlySpan<byte> bytes)
    {
        if (!CanonicalBytes.TryRead<SealedEntry>(bytes, out var entry, out var fault) || entry.Format != TraceHeader.CurrentFormat || entry.Kind != SealedEntry.KindSealed)
        {
            Malformed(position, "a seal", fault);
            return;
        }

        Counts = Counts with { Sealed = Counts.Sealed + 1 };
        _isOurs = true;
        var trace = entry.TraceId.Value;
        Belongs(position, entry.TenantId, trace);
        if (entry.CompletedAt > _latest)
            Find(AuditCodes.ClockAhead, position, trace, "completed_at", $"is {WireTime.ToText(entry.CompletedAt)}, which has not come yet");
        if (entry.ChainLength < 0)
            Find(AuditCodes.EntryMismatch, position, trace, "chain_length", "is negative");
        if (!_open.Remove(trace, out var opening))
        {
            Unopened(position, trace);
            return;
        }

        if (opening.RunId is { } run && run != entry.RunId.Value)
            Find(AuditCodes.EntryMismatch, position, trace, "run_id", $"is {entry.RunId}, and the trace was opened for run {run} by entry {opening.Position.ToString(CultureInfo.InvariantCulture)}");
        if (opening.StartedAt is { } started && started - entry.CompletedAt > _options.ClockTolerance)
            Find(AuditCodes.ClockBackwards, position, trace, "completed_at", $"is {WireTime.ToText(entry.CompletedAt)}, and the trace was opened at {WireTime.ToText(started)}");
    }

    /// <summary>A seal of no trace that is open: it was sealed already, never opened, or opened where nothing was read.</summary>
    private void Unopened(long position, string trace)
    {
        if (OpenOmitted == 0 && !_seen.Add(trace))
            Find(AuditCodes.EntryRepeated, position, trace, null, $"seals trace {trace}, which was sealed before");
        else if (_isWhole && !_hasGap && !IsFull)
            Find(AuditCodes.OpenedMissing, position, trace, null, $"seals trace {trace}, which was not opened before, or was sealed already");
        else
            Counts = Counts with { Unpaired = Counts.Unpaired + 1 };
    }

    private void TakeRotated(long position, ReadOnlySpan<byte> bytes)
    {
        if (!CanonicalBytes.TryRead<RotatedEntry>(bytes, out var entry, out var fault))
        {
            Malformed(position, "a hand-over", fault);
            return;
        }

        Counts = Counts with { Rotated = Counts.Rotated + 1 };
        _isOurs = true;
        Belongs(position, entry.TenantId, null);
        if (!KeyHandOver.Verify(entry, out var problem) || !IsOfLog(entry, out problem))
        {
            Find(AuditCodes.KeyMismatch, position, null, null, "hands the log over from key to key, and does not hold: " + problem);
            return;
        }

        if (_key is not null && _key != entry.OldKey)
            Find(AuditCodes.KeyMismatch, position, null, "old_key", $"is {entry.OldKey}, and the log had been handed over to {_key}");
        _key = entry.NewKey;
        if (HandOvers.Count < MaxRotations)
            HandOvers.Add((position, entry));
    }

    private bool IsOfLog(RotatedEntry entry, out string problem)
    {
        problem = $"its keys are not those of {_origin}";
        return NoteKey.TryParse(entry.NewKey, out var key, out _) && key.Name == _origin;
    }

    private void TakeForeign(long position)
    {
        Counts = Counts with { Foreign = Counts.Foreign + 1 };
        if (_isOurs)
            Find(AuditCodes.EntryMismatch, position, null, null, "is no entry of a RunProof log, as those before it are");
    }

    private void Belongs(long position, TenantId tenant, string? trace)
    {
        if (_tenant is not null && tenant.Value != _tenant)
            Find(AuditCodes.EntryMismatch, position, trace, "tenant_id", $"is {tenant}, and the log is {_tenant}'s");
    }

    private void Malformed(long position, string what, ReadFault fault) =>
        Find(AuditCodes.EntryMismatch, position, null, null, string.Create(CultureInfo.InvariantCulture, $"begins as {what} and is none in canonical form: byte {fault.Offset}: {fault.Message}"));

    private void Find(string code, long position, string? trace, string? member, string said)
    {
        var place = string.Create(CultureInfo.InvariantCulture, $"entries[{position}]") + (member is null ? "" : "." + member);
        _findings.Add(new AuditFinding(code, position, trace, place, place + ": " + said));
    }

    private sealed record Opening(long Position, string? RunId, DateTimeOffset? StartedAt);
}
