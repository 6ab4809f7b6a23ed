using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Aspire.Hosting.ApplicationModel;

namespace RunProof.AppHost;

/// <summary>The variables that Aspire gives a project in run mode, and no others.</summary>
/// <param name="telemetry">Where telemetry goes, or null for nowhere.</param>
internal sealed class ProjectEnvironment(OtlpTarget? telemetry)
{
    // Aspire sets its own for the AppHost's process; a child must not take them for its own.
    private static readonly string[] HostsOwn =
        ["ASPNETCORE_URLS", "ASPNETCORE_HTTP_PORTS", "ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL", "ASPIRE_RESOURCE_SERVICE_ENDPOINT_URL", "ASPIRE_ALLOW_UNSECURED_TRANSPORT", "DOTNET_LAUNCH_PROFILE"];

    /// <summary>Changes a child's environment from this process's to the one it is meant to have.</summary>
    public async Task ApplyAsync(ProjectResource project, IDictionary<string, string?> environment, CancellationToken ct)
    {
        foreach (var name in HostsOwn)
            environment.Remove(name);
        environment["LOGGING__CONSOLE__FORMATTERNAME"] = "simple";
        if (project.HasHttpEndpoint)
            environment["ASPNETCORE_URLS"] = project.Url;
        AddTelemetry(project, environment);
        foreach (var reference in project.References)
            await AddReferenceAsync(reference, environment, ct);
        foreach (var (name, value) in project.Environment)
            environment[name] = await value.GetValueAsync(ct);
    }

    private static async Task AddReferenceAsync(IResource reference, IDictionary<string, string?> environment, CancellationToken ct)
    {
        if (reference is IResourceWithConnectionString source)
        {
            environment[$"ConnectionStrings__{source.Name}"] = await source.ConnectionStringExpression.GetValueAsync(ct);
            foreach (var (key, value) in source.GetConnectionProperties())
                environment[$"{Prefix(source.Name)}_{key.ToUpperInvariant()}"] = await value.GetValueAsync(ct);
        }
        else if (reference is ProjectResource { HasHttpEndpoint: true } service)
        {
            environment[$"services__{service.Name}__http__0"] = service.Url;
            environment[$"{Prefix(service.Name)}_HTTP"] = service.Url;
        }
    }

    private void AddTelemetry(ProjectResource project, IDictionary<string, string?> environment)
    {
        if (telemetry is null)
            return;
        environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = telemetry.Endpoint;
        environment["OTEL_EXPORTER_OTLP_PROTOCOL"] = "grpc";
        environment["OTEL_EXPORTER_OTLP_HEADERS"] = $"x-otlp-api-key={telemetry.ApiKey}";
        environment["OTEL_SERVICE_NAME"] = project.Name;
        environment["OTEL_RESOURCE_ATTRIBUTES"] = $"service.instance.id={Suffix(project.Name)}";
        environment["OTEL_BLRP_SCHEDULE_DELAY"] = environment["OTEL_BSP_SCHEDULE_DELAY"] = environment["OTEL_METRIC_EXPORT_INTERVAL"] = "1000";
        environment["OTEL_TRACES_SAMPLER"] = "always_on";
        environment["OTEL_METRICS_EXEMPLAR_FILTER"] = "trace_based";
        environment["OTEL_DOTNET_EXPERIMENTAL_OTLP_RETRY"] = "in_memory";
    }

    /// <summary>A name as the first part of a variable's: upper case, what is no letter or digit becomes <c>_</c>.</summary>
    internal static string Prefix(string name)
    {
        var safe = string.Concat(name.Select(letter => char.IsAsciiLetterOrDigit(letter) ? char.ToUpperInvariant(letter) : '_'));
        return char.IsAsciiDigit(safe[0]) ? "_" + safe : safe;
    }

    // The same at each start, as the one that Aspire keeps for a replica.
    private static string Suffix(string name) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(name)))[..8].ToString(CultureInfo.InvariantCulture);
}

/// <summary>Where telemetry goes.</summary>
/// <param name="Endpoint">The OTLP gRPC endpoint.</param>
/// <param name="ApiKey">What must be in the header <c>x-otlp-api-key</c>.</param>
internal sealed record OtlpTarget(string Endpoint, string ApiKey);
