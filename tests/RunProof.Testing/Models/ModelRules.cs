using System.Text.Json;
using System.Text.RegularExpressions;

namespace RunProof.Testing;

/// <summary>What the service refuses, in its words, as far as a client of text and functions can meet it.</summary>
internal static partial class ModelRules
{
    private static readonly string[] Members =
    [
        "model", "messages", "temperature", "top_p", "n", "stop", "max_tokens", "max_completion_tokens", "presence_penalty", "frequency_penalty", "seed", "tools", "tool_choice",
        "parallel_tool_calls", "response_format", "user", "stream", "stream_options", "logprobs", "reasoning_effort", "metadata", "store",
    ];

    private static readonly string[] Roles = ["system", "developer", "user", "assistant", "tool"];

    [GeneratedRegex("^[a-zA-Z0-9_-]+$", RegexOptions.None, 1_000)]
    private static partial Regex ToolName();

    internal static ModelRefusal? Refuse(JsonElement body)
    {
        if (body.ValueKind is not JsonValueKind.Object)
            return Bad("We could not parse the JSON body of your request.");
        foreach (var member in body.EnumerateObject())
        {
            if (!Members.Contains(member.Name, StringComparer.Ordinal))
                return Bad($"Unrecognized request argument supplied: {member.Name}");
        }

        if (!body.TryGetProperty("model", out var model) || model.ValueKind is not JsonValueKind.String)
            return Bad("you must provide a model parameter");
        if (!model.ValueEquals(ModelServer.Model))
            return new ModelRefusal(404, $"The model `{model}` does not exist or you do not have access to it.", null, "model_not_found");
        return Numbers(body) ?? Tools(body) ?? Messages(body) ?? Formats(body);
    }

    private static ModelRefusal? Numbers(JsonElement body)
    {
        if (body.TryGetProperty("temperature", out var temperature) && (temperature.ValueKind is not JsonValueKind.Number || temperature.GetDouble() is < 0 or > 2))
            return Bad($"Invalid 'temperature': expected a value from 0 to 2, but got {temperature} instead.", "temperature");
        foreach (var name in new[] { "max_tokens", "max_completion_tokens", "seed" })
        {
            if (body.TryGetProperty(name, out var number) && (number.ValueKind is not JsonValueKind.Number || !number.TryGetInt64(out var value) || (name != "seed" && value < 1)))
                return Bad($"Invalid '{name}': integer below minimum value.", name, "integer_below_min_value");
        }

        return body.TryGetProperty("stream", out var stream) && stream.ValueKind is JsonValueKind.True ? Bad("This server does not stream.", "stream") : null;
    }

    private static ModelRefusal? Tools(JsonElement body)
    {
        if (!body.TryGetProperty("tools", out var tools))
            return body.TryGetProperty("tool_choice", out _) ? Bad("Invalid value for 'tool_choice': 'tool_choice' is only allowed when 'tools' are specified.", "tool_choice") : null;
        if (tools.GetArrayLength() is 0 or > 128)
            return Bad($"Invalid 'tools': expected an array of 1 to 128, but got {tools.GetArrayLength()}.", "tools");
        var i = 0;
        foreach (var tool in tools.EnumerateArray())
        {
            var function = tool.TryGetProperty("function", out var given) ? given : default;
            if (!tool.TryGetProperty("type", out var type) || !type.ValueEquals("function") || function.ValueKind is not JsonValueKind.Object)
                return Bad($"Missing required parameter: 'tools[{i}].function'.", $"tools[{i}].function", "missing_required_parameter");
            if (!function.TryGetProperty("name", out var name) || name.GetString() is not { Length: > 0 and <= 64 } text || !ToolName().IsMatch(text))
                return Bad($"Invalid 'tools[{i}].function.name': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.", $"tools[{i}].function.name", "invalid_value");
            if (function.TryGetProperty("parameters", out var schema) && (!schema.TryGetProperty("type", out var kind) || !kind.ValueEquals("object")))
                return Bad($"Invalid schema for function '{text}': schema must be a JSON Schema of 'type: \"object\"', got 'type: \"None\"'.", $"tools[{i}].function.parameters", "invalid_function_parameters");
            i++;
        }

        return null;
    }

