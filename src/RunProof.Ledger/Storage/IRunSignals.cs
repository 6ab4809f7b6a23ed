namespace RunProof.Ledger;

/// <summary>What one process tells the others about runs.</summary>
public enum RunSignal
{
    /// <summary>Runs wait for a worker.</summary>
    Waiting,

    /// <summary>Somebody wants something of a run that a worker has.</summary>
    Wished,

    /// <summary>Runs have ended.</summary>
    Ended,
}

/// <summary>
/// Signals between the processes of one database. They only make things faster: what a lost one tells of is found by asking the store every second or so.
/// </summary>
public interface IRunSignals
{
    /// <summary>Tells the other processes, soon and at most once for many calls. Never waits, never throws; it may be lost.</summary>
    /// <param name="signal">What.</param>
    void Tell(RunSignal signal);

    /// <summary>Carries signals until it is asked to stop, over whatever failures.</summary>
    /// <param name="heard">Called for each signal that is heard, this process's own too; it must not wait.</param>
    /// <param name="stopping">Asks it to stop.</param>
    /// <returns>When it has stopped.</returns>
    Task RunAsync(Action<RunSignal> heard, CancellationToken stopping);
}

/// <summary>Signals within one process only.</summary>
public sealed class LocalRunSignals : IRunSignals
{
    private volatile Action<RunSignal>? _heard;

    /// <inheritdoc/>
    public void Tell(RunSignal signal) => _heard?.Invoke(signal);

    /// <inheritdoc/>
    public async Task RunAsync(Action<RunSignal> heard, CancellationToken stopping)
    {
        _heard = heard;
        await Task.Delay(Timeout.InfiniteTimeSpan, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _heard = null;
    }
}
