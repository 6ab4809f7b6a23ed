using RunProof.BuiltinSkills;

namespace RunProof.Runner;

/// <summary>What the configuration says about the skills that come with RunProof: <c>src/SKILLS.md</c> lists the keys.</summary>
internal static class SkillSettings
{
    public static BuiltinSkillsOptions Read(IConfiguration configuration) => new()
    {
        Files = FilesOf(configuration.GetSection("RunProof:Files")),
    };

    private static FileSkillOptions FilesOf(IConfigurationSection files)
    {
        var usual = new FileSkillOptions();
        return usual with
        {
            Root = files["Root"] is { Length: > 0 } root ? root : null,
            // Letter by letter: configuration would take ACME for acme, and their files are not each other's.
            Roots = files.GetSection("Tenants").GetChildren().ToDictionary(tenant => tenant.Key, tenant => tenant.Value ?? "", StringComparer.Ordinal),
            MaxBytes = files.GetValue("MaxBytes", usual.MaxBytes),
        };
    }
}
