using System.Buffers;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using RunProof.Format;

namespace RunProof.Execution;

/// <summary>
/// Steps that ask the model. The first one of a run holds all that its planner decides by: model, prompt, tools, limits. So what comes next follows from what is recorded, whichever
/// process goes on.
/// </summary>
internal static class ModelCallStep
{
    private static readonly JsonWriterOptions Writing = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = 1_000, SkipValidation = true };

    /// <summary>The first one.</summary>
    public static PlannedStep First(string id, ModelSetup setup, IReadOnlyDictionary<string, string> labels, Action<Utf8JsonWriter>? tools, string userMessage) => new()
    {
        Id = id,
        Skill = ModelSetup.Skill,
        Parameters = Write(writer =>
        {
            writer.WriteStartObject("labels");
            foreach (var (name, value) in labels)
                writer.WriteString(name, value);
            writer.WriteEndObject();
            writer.WriteString("model", setup.Model);
            if (setup.MaxTokens is { } most)
                writer.WriteNumber("max_tokens", most);
            writer.WriteString("system_prompt_digest", setup.PromptDigest);
            writer.WriteString("system_prompt_ref", setup.Prompt);
            if (tools is not null)
            {
                writer.WriteStartArray("tools");
                tools(writer);
                writer.WriteEndArray();
            }

            writer.WriteStartArray("messages");
            Message(writer, "user", userMessage);
            writer.WriteEndArray();
        }),
        OnError = OnError.Retry,
        Retry = new RetryRule { MaxAttempts = 4, BackoffMs = 1_000, MaxBackoffMs = 30_000 },
        TimeoutMs = setup.TimeoutMs,
    };

    /// <summary>One that goes on with the conversation of another.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="last">The call before it.</param>
    /// <param name="more">Writes the messages that are new.</param>
    /// <param name="withoutTools">Whether the model may call no tool this time.</param>
    /// <param name="most">Characters of the conversation at most.</param>
    /// <returns>The step; null where the conversation is too long, whatever is left out of it.</returns>
    public static PlannedStep? Next(string id, PlannedStep last, Action<Utf8JsonWriter> more, bool withoutTools, int most)
    {
        using var before = last.Parameters.ToDocument();
        var buffer = new ArrayBufferWriter<byte>(1_024);
        using (var writer = new Utf8JsonWriter(buffer, Writing))
        {
            writer.WriteStartArray();
            foreach (var message in before.RootElement.GetProperty("messages").EnumerateArray())
                message.WriteTo(writer);
            more(writer);
            writer.WriteEndArray();
        }

        using var whole = JsonDocument.Parse(buffer.WrittenMemory, ReferenceResolver.Deep);
        if (Conversation.Bounded(whole.RootElement, most) is not { } messages)
            return null;
        var parameters = Write(writer =>
        {
            foreach (var member in before.RootElement.EnumerateObject())
            {
                if (!member.NameEquals("messages") && !member.NameEquals("tool_choice"))
                    member.WriteTo(writer);
            }

            if (withoutTools)
                writer.WriteString("tool_choice", "none");
            writer.WriteStartArray("messages");
            foreach (var message in messages)
                message(writer);
            writer.WriteEndArray();
        });
        return last with { Id = id, Parameters = parameters };
    }

    /// <summary>A message of text.</summary>
    public static void Message(Utf8JsonWriter writer, string role, string content)
    {
        writer.WriteStartObject();
        writer.WriteString("role", role);
        writer.WriteString("content", content);
        writer.WriteEndObject();
    }

    /// <summary>A number among the labels of a call.</summary>
    /// <exception cref="FormatException">It is not there: the run was not planned by this planner.</exception>
    public static int Limit(JsonElement parameters, string name) =>
        parameters.TryGetProperty("labels", out var labels) && labels.TryGetProperty(name, out var text)
        && int.TryParse(text.GetString(), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new FormatException($"the first call of the model has no label \"{name}\"");

    /// <summary>An object in its canonical form.</summary>
    /// <exception cref="CanonicalFormatException">It has none.</exception>
    private static CanonicalJson Write(Action<Utf8JsonWriter> members)
    {
        var buffer = new ArrayBufferWriter<byte>(1_024);
        using (var writer = new Utf8JsonWriter(buffer, Writing))
        {
            writer.WriteStartObject();
            members(writer);
            writer.WriteEndObject();
        }

        return CanonicalJson.Parse(buffer.WrittenSpan);
    }

    /// <summary>A one-step plan, read as a caller's would be.</summary>
    public static PlanValidation Validate(PlannedStep first, PlanParser parser)
    {
        using var document = new Plan([first]).ToCanonicalJson().ToDocument();
        var validation = parser.Parse(document.RootElement, "plan");
        return validation;
    }

    /// <summary>JSON text of a model's arguments; null where it is no object that can be recorded.</summary>
    public static CanonicalJson? ArgumentsOf(string text)
    {
        if (text.Length == 0)
            return CanonicalJson.FromCanonicalBytes("{}"u8.ToArray());
        try
        {
            var json = CanonicalJson.Parse(System.Text.Encoding.UTF8.GetBytes(text));
            return json.Bytes.Span[0] == (byte)'{' ? json : null;
        }
        catch (CanonicalFormatException)
        {
            return null;
        }
    }
}
