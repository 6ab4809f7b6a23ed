using System.Buffers;
using System.Text;
using System.Text.Json.Nodes;
using RunProof.Format;
using RunProof.Keys;

namespace RunProof.Verification.Tests;

/// <summary>Bundles of the independent implementation, and ours beside them (proof-format.md section 5).</summary>
public sealed class Bundles
{
    public static TheoryData<string> Names => [.. Files("bundles")];

    public static TheoryData<string> Tampered => [.. Files("tampered")];

    /// <summary>Where INDEX.tsv allows several places or names a record, the places of ours that are not among them, each with why.</summary>
    private static readonly Dictionary<string, string> OurPlace = new(StringComparer.Ordinal)
    {
        // The record, because the former value cannot be guessed.
        ["drop-last-step"] = "seal.chain_length",
        ["drop-middle-step"] = "steps[20]",
        ["swap-steps"] = "steps[3]",
        ["repeat-step"] = "steps[10]",
        ["step-schema"] = "steps[7]",
        // The link itself was changed, as the rest of the chain shows.
        ["link"] = "steps[11].link",
        ["header-format"] = "header.schema_version",
        // By the member's whole path.
        ["log-other-tenant"] = "log.public_key",
        // The payload by the step that it belongs to.
        ["payload-text"] = "steps[2].params",
        ["payload-salt"] = "steps[2].params",
    };

    [Theory]
    [MemberData(nameof(Names))]
    public void A_bundle_is_verified_with_the_logs_key_and_not_without(string name)
    {
        var file = Read("bundles", name);
        var awaits = JsonNode.Parse(file)!["log"] is null;
        var report = BundleVerifier.Verify(file, awaits ? new BundleOptions() : Trusting(file));
        Assert.True(report.Findings.Count == (awaits ? 1 : 0), string.Join('\n', report.Findings));
        Assert.Equal(awaits ? "UNSUPPORTED" : "VERIFIED", report.Verdict.Name);
        Assert.Equal(name == "withheld-payloads", report.PayloadsNotShown > 0);
        Assert.Equal("UNSUPPORTED", BundleVerifier.Verify(file, new BundleOptions()).Verdict.Name);
        if (awaits)
            return;
        var own = BundleVerifier.Verify(file, new BundleOptions { VerifierOf = Verifier });
        Assert.Equal("UNSUPPORTED", own.Verdict.Name);
        Assert.Equal(FindingCodes.LogNotChecked, own.Findings[0].Code);
        Assert.Null(own.SignedBy);
    }

