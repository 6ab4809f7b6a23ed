using System.Text;
using System.Text.Json;

namespace RunProof.Policies;

/// <summary>Reads JSON, each value with its place.</summary>
internal static class JsonNodes
{
    internal static PolicyNode Read(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        var reader = new Utf8JsonReader(bytes, new JsonReaderOptions { MaxDepth = YamlNodes.MaxDepth + 1 });
        var lines = new Lines(bytes);
        try
        {
            reader.Read();
            var root = Value(ref reader, lines);
            reader.Read();
            return root;
        }
        catch (JsonException fault)
        {
            throw new UnreadableDocumentException((int)(fault.LineNumber ?? 0) + 1, (int)(fault.BytePositionInLine ?? 0) + 1, "not JSON: " + Sentence(fault));
        }
        catch (InvalidOperationException)
        {
            var (line, column) = lines.Of((int)reader.TokenStartIndex);
            throw new UnreadableDocumentException(line, column, "not JSON: a text holds half of a surrogate pair");
        }
    }

    private static PolicyNode Value(ref Utf8JsonReader reader, Lines lines)
    {
        var (line, column) = lines.Of((int)reader.TokenStartIndex);
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                return Map(ref reader, lines, new PolicyNode(NodeKind.Map, "", line, column));
            case JsonTokenType.StartArray:
                var list = new PolicyNode(NodeKind.List, "", line, column);
                while (reader.Read() && reader.TokenType is not JsonTokenType.EndArray)
                    list.Items.Add(Value(ref reader, lines));
                return list;
            case JsonTokenType.String:
                return new PolicyNode(NodeKind.Text, reader.GetString()!, line, column);
            case JsonTokenType.Number:
                return new PolicyNode(NodeKind.Number, Encoding.UTF8.GetString(reader.ValueSpan), line, column);
            case JsonTokenType.True or JsonTokenType.False:
                return new PolicyNode(NodeKind.Boolean, reader.GetBoolean() ? "true" : "false", line, column);
            default:
                return new PolicyNode(NodeKind.Null, "null", line, column);
        }
    }

    private static PolicyNode Map(ref Utf8JsonReader reader, Lines lines, PolicyNode map)
    {
        while (reader.Read() && reader.TokenType is not JsonTokenType.EndObject)
        {
            var name = reader.GetString()!;
            var (line, column) = lines.Of((int)reader.TokenStartIndex);
            if (map[name] is not null)
                throw new DuplicateNameException(line, column, name);
            reader.Read();
            map.Members.Add(new PolicyMember(name, Value(ref reader, lines), line, column));
        }

        return map;
    }

    private static string Sentence(JsonException fault)
    {
        var end = fault.Message.IndexOf(" LineNumber:", StringComparison.Ordinal);
        return end < 0 ? fault.Message : fault.Message[..end];
    }

    /// <summary>It is JSON, so YAML would not say more.</summary>
    internal sealed class DuplicateNameException(int line, int column, string name) : Exception($"\"{name}\" is given twice")
    {
        internal PolicyError ToError() => new(line, column, "", Message);
    }

    /// <summary>Lines of a text by its offsets, asked for in rising order.</summary>
    private sealed class Lines(byte[] text)
    {
        private int _at;
        private int _line = 1;
        private int _begin;

        internal (int Line, int Column) Of(int offset)
        {
            for (; _at < offset; _at++)
            {
                if (text[_at] != '\n')
                    continue;
                _line++;
                _begin = _at + 1;
            }

            return (_line, Encoding.UTF8.GetCharCount(text.AsSpan(_begin, offset - _begin)) + 1);
        }
    }
}
