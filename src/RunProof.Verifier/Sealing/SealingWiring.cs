using Microsoft.Extensions.DependencyInjection.Extensions;
using RunProof.Ledger;

namespace RunProof.Verifier;

/// <summary>Puts sealing into the service.</summary>
internal static class SealingWiring
{
    /// <summary>Options from the section <c>RunProof:Log</c>, the key, the background service, its metrics and the health check <c>log</c>.</summary>
    /// <returns>What is wrong with the options, so that the service must not start; null where they will do.</returns>
    internal static string? AddSealing(this WebApplicationBuilder builder)
    {
        LogOptions options;
        try
        {
            options = builder.Configuration.GetSection("RunProof:Log").Get<LogOptions>() ?? new LogOptions();
            options.Validate();
        }
        catch (Exception e) when (e is ArgumentException or InvalidOperationException)
        {
            return "RunProof:Log: " + e.Message;
        }

        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddSingleton(options);
        builder.Services.AddSingleton<SealingKey>();
        builder.Services.AddSingleton<SealingState>();
        builder.Services.AddSingleton<SealingMetrics>();
        builder.Services.AddHostedService<SealingService>();
        builder.Services.AddHealthChecks().AddCheck<SealingHealth>("log");
        return null;
    }
}
