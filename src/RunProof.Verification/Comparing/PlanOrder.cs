using System.Text.Json;
using RunProof.Format;

namespace RunProof.Verification;

/// <summary>
/// Which steps of a plan must be recorded before which. Branches that do not depend on each other are recorded as they happen to end: only where a step is recorded before
/// one that it depends on does the order say anything.
/// </summary>
public sealed class PlanOrder
{
    private readonly int[][]? _followers;
    private readonly int _inLine;

    private PlanOrder(int[][]? followers, int inLine) => (_followers, _inLine) = (followers, inLine);

    /// <summary>Every step comes after the one before it.</summary>
    public static PlanOrder InLine { get; } = new(null, int.MaxValue);

    /// <summary>Nothing is known: the plan is erased, or says nothing that can be read.</summary>
    public static PlanOrder Unknown { get; } = new(null, 0);

    /// <summary>The order of a trace's plan. Of steps that a planner added while the run went on no dependency is recorded.</summary>
    /// <param name="trace">The trace, with its payloads.</param>
    public static PlanOrder Of(RecordedTrace trace)
    {
        ArgumentNullException.ThrowIfNull(trace);
        if (trace.Plan.Text is not { } text)
            return Unknown;
        try
        {
            using var document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 1024 });
            return document.RootElement.ValueKind is JsonValueKind.Array ? Of(document.RootElement) : Unknown;
        }
        catch (JsonException)
        {
            return Unknown;
        }
    }

    /// <summary>The steps that directly depend on one.</summary>
    /// <param name="planIndex">Its place in the plan.</param>
    internal ReadOnlySpan<int> Followers(int planIndex) =>
        planIndex < 0 ? []
        : _followers is not null ? planIndex < _followers.Length ? _followers[planIndex] : []
        : planIndex < _inLine - 1 ? new[] { planIndex + 1 } : [];

    private static PlanOrder Of(JsonElement plan)
    {
        var steps = plan.EnumerateArray().ToArray();
        if (!steps.Any(static step => Before(step) is { ValueKind: JsonValueKind.Array }))
            return new PlanOrder(null, steps.Length);
        var places = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < steps.Length; i++)
        {
            if (steps[i].ValueKind is JsonValueKind.Object && steps[i].TryGetProperty("id", out var id) && id.ValueKind is JsonValueKind.String)
                places[id.GetString()!] = i;
        }

        var followers = new List<int>[steps.Length];
        for (var i = 0; i < steps.Length; i++)
        {
            foreach (var name in Before(steps[i]) is { ValueKind: JsonValueKind.Array } before ? before.EnumerateArray() : default)
            {
                if (name.ValueKind is JsonValueKind.String && places.TryGetValue(name.GetString()!, out var place))
                    (followers[place] ??= []).Add(i);
            }
        }

        return new PlanOrder([.. followers.Select(static after => after is null ? [] : after.ToArray())], 0);
    }

    private static JsonElement? Before(JsonElement step) => step.ValueKind is JsonValueKind.Object && step.TryGetProperty("depends_on", out var before) ? before : null;
}
