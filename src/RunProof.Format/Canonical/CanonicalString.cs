using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Text.Unicode;

namespace RunProof.Format;

/// <summary>JSON strings with the escapes of RFC 8785 section 3.2.2.2 and no others.</summary>
internal static class CanonicalString
{
    /// <summary>What cannot stand in a JSON string as it is.</summary>
    internal static ReadOnlySpan<byte> EscapedBytes =>
        "\"\\\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\t\n\u000b\f\r\u000e\u000f\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001a\u001b\u001c\u001d\u001e\u001f"u8;

    // A chunk bounds what is reserved at once and how far a search may look ahead, so that any mixture of escapes and text stays linear.
    private const int Chunk = 2048;

    private const int Block = 256;

    private static readonly SearchValues<char> Escaped = SearchValues.Create([.. System.Text.Encoding.ASCII.GetString(EscapedBytes)]);

    internal static void Write(ref CanonicalWriter writer, scoped ReadOnlySpan<char> value)
    {
        if (value.Length <= Chunk)
        {
            // One reservation for quotes and content: nearly every string ends here.
            var target = writer.Reserve(value.Length + 2);
            target[0] = (byte)'"';
            var copied = CopyPlain(value, target[1..]);
            if (copied == value.Length)
            {
                target[copied + 1] = (byte)'"';
                writer.Commit(copied + 2);
                return;
            }

            writer.Commit(copied + 1);
            value = value[copied..];
        }
        else
        {
            writer.WriteRaw("\""u8);
        }

        WriteRest(ref writer, value);
        writer.WriteRaw("\""u8);
    }

    /// <summary>Writes one ASCII character, escaped where it must be.</summary>
    /// <param name="c">The character.</param>
    /// <param name="target">At least 6 bytes.</param>
    /// <returns>Bytes written.</returns>
    internal static int WriteAscii(byte c, Span<byte> target)
    {
        var letter = c switch
        {
            (byte)'"' or (byte)'\\' => c,
            (byte)'\b' => (byte)'b',
            (byte)'\t' => (byte)'t',
            (byte)'\n' => (byte)'n',
            (byte)'\f' => (byte)'f',
            (byte)'\r' => (byte)'r',
            < 0x20 => (byte)'u',
            _ => (byte)0,
        };
        if (letter == 0)
        {
            target[0] = c;
            return 1;
        }

        target[0] = (byte)'\\';
        target[1] = letter;
        if (letter != 'u')
            return 2;
        target[2] = (byte)'0';
        target[3] = (byte)'0';
        target[4] = (byte)('0' + (c >> 4));
        target[5] = "0123456789abcdef"u8[c & 0xF];
        return 6;
    }

    private static void WriteRest(ref CanonicalWriter writer, scoped ReadOnlySpan<char> value)
    {
        while (!value.IsEmpty)
        {
            // Reserved once for a block in which every character might be an escape: text full of them pays for no second reservation.
            var block = value[..Math.Min(Block, value.Length)];
            var copied = WriteBlock(block, writer.Reserve(block.Length * 6), out var written);
            writer.Commit(written);
            if (copied < block.Length)
                copied += Transcode(ref writer, value[copied..]);
            value = value[copied..];
        }
    }

    /// <summary>Writes ASCII, and stops at the first character beyond. Where escapes stand close, a search by vectors costs more than it saves.</summary>
    private static int WriteBlock(scoped ReadOnlySpan<char> block, scoped Span<byte> target, out int written)
    {
        var (at, plain) = (0, 0);
        written = 0;
        while (at < block.Length && block[at] < 0x80)
        {
            var c = (byte)block[at];
            if (c is < (byte)' ' or (byte)'"' or (byte)'\\')
            {
                written += WriteAscii(c, target[written..]);
                (at, plain) = (at + 1, 0);
            }
            else if (plain++ < 16)
            {
                target[written++] = c;
                at++;
            }
            else
            {
                var copied = CopyPlain(block[at..], target[written..]);
                (at, written, plain) = (at + copied, written + copied, 0);
            }
        }

        return at;
    }

    /// <summary>Writes a run that begins with a character beyond ASCII, up to the next escape.</summary>
    private static int Transcode(ref CanonicalWriter writer, scoped ReadOnlySpan<char> value)
    {
        // A chunk must not end within a surrogate pair: one char less, and the pair goes into the next.
        var length = Math.Min(Chunk, value.Length);
        if (length < value.Length && char.IsHighSurrogate(value[length - 1]))
            length--;
        var run = value[..length];
        var next = run.IndexOfAny(Escaped);
        run = next < 0 ? run : run[..next];
        if (Utf8.FromUtf16(run, writer.Reserve(run.Length * 3), out _, out var written, replaceInvalidSequences: false) != OperationStatus.Done)
            throw new CanonicalFormatException("a string holds a lone surrogate, which has no canonical form (RFC 8785 section 3.2.2.2)");
        writer.Commit(written);
        return run.Length;
    }

    /// <summary>Narrows ASCII that needs no escape, and stops at the first character that is not.</summary>
    /// <param name="value">The characters.</param>
    /// <param name="target">At least as many bytes.</param>
    /// <returns>Characters copied.</returns>
    private static int CopyPlain(scoped ReadOnlySpan<char> value, scoped Span<byte> target)
    {
        var at = 0;
        ref var source = ref Unsafe.As<char, ushort>(ref MemoryMarshal.GetReference(value));
        ref var bytes = ref MemoryMarshal.GetReference(target);
        if (value.Length >= 16)
        {
            for (var last = value.Length - 16; ;)
            {
                var narrowed = Narrow(ref source, (nuint)at, (nuint)at + 8);
                if (!IsPlain(narrowed))
                    break;
                narrowed.StoreUnsafe(ref bytes, (nuint)at);
                if (at == last)
                    return value.Length;

                // The last block overlaps the one before it, so that no tail is left.
                at = Math.Min(at + 16, last);
            }
        }
        else if (value.Length >= 8)
        {
            var second = value.Length - 8;
            var narrowed = Narrow(ref source, 0, (nuint)second);
            if (IsPlain(narrowed))
            {
                narrowed.GetLower().StoreUnsafe(ref bytes);
                narrowed.GetUpper().StoreUnsafe(ref bytes, (nuint)second);
                return value.Length;
            }
        }

        for (; at < value.Length; at++)
        {
            var c = value[at];
            if (c is < ' ' or > '\x7f' or '"' or '\\')
                break;
            target[at] = (byte)c;
        }

        return at;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static Vector128<byte> Narrow(ref ushort source, nuint first, nuint second) =>
        Vector128.NarrowWithSaturation(Vector128.LoadUnsafe(ref source, first), Vector128.LoadUnsafe(ref source, second));

    /// <summary>Saturation made everything beyond ASCII negative as a signed byte, which is below the first printable character like the controls.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsPlain(Vector128<byte> bytes) =>
        (Vector128.LessThan(bytes.AsSByte(), Vector128.Create((sbyte)' ')).AsByte()
            | Vector128.Equals(bytes, Vector128.Create((byte)'"'))
            | Vector128.Equals(bytes, Vector128.Create((byte)'\\'))) == Vector128<byte>.Zero;
}
