using System.Text.Json;
using Microsoft.AspNetCore.Mvc;
using RunProof.ServiceDefaults;
using RunProof.Skills;

namespace RunProof.Runner;

/// <summary>The skills that plans may name.</summary>
internal static class SkillEndpoints
{
    public static void MapSkills(this IEndpointRouteBuilder api) =>
        api.MapGet("/skills", List).RequireScope(ApiKeyAuthentication.AuditorScope).WithTags("Skills")
            .WithName("listSkills").WithSummary("Lists the skills that plans may name, with their schemas.")
            .Produces<SkillPage>()
            .Refuses(401);

    private static IResult List([FromServices] SkillRegistry skills) =>
        TypedResults.Json(new SkillPage([.. skills.All.Select(skill => SkillView.Of(skill, skills.Assemblies))]), RunnerJson.Default.SkillPage);
}

/// <summary>A skill.</summary>
internal sealed record SkillView(
    string Name, string Version, string Description, string Schema, JsonElement ParametersSchema, JsonElement OutcomeSchema,
    string ParametersFingerprint, string OutcomeFingerprint, SkillAssemblyView? Assembly)
{
    public static SkillView Of(SkillDescriptor skill, IReadOnlyList<SkillAssembly> assemblies) => new(
        skill.Name, skill.Version, skill.Description, skill.Schema.ToString(), Parse(skill.ParametersSchema), Parse(skill.OutcomeSchema),
        skill.ParametersFingerprint, skill.OutcomeFingerprint,
        assemblies.FirstOrDefault(one => one.Skills.Contains(skill.Name)) is { } assembly ? new SkillAssemblyView(assembly.File, assembly.Digest.ToString()) : null);

    private static JsonElement Parse(string schema)
    {
        using var document = JsonDocument.Parse(schema);
        return document.RootElement.Clone();
    }
}

/// <summary>The file of the folder of skills that a skill was loaded from.</summary>
internal sealed record SkillAssemblyView(string File, string Sha256);

/// <summary>All skills, by name.</summary>
internal sealed record SkillPage(IReadOnlyList<SkillView> Items);
