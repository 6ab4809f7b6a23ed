using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;

namespace RunProof.ServiceDefaults;

/// <summary>What every RunProof service has alike, in the shape of Aspire's service defaults template.</summary>
public static class Extensions
{
    /// <summary>
    /// Telemetry (exported only where <c>OTEL_EXPORTER_OTLP_ENDPOINT</c> is set), quiet logs (<c>Npgsql</c> and <c>Microsoft.AspNetCore</c> from Warning up,
    /// unless <c>Logging:LogLevel</c> says otherwise), the health check <c>self</c>, the system clock, the wire's JSON.
    /// </summary>
    /// <remarks>
    /// Unlike the template it gives no resilience and no service discovery to all <see cref="HttpClient"/>s: a skill's call is evidence, and a
    /// retry or another address behind its back would make the record untrue. Calls between services ask for both by
    /// <see cref="ServiceCalls.AddServiceCallDefaults"/>.
    /// </remarks>
    /// <typeparam name="TBuilder">The host's builder.</typeparam>
    /// <param name="builder">The host's builder.</param>
    /// <returns>The builder.</returns>
    public static TBuilder AddServiceDefaults<TBuilder>(this TBuilder builder)
        where TBuilder : IHostApplicationBuilder
    {
        builder.Services.TryAddSingleton(TimeProvider.System);
        builder.Services.AddWireJson();
        builder.AddQuietLogs();
        builder.AddTelemetry();
        builder.Services.AddHealthChecks().AddCheck("self", () => HealthCheckResult.Healthy(), ["live"]);
        return builder;
    }

    /// <summary>
    /// <c>GET /health</c>: all checks; 200 while none is unhealthy, else 503. <c>GET /alive</c>: the checks tagged <c>live</c>.
    /// Both answer the names and states of the checks as JSON, without authentication, and are left out of traces.
    /// </summary>
    /// <remarks>Mapped in every environment, where the template maps them in Development only: the AppHost and a container runtime poll them.</remarks>
    /// <param name="app">The application.</param>
    /// <returns>The application.</returns>
    public static WebApplication MapDefaultEndpoints(this WebApplication app)
    {
        app.MapGet("/health", context => HealthEndpoint.AnswerAsync(context, _ => true)).AllowAnonymous().WithMetadata(new ExcludeFromDescriptionAttribute());
        app.MapGet("/alive", context => HealthEndpoint.AnswerAsync(context, check => check.Tags.Contains("live"))).AllowAnonymous().WithMetadata(new ExcludeFromDescriptionAttribute());
        return app;
    }
}
