using RunProof.Format;

namespace RunProof.Verification;

/// <summary>
/// Inclusion proofs of a trace's links in its steps_root (RFC 6962 section 2.1.1). Keeps the hashes of all complete subtrees: 64 bytes a step.
/// </summary>
public sealed class StepProofs
{
    private readonly List<List<Digest>> _levels = [[]];

    internal StepProofs()
    {
    }

    /// <summary>Steps so far.</summary>
    public int Count => _levels[0].Count;

    /// <summary>The leaf of a step: H(0x00 ‖ link[step + 1]).</summary>
    /// <param name="step">The step's index.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such step.</exception>
    public Digest LeafOf(int step) => _levels[0][step];

    /// <summary>The hashes that lead from a step's leaf to the root, from the bottom up.</summary>
    /// <param name="step">The step's index.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such step.</exception>
    public IReadOnlyList<Digest> PathOf(int step)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(step);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(step, Count);
        var path = new List<Digest>();
        AddPath(path, step, 0, Count);
        return path;
    }

    /// <summary>The root that a leaf and its path lead to (RFC 9162 section 2.1.3.2): no tree is needed, so it is an independent way to the root.</summary>
    /// <param name="leaf">The leaf's hash.</param>
    /// <param name="index">Its place from 0.</param>
    /// <param name="size">Leaves of the tree.</param>
    /// <param name="path">The path from the bottom up.</param>
    /// <returns>The root; null where the path has not the length that index and size ask for.</returns>
    public static Digest? RootFrom(Digest leaf, int index, int size, IReadOnlyList<Digest> path)
    {
        if (index < 0 || index >= size)
            return null;
        var (at, last, hash) = (index, size - 1, leaf);
        foreach (var sibling in path)
        {
            if (last == 0)
                return null;
            if (at % 2 == 1 || at == last)
            {
                hash = MerkleTree.NodeHash(sibling, hash);
                while (at % 2 == 0 && at != 0)
                    (at, last) = (at >> 1, last >> 1);
            }
            else
            {
                hash = MerkleTree.NodeHash(hash, sibling);
            }

            (at, last) = (at >> 1, last >> 1);
        }

        return last == 0 ? hash : null;
    }

    internal void Append(Digest link)
    {
        _levels[0].Add(MerkleTree.LeafHash(link.Span));
        for (var level = 0; _levels[level].Count % 2 == 0; level++)
        {
            if (_levels.Count == level + 1)
                _levels.Add([]);
            var below = _levels[level];
            _levels[level + 1].Add(MerkleTree.NodeHash(below[^2], below[^1]));
        }
    }

    private void AddPath(List<Digest> path, int step, int from, int to)
    {
        if (to - from == 1)
            return;
        var split = from + LargestPowerBelow(to - from);
        AddPath(path, step, step < split ? from : split, step < split ? split : to);
        path.Add(step < split ? RootOf(split, to) : RootOf(from, split));
    }

    /// <summary>The root of the leaves of a range that the tree's shape has: complete subtrees are kept, others are put together.</summary>
    private Digest RootOf(int from, int to)
    {
        var count = to - from;
        if (System.Numerics.BitOperations.IsPow2(count))
            return _levels[System.Numerics.BitOperations.Log2((uint)count)][from / count];
        var split = from + LargestPowerBelow(count);
        return MerkleTree.NodeHash(RootOf(from, split), RootOf(split, to));
    }

    private static int LargestPowerBelow(int count) => 1 << System.Numerics.BitOperations.Log2((uint)(count - 1));
}
