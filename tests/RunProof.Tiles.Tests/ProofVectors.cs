using System.Text.Json;
using RunProof.Format;

namespace RunProof.Tiles.Tests;

/// <summary>Published proofs about Merkle trees, good and bad, and proofs of ours against the definition.</summary>
public sealed class ProofVectors
{
    /// <summary>An empty proof from size 0, which that library alone refuses: see <see cref="From_size_0_an_empty_proof_is_accepted_where_the_older_root_is_that_of_an_empty_tree"/>.</summary>
    private const string FromNothing = "consistency/additional/size1-is-zero-and-size2-is-not-zero.json";

    public static TheoryData<string> Cases() =>
        new(Published().Where(static each => each.GetProperty("category").GetString() is "inclusion" or "consistency").Select(static each => each.GetProperty("file").GetString()!));

    [Theory]
    [MemberData(nameof(Cases))]
    public void A_published_proof_is_answered_as_published(string file)
    {
        var vector = Published().Single(each => each.GetProperty("file").GetString() == file);
        Assert.Equal(!vector.GetProperty("wantErr").GetBoolean() || file == FromNothing, Verify(vector));
    }

    [Fact]
    public void Both_kinds_are_there()
    {
        Assert.Contains(Published(), static each => each.GetProperty("wantErr").GetBoolean());
        Assert.Contains(Published(), static each => !each.GetProperty("wantErr").GetBoolean());
    }

    /// <summary>transparency-dev/merkle refuses every proof from size 0; the C2SP drafts and tlog-witness accept an empty one, and so do we (tlog-formats.md 3.1).</summary>
    [Fact]
    public void From_size_0_an_empty_proof_is_accepted_where_the_older_root_is_that_of_an_empty_tree()
    {
        var root = MerkleTree.LeafHash([]);
        Assert.True(MerkleProofs.VerifyConsistency(0, 1, [], MerkleTree.EmptyRoot, root));
        Assert.True(MerkleProofs.VerifyConsistency(0, 0, [], MerkleTree.EmptyRoot, MerkleTree.EmptyRoot));
        Assert.False(MerkleProofs.VerifyConsistency(0, 1, [], root, root));
        Assert.False(MerkleProofs.VerifyConsistency(0, 0, [], root, root));
        Assert.False(MerkleProofs.VerifyConsistency(0, 1, [root], MerkleTree.EmptyRoot, root));
        Assert.False(MerkleProofs.VerifyConsistency(1, 1, [root], root, root));
        Assert.True(MerkleProofs.VerifyConsistency(1, 1, [], root, root));
    }

    [Fact]
    public void Sizes_near_the_end_of_64_bits_are_answered()
    {
        var path = Enumerable.Repeat(MerkleTree.EmptyRoot, 64).ToArray();
        Assert.False(MerkleProofs.VerifyInclusion(ulong.MaxValue - 1, ulong.MaxValue, MerkleTree.EmptyRoot, path, MerkleTree.EmptyRoot));
        Assert.False(MerkleProofs.VerifyInclusion(ulong.MaxValue, ulong.MaxValue, MerkleTree.EmptyRoot, path, MerkleTree.EmptyRoot));
        Assert.False(MerkleProofs.VerifyConsistency(1UL << 63, ulong.MaxValue, path, MerkleTree.EmptyRoot, MerkleTree.EmptyRoot));
        Assert.False(MerkleProofs.VerifyConsistency(ulong.MaxValue - 1, ulong.MaxValue, path, MerkleTree.EmptyRoot, MerkleTree.EmptyRoot));
    }

    [Fact]
    public void Generated_inclusion_paths_and_consistency_proofs_are_those_of_the_vectors()
    {
        var vectors = Vectors.Json("generated-tlog", "proofs.json");
        var leaves = Enumerable.Range(0, 300).Select(static i => MerkleTree.LeafHash(System.Text.Encoding.UTF8.GetBytes($"entry {i}"))).ToArray();
        foreach (var vector in vectors.GetProperty("consistency").EnumerateArray())
        {
            var (older, newer) = (vector.GetProperty("old").GetInt64(), vector.GetProperty("new").GetInt64());
            var path = TreeRange.OfConsistency(older, newer).Select(range => range.Hash(node => ByDefinition(leaves, node))).ToArray();
            Assert.Equal(vector.GetProperty("proof").EnumerateArray().Select(static hash => hash.GetString()), path.Select(static hash => Convert.ToBase64String(hash.Span)));
            Assert.True(MerkleProofs.VerifyConsistency((ulong)older, (ulong)newer, path, Hash(vector, "old_root"), Hash(vector, "new_root")));
        }

        foreach (var vector in vectors.GetProperty("inclusion").EnumerateArray())
        {
            Assert.True(TlogProof.TryParse(vector.GetProperty("proof").GetString()!, out var proof, out var problem), problem);
            Assert.Equal(WithoutExtra(vector.GetProperty("proof").GetString()!), proof.ToString());
            Assert.True(Checkpoint.TryParse(proof.Checkpoint.Text, out var checkpoint, out problem), problem);
            Assert.Equal((vector.GetProperty("index").GetInt64(), vector.GetProperty("size").GetInt64()), (proof.Index, checkpoint.Size));
            Assert.Equal(proof.Path, TreeRange.OfInclusion(proof.Index, checkpoint.Size).Select(range => range.Hash(node => ByDefinition(leaves, node))));
            Assert.True(MerkleProofs.VerifyInclusion((ulong)proof.Index, (ulong)checkpoint.Size, leaves[proof.Index], [.. proof.Path], checkpoint.Root));
        }
    }

