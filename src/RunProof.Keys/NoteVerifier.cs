using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using RunProof.Format;

namespace RunProof.Keys;

/// <summary>Verifies signature lines of notes with one public key.</summary>
public static class NoteVerifier
{
    /// <summary>A verifier for a key.</summary>
    /// <param name="key">The key.</param>
    /// <param name="verifier">The verifier, where the key is a good one.</param>
    /// <param name="problem">What is wrong with the key, where it is not.</param>
    /// <returns>Whether it is.</returns>
    public static bool TryCreate(NoteKey key, [NotNullWhen(true)] out INoteVerifier? verifier, out string problem)
    {
        ArgumentNullException.ThrowIfNull(key);
        verifier = key.Algorithm switch
        {
            NoteAlgorithm.Ed25519 when Ed25519.IsUsableKey(key.PublicKey.Span) => new Ed25519Verifier(key),
            NoteAlgorithm.CosignatureV1 when Ed25519.IsUsableKey(key.PublicKey.Span) => new CosignatureVerifier(key),
            NoteAlgorithm.Ecdsa when EcdsaVerifier.IsKey(key.PublicKey.Span) => new EcdsaVerifier(key),
            _ => null,
        };
        problem = verifier is null ? $"the key of {key.Name} is none of its algorithm ({key.Algorithm}), or not in canonical form" : "";
        return verifier is not null;
    }

    /// <summary>A verifier for a verifier key line.</summary>
    /// <param name="line">The line.</param>
    /// <exception cref="FormatException">It is none, or its key is no good.</exception>
    /// <returns>The verifier.</returns>
    public static INoteVerifier Parse(string line)
    {
        if (!NoteKey.TryParse(line, out var key, out var problem) || !TryCreate(key, out var verifier, out problem))
            throw new FormatException(problem);
        return verifier;
    }

    private sealed class Ed25519Verifier(NoteKey key) : INoteVerifier
    {
        public NoteKey Key => key;

        public bool Verify(ReadOnlySpan<byte> text, ReadOnlySpan<byte> signature) => Ed25519.Verify(key.PublicKey.Span, text, signature);
    }

    private sealed class CosignatureVerifier(NoteKey key) : INoteVerifier
    {
        public NoteKey Key => key;

        public bool Verify(ReadOnlySpan<byte> text, ReadOnlySpan<byte> signature) =>
            Cosignature.TryRead(signature, out var time, out var made) && Ed25519.Verify(key.PublicKey.Span, Cosignature.Message(time, text), made);
    }

    private sealed class EcdsaVerifier(NoteKey key) : INoteVerifier
    {
        public NoteKey Key => key;

        public bool Verify(ReadOnlySpan<byte> text, ReadOnlySpan<byte> signature)
        {
            using var ecdsa = ECDsa.Create();
            ecdsa.ImportSubjectPublicKeyInfo(key.PublicKey.Span, out _);
            try
            {
                return ecdsa.VerifyData(text, signature, HashAlgorithmName.SHA256, DSASignatureFormat.Rfc3279DerSequence);
            }
            catch (CryptographicException)
            {
                return false;
            }
        }

        /// <summary>Whether the bytes are the SubjectPublicKeyInfo of a key on P-256, the one curve that signed-note asks for.</summary>
        internal static bool IsKey(ReadOnlySpan<byte> info)
        {
            try
            {
                using var ecdsa = ECDsa.Create();
                ecdsa.ImportSubjectPublicKeyInfo(info, out var read);
                return read == info.Length && ecdsa.KeySize == 256;
            }
            catch (CryptographicException)
            {
                return false;
            }
        }
    }
}

/// <summary>A witness's timestamped signature (C2SP tlog-cosignature v1): as of a time, this is the largest consistent tree that it has seen of the log.</summary>
public static class Cosignature
{
    /// <summary>Bytes of the time before the signature.</summary>
    public const int TimeLength = 8;

    /// <summary>Takes a signature line's bytes apart.</summary>
    /// <param name="signature">What follows the key's id.</param>
    /// <param name="time">Seconds since 1970, UTC.</param>
    /// <param name="made">The Ed25519 signature.</param>
    /// <returns>Whether the length is right, and the time a positive one.</returns>
    public static bool TryRead(ReadOnlySpan<byte> signature, out long time, out ReadOnlySpan<byte> made)
    {
        time = 0;
        made = default;
        if (signature.Length != TimeLength + Ed25519.SignatureLength)
            return false;
        time = BinaryPrimitives.ReadInt64BigEndian(signature);
        made = signature[TimeLength..];
        return time > 0;
    }

    /// <summary>What a witness signs.</summary>
    /// <param name="time">Seconds since 1970, UTC.</param>
    /// <param name="text">The checkpoint's note text.</param>
    /// <returns>The message.</returns>
    public static byte[] Message(long time, ReadOnlySpan<byte> text) =>
        [.. Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"cosignature/v1\ntime {time}\n")), .. text];
}
