using System.Buffers;
using System.Text;
using System.Text.Unicode;

namespace RunProof.Format;

/// <summary>JSON strings with the escapes of RFC 8785 section 3.2.2.2 and no others.</summary>
internal static class CanonicalString
{
    private static readonly SearchValues<char> Escaped = SearchValues.Create(
        "\"\\\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\t\n\u000b\f\r\u000e\u000f\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001a\u001b\u001c\u001d\u001e\u001f");

    internal static void Write(ref CanonicalWriter writer, scoped ReadOnlySpan<char> value)
    {
        writer.WriteRaw("\""u8);
        while (true)
        {
            var next = value.IndexOfAny(Escaped);
            WriteVerbatim(ref writer, next < 0 ? value : value[..next]);
            if (next < 0)
                break;
            WriteEscape(ref writer, value[next]);
            value = value[(next + 1)..];
        }

        writer.WriteRaw("\""u8);
    }

    private static void WriteVerbatim(ref CanonicalWriter writer, scoped ReadOnlySpan<char> value)
    {
        // Chunks keep the worst-case reservation (three bytes a char) small; a chunk never splits a surrogate pair.
        const int chunk = 2048;
        while (!value.IsEmpty)
        {
            var take = Math.Min(chunk, value.Length);
            if (take < value.Length && char.IsHighSurrogate(value[take - 1]))
                take--;
            var target = writer.Reserve(take * 3);
            if (Utf8.FromUtf16(value[..take], target, out _, out var written, replaceInvalidSequences: false) != OperationStatus.Done)
                throw new CanonicalFormatException("a string holds a lone surrogate, which has no canonical form (RFC 8785 section 3.2.2.2)");
            writer.Commit(written);
            value = value[take..];
        }
    }

    private static void WriteEscape(ref CanonicalWriter writer, char c)
    {
        switch (c)
        {
            case '"': writer.WriteRaw("\\\""u8); break;
            case '\\': writer.WriteRaw("\\\\"u8); break;
            case '\b': writer.WriteRaw("\\b"u8); break;
            case '\t': writer.WriteRaw("\\t"u8); break;
            case '\n': writer.WriteRaw("\\n"u8); break;
            case '\f': writer.WriteRaw("\\f"u8); break;
            case '\r': writer.WriteRaw("\\r"u8); break;
            default:
                var target = writer.Reserve(6);
                "\\u00"u8.CopyTo(target);
                target[4] = (byte)(c < 0x10 ? '0' : '1');
                target[5] = "0123456789abcdef"u8[c & 0xF];
                writer.Commit(6);
                break;
        }
    }
}
