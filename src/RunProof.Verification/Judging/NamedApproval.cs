using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using RunProof.Format;

namespace RunProof.Verification;

/// <summary>What a step is to its approval: which step of the plan, which attempt, what became of it, and what of it is still there.</summary>
/// <param name="Place">Where it is.</param>
/// <param name="PlanIndex">Its place in the plan, by its idempotency key: known where its context is erased too. Null where it has none.</param>
/// <param name="Attempt">Attempts of it before.</param>
/// <param name="Status">Its status.</param>
/// <param name="IsContextErased">Whether what it said is erased.</param>
/// <param name="IsInputErased">Whether its parameters are.</param>
internal sealed record ApprovedStep(Place Place, int? PlanIndex, int Attempt, string Status, bool IsContextErased, bool IsInputErased)
{
    /// <summary>Whether a process began it and did not say what people had decided of it: it died.</summary>
    internal bool IsLost => Status is "interrupted";

    /// <summary>Whether something of it was executed.</summary>
    internal bool IsExecuted => Status is not ("blocked" or "skipped");

    internal static ApprovedStep Of(RecordedStep step, Place place) => new(
        place, PlanIndexOf(step.IdempotencyKey), step.RetryCount, step.Status, step.Context is { Loaded: true, Commitment: not null, Text: null },
        step.Input is { Loaded: true, Commitment: not null, Text: null });

    private static int? PlanIndexOf(string? key)
    {
        const string Fallback = ":fallback";
        if (key is null)
            return null;
        var isFallback = key.EndsWith(Fallback, StringComparison.Ordinal);
        var place = isFallback ? key.AsSpan(0, key.Length - Fallback.Length) : key;
        return int.TryParse(place[(place.LastIndexOf(':') + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? index + (isFallback ? BehindPlan : 0) : null;
    }

    /// <summary>Where approvals have a step's fallback: so far behind the step's place, behind all that a plan can have.</summary>
    internal const int BehindPlan = 10_000;
}

/// <summary>What a step's context says of the approval that it had.</summary>
internal sealed class NamedApproval
{
    private static readonly string[] NotCovered = ["attempt", "because"];

    private readonly JsonElement _said;
    private readonly JsonElement _context;
    private readonly RecordedStep _step;

    private NamedApproval(Place place, RecordedStep step, JsonElement context, JsonElement said) => (Place, _step, _context, _said) = (place.At("context"), step, context, said);

    internal Place Place { get; }

    internal string Id => Text("id")!;

    internal string Status => Text("status") ?? "";

    /// <summary>The status that the store gave, where the step's is another word for it.</summary>
    internal string Found => Text("found") ?? Status;

    internal bool IsGranted => Status is "approved";

    internal int Attempt => _step.RetryCount;

    internal string? ShownDigest => Text("shown_digest");

    internal string? ActionDigest => Text("action_digest");

    internal string? Input => _step.Input.Text;

    /// <summary>Whether it says less than the store has: it was recorded by a runner of before.</summary>
    internal bool IsBrief => NotCovered.Any(member => !_said.TryGetProperty(member, out _)) || (IsGranted && Text("used_at") is null);

    /// <summary>Whether something was taken out of the parameters that evidence shows.</summary>
    internal bool IsInputRedacted => _context.TryGetProperty("redactions", out var notes) && notes.ValueKind is JsonValueKind.Array
        && notes.EnumerateArray().Any(static note => Text(note, "place") is not { } place || place.StartsWith("params", StringComparison.Ordinal));

    /// <summary>Reads a context that holds to its commitment.</summary>
    /// <returns>Null where it names no approval.</returns>
    /// <exception cref="JsonException">It is no JSON.</exception>
    /// <exception cref="InvalidOperationException">It is none that a recorder of ours writes.</exception>
    internal static NamedApproval? Read(RecordedStep step, Place place)
    {
        using var document = JsonDocument.Parse(step.Context.Text!, new JsonDocumentOptions { MaxDepth = Canonicalizer.MaxDepth + 2 });
        if (document.RootElement.ValueKind is not JsonValueKind.Object || !document.RootElement.TryGetProperty("approval", out var said))
            return null;
        var context = document.RootElement.Clone();
        return new NamedApproval(place, step, context, context.GetProperty("approval")) is { } named && Text(said, "id") is not null ? named : throw new InvalidOperationException("it has no id");
    }

    /// <summary>What the columns must be, by what the step says.</summary>
    internal IEnumerable<(string Column, JsonNode? Value)> Columns(RecordedTrace trace)
    {
        yield return ("tenant_id", trace.TenantId);
        yield return ("run_id", trace.RunId);
        yield return ("trace_id", trace.TraceId);
        yield return ("plan_index", PlanIndex);
        yield return ("step_id", Copy(_context, "plan_step"));
        yield return ("skill", _step.SkillName);
        yield return ("action_digest", ActionDigest);
        yield return ("shown_digest", ShownDigest);
        yield return ("requested_at", Text("requested_at"));
        foreach (var member in NotCovered.Where(member => _said.TryGetProperty(member, out _)))
            yield return (member, Copy(_said, member));
        if (Found != "pending")
        {
            yield return ("status", Found);
            if ((Text("decided_at") ?? (Status is "approved" or "rejected" ? Text("at") : null)) is { } decided)
                yield return ("decided_at", decided);
        }

        if (Text("used_at") is { } used)
            yield return ("used_at", used);
    }

    /// <summary>What the decisions must be, the first one first.</summary>
    internal IReadOnlyList<JsonObject> Decisions()
    {
        var others = _said.TryGetProperty("others", out var list) && list.ValueKind is JsonValueKind.Array ? list.EnumerateArray().ToList() : [];
        var all = others.Select((other, i) => Decision(i, other, Text(other, "decision"))).ToList();
        if (Text("by") is not null)
            all.Add(Decision(all.Count, _said, Status is "rejected" ? "rejected" : "approved"));
        return all;
    }

    private JsonNode? PlanIndex => _context.TryGetProperty("fallback", out var fallback) && fallback.ValueKind is JsonValueKind.True
        && Copy(_context, "plan_index") is JsonValue place && place.TryGetValue(out int index) ? index + ApprovedStep.BehindPlan : Copy(_context, "plan_index");

    private JsonObject Decision(int before, JsonElement by, string? word) => new()
    {
        ["number"] = before + 1, ["decision"] = word, ["by_key"] = Text(by, "key"), ["by_name"] = Text(by, "by"), ["at"] = Text(by, "at"), ["reason"] = Text(by, "reason"),
        ["action_digest"] = ActionDigest, ["shown_digest"] = ShownDigest,
    };

    private static JsonNode? Copy(JsonElement from, string member) => from.TryGetProperty(member, out var value) ? JsonNode.Parse(value.GetRawText()) : null;

    private string? Text(string member) => Text(_said, member);

    private static string? Text(JsonElement value, string member) =>
        value.ValueKind is JsonValueKind.Object && value.TryGetProperty(member, out var found) && found.ValueKind is JsonValueKind.String ? found.GetString() : null;
}
