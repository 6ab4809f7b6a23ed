using System.Globalization;
using System.Text;
using System.Text.Json;
using RunProof.Format;

namespace RunProof.Execution;

/// <summary>
/// Keeps a conversation within a limit: the oldest answers of tools give way to their digests. Each turn sends and records all that was said before it, so that without a limit a run of
/// many turns would grow as their square.
/// </summary>
internal static class Conversation
{
    // What stands in an answer's place is no shorter than this; a shorter one stays.
    private const int WorthLeavingOut = 256;

    /// <summary>Leaves out what must be.</summary>
    /// <param name="messages">All messages, the oldest first.</param>
    /// <param name="most">Characters at most, counted over the messages' JSON.</param>
    /// <returns>What writes each message; null where they are too long whatever is left out.</returns>
    public static IReadOnlyList<Action<Utf8JsonWriter>>? Bounded(JsonElement messages, int most)
    {
        var kept = messages.EnumerateArray().Select(message => (Action<Utf8JsonWriter>)message.WriteTo).ToList();
        long length = messages.EnumerateArray().Sum(message => (long)message.GetRawText().Length);
        if (length <= most)
            return kept;
        // Further than needed: else every turn from now on would leave out one more, and no service's cache would know the conversation again.
        var aim = most / 4 * 3;
        var i = 0;
        foreach (var message in messages.EnumerateArray())
        {
            if (length > aim && message.GetProperty("role").ValueEquals("tool") && message.GetProperty("content").GetString() is { Length: > WorthLeavingOut } content)
            {
                var instead = Instead(content);
                length -= content.Length - instead.Length;
                kept[i] = writer => Write(writer, message, instead);
            }

            i++;
        }

        return length <= most ? kept : null;
    }

    private static string Instead(string content) => string.Create(
        CultureInfo.InvariantCulture, $$$"""{"left_out":{"because":"the conversation is long","characters":{{{content.Length}}},"sha256":"{{{Digest.Of(Encoding.UTF8.GetBytes(content))}}}"}}""");

    private static void Write(Utf8JsonWriter writer, JsonElement message, string content)
    {
        writer.WriteStartObject();
        foreach (var member in message.EnumerateObject())
        {
            if (member.NameEquals("content"))
                writer.WriteString("content", content);
            else
                member.WriteTo(writer);
        }

        writer.WriteEndObject();
    }
}
