using Microsoft.Extensions.Logging;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution;

/// <summary>
/// Executes the runs that wait in this process, renews its claims on them, and recovers runs of processes that died. A host runs it once.
/// </summary>
public sealed partial class RunWorker
{
    private readonly IRunStore _runs;
    private readonly RunQueue _queue;
    private readonly RunCompletions _completions;
    private readonly RunEngine _engine;
    private readonly Resumption _resumption;
    private readonly EvidenceWriter _evidence;
    private readonly RunFinisher _finisher;
    private readonly RunRecovery _recovery;
    private readonly Persistence _persistence;
    private readonly ExecutionOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger<RunWorker> _logger;

    internal RunWorker(
        IRunStore runs, RunQueue queue, RunCompletions completions, RunEngine engine, Resumption resumption, EvidenceWriter evidence, RunFinisher finisher,
        RunRecovery recovery, Persistence persistence, ExecutionOptions options, TimeProvider clock, ILogger<RunWorker> logger)
    {
        (_runs, _queue, _completions, _engine, _resumption, _evidence, _finisher) = (runs, queue, completions, engine, resumption, evidence, finisher);
        (_recovery, _persistence, _options, _clock, _logger) = (recovery, persistence, options, clock, logger);
    }

    /// <summary>
    /// Works until it is asked to stop. Then it takes no run any more, gives those under way <see cref="ExecutionOptions.StopGrace"/>, aborts
    /// the rest (their step under way recorded interrupted, their trace sealed), and lets go of its claims.
    /// </summary>
    /// <param name="stopping">Asks it to stop.</param>
    /// <returns>When nothing of it is left running.</returns>
    public async Task RunAsync(CancellationToken stopping)
    {
        using var stopRuns = new CancellationTokenSource();
        using var giveUp = new CancellationTokenSource();
        using var end = new CancellationTokenSource();
        var heartbeat = RenewAsync(end.Token);
        var recovery = _recovery.RunAsync(stopping);
        var workers = Task.WhenAll(Enumerable.Range(0, _options.Concurrency).Select(_ => WorkAsync(stopRuns.Token, giveUp.Token)));

        await Task.Delay(Timeout.InfiniteTimeSpan, _clock, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        foreach (var left in _queue.Close())
            _completions.End(left.Run.TenantId, left.Run.Id);
        if (!await EndedWithinAsync(workers, _options.StopGrace))
        {
            await stopRuns.CancelAsync();
            if (!await EndedWithinAsync(workers, _options.StopGrace))
                await giveUp.CancelAsync();
        }

        await workers;
        await recovery;
        await end.CancelAsync();
        await heartbeat;
        await LetGoAsync();
    }

    private async Task<bool> EndedWithinAsync(Task work, TimeSpan grace)
    {
        await work.WaitAsync(grace, _clock).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return work.IsCompleted;
    }

    private async Task WorkAsync(CancellationToken stop, CancellationToken giveUp)
    {
        while (await _queue.TakeAsync() is { } planned)
        {
            try
            {
                await ExecuteAsync(planned, stop, giveUp);
            }
            catch (Exception escaped)
            {
                // Its claim runs out once this process is gone; nothing it did is lost.
                LogLeft(_logger, planned.Run.Id.Value, escaped);
            }
            finally
            {
                _completions.End(planned.Run.TenantId, planned.Run.Id);
            }
        }
    }

    private async Task ExecuteAsync(PlannedRun planned, CancellationToken stop, CancellationToken giveUp)
    {
        if (await BeginAsync(planned, stop) is not { } run)
        {
            LogNotOurs(_logger, planned.Run.Id.Value);
            return;
        }

        planned = planned with { Run = run };
        ResumePoint? from = null;
        if (planned.Resumes)
            from = await _persistence.UntilDoneAsync(async token => await _resumption.FindAsync(planned, token), stop);
        var outcome = from is { Session: null, End: { } ended } ? ended : await _engine.ExecuteAsync(planned, from, stop);

        // The trace first, then the run: a run that has ended always has a sealed trace.
        if (outcome.Unsettled is { } unsettled)
            await _persistence.UntilDoneAsync(async token => await _evidence.SettleAsync(run, unsettled, token), giveUp);
        if (!await _finisher.FinishAsync(run, outcome.Status, outcome.ErrorCode, outcome.ErrorMessage, giveUp))
            LogNotOurs(_logger, run.Id.Value);
    }

    // The run as it is under way; null where another process has it.
    private async Task<Run?> BeginAsync(PlannedRun planned, CancellationToken stop)
    {
        var run = planned.Run;
        if (run.Status is RunStatus.Running)
            return run;
        var startedAt = WireTime.Truncate(_clock.GetUtcNow());
        return await _persistence.UntilDoneAsync(async token => await StartAsync(run, startedAt, token), stop)
            ? run with { Status = RunStatus.Running, StartedAt = startedAt, Attempts = run.Attempts + 1 }
            : null;
    }

    // A start that was persisted and reported failed is refused when it is tried again: what is stored tells.
    private async ValueTask<bool> StartAsync(Run run, DateTimeOffset startedAt, CancellationToken cancellationToken)
    {
        if (await _runs.StartAsync(run.TenantId, run.Id, _options.Worker, startedAt, startedAt + _options.Lease, cancellationToken))
            return true;
        var stored = await _runs.FindAsync(run.TenantId, run.Id, cancellationToken);
        return stored is { Status: RunStatus.Running } && stored.Worker == _options.Worker && stored.StartedAt == startedAt;
    }

    private async Task RenewAsync(CancellationToken end)
    {
        while (true)
        {
            await Task.Delay(_options.RenewEvery, _clock, end).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (end.IsCancellationRequested)
                return;
            try
            {
                await _runs.RenewAsync(_options.Worker, WireTime.Truncate(_clock.GetUtcNow()) + _options.Lease, end);
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

    // What is left queued or unsettled need not wait for the lease: the next process may have it at once.
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
