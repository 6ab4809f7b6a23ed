using System.Text.Json;
using RunProof.Format;

namespace RunProof.Execution;

/// <summary>What a model answered, as <c>llm_invoke</c> recorded it.</summary>
/// <param name="Content">What it says, or null.</param>
/// <param name="Calls">The tools that it calls.</param>
internal sealed record ModelAnswer(string? Content, IReadOnlyList<ModelAnswer.Call> Calls)
{
    /// <summary>Reads an outcome.</summary>
    /// <exception cref="FormatException">It is no outcome of <c>llm_invoke</c>.</exception>
    public static ModelAnswer Of(CanonicalJson outcome)
    {
        using var document = outcome.ToDocument();
        var root = document.RootElement;
        if (root.ValueKind is not JsonValueKind.Object || !root.TryGetProperty("content", out var content) || !root.TryGetProperty("tool_calls", out var calls) || calls.ValueKind is not JsonValueKind.Array)
            throw new FormatException("it is no outcome of llm_invoke");
        return new ModelAnswer(content.ValueKind is JsonValueKind.String ? content.GetString() : null, [.. calls.EnumerateArray().Select(CallOf)]);
    }

    /// <summary>Writes it as the message that it is for the calls after it.</summary>
    public void WriteTo(Utf8JsonWriter writer)
    {
        writer.WriteStartObject();
        writer.WriteString("role", "assistant");
        writer.WriteString("content", Content);
        writer.WriteStartArray("tool_calls");
        foreach (var call in Calls)
        {
            writer.WriteStartObject();
            writer.WriteString("id", call.Id);
            writer.WriteString("name", call.Tool);
            writer.WriteString("arguments", call.Arguments);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    private static Call CallOf(JsonElement call) => new(call.GetProperty("id").GetString()!, call.GetProperty("name").GetString()!, call.GetProperty("arguments").GetString()!);

    /// <summary>A tool that is called.</summary>
    /// <param name="Id">The call's id.</param>
    /// <param name="Tool">The tool's name.</param>
    /// <param name="Arguments">The arguments as the model wrote them.</param>
    public sealed record Call(string Id, string Tool, string Arguments);
}
