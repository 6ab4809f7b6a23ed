using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using RunProof.Format;
using RunProof.Tiles;

namespace RunProof.Cli.Tests;

/// <summary><c>log tlog</c> against the independently generated vectors.</summary>
public sealed class TlogCommandTests : IDisposable
{
    private static readonly JsonNode Proofs = JsonNode.Parse(File.ReadAllBytes(Vectors.PathOf("generated-tlog/proofs.json")))!;
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Inclusion_of_every_published_proof_holds_and_of_no_other_entry()
    {
        foreach (var row in Proofs["inclusion"]!.AsArray())
        {
            Assert.True(TlogProof.TryParse(row!["proof"]!.GetValue<string>(), out var proof, out _));
            Assert.True(Checkpoint.TryParse(proof.Checkpoint.Text, out var head, out _));
            var path = Encoding.UTF8.GetBytes(string.Concat(proof.Path.Select(static hash => Convert.ToBase64String(hash.Span) + "\n")));
            string[] asked = ["log", "tlog", "inclusion", "-", "--index", Text(proof.Index), "--size", Text(head.Size), "--root", Convert.ToBase64String(head.Root.Span)];
            Assert.Equal(0, (await CliInside.RunAsync([.. asked, "--entry", _folder.Write("e", row["entry"]!.GetValue<string>())], path)).ExitCode);
            Assert.Equal(0, (await CliInside.RunAsync([.. asked, "--leaf", row["leaf_hash"]!.GetValue<string>()], path)).ExitCode);
            Assert.Equal(10, (await CliInside.RunAsync([.. asked, "--entry", _folder.Write("e", "another")], path)).ExitCode);
        }
    }

    [Fact]
    public async Task Consistency_of_every_published_proof_holds_and_with_no_other_root()
    {
        foreach (var row in Proofs["consistency"]!.AsArray())
        {
            var path = Encoding.UTF8.GetBytes(string.Join('\n', row!["proof"]!.AsArray().Select(static hash => hash!.GetValue<string>())));
            string[] asked = ["log", "tlog", "consistency", "-", "--from", row["old"]!.ToString(), "--size", row["new"]!.ToString(), "--root", row["new_root"]!.GetValue<string>(), "--from-root"];
            Assert.Equal(0, (await CliInside.RunAsync([.. asked, row["old_root"]!.GetValue<string>()], path)).ExitCode);
            Assert.Equal(10, (await CliInside.RunAsync([.. asked, Convert.ToBase64String(new byte[32])], path)).ExitCode);
        }
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task From_tiles_in_a_folder_the_published_proofs_are_printed(bool onlyFullTiles)
    {
        foreach (var group in Proofs["inclusion"]!.AsArray().GroupBy(static row => row!["size"]!.GetValue<int>()))
        {
            var tiles = WriteTiles(group.Key, onlyFullTiles ? 300 : group.Key);
            foreach (var row in group)
            {
                Assert.True(TlogProof.TryParse(row!["proof"]!.GetValue<string>(), out var proof, out _));
                var result = await CliInside.RunAsync(["log", "tlog", "inclusion", "--tiles", tiles, "--index", Text(proof.Index), "--size", Text(group.Key)]);
                Assert.Equal(0, result.ExitCode);
                Assert.Equal(string.Concat(proof.Path.Select(static hash => Convert.ToBase64String(hash.Span) + "\n")), result.Output);
                var needed = await CliInside.RunAsync(["log", "tlog", "tile", "--index", Text(proof.Index), "--size", Text(group.Key)]);
                Assert.All(needed.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries), path => Assert.True(TileAddress.TryParse(path, out _)));
            }
        }

        foreach (var row in Proofs["consistency"]!.AsArray().Where(static row => row!["old"]!.GetValue<int>() > 0))
        {
            var size = row!["new"]!.GetValue<int>();
            var result = await CliInside.RunAsync(["log", "tlog", "consistency", "--tiles", WriteTiles(size, onlyFullTiles ? 300 : size), "--from", row["old"]!.ToString(), "--size", Text(size)]);
            Assert.Equal(string.Concat(row["proof"]!.AsArray().Select(static hash => hash!.GetValue<string>() + "\n")), result.Output);
        }
    }

