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

    /// <summary>
    /// Many traces one after another, archived ones too, each with its steps: one round trip and a few queries for all of them, steps streamed. Finish with a
    /// trace before the next: what is not read of its steps is passed over. Nothing else may be read meanwhile.
    /// </summary>
    /// <param name="traces">The traces' ids, and whether their steps are read.</param>
    /// <param name="payloads">Whether texts and salts are read.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>One for each that was asked for, in that order.</returns>
    IAsyncEnumerable<RecordedEvidence> ReadEvidenceAsync(IReadOnlyList<(string Trace, bool Steps)> traces, bool payloads, CancellationToken cancellationToken);

    /// <summary>The side records of a run (src/SIDE-RECORDS.md), of all its traces and of ends without a trace.</summary>
    /// <param name="run">The run.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The rows as they are; null where the store keeps none.</returns>
    Task<RecordedSideRecords?> ReadSideRecordsAsync(RunId run, CancellationToken cancellationToken) => Task.FromResult<RecordedSideRecords?>(null);

    /// <summary>The approvals of a run, with their decisions (src/POLICIES.md).</summary>
    /// <param name="run">The run.</param>
    /// <param name="traces">Its traces: what says that it is of one of them is among the answer too, whatever run it says.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>By their ids, as they are; null where the store keeps none.</returns>
    Task<IReadOnlyList<RecordedApproval>?> ReadApprovalsAsync(RunId run, IReadOnlyList<string> traces, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<RecordedApproval>?>(null);
}

/// <summary>A trace with its steps, as they are read.</summary>
/// <param name="TraceId">The id that was asked for.</param>
/// <param name="Trace">The trace; null where there is none.</param>
/// <param name="Steps">Its steps in the order of their index; to be read once, before the next trace.</param>
public sealed record RecordedEvidence(string TraceId, RecordedTrace? Trace, IAsyncEnumerable<RecordedStep> Steps);
