using System.Text.Json;
using Microsoft.Extensions.Logging;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution;

/// <summary>
/// Finds runs whose process died, at start and every few seconds after it, and goes on with them: no run hangs, no trace dangles. A run whose plan no store
/// keeps whole is ended.
/// </summary>
internal sealed partial class RunRecovery(
    IRunStore runs, IAgentStore agents, PlanParser parser, TraceRecovery traces, RunQueue queue, RunCompletions completions, RunFinisher finisher,
    ExecutionOptions options, TimeProvider clock, ILogger<RunRecovery> logger)
{
    private const int ClaimedAtOnce = 50;

    // Claimed by this process, which renews its claims: no one else will look after them again.
    private readonly Dictionary<(TenantId, RunId), Run> _claimed = [];

    /// <summary>Recovers until it is asked to stop.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            await RecoverAsync(stopping);
            await Task.Delay(options.RecoverEvery, clock, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>Claims what is abandoned and goes on with it. What fails stays claimed and is tried again the next time.</summary>
    internal async Task RecoverAsync(CancellationToken stopping)
    {
        try
        {
            var now = WireTime.Truncate(clock.GetUtcNow());
            foreach (var run in await runs.ClaimAbandonedAsync(options.Worker, now, now + options.Lease, ClaimedAtOnce, stopping))
            {
                // After an outage longer than a lease, a run that lives in this very process looks abandoned.
                if (completions.Find(run.TenantId, run.Id) is null)
                    _claimed[(run.TenantId, run.Id)] = run;
            }
        }
        catch (Exception failed) when (!stopping.IsCancellationRequested)
        {
            LogNotClaimed(logger, failed);
        }
        catch (OperationCanceledException)
        {
            return;
        }

        foreach (var run in _claimed.Values.ToArray())
        {
            try
            {
                if (await RecoverAsync(run, stopping))
                    _claimed.Remove((run.TenantId, run.Id));
            }
            catch (Exception failed) when (!stopping.IsCancellationRequested)
            {
                LogNotRecovered(logger, run.Id.Value, failed);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    // False where it must be tried again.
    private async Task<bool> RecoverAsync(Run run, CancellationToken stopping)
    {
        if (run.PlanRedacted)
            return await EndAsync(run, "plan_not_kept", "its process died, and its plan held secrets that no store keeps: submit it again", stopping);
        using var document = JsonDocument.Parse(run.PlanJson, ReferenceResolver.Deep);
        var validation = parser.Parse(document.RootElement, "plan");
        if (validation.Plan is not { } plan)
            return await EndAsync(run, "invalid_plan", $"{validation.Errors[0].Place}: {validation.Errors[0].Message}", stopping);
        var agent = await agents.FindAsync(run.TenantId, run.AgentId, stopping);
        if (!queue.TryReserve())
            return false;
        completions.Begin(run.TenantId, run.Id);
        if (!queue.Enqueue(new PlannedRun(run, run.Goal, plan, agent?.Name ?? run.AgentId.Value) { Resumes = run.Status is RunStatus.Running }))
            completions.End(run.TenantId, run.Id);
        LogResumed(logger, run.Id.Value);
        ExecutionTelemetry.RunRecovered();
        return true;
    }

    // No one can go on with it. What began is ended in its trace first.
    private async Task<bool> EndAsync(Run run, string code, string message, CancellationToken stopping)
    {
        var outcome = new RunOutcome(RunStatus.Aborted, code, message);
        if (run.Status is RunStatus.Running)
            outcome = await traces.EndAsync(run, outcome, stopping);
        if (await finisher.FinishAsync(run, outcome.Status, outcome.ErrorCode, outcome.ErrorMessage, stopping))
        {
            LogEnded(logger, run.Id.Value, RunWords.Of(outcome.Status));
            ExecutionTelemetry.RunRecovered();
        }

        return true;
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "abandoned runs could not be looked for")]
    private static partial void LogNotClaimed(ILogger logger, Exception failed);

    [LoggerMessage(Level = LogLevel.Warning, Message = "run {Run} could not be recovered yet")]
    private static partial void LogNotRecovered(ILogger logger, string run, Exception failed);

    [LoggerMessage(Level = LogLevel.Warning, Message = "run {Run} was left by a process that died; this one goes on with it")]
    private static partial void LogResumed(ILogger logger, string run);

    [LoggerMessage(Level = LogLevel.Warning, Message = "run {Run} was left by a process that died; it has been ended as {Status}")]
    private static partial void LogEnded(ILogger logger, string run, string status);
}
