using System.Buffers;
using System.Text;
using System.Text.Json;
using RunProof.Format;

namespace RunProof.Execution;

/// <summary>
/// Plans within plans: the <c>plan</c> of a step <c>sub_run</c>. A reference in it to an id that it has itself is its own; every other is to a step of the plan around it,
/// and is replaced before the sub-run is asked for.
/// </summary>
internal static class SubPlans
{
    /// <summary>The skill whose steps are runs.</summary>
    public const string SkillName = "sub_run";

    /// <summary>Milliseconds that a step waits for its sub-run where the plan does not say: a day.</summary>
    public const int DefaultTimeoutMs = 86_400_000;

    /// <summary>Milliseconds that it may wait at most: a week.</summary>
    public const int MaxTimeoutMs = 604_800_000;

    // Stand for the braces of a plan's own references while those around it are replaced: no characters, which no text for interchange holds.
    private const char Open = '\uFDD0';
    private const char Close = '\uFDD1';

    private static readonly JsonWriterOptions Writing = new()
    {
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping, MaxDepth = ReferenceResolver.Deep.MaxDepth, SkipValidation = true,
    };

    /// <summary>Whether a step, or its fallback, is a run.</summary>
    public static bool IsAskedForBy(PlannedStep step) => step.Skill is SkillName || step.Fallback?.Skill is SkillName;

    /// <summary>The plan that is written out in a step's parameters; null where there is none, or only a reference to one.</summary>
    /// <param name="parameters">The parameters of a step <c>sub_run</c>.</param>
    public static JsonElement? PlanIn(JsonElement parameters) =>
        parameters.ValueKind is JsonValueKind.Object && parameters.TryGetProperty("plan", out var plan) && plan.ValueKind is JsonValueKind.Array ? plan : null;

    /// <summary>The parameters with nothing in them but references to steps around them.</summary>
    /// <param name="skill">The step's skill; of any but <c>sub_run</c> the parameters are given back as they are.</param>
    /// <param name="parameters">The parameters.</param>
    public static CanonicalJson Shielded(string? skill, CanonicalJson parameters)
    {
        if (skill is not SkillName)
            return parameters;
        using var document = parameters.ToDocument();
        return PlanIn(document.RootElement) is null ? parameters : Written(writer => WriteParameters(writer, document.RootElement, []));
    }

    /// <summary>As <see cref="ReferenceResolver.Resolve"/>: what is a sub-run's own stays as it is.</summary>
    /// <exception cref="UnresolvedReferenceException">Also where a value that is put into the sub-run's plan would be taken for a reference there.</exception>
    /// <exception cref="RedactedReferenceException">A reference leads into an outcome that is not known as it was; it is named.</exception>
    /// <exception cref="CanonicalFormatException">What it becomes nests too deeply.</exception>
    public static CanonicalJson Resolve(
        string? skill, CanonicalJson parameters, IReadOnlyDictionary<string, CanonicalJson?> outcomes, IReadOnlySet<string>? unknowable = null)
    {
        var shielded = Shielded(skill, parameters);
        var resolved = ReferenceResolver.Resolve(shielded, outcomes, unknowable);
        if (ReferenceEquals(shielded, parameters))
            return resolved;
        using var before = shielded.ToDocument();
        using var after = resolved.ToDocument();
        // Outcomes are other people's words: none of them becomes a reference of a plan.
        var plan = after.RootElement.GetProperty("plan");
        if (Marks(before.RootElement.GetProperty("plan")) != Marks(plan) || ObjectReader.Strings(plan, "").Any(static one => Template.MayRefer(one.Text)))
            throw new UnresolvedReferenceException("a value that is put into the sub-run's plan holds what would be a reference there");
        return Written(writer =>
        {
            writer.WriteStartObject();
            foreach (var member in after.RootElement.EnumerateObject())
            {
                writer.WritePropertyName(member.Name);
                if (member.NameEquals("plan"u8))
                    WriteUnshielded(writer, member.Value);
                else
                    member.Value.WriteTo(writer);
            }

            writer.WriteEndObject();
        });
    }