    [Fact]
    public async Task A_checkpoint_is_printed_only_if_the_given_key_signed_it()
    {
        Assert.True(TlogProof.TryParse(Proofs["inclusion"]![0]!["proof"]!.GetValue<string>(), out var proof, out _));
        var note = Encoding.UTF8.GetBytes(proof.Checkpoint.ToString());
        var good = await CliInside.RunAsync(["log", "tlog", "checkpoint", "-", "--key", Proofs["log_vkey"]!.GetValue<string>()], note);
        Assert.Equal((0, proof.Checkpoint.Text), (good.ExitCode, good.Output));
        var plain = await CliInside.RunAsync(["log", "tlog", "checkpoint", "-", "--json"], note);
        Assert.False(JsonDocument.Parse(plain.Output).RootElement.GetProperty("verified").GetBoolean());
        note[^10] = note[^10] == (byte)'A' ? (byte)'B' : (byte)'A';
        var bad = await CliInside.RunAsync(["log", "tlog", "checkpoint", "-", "--trust", _folder.Write("policy", $"log {Proofs["log_vkey"]}\n{string.Concat(Proofs["witness_vkeys"]!.AsArray().Select((key, i) => $"witness w{i} {key}\n"))}quorum w2\n")], note);
        Assert.Equal(10, bad.ExitCode);
    }

    [Fact]
    public async Task Tiles_and_entry_bundles_are_checked_and_printed()
    {
        var vectors = JsonNode.Parse(File.ReadAllBytes(Vectors.PathOf("generated-tlog/entry-bundles.json")))!;
        foreach (var row in vectors["valid"]!.AsArray())
        {
            var entries = row!["entries_hex"]!.AsArray().Select(static entry => Convert.FromHexString(entry!.GetValue<string>())).ToList();
            var result = await CliInside.RunAsync(["log", "tlog", "tile", $"tile/entries/000.p/{entries.Count}", "-"], Convert.FromHexString(row["bundle_hex"]!.GetValue<string>()));
            Assert.Equal(string.Concat(entries.Select(static entry => Convert.ToBase64String(MerkleTree.LeafHash(entry).Span) + "\n")), result.Output);
        }

        foreach (var bad in vectors["invalid_hex"]!.AsArray())
            Assert.Equal(10, (await CliInside.RunAsync(["log", "tlog", "tile", "tile/entries/000.p/1", "-"], Convert.FromHexString(bad!.GetValue<string>()))).ExitCode);
        Assert.Equal(10, (await CliInside.RunAsync(["log", "tlog", "tile", "tile/0/000.p/2", "-"], new byte[33])).ExitCode);
        Assert.Equal("kind   hashes\nlevel  0\nindex  1067\nwidth  8\n", (await CliInside.RunAsync(["log", "tlog", "tile", "tile/0/x001/067.p/8"])).Output);
    }

    [Fact]
    public async Task Words_that_make_no_question_end_with_2()
    {
        foreach (var args in new string[][]
        {
            ["inclusion", "-"], ["inclusion", "-", "--index", "1", "--size", "1"], ["inclusion", "-", "--index", "0", "--size", "1", "--root", "x"], ["inclusion", "--index", "0", "--size", "1", "--tiles", "/nowhere", "-"], ["inclusion", "-", "--index", "-1", "--size", "1"],
            ["inclusion", "--index", "0", "--size", "9223372036854775807", "--tiles", "/nowhere"], ["consistency", "-", "--from", "2", "--size", "1"], ["consistency", "--from", "2", "--size", "3", "--tiles", "/nowhere"], ["tile", "tile/0/1"], ["tile"], ["tile", "--index", "5", "--size", "5"], ["checkpoint", "-"], ["checkpoint", "/nowhere"],
        })
        {
            var result = await CliInside.RunAsync(["log", "tlog", .. args]);
            Assert.True(result.ExitCode == 2, string.Join(' ', args) + ": " + result.Output + result.Error);
            Assert.DoesNotContain("unexpected", result.Error, StringComparison.Ordinal);
        }
    }

    /// <summary>The tiles of the vectors' tree, hashed here by the definition; of a later size only what that has, so that partial tiles are missing.</summary>
    private string WriteTiles(int size, int laterSize)
    {
        var level = Enumerable.Range(0, laterSize).Select(static i => MerkleTree.LeafHash(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"entry {i}")))).ToList();
        var root = string.Create(CultureInfo.InvariantCulture, $"log-{size}-{laterSize}");
        Write(0, level);
        var upper = level.Chunk(256).Where(static chunk => chunk.Length == 256).Select(Fold).ToList();
        if (upper.Count > 0)
            Write(1, upper);
        return Path.Combine(_folder.Root, root);

        void Write(int height, List<Digest> hashes)
        {
            foreach (var (chunk, index) in hashes.Chunk(256).Select(static (chunk, index) => (chunk, index)))
            {
                var widths = size == laterSize || chunk.Length == 256 ? [chunk.Length] : Enumerable.Range(1, chunk.Length).ToArray();
                foreach (var width in widths)
                    _folder.Write(Path.Combine(root, new TileAddress(TileKind.Hashes, height, index, width).Path), HashTile.Format(chunk.AsSpan(0, width)));
            }
        }
    }

    private static Digest Fold(Digest[] hashes) => hashes.Length == 1 ? hashes[0] : MerkleTree.NodeHash(Fold(hashes[..(hashes.Length / 2)]), Fold(hashes[(hashes.Length / 2)..]));

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
}
