using System.Globalization;
using RunProof.Format;
using RunProof.Tiles;

namespace RunProof.Ledger;

/// <summary>Proofs about a log, made from its tiles: one query fetches all that a proof needs, whatever the log's size.</summary>
public static class TileProofs
{
    /// <summary>The inclusion path of an entry.</summary>
    /// <param name="reader">The log.</param>
    /// <param name="tenant">The tenant.</param>
    /// <param name="index">The entry.</param>
    /// <param name="size">Leaves of the tree; the log has at least so many.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentOutOfRangeException">The entry is not in the tree.</exception>
    /// <exception cref="LogStoreException">The log cannot be read, or a tile is missing that it must have.</exception>
    /// <returns>The path, the leaf's sibling first. That it leads to a signed root is for its reader to verify.</returns>
    public static Task<IReadOnlyList<Digest>> InclusionAsync(ILogReader reader, TenantId tenant, long index, long size, CancellationToken cancellationToken) =>
        HashAsync(reader, tenant, TreeRange.OfInclusion(index, size), size, cancellationToken);

    /// <summary>The inclusion paths of entries of one tree, with one query for all of them.</summary>
    /// <param name="reader">The log.</param>
    /// <param name="tenant">The tenant.</param>
    /// <param name="indices">The entries.</param>
    /// <param name="size">Leaves of the tree; the log has at least so many.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentOutOfRangeException">An entry is not in the tree.</exception>
    /// <exception cref="LogStoreException">The log cannot be read, or a tile is missing that it must have.</exception>
    /// <returns>The paths, in the order of the entries.</returns>
    public static async Task<IReadOnlyList<IReadOnlyList<Digest>>> InclusionsAsync(ILogReader reader, TenantId tenant, IReadOnlyList<long> indices, long size, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(indices);
        var paths = indices.Select(index => TreeRange.OfInclusion(index, size)).ToList();
        var hashes = await HashAsync(reader, tenant, [.. paths.SelectMany(static path => path)], size, cancellationToken).ConfigureAwait(false);
        var at = 0;
        return [.. paths.Select(path => hashes.Skip((at += path.Count) - path.Count).Take(path.Count).ToArray())];
    }

    /// <summary>The proof that a tree began as a smaller one.</summary>
    /// <param name="reader">The log.</param>
    /// <param name="tenant">The tenant.</param>
    /// <param name="oldSize">Leaves of the smaller tree.</param>
    /// <param name="newSize">Leaves of the tree; the log has at least so many.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is negative, or the smaller is the larger.</exception>
    /// <exception cref="LogStoreException">The log cannot be read, or a tile is missing that it must have.</exception>
    /// <returns>The proof; empty where the sizes are equal or the smaller is 0.</returns>
    public static Task<IReadOnlyList<Digest>> ConsistencyAsync(ILogReader reader, TenantId tenant, long oldSize, long newSize, CancellationToken cancellationToken) =>
        HashAsync(reader, tenant, TreeRange.OfConsistency(oldSize, newSize), newSize, cancellationToken);

    private static async Task<IReadOnlyList<Digest>> HashAsync(ILogReader reader, TenantId tenant, IReadOnlyList<TreeRange> ranges, long size, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(reader);
        var nodes = ranges.SelectMany(static range => range.Nodes()).Distinct().ToDictionary(static node => node, node => HashTile.Holding(node, size));
        var stored = await reader.ReadTilesAsync(tenant, [.. nodes.Values.Distinct()], cancellationToken).ConfigureAwait(false);
        var tiles = nodes.Values.Distinct().ToDictionary(static tile => tile, tile => Parse(tile, stored));
        return [.. ranges.Select(range => range.Hash(node => HashTile.NodeHash(node, tiles[nodes[node]])))];
    }

    private static Digest[] Parse(TileAddress tile, IReadOnlyDictionary<TileAddress, ReadOnlyMemory<byte>> stored) =>
        stored.TryGetValue(tile, out var bytes) && HashTile.TryParse(bytes.Span, tile.Width, out var hashes)
            ? hashes
            : throw new LogStoreException(isTransient: false, string.Create(CultureInfo.InvariantCulture, $"the log has no {tile.Path}, or it is too narrow: run runproof log fsck"));
}
