using System.Text.Json;
using RunProof.Format;

namespace RunProof.Models;

/// <summary>An answer of the chat-completions protocol. Services that only resemble it leave members out or add some: what is needed is insisted on, nothing else.</summary>
internal sealed record ChatAnswer(
    string? Content, string? Refusal, IReadOnlyList<LlmToolCall> ToolCalls, string FinishReason, string? Model, string? Id, LlmUsage Usage)
{
    private const int LongestWord = 256;

    private static readonly JsonDocumentOptions Deep = new() { MaxDepth = 256 };

    /// <summary>Reads an answer.</summary>
    /// <param name="body">The response's body.</param>
    /// <exception cref="FormatException">It is none; the message says where.</exception>
    internal static ChatAnswer Read(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body, Deep);
            return Read(document.RootElement);
        }
        catch (JsonException)
        {
            throw new FormatException("it is not JSON");
        }
        catch (InvalidOperationException)
        {
            throw new FormatException("a text in it is no Unicode text");
        }
    }

    /// <summary>What a service says is wrong: <c>{"error":{"message","type","param","code"}}</c>, or anything.</summary>
    internal static (string? Message, string? Code) ReadError(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body, Deep);
            if (!TryGet(document.RootElement, "error", out var error))
                return (Text(document.RootElement, "message"), null);
            return error.ValueKind is JsonValueKind.String ? (error.GetString(), null) : (Text(error, "message"), Text(error, "code") ?? Text(error, "type"));
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return (null, null);
        }
    }

    private static ChatAnswer Read(JsonElement root)
    {
        if (!TryGet(root, "choices", out var choices) || choices.ValueKind is not JsonValueKind.Array || choices.GetArrayLength() == 0)
            throw new FormatException("it has no choices");
        var choice = choices[0];
        if (!TryGet(choice, "message", out var message) || message.ValueKind is not JsonValueKind.Object)
            throw new FormatException("choices[0] has no message");
        var calls = CallsOf(message);
        var content = ContentOf(message);
        var finish = Word(choice, "finish_reason") ?? (calls.Count > 0 ? "tool_calls" : "stop");
        return new ChatAnswer(content, Text(message, "refusal"), calls, finish, Word(root, "model"), Word(root, "id"), UsageOf(root));
    }

    /// <summary>The answer without a secret: what a service, or a proxy before it, says back of its own key must not stand in evidence for ever.</summary>
    internal ChatAnswer Without(string? secret)
    {
        // A shorter one is in half of all texts.
        if (secret is not { Length: >= 6 })
            return this;
        string? Clean(string? text) => text?.Replace(secret, "[masked]", StringComparison.Ordinal);
        return this with
        {
            Content = Clean(Content), Refusal = Clean(Refusal), FinishReason = Clean(FinishReason)!, Model = Clean(Model), Id = Clean(Id),
            ToolCalls = [.. ToolCalls.Select(call => call with { Id = Clean(call.Id)!, Name = Clean(call.Name)!, Arguments = Clean(call.Arguments)! })],
        };
    }

    // A text, or a list of parts that have one.
    private static string? ContentOf(JsonElement message)
    {
        if (!TryGet(message, "content", out var content) || content.ValueKind is JsonValueKind.Null)
            return null;
        return content.ValueKind switch
        {
            JsonValueKind.String => content.GetString(),
            JsonValueKind.Array => string.Concat(content.EnumerateArray().Select(part => Text(part, "text"))),
            _ => throw new FormatException("choices[0].message.content is neither text nor null"),
        };
    }

    private static List<LlmToolCall> CallsOf(JsonElement message)
    {
        var calls = new List<LlmToolCall>();
        if (!TryGet(message, "tool_calls", out var given) || given.ValueKind is JsonValueKind.Null)
            return calls;
        if (given.ValueKind is not JsonValueKind.Array)
            throw new FormatException("choices[0].message.tool_calls is no array");
        foreach (var call in given.EnumerateArray())
        {
            if (!TryGet(call, "function", out var function) || Text(function, "name") is not { Length: > 0 } name)
                throw new FormatException(FormattableString.Invariant($"choices[0].message.tool_calls[{calls.Count}] names no function"));
            // An id of one's own where the service gives none: the answer to a call must name it.
            var id = Text(call, "id") is { Length: > 0 } own ? own : string.Create(System.Globalization.CultureInfo.InvariantCulture, $"call_{calls.Count}");
            if (calls.Exists(one => one.Id == id))
                throw new FormatException($"choices[0].message.tool_calls has the id \"{id}\" twice");
            calls.Add(new LlmToolCall { Id = id, Name = name, Arguments = ArgumentsOf(function) });
        }

        return calls;
    }

    private static string ArgumentsOf(JsonElement function) =>
        !TryGet(function, "arguments", out var arguments) || arguments.ValueKind is JsonValueKind.Null ? "{}"
        : arguments.ValueKind is JsonValueKind.String ? arguments.GetString()!
        : arguments.GetRawText();

    private static LlmUsage UsageOf(JsonElement root)
    {
        TryGet(root, "usage", out var usage);
        TryGet(usage, "prompt_tokens_details", out var sent);
        TryGet(usage, "completion_tokens_details", out var came);
        return new LlmUsage
        {
            InputTokens = Count(usage, "prompt_tokens"),
            OutputTokens = Count(usage, "completion_tokens"),
            CachedTokens = Count(sent, "cached_tokens"),
            ReasoningTokens = Count(came, "reasoning_tokens"),
        };
    }

    private static int Count(JsonElement from, string name)
    {
        if (!TryGet(from, name, out var count) || count.ValueKind is JsonValueKind.Null)
            return 0;
        return count.ValueKind is JsonValueKind.Number && count.TryGetInt32(out var number) && number >= 0 ? number : throw new FormatException($"usage: {name} is no count");
    }

    // What goes into records beside the conversation: a name, not a novel, and nothing that a database cannot hold.
    private static string? Word(JsonElement from, string name)
    {
        if (Text(from, name) is not { Length: > 0 } text)
            return null;
        var end = text.Length <= LongestWord ? text.Length : char.IsHighSurrogate(text[LongestWord - 1]) ? LongestWord - 1 : LongestWord;
        return string.Create(end, text, static (target, source) =>
        {
            for (var i = 0; i < target.Length; i++)
                target[i] = char.IsControl(source[i]) ? '?' : source[i];
        });
    }

    private static string? Text(JsonElement from, string name) => TryGet(from, name, out var text) && text.ValueKind is JsonValueKind.String ? text.GetString() : null;

    private static bool TryGet(JsonElement from, string name, out JsonElement member)
    {
        member = default;
        return from.ValueKind is JsonValueKind.Object && from.TryGetProperty(name, out member);
    }
}
