using System.Security.Cryptography;

namespace RunProof.Format;

/// <summary>Where salts come from: 16 fresh bytes for each payload (proof-format.md section 2).</summary>
public interface ISaltSource
{
    /// <summary>Fills a salt.</summary>
    /// <param name="salt">16 bytes.</param>
    void Fill(Span<byte> salt);
}

/// <summary>Salts from the operating system's generator.</summary>
public sealed class RandomSaltSource : ISaltSource
{
    /// <inheritdoc/>
    public void Fill(Span<byte> salt) => RandomNumberGenerator.Fill(salt);
}

/// <summary>Commitments to payloads (proof-format.md section 2).</summary>
public static class Commitment
{
    /// <summary>Bytes of a salt.</summary>
    public const int SaltLength = 16;

    /// <summary>The commitment to a payload: H("runproof/v1/payload\n" ‖ salt ‖ payload).</summary>
    /// <param name="salt">16 bytes.</param>
    /// <param name="payload">The stored canonical bytes.</param>
    /// <returns>The commitment.</returns>
    public static Digest To(ReadOnlySpan<byte> salt, ReadOnlySpan<byte> payload)
    {
        var domain = "runproof/v1/payload\n"u8;
        var length = domain.Length + salt.Length + payload.Length;
        if (length > 4096)
            return ToLarge(salt, payload);
        Span<byte> message = stackalloc byte[length];
        domain.CopyTo(message);
        salt.CopyTo(message[domain.Length..]);
        payload.CopyTo(message[(domain.Length + salt.Length)..]);
        return Digest.Of(message);
    }

    private static Digest ToLarge(ReadOnlySpan<byte> salt, ReadOnlySpan<byte> payload)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData("runproof/v1/payload\n"u8);
        hash.AppendData(salt);
        hash.AppendData(payload);
        Span<byte> digest = stackalloc byte[Digest.Length];
        hash.GetHashAndReset(digest);
        return new Digest(digest);
    }
}
