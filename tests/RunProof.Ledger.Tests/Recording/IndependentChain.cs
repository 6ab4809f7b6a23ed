using System.Security.Cryptography;
using System.Text;

namespace RunProof.Ledger.Tests;

/// <summary>The chain as proof-format.md section 3 says it, from texts written by hand: nothing of the code under test takes part.</summary>
internal static class IndependentChain
{
    internal static string Commitment(byte[] salt, string text) => Hex([.. "runproof/v1/payload\n"u8, .. salt, .. Encoding.UTF8.GetBytes(text)]);

    internal static string Header(string canonical) => Hex([.. "runproof/v1/header\n"u8, .. Encoding.UTF8.GetBytes(canonical)]);

    internal static string Step(string previous, string canonical) =>
        Hex([.. "runproof/v1/step\n"u8, .. Convert.FromHexString(previous), .. Encoding.UTF8.GetBytes(canonical)]);

    internal static string Root(string last, string canonical) =>
        Hex([.. "runproof/v1/seal\n"u8, .. Convert.FromHexString(last), .. Encoding.UTF8.GetBytes(canonical)]);

    /// <summary>RFC 6962 section 2.1 by its recursive definition.</summary>
    internal static string TreeHash(IReadOnlyList<string> links)
    {
        if (links.Count == 0)
            return Hex([]);
        if (links.Count == 1)
            return Hex([0, .. Convert.FromHexString(links[0])]);
        var k = 1;
        while (k * 2 < links.Count)
            k *= 2;
        return Hex([1, .. Convert.FromHexString(TreeHash([.. links.Take(k)])), .. Convert.FromHexString(TreeHash([.. links.Skip(k)]))]);
    }

    private static string Hex(byte[] message) => Convert.ToHexStringLower(SHA256.HashData(message));
}
