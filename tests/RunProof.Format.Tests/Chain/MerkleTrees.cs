using System.Security.Cryptography;

namespace RunProof.Format.Tests;

/// <summary>RFC 6962 section 2.1: the reference tree of Certificate Transparency, and the definition itself, by recursion.</summary>
public sealed class MerkleTrees
{
    [Fact]
    public void The_reference_tree_has_its_leaf_hashes_and_roots()
    {
        var tree = Vectors.Json("rfc6962-reference", "tree.json");
        var inputs = tree.GetProperty("leaf_inputs_hex").EnumerateArray().Select(e => Convert.FromHexString(e.GetString()!)).ToArray();
        var hashes = tree.GetProperty("leaf_hashes").EnumerateArray().Select(e => e.GetString()).ToArray();
        var roots = tree.GetProperty("roots_by_size").EnumerateArray().Select(e => e.GetString()).ToArray();
        Assert.Equal((8, 8, 9), (inputs.Length, hashes.Length, roots.Length));

        var ours = new MerkleTree();
        Assert.Equal(roots[0], ours.Root().ToString());
        for (var i = 0; i < inputs.Length; i++)
        {
            var leaf = MerkleTree.LeafHash(inputs[i]);
            Assert.Equal(hashes[i], leaf.ToString());
            ours.AppendLeafHash(leaf);
            Assert.Equal(roots[i + 1], ours.Root().ToString());
            Assert.Equal(i + 1, ours.Size);
        }
    }

    [Fact]
    public void Every_size_up_to_300_has_the_root_of_the_definition()
    {
        var ours = new MerkleTree();
        var leaves = new List<byte[]>();
        for (var i = 0; i < 300; i++)
        {
            var link = Digest.Of([(byte)i, (byte)(i >> 8)]);
            leaves.Add(link.ToArray());
            ours.Append(link);
            Assert.Equal(Convert.ToHexStringLower(Root(leaves.ToArray())), ours.Root().ToString());
        }
    }

    private static byte[] Root(ReadOnlySpan<byte[]> leaves)
    {
        if (leaves.Length == 0)
            return SHA256.HashData([]);
        if (leaves.Length == 1)
            return SHA256.HashData([0, .. leaves[0]]);
        var k = 1;
        while (k * 2 < leaves.Length)
            k *= 2;
        return SHA256.HashData([1, .. Root(leaves[..k]), .. Root(leaves[k..])]);
    }
}
