using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace RunProof.Format;

/// <summary>
/// Reads exactly what <see cref="CanonicalWriter"/> writes and refuses all else, so that two values never share bytes and no value has two forms. Generated
/// code decides order and names; this type only knows how scalars look.
/// </summary>
/// <remarks>
/// Scalars of bounded length are read leniently and then written back with the writer's own code: what differs by a byte is refused. Nothing is allocated
/// but the values, and no length is believed before its bytes were seen. After the first <c>false</c> the reader says why in <see cref="Fault"/>, and must
/// not be read further.
/// </remarks>
public ref partial struct CanonicalReader
{
    private delegate bool Parser<T>(ReadOnlySpan<byte> text, out T value);

    // No scalar of bounded length has as many bytes: a UInt128 in quotes has 41.
    private const int LongestScalar = 64;

    private readonly ReadOnlySpan<byte> _bytes;

    /// <summary>Starts reading at the first byte.</summary>
    /// <param name="bytes">Any bytes.</param>
    public CanonicalReader(ReadOnlySpan<byte> bytes) => _bytes = bytes;

    /// <summary>The byte that is read next, from 0.</summary>
    public int Offset { get; private set; }

    /// <summary>Why something was refused; its code is <see cref="ReadFaultCode.None"/> until then.</summary>
    public ReadFault Fault { get; private set; }

    private readonly ReadOnlySpan<byte> Rest => _bytes[Offset..];

    /// <summary>Reads bytes if they stand there: one of several words.</summary>
    /// <param name="literal">The bytes.</param>
    /// <returns>Whether they did; nothing is refused where not.</returns>
    public bool Take(scoped ReadOnlySpan<byte> literal)
    {
        var stands = Rest.StartsWith(literal);
        Offset += stands ? literal.Length : 0;
        return stands;
    }

    /// <summary>Reads bytes that must stand there: punctuation and names.</summary>
    /// <param name="literal">The bytes.</param>
    /// <returns>Whether they did.</returns>
    public bool Expect(scoped ReadOnlySpan<byte> literal)
    {
        if (Take(literal))
            return true;
        Offset += Rest.CommonPrefixLength(literal);
        return Unexpected(Encoding.UTF8.GetString(literal));
    }

    /// <summary>Reads <c>null</c> if it stands there.</summary>
    /// <returns>Whether it did; nothing is refused where not.</returns>
    public bool TakeNull() => Take("null"u8);

    /// <summary>Refuses bytes that go on where the value ends.</summary>
    /// <returns>Whether all bytes were read.</returns>
    public bool TryEnd() => Offset == _bytes.Length || Refuse(ReadFaultCode.TrailingBytes, Offset, $"the value ends here, and {_bytes.Length - Offset} bytes follow");

    /// <summary>Says why the bytes are refused. The first reason stays.</summary>
    /// <param name="code">The kind of fault.</param>
    /// <param name="offset">The byte at which it shows.</param>
    /// <param name="message">What was expected and what was found.</param>
    /// <returns>Always false, to be returned on.</returns>
    public bool Refuse(ReadFaultCode code, int offset, FormattableString message)
    {
        if (Fault.Code == ReadFaultCode.None)
            Fault = new ReadFault(code, offset, FormattableString.Invariant(message));
        return false;
    }

    /// <summary>Refuses what is none of an enum's words.</summary>
    /// <param name="words">The words, for the message.</param>
    /// <returns>Always false.</returns>
    public bool RefuseWord(string words)
    {
        var start = Offset;
        return TryString(out var word) && Refuse(ReadFaultCode.UnknownEnumValue, start, $"{Show(word)} is none of {words}");
    }

    /// <summary>Reads <c>true</c> or <c>false</c>.</summary>
    /// <param name="value">Which.</param>
    /// <returns>Whether it was one of them.</returns>
    public bool TryReadBoolean(out bool value) => (value = Take("true"u8)) || Take("false"u8) || Unexpected("true or false");

    /// <summary>Reads an integer that is written as a number.</summary>
    /// <typeparam name="T">The type that must hold it.</typeparam>
    /// <param name="value">The integer.</param>
    /// <returns>Whether it was one, without leading zeros or <c>-0</c>, and in range.</returns>
    public bool TryReadInteger<T>(out T value)
        where T : struct, IBinaryInteger<T> =>
        TryRead("an integer without leading zeros or -0", ReadFaultCode.NotCanonicalNumber, Parse, static (ref writer, read) => writer.WriteSafeInteger(long.CreateTruncating(read)), out value);

    /// <summary>Reads an integer that is written as a string (RFC 8785 appendix D).</summary>
    /// <inheritdoc cref="TryReadInteger{T}(out T)"/>
    public bool TryReadWideInteger<T>(out T value)
        where T : struct, IBinaryInteger<T> =>
        TryRead("an integer in quotes, without leading zeros or -0", ReadFaultCode.NotCanonicalText, Parse, static (ref writer, read) => writer.WriteQuoted(read), out value);

    /// <summary>Reads a number in its ECMAScript form.</summary>
    /// <param name="value">The number; never −0, an infinity or NaN.</param>
    /// <returns>Whether it was one.</returns>
    public bool TryReadDouble(out double value) => TryRead(
        "a number in its double's ECMAScript form", ReadFaultCode.NotCanonicalNumber,
        static (text, out read) => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out read) && double.IsFinite(read),
        static (ref writer, read) => writer.WriteDouble(read), out value);

    /// <summary>Reads a float: a number in the ECMAScript form of the double that it converts to.</summary>
    /// <param name="value">The number.</param>
    /// <returns>Whether it was one; a double between two floats is out of range.</returns>
    public bool TryReadSingle(out float value)
    {
        var start = Offset;
        var read = TryReadDouble(out var number);
        value = (float)number;
        return read && (value == number || Refuse(ReadFaultCode.OutOfRange, start, $"{number} is no float: it lies between two, or beyond all"));
    }

    /// <summary>Reads a decimal, a string.</summary>
    /// <param name="value">The decimal, of the smallest scale.</param>
    /// <returns>Whether it was one, without exponent, trailing zeros or <c>-0</c>.</returns>
    public bool TryReadDecimal(out decimal value) => TryRead(
        "a decimal in quotes, of at most 28 places, without exponent, trailing zeros or -0", ReadFaultCode.NotCanonicalText, Parse, static (ref writer, read) => writer.WriteDecimalString(read), out value);

    /// <summary>Reads a UTC time with six fractional digits.</summary>
    /// <param name="value">The time, at offset zero.</param>
    /// <returns>Whether it was one.</returns>
    public bool TryReadTime(out DateTimeOffset value) => TryRead(
        "a UTC time with six fractional digits", ReadFaultCode.NotCanonicalText, WireTime.TryParse, static (ref writer, read) => writer.WriteTime(read), out value);

    /// <summary>Reads a GUID in the <c>D</c> form, lower case.</summary>
    /// <param name="value">The GUID.</param>
    /// <returns>Whether it was one.</returns>
    public bool TryReadGuid(out Guid value) => TryRead(
        "a GUID in the D form, lower case", ReadFaultCode.NotCanonicalText, static (text, out read) => Utf8Parser.TryParse(text, out read, out _), static (ref writer, read) => writer.WriteGuid(read), out value);

    /// <summary>Reads a duration, a string of whole microseconds.</summary>
    /// <param name="value">The duration.</param>
    /// <returns>Whether it was one that a TimeSpan holds.</returns>
    public bool TryReadDuration(out TimeSpan value)
    {
        var start = Offset;
        var read = TryReadWideInteger(out long microseconds);
        value = new TimeSpan(unchecked(microseconds * TimeSpan.TicksPerMicrosecond));
        return read && (value.Ticks / TimeSpan.TicksPerMicrosecond == microseconds || Refuse(ReadFaultCode.OutOfRange, start, $"{microseconds} microseconds are more than a TimeSpan holds"));
    }

    /// <summary>Reads leniently, writes back, and takes what is the same byte for byte: the one form that a value has is what the writer writes for it.</summary>
    private bool TryRead<T>(string what, ReadFaultCode code, Parser<T> parse, CanonicalValueWriter<T> write, out T value)
    {
        var quotes = code == ReadFaultCode.NotCanonicalText ? 1 : 0;
        var token = Rest[..Math.Min(Rest.Length, LongestScalar)];
        value = default!;
        if (token.IsEmpty || (quotes == 1 ? token[0] != '"' : !NumberBytes.Contains(token[0])))
            return Unexpected(what);
        var end = quotes == 1 ? token[1..].IndexOf((byte)'"') + 2 : token.IndexOfAnyExcept(NumberBytes);
        if (quotes == 1 && end == 1)
            return Refuse(token.Length < LongestScalar ? ReadFaultCode.EndOfInput : code, Offset, $"{Show(token)}… is not {what}");
        token = end < 0 ? token : token[..end];
        var text = token[quotes..^quotes];
        var writer = new CanonicalWriter(stackalloc byte[LongestScalar]);
        if (parse(text, out value))
            write(ref writer, value);
        if (!token.SequenceEqual(writer.Written))
            return Refuse(writer.Written.IsEmpty && IsInteger(text) ? ReadFaultCode.OutOfRange : code, Offset, $"{Show(token)} is not {what}, or out of range");
        Offset += token.Length;
        return true;
    }

    private static bool Parse<T>(ReadOnlySpan<byte> text, out T value)
        where T : struct, IUtf8SpanParsable<T> => T.TryParse(text, CultureInfo.InvariantCulture, out value);

    private static bool IsInteger(ReadOnlySpan<byte> text)
    {
        text = text.StartsWith("-"u8) ? text[1..] : text;
        return text.IndexOfAnyInRange((byte)'1', (byte)'9') == 0 && !text.ContainsAnyExceptInRange((byte)'0', (byte)'9');
    }

    private bool Unexpected(string expected) => Offset == _bytes.Length
        ? Refuse(ReadFaultCode.EndOfInput, Offset, $"the bytes end where {expected} must stand")
        : Refuse(ReadFaultCode.UnexpectedBytes, Offset, $"{Show(Rest[..1])} stands where {expected} must stand");

    /// <summary>The beginning of some bytes for people; what is not printable ASCII as hex.</summary>
    private static string Show(scoped ReadOnlySpan<byte> bytes)
    {
        bytes = bytes[..Math.Min(bytes.Length, LongestScalar)];
        return bytes.ContainsAnyExceptInRange((byte)' ', (byte)'~') ? "0x" + Convert.ToHexStringLower(bytes) : Encoding.ASCII.GetString(bytes);
    }

    private static readonly SearchValues<byte> NumberBytes = SearchValues.Create("+-.0123456789Ee"u8);
}
