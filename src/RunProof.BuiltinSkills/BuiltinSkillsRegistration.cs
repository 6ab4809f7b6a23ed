using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using RunProof.Skills;

namespace RunProof.BuiltinSkills;

/// <summary>Registers the skills that come with RunProof.</summary>
public static class BuiltinSkillsRegistration
{
    /// <summary>
    /// Registers the skills that are in this assembly, and what they need but for the stores: <see cref="IKeyValueStore"/> and <see cref="IQuerySources"/> are the host's to add.
    /// </summary>
    /// <param name="services">The services.</param>
    /// <param name="options">What the operator decides. Default: the public internet may be reached, nothing else.</param>
    /// <returns>The services.</returns>
    public static IServiceCollection AddBuiltinSkills(this IServiceCollection services, BuiltinSkillsOptions? options = null)
    {
        var decided = options ?? new BuiltinSkillsOptions();
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<INameResolver, SystemNameResolver>();
        services.TryAddSingleton(provider => new HttpTransport(decided.Http(provider), provider.GetRequiredService<INameResolver>()));
        services.TryAddSingleton(_ => new FileRoots(decided.Files));
        services.TryAddSingleton(provider => new WebhookEndpoints(decided.Webhooks, provider.GetRequiredService<INameResolver>()));
        services.TryAddSingleton(_ => new ShellExecutables(decided.Shell));
        services.AddGeneratedSkills();
        if (decided.Shell.Count == 0)
            Remove(services, "shell");
        return services;
    }

    /// <summary>Takes the operator's options as the skills will, so that a host whose configuration cannot do says so before it listens.</summary>
    /// <param name="services">The services of a host that called <see cref="AddBuiltinSkills"/>.</param>
    /// <returns>What is wrong; null where nothing is.</returns>
    public static string? FindBuiltinSkillsFault(this IServiceProvider services)
    {
        try
        {
            services.GetRequiredService<FileRoots>();
            services.GetRequiredService<WebhookEndpoints>();
            services.GetRequiredService<ShellExecutables>();
            return null;
        }
        catch (ArgumentException fault)
        {
            return fault.Message;
        }
    }

    /// <summary>A skill that is off is not there: no planner chooses it, and no plan that names it is taken.</summary>
    private static void Remove(IServiceCollection services, string skill)
    {
        for (var i = services.Count - 1; i >= 0; i--)
        {
            if (services[i].ImplementationInstance is SkillDescriptor descriptor && descriptor.Name == skill)
                services.RemoveAt(i);
        }
    }
}