    [Fact]
    public void Every_proof_of_every_tree_up_to_40_leaves_holds_and_none_of_its_changes_does()
    {
        var leaves = Enumerable.Range(0, 40).Select(static i => MerkleTree.LeafHash([(byte)i])).ToArray();
        var roots = Enumerable.Range(0, 41).Select(size => new TreeRange(0, size).Hash(node => ByDefinition(leaves, node))).ToArray();
        for (var size = 1; size <= 40; size++)
        {
            for (var index = 0; index < size; index++)
            {
                Digest[] path = [.. TreeRange.OfInclusion(index, size).Select(range => range.Hash(node => ByDefinition(leaves, node)))];
                Assert.True(MerkleProofs.VerifyInclusion((ulong)index, (ulong)size, leaves[index], path, roots[size]));
                Refused(path, changed => MerkleProofs.VerifyInclusion((ulong)index, (ulong)size, leaves[index], changed, roots[size]));
                Assert.False(MerkleProofs.VerifyInclusion((ulong)(index + 1) % (ulong)size, (ulong)size, leaves[index], path, roots[size]) && size > 1);
            }

            for (var older = 1; older < size; older++)
            {
                Digest[] path = [.. TreeRange.OfConsistency(older, size).Select(range => range.Hash(node => ByDefinition(leaves, node)))];
                Assert.True(MerkleProofs.VerifyConsistency((ulong)older, (ulong)size, path, roots[older], roots[size]));
                Refused(path, changed => MerkleProofs.VerifyConsistency((ulong)older, (ulong)size, changed, roots[older], roots[size]));
                Assert.False(MerkleProofs.VerifyConsistency((ulong)older, (ulong)size, path, roots[older - 1], roots[size]));
            }
        }
    }

    private static void Refused(Digest[] path, Func<Digest[], bool> verify)
    {
        Assert.False(verify([.. path, MerkleTree.EmptyRoot]));
        Assert.False(verify([MerkleTree.EmptyRoot, .. path]));
        for (var i = 0; i < path.Length; i++)
        {
            Assert.False(verify([.. path[..i], .. path[(i + 1)..]]));
            var bytes = path[i].ToArray();
            bytes[31] ^= 1;
            Assert.False(verify([.. path[..i], new Digest(bytes), .. path[(i + 1)..]]));
        }
    }

    private static bool Verify(JsonElement vector)
    {
        var proof = vector.GetProperty("proof").ValueKind == JsonValueKind.Null ? [] : vector.GetProperty("proof").EnumerateArray().Select(static hash => hash.GetBytesFromBase64()).ToArray();
        // What is no SHA-256 value never becomes a Digest; of roots that are none only equality matters.
        if (proof.Any(static hash => hash.Length != Digest.Length) || (vector.TryGetProperty("leafHash", out var leaf) && leaf.GetBytesFromBase64().Length != Digest.Length))
            return false;
        var path = proof.Select(static hash => new Digest(hash)).ToArray();
        if (vector.GetProperty("category").GetString() == "inclusion")
            return MerkleProofs.VerifyInclusion(vector.GetProperty("leafIdx").GetUInt64(), vector.GetProperty("treeSize").GetUInt64(), Hash(vector, "leafHash"), path, Hash(vector, "root"));
        return MerkleProofs.VerifyConsistency(vector.GetProperty("size1").GetUInt64(), vector.GetProperty("size2").GetUInt64(), path, Hash(vector, "root1"), Hash(vector, "root2"));
    }

    private static Digest Hash(JsonElement vector, string name) =>
        vector.GetProperty(name).GetBytesFromBase64() is { Length: Digest.Length } bytes ? new Digest(bytes) : Digest.Of(vector.GetProperty(name).GetBytesFromBase64());

    private static string WithoutExtra(string proof) => string.Join('\n', proof.Split('\n').Where(static (line, i) => i != 1 || !line.StartsWith("extra ", StringComparison.Ordinal)));

    private static Digest ByDefinition(Digest[] leaves, TreeNode node) =>
        node.Level == 0
            ? leaves[node.Index]
            : MerkleTree.NodeHash(ByDefinition(leaves, new TreeNode(node.Level - 1, 2 * node.Index)), ByDefinition(leaves, new TreeNode(node.Level - 1, (2 * node.Index) + 1)));

    private static List<JsonElement> Published() => [.. Vectors.Json("merkle-proofs", "cases.json").EnumerateArray()];
}
