using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace RunProof.Format;

/// <summary>A SHA-256 value: a link, a commitment, a root. Hex, lower case, on the wire.</summary>
[CanonicalScalar("string")]
[JsonConverter(typeof(WireTextJsonConverter<Digest>))]
public readonly struct Digest : IEquatable<Digest>, ICanonicalScalar<Digest>, IWireText<Digest>
{
    /// <summary>Bytes of a digest.</summary>
    public const int Length = 32;

    private readonly Bytes32 _bytes;

    /// <summary>Takes the 32 bytes of a digest.</summary>
    /// <param name="bytes">Exactly <see cref="Length"/> bytes.</param>
    /// <exception cref="ArgumentException">Another length.</exception>
    public Digest(ReadOnlySpan<byte> bytes)
    {
        if (bytes.Length != Length)
            throw new ArgumentException($"a digest has {Length} bytes, not {bytes.Length}", nameof(bytes));
        bytes.CopyTo(_bytes);
    }

    /// <summary>The bytes.</summary>
    [System.Diagnostics.CodeAnalysis.UnscopedRef]
    public ReadOnlySpan<byte> Span => _bytes;

    /// <summary>SHA-256 of some bytes.</summary>
    /// <param name="data">The bytes.</param>
    /// <returns>Their digest.</returns>
    public static Digest Of(ReadOnlySpan<byte> data)
    {
        Span<byte> hash = stackalloc byte[Length];
        SHA256.HashData(data, hash);
        return new Digest(hash);
    }

    /// <summary>Reads 64 lower-case hex digits.</summary>
    /// <param name="text">The text.</param>
    /// <exception cref="FormatException">Any other form.</exception>
    /// <returns>The digest.</returns>
    public static Digest Parse(string text) => TryParse(text, out var value) ? value : throw new FormatException($"not 64 lower-case hex digits: \"{text}\"");

    /// <summary>Reads 64 lower-case hex digits; any other form is refused.</summary>
    /// <param name="text">Any text or null.</param>
    /// <param name="value">The digest, where the form is right.</param>
    /// <returns>Whether it is.</returns>
    public static bool TryParse(string? text, out Digest value)
    {
        value = default;
        if (text is not { Length: Length * 2 } || text.AsSpan().ContainsAnyInRange('A', 'F'))
            return false;
        Span<byte> bytes = stackalloc byte[Length];
        if (Convert.FromHexString(text, bytes, out _, out var written) != System.Buffers.OperationStatus.Done || written != Length)
            return false;
        value = new Digest(bytes);
        return true;
    }

    /// <inheritdoc/>
    public static bool TryBind(JsonElement json, out Digest value)
    {
        value = default;
        return json.ValueKind == JsonValueKind.String && TryParse(json.GetString(), out value);
    }

    /// <inheritdoc/>
    public static bool TryReadCanonical(ref CanonicalReader reader, out Digest value) => reader.TryReadWireText(out value);

    /// <summary>Whether two digests have the same bytes.</summary>
    /// <param name="left">One.</param>
    /// <param name="right">The other.</param>
    public static bool operator ==(Digest left, Digest right) => left.Equals(right);

    /// <summary>Whether two digests differ.</summary>
    /// <param name="left">One.</param>
    /// <param name="right">The other.</param>
    public static bool operator !=(Digest left, Digest right) => !left.Equals(right);

    /// <summary>The bytes in an array of their own.</summary>
    /// <returns>32 bytes.</returns>
    public byte[] ToArray() => Span.ToArray();

    /// <inheritdoc/>
    public void WriteCanonical(ref CanonicalWriter writer) => writer.WriteHex(Span);

    /// <inheritdoc/>
    public bool Equals(Digest other) => Span.SequenceEqual(other.Span);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Digest other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => MemoryMarshal.Read<int>(Span);

    /// <summary>64 lower-case hex digits.</summary>
    /// <returns>The text.</returns>
    public override string ToString() => Convert.ToHexStringLower(Span);

    [InlineArray(Length)]
    private struct Bytes32
    {
        private byte _first;
    }
}
