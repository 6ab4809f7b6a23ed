using RunProof.Execution;
using RunProof.Mcp;
using RunProof.Models;
using RunProof.Policies;
using RunProof.Skills;

namespace RunProof.Runner;

/// <summary>What the configuration says about planners: <c>src/PLANNERS.md</c> lists the keys.</summary>
internal static class PlannerSettings
{
    private static readonly string[] Members = ["Agent", "Llm", "Rules"];
    internal static readonly string[] ModelMembers = ["Model", "Skill", "Skills", "Prompt", "MaxTurns", "MaxSteps", "MaxTokens", "MaxRepairs", "MaxConversation"];

    /// <summary>Reads it, and the file of rules.</summary>
    /// <param name="configuration">The host's.</param>
    /// <exception cref="ArgumentException">Something cannot be meant; it is named.</exception>
    public static PlannerOptions Read(IConfiguration configuration)
    {
        var planners = ModelSettings.RefuseText(configuration.GetSection("RunProof:Planners"), "a section for each planner");
        ModelSettings.RefuseOthers(planners, Members);
        return new PlannerOptions { Agent = OptionsOf(planners.GetSection("Agent")), Llm = OptionsOf(planners.GetSection("Llm")), Rules = RulesOf(planners) };
    }

    /// <summary>Looks whether what the planners name is there: a typing error must not wait for the first run, nor take a tool away without a word.</summary>
    /// <param name="services">The host's.</param>
    /// <exception cref="ArgumentException">Something is not; its setting is named, and what there is.</exception>
    public static void CheckNames(IServiceProvider services)
    {
        var options = services.GetRequiredService<PlannerOptions>();
        CheckNames("RunProof:Planners:Agent", options.Agent, services);
        CheckNames("RunProof:Planners:Llm", options.Llm, services);
    }

    private static void CheckNames(string path, ModelPlannerOptions planner, IServiceProvider services)
    {
        var models = services.GetRequiredService<ModelCatalog>();
        if (planner.Model is { } model && !models.Names.Contains(model, StringComparer.Ordinal))
            throw new ArgumentException($"{path}:Model: there is no model \"{model}\" (RunProof:Models); there are: {Listed(models.Names)}");
        if (planner.Prompt is { } prompt && models.DigestOfPrompt(prompt) is null)
            throw new ArgumentException($"{path}:Prompt: there is no prompt \"{prompt}\" (RunProof:Prompts)");
        string[] skills = [.. services.GetRequiredService<SkillRegistry>().All.Select(skill => skill.Name)];
        string[] servers = [.. services.GetService<McpServers>()?.States.Select(server => server.Name) ?? []];
        foreach (var pattern in planner.Skills)
        {
            // The tools of a server are known once it is there.
            if (pattern.StartsWith("mcp:", StringComparison.Ordinal) && pattern[4..].Split('/')[0] is var server)
            {
                if (!servers.Any(name => SkillPattern.Fits(server, name)))
                    throw new ArgumentException($"{path}:Skills: \"{pattern}\" is of no MCP server (RunProof:Mcp); there are: {Listed(servers)}");
            }
            else if (!skills.Any(name => SkillPattern.Fits(pattern, name)))
            {
                throw new ArgumentException($"{path}:Skills: \"{pattern}\" is no skill; there are: {Listed(skills)}");
            }
        }
    }

    private static string Listed(IReadOnlyCollection<string> names) => names.Count == 0 ? "none" : string.Join(", ", names);

    private static ModelPlannerOptions OptionsOf(IConfigurationSection planner)
    {
        ModelSettings.RefuseText(planner, "a section: the model is RunProof:Planners:NAME:Model");
        ModelSettings.RefuseOthers(planner, ModelMembers);
        var usual = new ModelPlannerOptions();
        var options = usual with
        {
            Model = planner["Model"] is { Length: > 0 } model ? model : null,
            Skills = SkillSettings.ListOf(planner, "Skill", "Skills"),
            Prompt = planner["Prompt"] is { Length: > 0 } prompt ? prompt : null,
            MaxTurns = ModelSettings.Count(planner, "MaxTurns") ?? usual.MaxTurns,
            MaxSteps = ModelSettings.Count(planner, "MaxSteps") ?? usual.MaxSteps,
            MaxTokens = ModelSettings.Count(planner, "MaxTokens"),
            MaxRepairs = ModelSettings.Count(planner, "MaxRepairs") ?? usual.MaxRepairs,
            MaxConversation = ModelSettings.Count(planner, "MaxConversation") ?? usual.MaxConversation,
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
