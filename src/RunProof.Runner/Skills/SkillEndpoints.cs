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
        TypedResults.Json(new SkillPage([.. skills.All.Select(SkillView.Of)]), RunnerJson.Default.SkillPage);
}

/// <summary>A skill.</summary>
internal sealed record SkillView(
    string Name, string Version, string Description, string Schema, JsonElement ParametersSchema, JsonElement OutcomeSchema,
    string ParametersFingerprint, string OutcomeFingerprint)
{
    public static SkillView Of(SkillDescriptor skill) => new(
        skill.Name, skill.Version, skill.Description, skill.Schema.ToString(), Parse(skill.ParametersSchema), Parse(skill.OutcomeSchema),
        skill.ParametersFingerprint, skill.OutcomeFingerprint);

    private static JsonElement Parse(string schema)
    {
        using var document = JsonDocument.Parse(schema);
        return document.RootElement.Clone();
    }
}

/// <summary>All skills, by name.</summary>
internal sealed record SkillPage(IReadOnlyList<SkillView> Items);
