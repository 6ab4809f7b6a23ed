using System.Text;
using System.Text.Json;
using RunProof.Format;
using RunProof.Keys;
using RunProof.Testing;
using RunProof.Tiles;

namespace RunProof.Witness.Tests;

/// <summary>C2SP tlog-witness: a published sequence of requests, rollbacks, forks, and a store that fails.</summary>
public sealed class Witnesses
{
    private static readonly byte[] LogSeed = Enumerable.Repeat((byte)7, 32).ToArray();
    private readonly ManualTimeProvider _clock = new();
    private readonly MemoryStore _store = new();

    [Fact]
    public async Task The_published_sequence_is_answered_as_the_specification_says()
    {
        var vectors = Vectors.Json("tlog-witness", "add-checkpoint-sequence.json");
        var log = NoteVerifier.Parse(vectors.Text("log_vkey"));
        var witness = Witness(log.Key.Name, log);
        var cancel = TestContext.Current.CancellationToken;
        foreach (var step in vectors.GetProperty("sequence").EnumerateArray())
        {
            var answer = await witness.AddCheckpointAsync(Encoding.UTF8.GetBytes(step.Text("request_body")), cancel);
            Assert.True(step.GetProperty("status_by_spec_v1_0_0").GetInt32() == answer.Status, $"step {step.GetProperty("step").GetInt32()}: {answer}");
            Assert.Equal(answer.Status == 409 ? vectors.Text("content_type_409") : "text/plain; charset=utf-8", answer.ContentType);
            if (answer.Status == 200)
                Assert.True(Verifies(step.Text("request_body"), answer.Body), "the cosignature verifies over the checkpoint");
        }
    }

    [Fact]
    public async Task What_was_cosigned_is_remembered_before_it_is_answered()
    {
        var (witness, tree) = (Witness(), Tree(3));
        _store.Fails = true;
        await Assert.ThrowsAsync<IOException>(() => Add(witness, 0, [], tree));
        _store.Fails = false;
        Assert.Equal(200, (await Add(witness, 0, [], tree)).Status);
        Assert.Equal((3, tree.Root), (_store.Heads["log.test/a"].Size, _store.Heads["log.test/a"].Root));
    }

    [Fact]
    public async Task Persisted_but_reported_failed_is_found_at_the_next_request()
    {
        var (witness, tree) = (Witness(), Tree(3));
        _store.FailsAfterWriting = true;
        await Assert.ThrowsAsync<IOException>(() => Add(witness, 0, [], tree));
        _store.FailsAfterWriting = false;
        var again = await Add(witness, 0, [], tree);
        Assert.Equal((409, "3\n"), (again.Status, again.Body));
        Assert.Equal(200, (await Add(witness, 3, [], tree)).Status);
    }

    [Fact]
    public async Task Of_two_requests_at_once_one_is_cosigned()
    {
        var (witness, cancel) = (Witness(), TestContext.Current.CancellationToken);
        _store.BeforeWriting = () => _store.Heads["log.test/a"] = new WitnessedHead(1, Tree(1).Root, Signed(Tree(1)).ToString());
        var answer = await Add(witness, 0, [], Tree(3));
        Assert.Equal((409, "1\n"), (answer.Status, answer.Body));
        Assert.Equal(1, (await _store.ReadAsync("log.test/a", cancel))!.Size);
    }

    [Fact]
    public async Task A_rollback_is_refused()
    {
        var witness = Witness();
        Assert.Equal(200, (await Add(witness, 0, [], Tree(5))).Status);
        var back = await Add(witness, 0, [], Tree(3));
        Assert.Equal((409, "5\n"), (back.Status, back.Body));
        Assert.Equal(400, (await Add(witness, 5, [], Tree(3))).Status);
        Assert.Equal(5, _store.Heads["log.test/a"].Size);
    }

    [Fact]
    public async Task Two_roots_of_one_size_are_kept_as_a_proof_that_anybody_can_check()
    {
        var witness = Witness();
        Assert.Equal(200, (await Add(witness, 0, [], Tree(5))).Status);
        Assert.Equal(422, (await Add(witness, 5, [], Tree(5, changed: 2))).Status);
        Forked(Assert.Single(_store.Forks));
    }

