using System.Globalization;
using Microsoft.Extensions.Logging;
using RunProof.Ledger;

namespace RunProof.Execution;

/// <summary>How a run waits for its trace's opening to be in the tenant's log.</summary>
internal sealed partial class RunEngine
{
    // Nothing of the run has begun, or is recorded, until this is true. Where it is not, the run has ended or is to be let go of: whoever goes on with it waits again.
    // A process that died after the wait left a trace without a step: then the opening is there, and only what proves it must be found again.
    private async Task<bool> IsOpeningLoggedAsync(RunExecution run)
    {
        if (!run.Planned.Run.AwaitsLogOpening || run.Session.NextIndex > 0)
            return true;
        var began = clock.GetTimestamp();
        using var kill = Watched(run);
        using var waiter = openings.Await(run.Session.TenantId, run.Session.TraceId);
        using var limit = new CancellationTokenSource(options.LogOpeningTimeout, clock);
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(
            limit.Token, run.Planned.Run.PlanRedacted ? run.Now : run.Control.Waiting, kill?.Stopped ?? CancellationToken.None);
        while (true)
        {
            var changed = run.Control.Changed;
            if (Judge(run, waiter, kill, limit.Token) is { } opened)
            {
                run.IsHeld = !opened;
                ExecutionTelemetry.OpeningAwaited(clock.GetElapsedTime(began), opened);
                return opened;
            }

            await ((Task)Task.WhenAny(waiter.Found, changed)).WaitAsync(giveUp.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // Null while it waits. What somebody wants comes first: then the log.
    private bool? Judge(RunExecution run, LogOpenings.Waiter waiter, IStepWatch? kill, CancellationToken limit)
    {
        if (run.Control.Cancel is not null || run.Now.IsCancellationRequested)
            return Hold(run, pause: false);
        if (kill?.By is { } by)
            return End(run, RunOutcome.KilledBy(by));
        if (!run.Planned.Run.PlanRedacted && (run.Control.IsLeaving || run.Control.IsPauseWished))
            return Hold(run, run.Control.IsPauseWished);
        if (waiter.Found.IsCompletedSuccessfully)
        {
            var opening = waiter.Found.Result;
            run.LogOpening = opening.Proof;
            return opening.Proof is not null || End(run, new RunOutcome(RunStatus.Failed, "log_refused", "the opening of the run's trace was not let into the tenant's log: " + opening.Refused));
        }

        if (!limit.IsCancellationRequested)
            return null;
        LogNotOpened(logger, run.Planned.Run.Id.Value, options.LogOpeningTimeout);
        var why = waiter.Fault is { } fault ? ": " + fault : "";
        return End(run, new RunOutcome(RunStatus.Failed, "log_unavailable", string.Create(
            CultureInfo.InvariantCulture, $"the opening of the run's trace was not in the tenant's log after {options.LogOpeningTimeout.TotalSeconds:0.###} s, and the run waits for it{why}")));
    }

    private static bool End(RunExecution run, RunOutcome outcome)
    {
        run.EndAs(outcome);
        return false;
    }

    private static bool Hold(RunExecution run, bool pause)
    {
        run.IsLetGo = true;
        run.IsPaused |= pause;
        return false;
    }

    // Of what would begin first: a kill switch of its skill, its agent, its tenant, or of all.
    private static IStepWatch? Watched(RunExecution run) =>
        run.Planned.Plan.Steps is [var first, ..] ? run.Gate.Watch(new StepAction(first.Skill, first.Parameters)) : null;

    [LoggerMessage(Level = LogLevel.Error, Message = "run {Run} fails: its trace's opening was not in the tenant's log after {Limit}")]
    private static partial void LogNotOpened(ILogger logger, string run, TimeSpan limit);
}
