using System.Globalization;
using System.Text;
using System.Text.Json;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Skills;

namespace RunProof.Execution;

/// <summary>
/// Asks a model for a plan, once: the call is the run's first step, its answer is validated as a caller's plan would be, and sent back with all its errors and their places where it is not
/// valid. Then its steps are executed, and the model is asked no more.
/// </summary>
/// <param name="models">The models.</param>
/// <param name="skills">The skills.</param>
/// <param name="parser">Validates.</param>
/// <param name="options">What the operator allows.</param>
public sealed class LlmPlanner(IModelCatalog models, SkillRegistry skills, PlanParser parser, PlannerOptions options) : IGrowingPlanner
{
    /// <summary>Its name: <c>llm</c>.</summary>
    public const string PlannerName = "llm";

    /// <summary>The name of the system prompt that comes with RunProof.</summary>
    public const string UsualPrompt = "runproof-planner";

    private const string Call = "plan_";
    private const int MostErrorsTold = 50;

    /// <inheritdoc/>
    public string Name => PlannerName;

    /// <inheritdoc/>
    public bool TakesChoices => true;

    /// <inheritdoc/>
    public ValueTask<PlanValidation> PlanAsync(PlanningRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        var errors = new List<PlanError>();
        if (ModelSetup.Settle("Llm", UsualPrompt, request, options.Llm, models, skills, errors) is not { } setup)
            return ValueTask.FromResult(new PlanValidation(null, errors));
        var labels = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["planner"] = PlannerName,
            ["max_steps"] = setup.MaxSteps.ToString(CultureInfo.InvariantCulture),
            ["max_repairs"] = options.Llm.MaxRepairs.ToString(CultureInfo.InvariantCulture),
        };
        for (var i = 0; i < setup.Skills.Count; i++)
            labels[string.Create(CultureInfo.InvariantCulture, $"skill.{i:000}")] = setup.Skills[i].Name;
        var first = ModelCallStep.First(Call + "1", setup, labels, null, Ask(request.Goal, setup.Skills));
        return ValueTask.FromResult(ModelCallStep.Validate(first, parser));
    }

    /// <inheritdoc/>
    public PlanGrowth Grow(RunHistory history)
    {
        ArgumentNullException.ThrowIfNull(history);
        try
        {
            return GoOn(history.Steps);
        }
        catch (Exception e) when (e is FormatException or CanonicalFormatException or InvalidOperationException or KeyNotFoundException)
        {
            return new PlanGrowth.Impossible("no_answer", $"how the run goes on cannot be told from what is recorded: {e.Message}");
        }
    }

    private PlanGrowth GoOn(IReadOnlyList<EndedStep> steps)
    {
        // The calls for plans come first, one after the other; whatever is behind them is the plan.
        var calls = steps.TakeWhile((step, i) => step.Step.Id == Id(i + 1) && step.Step.Skill == ModelSetup.Skill).Count();
        if (calls < steps.Count)
            return new PlanGrowth.Done();
        var last = steps[calls - 1];
        if (last.Failure is { } failure || last.Outcome is null)
            return new PlanGrowth.Impossible(last.Failure?.Code ?? "no_answer", $"step \"{last.Step.Id}\": {last.Failure?.Message ?? "the model's answer is erased"}");
        if (!last.OutcomeIsKnown)
            return new PlanGrowth.Impossible("redacted_reference", $"step \"{last.Step.Id}\": the model's plan was redacted before it was stored, and the process that knew it is gone");
        var answer = ModelAnswer.Of(last.Outcome);
        using var first = steps[0].Step.Parameters.ToDocument();
        var validation = Read(answer.Content ?? "", first.RootElement, calls);
        if (validation.Plan is { } plan)
            return new PlanGrowth.More(plan.Steps);
        var told = Tell(validation.Errors);
        return calls > ModelCallStep.Limit(first.RootElement, "max_repairs")
            ? new PlanGrowth.Impossible("invalid_plan", string.Create(CultureInfo.InvariantCulture, $"the model gave no valid plan in {calls} answers; of the last: {told}"))
            // Answers are limited by the model's own limit, and repairs are few.
            : new PlanGrowth.More([ModelCallStep.Next(Id(calls + 1), last.Step, writer =>
            {
                ModelCallStep.Message(writer, "assistant", answer.Content is { Length: > 0 } said ? said : "(nothing)");
                ModelCallStep.Message(writer, "user", $"That plan is not valid:\n{told}\nAnswer with the whole corrected plan, and nothing else.");
            }, withoutTools: false, int.MaxValue)!]);
    }

    private PlanValidation Read(string content, JsonElement first, int calls)
    {
        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(WithoutFence(content), ReferenceResolver.Deep);
        }
        catch (JsonException e)
        {
            return new PlanValidation(null, [new PlanError("plan", string.Create(CultureInfo.InvariantCulture, $"is not JSON (line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1})"))]);
        }

        using (document)
        {
            var root = document.RootElement;
            var plan = root.ValueKind is JsonValueKind.Object && root.TryGetProperty("plan", out var inner) ? inner : root;
            var validation = parser.Parse(plan, "plan");
            if (validation.Plan is not { } parsed)
                return validation;
            var errors = Refuse(parsed, first, calls);
            return errors.Count == 0 ? validation : new PlanValidation(null, errors);
        }
    }

    private static List<PlanError> Refuse(Plan plan, JsonElement first, int calls)
    {
        var errors = new List<PlanError>();
        var allowed = first.GetProperty("labels").EnumerateObject().Where(label => label.Name.StartsWith("skill.", StringComparison.Ordinal)).Select(label => label.Value.GetString()!).ToHashSet(StringComparer.Ordinal);
        var most = ModelCallStep.Limit(first, "max_steps");
        if (plan.Steps.Count + calls > most)
            errors.Add(new PlanError("plan", string.Create(CultureInfo.InvariantCulture, $"has {plan.Steps.Count} steps, and {Math.Max(most - calls, 0)} are left of the {most} that the run may have")));
        for (var i = 0; i < plan.Steps.Count; i++)
        {
            var at = string.Create(CultureInfo.InvariantCulture, $"plan[{i}]");
            if (!allowed.Contains(plan.Steps[i].Skill))
                errors.Add(new PlanError(at + ".skill", $"\"{plan.Steps[i].Skill}\" may not be used; there are: {string.Join(", ", allowed.Order(StringComparer.Ordinal))}"));
            if (plan.Steps[i].Fallback is { } fallback && !allowed.Contains(fallback.Skill))
                errors.Add(new PlanError(at + ".fallback.skill", $"\"{fallback.Skill}\" may not be used; there are: {string.Join(", ", allowed.Order(StringComparer.Ordinal))}"));
            if (plan.Steps[i].Id.StartsWith(Call, StringComparison.Ordinal))
                errors.Add(new PlanError(at + ".id", $"must not begin with {Call}"));
        }

        return errors;
    }

    private static string Tell(IReadOnlyList<PlanError> errors)
    {
        var told = string.Join('\n', errors.Take(MostErrorsTold).Select(error => $"- {error.Place}: {error.Message}"));
        return errors.Count <= MostErrorsTold ? told : string.Create(CultureInfo.InvariantCulture, $"{told}\n- and {errors.Count - MostErrorsTold} more");
    }

    // Models put JSON into a fence, whatever they are told.
    private static string WithoutFence(string content)
    {
        var text = content.Trim();
        if (!text.StartsWith("```", StringComparison.Ordinal) || text.IndexOf('\n', StringComparison.Ordinal) is var line && line < 0)
            return text;
        var end = text.LastIndexOf("```", StringComparison.Ordinal);
        return end > line ? text[(line + 1)..end] : text;
    }

    private static string Ask(string goal, IReadOnlyList<SkillDescriptor> skills)
    {
        var text = new StringBuilder("Goal:\n").Append(goal).Append("\n\nSkills:\n");
        foreach (var skill in skills)
        {
            text.Append("\n## ").Append(skill.Name).Append('\n').Append(SkillText.Harmless(skill.Description))
                .Append("\nparams: ").Append(SkillText.Harmless(skill.ParametersSchema))
                .Append("\noutcome: ").Append(SkillText.Harmless(skill.OutcomeSchema)).Append('\n');
        }

        return text.ToString();
    }

    private static string Id(int number) => string.Create(CultureInfo.InvariantCulture, $"{Call}{number}");
}