    [Fact]
    public async Task A_longer_history_that_is_another_is_kept_as_a_proof_that_anybody_can_check()
    {
        var witness = Witness();
        Assert.Equal(200, (await Add(witness, 0, [], Tree(5))).Status);
        var other = Tree(9, changed: 2);
        Assert.Equal(422, (await Add(witness, 5, Path(5, 9, changed: 2), other)).Status);
        Forked(Assert.Single(_store.Forks));
        Assert.Equal(422, (await Add(witness, 5, [.. Path(5, 9, changed: 2).Reverse()], other)).Status);
        Assert.Single(_store.Forks);
        Assert.Equal(200, (await Add(witness, 5, Path(5, 9), Tree(9))).Status);
    }

    [Fact]
    public async Task A_fork_proof_that_was_changed_or_shows_no_fork_is_refused()
    {
        var witness = Witness();
        await Add(witness, 0, [], Tree(5));
        await Add(witness, 5, Path(5, 9, changed: 2), Tree(9, changed: 2));
        var proof = Assert.Single(_store.Forks);
        INoteVerifier[] keys = [Log()];
        Assert.False((proof with { RootAtOlderSize = Tree(5).Root }).Verify(keys, out _));
        Assert.False((proof with { Path = [] }).Verify(keys, out _));
        Assert.False((proof with { Newer = proof.Older }).Verify(keys, out _));
        Assert.False(new ForkProof(Signed(Tree(5)), Signed(Tree(9)), Tree(5).Root, Path(5, 9)).Verify(keys, out var problem));
        Assert.Equal("the two agree: the log did not fork", problem);
        Assert.False(proof.Verify([NoteVerifier.Parse(NoteSigner.Create("log.test/a", NoteAlgorithm.Ed25519, new byte[32]).ToString())], out _));
        var json = Encoding.UTF8.GetString(proof.ToJson());
        foreach (var changed in new[] { json.Replace("runproof-fork/v1", "runproof-fork/v2", StringComparison.Ordinal), json.Replace("\"path\"", "\"paths\"", StringComparison.Ordinal), "[]", "{}", "null", json.Replace("older\":\"", "older\":\"\\ud800", StringComparison.Ordinal) })
            Assert.False(Read(changed, out _, out _), changed);
    }

    [Theory]
    [InlineData("")]
    [InlineData("old 0\n")]
    [InlineData("old 00\n\nlog.test/a\n1\nx\n")]
    [InlineData("old -1\n\nlog.test/a\n")]
    [InlineData("new 0\n\nlog.test/a\n")]
    [InlineData("old 9223372036854775808\n\n— a AAAA\n")]
    [InlineData("old 0\nnot base64\n\nlog.test/a\n")]
    public async Task A_malformed_request_is_refused(string body) =>
        Assert.Equal(400, (await Witness().AddCheckpointAsync(Encoding.UTF8.GetBytes(body), TestContext.Current.CancellationToken)).Status);

    [Fact]
    public async Task A_request_with_64_hashes_or_extension_lines_is_refused()
    {
        var tree = Tree(3);
        Assert.Equal(400, (await Add(Witness(), 0, [.. Enumerable.Repeat(MerkleTree.EmptyRoot, 64)], tree)).Status);
        Assert.Equal(422, (await Add(Witness(), 0, [.. Enumerable.Repeat(MerkleTree.EmptyRoot, 63)], tree)).Status);
        Assert.Equal(400, (await Add(Witness(), 0, [], tree with { Extensions = ["more"] })).Status);
        Assert.Equal(422, (await Add(Witness(), 0, [], new Checkpoint("log.test/a", 0, tree.Root))).Status);
        Assert.Equal(200, (await Add(Witness(), 0, [], new Checkpoint("log.test/a", 0, MerkleTree.EmptyRoot))).Status);
    }

