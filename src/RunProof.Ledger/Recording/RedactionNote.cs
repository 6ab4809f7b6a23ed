using System.Buffers;
using System.Text.Json;
using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>What the context says of one removal: <c>{"place":"params.headers.authorization","rule":"name:authorization"}</c>.</summary>
/// <param name="Place">The payload's column and the place in it.</param>
/// <param name="Rule">The rule.</param>
internal readonly record struct RedactionNote(string Place, string Rule)
{
    private const string Member = "redactions";

    /// <summary>A place within a payload, with the payload's name before it.</summary>
    /// <param name="payload">The payload's column.</param>
    /// <param name="place">From the payload's root; empty for the root itself.</param>
    internal static string Join(string payload, string place) =>
        place.Length == 0 ? payload : place[0] == '[' ? payload + place : payload + "." + place;

    /// <summary>Splices <c>redactions</c> into an object where canonical order wants it; after notes that are there already.</summary>
    /// <param name="context">A JSON object, or null for an empty one.</param>
    /// <param name="notes">At least one.</param>
    /// <exception cref="ArgumentException">The object has a member <c>redactions</c> that is not an array.</exception>
    internal static CanonicalJson AddTo(CanonicalJson? context, List<RedactionNote> notes)
    {
        var bytes = context is null ? "{}"u8 : context.Bytes.Span;
        var (at, kind) = Find(bytes);
        var output = new ArrayBufferWriter<byte>(bytes.Length + (notes.Count * 64) + 32);
        var writer = new CanonicalWriter(output);
        writer.WriteRaw(bytes[..at]);
        switch (kind)
        {
            case Splice.IntoArray:
                WriteNotes(ref writer, notes, leadingComma: bytes[at - 1] != (byte)'[');
                break;
            case Splice.BeforeMember:
                WriteMember(ref writer, notes);
                writer.WriteRaw(","u8);
                break;
            default:
                if (bytes[at - 1] != (byte)'{')
                    writer.WriteRaw(","u8);
                WriteMember(ref writer, notes);
                break;
        }

        writer.WriteRaw(bytes[at..]);
        writer.Flush();
        return CanonicalJson.FromCanonicalBytes(output.WrittenMemory);
    }

    private enum Splice
    {
        AtEnd,
        BeforeMember,
        IntoArray,
    }

    private static (int At, Splice Kind) Find(ReadOnlySpan<byte> canonical)
    {
        var reader = new Utf8JsonReader(canonical, new JsonReaderOptions { MaxDepth = Canonicalizer.MaxDepth + 2 });
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var order = string.CompareOrdinal(reader.GetString(), Member);
            if (order > 0)
                return ((int)reader.TokenStartIndex, Splice.BeforeMember);
            reader.Read();
            if (order == 0 && reader.TokenType != JsonTokenType.StartArray)
                throw new ArgumentException($"the context's member \"{Member}\" must be an array: the recorder adds to it", nameof(canonical));
            reader.Skip();
            if (order == 0)
                return ((int)reader.TokenStartIndex, Splice.IntoArray);
        }

        return (canonical.Length - 1, Splice.AtEnd);
    }

    private static void WriteMember(ref CanonicalWriter writer, List<RedactionNote> notes)
    {
        writer.WriteRaw("\"redactions\":["u8);
        WriteNotes(ref writer, notes, leadingComma: false);
        writer.WriteRaw("]"u8);
    }

    private static void WriteNotes(ref CanonicalWriter writer, List<RedactionNote> notes, bool leadingComma)
    {
        foreach (var note in notes)
        {
            writer.WriteRaw(leadingComma ? ",{\"place\":"u8 : "{\"place\":"u8);
            writer.WriteString(note.Place);
            writer.WriteRaw(",\"rule\":"u8);
            writer.WriteString(note.Rule);
            writer.WriteRaw("}"u8);
            leadingComma = true;
        }
    }
}
