using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using RunProof.Format;

namespace RunProof.Keys;

/// <summary>An Ed25519 private key that signs notes under one name.</summary>
/// <remarks>The seed leaves only by <see cref="ToPrivateText"/>. <see cref="ToString"/> names the public key.</remarks>
public sealed class NoteSigner
{
    private const string Prefix = "PRIVATE+KEY+";
    private readonly byte[] _seed;

    private NoteSigner(NoteKey key, byte[] seed) => (Key, _seed) = (key, seed);

    /// <summary>The public key.</summary>
    public NoteKey Key { get; }

    /// <summary>Makes a signer.</summary>
    /// <param name="name">The signer's name.</param>
    /// <param name="algorithm"><see cref="NoteAlgorithm.Ed25519"/> for logs, <see cref="NoteAlgorithm.CosignatureV1"/> for witnesses.</param>
    /// <param name="seed">32 random bytes; they are copied.</param>
    /// <exception cref="ArgumentException">The name, the algorithm or the seed's length is none.</exception>
    /// <exception cref="PlatformNotSupportedException">No libcrypto of OpenSSL 3 can be loaded.</exception>
    /// <returns>The signer.</returns>
    public static NoteSigner Create(string name, NoteAlgorithm algorithm, ReadOnlySpan<byte> seed)
    {
        if (!IsSigning(algorithm))
            throw new ArgumentException($"{algorithm} does not sign here", nameof(algorithm));
        return new NoteSigner(NoteKey.Create(name, algorithm, Ed25519.PublicKey(seed)), seed.ToArray());
    }

    /// <summary>Reads a private key's text: <c>PRIVATE+KEY+name+hex id+base64(algorithm ‖ seed)</c>.</summary>
    /// <param name="text">The text; white space around it is passed over.</param>
    /// <exception cref="FormatException">It is none. The message holds nothing of it.</exception>
    /// <exception cref="PlatformNotSupportedException">No libcrypto of OpenSSL 3 can be loaded.</exception>
    /// <returns>The signer.</returns>
    public static NoteSigner Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var parts = text.Trim().Split('+', 5);
        if (parts.Length != 5 || !text.TrimStart().StartsWith(Prefix, StringComparison.Ordinal))
            throw new FormatException("a private key is PRIVATE+KEY+<name>+<8 hex digits>+<base64>");
        var material = new byte[64];
        if (!Convert.TryFromBase64String(parts[4], material, out var length) || length != 33)
            throw new FormatException("the private key's last part is not the base64 of an algorithm and 32 bytes");
        if (!IsSigning((NoteAlgorithm)material[0]))
            throw new FormatException($"a private key of type 0x{material[0]:x2} does not sign here");
        var signer = Create(parts[2], (NoteAlgorithm)material[0], material.AsSpan(1, 32));
        return parts[3] == signer.Key.Id.ToString("x8", CultureInfo.InvariantCulture)
            ? signer
            : throw new FormatException("the private key's id is not that of its name and bytes: it was changed, or cut short");
    }

    /// <summary>The same private key under another name, which is another key to whoever verifies.</summary>
    /// <param name="name">The name.</param>
    /// <exception cref="ArgumentException">It is no name.</exception>
    /// <returns>The signer.</returns>
    public NoteSigner Under(string name) => new(NoteKey.Create(name, Key.Algorithm, Key.PublicKey.ToArray()), _seed);

    /// <summary>Signs a note's text.</summary>
    /// <param name="text">The text, with its last line end.</param>
    /// <param name="now">The time; a cosignature states it in whole seconds, another signature does not.</param>
    /// <returns>The signature line.</returns>
    public NoteSignature Sign(string text, DateTimeOffset now)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        if (Key.Algorithm is NoteAlgorithm.Ed25519)
            return new NoteSignature(Key.Name, Key.Id, Ed25519.Sign(_seed, bytes));
        var time = now.ToUnixTimeSeconds();
        var signature = new byte[Cosignature.TimeLength + Ed25519.SignatureLength];
        BinaryPrimitives.WriteInt64BigEndian(signature, time);
        Ed25519.Sign(_seed, Cosignature.Message(time, bytes)).CopyTo(signature.AsSpan(Cosignature.TimeLength));
        return new NoteSignature(Key.Name, Key.Id, signature);
    }

    /// <summary>Signs an envelope's encoding.</summary>
    /// <param name="encoding">The pre-authentication encoding.</param>
    /// <exception cref="ArgumentException">The key is one for cosignatures, which sign nothing but checkpoints.</exception>
    /// <returns>64 bytes.</returns>
    internal byte[] SignEnvelope(ReadOnlySpan<byte> encoding) => Key.Algorithm is NoteAlgorithm.Ed25519
        ? Ed25519.Sign(_seed, encoding)
        : throw new ArgumentException($"the key of {Key.Name} does not sign envelopes");

    private static bool IsSigning(NoteAlgorithm algorithm) => algorithm is NoteAlgorithm.Ed25519 or NoteAlgorithm.CosignatureV1;

    /// <summary>The private key's text, for a key file and nothing else.</summary>
    /// <returns>The text, without a line end.</returns>
    public string ToPrivateText() =>
        string.Create(CultureInfo.InvariantCulture, $"{Prefix}{Key.Name}+{Key.Id:x8}+{Convert.ToBase64String([(byte)Key.Algorithm, .. _seed])}");

    /// <summary>The public key's line.</summary>
    /// <returns>The line.</returns>
    public override string ToString() => Key.ToString();
}
