using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace RunProof.Format;

/// <summary>What a signature line of a note holds, by the first byte of its key (C2SP signed-note).</summary>
public enum NoteAlgorithm : byte
{
    /// <summary>Ed25519 over the note's text.</summary>
    Ed25519 = 0x01,

    /// <summary>ECDSA with SHA-256 over the note's text; the key is a SubjectPublicKeyInfo.</summary>
    Ecdsa = 0x02,

    /// <summary>A witness's timestamped Ed25519 cosignature (C2SP tlog-cosignature).</summary>
    CosignatureV1 = 0x04,
}

/// <summary>The public key of a note's signer, as a verifier key line (C2SP signed-note): <c>name+hex id+base64(algorithm ‖ key)</c>.</summary>
public sealed record NoteKey
{
    /// <summary>Characters that a name may have.</summary>
    public const int MaxNameLength = 255;

    private NoteKey(string name, NoteAlgorithm algorithm, byte[] publicKey) =>
        (Name, Algorithm, PublicKey, Id) = (name, algorithm, publicKey, IdOf(name, algorithm, publicKey));

    /// <summary>The signer's name.</summary>
    public string Name { get; }

    /// <summary>What its signatures are.</summary>
    public NoteAlgorithm Algorithm { get; }

    /// <summary>The key: 32 bytes, or a SubjectPublicKeyInfo.</summary>
    public ReadOnlyMemory<byte> PublicKey { get; }

    /// <summary>The first four bytes of a hash over name and key, which stand in each signature line.</summary>
    public uint Id { get; }

    /// <summary>Makes a key.</summary>
    /// <param name="name">The signer's name: 1 to 255 characters, no white space and no <c>+</c>.</param>
    /// <param name="algorithm">What its signatures are.</param>
    /// <param name="publicKey">The key; it is kept, not copied.</param>
    /// <exception cref="ArgumentException">The name or the key's length is none.</exception>
    /// <returns>The key.</returns>
    public static NoteKey Create(string name, NoteAlgorithm algorithm, byte[] publicKey)
    {
        ArgumentNullException.ThrowIfNull(publicKey);
        if (!IsName(name))
            throw new ArgumentException($"\"{name}\" cannot be the name of a note's signer", nameof(name));
        if (!IsKey(algorithm, publicKey))
            throw new ArgumentException($"{publicKey.Length} bytes cannot be a key of {algorithm}", nameof(publicKey));
        return new NoteKey(name, algorithm, publicKey);
    }

    /// <summary>Reads a verifier key line.</summary>
    /// <param name="text">The line, without a line end.</param>
    /// <param name="key">The key, where it is one.</param>
    /// <param name="problem">What is wrong, where it is none.</param>
    /// <returns>Whether it is.</returns>
    public static bool TryParse(string? text, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out NoteKey? key, out string problem)
    {
        key = null;
        // Base64 may hold a plus sign, a name may not: from the left.
        var parts = (text ?? "").Split('+', 3);
        problem = "a verifier key is <name>+<8 hex digits>+<base64>";
        if (parts.Length != 3 || !IsName(parts[0]) || !TryId(parts[1], out var id) || !Base64Text.TryDecode(parts[2], out var material) || material.Length < 2)
            return false;
        var algorithm = (NoteAlgorithm)material[0];
        problem = string.Create(CultureInfo.InvariantCulture, $"signatures of type 0x{material[0]:x2} are not known here, or the key has a wrong length for them");
        if (!IsKey(algorithm, material.AsSpan(1)))
            return false;
        var parsed = new NoteKey(parts[0], algorithm, material[1..]);
        problem = string.Create(CultureInfo.InvariantCulture, $"the key's id is {parsed.Id:x8}, and the line says {parts[1]}");
        if (parsed.Id != id)
            return false;
        (key, problem) = (parsed, "");
        return true;
    }

    /// <inheritdoc/>
    public bool Equals(NoteKey? other) => other is not null && Name == other.Name && Algorithm == other.Algorithm && PublicKey.Span.SequenceEqual(other.PublicKey.Span);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Name, Id);

    /// <summary>The verifier key line.</summary>
    /// <returns>The line, without a line end.</returns>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Name}+{Id:x8}+{Convert.ToBase64String([(byte)Algorithm, .. PublicKey.Span])}");

    /// <summary>Whether a text can name a signer.</summary>
    internal static bool IsName(string name) =>
        name.Length is > 0 and <= MaxNameLength && !name.Contains('+', StringComparison.Ordinal) && !name.Any(static c => char.IsWhiteSpace(c) || char.IsControl(c) || char.IsSurrogate(c));

    /// <summary>Reads the id of a key: 8 lower-case hex digits.</summary>
    internal static bool TryId(string text, out uint id)
    {
        id = 0;
        return text.Length == 8 && !text.AsSpan().ContainsAnyInRange('A', 'F') && uint.TryParse(text, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out id);
    }

    private static bool IsKey(NoteAlgorithm algorithm, ReadOnlySpan<byte> key) => algorithm switch
    {
        NoteAlgorithm.Ed25519 or NoteAlgorithm.CosignatureV1 => key.Length == 32,
        NoteAlgorithm.Ecdsa => key.Length is > 32 and < 512,
        _ => false,
    };

    /// <summary>ECDSA's id is over the key alone, all others' over name, algorithm and key.</summary>
    private static uint IdOf(string name, NoteAlgorithm algorithm, byte[] key)
    {
        byte[] named = algorithm is NoteAlgorithm.Ecdsa ? key : [.. Encoding.UTF8.GetBytes(name), (byte)'\n', (byte)algorithm, .. key];
        return BinaryPrimitives.ReadUInt32BigEndian(SHA256.HashData(named));
    }
}
