using System.Collections.Concurrent;
using RunProof.Format;

namespace RunProof.Execution;

/// <summary>Who waits for runs of this process. One subscription for each run, however many wait: no one polls.</summary>
internal sealed class RunCompletions
{
    private readonly ConcurrentDictionary<(TenantId, RunId), TaskCompletionSource> _running = new();

    /// <summary>The run is in this process from now on.</summary>
    public void Begin(TenantId tenant, RunId run) => _running.TryAdd((tenant, run), new(TaskCreationOptions.RunContinuationsAsynchronously));

    /// <summary>The run has ended in the store, or is no longer this process's.</summary>
    public void End(TenantId tenant, RunId run)
    {
        if (_running.TryRemove((tenant, run), out var waiting))
            waiting.TrySetResult();
    }

    /// <summary>What ends when the run does; null where it is not in this process.</summary>
    public Task? Find(TenantId tenant, RunId run) => _running.TryGetValue((tenant, run), out var waiting) ? waiting.Task : null;
}
