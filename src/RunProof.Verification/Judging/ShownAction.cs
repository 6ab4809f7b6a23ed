using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using RunProof.Format;

namespace RunProof.Verification;

/// <summary>The text that people were shown, once its digest is known to be the one that evidence names.</summary>
internal sealed class ShownAction
{
    private readonly JsonElement _shown;

    private ShownAction(JsonElement shown) => _shown = shown;

    /// <summary>The parameters as they were shown.</summary>
    internal string? Parameters => _shown.TryGetProperty("params", out var parameters) ? parameters.GetRawText() : null;

    /// <summary>Reads the text.</summary>
    /// <returns>Null where it is not the one that the digest covers, or no object.</returns>
    internal static ShownAction? Read(string text, string? digest)
    {
        try
        {
            if (Convert.ToHexStringLower(SHA256.HashData([.. "runproof/v1/approval\n"u8, .. Encoding.UTF8.GetBytes(text)])) != digest)
                return null;
            using var document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = (4 * Canonicalizer.MaxDepth) + 2 });
            return document.RootElement.ValueKind is JsonValueKind.Object ? new ShownAction(document.RootElement.Clone()) : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>What the columns must be, by what was shown.</summary>
    internal IEnumerable<(string Column, JsonNode? Value)> Columns()
    {
        var policy = _shown.TryGetProperty("policy", out var rule) && rule.ValueKind is JsonValueKind.Object ? rule : default;
        foreach (var column in (string[])["approvers", "needed", "valid_until", "action_digest", "run_id", "trace_id", "skill"])
            yield return (column, Copy(_shown, column));
        yield return ("step_id", Copy(_shown, "plan_step"));
        yield return ("policy", Copy(policy, "policy"));
        // Of a policy's default there is no rule, and people are shown an empty name.
        yield return ("rule", Copy(policy, "rule") is JsonValue name && name.TryGetValue(out string? text) && text.Length > 0 ? name : null);
    }

    private static JsonNode? Copy(JsonElement from, string member) =>
        from.ValueKind is JsonValueKind.Object && from.TryGetProperty(member, out var value) ? JsonNode.Parse(value.GetRawText()) : null;
}
