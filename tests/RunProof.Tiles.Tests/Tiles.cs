using System.Buffers;
using System.Text.Json;
using RunProof.Format;

namespace RunProof.Tiles.Tests;

/// <summary>C2SP tlog-tiles: paths, what a tree of a size consists of, and hashes recomputed from tiles.</summary>
public sealed class Tiles
{
    private static readonly JsonElement Layout = Vectors.Json("generated-tlog", "tile-layout.json");

    [Fact]
    public void An_index_is_written_in_groups_of_three_digits()
    {
        foreach (var vector in Layout.GetProperty("index_paths").EnumerateArray())
        {
            var address = new TileAddress(TileKind.Hashes, 0, vector.GetProperty("n").GetInt64(), 256);
            Assert.Equal("tile/0/" + vector.GetProperty("path").GetString(), address.Path);
            Assert.True(TileAddress.TryParse(address.Path, out var read));
            Assert.Equal(address, read);
        }
    }

    [Fact]
    public void A_tree_of_a_size_has_the_tiles_of_the_vectors()
    {
        foreach (var vector in Layout.GetProperty("tree_sizes").EnumerateArray())
        {
            var tiles = TileAddress.Grown(0, vector.GetProperty("size").GetInt64()).ToList();
            foreach (var expected in vector.GetProperty("tiles").EnumerateArray())
                Matches(expected, [.. tiles.Where(tile => tile.Kind is TileKind.Hashes && tile.Level == expected.GetProperty("level").GetInt32())]);
            Matches(vector.GetProperty("entries"), [.. tiles.Where(static tile => tile.Kind is TileKind.Entries)]);
            Assert.Equal(vector.GetProperty("tiles").GetArrayLength(), tiles.Where(static tile => tile.Kind is TileKind.Hashes).Select(static tile => tile.Level).Distinct().Count());
        }
    }

    public static TheoryData<string> BadPaths() => [.. Layout.GetProperty("bad_paths").EnumerateArray().Select(static path => path.GetString()!)];

    [Theory]
    [MemberData(nameof(BadPaths))]
    [InlineData("")]
    [InlineData("tile")]
    [InlineData("tile/")]
    [InlineData("tile/0/")]
    [InlineData("tile/0/000.p/")]
    [InlineData("tile/0/000.p/1/")]
    [InlineData("tile/0/000.p/1.p/1")]
    [InlineData("tile/+1/000")]
    [InlineData("tile/0/x000/000")]
    [InlineData("tile/0/x999/x999/x999/x999/x999/x999/x999/999")]
    [InlineData("tile/0/٠٠٠")]
    [InlineData("tile/0/000 ")]
    [InlineData("/tile/0/000")]
    public void Another_spelling_is_no_address(string path) => Assert.False(TileAddress.TryParse(path, out _));

