using System.Globalization;
using RunProof.Format;
using RunProof.Skills;

namespace RunProof.Execution;

/// <summary>With which model, prompt, skills and limits a run is planned: what the caller chose within what the operator allows.</summary>
/// <param name="Model">The model's configured name.</param>
/// <param name="TimeoutMs">Milliseconds for one call.</param>
/// <param name="Prompt">The system prompt's name.</param>
/// <param name="PromptDigest">Its digest.</param>
/// <param name="Skills">The skills that may be used, at least one, by name.</param>
/// <param name="MaxTurns">Answers of the model at most.</param>
/// <param name="MaxSteps">Steps at most.</param>
internal sealed record ModelSetup(string Model, int TimeoutMs, string Prompt, string PromptDigest, IReadOnlyList<SkillDescriptor> Skills, int MaxTurns, int MaxSteps)
{
    /// <summary>Tokens of one answer at most; null: as many as the service gives.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>The skill that asks models.</summary>
    public const string Skill = "llm_invoke";

    // What connecting and judging take beside the model's own time.
    private const int Slack = 10_000;

    /// <summary>Settles it.</summary>
    /// <param name="planner">The planner's name, as in the configuration's section.</param>
    /// <param name="usualPrompt">The prompt that comes with RunProof.</param>
    /// <param name="request">What the caller chose.</param>
    /// <param name="options">What the operator allows.</param>
    /// <param name="models">The models.</param>
    /// <param name="skills">The skills.</param>
    /// <param name="errors">Takes all that is wrong.</param>
    /// <returns>The setup; null where anything is wrong.</returns>
    public static ModelSetup? Settle(
        string planner, string usualPrompt, PlanningRequest request, ModelPlannerOptions options, IModelCatalog models, SkillRegistry skills, List<PlanError> errors)
    {
        var choices = request.Choices;
        if (request.Plan is not null)
            errors.Add(new PlanError("plan", $"must not be given: the planner \"{planner}\" makes its own"));
        if (Template.MayRefer(request.Goal))
            errors.Add(new PlanError("goal", "must not hold {{steps.…}}: it would be taken for a reference to a step"));
        if (!skills.TryFind(Skill, out _))
            errors.Add(new PlanError("planner", $"\"{planner}\" needs the skill \"{Skill}\", which this runner does not have"));
        var model = ModelOf(planner, request.TenantId, choices.Model ?? options.Model, models, errors);
        var prompt = choices.SystemPromptRef ?? options.Prompt ?? usualPrompt;
        var digest = models.DigestOfPrompt(prompt);
        if (digest is null && model is not null)
            errors.Add(new PlanError("system_prompt_ref", $"there is no prompt \"{prompt}\": the operator configures it as RunProof__Prompts__{prompt}"));
        var offered = SkillsOf(planner, choices.Tools, options.Skills, skills, errors);
        var turns = Limit(choices.MaxTurns, "max_turns", 1, options.MaxTurns, errors);
        var steps = Limit(choices.MaxSteps, "max_steps", 2, options.MaxSteps, errors);
        return errors.Count > 0 || model is null || digest is null ? null
            : new ModelSetup(model, (int)Math.Min(models.TimeoutOf(model).TotalMilliseconds + Slack, 3_600_000), prompt, digest, offered, turns, steps)
            {
                MaxTokens = options.MaxTokens,
            };
    }

    private static string? ModelOf(string planner, TenantId tenant, string? chosen, IModelCatalog models, List<PlanError> errors)
    {
        var known = models.ModelsOf(tenant);
        if (known.Count == 0)
            errors.Add(new PlanError("planner", $"\"{planner}\" has no language model on this runner: the operator sets RunProof__Models__<name>__Model, and __Endpoint and __ApiKey as the service wants"));
        else if (chosen is null && known.Count > 1)
            errors.Add(new PlanError("model", $"is missing: there are {string.Join(", ", known)}, and RunProof__Planners__{planner}__Model is not set"));
        else if (chosen is not null && !known.Contains(chosen, StringComparer.Ordinal))
            errors.Add(new PlanError("model", $"there is no model \"{chosen}\"; there are: {string.Join(", ", known)}"));
        else
            return chosen ?? known[0];
        return null;
    }

    // Nothing is offered that nobody named: what a model may reach is somebody's decision.
    private static List<SkillDescriptor> SkillsOf(string planner, IReadOnlyList<string>? chosen, IReadOnlyList<string> allowed, SkillRegistry skills, List<PlanError> errors)
    {
        var ceiling = skills.All.Where(skill => allowed.Count == 0 || allowed.Any(pattern => SkillPattern.Fits(pattern, skill.Name))).ToList();
        if (chosen is null && allowed.Count == 0)
        {
            errors.Add(new PlanError("tools", $"is missing: name the skills that may be used, or let the operator set RunProof__Planners__{planner}__Skills__0; there are: {Names(ceiling)}"));
            return [];
        }

        var offered = chosen is null ? ceiling : [.. ceiling.Where(skill => chosen.Any(pattern => SkillPattern.Fits(pattern, skill.Name)))];
        for (var i = 0; i < (chosen?.Count ?? 0); i++)
        {
            if (!ceiling.Exists(skill => SkillPattern.Fits(chosen![i], skill.Name)))
                errors.Add(new PlanError(string.Create(CultureInfo.InvariantCulture, $"tools[{i}]"), $"\"{chosen![i]}\" is no skill that may be used; there are: {Names(ceiling)}"));
        }

        if (offered.Count is 0 or > 128 && errors.Count == 0)
            errors.Add(new PlanError("tools", string.Create(CultureInfo.InvariantCulture, $"must be 1 to 128 skills, not {offered.Count}")));
        return offered;
    }

    private static string Names(List<SkillDescriptor> skills) => string.Join(", ", skills.Select(skill => skill.Name));

    private static int Limit(int? chosen, string place, int least, int most, List<PlanError> errors)
    {
        if (chosen is { } number && (number < least || number > most))
            errors.Add(new PlanError(place, string.Create(CultureInfo.InvariantCulture, $"must be from {least} to {most}")));
        return chosen ?? most;
    }
}
