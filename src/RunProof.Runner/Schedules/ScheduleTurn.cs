using RunProof.Ledger;

namespace RunProof.Runner;

/// <summary>What is to be done for a schedule at one moment.</summary>
/// <param name="Fire">The times whose runs begin now, in order.</param>
/// <param name="Settled">Where the schedule stands when they have begun.</param>
internal sealed record ScheduleTurn(IReadOnlyList<DateTimeOffset> Fire, Schedule Settled)
{
    /// <summary>A time that is looked at later than this was missed: no runner was there.</summary>
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(60);

    private const int MostWaiting = 100;
    private static readonly TimeSpan LookWhileWaiting = TimeSpan.FromSeconds(1);

    /// <summary>Decides; nothing is done.</summary>
    /// <param name="schedule">The schedule.</param>
    /// <param name="times">Its times.</param>
    /// <param name="isUnderWay">Whether a run of it has not ended.</param>
    /// <param name="now">The moment.</param>
    public static ScheduleTurn Of(Schedule schedule, CronTimes times, bool isUnderWay, DateTimeOffset now)
    {
        // 1. Of the times since the last look, those that are not missed, or made up for.
        var due = schedule.NextDue is { } from ? times.Between(from, now) : [];
        IReadOnlyList<DateTimeOffset> chosen = schedule.CatchUp switch
        {
            CatchUp.Last => [.. due.TakeLast(1)],
            CatchUp.All => [.. due.TakeLast(schedule.CatchUpLimit)],
            _ => [.. due.Where(time => now - time <= Grace)],
        };

        // 2. Of these and of those that wait, those that begin now.
        var waiting = schedule.Overlap is Overlap.Queue ? [.. schedule.Waiting.Concat(chosen).Take(MostWaiting)] : new List<DateTimeOffset>();
        IReadOnlyList<DateTimeOffset> fire = schedule.Overlap switch
        {
            Overlap.Allow => chosen,
            Overlap.Queue => isUnderWay ? [] : [.. waiting.Take(1)],
            _ => isUnderWay ? [] : [.. chosen.TakeLast(1)],
        };
        waiting.RemoveRange(0, Math.Min(waiting.Count, fire.Count));

        // 3. The next look.
        var next = times.After(now);
        var look = waiting.Count == 0 ? next : next < now + LookWhileWaiting ? next : now + LookWhileWaiting;
        return new ScheduleTurn(fire, schedule with
        {
            NextDue = next,
            LookAt = look,
            Waiting = waiting,
            LastDue = fire.Count > 0 ? fire[^1] : schedule.LastDue,
            Fired = schedule.Fired + fire.Count,
            Skipped = schedule.Skipped + due.Count + schedule.Waiting.Count - fire.Count - waiting.Count,
        });
    }
}
