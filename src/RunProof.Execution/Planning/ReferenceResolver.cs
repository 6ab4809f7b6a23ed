using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using RunProof.Format;

namespace RunProof.Execution;

/// <summary>A reference has no value: its step has no outcome, or the outcome nothing at its path.</summary>
internal sealed class UnresolvedReferenceException(string message) : Exception(message);

/// <summary>A reference leads into an outcome that is not kept as it was: it was redacted before it was stored, or erased since.</summary>
internal sealed class RedactedReferenceException(string message) : Exception(message);

/// <summary>Puts values of earlier outcomes where parameters refer to them.</summary>
internal static class ReferenceResolver
{
    internal static readonly JsonDocumentOptions Deep = new() { MaxDepth = 4 * Canonicalizer.MaxDepth };

    // The relaxed encoder only leaves more characters as they are; the text is made canonical afterwards anyway.
    private static readonly JsonWriterOptions Writing = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = Deep.MaxDepth, SkipValidation = true,
    };

    /// <summary>Resolves all references.</summary>
    /// <param name="parameters">A JSON object.</param>
    /// <param name="outcomes">Outcomes by step id; null for a step that ended without one.</param>
    /// <param name="unknowable">Ids of steps whose outcome is not known as it was; null where all are.</param>
    /// <exception cref="UnresolvedReferenceException">A reference has no value; it is named.</exception>
    /// <exception cref="RedactedReferenceException">A reference leads into an outcome that is not known as it was; it is named.</exception>
    /// <exception cref="CanonicalFormatException">What it becomes nests too deeply.</exception>
    /// <returns>The parameters without references.</returns>
    public static CanonicalJson Resolve(CanonicalJson parameters, IReadOnlyDictionary<string, CanonicalJson?> outcomes, IReadOnlySet<string>? unknowable = null)
    {
        using var document = parameters.ToDocument();
        var parsed = new Dictionary<string, JsonDocument>(StringComparer.Ordinal);
        var buffer = new ArrayBufferWriter<byte>(512);
        try
        {
            using (var writer = new Utf8JsonWriter(buffer, Writing))
                Write(writer, document.RootElement, new Lookup(outcomes, unknowable, parsed));
            return CanonicalJson.Parse(buffer.WrittenSpan);
        }
        finally
        {
            foreach (var outcome in parsed.Values)
                outcome.Dispose();
        }
    }

    private static void Write(Utf8JsonWriter writer, JsonElement value, Lookup lookup)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (var member in value.EnumerateObject())
                {
                    writer.WritePropertyName(member.Name);
                    Write(writer, member.Value, lookup);
                }

                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in value.EnumerateArray())
                    Write(writer, item, lookup);
                writer.WriteEndArray();
                break;
            case JsonValueKind.String when value.GetString() is { } text && Template.MayRefer(text):
                WriteTemplate(writer, text, lookup);
                break;
            default:
                value.WriteTo(writer);
                break;
        }
    }

    private static void WriteTemplate(Utf8JsonWriter writer, string text, Lookup lookup)
    {
        var template = Template.Parse(text, out var error) ?? throw new UnresolvedReferenceException(error!);
        if (template.Whole is { } whole)
        {
            lookup.Find(whole).WriteTo(writer);
            return;
        }

        var filled = new StringBuilder();
        foreach (var part in template.Parts)
            filled.Append(part is Reference reference ? TextOf(lookup.Find(reference)) : (string)part);
        writer.WriteStringValue(filled.ToString());
    }

    internal static string TextOf(JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();

    private sealed record Lookup(IReadOnlyDictionary<string, CanonicalJson?> Outcomes, IReadOnlySet<string>? Unknowable, Dictionary<string, JsonDocument> Parsed)
    {
        public JsonElement Find(Reference reference)
        {
            if (Unknowable?.Contains(reference.Step) is true)
                throw new RedactedReferenceException($"{reference}: the outcome of step \"{reference.Step}\" was redacted before it was stored, and the process that knew it is gone");
            if (!Outcomes.TryGetValue(reference.Step, out var outcome) || outcome is null)
                throw new UnresolvedReferenceException($"{reference}: step \"{reference.Step}\" has no outcome");
            if (!Parsed.TryGetValue(reference.Step, out var document))
                Parsed[reference.Step] = document = JsonDocument.Parse(outcome.Bytes, Deep);
            return reference.TryFind(document.RootElement, out var value)
                ? value
                : throw new UnresolvedReferenceException($"{reference}: the outcome of step \"{reference.Step}\" has nothing there");
        }
    }
}
