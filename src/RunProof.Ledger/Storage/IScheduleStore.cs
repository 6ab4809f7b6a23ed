using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>What becomes of times that were missed because no runner was there.</summary>
public enum CatchUp
{
    /// <summary>They are passed over.</summary>
    None,

    /// <summary>The last one is made up for.</summary>
    Last,

    /// <summary>The last <see cref="Schedule.CatchUpLimit"/> are made up for.</summary>
    All,
}

/// <summary>What becomes of a time at which a run of the schedule has not ended.</summary>
public enum Overlap
{
    /// <summary>It is passed over.</summary>
    Skip,

    /// <summary>Its run begins all the same.</summary>
    Allow,

    /// <summary>Its run begins when the one before has ended; 100 times wait at most.</summary>
    Queue,
}

/// <summary>Runs that the clock asks for.</summary>
public sealed record Schedule
{
    /// <summary>The tenant.</summary>
    public required TenantId TenantId { get; init; }

    /// <summary>Its name: 1 to 64 of a-z 0-9 _ -.</summary>
    public required string Name { get; init; }

    /// <summary>When: five fields.</summary>
    public required string Cron { get; init; }

    /// <summary>The time zone in which these are meant, an IANA name.</summary>
    public required string TimeZone { get; init; }

    /// <summary>What is asked for, as canonical JSON: the body of a request for a run. It holds nothing that redaction would change.</summary>
    public required string RequestJson { get; init; }

    /// <summary>Whether it fires.</summary>
    public required bool IsEnabled { get; init; }

    /// <summary>What becomes of missed times.</summary>
    public required CatchUp CatchUp { get; init; }

    /// <summary>How many missed times are made up for at most, 1 to 100; with <see cref="CatchUp.All"/>.</summary>
    public required int CatchUpLimit { get; init; }

    /// <summary>What becomes of times at which a run of it has not ended.</summary>
    public required Overlap Overlap { get; init; }

    /// <summary>The first time that was not looked at yet; null where there is none, or it does not fire.</summary>
    public DateTimeOffset? NextDue { get; init; }

    /// <summary>When a runner looks at it next; null where none does.</summary>
    public DateTimeOffset? LookAt { get; init; }

    /// <summary>Times whose run waits for the one before to end.</summary>
    public IReadOnlyList<DateTimeOffset> Waiting { get; init; } = [];

    /// <summary>The last time that fired, or null.</summary>
    public DateTimeOffset? LastDue { get; init; }

    /// <summary>Its run.</summary>
    public string? LastRunId { get; init; }

    /// <summary>Times that fired.</summary>
    public long Fired { get; init; }

    /// <summary>Times that were passed over.</summary>
    public long Skipped { get; init; }

    /// <summary>Why the last time did not fire, or null.</summary>
    public string? Error { get; init; }

    /// <summary>Counts its definitions, from 1.</summary>
    public long Revision { get; init; } = 1;

    /// <summary>When it was made.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>By which key.</summary>
    public required string CreatedBy { get; init; }

    /// <summary>When it was defined as it is.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>By which key.</summary>
    public required string UpdatedBy { get; init; }
}

/// <summary>A schedule that a worker has claimed.</summary>
/// <param name="Schedule">The schedule.</param>
/// <param name="IsUnderWay">Whether a run of it has not ended.</param>
public sealed record ClaimedSchedule(Schedule Schedule, bool IsUnderWay);

/// <summary>The schedules of all tenants. Each call is one round trip, but for claiming, which is one for each tenant more.</summary>
public interface IScheduleStore
{
    /// <summary>Defines a schedule; times that wait are forgotten, counters stay.</summary>
    /// <returns>Whether it is new, and as it is stored.</returns>
    Task<(bool Created, Schedule Stored)> PutAsync(Schedule schedule, CancellationToken cancellationToken);

    /// <summary>Reads a schedule; null where the tenant has none of this name.</summary>
    Task<Schedule?> FindAsync(TenantId tenant, string name, CancellationToken cancellationToken);

    /// <summary>Lists a tenant's schedules by name, strictly after one.</summary>
    Task<IReadOnlyList<Schedule>> ListAsync(TenantId tenant, string? after, int limit, CancellationToken cancellationToken);

    /// <summary>Removes a schedule; its runs stay. False where the tenant has none of this name.</summary>
    Task<bool> RemoveAsync(TenantId tenant, string name, CancellationToken cancellationToken);

    /// <summary>Claims schedules that are to be looked at.</summary>
    /// <param name="worker">Who claims.</param>
    /// <param name="now">The time.</param>
    /// <param name="until">When the claim runs out.</param>
    /// <param name="limit">At most so many.</param>
    /// <param name="cancellationToken">Gives up; some may be claimed all the same.</param>
    Task<IReadOnlyList<ClaimedSchedule>> ClaimAsync(string worker, DateTimeOffset now, DateTimeOffset until, int limit, CancellationToken cancellationToken);

    /// <summary>Stores where a claimed schedule stands and lets go of it. False where another worker has it, or it was defined anew: then nothing is stored.</summary>
    Task<bool> SettleAsync(Schedule schedule, string worker, CancellationToken cancellationToken);

    /// <summary>A schedule's runs, the latest time first, strictly before one by its idempotency key.</summary>
    Task<IReadOnlyList<Run>> RunsAsync(TenantId tenant, string name, string? before, int limit, CancellationToken cancellationToken);
}

/// <summary>The idempotency keys of runs that schedules ask for: <c>schedule:NAME:TIME</c>, and behind the time <c>.triggered.ID</c> where a person asked for it.</summary>
/// <param name="Name">The schedule.</param>
/// <param name="Due">The time that fired; null where a person asked for the run.</param>
public sealed record ScheduledRun(string Name, DateTimeOffset? Due)
{
    /// <summary>What such keys begin with; no other may.</summary>
    public const string Prefix = "schedule:";

    private const string Triggered = ".triggered.";

    /// <summary>The key of the run that a time fires.</summary>
    public static string KeyOf(string name, DateTimeOffset due) => $"{Prefix}{name}:{WireTime.ToText(due)}";

    /// <summary>The key of a run that a person asks for.</summary>
    public static string KeyOf(string name, DateTimeOffset now, Guid id) => $"{KeyOf(name, now)}{Triggered}{id:N}";

    /// <summary>Reads a run's key; null where no schedule asked for it.</summary>
    public static ScheduledRun? Of(string? key)
    {
        if (key is null || !key.StartsWith(Prefix, StringComparison.Ordinal))
            return null;
        var end = key.IndexOf(':', Prefix.Length);
        if (end < 0)
            return null;
        var name = key[Prefix.Length..end];
        var time = key[(end + 1)..];
        return time.Contains(Triggered, StringComparison.Ordinal) ? new ScheduledRun(name, null)
            : WireTime.TryParse(time, out var due) ? new ScheduledRun(name, due)
            : null;
    }
}
