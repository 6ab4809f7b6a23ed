using System.Text;

namespace RunProof.Keys.Tests;

/// <summary>Ed25519 against Wycheproof, RFC 8032 and the edge cases of C2SP/CCTV: which of them are refused is decided here.</summary>
public sealed class Ed25519Vectors
{
    [Fact]
    public void Wycheproof_is_answered_as_published()
    {
        var (valid, invalid) = (0, 0);
        foreach (var group in Vectors.Json("wycheproof", "ed25519_test.json").GetProperty("testGroups").EnumerateArray())
        {
            var key = group.GetProperty("publicKey").Hex("pk");
            foreach (var vector in group.GetProperty("tests").EnumerateArray())
            {
                var expected = vector.Text("result") == "valid";
                Assert.True(expected == Ed25519.Verify(key, vector.Hex("msg"), vector.Hex("sig")), vector.ToString());
                _ = expected ? valid++ : invalid++;
            }
        }

        Assert.Equal((88, 63), (valid, invalid));
    }

    /// <summary>
    /// Non-canonical encodings and keys of small order are refused; a residue of small order is refused too, as the equation is checked without the cofactor.
    /// What is left is accepted: RFC 8032 is silent on it, and OpenSSL accepts it.
    /// </summary>
    [Fact]
    public void Every_edge_case_of_points_is_decided()
    {
        var accepted = 0;
        foreach (var vector in Vectors.Json("cctv-ed25519", "ed25519", "ed25519vectors.json").EnumerateArray())
        {
            var flags = vector.GetProperty("flags") is { ValueKind: System.Text.Json.JsonValueKind.Array } given ? given.EnumerateArray().Select(static flag => flag.GetString()).ToHashSet() : [];
            var expected = !flags.Overlaps(["non_canonical_A", "non_canonical_R", "low_order_A", "low_order_residue", "reencoded_k"]);
            Assert.True(expected == Ed25519.Verify(vector.Hex("key"), Encoding.UTF8.GetBytes(vector.Text("msg")), vector.Hex("sig")), vector.ToString());
            accepted += expected ? 1 : 0;
        }

        Assert.NotEqual(0, accepted);
    }

    /// <summary>RFC 8032 section 7.1.</summary>
    [Theory]
    [InlineData("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "", "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b")]
    [InlineData("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72", "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")]
    [InlineData("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82", "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a")]
    public void The_signatures_of_the_standard_are_made_and_verified(string seed, string publicKey, string text, string signature)
    {
        Assert.Equal(publicKey, Convert.ToHexStringLower(Ed25519.PublicKey(Convert.FromHexString(seed))));
        Assert.Equal(signature, Convert.ToHexStringLower(Ed25519.Sign(Convert.FromHexString(seed), Convert.FromHexString(text))));
        Assert.True(Ed25519.Verify(Convert.FromHexString(publicKey), Convert.FromHexString(text), Convert.FromHexString(signature)));
    }

    [Fact]
    public void Any_length_of_key_and_signature_is_answered()
    {
        var key = Ed25519.PublicKey(new byte[32]);
        var signature = Ed25519.Sign(new byte[32], "text"u8);
        for (var length = 0; length < 100; length++)
        {
            Assert.Equal(length == 64, Ed25519.Verify(key, "text"u8, [.. signature.Concat(new byte[40]).Take(length)]));
            Assert.Equal(length == 32, Ed25519.Verify([.. key.Concat(new byte[80]).Take(length)], "text"u8, signature));
        }

        Assert.Throws<ArgumentException>(() => Ed25519.Sign(new byte[31], []));
    }
}
