using RunProof.Format;

namespace RunProof.Verifier;

/// <summary>Work on tenants, side by side: of one tenant one piece at a time, of all tenants so many. Thread-safe.</summary>
/// <param name="limit">Pieces at a time.</param>
/// <param name="clock">Measures pauses.</param>
internal sealed class TenantTasks(int limit, TimeProvider clock)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<TenantId, Task> _running = [];
    private readonly Dictionary<TenantId, DateTimeOffset> _notBefore = [];
    private TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Exception? _failed;

    /// <summary>Begins work on a tenant, unless it is under way, paused, or too much else is.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="work">The work; whether there is more of it. Its exceptions are kept for <see cref="ThrowWhatFailed"/>.</param>
    internal void TryStart(TenantId tenant, Func<Task<bool>> work)
    {
        lock (_gate)
        {
            if (_running.Count < limit && !_running.ContainsKey(tenant) && (!_notBefore.TryGetValue(tenant, out var due) || clock.GetUtcNow() >= due))
            {
                _notBefore.Remove(tenant);
                _running.Add(tenant, RunAsync(tenant, work));
            }
        }
    }

    /// <summary>Begins no more work on a tenant for a while.</summary>
    internal void Pause(TenantId tenant, TimeSpan time)
    {
        lock (_gate)
            _notBefore[tenant] = clock.GetUtcNow() + time;
    }

    /// <summary>Whether work on a tenant is put off.</summary>
    internal bool IsPaused(TenantId tenant)
    {
        lock (_gate)
            return _notBefore.TryGetValue(tenant, out var due) && clock.GetUtcNow() < due;
    }

    internal void ForgetPauses()
    {
        lock (_gate)
            _notBefore.Clear();
    }

    /// <summary>Throws what work threw since this was last called; of several the last.</summary>
    internal void ThrowWhatFailed()
    {
        Exception? failed;
        lock (_gate)
            (failed, _failed) = (_failed, null);
        if (failed is not null)
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failed);
    }

    /// <summary>Ends when a piece of work has ended since the last call that could be followed by another.</summary>
    internal Task AnyWithMoreAsync()
    {
        lock (_gate)
        {
            if (_more.Task.IsCompleted)
            {
                _more = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                return Task.CompletedTask;
            }

            return _more.Task;
        }
    }

    /// <summary>Ends when all work has.</summary>
    internal Task EndAsync()
    {
        lock (_gate)
            return Task.WhenAll(_running.Values);
    }

    private async Task RunAsync(TenantId tenant, Func<Task<bool>> work)
    {
        // Not under the lock, and not before the caller has noted that it runs.
        await Task.Yield();
        var (hasMore, failed) = (false, (Exception?)null);
        try
        {
            hasMore = await work();
        }
        catch (OperationCanceledException)
        {
            // The service ends.
        }
        catch (Exception e)
        {
            failed = e;
        }

        lock (_gate)
        {
            var wasFull = _running.Count == limit;
            _running.Remove(tenant);
            _failed = failed ?? _failed;
            if (hasMore || wasFull || failed is not null)
                _more.TrySetResult();
        }
    }
}