    private static ModelRefusal? Messages(JsonElement body)
    {
        if (!body.TryGetProperty("messages", out var messages) || messages.ValueKind is not JsonValueKind.Array)
            return Bad("Missing required parameter: 'messages'.", "messages", "missing_required_parameter");
        if (messages.GetArrayLength() == 0)
            return Bad("Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.", "messages", "empty_array");
        // Calls that the messages right after them must answer.
        var open = new List<string>();
        var known = new HashSet<string>(StringComparer.Ordinal);
        var i = 0;
        foreach (var message in messages.EnumerateArray())
        {
            if (!message.TryGetProperty("role", out var role) || !Roles.Any(role.ValueEquals))
                return Bad($"Invalid value: '{role}'. Supported values are: 'system', 'assistant', 'user', 'function', 'tool', and 'developer'.", $"messages[{i}].role", "invalid_value");
            var answers = role.ValueEquals("tool");
            if (!answers && open.Count > 0)
                return Unanswered(open, i);
            if (answers)
            {
                if (!message.TryGetProperty("tool_call_id", out var id) || id.GetString() is not { } call)
                    return Bad($"Missing parameter 'tool_call_id': messages with role 'tool' must have a 'tool_call_id'.", $"messages.[{i}].tool_call_id");
                if (!known.Contains(call))
                    return Bad("Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.", $"messages.[{i}].role");
                open.Remove(call);
            }
            else
            {
                known.Clear();
            }

            var calls = message.TryGetProperty("tool_calls", out var given) ? given : default;
            if (calls.ValueKind is JsonValueKind.Array && Calls(calls, i, open, known) is { } wrong)
                return wrong;
            var content = message.TryGetProperty("content", out var said) ? said : default;
            var mayBeSilent = role.ValueEquals("assistant") && open.Count > 0;
            if (content.ValueKind is not (JsonValueKind.String or JsonValueKind.Array) && !mayBeSilent)
                return Bad("Invalid value for 'content': expected a string, got null.", $"messages.[{i}].content");
            i++;
        }

        return open.Count > 0 ? Unanswered(open, i) : null;
    }

    private static ModelRefusal? Calls(JsonElement calls, int message, List<string> open, HashSet<string> known)
    {
        if (calls.GetArrayLength() == 0)
            return Bad($"Invalid 'messages[{message}].tool_calls': empty array. Expected an array with minimum length 1, but got an empty array instead.", $"messages[{message}].tool_calls", "empty_array");
        foreach (var call in calls.EnumerateArray())
        {
            if (!call.TryGetProperty("type", out var type) || !type.ValueEquals("function") || !call.TryGetProperty("id", out var id) || id.GetString() is not { } name
                || !call.TryGetProperty("function", out var function) || !function.TryGetProperty("arguments", out var arguments) || arguments.ValueKind is not JsonValueKind.String
                || !function.TryGetProperty("name", out var called) || !ToolName().IsMatch(called.GetString() ?? ""))
                return Bad($"Missing required parameter: 'messages[{message}].tool_calls[{open.Count}].function'.", $"messages[{message}].tool_calls", "missing_required_parameter");
            open.Add(name);
            known.Add(name);
        }

        return null;
    }

    private static ModelRefusal? Formats(JsonElement body)
    {
        if (!body.TryGetProperty("response_format", out var format))
            return null;
        if (!format.TryGetProperty("type", out var type) || !(type.ValueEquals("text") || type.ValueEquals("json_object") || type.ValueEquals("json_schema")))
            return Bad($"Invalid value: '{type}'. Supported values are: 'json_object', 'json_schema', and 'text'.", "response_format.type", "invalid_value");
        if (type.ValueEquals("json_object") && !body.GetProperty("messages").GetRawText().Contains("json", StringComparison.OrdinalIgnoreCase))
            return Bad("'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.", "messages");
        return null;
    }

    private static ModelRefusal Unanswered(List<string> open, int message) => Bad(
        $"An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: {string.Join(", ", open)}",
        $"messages.[{message}].role");

    private static ModelRefusal Bad(string message, string? param = null, string? code = null) => new(400, message, param, code);
}
