using System.Globalization;
using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>
/// Times that contradict one another. Clocks of honest machines differ and are set, so nothing within the tolerance is said; beyond it, honest logs keep to this:
/// a time has come by the auditor's clock; a trace ends after it began, and what its engine did lies between; what entered the log since an audit was recorded since.
/// </summary>
internal sealed class TraceClock(AuditScope scope)
{
    private readonly TimeSpan _tolerance = scope.Options.ClockTolerance;

    /// <summary>Of an entry by itself.</summary>
    internal AuditFinding? ProblemOf(Examined entry, DateTimeOffset time, string column)
    {
        var place = string.Create(CultureInfo.InvariantCulture, $"entries[{entry.Position}].{column}");
        if (time - scope.Now > _tolerance)
            return AuditText.Finding(AuditCodes.ClockAhead, entry.Position, entry.TraceId, place, $"is {WireTime.ToText(time)}, and it is {WireTime.ToText(scope.Now)} now");
        if (scope.NewerThan is { } last && entry.Position >= last.Size && last.Time - time > _tolerance)
            return AuditText.Finding(AuditCodes.ClockBackwards, entry.Position, entry.TraceId, place, $"is {WireTime.ToText(time)}, though the entry came after the audit before this one, which saw everything that was recorded up to {WireTime.ToText(last.Time)}");
        return null;
    }

    /// <summary>Of a trace that holds.</summary>
    internal AuditFinding? ProblemOf(Examined entry, QuickTrace trace)
    {
        if (trace is not { Header: { } header, Seal: { } seal })
            return null;
        if (header.StartedAt - seal.CompletedAt > _tolerance)
            return Backwards(entry, "completed_at", $"is {WireTime.ToText(seal.CompletedAt)}, before the trace was opened at {WireTime.ToText(header.StartedAt)}");
        if (trace.StepTimes is not { } steps)
            return null;
        if (header.StartedAt - steps.First > _tolerance)
            return Backwards(entry, "steps", $"one began at {WireTime.ToText(steps.First)}, before the trace was opened at {WireTime.ToText(header.StartedAt)}");
        if (steps.Last - seal.CompletedAt > _tolerance)
            return Backwards(entry, "steps", $"one began at {WireTime.ToText(steps.Last)}, after the trace was sealed at {WireTime.ToText(seal.CompletedAt)}");
        return null;
    }

    private static AuditFinding Backwards(Examined entry, string place, string said) => AuditText.Finding(AuditCodes.ClockBackwards, entry.Position, entry.TraceId, place, said);
}

/// <summary>
/// Openings along the log: traces enter in the order in which the database took them in, so each was opened about when those before it were, or later. One that
/// is older than all of the last ones by more than the tolerance was recorded under a clock that had been set back. Compared with the earliest of some, not the latest,
/// so that one machine whose clock is ahead does not make all others late.
/// </summary>
internal sealed class OpeningOrder(TimeSpan tolerance)
{
    private const int Remembered = 64;

    private readonly Queue<DateTimeOffset> _last = new(Remembered);

    internal AuditFinding? Take(long position, DateTimeOffset startedAt, string trace)
    {
        if (_last.Count > 0 && _last.Min() is var earliest && earliest - startedAt > tolerance)
        {
            return AuditText.Finding(
                AuditCodes.ClockBackwards, position, trace, string.Create(CultureInfo.InvariantCulture, $"entries[{position}].started_at"),
                $"is {WireTime.ToText(startedAt)}, though the openings before it in the log were at {WireTime.ToText(earliest)} or later");
        }

        if (_last.Count == Remembered)
            _last.Dequeue();
        _last.Enqueue(startedAt);
        return null;
    }
}
