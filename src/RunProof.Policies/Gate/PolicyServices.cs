using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using RunProof.Ledger;

namespace RunProof.Policies;

/// <summary>Puts the gate into a container.</summary>
public static class PolicyServices
{
    /// <summary>Registers the <see cref="IStepGate"/>. The host adds an <see cref="IRedactor"/> and logging, and an <see cref="IPolicyStore"/> and an <see cref="IRestraintStore"/> where tenants have policies, budgets and kill switches of their own.</summary>
    /// <param name="services">The container.</param>
    /// <param name="options">How policies are kept; read once.</param>
    /// <returns>The container.</returns>
    public static IServiceCollection AddPolicyGate(this IServiceCollection services, Func<IServiceProvider, PolicyOptions> options)
    {
        services.TryAddSingleton(TimeProvider.System);
        services.TryAddSingleton<IPolicyStore, NoPolicies>();
        services.TryAddSingleton<IRestraintStore, NoRestraints>();
        services.AddSingleton(provider => options(provider).Validated());
        services.AddSingleton(provider => new PolicyGate(
            provider.GetRequiredService<IPolicyStore>(), provider.GetRequiredService<IRedactor>(), provider.GetRequiredService<PolicyOptions>(),
            provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILoggerFactory>(), provider.GetRequiredService<IRestraintStore>()));
        services.AddSingleton<IStepGate>(provider => provider.GetRequiredService<PolicyGate>());
        return services;
    }
}
