using RunProof.Format;

namespace RunProof.Tiles;

/// <summary>The bytes of a hash tile (C2SP tlog-tiles): up to 256 hashes of complete subtrees, one after another.</summary>
public static class HashTile
{
    /// <summary>The hashes of a tile's bytes.</summary>
    /// <param name="bytes">The tile.</param>
    /// <param name="width">How many it must hold.</param>
    /// <param name="hashes">The hashes, where the length is right.</param>
    /// <returns>Whether it is.</returns>
    public static bool TryParse(ReadOnlySpan<byte> bytes, int width, out Digest[] hashes)
    {
        hashes = [];
        if (width is < 1 or > TileAddress.FullWidth || bytes.Length != width * Digest.Length)
            return false;
        hashes = new Digest[width];
        for (var i = 0; i < width; i++)
            hashes[i] = new Digest(bytes.Slice(i * Digest.Length, Digest.Length));
        return true;
    }

    /// <summary>A tile's bytes.</summary>
    /// <param name="hashes">1 to 256 hashes.</param>
    /// <returns>The bytes.</returns>
    public static byte[] Format(ReadOnlySpan<Digest> hashes)
    {
        var bytes = new byte[hashes.Length * Digest.Length];
        for (var i = 0; i < hashes.Length; i++)
            hashes[i].Span.CopyTo(bytes.AsSpan(i * Digest.Length));
        return bytes;
    }

    /// <summary>The tile that holds what a node's hash follows from.</summary>
    /// <param name="node">A complete subtree.</param>
    /// <param name="size">Leaves of the tree, which tell how wide the tile is.</param>
    /// <returns>Its address.</returns>
    public static TileAddress Holding(TreeNode node, long size)
    {
        var level = node.Level / TileAddress.Height;
        var index = (node.Index << (node.Level % TileAddress.Height)) / TileAddress.FullWidth;
        var width = Math.Min(TileAddress.FullWidth, TileAddress.HashesAt(size, level) - (index * TileAddress.FullWidth));
        return new TileAddress(TileKind.Hashes, level, index, (int)width);
    }

    /// <summary>The hash of a node, from the tile that holds it: levels between two rows of tiles are recomputed.</summary>
    /// <param name="node">A complete subtree.</param>
    /// <param name="tile">The hashes of the tile at <see cref="Holding"/>.</param>
    /// <exception cref="ArgumentException">The tile is too narrow to hold the node.</exception>
    /// <returns>Its hash.</returns>
    public static Digest NodeHash(TreeNode node, ReadOnlySpan<Digest> tile)
    {
        var within = node.Level % TileAddress.Height;
        var first = (int)((node.Index << within) % TileAddress.FullWidth);
        if (first + (1 << within) > tile.Length)
            throw new ArgumentException($"a tile of {tile.Length} hashes does not hold the node {node}", nameof(tile));
        return Fold(tile.Slice(first, 1 << within));
    }

    private static Digest Fold(ReadOnlySpan<Digest> hashes) =>
        hashes.Length == 1 ? hashes[0] : MerkleTree.NodeHash(Fold(hashes[..(hashes.Length / 2)]), Fold(hashes[(hashes.Length / 2)..]));
}
