using System.Buffers;
using System.Text;
using System.Text.Json;

namespace RunProof.Format;

/// <summary>
/// A JSON value in canonical form: a member of type <c>json</c>. Equal where the bytes are.
/// </summary>
public sealed class CanonicalJson : IEquatable<CanonicalJson>
{
    private CanonicalJson(ReadOnlyMemory<byte> bytes) => Bytes = bytes;

    /// <summary>The canonical bytes, UTF-8.</summary>
    public ReadOnlyMemory<byte> Bytes { get; }

    /// <summary>Records bytes from outside by rules 2 and 3 of proof-format.md section 1: nothing is rounded or dropped.</summary>
    /// <param name="received">The exact bytes received.</param>
    /// <param name="mediaType">The media type they were declared with; used where they are not JSON.</param>
    /// <returns>The JSON itself in CJ, or <c>{"$json":…}</c>, or <c>{"$base64":…,"$mediaType":…}</c>.</returns>
    public static CanonicalJson FromOutside(ReadOnlySpan<byte> received, string mediaType) => new(OutsideJson.Record(received, mediaType));

    /// <summary>Takes JSON of our own or of a caller as it must be: anything that CJ cannot keep whole is refused.</summary>
    /// <param name="json">JSON text, UTF-8, in any layout.</param>
    /// <exception cref="CanonicalFormatException">Not JSON, a duplicate name, a lone surrogate, an inexact number, too deep.</exception>
    /// <returns>The same value in CJ.</returns>
    public static CanonicalJson Parse(ReadOnlySpan<byte> json) => new(Canonicalizer.Canonicalize(json, NumberRule.Exact));

    /// <summary>The canonical bytes of a typed record.</summary>
    /// <typeparam name="T">The record.</typeparam>
    /// <param name="value">Its value.</param>
    /// <returns>Its canonical JSON.</returns>
    public static CanonicalJson Of<T>(T value)
        where T : ICanonical<T> => new(CanonicalBytes.Of(value));

    /// <summary>Takes bytes that are known to be canonical: read back from the store or just written by a generated serializer.</summary>
    /// <param name="canonical">Canonical bytes; they are kept, not copied.</param>
    /// <returns>The value.</returns>
    public static CanonicalJson FromCanonicalBytes(ReadOnlyMemory<byte> canonical) => new(canonical);

    /// <summary>The bytes as a parsed document, for reading members. The caller disposes it.</summary>
    /// <returns>The document.</returns>
    public JsonDocument ToDocument() => JsonDocument.Parse(Bytes, new JsonDocumentOptions { MaxDepth = Canonicalizer.MaxDepth + 2 });

    /// <inheritdoc/>
    public bool Equals(CanonicalJson? other) => other is not null && Bytes.Span.SequenceEqual(other.Bytes.Span);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as CanonicalJson);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        hash.AddBytes(Bytes.Span);
        return hash.ToHashCode();
    }

    /// <summary>The canonical text.</summary>
    /// <returns>The text.</returns>
    public override string ToString() => Encoding.UTF8.GetString(Bytes.Span);
}
