using System.Buffers;
using RunProof.Format;
using RunProof.Tiles;

namespace RunProof.Ledger;

/// <summary>The tree of a log while it grows: its right edge, and the hashes that its tiles get by what is appended.</summary>
internal sealed class LogTree
{
    private readonly MerkleTree _tree;
    private readonly SortedDictionary<(int Level, long Index), (int Width, ArrayBufferWriter<byte> Bytes)> _tiles = [];

    internal LogTree(long size, IReadOnlyList<Digest> edge) => _tree = new MerkleTree(size, edge);

    internal long Size => _tree.Size;

    internal IReadOnlyList<Digest> Edge => [.. _tree.Edge];

    internal Digest Root() => _tree.Root();

    /// <summary>Appends an entry's bytes.</summary>
    internal void Append(ReadOnlySpan<byte> entry)
    {
        var last = _tree.Size;
        _tree.AppendLeafHash(MerkleTree.LeafHash(entry), (level, hash) =>
        {
            // Levels between two rows of tiles are recomputed by whoever needs them.
            if (level % TileAddress.Height == 0)
                Add(level / TileAddress.Height, last >> level, hash);
        });
    }

    /// <summary>What the tiles got since the tree was taken up, or since this was asked last.</summary>
    internal IReadOnlyList<TileGrowth> TakeTiles()
    {
        TileGrowth[] grown = [.. _tiles.Select(tile => new TileGrowth(tile.Key.Level, tile.Key.Index, tile.Value.Width, tile.Value.Bytes.WrittenMemory))];
        _tiles.Clear();
        return grown;
    }

    private void Add(int level, long position, Digest hash)
    {
        var key = (level, position / TileAddress.FullWidth);
        if (!_tiles.TryGetValue(key, out var tile))
            _tiles.Add(key, tile = ((int)(position % TileAddress.FullWidth), new ArrayBufferWriter<byte>()));
        tile.Bytes.Write(hash.Span);
    }
}
