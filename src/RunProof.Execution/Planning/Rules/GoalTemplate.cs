using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace RunProof.Execution;

/// <summary>Puts what a goal's pattern found into a rule's plan.</summary>
internal static partial class GoalTemplate
{
    private static readonly JsonWriterOptions Writing = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = 1_000 };

    [GeneratedRegex(@"\{\{ *goal(?:\.(?<name>[A-Za-z_][A-Za-z0-9_]*))? *\}\}", RegexOptions.CultureInvariant, 1_000)]
    private static partial Regex Place();

    /// <summary>The groups that a string names; empty for the whole goal.</summary>
    public static IEnumerable<string> NamesIn(string text) => Place().Matches(text).Select(match => match.Groups["name"].Value);

    /// <summary>Fills a plan.</summary>
    /// <param name="plan">A rule's plan.</param>
    /// <param name="goal">What its pattern found.</param>
    /// <returns>The plan as JSON text.</returns>
    public static ReadOnlyMemory<byte> Fill(JsonElement plan, Match goal)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(buffer, Writing))
            Write(writer, plan, goal);
        return buffer.WrittenMemory;
    }

    private static void Write(Utf8JsonWriter writer, JsonElement value, Match goal)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (var member in value.EnumerateObject())
                {
                    writer.WritePropertyName(member.Name);
                    Write(writer, member.Value, goal);
                }

                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in value.EnumerateArray())
                    Write(writer, item, goal);
                writer.WriteEndArray();
                break;
            case JsonValueKind.String:
                writer.WriteStringValue(Place().Replace(value.GetString()!, place => place.Groups["name"].Length == 0 ? goal.Value : goal.Groups[place.Groups["name"].Value].Value));
                break;
            default:
                value.WriteTo(writer);
                break;
        }
    }
}
