using System.Globalization;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Npgsql;
using RunProof.BuiltinSkills;
using RunProof.Execution;
using RunProof.Models;
using RunProof.Postgres;
using RunProof.Skills;

namespace RunProof.Runner;

/// <summary>The skills of this runner. One's own are added here: a project with <c>[Skill]</c>s, and its <c>AddGeneratedSkills</c>.</summary>
internal static class SkillRegistration
{
    public static void AddSkills(this WebApplicationBuilder builder)
    {
        if (builder.Configuration["RunProof:Runner:SkillFolder"] is { Length: > 0 } folder)
            AddFrom(builder.Services, folder);
        builder.Services.TryAddSingleton<IQuerySources>(
            provider => new PostgresQuerySources(provider.GetRequiredService<NpgsqlDataSource>(), SkillSettings.SourcesOf(builder.Configuration)));
        builder.Services.AddBuiltinSkills(SkillSettings.Read(builder.Configuration) with
        {
            Http = provider => new HttpCallOptions { Allow = Allowed(provider, builder.Configuration) },
        });
        builder.AddMcp();
        builder.Services.AddSingleton(_ => PlannerSettings.Read(builder.Configuration));
        builder.Services.AddModelSkills(_ => ModelSettings.Read(builder.Configuration).WithDemo(builder.Configuration));
    }

    /// <summary>Reads all skills, before the host listens: a plan that names a skill must mean one skill, from the first run on.</summary>
    /// <returns>What is wrong with them; null where nothing is.</returns>
    public static string? FindSkillFault(this IServiceProvider services)
    {
        try
        {
            if (services.GetService<SkillFolderException>() is { } folder)
                return folder.Message;
            services.GetRequiredService<SkillRegistry>();
            services.GetRequiredService<IQuerySources>();
            services.GetRequiredService<ModelCatalog>();
            services.GetRequiredService<PlannerOptions>();
            PlannerSettings.CheckNames(services);
            return services.FindBuiltinSkillsFault();
        }
        catch (Exception fault) when (fault is InvalidOperationException or ArgumentException)
        {
            return fault.Message;
        }
    }

    // What is wrong with the folder is told with whatever else is wrong, once there is a host to tell it.
    private static void AddFrom(IServiceCollection services, string folder)
    {
        try
        {
            services.AddSkillsFrom(folder);
        }
        catch (SkillFolderException fault)
        {
            services.AddSingleton(fault);
        }
    }

    private static List<string> Allowed(IServiceProvider provider, IConfiguration configuration)
    {
        var allowed = configuration.GetSection("RunProof:HttpCall:Allow").GetChildren().Select(one => one.Value).OfType<string>().ToList();
        if (provider.GetRequiredService<ExecutionOptions>().DemoUrl() is { } demo)
            allowed.AddRange(Entries(demo));
        return allowed;
    }

    /// <summary>
    /// What <c>http_call</c> must be allowed for the demo address, which is on the loopback interface by default. People write <c>localhost</c> where the
    /// address says <c>127.0.0.1</c>: it is the same endpoint.
    /// </summary>
    internal static IEnumerable<string> Entries(Uri demo)
    {
        yield return string.Create(CultureInfo.InvariantCulture, $"{demo.Host}:{demo.Port}");
        if (string.Equals(demo.Host, "127.0.0.1", StringComparison.Ordinal))
            yield return string.Create(CultureInfo.InvariantCulture, $"localhost:{demo.Port}");
    }
}
