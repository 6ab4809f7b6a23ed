using RunProof.Format;
using RunProof.Ledger;
using RunProof.Tiles;

namespace RunProof.Benchmarks;

/// <summary>A log whose tiles are counted as they are read.</summary>
internal sealed class CountedTiles(ILogReader inner) : ILogReader
{
    internal int Tiles { get; private set; }

    public Task<IReadOnlyDictionary<TileAddress, ReadOnlyMemory<byte>>> ReadTilesAsync(TenantId tenant, IReadOnlyCollection<TileAddress> tiles, CancellationToken cancellationToken)
    {
        Tiles = tiles.Count;
        return inner.ReadTilesAsync(tenant, tiles, cancellationToken);
    }

    public Task<ServedLog?> FindAsync(TenantId tenant, CancellationToken cancellationToken) => inner.FindAsync(tenant, cancellationToken);

    public Task<IReadOnlyList<TenantId>> ListPublicAsync(CancellationToken cancellationToken) => inner.ListPublicAsync(cancellationToken);

    public Task<IReadOnlyList<TileLevel>> MeasureTilesAsync(TenantId tenant, CancellationToken cancellationToken) => inner.MeasureTilesAsync(tenant, cancellationToken);

    public IAsyncEnumerable<LoggedEntry> ReadEntriesAsync(TenantId tenant, long first, long count, CancellationToken cancellationToken) => inner.ReadEntriesAsync(tenant, first, count, cancellationToken);

    public Task<TraceInLog> FindTraceAsync(TenantId tenant, string trace, CancellationToken cancellationToken) => inner.FindTraceAsync(tenant, trace, cancellationToken);

    public Task<IReadOnlyList<LogKey>> ReadKeysAsync(TenantId tenant, CancellationToken cancellationToken) => inner.ReadKeysAsync(tenant, cancellationToken);

    public Task<IReadOnlyList<QuarantinedEntry>> ReadQuarantineAsync(TenantId tenant, int limit, CancellationToken cancellationToken) => inner.ReadQuarantineAsync(tenant, limit, cancellationToken);

    public Task<LogLag> ReadLagAsync(TenantId tenant, CancellationToken cancellationToken) => inner.ReadLagAsync(tenant, cancellationToken);
}
