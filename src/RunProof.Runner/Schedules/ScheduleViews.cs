using System.ComponentModel;
using System.Text.Json;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Runner;

/// <summary>A schedule.</summary>
internal sealed record ScheduleView
{
    public required string Name { get; init; }
    public required string Cron { get; init; }
    public required string TimeZone { get; init; }
    public required JsonElement Request { get; init; }
    public required bool Enabled { get; init; }
    public required string CatchUp { get; init; }
    public required int CatchUpLimit { get; init; }
    public required string Overlap { get; init; }

    [Description("The first time that was not looked at yet; null where it does not fire.")]
    public required string? NextDue { get; init; }

    [Description("The next five times.")]
    public required IReadOnlyList<string> Upcoming { get; init; }

    [Description("Times whose run waits for the one before to end.")]
    public required IReadOnlyList<string> Waiting { get; init; }

    [Description("The last time that fired.")]
    public required string? LastDue { get; init; }
    public required string? LastRunId { get; init; }

    [Description("Times that fired.")]
    public required long Fired { get; init; }

    [Description("Times that were passed over: missed, or while a run had not ended, or refused.")]
    public required long Skipped { get; init; }

    [Description("Why the last time did not fire.")]
    public required string? Error { get; init; }
    public required string CreatedAt { get; init; }
    public required string CreatedBy { get; init; }
    public required string UpdatedAt { get; init; }
    public required string UpdatedBy { get; init; }
    public required ScheduleLinks Links { get; init; }

    public static ScheduleView Of(Schedule schedule, DateTimeOffset now)
    {
        using var request = JsonDocument.Parse(schedule.RequestJson, new JsonDocumentOptions { MaxDepth = 2 * Canonicalizer.MaxDepth });
        var times = schedule.IsEnabled ? CronTimes.Read(schedule.Cron, schedule.TimeZone, static (_, _) => { }) : null;
        return new ScheduleView
        {
            Name = schedule.Name,
            Cron = schedule.Cron,
            TimeZone = schedule.TimeZone,
            Request = request.RootElement.Clone(),
            Enabled = schedule.IsEnabled,
            CatchUp = schedule.CatchUp switch { Ledger.CatchUp.None => "none", Ledger.CatchUp.Last => "last", _ => "all" },
            CatchUpLimit = schedule.CatchUpLimit,
            Overlap = schedule.Overlap switch { Ledger.Overlap.Skip => "skip", Ledger.Overlap.Allow => "allow", _ => "queue" },
            NextDue = Text(schedule.NextDue),
            Upcoming = [.. times?.Upcoming(now, 5).Select(WireTime.ToText) ?? []],
            Waiting = [.. schedule.Waiting.Select(WireTime.ToText)],
            LastDue = Text(schedule.LastDue),
            LastRunId = schedule.LastRunId,
            Fired = schedule.Fired,
            Skipped = schedule.Skipped,
            Error = schedule.Error,
            CreatedAt = WireTime.ToText(schedule.CreatedAt),
            CreatedBy = schedule.CreatedBy,
            UpdatedAt = WireTime.ToText(schedule.UpdatedAt),
            UpdatedBy = schedule.UpdatedBy,
            Links = new ScheduleLinks($"/api/v1/schedules/{schedule.Name}", $"/api/v1/schedules/{schedule.Name}/runs"),
        };
    }

    private static string? Text(DateTimeOffset? time) => time is { } given ? WireTime.ToText(given) : null;
}

/// <summary>Where more is to be had.</summary>
/// <param name="Self">The schedule.</param>
/// <param name="Runs">Its runs.</param>
internal sealed record ScheduleLinks(string Self, string Runs);

/// <summary>Some schedules, and the name after which the next ones begin.</summary>
internal sealed record SchedulePage(IReadOnlyList<ScheduleView> Items, string? Next);

/// <summary>The body of a schedule's definition. It documents the body; <see cref="ScheduleEndpoints"/> reads it.</summary>
internal sealed record PutSchedule
{
    [Description("When, in five fields: minute hour day-of-month month day-of-week.")]
    public required string Cron { get; init; }

    [Description("The time zone in which they are meant, an IANA name; default UTC.")]
    public string? TimeZone { get; init; }

    [Description("The body of POST /runs, without idempotency_key, not_before and wait.")]
    public required CreateRun Request { get; init; }

    [Description("Whether it fires; default true.")]
    public bool? Enabled { get; init; }

    [Description("What becomes of times that were missed because no runner was there for a minute: none, last or all; default none.")]
    public string? CatchUp { get; init; }

    [Description("With catch_up all: how many are made up for at most, the last ones, 1 to 100; default 10.")]
    public int? CatchUpLimit { get; init; }

    [Description("What becomes of a time at which a run of the schedule has not ended: skip, allow or queue; default skip.")]
    public string? Overlap { get; init; }
}
