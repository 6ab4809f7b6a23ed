using System.Threading.Channels;

namespace RunProof.Execution;

/// <summary>
/// The runs that this process has: those it executes and those about to be. It has a place for each that it executes at once; a run comes in only on a place that
/// was reserved before, so that no run is claimed here and then waits while another process is idle. Runs whose plan only this process knows may wait beyond that.
/// </summary>
internal sealed class RunQueue(ExecutionOptions options)
{
    private readonly Channel<PlannedRun> _waiting = Channel.CreateUnbounded<PlannedRun>();
    private int _taken;
    private volatile bool _closed;

    public bool IsClosed => _closed;

    /// <summary>Rung when a place becomes free.</summary>
    public Bell Freed { get; } = new();

    /// <summary>Reserves a free place; false where there is none, or the process is stopping.</summary>
    public bool TryReserve() => TryReserve(options.Concurrency);

    /// <summary>Reserves a place to be executed at, or to wait at, for a run that no other process can execute.</summary>
    public bool TryReserveToWait() => TryReserve(options.Concurrency + options.QueueCapacity);

    /// <summary>Reserves all free places.</summary>
    /// <returns>How many.</returns>
    public int ReserveFree()
    {
        var places = 0;
        while (TryReserve())
            places++;
        return places;
    }

    /// <summary>Gives a reserved place back that was not needed: no one is told.</summary>
    public void GiveBack() => Interlocked.Decrement(ref _taken);

    /// <summary>Gives a place back that a run was to have, or that of a run that this process no longer has.</summary>
    public void Release()
    {
        Interlocked.Decrement(ref _taken);
        Freed.Ring();
    }

    /// <summary>Puts a run on a reserved place. False where the process has begun to stop: the store keeps the run for the next one.</summary>
    public bool Enqueue(PlannedRun run)
    {
        if (!_waiting.Writer.TryWrite(run))
        {
            Release();
            return false;
        }

        ExecutionTelemetry.QueueChanged(1);
        return true;
    }

    /// <summary>Takes the oldest; null once the queue is closed. Its place is free again when it is released.</summary>
    public async ValueTask<PlannedRun?> TakeAsync()
    {
        while (!_closed && await _waiting.Reader.WaitToReadAsync())
        {
            if (_closed || !_waiting.Reader.TryRead(out var run))
                continue;
            ExecutionTelemetry.QueueChanged(-1);
            return run;
        }

        return null;
    }

    /// <summary>Lets no run in or out any more, and gives those that were left.</summary>
    public IReadOnlyList<PlannedRun> Close()
    {
        _closed = true;
        _waiting.Writer.TryComplete();
        var left = new List<PlannedRun>();
        while (_waiting.Reader.TryRead(out var run))
        {
            ExecutionTelemetry.QueueChanged(-1);
            left.Add(run);
        }

        return left;
    }

    private bool TryReserve(int places)
    {
        if (_closed)
            return false;
        if (Interlocked.Increment(ref _taken) <= places)
            return true;
        Interlocked.Decrement(ref _taken);
        return false;
    }
}

/// <summary>Wakes the one who waits for it; rung while no one waits, it wakes the next one at once. However often it is rung, it wakes once.</summary>
internal sealed class Bell
{
    private readonly Channel<bool> _rung = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    public void Ring() => _rung.Writer.TryWrite(true);

    /// <summary>Waits until it is rung, or a time has passed, or it is given up.</summary>
    /// <returns>Whether it was rung.</returns>
    public async Task<bool> WaitAsync(TimeSpan patience, TimeProvider clock, CancellationToken giveUp)
    {
        using var enough = new CancellationTokenSource(patience, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(enough.Token, giveUp);
        try
        {
            return await _rung.Reader.ReadAsync(either.Token);
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }
}
