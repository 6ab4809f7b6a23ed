using System.Numerics;

namespace RunProof.Format;

/// <summary>
/// Checks proofs about a Merkle tree (RFC 6962 section 2.1, in the form of RFC 9162 section 2.1): from hashes and sizes alone, whoever made them.
/// </summary>
/// <remarks>Sizes are unsigned: hostile ones near 2^64 are compared, never computed with. Time grows with the length of the path, which is at most 65.</remarks>
public static class MerkleProofs
{
    /// <summary>Whether a leaf stands at an index of a tree.</summary>
    /// <param name="index">The leaf's index, from 0.</param>
    /// <param name="size">Leaves of the tree.</param>
    /// <param name="leaf">The leaf's hash.</param>
    /// <param name="path">The siblings, the leaf's own first.</param>
    /// <param name="root">The tree's root.</param>
    /// <returns>Whether the path leads from the leaf to the root, and has no hash too few or too many.</returns>
    public static bool VerifyInclusion(ulong index, ulong size, Digest leaf, ReadOnlySpan<Digest> path, Digest root)
    {
        if (index >= size)
            return false;
        var (node, last) = (index, size - 1);
        var hash = leaf;
        foreach (var sibling in path)
        {
            if (last == 0)
                return false;
            if (IsRightChild(node, last))
            {
                hash = MerkleTree.NodeHash(sibling, hash);
                (node, last) = ToOddOrRoot(node, last);
            }
            else
            {
                hash = MerkleTree.NodeHash(hash, sibling);
            }

            (node, last) = (node >> 1, last >> 1);
        }

        return last == 0 && hash == root;
    }

    /// <summary>Whether a tree began as another, older one: nothing in that was changed or removed.</summary>
    /// <param name="oldSize">Leaves of the older tree.</param>
    /// <param name="newSize">Leaves of the newer tree.</param>
    /// <param name="path">The proof; empty where the sizes are equal, and from size 0 (as tlog-witness has it).</param>
    /// <param name="oldRoot">The older root; of an empty tree H("").</param>
    /// <param name="newRoot">The newer root.</param>
    /// <returns>Whether both roots follow from the path, and it has no hash too few or too many.</returns>
    public static bool VerifyConsistency(ulong oldSize, ulong newSize, ReadOnlySpan<Digest> path, Digest oldRoot, Digest newRoot)
    {
        if (oldSize > newSize)
            return false;
        if (oldSize == newSize)
            return path.IsEmpty && oldRoot == newRoot && (oldSize != 0 || oldRoot == MerkleTree.EmptyRoot);
        if (oldSize == 0)
            return path.IsEmpty && oldRoot == MerkleTree.EmptyRoot;
        // A complete older tree is itself the first node, and left out of the path.
        var isComplete = BitOperations.IsPow2(oldSize);
        if (path.IsEmpty)
            return false;
        var (node, last) = (oldSize - 1, newSize - 1);
        while ((node & 1) == 1)
            (node, last) = (node >> 1, last >> 1);
        return Climb(node, last, isComplete ? oldRoot : path[0], isComplete ? path : path[1..], out var older, out var newer) && older == oldRoot && newer == newRoot;
    }

    /// <summary>The root that a newer tree commits to at an older size, by a proof that leads to the newer root: evidence of a fork where it is not the older root.</summary>
    /// <param name="oldSize">Leaves of the older tree; no power of two, whose root a proof leaves out.</param>
    /// <param name="newSize">Leaves of the newer tree.</param>
    /// <param name="path">The proof.</param>
    /// <param name="newRoot">The newer root.</param>
    /// <param name="oldRoot">The root at the older size.</param>
    /// <returns>Whether the proof leads to the newer root.</returns>
    public static bool TryRootAt(ulong oldSize, ulong newSize, ReadOnlySpan<Digest> path, Digest newRoot, out Digest oldRoot)
    {
        oldRoot = default;
        if (oldSize == 0 || oldSize >= newSize || BitOperations.IsPow2(oldSize) || path.IsEmpty)
            return false;
        var (node, last) = (oldSize - 1, newSize - 1);
        while ((node & 1) == 1)
            (node, last) = (node >> 1, last >> 1);
        return Climb(node, last, path[0], path[1..], out oldRoot, out var newer) && newer == newRoot;
    }

    private static bool Climb(ulong node, ulong last, Digest first, ReadOnlySpan<Digest> path, out Digest older, out Digest newer)
    {
        (older, newer) = (first, first);
        foreach (var sibling in path)
        {
            if (last == 0)
                return false;
            if (IsRightChild(node, last))
            {
                (older, newer) = (MerkleTree.NodeHash(sibling, older), MerkleTree.NodeHash(sibling, newer));
                (node, last) = ToOddOrRoot(node, last);
            }
            else
            {
                newer = MerkleTree.NodeHash(newer, sibling);
            }

            (node, last) = (node >> 1, last >> 1);
        }

        return last == 0;
    }

    /// <summary>The last node of a level has no right sibling; its path goes on where it becomes one.</summary>
    private static bool IsRightChild(ulong node, ulong last) => (node & 1) == 1 || node == last;

    private static (ulong Node, ulong Last) ToOddOrRoot(ulong node, ulong last)
    {
        while ((node & 1) == 0 && node != 0)
            (node, last) = (node >> 1, last >> 1);
        return (node, last);
    }
}
