using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution;

/// <summary>
/// Fills this process's free places: with runs that wait in the store, and with those of processes that died, at start and ever after. No run hangs, no trace
/// dangles. A run whose plan no store keeps whole is ended when its process is gone.
/// </summary>
internal sealed partial class RunClaims(
    IRunStore runs, IAgentStore agents, PlanParser parser, TraceRecovery traces, RunQueue queue, RunCompletions completions, RunFinisher finisher,
    ExecutionOptions options, TimeProvider clock, ILogger<RunClaims> logger)
{
    private const int RememberedAgents = 10_000;
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(50);

    // Claimed by this process, which renews its leases: no one else will look after them. Each has its place.
    private readonly Dictionary<(TenantId, RunId), Run> _claimed = [];
    private readonly ConcurrentDictionary<(TenantId, AgentId), string> _agentNames = new();
    private TenantId? _lastTenant;

    /// <summary>Claims until it is asked to stop.</summary>
    public async Task RunAsync(CancellationToken stopping)
    {
        var pause = FirstPause;
        while (!stopping.IsCancellationRequested)
        {
            var places = queue.ReserveFree();
            var claimed = await ClaimAsync(places, stopping);
            if (claimed > 0 && claimed == places)
                continue;
            // What was claimed and could not be prepared is tried again soon; else a free place asks again ever more seldom, and at once when rung for.
            pause = claimed > 0 ? FirstPause : Shorter(pause * 2, options.ClaimEvery);
            if (await queue.Freed.WaitAsync(pause, clock, stopping))
                pause = FirstPause;
        }
    }

    /// <summary>Claims what waits or was abandoned, and goes on with it. What fails stays claimed and is tried again the next time.</summary>
    /// <returns>How many runs were claimed.</returns>
    internal Task<int> ClaimAsync(CancellationToken stopping) => ClaimAsync(queue.ReserveFree(), stopping);

    // Of the places, all reserved, those without a run are given back.
    private async Task<int> ClaimAsync(int places, CancellationToken stopping)
    {
        var claimed = 0;
        try
        {
            if (places > 0)
            {
                var now = WireTime.Truncate(clock.GetUtcNow());
                foreach (var run in await runs.ClaimAsync(options.Worker, now, now + options.Lease, places, _lastTenant, stopping))
                {
                    _lastTenant = run.TenantId;
                    claimed++;
                    _claimed[(run.TenantId, run.Id)] = run;
                }
            }
        }
        catch (Exception failed)
        {
            if (!stopping.IsCancellationRequested)
                LogNotClaimed(logger, failed);
        }

        for (; places > claimed; places--)
            queue.GiveBack();
        foreach (var run in _claimed.Values.ToArray())
        {
            try
            {
                if (await PrepareAsync(run, stopping))
                    _claimed.Remove((run.TenantId, run.Id));
            }
            catch (Exception failed)
            {
                if (!stopping.IsCancellationRequested)
                    LogNotPrepared(logger, run.Id.Value, failed);
            }
        }

        return claimed;
    }

    // False where it must be tried again.
    private async Task<bool> PrepareAsync(Run run, CancellationToken stopping)
    {
        if (run.CancelRequestedBy is { } by)
            return await EndAsync(run, RunOutcome.CancelledBy(by, run.CancelReason), stopping);
        if (run.PlanRedacted)
            return await EndAsync(run, Aborted("plan_not_kept", "its process died, and its plan held secrets that no store keeps: submit it again"), stopping);
        using var document = JsonDocument.Parse(run.PlanJson, ReferenceResolver.Deep);
        var validation = parser.Parse(document.RootElement, "plan");
        if (validation.Plan is not { } plan)
            return await EndAsync(run, Aborted("invalid_plan", $"{validation.Errors[0].Place}: {validation.Errors[0].Message}"), stopping);
        var name = await AgentNameAsync(run, stopping);
        completions.Begin(run.TenantId, run.Id);
        if (!queue.Enqueue(new PlannedRun(run, run.Goal, plan, name) { Resumes = run.IsAttemptOpen, IsBetweenSteps = run.IsBetweenSteps }))
            completions.End(run.TenantId, run.Id);
        if (run.IsAttemptOpen)
        {
            LogResumed(logger, run.Id.Value);
            ExecutionTelemetry.RunRecovered();
        }

        return true;
    }

    private static RunOutcome Aborted(string code, string message) => new(RunStatus.Aborted, code, message);

    private async ValueTask<string> AgentNameAsync(Run run, CancellationToken stopping)
    {
        var key = (run.TenantId, run.AgentId);
        if (_agentNames.TryGetValue(key, out var known))
            return known;
        var name = (await agents.FindAsync(run.TenantId, run.AgentId, stopping))?.Name ?? run.AgentId.Value;
        if (_agentNames.Count < RememberedAgents)
            _agentNames[key] = name;
        return name;
    }

    // No one is to go on with it. What began is ended in its trace first.
    private async Task<bool> EndAsync(Run run, RunOutcome outcome, CancellationToken stopping)
    {
        if (run.IsAttemptOpen)
            outcome = await traces.EndAsync(run, outcome, stopping);
        if (await finisher.FinishAsync(run, outcome, stopping))
        {
            LogEnded(logger, run.Id.Value, RunWords.Of(outcome.Status));
            ExecutionTelemetry.RunRecovered();
        }

        queue.Release();
        return true;
    }

    private static TimeSpan Shorter(TimeSpan one, TimeSpan other) => one < other ? one : other;

    [LoggerMessage(Level = LogLevel.Warning, Message = "runs could not be claimed")]
    private static partial void LogNotClaimed(ILogger logger, Exception failed);

    [LoggerMessage(Level = LogLevel.Warning, Message = "run {Run} could not be gone on with yet")]
    private static partial void LogNotPrepared(ILogger logger, string run, Exception failed);

    [LoggerMessage(Level = LogLevel.Information, Message = "run {Run} was begun by another process; this one goes on with it")]
    private static partial void LogResumed(ILogger logger, string run);

    [LoggerMessage(Level = LogLevel.Warning, Message = "run {Run} was left by another process; it has been ended as {Status}")]
    private static partial void LogEnded(ILogger logger, string run, string status);
}
