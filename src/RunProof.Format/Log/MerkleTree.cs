using System.Numerics;
using System.Security.Cryptography;

namespace RunProof.Format;

/// <summary>
/// An append-only Merkle tree (RFC 6962 section 2.1) that keeps only its right edge: memory grows with the logarithm of its size.
/// </summary>
public sealed class MerkleTree
{
    private readonly List<Digest> _edge;

    /// <summary>An empty tree.</summary>
    public MerkleTree() => _edge = [];

    /// <summary>A tree that goes on where another stood.</summary>
    /// <param name="size">Its leaves.</param>
    /// <param name="edge">Its <see cref="Edge"/>.</param>
    /// <exception cref="ArgumentException">A tree of that size has another number of hashes on its edge.</exception>
    public MerkleTree(long size, IEnumerable<Digest> edge)
    {
        (Size, _edge) = (size, [.. edge]);
        if (size < 0 || _edge.Count != BitOperations.PopCount((ulong)size))
            throw new ArgumentException("a tree has one hash on its edge for each bit of its size", nameof(edge));
    }

    /// <summary>The hashes of the complete subtrees that make up the tree, the largest first.</summary>
    public IReadOnlyList<Digest> Edge => _edge;

    /// <summary>The root of an empty tree: H("").</summary>
    public static Digest EmptyRoot { get; } = Digest.Of([]);

    /// <summary>Leaves so far.</summary>
    public long Size { get; private set; }

    /// <summary>The hash of a leaf: H(0x00 ‖ data).</summary>
    /// <param name="data">The leaf's data.</param>
    /// <returns>Its hash.</returns>
    public static Digest LeafHash(ReadOnlySpan<byte> data)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData([0]);
        hash.AppendData(data);
        return new Digest(hash.GetHashAndReset());
    }

    /// <summary>The hash of an inner node: H(0x01 ‖ left ‖ right).</summary>
    /// <param name="left">The left child.</param>
    /// <param name="right">The right child.</param>
    /// <returns>The node's hash.</returns>
    public static Digest NodeHash(Digest left, Digest right)
    {
        Span<byte> message = stackalloc byte[1 + (2 * Digest.Length)];
        message[0] = 1;
        left.Span.CopyTo(message[1..]);
        right.Span.CopyTo(message[(1 + Digest.Length)..]);
        return Digest.Of(message);
    }

    /// <summary>Appends a link of the chain as a leaf.</summary>
    /// <param name="link">The link.</param>
    public void Append(Digest link)
    {
        Span<byte> message = stackalloc byte[1 + Digest.Length];
        message[0] = 0;
        link.Span.CopyTo(message[1..]);
        AppendLeafHash(Digest.Of(message));
    }

    /// <summary>Appends a leaf by its hash.</summary>
    /// <param name="leaf">The leaf's hash.</param>
    /// <param name="completed">Is told of every complete subtree that ends with the leaf, the leaf first: its level and its hash.</param>
    public void AppendLeafHash(Digest leaf, Action<int, Digest>? completed = null)
    {
        var node = leaf;
        completed?.Invoke(0, node);
        for (var level = 1; level <= BitOperations.TrailingZeroCount(~(ulong)Size); level++)
        {
            node = NodeHash(_edge[^1], node);
            _edge.RemoveAt(_edge.Count - 1);
            completed?.Invoke(level, node);
        }

        _edge.Add(node);
        Size++;
    }

    /// <summary>The tree's root now; of an empty tree H("").</summary>
    /// <returns>The root.</returns>
    public Digest Root()
    {
        if (_edge.Count == 0)
            return EmptyRoot;
        var root = _edge[^1];
        for (var i = _edge.Count - 2; i >= 0; i--)
            root = NodeHash(_edge[i], root);
        return root;
    }
}
