using Microsoft.Extensions.Logging;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution;

/// <summary>
/// Executes runs: those that this process takes in, those that wait in the store, those of processes that died. Renews its leases on them. A host runs it once.
/// </summary>
public sealed partial class RunWorker
{
    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(5);

    private readonly IRunStore _runs;
    private readonly IRunSignals _signals;
    private readonly RunQueue _queue;
    private readonly RunControls _controls;
    private readonly RunCompletions _completions;
    private readonly RunEngine _engine;
    private readonly Resumption _resumption;
    private readonly Origins _origins;
    private readonly EvidenceWriter _evidence;
    private readonly RunFinisher _finisher;
    private readonly RunClaims _claims;
    private readonly Persistence _persistence;
    private readonly ExecutionOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger<RunWorker> _logger;

    internal RunWorker(
        IRunStore runs, IRunSignals signals, RunQueue queue, RunControls controls, RunCompletions completions, RunEngine engine, Resumption resumption,
        Origins origins, EvidenceWriter evidence, RunFinisher finisher, RunClaims claims, Persistence persistence, ExecutionOptions options, TimeProvider clock, ILogger<RunWorker> logger)
    {
        (_runs, _signals, _queue, _controls, _completions, _engine, _resumption, _origins) = (runs, signals, queue, controls, completions, engine, resumption, origins);
        (_evidence, _finisher, _claims, _persistence, _options, _clock, _logger) = (evidence, finisher, claims, persistence, options, clock, logger);
    }

