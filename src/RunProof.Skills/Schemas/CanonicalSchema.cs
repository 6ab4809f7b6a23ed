using System.Buffers;
using System.Text.Json;
using RunProof.Format;

namespace RunProof.Skills;

/// <summary>
/// The shape of a record whose bytes can be read and written: one that the code declares, or one that has shipped and that its class has moved on from.
/// Immutable; safe for any number of threads.
/// </summary>
public sealed class CanonicalSchema
{
    private readonly Reserializer _reserialize;

    private CanonicalSchema(string name, string version, string fingerprint, string schemaJson, Reserializer reserialize)
    {
        (Name, Version, Fingerprint, SchemaJson) = (name, version, fingerprint, schemaJson);
        _reserialize = reserialize;
    }

    private delegate bool Reserializer(ReadOnlySpan<byte> recorded, IBufferWriter<byte> output, out ReadFault fault);

    /// <summary>The schema's name.</summary>
    public string Name { get; }

    /// <summary>The schema's version.</summary>
    public string Version { get; }

    /// <summary>The fingerprint of proof-format.md section 6: 64 hex digits.</summary>
    public string Fingerprint { get; }

    /// <summary>The canonical JSON whose SHA-256 is <see cref="Fingerprint"/>.</summary>
    public string SchemaJson { get; }

    /// <summary>The schema of a record, under the name and version that its schema gives.</summary>
    /// <typeparam name="T">The record.</typeparam>
    /// <returns>The schema.</returns>
    public static CanonicalSchema Of<T>()
        where T : ICanonical<T>
    {
        using var schema = JsonDocument.Parse(T.CanonicalSchema);
        return Of<T>(schema.RootElement.GetProperty("name").GetString()!, schema.RootElement.GetProperty("version").GetString()!);
    }

    /// <summary>The schema of a record whose name and version are known. Generated code calls it; nothing of the record runs but its constants.</summary>
    /// <typeparam name="T">The record.</typeparam>
    /// <param name="name">The name in its schema.</param>
    /// <param name="version">The version in its schema.</param>
    /// <returns>The schema.</returns>
    public static CanonicalSchema Of<T>(string name, string version)
        where T : ICanonical<T> => new(name, version, T.CanonicalFingerprint, T.CanonicalSchema, Reserialize<T>);

    /// <summary>
    /// Reads a record by the strict rules of this schema and writes it again. Where that succeeds, what was written is <paramref name="recorded"/>, byte for byte.
    /// </summary>
    /// <param name="recorded">Any bytes.</param>
    /// <param name="output">Takes what is written; untouched where nothing was read.</param>
    /// <param name="fault">Where and why the bytes were refused.</param>
    /// <returns>Whether they are those of such a record.</returns>
    public bool TryReserialize(ReadOnlySpan<byte> recorded, IBufferWriter<byte> output, out ReadFault fault) => _reserialize(recorded, output, out fault);

    private static bool Reserialize<T>(ReadOnlySpan<byte> recorded, IBufferWriter<byte> output, out ReadFault fault)
        where T : ICanonical<T>
    {
        if (!CanonicalBytes.TryRead<T>(recorded, out var value, out fault))
            return false;
        CanonicalBytes.Write(output, value);
        return true;
    }
}
