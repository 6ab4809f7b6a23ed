using Cronos;

namespace RunProof.Runner;

/// <summary>
/// The times of a cron expression in a time zone, minute by minute. Where clocks are put forward, a time that the day has not is made up for right after the gap;
/// where they are put back, a time that the day has twice fires the first time, unless the expression is of intervals (<c>*</c>, <c>*/n</c>, ranges of hours or minutes):
/// then it fires both times.
/// </summary>
internal sealed class CronTimes
{
    private static readonly TimeSpan LongestLook = TimeSpan.FromDays(366);

    private readonly CronExpression _expression;
    private readonly TimeZoneInfo _zone;

    private CronTimes(CronExpression expression, TimeZoneInfo zone) => (_expression, _zone) = (expression, zone);

    /// <summary>Reads both.</summary>
    /// <param name="cron">Five fields: minute, hour, day of month, month, day of week.</param>
    /// <param name="zone">An IANA name.</param>
    /// <param name="fail">Called with the place and what is wrong there, for each.</param>
    /// <returns>The times; null where anything is wrong.</returns>
    public static CronTimes? Read(string cron, string zone, Action<string, string> fail)
    {
        CronExpression? expression = null;
        TimeZoneInfo? found = null;
        try
        {
            // Macros (@daily) and seconds are left out: one way to write it.
            if (cron.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length != 5)
                fail("cron", "must have five fields: minute hour day-of-month month day-of-week, as 30 2 * * 1-5");
            else
                expression = CronExpression.Parse(cron, CronFormat.Standard);
        }
        catch (CronFormatException wrong)
        {
            fail("cron", wrong.Message);
        }

        try
        {
            found = zone.Length is > 0 and <= 64 ? TimeZoneInfo.FindSystemTimeZoneById(zone) : null;
        }
        catch (Exception missing) when (missing is TimeZoneNotFoundException or InvalidTimeZoneException or System.Security.SecurityException or UnauthorizedAccessException or IOException)
        {
            // Said below.
        }

        if (found is null)
            fail("time_zone", "is no time zone that this machine knows; use an IANA name, as Europe/Berlin");
        return expression is null || found is null ? null : new CronTimes(expression, found);
    }

    /// <summary>The first time after a moment; null where there is none.</summary>
    public DateTimeOffset? After(DateTimeOffset moment) => _expression.GetNextOccurrence(moment.ToUniversalTime(), _zone)?.ToUniversalTime();

    /// <summary>The times from one moment to another, both included; at most those of the last 366 days.</summary>
    public IReadOnlyList<DateTimeOffset> Between(DateTimeOffset from, DateTimeOffset to)
    {
        var first = to - from > LongestLook ? to - LongestLook : from;
        return first > to ? [] : [.. _expression.GetOccurrences(first.ToUniversalTime(), to.ToUniversalTime(), _zone, fromInclusive: true, toInclusive: true).Select(time => time.ToUniversalTime())];
    }

    /// <summary>The next few times.</summary>
    public IEnumerable<DateTimeOffset> Upcoming(DateTimeOffset moment, int count)
    {
        for (var time = After(moment); time is { } next && count > 0; time = After(next), count--)
            yield return next;
    }
}