    private static void Forked(ForkProof proof)
    {
        Assert.True(Read(Encoding.UTF8.GetString(proof.ToJson()), out var read, out var problem), problem);
        Assert.True(read!.Verify([Log()], out problem), problem);
        Assert.Equal(proof.ToJson(), read.ToJson());
    }

    private static bool Read(string json, out ForkProof? proof, out string problem)
    {
        using var document = JsonDocument.Parse(json);
        return ForkProof.TryParse(document.RootElement, out proof, out problem);
    }

    private static bool Verifies(string request, string cosignature)
    {
        var note = request[(request.IndexOf("\n\n", StringComparison.Ordinal) + 2)..] + cosignature;
        return SignedNote.TryParse(Encoding.UTF8.GetBytes(note), out var signed, out _) && signed.Verify([NoteVerifier.Parse(Signer().ToString())], out _, out _);
    }

    private static async Task<WitnessAnswer> Add(LogWitness witness, long old, IReadOnlyList<Digest> proof, Checkpoint checkpoint) =>
        await witness.AddCheckpointAsync(Encoding.UTF8.GetBytes(new AddCheckpointRequest(old, proof, Signed(checkpoint)).ToString()), TestContext.Current.CancellationToken);

    private static SignedNote Signed(Checkpoint checkpoint) =>
        new(checkpoint.Text, [NoteSigner.Create("log.test/a", NoteAlgorithm.Ed25519, LogSeed).Sign(checkpoint.Text, DateTimeOffset.UnixEpoch)]);

    private static INoteVerifier Log() => NoteVerifier.Parse(NoteSigner.Create("log.test/a", NoteAlgorithm.Ed25519, LogSeed).ToString());

    private static NoteSigner Signer() => NoteSigner.Create("witness.test/w", NoteAlgorithm.CosignatureV1, new byte[32]);

    private LogWitness Witness(string? origin = null, INoteVerifier? log = null) =>
        new(new Dictionary<string, IReadOnlyList<INoteVerifier>> { [origin ?? "log.test/a"] = [log ?? Log()] }, Signer(), _store, _clock);

    private static Checkpoint Tree(int size, int changed = -1) => new("log.test/a", size, Hash(new TreeRange(0, size), changed));

    private static IReadOnlyList<Digest> Path(int older, int newer, int changed = -1) => [.. TreeRange.OfConsistency(older, newer).Select(range => Hash(range, changed))];

    private static Digest Hash(TreeRange range, int changed) => range.Hash(node => Node(node, changed));

    private static Digest Node(TreeNode node, int changed) => node.Level == 0
        ? MerkleTree.LeafHash([(byte)(node.Index == changed ? 255 : node.Index)])
        : MerkleTree.NodeHash(Node(new TreeNode(node.Level - 1, 2 * node.Index), changed), Node(new TreeNode(node.Level - 1, (2 * node.Index) + 1), changed));

    private sealed class MemoryStore : IWitnessStore
    {
        public Dictionary<string, WitnessedHead> Heads { get; } = new(StringComparer.Ordinal);

        public List<ForkProof> Forks { get; } = [];

        public bool Fails { get; set; }

        public bool FailsAfterWriting { get; set; }

        public Action? BeforeWriting { get; set; }

        public ValueTask<WitnessedHead?> ReadAsync(string origin, CancellationToken cancellationToken) => new(Heads.GetValueOrDefault(origin));

        public ValueTask<bool> TryAdvanceAsync(string origin, WitnessedHead? expected, WitnessedHead next, CancellationToken cancellationToken)
        {
            if (Fails)
                throw new IOException("no space left");
            BeforeWriting?.Invoke();
            if (!Equals(Heads.GetValueOrDefault(origin), expected))
                return new ValueTask<bool>(false);
            Heads[origin] = next;
            return FailsAfterWriting ? throw new IOException("connection lost") : new ValueTask<bool>(true);
        }

        public ValueTask KeepForkAsync(string origin, ForkProof proof, CancellationToken cancellationToken)
        {
            Forks.Add(proof);
            return default;
        }
    }
}
