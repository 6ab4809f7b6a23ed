using System.Diagnostics.Metrics;

namespace RunProof.Ledger;

/// <summary>What the recorder measures, under the meter <c>RunProof.Ledger</c>.</summary>
internal sealed class RecorderMetrics : IDisposable
{
    private readonly Meter _meter = new("RunProof.Ledger");
    private readonly Histogram<int> _batchSize;
    private readonly Histogram<double> _commitDuration;
    private readonly Counter<long> _steps;
    private readonly Counter<long> _retries;

    internal RecorderMetrics(Func<int> queueDepth)
    {
        _batchSize = _meter.CreateHistogram<int>("runproof.ledger.batch.size", "{entry}", "Entries that shared one commit");
        _commitDuration = _meter.CreateHistogram<double>("runproof.ledger.commit.duration", "s", "Time of one batch in the store, its commit included");
        _steps = _meter.CreateCounter<long>("runproof.ledger.steps.appended", "{step}", "Steps recorded");
        _retries = _meter.CreateCounter<long>("runproof.ledger.commit.retries", "{retry}", "Batches tried again because the store could not be reached");
        _meter.CreateObservableGauge("runproof.ledger.queue.depth", queueDepth, "{entry}", "Writes that wait for a flusher");
    }

    internal void Committed(int entries, int steps, TimeSpan duration)
    {
        _batchSize.Record(entries);
        _commitDuration.Record(duration.TotalSeconds);
        _steps.Add(steps);
    }

    internal void Retried() => _retries.Add(1);

    public void Dispose() => _meter.Dispose();
}
