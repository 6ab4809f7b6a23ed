using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using OpenTelemetry;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace RunProof.ServiceDefaults;

/// <summary>
/// In place of OpenTelemetry.Extensions.Hosting: starts the tracer and meter providers before any other hosted service works, and
/// flushes them after the last has stopped.
/// </summary>
internal sealed partial class TelemetryService(ResourceBuilder resource, ILogger<TelemetryService> log) : IHostedLifecycleService, IDisposable
{
    private const int FlushMilliseconds = 5000;

    private TracerProvider? _traces;
    private MeterProvider? _metrics;

    public Task StartingAsync(CancellationToken cancellationToken)
    {
        _traces = Sdk.CreateTracerProviderBuilder().SetResourceBuilder(resource).AddSource(Telemetry.Sources).AddOtlpExporter().Build();
        _metrics = Sdk.CreateMeterProviderBuilder().SetResourceBuilder(resource).AddMeter(Telemetry.Meters).AddOtlpExporter().Build();
        return Task.CompletedTask;
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public async Task StoppedAsync(CancellationToken cancellationToken)
    {
        var flushed = await Task.Run(() => _traces?.ForceFlush(FlushMilliseconds) is not false & _metrics?.ForceFlush(FlushMilliseconds) is not false, CancellationToken.None);
        if (!flushed)
            LogUnflushed(log, FlushMilliseconds);
    }

    public void Dispose()
    {
        _traces?.Dispose();
        _metrics?.Dispose();
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "The last telemetry was not taken within {Milliseconds} ms")]
    private static partial void LogUnflushed(ILogger log, int milliseconds);
}
