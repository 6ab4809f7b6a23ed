using System.Text.Json;
using RunProof.Execution;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Runner;

/// <summary>
/// Fires what is due, in every runner: whoever claims a schedule asks for its runs, each under the idempotency key of its time, then settles it. A process that dies in
/// between leaves the claim to run out, and the next one finds the runs that were asked for already.
/// </summary>
internal sealed partial class Scheduler(IScheduleStore schedules, RunService runs, ExecutionOptions options, TimeProvider clock, ILogger<Scheduler> logger) : BackgroundService
{
    private const int SchedulesATurn = 50;
    private static readonly TimeSpan Every = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Claim = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan AfterFault = TimeSpan.FromMinutes(1);

    /// <summary>Fires all that is due now.</summary>
    /// <returns>How many schedules were looked at.</returns>
    internal async Task<int> TurnAsync(CancellationToken cancellationToken)
    {
        var now = WireTime.Truncate(clock.GetUtcNow());
        var claimed = await schedules.ClaimAsync(options.Worker, now, now + Claim, SchedulesATurn, cancellationToken);
        foreach (var (schedule, isUnderWay) in claimed)
            await schedules.SettleAsync(await FireAsync(schedule, isUnderWay, now, cancellationToken), options.Worker, cancellationToken);
        return claimed.Count;
    }

    /// <summary>Reads the request of a schedule.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="request">The body of a request for a run.</param>
    /// <param name="reader">Collects what is wrong.</param>
    /// <returns>The request; null where anything is wrong.</returns>
    internal static RunRequest? Read(TenantId tenant, JsonElement request, ObjectReader reader)
    {
        foreach (var member in (string[])["idempotency_key", "not_before", "wait"])
        {
            if (request.TryGetProperty(member, out var given) && given.ValueKind is not JsonValueKind.Null)
                reader.Fail(member, "must not be given in a schedule: the schedule says when");
        }

        return CreateRunReader.Read(request, new HeaderDictionary(), tenant, reader);
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var pause = Every;
            try
            {
                if (await TurnAsync(stoppingToken) == SchedulesATurn)
                    continue;
            }
            catch (Exception failed)
            {
                if (stoppingToken.IsCancellationRequested)
                    return;
                LogFailed(logger, failed);
                pause = AfterFailure;
            }

            await Task.Delay(pause, clock, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // Where the schedule stands afterwards. What may go better soon is left as it is, to be tried again.
    private async Task<Schedule> FireAsync(Schedule schedule, bool isUnderWay, DateTimeOffset now, CancellationToken cancellationToken)
    {
        string? fault = null;
        if (CronTimes.Read(schedule.Cron, schedule.TimeZone, (place, message) => fault = $"{place} {message}") is not { } times)
            return schedule with { Error = fault, LookAt = now + AfterFault };
        var turn = ScheduleTurn.Of(schedule, times, isUnderWay, now);
        var settled = turn.Settled with { Error = turn.Fire.Count > 0 ? null : schedule.Error };
        foreach (var due in turn.Fire)
        {
            switch (await AskAsync(schedule, ScheduledRun.KeyOf(schedule.Name, due), schedule.UpdatedBy, cancellationToken))
            {
                case Submission.Accepted accepted:
                    settled = settled with { LastRunId = accepted.Run.Id.Value };
                    break;
                case Submission.IdempotencyConflict conflict:
                    // Fired before, as the schedule was defined then.
                    settled = settled with { LastRunId = conflict.Existing.Id.Value };
                    break;
                case Submission.Ungoverned or Submission.Overloaded:
                    return schedule with { LookAt = now + AfterFailure, Error = "the runner could not take the run in; it tries again" };
                case var refused:
                    settled = settled with { Error = WordsOf(refused), Fired = settled.Fired - 1, Skipped = settled.Skipped + 1 };
                    LogRefused(logger, schedule.Name, schedule.TenantId.Value, settled.Error);
                    break;
            }
        }

        return settled;
    }

    /// <summary>Asks for a run of a schedule.</summary>
    /// <param name="schedule">The schedule.</param>
    /// <param name="key">The run's idempotency key.</param>
    /// <param name="by">The id of the key by which it is asked for: of whoever set the schedule as it is, or triggers it now.</param>
    /// <param name="cancellationToken">Gives up; the run may be there all the same.</param>
    internal async Task<Submission> AskAsync(Schedule schedule, string key, string by, CancellationToken cancellationToken)
    {
        using var document = JsonDocument.Parse(schedule.RequestJson, new JsonDocumentOptions { MaxDepth = 2 * Canonicalizer.MaxDepth });
        var reader = new ObjectReader();
        return Read(schedule.TenantId, document.RootElement, reader) is { } request
            ? await runs.SubmitAsync(request with { IdempotencyKey = key, CreatedBy = by }, cancellationToken)
            : new Submission.Invalid(reader.Errors, InPlan: false);
    }

    private static string WordsOf(Submission refused) => refused switch
    {
        Submission.Invalid invalid => $"the request is no longer valid: {invalid.Errors[0].Place} {invalid.Errors[0].Message}",
        Submission.UnknownAgent => "its agent is not there",
        _ => "the run was refused",
    };

    [LoggerMessage(Level = LogLevel.Warning, Message = "schedules could not be looked at")]
    private static partial void LogFailed(ILogger logger, Exception failed);

    [LoggerMessage(Level = LogLevel.Warning, Message = "schedule {Schedule} of tenant {Tenant} could not fire: {Reason}")]
    private static partial void LogRefused(ILogger logger, string schedule, string tenant, string? reason);
}
