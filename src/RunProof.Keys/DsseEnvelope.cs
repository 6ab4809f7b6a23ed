using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using RunProof.Format;

namespace RunProof.Keys;

/// <summary>A signature of an envelope.</summary>
/// <param name="Signature">The signature.</param>
/// <param name="KeyId">A hint which key made it, authenticated by nothing; or null.</param>
public sealed record DsseSignature(ReadOnlyMemory<byte> Signature, string? KeyId);

/// <summary>A key that signs envelopes.</summary>
public interface IDsseVerifier
{
    /// <summary>Verifies.</summary>
    /// <param name="message">The pre-authentication encoding.</param>
    /// <param name="signature">The signature.</param>
    /// <returns>Whether the key made it; never an exception for a signature, whatever its bytes.</returns>
    bool Verify(ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature);
}

/// <summary>Bytes with their type and signatures over both (DSSE 1.0.2). Use <see cref="Payload"/> after <see cref="CountSigners"/>, never a second parse of the file.</summary>
/// <param name="PayloadType">What the payload is.</param>
/// <param name="Payload">The signed bytes.</param>
/// <param name="Signatures">The signatures.</param>
public sealed record DsseEnvelope(string PayloadType, ReadOnlyMemory<byte> Payload, IReadOnlyList<DsseSignature> Signatures)
{
    /// <summary>Signatures that an envelope may have.</summary>
    public const int MaxSignatures = 100;

    /// <summary>What is signed: type and bytes with their lengths.</summary>
    /// <param name="payloadType">The type.</param>
    /// <param name="payload">The bytes.</param>
    /// <returns>The pre-authentication encoding.</returns>
    public static byte[] PreAuthenticationEncoding(string payloadType, ReadOnlySpan<byte> payload)
    {
        var type = Encoding.UTF8.GetBytes(payloadType);
        return
        [
            .. Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"DSSEv1 {type.Length} ")), .. type,
            .. Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $" {payload.Length} ")), .. payload,
        ];
    }

    /// <summary>Signs bytes and puts them into an envelope.</summary>
    /// <param name="payloadType">What they are.</param>
    /// <param name="payload">The bytes.</param>
    /// <param name="signer">The key of a log. Its notes are no envelopes and its envelopes no notes: one begins with the log's origin, the other with DSSEv1.</param>
    /// <exception cref="ArgumentException">The key is not one for notes.</exception>
    /// <returns>The envelope, with the key's id as its hint.</returns>
    public static DsseEnvelope Sign(string payloadType, ReadOnlyMemory<byte> payload, NoteSigner signer)
    {
        ArgumentNullException.ThrowIfNull(signer);
        var signature = signer.SignEnvelope(PreAuthenticationEncoding(payloadType, payload.Span));
        return new DsseEnvelope(payloadType, payload, [new DsseSignature(signature, signer.Key.Id.ToString("x8", CultureInfo.InvariantCulture))]);
    }

    /// <summary>Reads an envelope; members that are not known are passed over, as the specification says.</summary>
    /// <param name="json">A JSON object.</param>
    /// <param name="envelope">The envelope, where the form is right.</param>
    /// <param name="problem">What is wrong, where it is not.</param>
    /// <returns>Whether it is.</returns>
    public static bool TryParse(JsonElement json, [NotNullWhen(true)] out DsseEnvelope? envelope, out string problem)
    {
        try
        {
            return TryRead(json, out envelope, out problem);
        }
        catch (InvalidOperationException)
        {
            // What looking up a member throws where another one's name is an escaped lone surrogate.
            (envelope, problem) = (null, "a member's name is no text");
            return false;
        }
    }

    private static bool TryRead(JsonElement json, [NotNullWhen(true)] out DsseEnvelope? envelope, out string problem)
    {
        envelope = null;
        problem = "an envelope is a JSON object with payload (base64), payloadType and signatures";
        if (json.ValueKind != JsonValueKind.Object || Text(json, "payloadType") is not { } type || !TryBase64(Text(json, "payload"), out var payload)
            || !json.TryGetProperty("signatures", out var lines) || lines.ValueKind != JsonValueKind.Array || lines.GetArrayLength() is 0 or > MaxSignatures)
            return false;
        var signatures = new List<DsseSignature>();
        foreach (var line in lines.EnumerateArray())
        {
            problem = "a signature is a JSON object with sig (base64)";
            if (line.ValueKind != JsonValueKind.Object || !TryBase64(Text(line, "sig"), out var signature))
                return false;
            signatures.Add(new DsseSignature(signature, Text(line, "keyid")));
        }

        (envelope, problem) = (new DsseEnvelope(type, payload, signatures), "");
        return true;
    }

    /// <summary>How many of the keys signed. A key that signed twice counts once; what a signature says of its key decides nothing.</summary>
    /// <param name="keys">Trusted keys, each once.</param>
    /// <returns>Their number.</returns>
    public int CountSigners(IReadOnlyList<IDsseVerifier> keys)
    {
        var message = PreAuthenticationEncoding(PayloadType, Payload.Span);
        return keys.Distinct().Count(key => Signatures.Any(line => key.Verify(message, line.Signature.Span)));
    }

    /// <summary>Which of a log's keys signed; what a signature says of its key decides nothing.</summary>
    /// <param name="keys">Trusted keys. Only those of Ed25519 sign envelopes.</param>
    /// <exception cref="PlatformNotSupportedException">No libcrypto of OpenSSL 3 can be loaded.</exception>
    /// <returns>The keys that signed, each once.</returns>
    public IReadOnlyList<NoteKey> SignersOf(IReadOnlyList<INoteVerifier> keys)
    {
        var message = PreAuthenticationEncoding(PayloadType, Payload.Span);
        return [.. keys.Where(key => key.Key.Algorithm is NoteAlgorithm.Ed25519 && Signatures.Any(line => key.Verify(message, line.Signature.Span))).Select(static key => key.Key).Distinct()];
    }

    /// <summary>The envelope as canonical JSON.</summary>
    /// <returns>UTF-8.</returns>
    public byte[] ToJson()
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        var writer = new CanonicalWriter(buffer);
        writer.WriteRaw("{\"payload\":"u8);
        writer.WriteBase64(Payload.Span);
        writer.WriteRaw(",\"payloadType\":"u8);
        writer.WriteString(PayloadType);
        writer.WriteRaw(",\"signatures\":["u8);
        for (var i = 0; i < Signatures.Count; i++)
        {
            writer.WriteRaw(i == 0 ? "{"u8 : ",{"u8);
            if (Signatures[i].KeyId is { } id)
            {
                writer.WriteRaw("\"keyid\":"u8);
                writer.WriteString(id);
                writer.WriteRaw(","u8);
            }

            writer.WriteRaw("\"sig\":"u8);
            writer.WriteBase64(Signatures[i].Signature.Span);
            writer.WriteRaw("}"u8);
        }

        writer.WriteRaw("]}"u8);
        writer.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    private static string? Text(JsonElement json, string name)
    {
        try
        {
            return json.TryGetProperty(name, out var member) && member.ValueKind == JsonValueKind.String ? member.GetString() : null;
        }
        catch (InvalidOperationException)
        {
            // An escaped lone surrogate.
            return null;
        }
    }

    /// <summary>Both alphabets are accepted, as the specification demands; the padding may be missing in neither.</summary>
    private static bool TryBase64(string? text, out byte[] bytes)
    {
        bytes = [];
        if (text is null)
            return false;
        var standard = text.Replace('-', '+').Replace('_', '/');
        var buffer = new byte[(standard.Length / 4 * 3) + 3];
        if (!Convert.TryFromBase64String(standard, buffer, out var length) || Convert.ToBase64String(buffer.AsSpan(0, length)) != standard)
            return false;
        bytes = buffer[..length];
        return true;
    }
}