    /// <summary>The checkpoint under which a log is handed over has two signatures, and a bundle names one of the keys.</summary>
    [Theory]
    [InlineData(0, new[] { 0 }, "VERIFIED")]
    [InlineData(0, new[] { 0, 1 }, "VERIFIED")]
    [InlineData(1, new[] { 0, 1 }, "VERIFIED")]
    [InlineData(1, new[] { 0 }, "VERIFIED")]
    [InlineData(0, new[] { 1 }, "VERIFIED")]
    [InlineData(2, new[] { 0, 1 }, "FAILED")]
    public void At_a_hand_over_either_key_will_do_and_a_third_will_not(int named, int[] trusted, string verdict)
    {
        var bundle = BuiltBundle.From("tree-9");
        Assert.True(TlogProof.TryParse(bundle.Log!.Proof, out var proof, out _));
        var name = proof.Checkpoint.Signatures[0].Name;
        NoteSigner[] signers = [.. Enumerable.Range(0, 3).Select(i => NoteSigner.Create(name, NoteAlgorithm.Ed25519, Enumerable.Repeat((byte)i, 32).ToArray()))];
        var note = new SignedNote(proof.Checkpoint.Text, [signers[0].Sign(proof.Checkpoint.Text, default), signers[1].Sign(proof.Checkpoint.Text, default)]);
        var handedOver = bundle with { Log = bundle.Log with { Proof = (proof with { Checkpoint = note }).ToString(), PublicKey = signers[named].ToString() } };
        var report = BundleVerifier.Verify(Encoding.UTF8.GetBytes(Text(handedOver)), new BundleOptions { TrustedKeys = [.. trusted.Select(i => Verifier(signers[i].Key)!)], VerifierOf = Verifier });
        Assert.True(report.Verdict.Name == verdict, string.Join('\n', report.Findings));
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void What_went_into_a_bundle_gives_it_again_to_the_byte(string name) =>
        Assert.Equal(Encoding.UTF8.GetString(Canonicalizer.Canonicalize(Read("bundles", name), NumberRule.Exact)), Text(BuiltBundle.From(name)));

    [Theory]
    [MemberData(nameof(Names))]
    public void A_bundle_that_was_read_is_written_as_it_was(string name)
    {
        Assert.True(BundleReader.TryRead(Read("bundles", name), out var bundle, out var faults), string.Join('\n', faults));
        Assert.Equal(Encoding.UTF8.GetString(Canonicalizer.Canonicalize(Read("bundles", name), NumberRule.Exact)), Text(bundle));
    }

    [Theory]
    [MemberData(nameof(Tampered))]
    public void A_tampered_bundle_is_refused_at_its_place(string name)
    {
        var report = BundleVerifier.Verify(Read("tampered", name), Trusting(Read("bundles", "forty-steps")));
        Assert.Equal("FAILED", report.Verdict.Name);
        var place = report.Findings[0].Place;
        if (OurPlace.TryGetValue(name, out var ours))
        {
            Assert.Equal(ours, place);
            return;
        }

        var allowed = Index()[name].Split(" or ").Select(static where => where == "payloads" ? "payloads[" : where);
        Assert.True(allowed.Any(named => named == place || named.StartsWith(place + ".", StringComparison.Ordinal) || place.StartsWith(named + ".", StringComparison.Ordinal) || (named.EndsWith('[') && place.StartsWith(named, StringComparison.Ordinal))), $"{place} is none of {Index()[name]}");
    }

    [Fact]
    public void The_index_names_every_tampered_bundle() => Assert.Equal(Files("tampered").Order(StringComparer.Ordinal), Index().Keys.Order(StringComparer.Ordinal));

    [Fact]
    public void Another_key_than_the_logs_verifies_nothing()
    {
        var file = Read("bundles", "seed-run");
        var stranger = Verifier(NoteSigner.Create(Key(file).Name, NoteAlgorithm.Ed25519, new byte[32]).Key)!;
        var report = BundleVerifier.Verify(file, new BundleOptions { TrustedKeys = [stranger] });
        Assert.Equal("FAILED", report.Verdict.Name);
        Assert.Equal(("checkpoint", "checkpoint: none of its signatures is by a known key"), (report.Findings[0].Place, report.Findings[0].Message));
    }

    [Fact]
    public void Without_the_means_to_verify_a_signature_nothing_is_verified()
    {
        var report = BundleVerifier.Verify(Read("bundles", "seed-run"), new BundleOptions { TrustedKeys = [new Unavailable(Key(Read("bundles", "seed-run")))] });
        Assert.Equal("UNSUPPORTED", report.Verdict.Name);
        Assert.Contains("no libcrypto here", report.Findings.Single().Message, StringComparison.Ordinal);
    }

    /// <summary>One byte of a bundle changed: it is no longer verified, unless the bytes still say the same (white space, a JSON escape).</summary>
    [Fact]
    public void No_change_of_one_byte_is_verified_as_another_bundle()
    {
        var file = Read("bundles", "tree-3");
        var options = Trusting(file);
        Assert.True(BundleReader.TryRead(file, out var original, out _));
        var text = Text(original);
        var random = new Random(7);
        for (var round = 0; round < 2_000; round++)
        {
            var changed = file.ToArray();
            changed[random.Next(changed.Length)] ^= (byte)(1 << random.Next(8));
            var report = BundleVerifier.Verify(changed, options);
            if (report.Verdict.Status is VerificationStatus.Verified)
                Assert.Equal(text, Text(report.Bundle!));
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"format\":1,\"format\":1}")]
    [InlineData("{\"\\ud800\":1}")]
    [InlineData("{\"format\":null,\"header\":null,\"links\":null,\"log\":5,\"payloads\":null,\"root_hash\":null,\"seal\":null,\"steps\":null}")]
    [InlineData("{\"format\":\"runproof/v1\",\"header\":{},\"links\":[1],\"log\":{},\"payloads\":{\"a\":1},\"root_hash\":\"\",\"seal\":[],\"steps\":[[]]}")]
    public void What_is_no_bundle_gives_findings(string text)
    {
        var report = BundleVerifier.Verify(Encoding.UTF8.GetBytes(text), new BundleOptions());
        Assert.Equal("FAILED", report.Verdict.Name);
        Assert.All(report.Findings, static finding => Assert.Equal(FindingCodes.BundleMalformed, finding.Code));
    }

    [Fact]
    public void A_file_of_very_many_tiny_values_is_refused_before_it_costs_memory()
    {
        var bytes = new byte[60_000_000];
        for (var i = 0; i < bytes.Length; i++)
            bytes[i] = (byte)(i % 2 == 0 ? '1' : ',');
        "{\"links\":["u8.CopyTo(bytes);
        "1]}"u8.CopyTo(bytes.AsSpan(^3));
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.False(BundleReader.TryRead(bytes, out _, out var faults));
        Assert.EndsWith("JSON tokens", Assert.Single(faults).Message, StringComparison.Ordinal);
        Assert.True(GC.GetAllocatedBytesForCurrentThread() - before < 1_000_000);
    }

    [Fact]
    public void Each_member_removed_added_or_of_another_type_is_named()
    {
        var root = JsonNode.Parse(Read("bundles", "seed-run"))!.AsObject();
        foreach (var (find, place) in new (Func<JsonNode?>, string)[] { (() => root, ""), (() => root["header"], "header."), (() => root["seal"], "seal."), (() => root["steps"]![0], "steps[0]."), (() => root["log"], "log.") })
        {
            var record = find()!.AsObject();
            foreach (var (name, value) in record.ToList())
            {
                record.Remove(name);
                Assert.Equal(place + name, Refused(root));
                record[name] = new JsonObject { ["odd"] = 1 };
                Assert.StartsWith(place + name, Refused(root), StringComparison.Ordinal);
                record[name] = value?.DeepClone();
            }

            record["stranger"] = 1;
            Assert.Equal(place + "stranger", Refused(root));
            record.Remove("stranger");
        }

        Assert.Equal("VERIFIED", BundleVerifier.Verify(Encoding.UTF8.GetBytes(root.ToJsonString()), Trusting(Read("bundles", "seed-run"))).Verdict.Name);
    }

    private static string Refused(JsonObject bundle)
    {
        var report = BundleVerifier.Verify(Encoding.UTF8.GetBytes(bundle.ToJsonString()), new BundleOptions());
        Assert.Equal("FAILED", report.Verdict.Name);
        return report.Findings[0].Place;
    }

    private static BundleOptions Trusting(byte[] file) => new() { TrustedKeys = [Verifier(Key(file))!] };

    private static NoteKey Key(byte[] file)
    {
        Assert.True(NoteKey.TryParse(JsonNode.Parse(file)!["log"]?["public_key"]?.GetValue<string>(), out var key, out var problem), problem);
        return key;
    }

    private static INoteVerifier? Verifier(NoteKey key) => NoteVerifier.TryCreate(key, out var verifier, out _) ? verifier : null;

    private static string Text(ProofBundle bundle)
    {
        var buffer = new ArrayBufferWriter<byte>();
        bundle.Write(buffer);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static byte[] Read(string folder, string name) => File.ReadAllBytes(Path.Combine(Evidence.Vectors, folder, name + ".json"));

    private static string[] Files(string folder) =>
        [.. Directory.GetFiles(Path.Combine(Evidence.Vectors, folder), "*.json").Select(static path => Path.GetFileNameWithoutExtension(path)!).Order(StringComparer.Ordinal)];

    private static Dictionary<string, string> Index() => File.ReadAllLines(Path.Combine(Evidence.Vectors, "tampered", "INDEX.tsv")).Skip(1)
        .Select(static line => line.Split('\t')).ToDictionary(static row => row[0], static row => row[1], StringComparer.Ordinal);

    private sealed class Unavailable(NoteKey key) : INoteVerifier
    {
        public NoteKey Key => key;

        public bool Verify(ReadOnlySpan<byte> text, ReadOnlySpan<byte> signature) => throw new PlatformNotSupportedException("no libcrypto here");
    }
}
