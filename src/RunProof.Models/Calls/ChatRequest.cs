using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using static System.FormattableString;

namespace RunProof.Models;

/// <summary>A request of the chat-completions protocol.</summary>
internal static class ChatRequest
{
    private static readonly SearchValues<char> ToolName = SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");

    /// <summary>What no service would take.</summary>
    /// <returns>What is wrong, with its place; null where nothing is.</returns>
    internal static string? Refusal(LlmInvokeParameters asked)
    {
        if (asked.Messages.Count == 0)
            return "messages must not be empty";
        if (asked.SystemPrompt is not null && asked.SystemPromptRef is not null)
            return "system_prompt and system_prompt_ref exclude each other";
        if (asked.SystemPromptDigest is not null && asked.SystemPromptRef is null)
            return "system_prompt_digest belongs to a system_prompt_ref";
        if (asked.Temperature is < 0 or > 2)
            return "temperature must be from 0 to 2";
        if (asked.MaxTokens < 1)
            return "max_tokens must be at least 1";
        if (asked.ToolChoice is not (null or "auto" or "none" or "required"))
            return "tool_choice must be auto, none or required";
        if (asked.ToolChoice is "required" && asked.Tools.Count == 0)
            return "tool_choice is required, and there are no tools";
        if (asked.ResponseFormat is { } format && TypeOf(format) is null)
            return "response_format must be an object with a type";
        return RefusalOfTools(asked.Tools) ?? RefusalOfMessages(asked.Messages);
    }

    /// <summary>Whether the answer's content must be JSON.</summary>
    internal static bool WantsJson(LlmInvokeParameters asked) => asked.ResponseFormat is { } format && TypeOf(format) is "json_object" or "json_schema";

    internal static byte[] Write(LlmInvokeParameters asked, ModelConnection model, string? systemPrompt, long? seed)
    {
        var buffer = new ArrayBufferWriter<byte>(1_024);
        using (var writer = new Utf8JsonWriter(buffer, new JsonWriterOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = 1_000 }))
        {
            writer.WriteStartObject();
            writer.WriteString("model", model.Endpoint.Model);
            writer.WriteStartArray("messages");
            if (systemPrompt is not null)
                Write(writer, new LlmMessage { Role = LlmRole.System, Content = systemPrompt });
            foreach (var message in asked.Messages)
                Write(writer, message);
            writer.WriteEndArray();
            WriteChoices(writer, asked, model, seed);
            if (asked.Tools.Count > 0)
                WriteTools(writer, asked);
            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    private static void WriteChoices(Utf8JsonWriter writer, LlmInvokeParameters asked, ModelConnection model, long? seed)
    {
        if (asked.Temperature is { } temperature)
            writer.WriteNumber("temperature", temperature);
        if (asked.MaxTokens is { } most)
            writer.WriteNumber(model.TokenLimitMember, most);
        if (seed is { } number)
            writer.WriteNumber("seed", number);
        if (asked.ResponseFormat is { } format)
        {
            writer.WritePropertyName("response_format");
            writer.WriteRawValue(format.Bytes.Span);
        }
    }

    private static void WriteTools(Utf8JsonWriter writer, LlmInvokeParameters asked)
    {
        writer.WriteStartArray("tools");
        foreach (var tool in asked.Tools)
        {
            writer.WriteStartObject();
            writer.WriteString("type", "function");
            writer.WriteStartObject("function");
            writer.WriteString("name", tool.Name);
            writer.WriteString("description", tool.Description);
            writer.WritePropertyName("parameters");
            writer.WriteRawValue(tool.Parameters.Bytes.Span);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        if (asked.ToolChoice is { } choice)
            writer.WriteString("tool_choice", choice);
    }

    private static void Write(Utf8JsonWriter writer, LlmMessage message)
    {
        writer.WriteStartObject();
        writer.WriteString("role", message.Role switch
        {
            LlmRole.System => "system",
            LlmRole.User => "user",
            LlmRole.Assistant => "assistant",
            _ => "tool",
        });
        if (message.Content is { } content)
            writer.WriteString("content", content);
        else
            writer.WriteNull("content");
        if (message.ToolCallId is { } id)
            writer.WriteString("tool_call_id", id);
        if (message.ToolCalls.Count > 0)
        {
            writer.WriteStartArray("tool_calls");
            foreach (var call in message.ToolCalls)
            {
                writer.WriteStartObject();
                writer.WriteString("id", call.Id);
                writer.WriteString("type", "function");
                writer.WriteStartObject("function");
                writer.WriteString("name", call.Name);
                writer.WriteString("arguments", call.Arguments);
                writer.WriteEndObject();
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    }

    private static string? TypeOf(Format.CanonicalJson format)
    {
        using var document = format.ToDocument();
        return document.RootElement.ValueKind is JsonValueKind.Object && document.RootElement.TryGetProperty("type", out var type) && type.ValueKind is JsonValueKind.String ? type.GetString() : null;
    }

    private static string? RefusalOfTools(IReadOnlyList<LlmTool> tools)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < tools.Count; i++)
        {
            var tool = tools[i];
            if (tool.Name.Length is 0 or > 64 || tool.Name.AsSpan().ContainsAnyExcept(ToolName))
                return Invariant($"tools[{i}].name must be 1 to 64 of A-Z a-z 0-9 _ -");
            if (!names.Add(tool.Name))
                return Invariant($"tools[{i}].name: \"{tool.Name}\" is given twice");
            if (tool.Parameters.Bytes.Span[0] != (byte)'{')
                return Invariant($"tools[{i}].parameters must be an object: a JSON Schema");
        }

        return null;
    }

    private static string? RefusalOfMessages(IReadOnlyList<LlmMessage> messages)
    {
        for (var i = 0; i < messages.Count; i++)
        {
            var message = messages[i];
            if (message.Role is LlmRole.Tool != message.ToolCallId is not null)
                return Invariant($"messages[{i}].tool_call_id belongs to the role tool, and only to it");
            if (message.ToolCalls.Count > 0 && message.Role is not LlmRole.Assistant)
                return Invariant($"messages[{i}].tool_calls belong to the role assistant alone");
            if (message.Content is null && message.ToolCalls.Count == 0)
                return Invariant($"messages[{i}].content is missing");
        }

        return null;
    }
}
