using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>Reads evidence back as it is: no value is judged, corrected or left out.</summary>
public interface IEvidenceStore
{
    /// <summary>Opens one consistent view of a tenant's evidence. Dispose it: it holds a connection.</summary>
    /// <param name="tenant">The tenant; nothing of another tenant can be seen (row-level security).</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The view.</returns>
    Task<IEvidenceSnapshot> OpenAsync(TenantId tenant, CancellationToken cancellationToken);
}

/// <summary>One consistent view of a tenant's evidence.</summary>
public interface IEvidenceSnapshot : IAsyncDisposable
{
    /// <summary>The traces of a run, by the time they opened, then by id. Archived traces too.</summary>
    /// <param name="run">The run.</param>
    /// <param name="payloads">Whether texts and salts are read.</param>
    /// <param name="cancellationToken">Gives up.</param>
    Task<IReadOnlyList<RecordedTrace>> ReadTracesAsync(RunId run, bool payloads, CancellationToken cancellationToken);

    /// <summary>The steps of a trace in the order of their index, streamed.</summary>
    /// <param name="trace">The trace.</param>
    /// <param name="payloads">Whether texts and salts are read.</param>
    /// <param name="cancellationToken">Gives up.</param>
    IAsyncEnumerable<RecordedStep> ReadStepsAsync(string trace, bool payloads, CancellationToken cancellationToken);
}
