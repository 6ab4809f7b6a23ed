using RunProof.Policies;

namespace RunProof.Runner;

/// <summary>The gate that decides of every step: by the tenants' policies from the store, and by the operator's own from a folder.</summary>
internal static class PolicyRegistration
{
    public static void AddPolicies(this WebApplicationBuilder builder) =>
        builder.Services.AddPolicyGate(_ => OptionsOf(builder.Configuration));

    /// <summary>Reads the policies of the folder, before the host listens: a runner never works with fewer rules than its operator wrote.</summary>
    /// <returns>What is wrong with them; null where nothing is.</returns>
    public static string? FindPolicyFault(this IServiceProvider services)
    {
        try
        {
            services.GetRequiredService<PolicyOptions>();
            return null;
        }
        catch (Exception fault) when (fault is PolicyFileException or ArgumentException)
        {
            return fault.Message;
        }
    }

    private static PolicyOptions OptionsOf(IConfiguration configuration) => new()
    {
        Files = configuration["RunProof:Policies:Folder"] is { Length: > 0 } folder ? PolicyFolder.Read(folder) : [],
    };
}
