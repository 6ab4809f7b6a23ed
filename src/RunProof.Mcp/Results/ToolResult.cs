using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using RunProof.Format;
using RunProof.Skills;

namespace RunProof.Mcp;

/// <summary>What a server answered to a call, as an outcome.</summary>
/// <param name="Outcome">The outcome; null where there is none.</param>
/// <param name="Failure">Why the step fails; null where it does not.</param>
/// <param name="Masked">Whether a secret of the operator's was taken out.</param>
internal sealed record ToolResult(McpOutcome? Outcome, SkillFailure? Failure, bool Masked)
{
    private const string Media = "application/json";

    private static readonly JsonDocumentOptions Deep = new() { MaxDepth = 512 };
    private static readonly JsonWriterOptions Writing = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = 512, SkipValidation = true };

    /// <summary>Reads an answer.</summary>
    /// <param name="answer">The result of <c>tools/call</c>, as received.</param>
    /// <param name="options">The server's limits.</param>
    /// <param name="mask">Takes secrets out.</param>
    /// <param name="mayRepeat">Whether a tool that failed may be called again.</param>
    /// <param name="output">What the tool's structured answers fit; null where it promises nothing.</param>
    internal static ToolResult Of(byte[] answer, McpServerOptions options, SecretMask mask, bool mayRepeat, ToolSchema? output = null)
    {
        try
        {
            using var document = JsonDocument.Parse(answer, Deep);
            return Read(document.RootElement, options, mask, mayRepeat, output);
        }
        catch (Exception refused) when (refused is JsonException or InvalidOperationException)
        {
            return Refused("it is no JSON that can be kept");
        }
    }

    private static ToolResult Read(JsonElement answer, McpServerOptions options, SecretMask mask, bool mayRepeat, ToolSchema? output)
    {
        if (answer.ValueKind is not JsonValueKind.Object)
            return Refused("it is no object");
        var structured = answer.TryGetProperty("structuredContent", out var given) && given.ValueKind is not JsonValueKind.Null ? given : (JsonElement?)null;
        if (!answer.TryGetProperty("content", out var content) ? structured is null : content.ValueKind is not JsonValueKind.Array)
            return Refused("it has no content");
        var isError = answer.TryGetProperty("isError", out var error) && error.ValueKind is JsonValueKind.True;
        var blocks = new BlockWriter(mask, options.MaxInlineBytes);
        var outcome = new McpOutcome
        {
            Content = content.ValueKind is JsonValueKind.Array ? [.. content.EnumerateArray().Select(blocks.Block)] : [],
            IsError = isError,
            Structured = structured is { } value ? blocks.Value(value) : null,
        };
        var bytes = CanonicalBytes.Of(outcome);
        if (bytes.Length > options.MaxResultBytes)
            return new ToolResult(Instead(bytes, isError), TooLarge(bytes.Length, options.MaxResultBytes), blocks.Masked);
        var failure = isError ? new SkillFailure("tool_error", mask.Apply(ErrorText(outcome)), mayRepeat)
            : output is not null && options.CheckOutput && Mismatch(output, structured) is { } why ? new SkillFailure("output_mismatch", mask.Apply($"the tool's answer is not what its outputSchema says: {why}"))
            : null;
        return new ToolResult(outcome, failure, blocks.Masked);
    }

    // Judged as it came, before anything is taken out of it.
    private static string? Mismatch(ToolSchema output, JsonElement? structured)
    {
        if (structured is not { } value)
            return "structured: missing";
        try
        {
            output.Check(value, "structured");
            return null;
        }
        catch (JsonBindingException refused)
        {
            return refused.Message;
        }
        catch (InvalidOperationException)
        {
            return "structured: a text in it is no Unicode text";
        }
    }

    private static ToolResult Refused(string why) => new(null, new SkillFailure("bad_result", $"the server's answer cannot be taken: {why}"), false);

    private static SkillFailure TooLarge(int bytes, int most) =>
        new("result_too_large", string.Create(CultureInfo.InvariantCulture, $"the outcome has {bytes} bytes, at most {most} are recorded; its digest is in its place"));

    // What came is not kept, but what it was can be told from anything else.
    private static McpOutcome Instead(byte[] bytes, bool isError) => new()
    {
        Content = [CanonicalJson.Parse(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $$"""{"outcome_bytes":{{bytes.Length}},"outcome_sha256":"{{Digest.Of(bytes)}}","type":"omitted"}""")))],
        IsError = isError,
        Structured = null,
    };

    private static string ErrorText(McpOutcome outcome)
    {
        foreach (var block in outcome.Content)
        {
            using var document = block.ToDocument();
            if (document.RootElement.ValueKind is JsonValueKind.Object && document.RootElement.TryGetProperty("text", out var text) && text.ValueKind is JsonValueKind.String)
                return text.GetString()!;
        }

        return "the tool says that it failed";
    }

    /// <summary>Blocks and values as evidence takes them. Only what holds a secret or a large binary is written anew; everything else is kept as it came.</summary>
    private sealed class BlockWriter(SecretMask mask, int maxInline)
    {
        internal bool Masked { get; private set; }

        internal CanonicalJson Block(JsonElement block) => Keep(block, binaries: true);

        internal CanonicalJson Value(JsonElement value) => Keep(value, binaries: false);

        private CanonicalJson Keep(JsonElement value, bool binaries)
        {
            var raw = System.Runtime.InteropServices.JsonMarshal.GetRawUtf8Value(value);
            if (mask.IsEmpty && !(binaries && raw.Length > maxInline))
                return CanonicalJson.FromOutside(raw, Media);
            var buffer = new ArrayBufferWriter<byte>(raw.Length);
            using (var writer = new Utf8JsonWriter(buffer, Writing))
                Write(writer, value, binaries ? 2 : 0);
            return CanonicalJson.FromOutside(buffer.WrittenSpan, Media);
        }

        // The data of an image or a sound stands in the block itself, that of an embedded resource one level below: nowhere else.
        private void Write(Utf8JsonWriter writer, JsonElement value, int binaryLevels)
        {
            switch (value.ValueKind)
            {
                case JsonValueKind.Object:
                    writer.WriteStartObject();
                    foreach (var member in value.EnumerateObject())
                    {
                        if (binaryLevels > 0 && IsLargeBinary(member))
                        {
                            WriteDigest(writer, member);
                            continue;
                        }

                        writer.WritePropertyName(Clean(member.Name));
                        Write(writer, member.Value, member.Name is "resource" ? binaryLevels - 1 : 0);
                    }

                    writer.WriteEndObject();
                    break;
                case JsonValueKind.Array:
                    writer.WriteStartArray();
                    foreach (var item in value.EnumerateArray())
                        Write(writer, item, 0);
                    writer.WriteEndArray();
                    break;
                case JsonValueKind.String:
                    writer.WriteStringValue(Clean(value.GetString()!));
                    break;
                default:
                    writer.WriteRawValue(System.Runtime.InteropServices.JsonMarshal.GetRawUtf8Value(value), skipInputValidation: true);
                    break;
            }
        }

        private bool IsLargeBinary(JsonProperty member) =>
            member.Name is "data" or "blob" && member.Value.ValueKind is JsonValueKind.String
            && System.Runtime.InteropServices.JsonMarshal.GetRawUtf8Value(member.Value).Length - 2 > maxInline;

        // Over the bytes that the base64 stands for; where it stands for none, over its text.
        private static void WriteDigest(Utf8JsonWriter writer, JsonProperty member)
        {
            var isBinary = member.Value.TryGetBytesFromBase64(out var bytes);
            bytes ??= Encoding.UTF8.GetBytes(member.Value.GetString()!);
            writer.WriteNumber(member.Name + "_bytes", bytes.Length);
            if (!isBinary)
                writer.WriteBoolean(member.Name + "_is_base64", false);
            writer.WriteString(member.Name + "_sha256", Convert.ToHexStringLower(SHA256.HashData(bytes)));
        }

        private string Clean(string text)
        {
            var clean = mask.Apply(text);
            Masked |= !ReferenceEquals(clean, text);
            return clean;
        }
    }
}