    private static int Marks(JsonElement value) => ObjectReader.Strings(value, "").Sum(static one => one.Text.Count(static c => c is Open or Close));

    private static CanonicalJson Written(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(buffer, Writing))
            write(writer);
        return CanonicalJson.Parse(buffer.WrittenSpan);
    }

    private static void WriteParameters(Utf8JsonWriter writer, JsonElement parameters, HashSet<string> own)
    {
        writer.WriteStartObject();
        foreach (var member in parameters.EnumerateObject())
        {
            writer.WritePropertyName(member.Name);
            if (member.NameEquals("plan"u8) && member.Value.ValueKind is JsonValueKind.Array)
                Write(writer, member.Value, [.. own, .. Ids(member.Value)]);
            else
                Write(writer, member.Value, own);
        }

        writer.WriteEndObject();
    }

    private static IEnumerable<string> Ids(JsonElement plan) => plan.EnumerateArray().Select(static (step, i) =>
        step.ValueKind is JsonValueKind.Object && step.TryGetProperty("id", out var id) && id.ValueKind is JsonValueKind.String
            ? id.GetString()! : "step_" + i.ToString(System.Globalization.CultureInfo.InvariantCulture));

    private static void Write(Utf8JsonWriter writer, JsonElement value, HashSet<string> own)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                var isSubRun = own.Count > 0 && value.TryGetProperty("skill", out var skill) && skill.ValueKind is JsonValueKind.String && skill.ValueEquals(SkillName);
                writer.WriteStartObject();
                foreach (var member in value.EnumerateObject())
                {
                    writer.WritePropertyName(member.Name);
                    if (isSubRun && member.NameEquals("params"u8) && member.Value.ValueKind is JsonValueKind.Object)
                        WriteParameters(writer, member.Value, own);
                    else
                        Write(writer, member.Value, own);
                }

                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in value.EnumerateArray())
                    Write(writer, item, own);
                writer.WriteEndArray();
                break;
            case JsonValueKind.String when own.Count > 0:
                writer.WriteStringValue(Shielded(value.GetString()!, own));
                break;
            default:
                value.WriteTo(writer);
                break;
        }
    }

    // What is no reference though it looks like one is told of where the plan itself is read.
    private static string Shielded(string text, HashSet<string> own)
    {
        if (!Template.MayRefer(text))
            return text.Replace(Open, '\uFFFD').Replace(Close, '\uFFFD');
        if (Template.Parse(text, out _) is not { } template)
            return "";
        var shielded = new StringBuilder();
        foreach (var part in template.Parts)
        {
            if (part is Reference reference)
                shielded.Append(own.Contains(reference.Step) ? Open + reference.ToString()[2..^2] + Close : reference.ToString());
            else
                shielded.Append(((string)part).Replace(Open, '\uFFFD').Replace(Close, '\uFFFD'));
        }

        return shielded.ToString();
    }

    private static void WriteUnshielded(Utf8JsonWriter writer, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                writer.WriteStartObject();
                foreach (var member in value.EnumerateObject())
                {
                    writer.WritePropertyName(member.Name);
                    WriteUnshielded(writer, member.Value);
                }

                writer.WriteEndObject();
                break;
            case JsonValueKind.Array:
                writer.WriteStartArray();
                foreach (var item in value.EnumerateArray())
                    WriteUnshielded(writer, item);
                writer.WriteEndArray();
                break;
            case JsonValueKind.String:
                writer.WriteStringValue(value.GetString()!.Replace(Open.ToString(), "{{", StringComparison.Ordinal).Replace(Close.ToString(), "}}", StringComparison.Ordinal));
                break;
            default:
                value.WriteTo(writer);
                break;
        }
    }
}
