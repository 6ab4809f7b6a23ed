using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using RunProof.Format;
using RunProof.Keys;
using RunProof.Tiles;
using RunProof.Verification;
using RunProof.Witness;

namespace RunProof.Cli.Tests;

/// <summary><c>verify</c>: every kind of file, every exit code, and files that are nothing.</summary>
public sealed class VerifyCommandTests : IDisposable
{
    private readonly TestFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_bundle_with_the_logs_key_is_verified_and_the_page_says_by_what()
    {
        var result = await CliProcess.RunAsync("verify", Bundle("forty-steps"), "--key", KeyOf("forty-steps"));
        Assert.Equal((0, ""), (result.ExitCode, result.Error));
        Snapshot.Matches("verify-VERIFIED", result.Output);
    }

    [Fact]
    public async Task Without_a_libcrypto_the_checks_on_signatures_are_not_done_and_say_why()
    {
        var result = await CliProcess.RunAsync(["verify", Bundle("forty-steps"), "--key", KeyOf("forty-steps"), "--json"], new Dictionary<string, string?>(StringComparer.Ordinal) { ["RUNPROOF_LIBCRYPTO"] = "/nowhere/libcrypto.so.3" });
        Assert.Equal(5, result.ExitCode);
        var document = JsonDocument.Parse(result.Output).RootElement;
        var signature = document.GetProperty("checks").EnumerateArray().Single(static check => check.GetProperty("name").GetString() == "CHECKPOINT_SIGNATURE");
        Assert.Equal("not_done", signature.GetProperty("status").GetString());
        Assert.Contains("/nowhere/libcrypto.so.3", signature.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("forty-steps", "verify-own-key")]
    [InlineData("awaiting-inclusion", "verify-no-log")]
    public async Task Without_an_independent_key_or_a_log_it_is_unsupported(string name, string snapshot)
    {
        var result = await CliInside.RunAsync(["verify", Bundle(name)]);
        Assert.Equal(5, result.ExitCode);
        Snapshot.Matches(snapshot, result.Output);
    }

    public static TheoryData<string> Tampered => [.. Directory.GetFiles(Vectors.PathOf("runproof/tampered"), "*.json").Select(static file => Path.GetFileNameWithoutExtension(file)!)];

    [Theory]
    [MemberData(nameof(Tampered))]
    public async Task A_tampered_bundle_ends_with_10_and_the_place(string name)
    {
        var result = await CliInside.RunAsync(["verify", Vectors.PathOf($"runproof/tampered/{name}.json"), "--key", KeyOf("forty-steps"), "--json"]);
        Assert.Equal(10, result.ExitCode);
        var document = JsonDocument.Parse(result.Output).RootElement;
        Assert.Equal("FAILED", document.GetProperty("verification_status").GetString());
        Assert.NotEqual("", document.GetProperty("findings")[0].GetProperty("place").GetString());
        Assert.Contains(document.GetProperty("checks").EnumerateArray(), static check => check.GetProperty("status").GetString() == "failed");
    }

    [Fact]
    public async Task With_json_the_document_holds_every_check_and_the_key_that_was_relied_on()
    {
        var result = await CliInside.RunAsync(["verify", "-", "--key", KeyOf("seed-run"), "--json"], File.ReadAllBytes(Bundle("seed-run")));
        Assert.Equal(0, result.ExitCode);
        Snapshot.Matches("verify-json", result.Output);
    }

    [Fact]
    public async Task Findings_beyond_some_are_counted()
    {
        var bundle = JsonNode.Parse(File.ReadAllBytes(Bundle("forty-steps")))!;
        foreach (var step in bundle["steps"]!.AsArray())
            step!["note"] = 1;
        var result = await CliInside.RunAsync(["verify", _folder.Write("b", bundle.ToJsonString())]);
        Assert.Equal(10, result.ExitCode);
        Assert.EndsWith("… and 15 more\n", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_libcrypto_it_says_so_and_nothing_is_verified()
    {
        var result = await CliInside.RunAsync(["verify", Bundle("seed-run"), "--key", KeyOf("seed-run")], verifierOf: static key => new Unavailable(key));
        Assert.Equal(5, result.ExitCode);
        Assert.Contains("no libcrypto here", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_trust_file_is_keys_or_a_policy_and_a_policys_quorum_is_a_check()
    {
        var seeds = JsonNode.Parse(File.ReadAllBytes(Vectors.PathOf("generated-tlog/proofs.json")))!;
        var (log, witnesses) = (seeds["log_vkey"]!.GetValue<string>(), seeds["witness_vkeys"]!.AsArray().Select(static key => key!.GetValue<string>()).ToArray());
        var sample = seeds["inclusion"]!.AsArray()[^1]!;
        var (proof, entry) = (_folder.Write("p", sample["proof"]!.GetValue<string>()), _folder.Write("e", sample["entry"]!.GetValue<string>()));
        var keys = _folder.Write("keys", $"# the log\n\n{KeyOf("seed-run")}\n{log}\n");
        Assert.Equal(0, (await CliInside.RunAsync(["verify", proof, "--entry", entry, "--trust", keys])).ExitCode);
        var lines = $"log {log}\n" + string.Concat(witnesses.Select((key, i) => $"witness w{i + 1} {key}\n"));
        foreach (var row in seeds["policies"]!.AsArray().Where(static row => row!["quorum"]!.GetValue<string>() is "none" or "w1" or "w3"))
        {
            var policy = _folder.Write("policy", $"{lines}quorum {row!["quorum"]}\n");
            var result = await CliInside.RunAsync(["verify", proof, "--entry", entry, "--trust", policy, "--json"]);
            Assert.Equal(row["result"]!.GetValue<string>() == "valid" ? 0 : 10, result.ExitCode);
            Assert.Contains("WITNESS_QUORUM", result.Output, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task An_entry_is_proved_by_its_exact_bytes()
    {
        var log = JsonNode.Parse(File.ReadAllBytes(Bundle("tree-7")))!["log"]!;
        var (proof, entry) = (_folder.Write("x.tlog-proof", log["proof"]!.GetValue<string>()), _folder.Write("e", log["entry"]!.GetValue<string>()));
        Assert.Equal(0, (await CliInside.RunAsync(["verify", proof, "--entry", entry, "--key", KeyOf("tree-7")])).ExitCode);
        Assert.Equal(5, (await CliInside.RunAsync(["verify", proof, "--entry", entry])).ExitCode);
        var other = await CliInside.RunAsync(["verify", proof, "--entry", _folder.Write("e2", log["entry"]!.GetValue<string>() + "\n"), "--key", KeyOf("tree-7")]);
        Assert.Equal(10, other.ExitCode);
        Assert.Contains("without its last line end", other.Output, StringComparison.Ordinal);
        Assert.Equal(2, (await CliInside.RunAsync(["verify", proof])).ExitCode);
        Assert.Equal(2, (await CliInside.RunAsync(["verify", Bundle("tree-7"), "--entry", entry])).ExitCode);
    }

    [Fact]
    public async Task A_checkpoint_is_verified_by_itself()
    {
        var signer = Signer("log.test/t", 1);
        var file = _folder.Write("checkpoint", Signed(signer, 3, MerkleTree.LeafHash("x"u8)).ToString());
        Assert.Equal(0, (await CliInside.RunAsync(["verify", file, "--key", signer.ToString()])).ExitCode);
        Assert.Equal(10, (await CliInside.RunAsync(["verify", file, "--key", Signer("log.test/t", 2).ToString()])).ExitCode);
        Assert.Equal(5, (await CliInside.RunAsync(["verify", file])).ExitCode);
        var empty = _folder.Write("empty", Signed(signer, 0, MerkleTree.LeafHash("x"u8)).ToString());
        Assert.Equal(10, (await CliInside.RunAsync(["verify", empty, "--key", signer.ToString()])).ExitCode);
    }

    [Fact]
    public async Task A_fork_proof_convicts_the_log_and_a_changed_one_nobody()
    {
        var signer = Signer("log.test/t", 1);
        var (a, b) = (Signed(signer, 1, MerkleTree.LeafHash("a"u8)), Signed(signer, 1, MerkleTree.LeafHash("b"u8)));
        var proof = new ForkProof(a, b, MerkleTree.LeafHash("b"u8), []);
        var file = _folder.Write("fork", proof.ToJson());
        var result = await CliInside.RunAsync(["verify", file, "--key", signer.ToString()]);
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("two histories", result.Output, StringComparison.Ordinal);
        Assert.Equal(5, (await CliInside.RunAsync(["verify", file])).ExitCode);
        foreach (var changed in new[] { proof with { RootAtOlderSize = MerkleTree.LeafHash("a"u8) }, proof with { Newer = a }, proof with { Newer = Signed(Signer("log.test/t", 2), 1, MerkleTree.LeafHash("b"u8)) } })
            Assert.Equal(10, (await CliInside.RunAsync(["verify", _folder.Write("changed", changed.ToJson()), "--key", signer.ToString()])).ExitCode);
        Assert.Equal(10, (await CliInside.RunAsync(["verify", _folder.Write("short", "{\"format\":\"runproof-fork/v1\"}")])).ExitCode);
    }

    [Fact]
    public async Task A_statement_in_an_envelope_is_verified_with_the_logs_key()
    {
        var (bundle, signer) = Resigned();
        var envelope = DsseEnvelope.Sign(RunStatement.PayloadType, RunStatement.Of(bundle).ToPayload(), signer);
        var file = _folder.Write("a.intoto.json", envelope.ToJson());
        Assert.Equal(0, (await CliInside.RunAsync(["verify", file, "--key", signer.ToString()])).ExitCode);
        Assert.Equal(5, (await CliInside.RunAsync(["verify", file])).ExitCode);
        Assert.Equal(10, (await CliInside.RunAsync(["verify", file, "--key", Signer(signer.Key.Name, 9).ToString()])).ExitCode);
        var other = DsseEnvelope.Sign("application/vnd.other+json", "{}"u8.ToArray(), signer);
        Assert.Equal(5, (await CliInside.RunAsync(["verify", _folder.Write("o", other.ToJson()), "--key", signer.ToString()])).ExitCode);
    }

    [Fact]
    public async Task One_step_is_verified_alone()
    {
        var (bundle, _) = (Read("forty-steps"), 0);
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        StepDisclosure.Of(bundle, 7).Write(buffer);
        var result = await CliInside.RunAsync(["verify", _folder.Write("step", buffer.WrittenSpan.ToArray()), "--key", KeyOf("forty-steps")]);
        Assert.Equal(0, result.ExitCode);
        Snapshot.Matches("verify-step", result.Output);
    }

    [Fact]
    public async Task A_withheld_payload_comes_from_a_folder_and_is_held_against_its_commitment()
    {
        var whole = JsonNode.Parse(File.ReadAllBytes(Bundle("forty-steps")))!;
        var payloads = whole["payloads"]!.AsObject();
        var (commitment, payload) = payloads.First();
        var content = payload!.ToJsonString();
        payloads.Remove(commitment);
        var bundle = _folder.Write("b", whole.ToJsonString());
        var folder = Path.Combine(_folder.Root, "payloads");
        Assert.Equal(2, (await CliInside.RunAsync(["verify", bundle, "--payload-dir", folder])).ExitCode);
        _folder.Write($"payloads/{new string('0', 64)}.json", "of another run");
        Assert.Contains("payloads not shown  1\n", (await Verify()).Output, StringComparison.Ordinal);
        _folder.Write($"payloads/{commitment}.json", content);
        Assert.Contains("payloads not shown  0\n", (await Verify()).Output, StringComparison.Ordinal);
        _folder.Write($"payloads/{commitment}.json", content.Replace("\"text\":\"", "\"text\":\"!", StringComparison.Ordinal));
        var changed = await Verify();
        Assert.Equal(10, changed.ExitCode);
        Assert.Contains("PAYLOAD_MISMATCH", changed.Output, StringComparison.Ordinal);
        _folder.Write($"payloads/{commitment}.json", "{\"salt\":1}");
        Assert.Equal(2, (await Verify()).ExitCode);

        async Task<CliResult> Verify() => await CliInside.RunAsync(["verify", bundle, "--payload-dir", folder, "--key", KeyOf("forty-steps")]);
    }

    public static TheoryData<string, string> Unreadable => new()
    {
        { "", "it is empty" },
        { "\u0001binary \u0000", "neither JSON nor a signed note" },
        { "hello\n", "neither JSON nor a signed note" },
        { "{", "not JSON, or was cut short" },
        { "{\"format\":\"runproof/v1\",\"header\":{\"agent", "not JSON, or was cut short" },
        { "{\"format\":\"spdx\"}", "JSON of the format \"spdx\"" },
        { "{\"\\ud800\":1}", "JSON of another kind" },
        { "[]", "neither JSON nor a signed note" },
        { "{\"payloadType\":1,\"signatures\":2}", "envelope cannot be read" },
    };

    [Theory]
    [MemberData(nameof(Unreadable))]
    public async Task What_is_no_evidence_ends_with_2_and_says_what_it_is(string text, string complaint)
    {
        var result = await CliInside.RunAsync(["verify", _folder.Write("f", text)]);
        Assert.Equal((2, ""), (result.ExitCode, result.Output));
        Assert.Contains(complaint, result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("unexpected", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Binary_folders_missing_files_and_bad_keys_end_with_2()
    {
        foreach (var args in new string[][]
        {
            ["verify", _folder.Write("bin", [0xff, 0xfe, 0x00])], ["verify", _folder.Root], ["verify", Path.Combine(_folder.Root, "none")], ["verify", Bundle("seed-run"), "--key", "nonsense"],
            ["verify", Bundle("seed-run"), "--trust", _folder.Write("no-keys", "# none\n")], ["verify", Bundle("seed-run"), "--trust", _folder.Write("bad-policy", "log x\nquorum none\n")],
            ["verify", Bundle("seed-run"), "--key", KeyOf("seed-run"), "--trust", "x"], ["verify", Bundle("seed-run"), "--trust", _folder.Write("no-log", "quorum none\n")],
            ["verify", Bundle("seed-run"), "--key", NoteSigner.Create("w", NoteAlgorithm.CosignatureV1, new byte[32]).ToString()], ["verify", Bundle("seed-run"), "--payload-dir", "/nowhere"],
        })
        {
            var result = await CliInside.RunAsync(args);
            Assert.True(result.ExitCode == 2, string.Join(' ', args) + ": " + result.Output + result.Error);
            Assert.DoesNotContain("unexpected", result.Error, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("c2sp.org/tlog-proof@v1\nindex 0\n", "a tlog-proof has at most")]
    [InlineData("log.test/a\n1\n\n— a ", "a checkpoint has at most")]
    public async Task A_file_that_is_too_large_for_its_kind_ends_with_2(string head, string complaint)
    {
        var result = await CliInside.RunAsync(["verify", _folder.Write("large", head + new string('A', 5 << 20))]);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(complaint, result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_device_that_never_ends_is_refused()
    {
        if (!File.Exists("/dev/zero"))
            return;
        var result = await CliInside.RunAsync(["verify", Bundle("seed-run"), "--trust", "/dev/zero"]);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("longer than", result.Error, StringComparison.Ordinal);
    }

    /// <summary>A published bundle in a log of this test's, whose private key is at hand.</summary>
    private static (ProofBundle Bundle, NoteSigner Signer) Resigned()
    {
        var bundle = Read("seed-run");
        var signer = Signer("log.test/" + bundle.Header.TenantId, 1);
        var entry = Encoding.UTF8.GetBytes(bundle.Log!.Entry);
        var proof = new TlogProof(0, [], Signed(signer, 1, MerkleTree.LeafHash(entry)));
        return (bundle with { Log = new BundleLog(bundle.Log.Entry, proof.ToString(), signer.ToString()) }, signer);
    }

    private static NoteSigner Signer(string name, byte seed) => NoteSigner.Create(name, NoteAlgorithm.Ed25519, [.. Enumerable.Repeat(seed, 32)]);

    private static SignedNote Signed(NoteSigner signer, long size, Digest root)
    {
        var text = new Checkpoint(signer.Key.Name, size, root).Text;
        return new SignedNote(text, [signer.Sign(text, default)]);
    }

    private static ProofBundle Read(string name) => BundleReader.TryRead(File.ReadAllBytes(Bundle(name)), out var bundle, out _) ? bundle : throw new InvalidOperationException(name);

    private static string Bundle(string name) => Path.GetRelativePath(Environment.CurrentDirectory, Vectors.PathOf($"runproof/bundles/{name}.json"));

    private static string KeyOf(string name) => JsonNode.Parse(File.ReadAllBytes(Bundle(name)))!["log"]!["public_key"]!.GetValue<string>();

    private sealed class Unavailable(NoteKey key) : INoteVerifier
    {
        public NoteKey Key => key;

        public bool Verify(ReadOnlySpan<byte> text, ReadOnlySpan<byte> signature) => throw new PlatformNotSupportedException("no libcrypto here");
    }
}