    [Fact]
    public void Growth_names_each_tile_that_became_wider_and_no_other()
    {
        for (var (before, step) = (0L, 1L); before < 70_000; before += step, step = (step * 3) + 1)
        {
            var now = before + step;
            var had = TileAddress.Grown(0, before).ToHashSet();
            Assert.Equal(TileAddress.Grown(0, now).Where(tile => !had.Contains(tile)), TileAddress.Grown(before, now));
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(255)]
    [InlineData(256)]
    [InlineData(257)]
    [InlineData(70_001)]
    public void Tiles_alone_give_the_root_and_the_paths(int size)
    {
        var tree = new MerkleTree();
        var rows = new List<List<Digest>> { new() };
        for (var i = 0; i < size; i++)
        {
            var leaf = MerkleTree.LeafHash(BitConverter.GetBytes(i));
            tree.AppendLeafHash(leaf);
            rows[0].Add(leaf);
        }

        // Rows of tiles by the definition: each hash is the root of 256 of the row below.
        for (var row = 0; rows[row].Count >= 256; row++)
            rows.Add([.. rows[row].Chunk(256).Where(static chunk => chunk.Length == 256).Select(Root)]);
        Digest HashOf(TreeNode node)
        {
            var address = HashTile.Holding(node, size);
            Digest[] hashes = [.. rows[address.Level].Skip((int)address.Index * 256).Take(address.Width)];
            Assert.Equal(address.Width, hashes.Length);
            Assert.True(HashTile.TryParse(HashTile.Format(hashes), address.Width, out var read));
            return HashTile.NodeHash(node, read);
        }

        Assert.Equal(tree.Root(), new TreeRange(0, size).Hash(HashOf));
        foreach (var index in new[] { 0, size / 2, size - 1 })
        {
            Digest[] path = [.. TreeRange.OfInclusion(index, size).Select(range => range.Hash(HashOf))];
            Assert.True(MerkleProofs.VerifyInclusion((ulong)index, (ulong)size, rows[0][index], path, tree.Root()));
        }
    }

    [Theory]
    [InlineData(1_000, 2)]
    [InlineData(100_000, 3)]
    [InlineData(1_000_000, 3)]
    [InlineData(1_000_000_000, 4)]
    [InlineData(1_000_000_000_000, 5)]
    public void A_proof_needs_at_most_two_tiles_of_each_level_and_the_levels_grow_with_the_logarithm(long size, int levels)
    {
        Assert.Equal(levels, Enumerable.Range(0, 8).Count(level => TileAddress.HashesAt(size, level) > 0));
        var random = new Random(7);
        long[] edges = [0, 1, 255, 256, size / 2, size - 257, size - 256, size - 2, size - 1];
        foreach (var index in edges.Concat(Enumerable.Range(0, 500).Select(_ => random.NextInt64(size))))
        {
            Assert.InRange(MostOfALevel(TreeRange.OfInclusion(index, size)), 1, 2);
            Assert.InRange(MostOfALevel(TreeRange.OfConsistency(index + 1, size)), index + 1 == size ? 0 : 1, 2);
        }

        int MostOfALevel(IReadOnlyList<TreeRange> ranges) =>
            ranges.SelectMany(range => range.Nodes()).Select(node => HashTile.Holding(node, size)).Distinct().GroupBy(tile => tile.Level).Select(level => level.Count()).DefaultIfEmpty().Max();
    }

    [Fact]
    public void Bundles_are_read_and_written_as_the_vectors_say()
    {
        var vectors = Vectors.Json("generated-tlog", "entry-bundles.json");
        foreach (var vector in vectors.GetProperty("valid").EnumerateArray())
        {
            var entries = vector.GetProperty("entries_hex").EnumerateArray().Select(static entry => entry.GetString()!).ToArray();
            var bundle = new ArrayBufferWriter<byte>();
            foreach (var entry in entries)
                EntryBundle.Append(bundle, Convert.FromHexString(entry));
            Assert.Equal(vector.GetProperty("bundle_hex").GetString(), Convert.ToHexStringLower(bundle.WrittenSpan));
            Assert.True(EntryBundle.TryParse(bundle.WrittenMemory, entries.Length, out var read));
            Assert.Equal(entries, read.Select(static entry => Convert.ToHexStringLower(entry.Span)));
            Assert.False(EntryBundle.TryParse(bundle.WrittenMemory, entries.Length + 1, out _));
            Assert.False(EntryBundle.TryParse(bundle.WrittenMemory, entries.Length - 1, out _));
        }

        foreach (var vector in vectors.GetProperty("invalid_hex").EnumerateArray())
            Assert.All(Enumerable.Range(0, 4), width => Assert.False(EntryBundle.TryParse(Convert.FromHexString(vector.GetString()!), width, out _) && width > 0));
        Assert.Throws<ArgumentException>(() => EntryBundle.Append(new ArrayBufferWriter<byte>(), new byte[EntryBundle.MaxEntryLength + 1]));
    }

    private static void Matches(JsonElement expected, TileAddress[] tiles)
    {
        Assert.Equal(expected.GetProperty("full").GetInt64(), tiles.Count(static tile => !tile.IsPartial));
        Assert.Equal(expected.GetProperty("partial").GetInt32(), tiles.Where(static tile => tile.IsPartial).Sum(static tile => tile.Width));
        Assert.Equal(expected.GetProperty("partial_path").GetString(), tiles.SingleOrDefault(static tile => tile.IsPartial) is { Width: > 0 } partial ? partial.Path : null);
    }

    private static Digest Root(Digest[] hashes) =>
        hashes.Length == 1 ? hashes[0] : MerkleTree.NodeHash(Root(hashes[..(hashes.Length / 2)]), Root(hashes[(hashes.Length / 2)..]));
}
