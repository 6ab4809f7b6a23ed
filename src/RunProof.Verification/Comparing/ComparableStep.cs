using System.Globalization;
using System.Text.Json;
using RunProof.Format;

namespace RunProof.Verification;

/// <summary>A payload as a comparison sees it.</summary>
/// <param name="Text">Its canonical text; null where there is none, or it cannot be compared.</param>
/// <param name="Hidden">Why it cannot be compared: <c>redacted</c>, <c>erased</c> (or withheld), <c>interrupted</c>; null where it can.</param>
public readonly record struct ComparablePayload(string? Text, string? Hidden);

/// <summary>A step as a comparison sees it: whose attempt it is, and what of it another execution should give alike.</summary>
public sealed record ComparableStep
{
    private const string FallbackMark = ":fallback";

    private static readonly JsonDocumentOptions Deep = new() { MaxDepth = 1024 };

    /// <summary>Its index in its trace.</summary>
    public required int StepIndex { get; init; }

    /// <summary>Its name in the plan.</summary>
    public required string PlanStep { get; init; }

    /// <summary>Its place in the plan; where none is recorded, its index in the trace.</summary>
    public required int PlanIndex { get; init; }

    /// <summary>Attempts of it before.</summary>
    public required int Attempt { get; init; }

    /// <summary>The skill.</summary>
    public required string Skill { get; init; }

    /// <summary>The skill's version, or null.</summary>
    public required string? SkillVersion { get; init; }

    /// <summary>The skill's schema, hex, or null.</summary>
    public required string? Schema { get; init; }

    /// <summary>How it ended.</summary>
    public required string Status { get; init; }

    /// <summary>The outcome's code, or null.</summary>
    public required string? OutcomeCode { get; init; }

    /// <summary>What it was called with.</summary>
    public required ComparablePayload Parameters { get; init; }

    /// <summary>What came back.</summary>
    public required ComparablePayload Outcome { get; init; }

    /// <summary>Places of the outcome, JSON paths, of which the skill said that they vary from one execution to the next.</summary>
    public IReadOnlyList<string> Varies { get; init; } = [];

    /// <summary>In a replay, where the outcome is from: <c>recorded</c>, <c>executed</c>, <c>checked</c>, <c>decided</c>, <c>interrupted</c>, <c>none</c>; else null.</summary>
    public string? How { get; init; }

    /// <summary>What it cost, in cents.</summary>
    public string CostCents { get; init; } = "0";

    /// <summary>How long it took.</summary>
    public double DurationMs { get; init; }

    /// <summary>Whether it is the same attempt of the same planned step as another.</summary>
    internal (int PlanIndex, int Attempt) Key => (PlanIndex, Attempt);

    /// <summary>The characters that it keeps in memory.</summary>
    internal int Size => (Parameters.Text?.Length ?? 0) + (Outcome.Text?.Length ?? 0);

    /// <summary>Reads a recorded step. Whatever its columns hold, it never throws.</summary>
    /// <param name="step">The step, with its payloads.</param>
    public static ComparableStep Of(RecordedStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        using var context = Parse(step.Context.Text);
        var root = context?.RootElement ?? default;
        // An erased context can no longer say what of the step was redacted: then nothing of it is comparable.
        var unknown = step.Context is { Commitment: not null, Text: null };
        return new ComparableStep
        {
            StepIndex = step.StepIndex,
            PlanIndex = PlanIndexOf(step),
            PlanStep = TextOf(root, "plan_step") ?? string.Create(CultureInfo.InvariantCulture, $"step_{PlanIndexOf(step)}"),
            Attempt = step.RetryCount,
            Skill = step.SkillName,
            SkillVersion = step.SkillVersion,
            Schema = step.Schema is null ? null : Convert.ToHexStringLower(step.Schema),
            Status = step.Status,
            OutcomeCode = step.OutcomeCode,
            Parameters = Payload(step.Input, unknown || IsRedacted(root, "params")),
            Outcome = step.Status is "interrupted" ? new ComparablePayload(null, "interrupted") : Payload(step.Output, unknown || IsRedacted(root, "outcome_data")),
            Varies = VariesOf(root),
            How = root.ValueKind is JsonValueKind.Object && root.TryGetProperty("replay", out var replay) ? TextOf(replay, "how") : null,
            CostCents = step.CostCents,
            DurationMs = step.DurationMs,
        };
    }

    /// <summary>Whether a step's context says that a payload was redacted before it was recorded.</summary>
    /// <param name="context">The context's object.</param>
    /// <param name="payload">The payload's column.</param>
    public static bool IsRedacted(JsonElement context, string payload)
    {
        if (context.ValueKind is not JsonValueKind.Object || !context.TryGetProperty("redactions", out var redactions) || redactions.ValueKind is not JsonValueKind.Array)
            return false;
        foreach (var redaction in redactions.EnumerateArray())
        {
            if (TextOf(redaction, "place") is { } place && place.StartsWith(payload, StringComparison.Ordinal)
                && (place.Length == payload.Length || place[payload.Length] is '.' or '['))
                return true;
        }

        return false;
    }

    private static ComparablePayload Payload(RecordedPayload payload, bool isRedacted) =>
        payload.Commitment is null && payload.Text is null ? new ComparablePayload(null, null)
        : payload.Text is null ? new ComparablePayload(null, "erased")
        : isRedacted ? new ComparablePayload(null, "redacted")
        : new ComparablePayload(payload.Text, null);

    // What the engine writes: the run's id, a colon, the place in the plan; behind it ":fallback" where it is that of the step, which counts its attempts on from the step's.
    // It is a column of the chain, and no payload that may be erased.
    private static int PlanIndexOf(RecordedStep step) =>
        step.IdempotencyKey is { } written && (written.EndsWith(FallbackMark, StringComparison.Ordinal) ? written[..^FallbackMark.Length] : written) is var key
            && key.LastIndexOf(':') is var colon and >= 0 && int.TryParse(key.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var index)
            ? index
            : step.StepIndex;

    private static List<string> VariesOf(JsonElement context) =>
        context.ValueKind is JsonValueKind.Object && context.TryGetProperty("varies", out var varies) && varies.ValueKind is JsonValueKind.Array
            ? [.. varies.EnumerateArray().Where(static place => place.ValueKind is JsonValueKind.String).Select(static place => place.GetString()!)]
            : [];

    private static string? TextOf(JsonElement value, string member) =>
        value.ValueKind is JsonValueKind.Object && value.TryGetProperty(member, out var found) && found.ValueKind is JsonValueKind.String ? found.GetString() : null;

    private static JsonDocument? Parse(string? text)
    {
        try
        {
            return text is null ? null : JsonDocument.Parse(text, Deep);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
