using System.Linq;
using System.Security.Cryptography;
using System.Text;

namespace RunProof.Generators;

/// <summary>SHA-256 as fingerprints are written.</summary>
internal static class LockHash
{
    /// <summary>Of a text in UTF-8: 64 lower-case hex digits.</summary>
    public static string Of(string text)
    {
        using var sha = SHA256.Create();
        var digits = new StringBuilder(64);
        foreach (var value in sha.ComputeHash(Encoding.UTF8.GetBytes(text)))
            digits.Append("0123456789abcdef"[value >> 4]).Append("0123456789abcdef"[value & 15]);
        return digits.ToString();
    }

    public static bool IsOne(string text) => text.Length == 64 && text.All(static c => c is (>= '0' and <= '9') or (>= 'a' and <= 'f'));
}
