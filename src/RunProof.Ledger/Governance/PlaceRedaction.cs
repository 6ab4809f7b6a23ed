using System.Buffers;
using System.Text.Json;
using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>A place that a rule removes from evidence.</summary>
/// <param name="Place">Where, from the payload's root.</param>
/// <param name="Rule">Which rule: <c>policy:spend-guard/no-cards</c>.</param>
public sealed record PlaceRedaction(PlacePattern Place, string Rule)
{
    private static ReadOnlySpan<byte> Mark => "\"<REDACTED>\""u8;

    /// <summary>Removes the values at places: each becomes <c>"&lt;REDACTED&gt;"</c>, null stays. A place that leads into JSON kept as text, or into bytes, removes all of it.</summary>
    /// <param name="payload">Canonical JSON.</param>
    /// <param name="places">The places.</param>
    /// <returns>What is left, canonical, and what was removed. The very same instance where nothing was.</returns>
    public static RedactionResult Apply(CanonicalJson payload, IReadOnlyList<PlaceRedaction> places)
    {
        ArgumentNullException.ThrowIfNull(payload);
        ArgumentNullException.ThrowIfNull(places);
        if (places.Count == 0)
            return new RedactionResult(payload, []);
        var json = payload.Bytes.Span;
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = int.MaxValue });
        var removals = new List<Removal>();
        var output = new ArrayBufferWriter<byte>(json.Length + 16);
        var frames = new List<Frame>();
        var place = new JsonPlace("");
        var copied = 0;
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.EndObject or JsonTokenType.EndArray)
            {
                place.Leave();
                frames.RemoveAt(frames.Count - 1);
                continue;
            }

            if (reader.TokenType is JsonTokenType.PropertyName)
            {
                frames[^1] = frames[^1] with { Name = reader.GetString()! };
                place.Name(frames[^1].Name!);
                continue;
            }

            place.Next();
            if (frames is [.., { Name: null }])
                frames[^1] = frames[^1] with { Index = frames[^1].Index + 1 };
            var start = (int)reader.TokenStartIndex;
            if (reader.TokenType is not JsonTokenType.Null && Hit(places, frames) is { } rule)
            {
                reader.Skip();
                var end = (int)reader.BytesConsumed;
                if (json[start..end].SequenceEqual(Mark))
                    continue;
                output.Write(json[copied..start]);
                output.Write(Mark);
                copied = end;
                removals.Add(new Removal(place.ToString(), rule));
            }
            else if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray)
            {
                frames.Add(new Frame(reader.TokenType is JsonTokenType.StartObject ? "" : null, -1));
                place.Enter(reader.TokenType is JsonTokenType.StartArray);
            }
        }

        if (removals.Count == 0)
            return new RedactionResult(payload, []);
        output.Write(json[copied..]);
        return new RedactionResult(CanonicalJson.FromCanonicalBytes(output.WrittenMemory), removals);
    }

    private static string? Hit(IReadOnlyList<PlaceRedaction> places, List<Frame> frames)
    {
        foreach (var one in places)
        {
            if (IsAt(one.Place.Parts, frames))
                return one.Rule;
        }

        return null;
    }

    // A text or bytes in an object's only member: what is in there cannot be cut out of it.
    private static bool IsAt(ReadOnlySpan<PlacePattern.Part> parts, List<Frame> frames)
    {
        var depth = Math.Min(parts.Length, frames.Count);
        for (var i = 0; i < depth; i++)
        {
            if (frames[i].Name is { } name ? !(parts[i].Names(name) || (i == frames.Count - 1 && IsKept(name))) : !parts[i].Indexes(frames[i].Index))
                return false;
        }

        return frames.Count == parts.Length || (frames.Count < parts.Length && frames is [.., { Name: { } last }] && IsKept(last));
    }

    private static bool IsKept(string name) => name is "$json" or "$base64";

    private readonly record struct Frame(string? Name, int Index);
}
