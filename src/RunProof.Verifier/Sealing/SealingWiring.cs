using Microsoft.Extensions.DependencyInjection.Extensions;
using RunProof.Ledger;
using RunProof.Witness;

namespace RunProof.Verifier;

/// <summary>Puts sealing into the service.</summary>
internal static class SealingWiring
{
    /// <summary>Options from the section <c>RunProof:Log</c>, the key, the background service, its metrics and the health check <c>log</c>.</summary>
    /// <returns>What is wrong with the options, so that the service must not start; null where they will do.</returns>
    internal static string? AddSealing(this WebApplicationBuilder builder)
    {
        LogOptions options;
        WitnessPolicy? policy;
        try
        {
            options = builder.Configuration.GetSection("RunProof:Log").Get<LogOptions>() ?? new LogOptions();
            options.Validate();
            policy = options.WitnessPolicyFile is { Length: > 0 } file ? ReadPolicy(file) : null;
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            return "RunProof:Log: " + e.Message;
        }

        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(options);
        builder.Services.AddSingleton<SealingKey>();
        builder.Services.AddSingleton<SealingState>();
        builder.Services.AddSingleton<SealingMetrics>();
        if (policy is not null)
            builder.Services.AddSingleton<ICheckpointWitnesses>(services => ActivatorUtilities.CreateInstance<PolicyWitnesses>(services, policy, NewClient()));
        builder.Services.AddHostedService<SealingService>();
        builder.Services.AddHealthChecks().AddCheck<SealingHealth>("log");
        return null;
    }

    private static WitnessPolicy ReadPolicy(string file) => WitnessPolicy.TryParse(File.ReadAllBytes(file), out var policy, out var problem)
        ? policy
        : throw new ArgumentException($"{file} is no witness policy: {problem}");

    /// <summary>A cosignature is a few hundred bytes from the very place that the policy names.</summary>
    private static HttpClient NewClient() =>
        new(new SocketsHttpHandler { AllowAutoRedirect = false, PooledConnectionLifetime = TimeSpan.FromMinutes(5) }) { MaxResponseContentBufferSize = 64 * 1024 };
}
