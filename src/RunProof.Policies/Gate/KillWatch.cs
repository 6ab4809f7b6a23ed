using Microsoft.Extensions.Logging;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Policies;

/// <summary>
/// Ends steps under way that a kill switch stops: while there are any it asks the store, twice a second and once for all of them. What begins later is the
/// gate's. A store that does not answer ends nothing: what is under way is not known to be stopped, and nothing new begins.
/// </summary>
internal sealed partial class KillWatch(IRestraintStore store, TimeProvider clock, ILogger<KillWatch> logger)
{
    private static readonly TimeSpan Every = TimeSpan.FromMilliseconds(500);

    private readonly Lock _gate = new();
    private readonly HashSet<Watched> _steps = [];
    private bool _isLooking;

    /// <summary>Watches a step until it is disposed of; null where there is no store to ask.</summary>
    internal IStepWatch? Watch(TenantId tenant, AgentId? agent, string skill)
    {
        if (store is NoRestraints)
            return null;
        var step = new Watched(this, tenant, agent, skill);
        lock (_gate)
        {
            _steps.Add(step);
            if (_isLooking)
                return step;
            _isLooking = true;
        }

        _ = Task.Run(LookAsync, CancellationToken.None);
        return step;
    }

    private async Task LookAsync()
    {
        while (true)
        {
            await Task.Delay(Every, clock);
            Watched[] steps;
            lock (_gate)
            {
                if (_steps.Count == 0)
                {
                    _isLooking = false;
                    return;
                }

                steps = [.. _steps];
            }

            try
            {
                var kills = await store.ReadKillSwitchesAsync(CancellationToken.None);
                foreach (var step in kills.Count == 0 ? [] : steps)
                    step.EndIfStopped(kills);
            }
            catch (Exception failed)
            {
                LogNotRead(logger, failed.Message);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "kill switches cannot be read at present; steps under way go on, none begins: {Reason}")]
    private static partial void LogNotRead(ILogger logger, string reason);

    private sealed class Watched(KillWatch watch, TenantId tenant, AgentId? agent, string skill) : IStepWatch
    {
        private readonly CancellationTokenSource _stopped = new();
        private volatile KillSwitch? _by;

        public CancellationToken Stopped => _stopped.Token;

        public KillSwitch? By => _by;

        internal void EndIfStopped(IReadOnlyList<KillSwitch> kills)
        {
            if (_by is not null || kills.FirstOrDefault(kill => !kill.Graceful && kill.Stops(tenant, agent, skill)) is not { } found)
                return;
            _by = found;
            try
            {
                // Not here: what a skill does with its token must not hold up the others' end.
                _ = _stopped.CancelAsync();
            }
            catch (ObjectDisposedException)
            {
                // It has just ended.
            }
        }

        public void Dispose()
        {
            lock (watch._gate)
                watch._steps.Remove(this);
            _stopped.Dispose();
        }
    }
}
