using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace RunProof.BuiltinSkills;

/// <summary>Registers the skills that come with RunProof.</summary>
public static class BuiltinSkillsRegistration
{
    /// <summary>Registers <c>http_call</c>, <c>json_transform</c>, <c>echo</c> and <c>wait</c>, and the connections of <c>http_call</c>.</summary>
    /// <param name="services">The services.</param>
    /// <param name="options">What the operator decides about <c>http_call</c>. Default: only the public internet.</param>
    /// <returns>The services.</returns>
    public static IServiceCollection AddBuiltinSkills(this IServiceCollection services, HttpCallOptions? options = null) =>
        services.AddBuiltinSkills(_ => options ?? new HttpCallOptions());

    /// <summary>Registers the skills with options that are known only when the first call is made: a host's own address, for one.</summary>
    /// <param name="services">The services.</param>
    /// <param name="options">Makes the options, once, at the first call of <c>http_call</c>.</param>
    /// <returns>The services.</returns>
    public static IServiceCollection AddBuiltinSkills(this IServiceCollection services, Func<IServiceProvider, HttpCallOptions> options)
    {
        services.TryAddSingleton<INameResolver, SystemNameResolver>();
        services.TryAddSingleton(provider => new HttpTransport(options(provider), provider.GetRequiredService<INameResolver>()));
        return services.AddGeneratedSkills();
    }
}
