using Microsoft.Extensions.DependencyInjection;
using RunProof.Skills;

namespace RunProof.Models;

/// <summary>Registers the skill that calls language models.</summary>
public static class ModelsRegistration
{
    /// <summary>Registers <c>llm_invoke</c> and the catalog of models. Without a model the skill is there and says what to set.</summary>
    /// <param name="services">The services.</param>
    /// <param name="options">Makes the options, once, when they are first needed.</param>
    /// <returns>The services.</returns>
    public static IServiceCollection AddModelSkills(this IServiceCollection services, Func<IServiceProvider, ModelsOptions> options)
    {
        services.AddSingleton(provider => new ModelCatalog(options(provider)));
        services.AddSingleton<IModelCatalog>(provider => provider.GetRequiredService<ModelCatalog>());
        return services.AddGeneratedSkills();
    }
}
