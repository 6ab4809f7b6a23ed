using Microsoft.Extensions.Diagnostics.HealthChecks;
using RunProof.Mcp;

namespace RunProof.Runner;

/// <summary>MCP servers in this host: started before it takes runs, stopped after them, and told of in its health.</summary>
internal static class McpHost
{
    public static void AddMcp(this WebApplicationBuilder builder)
    {
        if (!McpSettings.Any(builder.Configuration))
            return;
        builder.Services.AddMcpServers(_ => McpSettings.Read(builder.Configuration));
        builder.Services.AddHostedService<McpService>();
        builder.Services.AddHealthChecks().AddCheck<McpHealth>("mcp");
    }
}

/// <summary>Runs the servers for as long as the host runs. A server that is not there keeps nothing from starting.</summary>
internal sealed class McpService(McpServers servers) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken) => servers.StartAsync(cancellationToken);

    public Task StopAsync(CancellationToken cancellationToken) => servers.DisposeAsync().AsTask().WaitAsync(cancellationToken);
}

/// <summary>Degraded while a server is not there: its skills fail, all others work. Names alone: who may ask for health need not know more, and the log says why.</summary>
internal sealed class McpHealth(McpServers servers) : IHealthCheck
{
    public Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        var states = servers.States;
        string[] away = [.. states.Where(server => server.Problem is not null).Select(server => server.Name)];
        var data = new Dictionary<string, object>(StringComparer.Ordinal)
        {
            ["servers"] = states.Count, ["servers_away"] = away.Length, ["tools"] = states.Sum(server => server.Tools),
        };
        return Task.FromResult(away.Length == 0
            ? HealthCheckResult.Healthy("all MCP servers are there", data)
            : HealthCheckResult.Degraded($"MCP servers that are not there: {string.Join(", ", away)}; the log says why", data: data));
    }
}
