using System.Diagnostics;
using Microsoft.Extensions.Logging;
using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>
/// Shares commits between traces: what arrives while a batch is under way forms the next one. A write that finds a flusher idle leaves at once.
/// </summary>
internal sealed partial class GroupCommit : IAsyncDisposable
{
    private readonly IRecordingStore _store;
    private readonly RecorderOptions _options;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly RecorderMetrics _metrics;
    private readonly SemaphoreSlim _room;
    private readonly TaskCompletionSource _drained = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // All guarded by _gate. A trace in _underWay has an entry in some batch that is not answered yet.
    private readonly Lock _gate = new();
    private readonly HashSet<(TenantId, TraceId)> _underWay = [];
    private List<PendingWrite> _waiting = [];
    private List<PendingWrite> _spare = [];
    private int _flushers;
    private bool _closed;

    internal GroupCommit(IRecordingStore store, RecorderOptions options, TimeProvider clock, ILogger logger)
    {
        (_store, _options, _clock, _logger) = (store, options, clock, logger);
        _room = new SemaphoreSlim(options.QueueCapacity);
        _metrics = new RecorderMetrics(() => _waiting.Count);
    }

    /// <summary>Queues a write and waits until its batch is durable or has failed.</summary>
    /// <param name="entry">What to write.</param>
    /// <param name="cancellationToken">Gives up waiting. Once queued the write happens all the same: a batch is never torn.</param>
    /// <exception cref="ObjectDisposedException">The recorder is closed.</exception>
    internal async Task<WriteResult> WriteAsync(RecordingEntry entry, CancellationToken cancellationToken)
    {
        await _room.WaitAsync(cancellationToken);
        var write = new PendingWrite(entry);
        if (!Enqueue(write, out var startFlusher))
        {
            _room.Release();
            throw new ObjectDisposedException(nameof(Recorder));
        }

        if (startFlusher)
            ThreadPool.UnsafeQueueUserWorkItem(static self => _ = self.DrainAsync(), this, preferLocal: false);
        return await write.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Calls the store, trying again with growing pauses while it cannot be reached.</summary>
    /// <param name="call">An idempotent call.</param>
    /// <param name="cancellationToken">Gives up between tries.</param>
    /// <exception cref="RecordingStoreException">The last failure.</exception>
    internal async Task<T> WithRetriesAsync<T>(Func<IRecordingStore, Task<T>> call, CancellationToken cancellationToken)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await call(_store);
            }
            catch (RecordingStoreException e) when (e.IsTransient && attempt < _options.Attempts)
            {
                var pause = _options.PauseAfter(attempt);
                LogRetry(_logger, attempt, _options.Attempts, pause, e.Message);
                _metrics.Retried();
                await Task.Delay(pause, _clock, cancellationToken);
            }
        }
    }

    /// <summary>Refuses further writes, and waits until those that are queued are durable or have failed.</summary>
    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _closed = true;
            if (_flushers == 0)
                _drained.TrySetResult();
        }

        await _drained.Task;
        _metrics.Dispose();
    }

    private bool Enqueue(PendingWrite write, out bool startFlusher)
    {
        lock (_gate)
        {
            startFlusher = false;
            if (_closed)
                return false;
            _waiting.Add(write);
            if (_flushers < _options.Flushers)
            {
                _flushers++;
                startFlusher = true;
            }

            return true;
        }
    }

    private async Task DrainAsync()
    {
        while (Take() is { } batch)
        {
            await FlushAsync(batch);
            Release(batch);

            // The callers just answered run first and may join the next batch; this costs a turn of the thread pool, not a time.
            await Task.Yield();
        }
    }

    /// <summary>Takes the longest batch that the limits allow, in order, at most one write of a trace and none of a trace under way.</summary>
    private ArraySegment<PendingWrite>? Take()
    {
        lock (_gate)
        {
            var batch = new List<PendingWrite>(Math.Min(_waiting.Count, _options.MaxBatchEntries));
            long bytes = 0;
            var full = false;
            foreach (var write in _waiting)
            {
                full = full || batch.Count == _options.MaxBatchEntries || (batch.Count > 0 && bytes + write.Entry.PayloadBytes > _options.MaxBatchBytes);
                if (full || !_underWay.Add(write.Trace))
                {
                    _spare.Add(write);
                    continue;
                }

                batch.Add(write);
                bytes += write.Entry.PayloadBytes;
            }

            (_waiting, _spare) = (_spare, _waiting);
            _spare.Clear();
            if (batch.Count > 0)
                return batch.ToArray();

            _flushers--;
            if (_closed && _flushers == 0)
                _drained.TrySetResult();
            return null;
        }
    }

    private void Release(ArraySegment<PendingWrite> batch)
    {
        lock (_gate)
        {
            foreach (var write in batch)
                _underWay.Remove(write.Trace);
        }

        _room.Release(batch.Count);
    }

    private async Task FlushAsync(ArraySegment<PendingWrite> batch)
    {
        try
        {
            var entries = Array.ConvertAll(batch.ToArray(), static write => write.Entry);
            var started = _clock.GetTimestamp();
            var results = await WithRetriesAsync(store => store.RecordAsync(entries, CancellationToken.None), CancellationToken.None);
            if (results.Count != batch.Count)
                throw new InvalidOperationException($"the store answered {results.Count} of {batch.Count} entries");
            Measure(entries, results, _clock.GetElapsedTime(started));
            for (var i = 0; i < batch.Count; i++)
                batch[i].SetResult(new WriteResult(results[i]));
        }
        catch (RecordingStoreException e) when (e.IsTransient)
        {
            LogGaveUp(_logger, e, batch.Count, _options.Attempts);
            foreach (var write in batch)
                write.SetResult(new WriteResult(default, RecordingFailure.Unavailable, e));
        }
        catch (Exception e) when (batch.Count == 1)
        {
            LogRefused(_logger, e, batch[0].Entry.TraceId);
            batch[0].SetResult(new WriteResult(default, RecordingFailure.Refused, e));
        }
        catch (Exception)
        {
            // Some entry is poison. Halve until it stands alone: its neighbours must not suffer for it.
            await FlushAsync(batch[..(batch.Count / 2)]);
            await FlushAsync(batch[(batch.Count / 2)..]);
        }
    }

    private void Measure(RecordingEntry[] entries, IReadOnlyList<RecordingResult> results, TimeSpan duration)
    {
        var steps = 0;
        for (var i = 0; i < entries.Length; i++)
        {
            if (entries[i] is AppendEntry && results[i].Outcome is RecordingOutcome.Recorded)
                steps++;
        }

        _metrics.Committed(entries.Length, steps, duration);
    }

    [LoggerMessage(EventId = 1, Level = LogLevel.Warning, Message = "The store could not record (try {Attempt} of {Attempts}); trying again in {Pause}: {Reason}")]
    private static partial void LogRetry(ILogger logger, int attempt, int attempts, TimeSpan pause, string reason);

    [LoggerMessage(EventId = 2, Level = LogLevel.Error, Message = "{Entries} writes are not recorded: the store could not be reached in {Attempts} tries")]
    private static partial void LogGaveUp(ILogger logger, Exception exception, int entries, int attempts);

    [LoggerMessage(EventId = 3, Level = LogLevel.Error, Message = "The store refused a write to trace {Trace}")]
    private static partial void LogRefused(ILogger logger, Exception exception, TraceId trace);
}
