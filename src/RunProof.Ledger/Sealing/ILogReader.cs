using RunProof.Format;
using RunProof.Tiles;

namespace RunProof.Ledger;

/// <summary>Reads tenants' logs to serve, prove and audit them. Nothing is judged: what is read may have been tampered with, and its reader checks it.</summary>
/// <remarks>
/// Each call is one transaction and one round trip unless it says otherwise; a tenant sees nothing of another. Every method may throw
/// <see cref="LogStoreException"/>, and may then be called again.
/// </remarks>
public interface ILogReader
{
    /// <summary>The log of a tenant as it is served.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The log; null where it has not begun.</returns>
    Task<ServedLog?> FindAsync(TenantId tenant, CancellationToken cancellationToken);

    /// <summary>The logs that anybody may read.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Their tenants, by name.</returns>
    Task<IReadOnlyList<TenantId>> ListPublicAsync(CancellationToken cancellationToken);

    /// <summary>Hash tiles, all in one query.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="tiles">Addresses of hash tiles: a partial one is the beginning of what is there.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The bytes of each tile that is there at that width; the others are missing.</returns>
    Task<IReadOnlyDictionary<TileAddress, ReadOnlyMemory<byte>>> ReadTilesAsync(TenantId tenant, IReadOnlyCollection<TileAddress> tiles, CancellationToken cancellationToken);

    /// <summary>Counts the tiles that are there.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The levels that have any, from 0.</returns>
    Task<IReadOnlyList<TileLevel>> MeasureTilesAsync(TenantId tenant, CancellationToken cancellationToken);

    /// <summary>Entries from a position on, streamed in the order of their positions. Holds a connection until it is disposed.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="first">The first position.</param>
    /// <param name="count">At most so many.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The entries that are there.</returns>
    IAsyncEnumerable<LoggedEntry> ReadEntriesAsync(TenantId tenant, long first, long count, CancellationToken cancellationToken);

    /// <summary>Where a trace stands: its entries in the log, what of it still awaits inclusion, and what was not let in.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="trace">The trace's id.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>All that the log knows of the trace; empty lists where that is nothing.</returns>
    Task<TraceInLog> FindTraceAsync(TenantId tenant, string trace, CancellationToken cancellationToken);

    /// <summary>The log's keys, as they came into use.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The keys; none where the log has not begun.</returns>
    Task<IReadOnlyList<LogKey>> ReadKeysAsync(TenantId tenant, CancellationToken cancellationToken);

    /// <summary>What was not let in, by trace.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="limit">At most so many.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The entries in quarantine.</returns>
    Task<IReadOnlyList<QuarantinedEntry>> ReadQuarantineAsync(TenantId tenant, int limit, CancellationToken cancellationToken);

    /// <summary>How far the tenant's log is behind.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The lag.</returns>
    Task<LogLag> ReadLagAsync(TenantId tenant, CancellationToken cancellationToken);
}

/// <summary>A log as it is served.</summary>
/// <param name="Tenant">The tenant.</param>
/// <param name="Origin">Its origin.</param>
/// <param name="Size">Entries that were committed; the published checkpoint may be of fewer, while witnesses are awaited.</param>
/// <param name="Checkpoint">The last committed checkpoint.</param>
/// <param name="Published">The checkpoint to serve; null until the first was published. Proofs lead to this one.</param>
/// <param name="IsPublic">Whether anybody may read the log.</param>
/// <param name="UpdatedAt">When the head last changed.</param>
public sealed record ServedLog(TenantId Tenant, string Origin, long Size, string Checkpoint, string? Published, bool IsPublic, DateTimeOffset UpdatedAt);

/// <summary>Where a trace stands.</summary>
/// <param name="Entries">Its entries in the log, by position.</param>
/// <param name="Queued">What awaits inclusion.</param>
/// <param name="Quarantined">What was not let in, and why.</param>
public sealed record TraceInLog(IReadOnlyList<LoggedEntry> Entries, IReadOnlyList<QueuedEntry> Queued, IReadOnlyList<QuarantinedEntry> Quarantined);
