using System.Globalization;
using System.Text;
using System.Text.Json;

namespace RunProof.Generators.Tests.Driving;

/// <summary>Canonical bytes for people: offset, sixteen bytes in hex, the same as ASCII, and what begins there.</summary>
internal static class HexDump
{
    public static string Of(ReadOnlySpan<byte> bytes)
    {
        var dump = new StringBuilder();
        var starts = Pieces(bytes);
        for (var i = 0; i < starts.Count; i++)
        {
            var end = i + 1 < starts.Count ? starts[i + 1].Offset : bytes.Length;
            var note = starts[i].Note;
            for (var at = starts[i].Offset; at < end; at += 16)
            {
                Line(dump, at, bytes[at..Math.Min(at + 16, end)], note);
                note = "";
            }
        }

        return dump.ToString();
    }

    private static void Line(StringBuilder dump, int offset, ReadOnlySpan<byte> bytes, string note)
    {
        var hex = string.Join(' ', bytes.ToArray().Select(static b => b.ToString("x2", CultureInfo.InvariantCulture)));
        var ascii = string.Concat(bytes.ToArray().Select(static b => b is >= 0x20 and <= 0x7e ? (char)b : '·'));
        dump.Append(offset.ToString("x4", CultureInfo.InvariantCulture)).Append(" | ").Append(hex.PadRight(47)).Append(" | ").Append(ascii.PadRight(16)).Append(" | ").Append(note);
        while (dump[^1] == ' ')
            dump.Length--;
        dump.Append('\n');
    }

    /// <summary>A piece begins with each member's name (at the punctuation before it), each item, and each end of an object or array.</summary>
    private static List<(int Offset, string Note)> Pieces(ReadOnlySpan<byte> bytes)
    {
        var pieces = new List<(int, string)>();
        var reader = new Utf8JsonReader(bytes);
        var named = false;
        var end = 0;
        while (reader.Read())
        {
            var note = Note(ref reader);
            if (reader.TokenType == JsonTokenType.PropertyName)
                pieces.Add((end, note));
            else if (named)
                pieces[^1] = (pieces[^1].Item1, pieces[^1].Item2 + ": " + note);
            else
                pieces.Add((end, note));
            named = reader.TokenType == JsonTokenType.PropertyName;
            end = (int)reader.BytesConsumed;
        }

        return pieces;
    }

    private static string Note(ref Utf8JsonReader reader) => reader.TokenType switch
    {
        JsonTokenType.PropertyName => Printable(reader.GetString()!),
        JsonTokenType.String => $"string of {reader.GetString()!.Length} UTF-16 units",
        JsonTokenType.Number => "number",
        JsonTokenType.True or JsonTokenType.False => "boolean",
        JsonTokenType.Null => "null",
        JsonTokenType.StartObject => "object",
        JsonTokenType.StartArray => "array",
        _ => "end",
    };

    private static string Printable(string name) =>
        "\"" + string.Concat(name.Select(static c => c is >= ' ' and <= '~' ? c.ToString() : "\\u" + ((int)c).ToString("x4", CultureInfo.InvariantCulture))) + "\"";
}
