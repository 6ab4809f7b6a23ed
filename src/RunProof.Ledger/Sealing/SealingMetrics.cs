using System.Diagnostics.Metrics;

namespace RunProof.Ledger;

/// <summary>What sealing measures, under the meter <c>RunProof.Ledger</c>.</summary>
public sealed class SealingMetrics : IDisposable
{
    private readonly Meter _meter = new("RunProof.Ledger");
    private readonly Counter<long> _entries;
    private readonly Counter<long> _quarantined;
    private readonly Histogram<int> _batchSize;
    private readonly Histogram<double> _commitDuration;
    private readonly Counter<long> _overtaken;
    private readonly Counter<long> _failures;
    private readonly TimeProvider _clock;
    private volatile LogLag _lag = new(0, 0, null, 0);

    /// <summary>Instruments.</summary>
    /// <param name="clock">Tells the age of what waits.</param>
    public SealingMetrics(TimeProvider clock)
    {
        _clock = clock;
        _entries = _meter.CreateCounter<long>("runproof.log.entries", "{entry}", "Entries that entered logs");
        _quarantined = _meter.CreateCounter<long>("runproof.log.quarantined", "{entry}", "Entries that did not verify and were kept out: an alert");
        _batchSize = _meter.CreateHistogram<int>("runproof.log.batch.size", "{entry}", "Entries that shared one commit of a log");
        _commitDuration = _meter.CreateHistogram<double>("runproof.log.commit.duration", "s", "Time of one commit, from reading the head on");
        _overtaken = _meter.CreateCounter<long>("runproof.log.overtaken", "{commit}", "Commits that another sealer came before");
        _failures = _meter.CreateCounter<long>("runproof.log.failures", "{round}", "Rounds that ended in an error, by its kind");
        _meter.CreateObservableGauge("runproof.log.lag.entries", () => _lag.Queued, "{entry}", "Entries that await inclusion, over all tenants");
        _meter.CreateObservableGauge("runproof.log.lag.sealed", () => _lag.Sealed, "{entry}", "Sealed traces that await inclusion, over all tenants");
        _meter.CreateObservableGauge("runproof.log.lag.age", () => Age(_lag).TotalSeconds, "s", "How long the oldest entry has waited");
        _meter.CreateObservableGauge("runproof.log.quarantine.size", () => _lag.Quarantined, "{entry}", "Entries in quarantine");
    }

    /// <summary>The lag as it was measured last.</summary>
    public LogLag Lag
    {
        get => _lag;
        set => _lag = value;
    }

    /// <summary>How long the oldest entry of a lag has waited.</summary>
    /// <param name="lag">The lag.</param>
    /// <returns>The time; zero where nothing waits.</returns>
    public TimeSpan Age(LogLag lag)
    {
        ArgumentNullException.ThrowIfNull(lag);
        return lag.Oldest is { } oldest && _clock.GetUtcNow() is var now && now > oldest ? now - oldest : TimeSpan.Zero;
    }

    /// <summary>A round found that another sealer was first.</summary>
    public void Overtaken() => _overtaken.Add(1);

    /// <summary>A round failed.</summary>
    /// <param name="kind">A word: <c>store</c>, <c>halted</c>, <c>other</c>.</param>
    public void Failed(string kind) => _failures.Add(1, new KeyValuePair<string, object?>("kind", kind));

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    internal void Committed(int entries, int quarantined, TimeSpan duration)
    {
        _entries.Add(entries);
        _quarantined.Add(quarantined);
        _batchSize.Record(entries);
        _commitDuration.Record(duration.TotalSeconds);
    }
}
