using System.Text.Json;
using RunProof.Format;

namespace RunProof.Mcp;

/// <summary>A tool as its server lists it.</summary>
internal sealed class McpTool
{
    private const int MaxDescription = 1_024;

    private McpTool(string name, string skill, JsonElement definition, CanonicalJson canonical)
    {
        (Name, SkillName, Definition) = (name, skill, canonical);
        var schema = definition.GetProperty("inputSchema");
        Schema = new ToolSchema(schema);
        OutputSchema = definition.TryGetProperty("outputSchema", out var output) && output.ValueKind is JsonValueKind.Object ? new ToolSchema(output) : null;
        SchemaJson = CanonicalJson.Parse(System.Runtime.InteropServices.JsonMarshal.GetRawUtf8Value(schema)).ToString();
        Description = Text(definition, "description") ?? Text(definition, "title") ?? name;
        var hints = definition.TryGetProperty("annotations", out var annotations) ? annotations : default;
        IsReadOnly = Says(hints, "readOnlyHint");
        IsIdempotent = Says(hints, "idempotentHint");
        Fingerprint = Prefixed.Hash("runproof/v1/mcp-tool\n"u8, canonical.Bytes.Span).ToString();
    }

    internal string Name { get; }

    internal string SkillName { get; }

    internal string Description { get; }

    /// <summary>The whole definition in canonical form.</summary>
    internal CanonicalJson Definition { get; }

    internal ToolSchema Schema { get; }

    /// <summary>What its structured answers fit; null where it promises nothing.</summary>
    internal ToolSchema? OutputSchema { get; }

    internal string SchemaJson { get; }

    /// <summary>H("runproof/v1/mcp-tool\n" ‖ CJ(definition)): it stands in the skill's schema where other skills have the fingerprint of their parameters' record.</summary>
    internal string Fingerprint { get; }

    /// <summary>What the server says; nothing makes it true.</summary>
    internal bool IsReadOnly { get; }

    /// <inheritdoc cref="IsReadOnly"/>
    internal bool IsIdempotent { get; }

    /// <summary>Takes a definition, or says why the tool can be no skill.</summary>
    internal static McpTool? Read(string server, JsonElement definition, CanonicalJson canonical, out string? refusal)
    {
        refusal = null;
        var name = NameOf(definition);
        if (name is null)
            refusal = "a tool without a name";
        else if (!IsName(name, server))
            refusal = $"\"{Shown(name)}\": the name of a skill has at most 128 of A-Z a-z 0-9 . _ - /";
        else if (canonical.Bytes.Span.StartsWith("{\"$json\":"u8))
            refusal = $"\"{name}\": its definition is not kept whole by canonical JSON";
        else if (!definition.TryGetProperty("inputSchema", out var schema) || schema.ValueKind is not JsonValueKind.Object)
            refusal = $"\"{name}\": it has no inputSchema";
        else if (definition.TryGetProperty("execution", out var execution) && Text(execution, "taskSupport") is "required")
            refusal = $"\"{name}\": it can only be called as a task";
        return refusal is null ? new McpTool(name!, SkillNameOf(server, name!), definition, canonical) : null;
    }

    internal static string? NameOf(JsonElement definition) => Text(definition, "name");

    private static string SkillNameOf(string server, string tool) => $"mcp:{server}/{tool}";

    private static bool IsName(string name, string server) =>
        name.Length > 0 && SkillNameOf(server, name).Length <= 128 && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' or '/');

    private static bool Says(JsonElement hints, string name) =>
        hints.ValueKind is JsonValueKind.Object && hints.TryGetProperty(name, out var hint) && hint.ValueKind is JsonValueKind.True;

    private static string? Text(JsonElement value, string name)
    {
        if (value.ValueKind is not JsonValueKind.Object || !value.TryGetProperty(name, out var member) || member.ValueKind is not JsonValueKind.String)
            return null;
        try
        {
            var text = member.GetString()!;
            return text.Length <= MaxDescription ? text : text[..MaxDescription] + "…";
        }
        catch (InvalidOperationException)
        {
            // An escaped lone surrogate: no text.
            return null;
        }
    }

    private static string Shown(string name) => new([.. name.Take(60).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c)]);
}
