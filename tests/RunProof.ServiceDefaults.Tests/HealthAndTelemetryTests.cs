using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Logging;

namespace RunProof.ServiceDefaults.Tests;

public sealed class HealthAndTelemetryTests
{
    [Fact]
    public async Task Health_lists_every_check_and_alive_only_the_live_ones()
    {
        await using var service = await Service.StartAsync(configure: builder => builder.Services.AddHealthChecks()
            .AddCheck("store", () => HealthCheckResult.Unhealthy("not there", new InvalidOperationException("Password=secret"))));
        var (status, body, _) = await service.SendAsync(HttpMethod.Get, "/health");
        Assert.Equal(503, status);
        var health = JsonNode.Parse(body)!;
        Assert.Equal("Unhealthy", health["status"]!.GetValue<string>());
        Assert.Equal(["self Healthy", "store Unhealthy"], health["checks"]!.AsArray().Select(check => $"{check!["name"]} {check["status"]}"));
        Assert.DoesNotContain("secret", body);
        (status, body, _) = await service.SendAsync(HttpMethod.Get, "/alive");
        Assert.Equal(200, status);
        Assert.Single(JsonNode.Parse(body)!["checks"]!.AsArray());
    }

    [Fact]
    public async Task A_check_that_throws_says_nothing_of_its_exception()
    {
        await using var service = await Service.StartAsync(configure: builder => builder.Services.AddHealthChecks()
            .AddCheck("store", HealthCheckResult () => throw new InvalidOperationException("Failed to connect to db.internal:5432")));
        var (status, body, _) = await service.SendAsync(HttpMethod.Get, "/health");
        Assert.Equal(503, status);
        Assert.Equal("the check failed; the log says why", JsonNode.Parse(body)!["checks"]![1]!["description"]!.GetValue<string>());
        Assert.DoesNotContain("5432", body);
    }

    [Theory]
    [InlineData("Npgsql.Command", false)]
    [InlineData("Microsoft.AspNetCore.Hosting.Diagnostics", false)]
    [InlineData("Microsoft.Hosting.Lifetime", true)]
    [InlineData("RunProof.Runner", true)]
    public void Logs_are_without_each_command_and_each_request(string category, bool information)
    {
        var logger = LoggerOf(category);
        Assert.Equal((information, true), (logger.IsEnabled(LogLevel.Information), logger.IsEnabled(LogLevel.Warning)));
    }

    [Theory]
    [InlineData("Npgsql", "Npgsql.Command")]
    [InlineData("Npgsql.Command", "Npgsql.Command")]
    [InlineData("Microsoft.AspNetCore", "Microsoft.AspNetCore.Hosting.Diagnostics")]
    public void Configuration_brings_them_back(string configured, string category) =>
        Assert.True(LoggerOf(category, ($"Logging:LogLevel:{configured}", "Debug")).IsEnabled(LogLevel.Debug));

    private static ILogger LoggerOf(string category, params (string Name, string Value)[] settings)
    {
        var builder = WebApplication.CreateBuilder();
        // As an environment variable would be: a source that was there before the defaults.
        builder.Configuration.AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Name, (string?)setting.Value)));
        builder.AddServiceDefaults();
        return builder.Build().Services.GetRequiredService<ILoggerFactory>().CreateLogger(category);
    }

    [Fact]
    public async Task Telemetry_goes_to_the_endpoint_with_the_services_name_and_without_health_requests()
    {
        using var collector = new Collector();
        using var source = new ActivitySource("RunProof.Test");
        using var meter = new Meter("RunProof.Test");
        // The exporters read the environment, not the configuration.
        Environment.SetEnvironmentVariable("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Address);
        Environment.SetEnvironmentVariable("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf");
        Environment.SetEnvironmentVariable("OTEL_SERVICE_NAME", "named-by-the-environment");
        try
        {
            await using (var service = await Service.StartAsync())
            {
                using (source.StartActivity("a-span-of-ours"))
                    await service.SendAsync(HttpMethod.Get, "/conflict");
                meter.CreateCounter<int>("a-count-of-ours").Add(1);
                await service.SendAsync(HttpMethod.Get, "/health");
                await service.SendAsync(HttpMethod.Get, "/alive");
            }
        }
        finally
        {
            Environment.SetEnvironmentVariable("OTEL_EXPORTER_OTLP_ENDPOINT", null);
            Environment.SetEnvironmentVariable("OTEL_EXPORTER_OTLP_PROTOCOL", null);
            Environment.SetEnvironmentVariable("OTEL_SERVICE_NAME", null);
        }

        var traces = collector.Received("/v1/traces");
        Assert.Contains("a-span-of-ours", traces);
        // The service's own spans are named by method and route; the test's client, in the same process, has spans too, named by the method alone.
        Assert.Contains("GET /conflict", traces);
        Assert.Contains("named-by-the-environment", traces);
        Assert.DoesNotContain("GET /health", traces);
        Assert.DoesNotContain("GET /alive", traces);
        Assert.Contains("a-count-of-ours", collector.Received("/v1/metrics"));
        Assert.Contains("http.server.request.duration", collector.Received("/v1/metrics"));
        Assert.NotEqual("", collector.Received("/v1/logs"));
    }

    /// <summary>Takes OTLP over HTTP and keeps the bytes as Latin-1 text, in which names are readable.</summary>
    private sealed class Collector : IDisposable
    {
        private readonly HttpListener _listener = new();
        private readonly Dictionary<string, StringBuilder> _received = new(StringComparer.Ordinal);

        internal Collector()
        {
            for (var port = 20000 + (Environment.ProcessId % 10000); ; port++)
            {
                try
                {
                    Address = $"http://127.0.0.1:{port}";
                    _listener.Prefixes.Clear();
                    _listener.Prefixes.Add(Address + "/");
                    _listener.Start();
                    break;
                }
                catch (HttpListenerException)
                {
                    // Taken: the next one.
                }
            }

            _ = Task.Run(TakeAsync);
        }

        internal string Address { get; } = "";

        public void Dispose() => _listener.Close();

        internal string Received(string path)
        {
            lock (_received)
                return _received.TryGetValue(path, out var text) ? text.ToString() : "";
        }

        private async Task TakeAsync()
        {
            while (_listener.IsListening)
            {
                HttpListenerContext context;
                try
                {
                    context = await _listener.GetContextAsync();
                }
                catch (Exception e) when (e is HttpListenerException or ObjectDisposedException)
                {
                    return;
                }

                using var body = new MemoryStream();
                await context.Request.InputStream.CopyToAsync(body);
                lock (_received)
                {
                    if (!_received.TryGetValue(context.Request.Url!.AbsolutePath, out var text))
                        _received[context.Request.Url.AbsolutePath] = text = new StringBuilder();
                    text.Append(Encoding.Latin1.GetString(body.ToArray()));
                }

                context.Response.Close();
            }
        }
    }
}
