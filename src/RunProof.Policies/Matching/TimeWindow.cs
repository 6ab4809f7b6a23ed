namespace RunProof.Policies;

/// <summary>Times of the week, on a zone's clock.</summary>
/// <param name="Days">The days on which it begins, by <see cref="DayOfWeek"/>.</param>
/// <param name="From">The time at which it begins.</param>
/// <param name="To">The time before which it ends; where that is not later than <paramref name="From"/>, on the next day.</param>
/// <param name="Zone">The zone.</param>
/// <param name="Outside">Whether all other times are meant.</param>
internal sealed record TimeWindow(bool[] Days, TimeOnly From, TimeOnly To, TimeZoneInfo Zone, bool Outside)
{
    internal bool Holds(DateTimeOffset now) => IsInside(TimeZoneInfo.ConvertTime(now, Zone).DateTime) != Outside;

    private bool IsInside(DateTime local)
    {
        var time = TimeOnly.FromDateTime(local);
        if (From < To)
            return IsOn(local.DayOfWeek) && time >= From && time < To;

        // Over midnight: after it, the window is the one that began on the day before.
        return time >= From ? IsOn(local.DayOfWeek) : time < To && IsOn(local.AddDays(-1).DayOfWeek);
    }

    private bool IsOn(DayOfWeek day) => Days[(int)day];
}
