using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.Json;

namespace RunProof.Format;

/// <summary>What the generator writes for a <see cref="CanonicalAttribute"/> record: its bytes, fixed at compile time.</summary>
/// <typeparam name="TSelf">The record.</typeparam>
public interface ICanonical<TSelf>
    where TSelf : ICanonical<TSelf>
{
    /// <summary>The schema fingerprint of proof-format.md section 6: 64 hex digits, a compile-time constant.</summary>
    static abstract string CanonicalFingerprint { get; }

    /// <summary>The canonical JSON whose SHA-256 is <see cref="CanonicalFingerprint"/>.</summary>
    static abstract string CanonicalSchema { get; }

    /// <summary>Writes the record's canonical bytes (section 1).</summary>
    /// <param name="writer">Where they go.</param>
    /// <param name="value">The record; its non-nullable members must not be null.</param>
    /// <exception cref="CanonicalFormatException">A member has no canonical form: NaN, infinity, a lone surrogate.</exception>
    static abstract void WriteCanonical(ref CanonicalWriter writer, TSelf value);

    /// <summary>Reads exactly the bytes that <see cref="WriteCanonical"/> writes and refuses all others: no two byte sequences are one value.</summary>
    /// <remarks>
    /// Writing what was read gives the same bytes. Reading what was written gives an equal value, but for what the wire does not keep, and then the value as
    /// it stands there: of a time its offset and its ticks finer than a microsecond, of a duration those ticks, the sign of a zero, trailing zeros of a
    /// decimal, a map's comparer and order, of a value of a derived record what the declared one does not have; JSON's <c>null</c> in a member
    /// that may be null is read as no value.
    /// </remarks>
    /// <param name="reader">Where the value begins; behind it afterwards.</param>
    /// <param name="value">The record.</param>
    /// <returns>Whether its bytes stood there; if not, <see cref="CanonicalReader.Fault"/> says why not.</returns>
    static abstract bool TryReadCanonical(ref CanonicalReader reader, [MaybeNullWhen(false)] out TSelf value);
}

/// <summary>A struct that is one JSON scalar on the wire.</summary>
/// <typeparam name="TSelf">The struct.</typeparam>
public interface ICanonicalScalar<TSelf>
    where TSelf : struct, ICanonicalScalar<TSelf>
{
    /// <summary>Writes the scalar.</summary>
    /// <param name="writer">Where it goes.</param>
    void WriteCanonical(ref CanonicalWriter writer);

    /// <summary>Reads the scalar from its JSON form.</summary>
    /// <param name="json">A JSON string or number.</param>
    /// <param name="value">The scalar, where the form is right.</param>
    /// <returns>Whether it is.</returns>
    static abstract bool TryBind(JsonElement json, out TSelf value);

    /// <summary>Reads exactly the bytes that <see cref="WriteCanonical"/> writes and refuses all others. Default: by <see cref="TryBind"/>, and
    /// by writing the value back; a scalar that is read often does better.</summary>
    /// <param name="reader">Where the scalar begins; behind it afterwards.</param>
    /// <param name="value">The scalar.</param>
    /// <returns>Whether its bytes stood there; if not, <see cref="CanonicalReader.Fault"/> says why not.</returns>
    static virtual bool TryReadCanonical(ref CanonicalReader reader, out TSelf value) => reader.TryReadBound(out value);
}

/// <summary>A value or a text has no canonical form. Whoever reads evidence turns it into a finding.</summary>
/// <param name="message">What and why.</param>
public sealed class CanonicalFormatException(string message) : Exception(message)
{
    /// <summary>A text has no canonical form.</summary>
    /// <param name="message">What and why.</param>
    /// <param name="offset">The byte of the text at which it shows, from 0.</param>
    public CanonicalFormatException(string message, int offset)
        : this(string.Create(CultureInfo.InvariantCulture, $"byte {offset}: {message}")) => Offset = offset;

    /// <summary>The byte of the text at which it shows, from 0; null where a value and not a text was refused.</summary>
    public int? Offset { get; }
}

/// <summary>JSON from a caller does not fit the record it is meant for.</summary>
/// <param name="place">Where, in the caller's document: <c>plan[0].params.url</c>.</param>
/// <param name="message">What is wrong there, in a sentence a caller can act on.</param>
public sealed class JsonBindingException(string place, string message) : Exception($"{place}: {message}")
{
    /// <summary>Where, in the caller's document.</summary>
    public string Place { get; } = place;

    /// <summary>What is wrong there, without the place.</summary>
    public string Reason { get; } = message;
}
