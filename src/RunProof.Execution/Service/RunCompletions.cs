using Microsoft.Extensions.Logging;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution;

/// <summary>
/// Who waits for runs. A run of this process wakes its waiters itself; for those of other processes there is one question for all of them together, when
/// another process says that runs have ended, and every so often: however many wait, no one polls.
/// </summary>
internal sealed partial class RunCompletions(IRunStore runs, TimeProvider clock, ILogger<RunCompletions> logger)
{
    private static readonly TimeSpan AskEvery = TimeSpan.FromMilliseconds(500);

    // All guarded by _gate.
    private readonly Lock _gate = new();
    private readonly HashSet<(TenantId, RunId)> _here = [];
    private readonly Dictionary<(TenantId, RunId), Awaited> _awaited = [];
    private bool _asking;

    /// <summary>Rung when runs have ended anywhere.</summary>
    public Bell SomeEnded { get; } = new();

    /// <summary>Called when a run of this process is at another status in the store, or may be; it must not wait.</summary>
    public Action<TenantId, RunId>? Moved { get; set; }

    /// <summary>The run is in this process from now on.</summary>
    public void Begin(TenantId tenant, RunId run)
    {
        lock (_gate)
            _here.Add((tenant, run));
    }

    /// <summary>The run's status is another.</summary>
    public void Move(TenantId tenant, RunId run) => Moved?.Invoke(tenant, run);

    /// <summary>The run has ended in the store, or is no longer this process's.</summary>
    public void End(TenantId tenant, RunId run)
    {
        lock (_gate)
        {
            _here.Remove((tenant, run));
            if (_awaited.TryGetValue((tenant, run), out var awaited))
                awaited.Ended.TrySetResult();
        }

        Move(tenant, run);
    }

    /// <summary>Whether the run is in this process.</summary>
    public bool IsHere(TenantId tenant, RunId run)
    {
        lock (_gate)
            return _here.Contains((tenant, run));
    }

    /// <summary>Waits for a run. Wait first, then look whether it has ended: so no end is missed.</summary>
    /// <returns>What ends when the run has ended or may have; dispose it when it is no longer waited for.</returns>
    public Waiter Await(TenantId tenant, RunId run)
    {
        lock (_gate)
        {
            if (!_awaited.TryGetValue((tenant, run), out var awaited) || awaited.Ended.Task.IsCompleted)
                _awaited[(tenant, run)] = awaited = new Awaited();
            awaited.Waiters++;
            if (!_asking)
            {
                _asking = true;
                _ = AskAsync();
            }

            return new Waiter(this, (tenant, run), awaited);
        }
    }

    private async Task AskAsync()
    {
        while (true)
        {
            await SomeEnded.WaitAsync(AskEvery, clock, CancellationToken.None);
            (TenantId, RunId)[] elsewhere;
            lock (_gate)
            {
                if (_awaited.Count == 0)
                {
                    _asking = false;
                    return;
                }

                elsewhere = [.. _awaited.Keys.Where(run => !_here.Contains(run))];
            }

            if (elsewhere.Length > 0)
                await AskAsync(elsewhere);
        }
    }

    private async Task AskAsync((TenantId, RunId)[] elsewhere)
    {
        try
        {
            foreach (var (tenant, run) in await runs.FindEndedAsync(elsewhere, CancellationToken.None))
                End(tenant, run);
        }
        catch (Exception failed)
        {
            LogNotAsked(logger, failed);
        }
    }

    private void Leave((TenantId, RunId) run, Awaited awaited)
    {
        lock (_gate)
        {
            if (--awaited.Waiters == 0 && _awaited.TryGetValue(run, out var current) && current == awaited)
                _awaited.Remove(run);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "runs of other processes that are waited for could not be asked for")]
    private static partial void LogNotAsked(ILogger logger, Exception failed);

    /// <summary>A run that is waited for.</summary>
    internal sealed class Awaited
    {
        public TaskCompletionSource Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Waiters { get; set; }
    }

    /// <summary>One who waits.</summary>
    internal readonly struct Waiter(RunCompletions completions, (TenantId, RunId) run, Awaited awaited) : IDisposable
    {
        public Task Ended => awaited.Ended.Task;

        public void Dispose() => completions.Leave(run, awaited);
    }
}
