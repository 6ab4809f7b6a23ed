using RunProof.Postgres;
using RunProof.ServiceDefaults;

namespace RunProof.Runner;

/// <summary>What this host is made of, and whether it may listen.</summary>
internal static class RunnerStart
{
    /// <summary>Registers everything.</summary>
    /// <param name="builder">The host's.</param>
    public static void AddAll(this WebApplicationBuilder builder)
    {
        builder.AddServiceDefaults();
        builder.AddRunProofPostgres("runproofdb");
        builder.Services.AddApiKeyAuthentication();
        builder.Services.AddRunProofProblems();
        builder.Services.AddRunProofOpenApi(
            "RunProof runner", "Takes runs in, executes them, and records their evidence. Every refusal is problem details (RFC 9457) with a stable type.");
        builder.Services.ConfigureHttpJsonOptions(json => json.SerializerOptions.TypeInfoResolverChain.Insert(0, RunnerJson.Default));
        builder.AddSkills();
        builder.AddPolicies();
        builder.AddRunner();
    }

    /// <summary>What is wrong with the configuration, in one line that names the setting and no secret; null where nothing is.</summary>
    /// <param name="services">The host's.</param>
    public static string? FindFault(this IServiceProvider services) => services.FindConnectionFault() ?? services.FindSkillFault() ?? services.FindPolicyFault();
}
