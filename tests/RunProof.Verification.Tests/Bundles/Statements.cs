using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using RunProof.Format;
using RunProof.Keys;

namespace RunProof.Verification.Tests;

/// <summary>In-toto statements on traces, in signed envelopes.</summary>
public sealed class Statements
{
    [Fact]
    public void A_statement_is_in_toto_v1_and_its_subject_is_the_trace()
    {
        var bundle = Read("forty-steps");
        using var document = JsonDocument.Parse(RunStatement.Of(bundle).ToPayload());
        var json = document.RootElement;
        Assert.Equal("https://in-toto.io/Statement/v1", json.GetProperty("_type").GetString());
        Assert.Equal("urn:runproof:attestation:run:v1", json.GetProperty("predicateType").GetString());
        var subject = Assert.Single(json.GetProperty("subject").EnumerateArray());
        Assert.Equal(bundle.RootHash.ToString(), subject.GetProperty("digest").GetProperty("sha256").GetString());
        Assert.Equal(bundle.Header.TraceId.Value, subject.GetProperty("name").GetString());
        Assert.Equal(bundle.Seal.ChainLength, json.GetProperty("predicate").GetProperty("seal").GetProperty("chain_length").GetInt32());
        var payload = RunStatement.Of(bundle).ToPayload();
        Assert.Equal(Encoding.UTF8.GetString(Canonicalizer.Canonicalize(payload, NumberRule.Exact)), Encoding.UTF8.GetString(payload));
        Assert.Throws<ArgumentException>(() => RunStatement.Of(Read("awaiting-inclusion")));
    }

    [Fact]
    public void A_signed_statement_is_verified_and_every_field_changed_is_refused_though_signed()
    {
        var bundle = Read("tree-9");
        var key = Key(bundle);
        var payload = RunStatement.Of(bundle).ToPayload();
        var options = new BundleOptions { TrustedKeys = [key] };
        var signed = new EnvelopeSigners([key.Key]);
        Assert.Equal("VERIFIED", StatementVerifier.Verify(RunStatement.PayloadType, payload, signed, options).Verdict.Name);
        Assert.Equal("FAILED", StatementVerifier.Verify(RunStatement.PayloadType, payload, new EnvelopeSigners([]), options).Verdict.Name);
        Assert.Equal("UNSUPPORTED", StatementVerifier.Verify(RunStatement.PayloadType, payload, new EnvelopeSigners([], "no libcrypto"), options).Verdict.Name);
        Assert.Equal("UNSUPPORTED", StatementVerifier.Verify(RunStatement.PayloadType, payload, new EnvelopeSigners([]), new BundleOptions()).Verdict.Name);
        Assert.Equal("UNSUPPORTED", StatementVerifier.Verify("application/json", payload, signed, options).Verdict.Name);
        var root = JsonNode.Parse(payload)!;
        foreach (var (change, undo, path) in StepFiles.Changes(root, ""))
        {
            change();
            var report = StatementVerifier.Verify(RunStatement.PayloadType, Encoding.UTF8.GetBytes(root.ToJsonString()), signed, options);
            // Another type of predicate is another statement, about which nothing is known.
            Assert.True(report.Verdict.Status == (path.StartsWith(".predicateType", StringComparison.Ordinal) ? VerificationStatus.Unsupported : VerificationStatus.Failed), $"{path}: {report.Verdict}");
            undo();
        }
    }

    [Fact]
    public void A_trusted_key_of_another_log_has_no_say_about_this_one()
    {
        var bundle = Read("tree-9");
        var (key, other) = (Key(bundle), NoteVerifier.Parse(NoteSigner.Create("log.test/other", NoteAlgorithm.Ed25519, new byte[32]).Key.ToString()));
        var report = StatementVerifier.Verify(RunStatement.PayloadType, RunStatement.Of(bundle).ToPayload(), new EnvelopeSigners([other.Key]), new BundleOptions { TrustedKeys = [key, other] });
        var finding = Assert.Single(report.Findings);
        Assert.Equal(("FAILED", FindingCodes.EnvelopeRefused), (report.Verdict.Name, finding.Code));
        Assert.Contains(key.Key.Name, finding.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void An_envelope_is_signed_over_type_and_bytes()
    {
        var signer = NoteSigner.Create("log.test/a", NoteAlgorithm.Ed25519, new byte[32]);
        var envelope = DsseEnvelope.Sign("a/b", "text"u8.ToArray(), signer);
        using var document = JsonDocument.Parse(envelope.ToJson());
        Assert.True(DsseEnvelope.TryParse(document.RootElement, out var read, out var problem), problem);
        Assert.Equal(1, read.CountSigners([DsseVerifier.Of(signer.Key)]));
        Assert.Equal(0, (read with { PayloadType = "a/c" }).CountSigners([DsseVerifier.Of(signer.Key)]));
        Assert.Equal(0, (read with { Payload = "texu"u8.ToArray() }).CountSigners([DsseVerifier.Of(signer.Key)]));
        Assert.Throws<ArgumentException>(() => DsseEnvelope.Sign("a/b", default, NoteSigner.Create("w", NoteAlgorithm.CosignatureV1, new byte[32])));
    }

    private static INoteVerifier Key(ProofBundle bundle) => NoteVerifier.Parse(bundle.Log!.PublicKey);

    private static ProofBundle Read(string name)
    {
        Assert.True(BundleReader.TryRead(File.ReadAllBytes(Path.Combine(Evidence.Vectors, "bundles", name + ".json")), out var bundle, out _));
        return bundle;
    }
}
