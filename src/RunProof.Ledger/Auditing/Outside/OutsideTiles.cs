using System.Buffers;
using System.Globalization;
using RunProof.Format;
using RunProof.Tiles;

namespace RunProof.Ledger;

/// <summary>
/// Fetches tiles as a client of tlog-tiles must: a partial tile may be gone where the full one is there. And holds the served hash tiles against the hashes that the
/// entries give.
/// </summary>
internal sealed class OutsideTiles(ITiledLog log, long size, OutsideOptions options, AuditFindings findings)
{
    private const int SampleEvery = 16;

    private readonly SortedDictionary<int, Row> _rows = [];

    internal long Compared { get; private set; }

    /// <summary>Whether the hash tile beside a bundle is to be compared.</summary>
    internal bool IsWanted(long bundle) => options.HashTiles is TileChecks.All || (options.HashTiles is TileChecks.Sample && (bundle % SampleEvery == 0 || bundle == (size - 1) / TileAddress.FullWidth));

    /// <summary>The address of the hash tile at a place, as wide as the log makes it.</summary>
    internal TileAddress HashesAt(int level, long index) =>
        new(TileKind.Hashes, level, index, (int)Math.Min(TileAddress.FullWidth, TileAddress.HashesAt(size, level) - (index * TileAddress.FullWidth)));

    internal TileAddress BundleAt(long index) => HashesAt(0, index) with { Kind = TileKind.Entries };

    internal async Task<(ReadOnlyMemory<byte>[]? Entries, string? Problem)> ReadBundleAsync(TileAddress address, CancellationToken cancellationToken)
    {
        var (bytes, width, problem) = await ReadAsync(address, cancellationToken).ConfigureAwait(false);
        if (problem is not null)
            return (null, problem);
        return EntryBundle.TryParse(bytes, width, out var entries)
            ? (entries[..address.Width], null)
            : (null, string.Create(CultureInfo.InvariantCulture, $"is no bundle: {bytes.Length} bytes are not {width} entries with their lengths, and nothing else"));
    }

    internal async Task<(Digest[]? Hashes, string? Problem)> ReadHashesAsync(TileAddress address, CancellationToken cancellationToken)
    {
        var (bytes, width, problem) = await ReadAsync(address, cancellationToken).ConfigureAwait(false);
        if (problem is not null)
            return (null, problem);
        return HashTile.TryParse(bytes.Span, width, out var hashes)
            ? (hashes[..address.Width], null)
            : (null, string.Create(CultureInfo.InvariantCulture, $"is no tile: {bytes.Length} bytes are not {width} hashes"));
    }

    /// <summary>The hash of a part of the log's tree, from served tiles.</summary>
    /// <returns>The hash; null with the reason where a tile that it takes is not to be had.</returns>
    internal async Task<(Digest? Hash, string? Problem)> HashOfAsync(TreeRange range, CancellationToken cancellationToken)
    {
        var hashes = new Dictionary<TreeNode, Digest>();
        foreach (var node in range.Nodes())
        {
            var address = HashTile.Holding(node, size);
            var (tile, problem) = await ReadHashesAsync(address, cancellationToken).ConfigureAwait(false);
            if (tile is null)
                return (null, $"{address.Path} {problem}");
            hashes[node] = HashTile.NodeHash(node, tile);
        }

        return (range.Hash(node => hashes[node]), null);
    }

    /// <summary>A complete subtree that the entries gave.</summary>
    /// <param name="level">Its level; only rows of tiles are kept.</param>
    /// <param name="last">Its last leaf.</param>
    /// <param name="hash">Its hash.</param>
    internal void Give(int level, long last, Digest hash)
    {
        // The lowest row is compared bundle by bundle.
        if (level == 0 || level % TileAddress.Height != 0 || options.HashTiles is TileChecks.None)
            return;
        var index = last >> level;
        if (!_rows.TryGetValue(level / TileAddress.Height, out var row))
            _rows.Add(level / TileAddress.Height, row = new Row(index));
        row.Hashes.Add(hash);
    }

    /// <summary>Compares what was given since, where a tile is full or everything is to be compared.</summary>
    internal async Task CompareAsync(bool all, CancellationToken cancellationToken)
    {
        foreach (var (level, row) in _rows)
        {
            while (row.Hashes.Count > 0 && (all || (row.First % TileAddress.FullWidth) + row.Hashes.Count >= TileAddress.FullWidth))
            {
                var (index, offset) = Math.DivRem(row.First, TileAddress.FullWidth);
                var count = (int)Math.Min(row.Hashes.Count, TileAddress.FullWidth - offset);
                await CompareAsync(HashesAt(level, index), (int)offset, row.Hashes[..count], cancellationToken).ConfigureAwait(false);
                row.Hashes.RemoveRange(0, count);
                row.First += count;
            }
        }
    }

    /// <summary>Compares a part of a tile that was fetched.</summary>
    internal void Compare(TileAddress address, int offset, IReadOnlyList<Digest> given, Digest[]? served, string? problem)
    {
        Compared++;
        if (served is null)
            Find(address, problem!);
        else if (!served.AsSpan(offset, given.Count).SequenceEqual([.. given]))
            Find(address, "is not what the entries give");
    }

    internal void Find(TileAddress address, string said) =>
        findings.Add(new AuditFinding("LOG_TILE_MISMATCH", address.Kind is TileKind.Entries || address.Level == 0 ? address.Index * TileAddress.FullWidth : null, null, address.Path, address.Path + ": " + said));

    private async Task CompareAsync(TileAddress address, int offset, List<Digest> given, CancellationToken cancellationToken)
    {
        var (served, problem) = await ReadHashesAsync(address, cancellationToken).ConfigureAwait(false);
        Compare(address, offset, given, served, problem);
    }

    private async Task<(ReadOnlyMemory<byte> Bytes, int Width, string? Problem)> ReadAsync(TileAddress address, CancellationToken cancellationToken)
    {
        var answer = await log.ReadTileAsync(address, cancellationToken).ConfigureAwait(false);
        if (answer.Problem is null || !address.IsPartial)
            return (answer.Bytes, address.Width, answer.Problem);
        var full = await log.ReadTileAsync(address with { Width = TileAddress.FullWidth }, cancellationToken).ConfigureAwait(false);
        return full.Problem is null ? (full.Bytes, TileAddress.FullWidth, null) : (default, address.Width, answer.Problem);
    }

    private sealed class Row(long first)
    {
        internal long First { get; set; } = first;

        internal List<Digest> Hashes { get; } = [];
    }
}