    /// <summary>
    /// Works until it is asked to stop. Then it takes no run any more and lets go of those it has, between their steps, for another process to go on with. A step under way
    /// has <see cref="ExecutionOptions.StopGrace"/> to end; after that it is cancelled: one that may be repeated is left to the next process, any other is recorded
    /// interrupted and its run aborted.
    /// </summary>
    /// <param name="stopping">Asks it to stop.</param>
    /// <returns>When nothing of it is left running.</returns>
    public async Task RunAsync(CancellationToken stopping)
    {
        using var stopRuns = new CancellationTokenSource();
        using var giveUp = new CancellationTokenSource();
        using var end = new CancellationTokenSource();
        var signals = _signals.RunAsync(Hear, end.Token);
        var heartbeat = RenewAsync(end.Token);
        var claims = _claims.RunAsync(stopping);
        var workers = Task.WhenAll(Enumerable.Range(0, _options.Concurrency).Select(_ => WorkAsync(stopping, stopRuns.Token, giveUp.Token)));

        await Task.Delay(Timeout.InfiniteTimeSpan, _clock, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        await claims;
        foreach (var left in _queue.Close())
        {
            if (!left.Run.PlanRedacted)
                await ReleaseAsync(left.Run, new RunRelease(BetweenSteps: false, Pause: false, WireTime.Truncate(_clock.GetUtcNow())), giveUp.Token);
            _completions.End(left.Run.TenantId, left.Run.Id);
        }

        if (!await EndedWithinAsync(workers, _options.StopGrace))
        {
            await stopRuns.CancelAsync();
            if (!await EndedWithinAsync(workers, _options.StopGrace))
                await giveUp.CancelAsync();
        }

        await workers;
        await LetGoAsync();
        await end.CancelAsync();
        await heartbeat;
        await signals;
    }

    private void Hear(RunSignal signal) => (signal switch
    {
        RunSignal.Waiting => _queue.Freed,
        RunSignal.Wished => _controls.Wished,
        _ => _completions.SomeEnded,
    }).Ring();

    private async Task<bool> EndedWithinAsync(Task work, TimeSpan grace)
    {
        await work.WaitAsync(grace, _clock).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return work.IsCompleted;
    }

    private async Task WorkAsync(CancellationToken handOver, CancellationToken stop, CancellationToken giveUp)
    {
        while (await _queue.TakeAsync() is { } planned)
        {
            using var control = new RunControl(handOver, stop);
            _controls.Add(planned.Run, control);
            try
            {
                await ExecuteAsync(planned, control, stop, giveUp);
            }
            catch (Exception escaped)
            {
                LogLeft(_logger, planned.Run.Id.Value, escaped);
                await ReleaseAsync(planned.Run, new RunRelease(BetweenSteps: false, Pause: false, WireTime.Truncate(_clock.GetUtcNow()) + AfterFailure), giveUp);
            }
            finally
            {
                _controls.Remove(planned.Run);
                _completions.End(planned.Run.TenantId, planned.Run.Id);
                _queue.Release();
            }
        }
    }

    private async Task ExecuteAsync(PlannedRun planned, RunControl control, CancellationToken stop, CancellationToken giveUp)
    {
        if (BeforeStart(planned, control) is { } before)
        {
            await EndAsync(planned.Run, before, giveUp);
            return;
        }

        if (await BeginAsync(planned, stop) is not { } run)
        {
            LogNotOurs(_logger, planned.Run.Id.Value);
            return;
        }

        planned = planned with { Run = run };
        ResumePoint? from = null;
        if (planned.Resumes)
            from = await _persistence.UntilDoneAsync(async token => await _resumption.FindAsync(planned, token), stop);
        await EndAsync(run, from is { Session: null, End: { } ended } ? ended : await GoOnAsync(planned, from, control, stop), giveUp);
    }

    // What comes from another run is prepared first: a past that was not recomputed is none.
    private async Task<RunOutcome> GoOnAsync(PlannedRun planned, ResumePoint? from, RunControl control, CancellationToken stop)
    {
        if (planned.Run.Origin is not null)
            (planned, from) = await _persistence.UntilDoneAsync(async token => await _origins.PrepareAsync(planned, from, token), stop);
        return await _engine.ExecuteAsync(planned, from, control);
    }

    // A run that waited and has nothing to show yet is cancelled or paused without a trace.
    private RunOutcome? BeforeStart(PlannedRun planned, RunControl control)
    {
        if (planned.Resumes)
            return null;
        if (control.Cancel is { } wish)
            return RunOutcome.CancelledBy(wish.CancelBy!, wish.CancelReason);
        return control.IsPauseWished && !planned.Run.PlanRedacted
            ? RunOutcome.Released(new RunRelease(BetweenSteps: false, Pause: true, WireTime.Truncate(_clock.GetUtcNow())))
            : null;
    }

    // The trace first, then the run: a run that has ended always has a sealed trace.
    private async Task EndAsync(Run run, RunOutcome outcome, CancellationToken giveUp)
    {
        if (outcome.Unsettled is { } unsettled)
            await _persistence.UntilDoneAsync(async token => await _evidence.SettleAsync(run, unsettled, token), giveUp);
        var ours = outcome.Release is { } release ? await ReleaseAsync(run, release, giveUp) : await _finisher.FinishAsync(run, outcome, giveUp);
        if (!ours)
            LogNotOurs(_logger, run.Id.Value);
    }

    private async Task<bool> ReleaseAsync(Run run, RunRelease release, CancellationToken giveUp)
    {
        try
        {
            var released = await _persistence.UntilDoneAsync(
                async token => await _runs.ReleaseAsync(run.TenantId, run.Id, _options.Worker, release, token), giveUp);
            _signals.Tell(RunSignal.Waiting);
            return released;
        }
        catch (Exception failed)
        {
            // Its lease runs out once this process is gone.
            LogLeft(_logger, run.Id.Value, failed);
            return true;
        }
    }

    // The run as it is under way; null where another process has it.
    private async Task<Run?> BeginAsync(PlannedRun planned, CancellationToken stop)
    {
        var run = planned.Run;
        if (run.Status is RunStatus.Running)
            return run;
        var startedAt = WireTime.Truncate(_clock.GetUtcNow());
        var begun = await _persistence.UntilDoneAsync(async token => await StartAsync(run, startedAt, token), stop);
        _completions.Move(run.TenantId, run.Id);
        return begun
            ? run with
            {
                Status = RunStatus.Running, StartedAt = run.StartedAt ?? startedAt, Attempts = run.IsAttemptOpen ? run.Attempts : run.Attempts + 1,
                IsAttemptOpen = true, IsBetweenSteps = false,
            }
            : null;
    }

    // A start that was persisted and reported failed is refused when it is tried again: what is stored tells.
    private async ValueTask<bool> StartAsync(Run run, DateTimeOffset startedAt, CancellationToken cancellationToken)
    {
        if (await _runs.StartAsync(run.TenantId, run.Id, _options.Worker, startedAt, startedAt + _options.Lease, cancellationToken))
            return true;
        var stored = await _runs.FindAsync(run.TenantId, run.Id, cancellationToken);
        return stored is { Status: RunStatus.Running } && stored.Worker == _options.Worker;
    }

    // Renews when it is time, and looks at once for what is wanted when somebody says that something is.
    private async Task RenewAsync(CancellationToken end)
    {
        var renewed = _clock.GetTimestamp();
        while (true)
        {
            var left = _options.RenewEvery - _clock.GetElapsedTime(renewed);
            var wished = left > TimeSpan.Zero && await _controls.Wished.WaitAsync(left, _clock, end);
            if (end.IsCancellationRequested)
                return;
            try
            {
                if (!wished)
                    renewed = _clock.GetTimestamp();
                _controls.Apply(wished
                    ? await _runs.FindWishesAsync(_options.Worker, end)
                    : await _runs.RenewAsync(_options.Worker, WireTime.Truncate(_clock.GetUtcNow()) + _options.Lease, end));
            }
            catch (Exception failed) when (!end.IsCancellationRequested)
            {
                LogNotRenewed(_logger, failed);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    // What is left need not wait for the lease: the next process may have it at once.
    private async Task LetGoAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2), _clock);
        try
        {
            await _runs.RenewAsync(_options.Worker, WireTime.Truncate(_clock.GetUtcNow()), patience.Token);
        }
        catch (Exception failed)
        {
            LogNotRenewed(_logger, failed);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "run {Run} has been taken over by another process")]
    private static partial void LogNotOurs(ILogger logger, string run);

    [LoggerMessage(Level = LogLevel.Error, Message = "run {Run} is left to recovery")]
    private static partial void LogLeft(ILogger logger, string run, Exception escaped);

    [LoggerMessage(Level = LogLevel.Warning, Message = "claims could not be renewed; other processes may take these runs over")]
    private static partial void LogNotRenewed(ILogger logger, Exception failed);
}
