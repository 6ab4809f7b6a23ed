using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace RunProof.Format;

/// <summary>
/// Writes canonical JSON (RFC 8785 and proof-format.md section 1) into a buffer, without allocating.
/// Generated code decides order and names; this type only knows how scalars look.
/// </summary>
/// <remarks>Call <see cref="Flush"/> at the end: until then the last bytes are not advanced in the output.</remarks>
public ref struct CanonicalWriter
{
    private readonly IBufferWriter<byte> _output;
    private Span<byte> _span;
    private int _used;

    /// <summary>Starts writing at the output's end.</summary>
    /// <param name="output">Where the bytes go.</param>
    public CanonicalWriter(IBufferWriter<byte> output)
    {
        _output = output;
        _span = output.GetSpan(256);
        _used = 0;
    }

    /// <summary>Writes into bytes that are enough: what a strict reader compares with. Never flushed.</summary>
    internal CanonicalWriter(Span<byte> target)
    {
        _output = null!;
        _span = target;
        _used = 0;
    }

    /// <summary>What was written since the last bytes were advanced.</summary>
    internal readonly ReadOnlySpan<byte> Written => _span[.._used];

    /// <summary>Hands all bytes over to the output.</summary>
    public void Flush()
    {
        _output.Advance(_used);
        _span = default;
        _used = 0;
    }

    /// <summary>Writes bytes that are canonical already: punctuation and pre-encoded names.</summary>
    /// <param name="bytes">The bytes.</param>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void WriteRaw(scoped ReadOnlySpan<byte> bytes)
    {
        // With a literal the length is a constant here, and the copy a few moves.
        Unsafe.CopyBlockUnaligned(ref MemoryMarshal.GetReference(Reserve(bytes.Length)), ref MemoryMarshal.GetReference(bytes), (uint)bytes.Length);
        _used += bytes.Length;
    }

    /// <summary>Writes <c>null</c>.</summary>
    public void WriteNull() => WriteRaw("null"u8);

    /// <summary>Writes <c>true</c> or <c>false</c>.</summary>
    /// <param name="value">Which.</param>
    public void WriteBoolean(bool value) => WriteRaw(value ? "true"u8 : "false"u8);

    /// <summary>Writes a number.</summary>
    /// <param name="value">An integer that a double holds exactly.</param>
    public void WriteInt32(int value)
    {
        Utf8Formatter.TryFormat(value, Reserve(11), out var written);
        _used += written;
    }

    /// <summary>Writes a number; the caller vouches that it lies within ±(2^53 − 1).</summary>
    /// <param name="value">The integer.</param>
    public void WriteSafeInteger(long value)
    {
        Utf8Formatter.TryFormat(value, Reserve(20), out var written);
        _used += written;
    }

    /// <summary>Writes an unsigned number.</summary>
    /// <param name="value">The number.</param>
    public void WriteUInt32(uint value)
    {
        Utf8Formatter.TryFormat(value, Reserve(10), out var written);
        _used += written;
    }

    /// <summary>Writes the ECMAScript form of a double.</summary>
    /// <param name="value">A finite number; −0 is written as <c>0</c>.</param>
    /// <exception cref="CanonicalFormatException">NaN or an infinity.</exception>
    public void WriteDouble(double value)
    {
        var written = EcmaScriptNumber.Format(value, Reserve(EcmaScriptNumber.MaxLength));
        _used += written;
    }

    /// <summary>Writes a 64-bit integer as a string (RFC 8785 appendix D).</summary>
    /// <param name="value">The integer.</param>
    public void WriteInt64String(long value) => WriteQuoted(value);

    /// <summary>Writes an unsigned 64-bit integer as a string.</summary>
    /// <param name="value">The integer.</param>
    public void WriteUInt64String(ulong value) => WriteQuoted(value);

    /// <summary>Writes a 128-bit integer as a string.</summary>
    /// <param name="value">The integer.</param>
    public void WriteInt128String(Int128 value) => WriteQuoted(value);

    /// <summary>Writes an unsigned 128-bit integer as a string.</summary>
    /// <param name="value">The integer.</param>
    public void WriteUInt128String(UInt128 value) => WriteQuoted(value);

    /// <summary>Writes a decimal as a string, without exponent, trailing zeros or <c>-0</c>.</summary>
    /// <param name="value">The decimal.</param>
    public void WriteDecimalString(decimal value)
    {
        var target = Reserve(34);
        target[0] = (byte)'"';
        value.TryFormat(target[1..], out var written, default, CultureInfo.InvariantCulture);
        var text = target.Slice(1, written);
        if (text.Contains((byte)'.'))
            text = text.TrimEnd((byte)'0').TrimEnd((byte)'.');
        if (text is [(byte)'-', (byte)'0'])
        {
            text[0] = (byte)'0';
            text = text[..1];
        }

        target[text.Length + 1] = (byte)'"';
        _used += text.Length + 2;
    }

    /// <summary>Writes a UTC time string with six fractional digits; finer ticks are truncated.</summary>
    /// <param name="value">The time, at any offset.</param>
    public void WriteTime(DateTimeOffset value)
    {
        var target = Reserve(WireTime.Length + 2);
        target[0] = (byte)'"';
        WireTime.Format(value, target[1..]);
        target[WireTime.Length + 1] = (byte)'"';
        _used += WireTime.Length + 2;
    }

    /// <summary>Writes a GUID in the <c>D</c> form, lower case.</summary>
    /// <param name="value">The GUID.</param>
    public void WriteGuid(Guid value)
    {
        var target = Reserve(38);
        target[0] = (byte)'"';
        Utf8Formatter.TryFormat(value, target[1..], out _);
        target[37] = (byte)'"';
        _used += 38;
    }

    /// <summary>Writes a duration as a string of whole microseconds; finer ticks are truncated towards zero.</summary>
    /// <param name="value">The duration.</param>
    public void WriteDuration(TimeSpan value) => WriteQuoted(value.Ticks / TimeSpan.TicksPerMicrosecond);

    /// <summary>Writes bytes as a base64 string, standard alphabet, with padding.</summary>
    /// <param name="value">The bytes.</param>
    public void WriteBase64(scoped ReadOnlySpan<byte> value)
    {
        var length = Base64.GetMaxEncodedToUtf8Length(value.Length);
        var target = Reserve(length + 2);
        target[0] = (byte)'"';
        Base64.EncodeToUtf8(value, target[1..], out _, out var written);
        target[written + 1] = (byte)'"';
        _used += written + 2;
    }

    /// <summary>Writes bytes as a string of lower-case hex digits.</summary>
    /// <param name="value">The bytes.</param>
    public void WriteHex(scoped ReadOnlySpan<byte> value)
    {
        var target = Reserve((value.Length * 2) + 2);
        target[0] = (byte)'"';
        Convert.TryToHexStringLower(value, target[1..], out var written);
        target[written + 1] = (byte)'"';
        _used += written + 2;
    }

    /// <summary>Writes a string with minimal escapes.</summary>
    /// <param name="value">Well-formed UTF-16.</param>
    /// <exception cref="CanonicalFormatException">A lone surrogate.</exception>
    public void WriteString(scoped ReadOnlySpan<char> value)
    {
        CanonicalString.Write(ref this, value);
    }

    /// <summary>Writes outside JSON that <see cref="CanonicalJson"/> has made canonical.</summary>
    /// <param name="value">The JSON.</param>
    public void WriteJson(CanonicalJson value) => WriteRaw(value.Bytes.Span);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal Span<byte> Reserve(int size)
    {
        if (_span.Length - _used < size)
            Grow(size);
        return MemoryMarshal.CreateSpan(ref Unsafe.Add(ref MemoryMarshal.GetReference(_span), _used), _span.Length - _used);
    }

    internal void Commit(int size) => _used += size;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Grow(int size)
    {
        _output.Advance(_used);
        _used = 0;
        _span = _output.GetSpan(Math.Max(size, 256));
    }

    internal void WriteQuoted<T>(T value)
        where T : IUtf8SpanFormattable
    {
        var target = Reserve(64);
        target[0] = (byte)'"';
        value.TryFormat(target[1..], out var written, default, CultureInfo.InvariantCulture);
        target[written + 1] = (byte)'"';
        _used += written + 2;
    }
}
