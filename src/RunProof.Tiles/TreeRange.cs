using System.Numerics;
using RunProof.Format;

namespace RunProof.Tiles;

/// <summary>A complete subtree: the leaves from <c>Index · 2^Level</c> on, <c>2^Level</c> of them.</summary>
/// <param name="Level">0 for a leaf.</param>
/// <param name="Index">Its place among the nodes of its level, from 0.</param>
public readonly record struct TreeNode(int Level, long Index);

/// <summary>
/// Consecutive leaves whose hash is part of a proof. The proofs' shapes are told here without any hash, so that whoever keeps the hashes can fetch all that
/// a proof needs at once.
/// </summary>
/// <param name="Start">The first leaf; a multiple of the smallest power of two that is not below the number of leaves.</param>
/// <param name="End">The leaf after the last.</param>
public readonly record struct TreeRange(long Start, long End)
{
    /// <summary>The ranges whose hashes are the inclusion path of a leaf (RFC 6962 section 2.1.1), the leaf's sibling first.</summary>
    /// <param name="index">The leaf.</param>
    /// <param name="size">Leaves of the tree.</param>
    /// <exception cref="ArgumentOutOfRangeException">The leaf is not in the tree.</exception>
    /// <returns>The ranges; at most 63.</returns>
    public static IReadOnlyList<TreeRange> OfInclusion(long index, long size)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, size);
        var ranges = new List<TreeRange>();
        var tree = new TreeRange(0, size);
        while (tree.End - tree.Start > 1)
        {
            var (left, right) = tree.Halves();
            (tree, var other) = index < left.End ? (left, right) : (right, left);
            ranges.Add(other);
        }

        ranges.Reverse();
        return ranges;
    }

    /// <summary>The ranges whose hashes prove that a tree began as a smaller one (RFC 6962 section 2.1.2).</summary>
    /// <param name="oldSize">Leaves of the smaller tree.</param>
    /// <param name="newSize">Leaves of the tree.</param>
    /// <exception cref="ArgumentOutOfRangeException">A size is negative, or the smaller is the larger.</exception>
    /// <returns>The ranges; none where the sizes are equal or the smaller is 0.</returns>
    public static IReadOnlyList<TreeRange> OfConsistency(long oldSize, long newSize)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(oldSize);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(oldSize, newSize);
        if (oldSize == 0 || oldSize == newSize)
            return [];
        var ranges = new List<TreeRange>();
        var tree = new TreeRange(0, newSize);
        while (tree.End != oldSize)
        {
            var (left, right) = tree.Halves();
            (tree, var other) = oldSize <= left.End ? (left, right) : (right, left);
            ranges.Add(other);
        }

        // The older tree itself is no part of its proof; any other subtree that ends it is.
        if (tree.Start != 0)
            ranges.Add(tree);
        ranges.Reverse();
        return ranges;
    }

    /// <summary>The complete subtrees that make up the range, the largest first.</summary>
    /// <returns>The nodes; at most one of each level.</returns>
    public IReadOnlyList<TreeNode> Nodes()
    {
        var nodes = new List<TreeNode>();
        for (var at = Start; at < End;)
        {
            var level = BitOperations.Log2((ulong)(End - at));
            nodes.Add(new TreeNode(level, at >> level));
            at += 1L << level;
        }

        return nodes;
    }

    /// <summary>The hash of the range.</summary>
    /// <param name="hashOf">The hashes of complete subtrees.</param>
    /// <returns>The Merkle tree hash of the range's leaves.</returns>
    public Digest Hash(Func<TreeNode, Digest> hashOf)
    {
        ArgumentNullException.ThrowIfNull(hashOf);
        var nodes = Nodes();
        if (nodes.Count == 0)
            return MerkleTree.EmptyRoot;
        var hash = hashOf(nodes[^1]);
        for (var i = nodes.Count - 2; i >= 0; i--)
            hash = MerkleTree.NodeHash(hashOf(nodes[i]), hash);
        return hash;
    }

    /// <summary>Split at the largest power of two below the number of leaves (RFC 6962 section 2.1).</summary>
    private (TreeRange Left, TreeRange Right) Halves()
    {
        var middle = Start + (long)(BitOperations.RoundUpToPowerOf2((ulong)(End - Start)) >> 1);
        return (new TreeRange(Start, middle), new TreeRange(middle, End));
    }
}
