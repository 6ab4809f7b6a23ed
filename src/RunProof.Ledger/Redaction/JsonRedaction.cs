using System.Buffers;
using System.Text;
using System.Text.Json;
using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>One payload's redaction: reads its tokens and copies everything but what goes. Used once.</summary>
internal sealed class JsonRedaction(RedactionRules rules, TextScan text, FieldNameSet names, List<Removal> removals)
{
    // JSON in a string in JSON in a string …: quotes double with each level, so few levels are ever real.
    private const int DeepestText = 4;

    /// <summary>The redacted payload, canonical; null where nothing goes.</summary>
    /// <param name="payload">Canonical JSON.</param>
    internal byte[]? Redact(ReadOnlySpan<byte> payload)
    {
        var output = Rewrite(payload, "", 0, out var renamed);

        // Values were replaced where they stood; another name may belong elsewhere.
        return output is null || !renamed ? output : Canonicalizer.Canonicalize(output, NumberRule.Exact, int.MaxValue);
    }

    private byte[]? Rewrite(ReadOnlySpan<byte> json, string root, int level, out bool renamed)
    {
        renamed = false;
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = int.MaxValue });
        var place = new JsonPlace(root);
        var output = new Edit();
        string? rule = null;
        HashSet<string>? taken = null;
        while (reader.Read())
        {
            var start = (int)reader.TokenStartIndex;
            if (reader.TokenType is JsonTokenType.EndObject or JsonTokenType.EndArray)
            {
                place.Leave();
                continue;
            }

            if (reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = TextOf(ref reader, out _);
                rule = names.Find(name);
                if (Rename(json, name, ref taken) is { } other)
                {
                    renamed = true;
                    output.Replace(json, start, start + reader.ValueSpan.Length + 2, Quote(other));
                    removals.AddRange(text.Find(name)!.Select(match => new Removal(place.Of(other), match.Rule)));
                    name = other;
                }

                place.Name(name);
                continue;
            }

            place.Next();
            if (rule is not null && reader.TokenType != JsonTokenType.Null)
                Whole(ref reader, json, start, rule, ref place, ref output);
            else if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray)
                place.Enter(reader.TokenType == JsonTokenType.StartArray);
            else if (reader.TokenType == JsonTokenType.String)
                Part(ref reader, json, start, level, ref place, ref output);
            else if (reader.TokenType == JsonTokenType.Number && rules.Cards && DigitGroups.IsCard(reader.ValueSpan))
                Number(ref reader, json, start, ref place, ref output);
            rule = null;
        }

        return output.Finish(json);
    }

    /// <summary>A value that goes whole, because of its member's name.</summary>
    private void Whole(ref Utf8JsonReader reader, ReadOnlySpan<byte> json, int start, string rule, ref JsonPlace place, ref Edit output)
    {
        reader.Skip();
        var end = (int)reader.BytesConsumed;
        if (json[start..end].SequenceEqual("\"<REDACTED>\""u8))
            return;
        output.Replace(json, start, end, "\"<REDACTED>\""u8);
        removals.Add(new Removal(place.ToString(), "name:" + rule));
    }

    private void Number(ref Utf8JsonReader reader, ReadOnlySpan<byte> json, int start, ref JsonPlace place, ref Edit output)
    {
        output.Replace(json, start, (int)reader.BytesConsumed, Quote(Match.MarkOf("card")));
        removals.Add(new Removal(place.ToString(), "card"));
    }

    /// <summary>A string of which parts may go.</summary>
    private void Part(ref Utf8JsonReader reader, ReadOnlySpan<byte> json, int start, int level, ref JsonPlace place, ref Edit output)
    {
        var value = TextOf(ref reader, out var isRaw);
        var end = start + reader.ValueSpan.Length + 2;
        if (place.IsNamed("$base64") && Decode(value) is { } decoded)
        {
            if (RedactText(decoded, place.ToString(), level) is { } left)
                output.Replace(json, start, end, Quote(Convert.ToBase64String(Encoding.UTF8.GetBytes(left))));
        }
        else if (RedactText(value, place.ToString(), level) is { } left)
        {
            output.Replace(json, start, end, isRaw ? Encoding.UTF8.GetBytes('"' + left + '"') : Quote(left));
        }
    }

    /// <summary>What is left of a text; null where all of it.</summary>
    private string? RedactText(string value, string place, int level)
    {
        if (level < DeepestText && value.AsSpan().TrimStart(" \t\r\n") is ['{' or '[', ..] && AsJson(value) is { } json)
            return Rewrite(json, place, level + 1, out _) is { } rewritten ? Encoding.UTF8.GetString(rewritten) : null;
        if (text.Find(value) is not { } matches)
            return null;
        removals.AddRange(matches.Select(match => new Removal(place, match.Rule)));
        return TextScan.Replace(value, matches);
    }

    /// <summary>A name without what goes, unlike any other of the text; null where nothing goes.</summary>
    private string? Rename(ReadOnlySpan<byte> json, string name, ref HashSet<string>? taken)
    {
        if (text.Find(name) is not { } matches)
            return null;
        taken ??= NamesLikeMarks(json);
        var other = TextScan.Replace(name, matches);
        var candidate = other;
        for (var i = 2; !taken.Add(candidate); i++)
            candidate = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{other}#{i}");
        return candidate;
    }

    private static HashSet<string> NamesLikeMarks(ReadOnlySpan<byte> json)
    {
        var found = new HashSet<string>(StringComparer.Ordinal);
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = int.MaxValue });
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.PropertyName && reader.ValueSpan.IndexOf("REDACTED"u8) >= 0)
                found.Add(TextOf(ref reader, out _));
        }

        return found;
    }

    /// <summary>A string's text; where it holds a lone surrogate, which no string of ours can, its raw form.</summary>
    private static string TextOf(ref Utf8JsonReader reader, out bool isRaw)
    {
        isRaw = false;
        try
        {
            return reader.GetString()!;
        }
        catch (InvalidOperationException)
        {
            isRaw = true;
            return Encoding.UTF8.GetString(reader.ValueSpan);
        }
    }

    private static string? Decode(string base64)
    {
        var bytes = new byte[(base64.Length / 4 * 3) + 3];
        return Convert.TryFromBase64String(base64, bytes, out var length) && System.Text.Unicode.Utf8.IsValid(bytes.AsSpan(0, length))
            ? Encoding.UTF8.GetString(bytes, 0, length)
            : null;
    }

    private static byte[]? AsJson(string value)
    {
        var json = Encoding.UTF8.GetBytes(value);
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = int.MaxValue });
        try
        {
            while (reader.Read())
            {
            }

            return json;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static ReadOnlySpan<byte> Quote(string value)
    {
        var output = new ArrayBufferWriter<byte>(value.Length + 2);
        var writer = new CanonicalWriter(output);
        writer.WriteString(value);
        writer.Flush();
        return output.WrittenSpan;
    }

    /// <summary>A copy of a text with stretches replaced; nothing is copied before the first.</summary>
    private ref struct Edit
    {
        private ArrayBufferWriter<byte>? _output;
        private int _copied;

        internal void Replace(ReadOnlySpan<byte> source, int start, int end, ReadOnlySpan<byte> replacement)
        {
            _output ??= new ArrayBufferWriter<byte>(source.Length + 64);
            _output.Write(source[_copied..start]);
            _output.Write(replacement);
            _copied = end;
        }

        internal readonly byte[]? Finish(ReadOnlySpan<byte> source)
        {
            _output?.Write(source[_copied..]);
            return _output?.WrittenSpan.ToArray();
        }
    }
}
