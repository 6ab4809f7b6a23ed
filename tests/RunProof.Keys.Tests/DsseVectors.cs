using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using RunProof.Format;

namespace RunProof.Keys.Tests;

/// <summary>DSSE 1.0.2: the protocol's vectors, Wycheproof's signatures of that form, and envelopes of ours.</summary>
public sealed class DsseVectors
{
    private static readonly JsonElement Published = Vectors.Json("dsse", "dsse.json");

    [Fact]
    public void What_is_signed_is_that_of_the_vectors()
    {
        foreach (var vector in Published.GetProperty("pae").EnumerateArray())
            Assert.Equal(vector.Text("pae_base64"), Convert.ToBase64String(DsseEnvelope.PreAuthenticationEncoding(vector.Text("type"), vector.GetProperty("body_base64").GetBytesFromBase64())));
    }

    [Fact]
    public void The_published_envelope_verifies_in_both_alphabets_and_no_change_of_it_does()
    {
        using var key = ECDsa.Create(new ECParameters { Curve = ECCurve.NamedCurves.nistP256, Q = new ECPoint { X = Published.GetProperty("key").Hex("x_hex"), Y = Published.GetProperty("key").Hex("y_hex") } });
        var verifier = DsseVerifier.Of(key);
        var text = Published.GetProperty("envelope").GetRawText();
        var envelope = Parse(text);
        Assert.Equal("hello world", Encoding.UTF8.GetString(envelope.Payload.Span));
        Assert.Equal(1, envelope.CountSigners([verifier, verifier]));
        Assert.Equal(1, Parse(UrlSafe(text)).CountSigners([verifier]));
        Assert.Equal(0, (envelope with { PayloadType = "http://example.com/HelloWorlds" }).CountSigners([verifier]));
        Assert.Equal(0, (envelope with { Payload = "hello World"u8.ToArray() }).CountSigners([verifier]));
        Assert.Equal(0, envelope.CountSigners([]));
    }

    [Fact]
    public void An_envelope_of_ours_is_read_again_and_a_key_counts_once()
    {
        var signer = NoteSigner.Create("log.test/a", NoteAlgorithm.Ed25519, new byte[32]);
        var signature = Ed25519.Sign(new byte[32], DsseEnvelope.PreAuthenticationEncoding("application/vnd.in-toto+json", "{}"u8));
        var envelope = new DsseEnvelope("application/vnd.in-toto+json", "{}"u8.ToArray(), [new DsseSignature(signature, "a"), new DsseSignature(signature, null)]);
        var read = Parse(Encoding.UTF8.GetString(envelope.ToJson()));
        Assert.Equal(1, read.CountSigners([DsseVerifier.Of(signer.Key)]));
        Assert.Equal(["a", null], read.Signatures.Select(static line => line.KeyId));
        Assert.Equal(envelope.ToJson(), read.ToJson());
        Assert.Throws<ArgumentException>(() => DsseVerifier.Of(NoteSigner.Create("w", NoteAlgorithm.CosignatureV1, new byte[32]).Key));
    }

    [Theory]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("{\"payload\":\"e30=\",\"payloadType\":\"t\",\"signatures\":[]}")]
    [InlineData("{\"payload\":\"e30\",\"payloadType\":\"t\",\"signatures\":[{\"sig\":\"AAAA\"}]}")]
    [InlineData("{\"payload\":\"e3 0=\",\"payloadType\":\"t\",\"signatures\":[{\"sig\":\"AAAA\"}]}")]
    [InlineData("{\"payload\":\"e31=\",\"payloadType\":\"t\",\"signatures\":[{\"sig\":\"AAAA\"}]}")]
    [InlineData("{\"payload\":\"e30=\",\"payloadType\":5,\"signatures\":[{\"sig\":\"AAAA\"}]}")]
    [InlineData("{\"payload\":\"e30=\",\"payloadType\":\"\\ud800\",\"signatures\":[{\"sig\":\"AAAA\"}]}")]
    [InlineData("{\"payload\":\"e30=\",\"payloadType\":\"t\",\"signatures\":[5]}")]
    [InlineData("{\"payload\":\"e30=\",\"payloadType\":\"t\",\"signatures\":[{\"keyid\":\"a\"}]}")]
    public void What_is_no_envelope_is_refused(string json)
    {
        using var document = JsonDocument.Parse(json);
        Assert.False(DsseEnvelope.TryParse(document.RootElement, out _, out var problem));
        Assert.NotEmpty(problem);
    }

    [Fact]
    public void Wycheproof_of_ecdsa_is_answered_as_published()
    {
        var answered = 0;
        foreach (var group in Vectors.Json("wycheproof", "ecdsa_secp256r1_sha256_p1363_test.json").GetProperty("testGroups").EnumerateArray())
        {
            using var key = ECDsa.Create();
            key.ImportSubjectPublicKeyInfo(group.Hex("publicKeyDer"), out _);
            foreach (var vector in group.GetProperty("tests").EnumerateArray())
            {
                Assert.True((vector.Text("result") == "valid") == DsseVerifier.Of(key).Verify(vector.Hex("msg"), vector.Hex("sig")), vector.ToString());
                answered++;
            }
        }

        Assert.Equal(262, answered);
    }

    /// <summary>The signature alone: the type is an URL.</summary>
    private static string UrlSafe(string json)
    {
        var signature = Published.GetProperty("envelope").GetProperty("signatures")[0].Text("sig");
        return json.Replace(signature, signature.Replace('+', '-').Replace('/', '_'), StringComparison.Ordinal);
    }

    private static DsseEnvelope Parse(string json)
    {
        using var document = JsonDocument.Parse(json);
        Assert.True(DsseEnvelope.TryParse(document.RootElement, out var envelope, out var problem), problem);
        return envelope;
    }
}
