using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>
/// Reads a tenant's whole log together with the evidence that its entries are of, in bulk: what an audit of the database streams. Nothing is judged, corrected or
/// left out. Every method may throw <see cref="LogStoreException"/>, and may then be called again; any number may be under way at once, each on a connection of its own.
/// </summary>
public interface IAuditSource
{
    /// <summary>Streams a range of a log by position, each entry followed by its trace, which its steps follow in the order of their index.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="range">What is read.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The rows, to be disposed.</returns>
    Task<AuditRows> ReadAsync(TenantId tenant, AuditRange range, CancellationToken cancellationToken);

    /// <summary>Streams what no entry leads to, all of it by one consistent view.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>What was found, in no order.</returns>
    IAsyncEnumerable<Stray> FindStraysAsync(TenantId tenant, CancellationToken cancellationToken);
}

/// <summary>What is read of a log at once.</summary>
/// <param name="First">The first position.</param>
/// <param name="End">The position after the last.</param>
/// <param name="Size">Entries of the log that is audited: a seal at or beyond it is not yet part of it.</param>
/// <param name="Payloads">Whether texts and salts are read.</param>
public sealed record AuditRange(long First, long End, long Size, bool Payloads);

/// <summary>What kind of evidence no entry leads to.</summary>
public enum StrayKind
{
    /// <summary>A trace that is not opened in the log, and neither queued nor in quarantine.</summary>
    Trace,

    /// <summary>Steps without a trace.</summary>
    Steps,

    /// <summary>A run whose record says that it ended with evidence, and that has no trace.</summary>
    Run,

    /// <summary>An entry in quarantine: <see cref="Stray.Detail"/> says why.</summary>
    Quarantined,
}

/// <summary>Evidence that no entry leads to.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="TraceId">The trace; null for a run.</param>
/// <param name="RunId">The run; null where it is not known.</param>
/// <param name="Detail">What there is to say: a run's or trace's status, why it is in quarantine.</param>
public sealed record Stray(StrayKind Kind, string? TraceId, string? RunId, string Detail);

/// <summary>What <see cref="AuditRows.NextAsync"/> came to.</summary>
public enum AuditRow
{
    /// <summary>Nothing: it is all read.</summary>
    End,

    /// <summary>The next entry: <see cref="AuditRows.Entry"/>.</summary>
    Entry,

    /// <summary>The entry's trace: <see cref="AuditRows.Trace"/>. Twice where it is stored twice.</summary>
    Trace,

    /// <summary>The trace's next step: <see cref="AuditRows.Step"/>.</summary>
    Step,
}

/// <summary>
/// Rows of a range, read forward. A trace follows its entry where that seals it, or opens it and no seal in the audited log does: each trace is read once. The
/// row objects are used again: what they show is gone with the next call.
/// </summary>
public abstract class AuditRows : IAsyncDisposable
{
    /// <summary>The last entry that was read.</summary>
    public EntryRow Entry { get; } = new();

    /// <summary>The last trace that was read.</summary>
    public TraceRow Trace { get; } = new();

    /// <summary>The last step that was read.</summary>
    public StepRow Step { get; } = new();

    /// <summary>Reads on.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="LogStoreException">The store failed.</exception>
    /// <returns>What was read.</returns>
    public abstract ValueTask<AuditRow> NextAsync(CancellationToken cancellationToken);

    /// <inheritdoc/>
    public abstract ValueTask DisposeAsync();
}
