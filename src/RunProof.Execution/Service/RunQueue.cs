using System.Threading.Channels;

namespace RunProof.Execution;

/// <summary>Runs that wait in this process, oldest first. A place is reserved before a run is stored, so that no stored run finds no place.</summary>
internal sealed class RunQueue(ExecutionOptions options)
{
    private readonly Channel<PlannedRun> _waiting = Channel.CreateUnbounded<PlannedRun>();
    private int _places = options.QueueCapacity;
    private volatile bool _closed;

    public bool IsClosed => _closed;

    /// <summary>Reserves a place; false where there is none, or the process is stopping.</summary>
    public bool TryReserve()
    {
        if (_closed)
            return false;
        if (Interlocked.Decrement(ref _places) >= 0)
            return true;
        Interlocked.Increment(ref _places);
        return false;
    }

    /// <summary>Gives a reserved place back.</summary>
    public void Release() => Interlocked.Increment(ref _places);

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

    /// <summary>Takes the oldest; null once the queue is closed.</summary>
    public async ValueTask<PlannedRun?> TakeAsync()
    {
        while (!_closed && await _waiting.Reader.WaitToReadAsync())
        {
            if (_closed || !_waiting.Reader.TryRead(out var run))
                continue;
            ExecutionTelemetry.QueueChanged(-1);
            Release();
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
}
