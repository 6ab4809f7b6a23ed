using System.Buffers;
using System.Text.Json;
using RunProof.Format;

namespace RunProof.Execution;

/// <summary>Makes plans from the operator's rules: the first rule whose pattern the goal fits. No model is asked, and the same goal makes the same plan.</summary>
/// <param name="parser">Validates what the rules make.</param>
/// <param name="options">Hold the rules.</param>
public sealed class RulesPlanner(PlanParser parser, PlannerOptions options) : IPlanner
{
    /// <summary>Its name: <c>rules</c>.</summary>
    public const string PlannerName = "rules";

    /// <inheritdoc/>
    public string Name => PlannerName;

    /// <inheritdoc/>
    public ValueTask<PlanValidation> PlanAsync(PlanningRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (options.Rules is not { } document)
            return Refused("planner", "\"rules\" has no rules on this runner: the operator sets RunProof__Planners__Rules to a file of them");
        if (request.Plan is not null)
            return Refused("plan", "must not be given: the planner \"rules\" makes its own");
        // It would be filled into a plan, and be read there.
        if (request.Goal.Contains("{{", StringComparison.Ordinal))
            return Refused("goal", "must not hold {{: it would be taken for a reference");
        return ValueTask.FromResult(Apply(document, request.Goal) is { } applied ? applied.Plan
            : new PlanValidation(null, [new PlanError("goal", $"fits no rule; there are: {string.Join(", ", document.Rules.Select(rule => rule.Id))}")]));
    }

    /// <inheritdoc/>
    public CanonicalJson? Describe(string goal, Plan plan)
    {
        ArgumentNullException.ThrowIfNull(plan);
        // Rules that make another plan of this goal are not those that it was made by.
        if (options.Rules is not { } document || Apply(document, goal) is not { Plan.Plan: { } made } applied || !made.ToCanonicalJson().Equals(plan.ToCanonicalJson()))
            return null;
        var buffer = new ArrayBufferWriter<byte>(192);
        var writer = new CanonicalWriter(buffer);
        writer.WriteRaw("{\"digest\":"u8);
        document.Digest.WriteCanonical(ref writer);
        writer.WriteRaw(",\"rule\":"u8);
        writer.WriteString(applied.Rule);
        writer.WriteRaw(",\"version\":"u8);
        writer.WriteString(document.Version);
        writer.WriteRaw("}"u8);
        writer.Flush();
        return CanonicalJson.FromCanonicalBytes(buffer.WrittenMemory);
    }

    private (string Rule, PlanValidation Plan)? Apply(RulesDocument document, string goal)
    {
        foreach (var rule in document.Rules)
        {
            if (rule.Goal.Match(goal) is not { Success: true } match)
                continue;
            using var plan = JsonDocument.Parse(GoalTemplate.Fill(rule.Plan, match), ReferenceResolver.Deep);
            return (rule.Id, parser.Parse(plan.RootElement, "plan"));
        }

        return null;
    }

    private static ValueTask<PlanValidation> Refused(string place, string message) => ValueTask.FromResult(new PlanValidation(null, [new PlanError(place, message)]));
}
