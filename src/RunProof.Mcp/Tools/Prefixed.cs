using System.Security.Cryptography;
using RunProof.Format;

namespace RunProof.Mcp;

/// <summary>Digests that say what they are of.</summary>
internal static class Prefixed
{
    internal static Digest Hash(ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> data)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(prefix);
        hash.AppendData(data);
        return new Digest(hash.GetHashAndReset());
    }
}
