using Microsoft.Extensions.Logging;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution;

/// <summary>
/// Who waits for the opening of a trace to be in its tenant's log. There is one question for all of them together, soon after one came and then ever more seldom; none
/// while no one waits.
/// </summary>
/// <param name="clock">Times the pauses.</param>
/// <param name="logger">Told of a store that fails.</param>
/// <param name="store">What tells of openings; null where this process reads no log.</param>
public sealed partial class LogOpenings(TimeProvider clock, ILogger<LogOpenings> logger, ILogOpeningStore? store = null)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(500);

    // All guarded by _gate.
    private readonly Lock _gate = new();
    private readonly Dictionary<(TenantId, TraceId), Awaited> _awaited = [];
    private readonly Bell _came = new();
    private bool _asking;

    /// <summary>For how long the one waits that waits longest, and how many wait.</summary>
    public (int Runs, TimeSpan Longest) Waiting
    {
        get
        {
            lock (_gate)
                return (_awaited.Count, _awaited.Count == 0 ? TimeSpan.Zero : _awaited.Values.Max(one => clock.GetElapsedTime(one.Since)));
        }
    }

    /// <summary>Waits for an opening. Only the process that has the run does, so one a trace.</summary>
    /// <returns>Dispose it when it is no longer waited for.</returns>
    internal Waiter Await(TenantId tenant, TraceId trace)
    {
        var awaited = new Awaited(clock.GetTimestamp()) { Fault = store is null ? "this process reads no log" : null };
        lock (_gate)
        {
            _awaited[(tenant, trace)] = awaited;
            if (!_asking && store is not null)
            {
                _asking = true;
                _ = Task.Run(AskAsync, CancellationToken.None);
            }
        }

        ExecutionTelemetry.AwaitingLogChanged(1);
        _came.Ring();
        return new Waiter(this, (tenant, trace), awaited);
    }

    private async Task AskAsync()
    {
        while (true)
        {
            (TenantId, TraceId)[] asked;
            TimeSpan youngest;
            lock (_gate)
            {
                var waiting = _awaited.Where(static one => !one.Value.Found.Task.IsCompleted).ToArray();
                if (waiting.Length == 0)
                {
                    _asking = false;
                    return;
                }

                asked = [.. waiting.Select(static one => one.Key)];
                youngest = waiting.Min(one => clock.GetElapsedTime(one.Value.Since));
            }

            await AskAsync(asked);
            // A crowd that comes one by one is asked for together.
            await Task.Delay(FirstPause, clock);
            var pause = youngest / 4 < LongestPause ? youngest / 4 : LongestPause;
            if (pause > FirstPause)
                await _came.WaitAsync(pause - FirstPause, clock, CancellationToken.None);
        }
    }

    private async Task AskAsync((TenantId, TraceId)[] asked)
    {
        try
        {
            foreach (var opening in await store!.FindAsync(asked, CancellationToken.None))
                Tell(opening);
        }
        catch (Exception failed)
        {
            LogNotAsked(logger, failed);
        }
    }

    private void Tell(LogOpening opening)
    {
        lock (_gate)
        {
            if (!_awaited.TryGetValue((opening.Tenant, opening.Trace), out var awaited))
                return;
            awaited.Fault = opening.Fault;
            if (opening.Fault is null)
                awaited.Found.TrySetResult(opening);
        }
    }

    private void Leave((TenantId, TraceId) trace, Awaited awaited)
    {
        lock (_gate)
        {
            if (_awaited.TryGetValue(trace, out var current) && current == awaited)
                _awaited.Remove(trace);
        }

        ExecutionTelemetry.AwaitingLogChanged(-1);
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "openings of traces that runs wait for could not be asked for")]
    private static partial void LogNotAsked(ILogger logger, Exception failed);

    /// <summary>An opening that is waited for.</summary>
    internal sealed class Awaited(long since)
    {
        public long Since { get; } = since;

        public TaskCompletionSource<LogOpening> Found { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public string? Fault { get; set; }
    }

    /// <summary>One who waits.</summary>
    internal readonly struct Waiter(LogOpenings openings, (TenantId, TraceId) trace, Awaited awaited) : IDisposable
    {
        /// <summary>What the log says: that the opening is in it, or was refused.</summary>
        public Task<LogOpening> Found => awaited.Found.Task;

        /// <summary>Why nothing is known of it, or null.</summary>
        public string? Fault => awaited.Fault;

        public void Dispose() => openings.Leave(trace, awaited);
    }
}
