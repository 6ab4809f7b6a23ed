using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution.Tests;

/// <summary>A log that takes openings in when a test says so.</summary>
internal sealed class FakeLogOpenings : ILogOpeningStore
{
    private volatile Func<TraceId, (string? Proof, string? Refused, string? Fault)?> _says = static _ => null;
    private int _asked;

    /// <summary>How often it was asked, for however many.</summary>
    public int Asked => Volatile.Read(ref _asked);

    /// <summary>The most openings that it was asked for at once.</summary>
    public int Most { get; private set; }

    public bool IsAway { get; set; }

    public void TakeIn() => _says = static trace => ("proof of " + trace.Value, null, null);

    public void Refuse(string why) => _says = _ => (null, why, null);

    public void Break(string fault) => _says = _ => (null, null, fault);

    public Task<IReadOnlyList<LogOpening>> FindAsync(IReadOnlyCollection<(TenantId Tenant, TraceId Trace)> traces, CancellationToken cancellationToken)
    {
        Most = Math.Max(Most, traces.Count);
        Interlocked.Increment(ref _asked);
        if (IsAway)
            throw new LogStoreException(isTransient: true, "gone");
        var says = _says;
        return Task.FromResult<IReadOnlyList<LogOpening>>(
            [.. traces.Where(one => says(one.Trace) is not null).Select(one => new LogOpening(one.Tenant, one.Trace, says(one.Trace)!.Value.Proof, says(one.Trace)!.Value.Refused) { Fault = says(one.Trace)!.Value.Fault })]);
    }
}
