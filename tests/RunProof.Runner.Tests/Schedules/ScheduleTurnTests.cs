using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Runner.Tests;

/// <summary>What fires at a moment: missed times and runs that have not ended.</summary>
public sealed class ScheduleTurnTests
{
    private static readonly DateTimeOffset Noon = CronTimesTests.Time("2026-11-22T12:00Z");

    [Theory]
    // Looked at in time: fires whatever the rules are.
    [InlineData("none", "12:00", 2, "12:00", 0)]
    [InlineData("last", "12:00", 59, "12:00", 0)]
    // Nobody was there from 11:50 on: eleven times.
    [InlineData("none", "11:50", 2, "12:00", 10)]
    [InlineData("none", "11:50", 0, "11:59 12:00", 9)]
    [InlineData("last", "11:50", 2, "12:00", 10)]
    [InlineData("all", "11:50", 2, "11:58 11:59 12:00", 8)]
    [InlineData("all", "11:59", 2, "11:59 12:00", 0)]
    public void Times_that_were_missed_are_made_up_for_as_the_rule_says(string catchUp, string from, int seconds, string fires, int skipped)
    {
        var turn = Turn(Schedule(catchUp, Overlap.Allow) with { NextDue = At(from) }, underWay: false, seconds);

        Assert.Equal(fires.Split(' ').Select(At), turn.Fire);
        Assert.Equal((skipped, At("12:01"), At("12:01")), (turn.Settled.Skipped, turn.Settled.NextDue, turn.Settled.LookAt));
        Assert.Equal(turn.Fire.Count, turn.Settled.Fired);
        Assert.Equal(At("12:00"), turn.Settled.LastDue);
    }

    [Fact]
    public void A_time_at_which_a_run_has_not_ended_is_skipped()
    {
        var turn = Turn(Schedule("none", Overlap.Skip), underWay: true);

        Assert.Empty(turn.Fire);
        Assert.Equal((1, 0, At("12:01")), (turn.Settled.Skipped, turn.Settled.Fired, turn.Settled.LookAt));
        Assert.Single(Turn(Schedule("none", Overlap.Skip), underWay: false).Fire);
    }

    [Fact]
    public void Or_it_fires_all_the_same() => Assert.Single(Turn(Schedule("none", Overlap.Allow), underWay: true).Fire);

    [Fact]
    public void Or_it_waits_and_each_begins_when_the_one_before_has_ended()
    {
        var first = Turn(Schedule("all", Overlap.Queue) with { NextDue = At("11:58") }, underWay: true);
        Assert.Empty(first.Fire);
        Assert.Equal(["11:58", "11:59", "12:00"], first.Settled.Waiting.Select(time => time.ToString("HH:mm", null)));
        Assert.Equal(Noon.AddSeconds(2 + 1), first.Settled.LookAt);

        var second = Turn(first.Settled, underWay: false, 3);
        Assert.Equal([At("11:58")], second.Fire);
        var third = Turn(second.Settled, underWay: true, 4);
        Assert.Empty(third.Fire);
        var fourth = Turn(third.Settled, underWay: false, 5);
        var fifth = Turn(fourth.Settled, underWay: false, 6);
        Assert.Equal([At("11:59"), At("12:00")], [.. fourth.Fire, .. fifth.Fire]);
        Assert.Equal((3, 0, At("12:01")), (fifth.Settled.Fired, fifth.Settled.Skipped, fifth.Settled.LookAt));
    }

    [Fact]
    public void No_more_than_a_hundred_wait()
    {
        var schedule = Schedule("all", Overlap.Queue) with { CatchUpLimit = 100, NextDue = Noon.AddMinutes(-149), Waiting = [Noon.AddDays(-1)] };

        var turn = Turn(schedule, underWay: true);

        Assert.Equal((100, 51), (turn.Settled.Waiting.Count, turn.Settled.Skipped));
        Assert.Equal(Noon.AddDays(-1), turn.Settled.Waiting[0]);
    }

    [Theory]
    [InlineData("schedule:nightly:2026-11-22T12:00:00.000000Z", "nightly", true)]
    [InlineData("schedule:nightly:2026-11-22T12:00:00.000000Z.triggered.0198", "nightly", false)]
    [InlineData("schedule:nightly", null, false)]
    [InlineData("mine", null, false)]
    public void A_run_s_key_says_which_schedule_asked_for_it(string key, string? name, bool due)
    {
        Assert.Equal((name, due ? Noon : null), (ScheduledRun.Of(key)?.Name, ScheduledRun.Of(key)?.Due));
        if (due)
            Assert.Equal(key, ScheduledRun.KeyOf(name!, Noon));
    }

    private static ScheduleTurn Turn(Schedule schedule, bool underWay, int seconds = 2) =>
        ScheduleTurn.Of(schedule, CronTimes.Read(schedule.Cron, schedule.TimeZone, (_, _) => { })!, underWay, Noon.AddSeconds(seconds));

    private static DateTimeOffset At(string time) => CronTimesTests.Time("2026-11-22T" + time + "Z");

    private static Schedule Schedule(string catchUp, Overlap overlap) => new()
    {
        TenantId = TenantId.Parse("acme"), Name = "nightly", Cron = "* * * * *", TimeZone = "UTC", RequestJson = "{}", IsEnabled = true,
        CatchUp = catchUp switch { "none" => CatchUp.None, "last" => CatchUp.Last, _ => CatchUp.All }, CatchUpLimit = 3, Overlap = overlap, NextDue = Noon, LookAt = Noon,
        CreatedAt = Noon, CreatedBy = "key", UpdatedAt = Noon, UpdatedBy = "key",
    };
}
