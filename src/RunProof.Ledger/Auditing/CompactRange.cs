using System.Numerics;
using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>
/// The complete subtrees that make up consecutive leaves of a log's tree (RFC 6962), wherever they begin: neighbours are joined as they come, so that parts of a
/// log can be hashed apart and put together. An auditor's own, written apart from the tree that the sealer grows.
/// </summary>
internal sealed class CompactRange
{
    private readonly List<(int Level, long Index, Digest Hash)> _nodes = [];

    internal CompactRange(long start) => (Start, End) = (start, start);

    /// <summary>The range from leaf 0 on, of a tree's edge.</summary>
    internal CompactRange(long size, IReadOnlyList<Digest> edge)
    {
        End = size;
        var at = 0L;
        foreach (var hash in edge)
        {
            var level = BitOperations.Log2((ulong)(size - at));
            _nodes.Add((level, at >> level, hash));
            at += 1L << level;
        }
    }

    /// <summary>The first leaf.</summary>
    internal long Start { get; }

    /// <summary>The leaf after the last.</summary>
    internal long End { get; private set; }

    /// <summary>The hashes of a range that begins at leaf 0: its tree's edge, the largest subtree first.</summary>
    internal IReadOnlyList<Digest> Edge => [.. _nodes.Select(static node => node.Hash)];

    /// <summary>Appends the next leaf.</summary>
    internal void Append(Digest leaf)
    {
        Add(0, End, leaf);
        End++;
    }

    /// <summary>Appends the range that follows.</summary>
    internal void Append(CompactRange next)
    {
        if (next.Start != End)
            throw new ArgumentException("the range does not follow", nameof(next));
        foreach (var (level, index, hash) in next._nodes)
            Add(level, index, hash);
        End = next.End;
    }

    /// <summary>The root of a range that begins at leaf 0.</summary>
    internal Digest Root()
    {
        if (_nodes.Count == 0)
            return MerkleTree.EmptyRoot;
        var root = _nodes[^1].Hash;
        for (var i = _nodes.Count - 2; i >= 0; i--)
            root = MerkleTree.NodeHash(_nodes[i].Hash, root);
        return root;
    }

    private void Add(int level, long index, Digest hash)
    {
        while (_nodes.Count > 0 && _nodes[^1].Level == level && (index & 1) == 1 && _nodes[^1].Index == index - 1)
        {
            hash = MerkleTree.NodeHash(_nodes[^1].Hash, hash);
            _nodes.RemoveAt(_nodes.Count - 1);
            (level, index) = (level + 1, index >> 1);
        }

        _nodes.Add((level, index, hash));
    }
}
