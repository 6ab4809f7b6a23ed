using RunProof.Execution;
using RunProof.Policies;

namespace RunProof.Runner;

/// <summary>What the configuration says about planners: <c>src/PLANNERS.md</c> lists the keys.</summary>
internal static class PlannerSettings
{
    private static readonly string[] Members = ["Agent", "Llm", "Rules"];
    private static readonly string[] ModelMembers = ["Model", "Skill", "Skills", "Prompt", "MaxTurns", "MaxSteps", "MaxRepairs"];

    /// <summary>Reads it, and the file of rules.</summary>
    /// <param name="configuration">The host's.</param>
    /// <exception cref="ArgumentException">Something cannot be meant; it is named.</exception>
    public static PlannerOptions Read(IConfiguration configuration)
    {
        var planners = configuration.GetSection("RunProof:Planners");
        ModelSettings.RefuseOthers(planners, Members);
        return new PlannerOptions { Agent = OptionsOf(planners.GetSection("Agent")), Llm = OptionsOf(planners.GetSection("Llm")), Rules = RulesOf(planners) };
    }

    private static ModelPlannerOptions OptionsOf(IConfigurationSection planner)
    {
        ModelSettings.RefuseOthers(planner, ModelMembers);
        var usual = new ModelPlannerOptions();
        var options = usual with
        {
            Model = planner["Model"] is { Length: > 0 } model ? model : null,
            Skills = SkillSettings.ListOf(planner, "Skill", "Skills"),
            Prompt = planner["Prompt"] is { Length: > 0 } prompt ? prompt : null,
            MaxTurns = ModelSettings.Count(planner, "MaxTurns") ?? usual.MaxTurns,
            MaxSteps = ModelSettings.Count(planner, "MaxSteps") ?? usual.MaxSteps,
            MaxRepairs = ModelSettings.Count(planner, "MaxRepairs") ?? usual.MaxRepairs,
        };
        try
        {
            return options.Validated();
        }
        catch (ArgumentException range)
        {
            throw new ArgumentException($"{planner.Path}: {range.Message}");
        }
    }

    private static RulesDocument? RulesOf(IConfigurationSection planners)
    {
        if (planners["Rules"] is not { Length: > 0 } file)
            return null;
        try
        {
            return RulesDocument.Read(DataDocument.Read(ModelSettings.ReadFile(planners, "Rules", file)));
        }
        catch (FormatException fault)
        {
            throw new ArgumentException($"{file} (RunProof:Planners:Rules): {fault.Message}");
        }
    }
}
