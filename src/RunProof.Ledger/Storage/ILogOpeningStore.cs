using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>What a log says of a trace's opening.</summary>
/// <param name="Tenant">The tenant.</param>
/// <param name="Trace">The trace.</param>
/// <param name="Proof">That the opening is in the tree of the published checkpoint: a C2SP tlog-proof, in its text. Null where the log did not let the opening in.</param>
/// <param name="Refused">Why it did not; null where it did.</param>
public sealed record LogOpening(TenantId Tenant, TraceId Trace, string? Proof, string? Refused)
{
    /// <summary>Why neither is known, though the opening entered: the log does not hold together. Null else.</summary>
    public string? Fault { get; init; }
}

/// <summary>Tells whoever executes runs whether the openings of their traces are in the tenants' logs. It reads no evidence.</summary>
public interface ILogOpeningStore
{
    /// <summary>Looks for openings: one question for all of them, and one more for the hashes of each tenant of which any is there.</summary>
    /// <param name="traces">The traces.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="LogStoreException">The logs cannot be read.</exception>
    /// <returns>Those that the published checkpoint covers, or that were refused, or of which only a fault is known; the others wait.</returns>
    Task<IReadOnlyList<LogOpening>> FindAsync(IReadOnlyCollection<(TenantId Tenant, TraceId Trace)> traces, CancellationToken cancellationToken);
}
