using System.Text.Json;
using System.Text.Json.Nodes;
using RunProof.Format;

namespace RunProof.Mcp;

/// <summary>What a server says of how far a call is: how often it said so, and what it said last. However often that is, no more is kept.</summary>
/// <param name="mask">Takes secrets out.</param>
internal sealed class CallProgress(SecretMask mask)
{
    private const int LongestMessage = 200;

    private readonly Lock _gate = new();
    private JsonObject? _last;
    private long _count;

    /// <summary>Takes what was said.</summary>
    internal void Take(JsonObject said)
    {
        lock (_gate)
            (_last, _count) = (said, _count + 1);
    }

    /// <summary>Writes it as a member, with a comma before it; nothing where nothing was said.</summary>
    internal void WriteTo(ref CanonicalWriter writer)
    {
        JsonObject? last;
        long count;
        lock (_gate)
            (last, count) = (_last, _count);
        if (last is null)
            return;
        writer.WriteRaw(",\"progress\":{\"count\":"u8);
        writer.WriteSafeInteger(count);
        WriteNumber(ref writer, ",\"last\":"u8, last["progress"]);
        if (TextOf(last["message"]) is { } message)
        {
            writer.WriteRaw(",\"message\":"u8);
            writer.WriteString(message);
        }

        WriteNumber(ref writer, ",\"total\":"u8, last["total"]);
        writer.WriteRaw("}"u8);
    }

    private static void WriteNumber(ref CanonicalWriter writer, ReadOnlySpan<byte> name, JsonNode? said)
    {
        if (said is not JsonValue value || value.GetValueKind() is not JsonValueKind.Number || !value.TryGetValue<double>(out var number) || !double.IsFinite(number))
            return;
        writer.WriteRaw(name);
        writer.WriteDouble(number);
    }

    // Secrets first: half of one would not be found.
    private string? TextOf(JsonNode? said)
    {
        if (said is not JsonValue value || value.GetValueKind() is not JsonValueKind.String)
            return null;
        try
        {
            return BoundedText.Of(mask.Apply(value.GetValue<string>()), LongestMessage);
        }
        catch (InvalidOperationException)
        {
            // An escaped lone surrogate: no text.
            return null;
        }
    }
}
