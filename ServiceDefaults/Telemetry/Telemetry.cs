using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry.Logs;
using OpenTelemetry.Resources;

namespace RunProof.ServiceDefaults;

/// <summary>Traces, metrics and logs over OTLP, without the packages OpenTelemetry.Extensions.Hosting and OpenTelemetry.Instrumentation.*.</summary>
internal static class Telemetry
{
    internal const string EndpointVariable = "OTEL_EXPORTER_OTLP_ENDPOINT";

    /// <summary>
    /// In place of OpenTelemetry.Instrumentation.AspNetCore, .Http and Npgsql.OpenTelemetry: the runtime's own activity sources, which
    /// those packages only rename or filter. Ours are <c>RunProof.*</c>.
    /// </summary>
    internal static readonly string[] Sources = ["RunProof.*", "Microsoft.AspNetCore", "System.Net.Http", "Npgsql"];

    /// <summary>In place of OpenTelemetry.Instrumentation.AspNetCore, .Http, .Runtime and Npgsql.OpenTelemetry: the runtime's own meters.</summary>
    internal static readonly string[] Meters =
    [
        "RunProof.*", "Microsoft.AspNetCore.Hosting", "Microsoft.AspNetCore.Server.Kestrel", "System.Net.Http", "System.Net.NameResolution", "System.Runtime", "Npgsql",
    ];

    internal static void AddTelemetry(this IHostApplicationBuilder builder)
    {
        // The AspNetCore source fills the semantic conventions' attributes (method, route, status code) only when asked to.
        AppContext.SetSwitch("Microsoft.AspNetCore.Hosting.SuppressActivityOpenTelemetryData", false);
        if (string.IsNullOrWhiteSpace(builder.Configuration[EndpointVariable]))
            return;
        var resource = ResourceOf(builder);
        builder.Services.AddSingleton<IStartupFilter, RequestSpans>();
        builder.Services.AddHostedService(services =>
            new TelemetryService(resource, services.GetRequiredService<ILogger<TelemetryService>>()));
        builder.Logging.AddOpenTelemetry(logs =>
        {
            logs.IncludeFormattedMessage = true;
            logs.IncludeScopes = true;
            logs.SetResourceBuilder(resource);
            logs.AddOtlpExporter();
        });
    }

    /// <summary>The application's name, which <c>OTEL_SERVICE_NAME</c> and <c>OTEL_RESOURCE_ATTRIBUTES</c> overrule.</summary>
    private static ResourceBuilder ResourceOf(IHostApplicationBuilder builder) =>
        ResourceBuilder.CreateEmpty()
            .AddService(builder.Environment.ApplicationName, autoGenerateServiceInstanceId: false)
            .AddTelemetrySdk()
            .AddEnvironmentVariableDetector();
}
