using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace RunProof.Testing;

/// <summary>Answers and errors in the service's shape.</summary>
internal static class ModelAnswer
{
    internal static byte[] Write(ModelRequest request, ModelTurn turn, int number)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteString("id", "chatcmpl-" + Word(number, 0));
            writer.WriteString("object", "chat.completion");
            writer.WriteNumber("created", 1_767_225_600 + number);
            writer.WriteString("model", ModelServer.Model + "-2026-01-01");
            writer.WriteStartArray("choices");
            writer.WriteStartObject();
            writer.WriteNumber("index", 0);
            WriteMessage(writer, turn, number);
            writer.WriteNull("logprobs");
            writer.WriteString("finish_reason", turn.FinishReason);
            writer.WriteEndObject();
            writer.WriteEndArray();
            WriteUsage(writer, request, turn);
            writer.WriteString("service_tier", "default");
            writer.WriteString("system_fingerprint", "fp_test");
            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>A token is four characters here.</summary>
    internal static int Tokens(int characters) => (characters + 3) / 4;

    private static void WriteMessage(Utf8JsonWriter writer, ModelTurn turn, int number)
    {
        writer.WriteStartObject("message");
        writer.WriteString("role", "assistant");
        if (turn.Content is null)
            writer.WriteNull("content");
        else
            writer.WriteString("content", turn.Content);
        if (turn.Refusal is null)
            writer.WriteNull("refusal");
        else
            writer.WriteString("refusal", turn.Refusal);
        if (turn.ToolCalls.Count > 0)
        {
            writer.WriteStartArray("tool_calls");
            for (var i = 0; i < turn.ToolCalls.Count; i++)
            {
                writer.WriteStartObject();
                writer.WriteString("id", "call_" + Word(number, i + 1));
                writer.WriteString("type", "function");
                writer.WriteStartObject("function");
                writer.WriteString("name", turn.ToolCalls[i].Name);
                writer.WriteString("arguments", turn.ToolCalls[i].Arguments);
                writer.WriteEndObject();
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        writer.WriteStartArray("annotations");
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static void WriteUsage(Utf8JsonWriter writer, ModelRequest request, ModelTurn turn)
    {
        var sent = Tokens(request.Text.Length);
        var came = Tokens((turn.Content ?? turn.Refusal ?? "").Length + turn.ToolCalls.Sum(call => call.Name.Length + call.Arguments.Length)) + turn.ReasoningTokens;
        writer.WriteStartObject("usage");
        writer.WriteNumber("prompt_tokens", sent);
        writer.WriteNumber("completion_tokens", came);
        writer.WriteNumber("total_tokens", sent + came);
        writer.WriteStartObject("prompt_tokens_details");
        writer.WriteNumber("cached_tokens", turn.CachedTokens);
        writer.WriteNumber("audio_tokens", 0);
        writer.WriteEndObject();
        writer.WriteStartObject("completion_tokens_details");
        writer.WriteNumber("reasoning_tokens", turn.ReasoningTokens);
        writer.WriteNumber("audio_tokens", 0);
        writer.WriteNumber("accepted_prediction_tokens", 0);
        writer.WriteNumber("rejected_prediction_tokens", 0);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    // As long and as wild as the service's own ids.
    private static string Word(int number, int part)
    {
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{number}/{part}")));
        return Convert.ToBase64String(hash).Replace("+", "", StringComparison.Ordinal).Replace("/", "", StringComparison.Ordinal)[..24];
    }
}

/// <summary>A refusal in the service's shape.</summary>
internal sealed record ModelRefusal(int Status, string Message, string? Param, string? Code)
{
    internal byte[] ToJson()
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            writer.WriteStartObject("error");
            writer.WriteString("message", Message);
            writer.WriteString("type", Status >= 500 ? "server_error" : "invalid_request_error");
            Write(writer, "param", Param);
            Write(writer, "code", Code);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void Write(Utf8JsonWriter writer, string name, string? text)
    {
        if (text is null)
            writer.WriteNull(name);
        else
            writer.WriteString(name, text);
    }
}
