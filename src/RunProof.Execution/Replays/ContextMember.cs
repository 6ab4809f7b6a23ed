using System.Text.Json;
using RunProof.Format;

namespace RunProof.Execution;

/// <summary>Puts a member into an object of evidence where canonical order wants it.</summary>
internal static class ContextMember
{
    /// <summary>Adds a member that the object has not.</summary>
    /// <param name="context">A canonical JSON object.</param>
    /// <param name="member">The name: plain letters and underscores.</param>
    /// <param name="value">The value.</param>
    public static CanonicalJson With(this CanonicalJson context, string member, CanonicalJson value)
    {
        var bytes = context.Bytes.Span;
        var at = PlaceOf(bytes, member);
        var isLast = at == bytes.Length - 1;
        var buffer = new System.Buffers.ArrayBufferWriter<byte>(bytes.Length + value.Bytes.Length + member.Length + 5);
        var writer = new CanonicalWriter(buffer);
        writer.WriteRaw(bytes[..at]);
        if (isLast && at > 1)
            writer.WriteRaw(","u8);
        writer.WriteString(member);
        writer.WriteRaw(":"u8);
        writer.WriteJson(value);
        if (!isLast)
            writer.WriteRaw(","u8);
        writer.WriteRaw(bytes[at..]);
        writer.Flush();
        return CanonicalJson.FromCanonicalBytes(buffer.WrittenMemory);
    }

    private static int PlaceOf(ReadOnlySpan<byte> canonical, string member)
    {
        var reader = new Utf8JsonReader(canonical, new JsonReaderOptions { MaxDepth = 4 * Canonicalizer.MaxDepth });
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var order = string.CompareOrdinal(reader.GetString(), member);
            if (order == 0)
                throw new ArgumentException($"the object has a member \"{member}\"", nameof(member));
            if (order > 0)
                return (int)reader.TokenStartIndex;
            reader.Read();
            reader.Skip();
        }

        return canonical.Length - 1;
    }
}
