using RunProof.BuiltinSkills;
using RunProof.Postgres;

namespace RunProof.Runner;

/// <summary>What the configuration says about the skills that come with RunProof: <c>src/SKILLS.md</c> lists the keys.</summary>
internal static class SkillSettings
{
    public static BuiltinSkillsOptions Read(IConfiguration configuration) => new()
    {
        Files = FilesOf(configuration.GetSection("RunProof:Files")),
        Webhooks = configuration.GetSection("RunProof:Webhooks").GetChildren().ToDictionary(endpoint => endpoint.Key, WebhookOf, StringComparer.Ordinal),
        Shell = configuration.GetSection("RunProof:Shell").GetChildren().ToDictionary(program => program.Key, ProgramOf, StringComparer.Ordinal),
    };

    /// <summary>The databases that <c>sql_query</c> may ask.</summary>
    public static Dictionary<string, QuerySource> SourcesOf(IConfiguration configuration) =>
        configuration.GetSection("RunProof:Sql").GetChildren().ToDictionary(source => source.Key, SourceOf, StringComparer.Ordinal);

    private static QuerySource SourceOf(IConfigurationSection source)
    {
        var usual = new QuerySource { ConnectionString = source["ConnectionString"] ?? "", Tenants = ListOf(source, "Tenant", "Tenants") };
        return usual with
        {
            MaxTime = TimeSpan.FromSeconds(source.GetValue("MaxSeconds", usual.MaxTime.TotalSeconds)),
            MaxConnections = source.GetValue("MaxConnections", usual.MaxConnections),
        };
    }

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

    private static WebhookEndpoint WebhookOf(IConfigurationSection endpoint) => new()
    {
        Url = endpoint["Url"] ?? "",
        Secrets = ListOf(endpoint, "Secret", "Secrets"),
        Tenants = ListOf(endpoint, "Tenant", "Tenants"),
    };

    private static ShellExecutable ProgramOf(IConfigurationSection program) => new()
    {
        Path = program["Path"] ?? "",
        Arguments = [.. program.GetSection("Arguments").GetChildren().Select(argument => argument.Value ?? "")],
        Environment = program.GetSection("Environment").GetChildren().ToDictionary(variable => variable.Key, variable => variable.Value ?? "", StringComparer.Ordinal),
        Tenants = ListOf(program, "Tenant", "Tenants"),
    };

    /// <summary>One value or several.</summary>
    internal static string[] ListOf(IConfigurationSection section, string one, string several) =>
        [.. new[] { section[one] }.Concat(section.GetSection(several).GetChildren().Select(child => child.Value)).OfType<string>().Where(value => value.Length > 0)];
}
