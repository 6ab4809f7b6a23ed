using System.Globalization;

namespace RunProof.Runner.Tests;

/// <summary>The times of cron expressions, across the hours that clocks skip and repeat. Expected times are counted by hand, in UTC.</summary>
public sealed class CronTimesTests
{
    [Theory]
    // Berlin skips 02:00 to 03:00 on 29 March 2026: what was to be at 02:30 is at 03:00, which is 01:00 UTC.
    [InlineData("30 2 * * *", "Europe/Berlin", "2026-03-28T00:00Z", "2026-03-28T01:30Z 2026-03-29T01:00Z 2026-03-30T00:30Z")]
    [InlineData("0 * * * *", "Europe/Berlin", "2026-03-28T23:30Z", "2026-03-29T00:00Z 2026-03-29T01:00Z 2026-03-29T02:00Z")]
    // It has 02:00 to 03:00 twice on 25 October 2026: a time of day is there once, the first time; an interval is there in both.
    [InlineData("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00Z", "2026-10-25T00:30Z 2026-10-26T01:30Z 2026-10-27T01:30Z")]
    [InlineData("*/30 * * * *", "Europe/Berlin", "2026-10-25T00:15Z", "2026-10-25T00:30Z 2026-10-25T01:00Z 2026-10-25T01:30Z 2026-10-25T02:00Z")]
    [InlineData("30 1 * * *", "America/New_York", "2026-10-31T12:00Z", "2026-11-01T05:30Z 2026-11-02T06:30Z")]
    [InlineData("30 2 * * *", "UTC", "2026-03-28T12:00Z", "2026-03-29T02:30Z 2026-03-30T02:30Z")]
    // A zone that is half an hour off, and one that moves by half an hour.
    [InlineData("0 9 * * 1-5", "Asia/Kolkata", "2026-11-20T12:00Z", "2026-11-23T03:30Z 2026-11-24T03:30Z")]
    [InlineData("15 2 * * *", "Australia/Lord_Howe", "2026-10-02T16:00Z", "2026-10-03T15:30Z 2026-10-04T15:15Z")]
    [InlineData("0 0 29 2 *", "UTC", "2026-01-01T00:00Z", "2028-02-29T00:00Z 2032-02-29T00:00Z")]
    public void Each_time_comes_once_whatever_the_clocks_do(string cron, string zone, string after, string expected)
    {
        var times = CronTimes.Read(cron, zone, (place, message) => Assert.Fail($"{place} {message}"))!;
        var wanted = expected.Split(' ').Select(Time).ToArray();

        Assert.Equal(wanted, times.Upcoming(Time(after), wanted.Length));
        // Looked back on: those of the last 366 days.
        Assert.Equal(wanted.Where(time => wanted[^1] - time <= TimeSpan.FromDays(366)), times.Between(Time(after).AddMinutes(1), wanted[^1]));
        Assert.All(times.Upcoming(Time(after), 3), time => Assert.Equal(TimeSpan.Zero, time.Offset));
    }

    [Theory]
    [InlineData("", "UTC", "cron")]
    [InlineData("* * * *", "UTC", "cron")]
    [InlineData("* * * * * *", "UTC", "cron")]
    [InlineData("@daily", "UTC", "cron")]
    [InlineData("60 * * * *", "UTC", "cron")]
    [InlineData("* * * * *", "Europe/Atlantis", "time_zone")]
    [InlineData("* * * * *", "", "time_zone")]
    [InlineData("* * * * *", "../../etc/passwd", "time_zone")]
    [InlineData("61 * * * *", "Nowhere", "cron time_zone")]
    public void What_is_wrong_is_named(string cron, string zone, string places)
    {
        var found = new List<string>();
        Assert.Null(CronTimes.Read(cron, zone, (place, _) => found.Add(place)));
        Assert.Equal(places.Split(' '), found);
    }

    internal static DateTimeOffset Time(string text) => DateTimeOffset.ParseExact(text, "yyyy-MM-dd'T'HH:mm'Z'", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);
}
