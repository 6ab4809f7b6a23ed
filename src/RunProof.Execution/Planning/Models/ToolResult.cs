using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution;

/// <summary>What a model is told of a tool that it called.</summary>
internal static class ToolResult
{
    private static readonly JsonWriterOptions Writing = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>Of a step: its outcome; where it failed, why, and the outcome where there is one.</summary>
    public static string Of(EndedStep step)
    {
        if (step.Failure is not { } failure)
            return Cut(step.Outcome?.ToString() ?? "null");
        var outcome = step.Outcome is { } kept ? "\nOutcome all the same: " + kept : "";
        return Cut(Error(failure.Code, failure.Message) + outcome);
    }

    /// <summary>Of a call that became no step, or of one that failed.</summary>
    public static string Error(string code, string message)
    {
        var buffer = new ArrayBufferWriter<byte>(128);
        using (var writer = new Utf8JsonWriter(buffer, Writing))
        {
            writer.WriteStartObject();
            writer.WriteStartObject("error");
            writer.WriteString("code", code);
            writer.WriteString("message", message);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <summary>Writes the message.</summary>
    public static void Write(Utf8JsonWriter writer, ModelAnswer.Call call, string content)
    {
        writer.WriteStartObject();
        writer.WriteString("role", "tool");
        writer.WriteString("tool_call_id", call.Id);
        writer.WriteString("content", content);
        writer.WriteEndObject();
    }

    private static string Cut(string text)
    {
        if (text.Length <= AgentPlanner.LongestResult)
            return text;
        var end = char.IsHighSurrogate(text[AgentPlanner.LongestResult - 1]) ? AgentPlanner.LongestResult - 1 : AgentPlanner.LongestResult;
        return string.Create(
            System.Globalization.CultureInfo.InvariantCulture, $"{text.AsSpan(0, end)}… (cut off: {text.Length - end} more characters; SHA-256 of the whole: {Digest.Of(Encoding.UTF8.GetBytes(text))})");
    }
}