/// <summary>Verifies envelopes with one key.</summary>
public static class DsseVerifier
{
    /// <summary>A verifier for the Ed25519 key of a note's signer.</summary>
    /// <param name="key">The key.</param>
    /// <exception cref="ArgumentException">It is a key of another algorithm, or no canonical one.</exception>
    /// <returns>The verifier.</returns>
    public static IDsseVerifier Of(NoteKey key)
    {
        ArgumentNullException.ThrowIfNull(key);
        if (key.Algorithm is not NoteAlgorithm.Ed25519 || !Ed25519.IsUsableKey(key.PublicKey.Span))
            throw new ArgumentException($"the key of {key.Name} does not sign envelopes", nameof(key));
        return new OfEd25519(key);
    }

    /// <summary>A verifier for an ECDSA key on P-256 with SHA-256, signatures as r ‖ s.</summary>
    /// <param name="publicKey">The key; it stays the caller's to dispose.</param>
    /// <returns>The verifier.</returns>
    public static IDsseVerifier Of(ECDsa publicKey) => new OfEcdsa(publicKey);

    private sealed record OfEd25519(NoteKey Key) : IDsseVerifier
    {
        public bool Verify(ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature) => Ed25519.Verify(Key.PublicKey.Span, message, signature);
    }

    private sealed record OfEcdsa(ECDsa Key) : IDsseVerifier
    {
        public bool Verify(ReadOnlySpan<byte> message, ReadOnlySpan<byte> signature) =>
            Key.VerifyData(message, signature, HashAlgorithmName.SHA256, DSASignatureFormat.IeeeP1363FixedFieldConcatenation);
    }
}
