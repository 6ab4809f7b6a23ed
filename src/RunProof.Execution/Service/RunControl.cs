using System.Collections.Concurrent;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution;

/// <summary>What is wanted of one run that this process executes, for the engine to obey.</summary>
internal sealed class RunControl : IDisposable
{
    private readonly CancellationTokenSource _cancel = new();
    private readonly CancellationTokenSource _now;
    private readonly CancellationTokenSource _waiting;
    private readonly CancellationToken _handOver;
    private readonly CancellationToken _stop;
    private volatile RunWish? _cancelWish;
    private volatile bool _pause;
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Makes one.</summary>
    /// <param name="handOver">Cancelled when the process wants to stop: runs are let go of between steps.</param>
    /// <param name="stop">Cancelled when it must stop now.</param>
    public RunControl(CancellationToken handOver, CancellationToken stop)
    {
        (_handOver, _stop) = (handOver, stop);
        _now = CancellationTokenSource.CreateLinkedTokenSource(_cancel.Token, stop);
        _waiting = CancellationTokenSource.CreateLinkedTokenSource(_now.Token, handOver);
    }

    /// <summary>Cancelled when the step under way must end.</summary>
    public CancellationToken Now => _now.Token;

    /// <summary>Cancelled when nothing new must begin: waiting between attempts ends.</summary>
    public CancellationToken Waiting => _waiting.Token;

    /// <summary>Who wants the run cancelled, and why; or null.</summary>
    public RunWish? Cancel => _cancelWish;

    /// <summary>Whether somebody wants the run paused.</summary>
    public bool IsPauseWished => _pause;

    /// <summary>Done when the wish to pause is another than when this was read. Read it before looking.</summary>
    public Task Changed => Volatile.Read(ref _changed).Task;

    /// <summary>Whether the process wants to be rid of it.</summary>
    public bool IsLeaving => _handOver.IsCancellationRequested || _stop.IsCancellationRequested;

    /// <summary>One that only knows how to stop.</summary>
    public static RunControl Of(CancellationToken stop) => new(CancellationToken.None, stop);

    /// <summary>Takes note of what is wanted now; null where nothing is.</summary>
    public void Obey(RunWish? wish)
    {
        var pause = wish is { Pause: true };
        if (pause != _pause)
        {
            _pause = pause;
            Interlocked.Exchange(ref _changed, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).TrySetResult();
        }

        if (wish?.CancelBy is null || _cancelWish is not null)
            return;
        _cancelWish = wish;
        try
        {
            // Not here: what a skill does with its token must not hold up the others' wishes.
            _ = _cancel.CancelAsync();
        }
        catch (ObjectDisposedException)
        {
            // It has just ended.
        }
    }

    public void Dispose()
    {
        _waiting.Dispose();
        _now.Dispose();
        _cancel.Dispose();
    }
}

/// <summary>The controls of the runs that this process has.</summary>
internal sealed class RunControls
{
    private readonly ConcurrentDictionary<(TenantId, RunId), RunControl> _controls = new();

    /// <summary>Rung when somebody may want something of a run of this process.</summary>
    public Bell Wished { get; } = new();

    public void Add(Run run, RunControl control)
    {
        _controls[(run.TenantId, run.Id)] = control;
        // Asked for before this process had it: found out now, not with the next renewal.
        if (run.PauseRequestedAt is not null || run.CancelRequestedAt is not null)
            control.Obey(new RunWish(run.TenantId, run.Id, run.PauseRequestedAt is not null, run.CancelRequestedBy, run.CancelReason));
    }

    public void Remove(Run run) => _controls.TryRemove((run.TenantId, run.Id), out _);

    /// <summary>Passes on all that is wanted of this process's runs.</summary>
    /// <param name="wishes">All of it: a wish to pause that is no longer among them was taken back.</param>
    public void Apply(IReadOnlyList<RunWish> wishes)
    {
        if (_controls.IsEmpty)
            return;
        var byRun = wishes.ToDictionary(wish => (wish.TenantId, wish.RunId));
        foreach (var (run, control) in _controls)
            control.Obey(byRun.GetValueOrDefault(run));
    }
}
