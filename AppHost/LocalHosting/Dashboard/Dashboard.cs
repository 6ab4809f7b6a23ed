using System.Security.Cryptography;
using RunProof.EmbeddedPostgres;

namespace RunProof.AppHost;

/// <summary>
/// The real Aspire dashboard, from Microsoft's npm package of the Aspire command line. Telemetry is pointed at it from the beginning; where it is not
/// installed yet it is fetched after the verdict, in the background.
/// </summary>
internal sealed class Dashboard : IAsyncDisposable
{
    private readonly LocalOptions options;
    private readonly DataFolder folder;
    private readonly Screen screen;
    private readonly DashboardInstaller installer = new(CacheFolder.Default);
    private readonly string token = RandomNumberGenerator.GetHexString(32, lowercase: true);
    private readonly int uiPort;
    private readonly int grpcPort;
    private readonly int httpPort;
    private GuardedProcess? process;
    private ChildLog? log;
    private Task fetch = Task.CompletedTask;

    public Dashboard(LocalOptions options, DataFolder folder, Screen screen, Ports ports)
    {
        this.options = options;
        this.folder = folder;
        this.screen = screen;
        (uiPort, grpcPort, httpPort) = (ports.Take(), ports.Take(), ports.Take());
        var mayCome = options.Dashboard && (installer.IsInstalled || installer.CanFetch);
        Target = mayCome ? new OtlpTarget($"http://localhost:{grpcPort}", RandomNumberGenerator.GetHexString(32, lowercase: true)) : null;
        Line = mayCome ? "being fetched with npm (first start); its address follows" : options.Dashboard ? DashboardInstaller.HowToGet : "off (RUNPROOF_DASHBOARD=off)";
    }

    /// <summary>Where services send their telemetry, or null when there will be no dashboard.</summary>
    public OtlpTarget? Target { get; }

    /// <summary>What the table says about it.</summary>
    public string Line { get; private set; }

    /// <summary>Its OTLP endpoint for HTTP; services are given the one for gRPC.</summary>
    public string HttpEndpoint => $"http://localhost:{httpPort}";

    /// <summary>Its page; its <c>/health</c> says when it is up.</summary>
    public string Page => $"http://localhost:{uiPort}";

    private string Url => $"{Page}/login?t={token}";

    /// <summary>Starts it when an earlier run has installed it. Does not wait until it is up: exporters try again.</summary>
    public Task StartIfInstalledAsync(CancellationToken ct)
    {
        if (Target is null || !installer.IsInstalled || ct.IsCancellationRequested)
            return Task.CompletedTask;
        try
        {
            Start(Target);
            Line = Url;
        }
        catch (System.ComponentModel.Win32Exception refused)
        {
            Line = $"cannot be started: {refused.Message}";
        }
        return Task.CompletedTask;
    }

    /// <summary>Fetches and starts it when it is not there. Never throws: a run does not need it.</summary>
    public Task FetchInBackgroundAsync(CancellationToken ct)
    {
        if (Target is null || process is not null)
            return Task.CompletedTask;
        return fetch = FetchAsync(Target, ct);
    }

    public async ValueTask DisposeAsync()
    {
        await fetch;
        if (process is null)
            return;
        process.Signal(Unix.SigTerm);
        if (!await process.WaitAsync(options.StopTimeout))
            process.Process.Kill(entireProcessTree: true);
        process.Dispose();
        log?.Dispose();
    }

    private async Task FetchAsync(OtlpTarget target, CancellationToken ct)
    {
        try
        {
            await Task.Yield();
            await installer.InstallAsync(new ScreenLogger(screen, "dashboard"), ct);
            ct.ThrowIfCancellationRequested();
            Start(target);
            using var gate = new HealthGate(TimeSpan.FromSeconds(60));
            var problem = await gate.WaitAsync($"{Page}/health", process!.Process.WaitForExitAsync(ct).ContinueWith(_ => 1, TaskScheduler.Default), ct);
            if (problem is null)
                screen.Good("dashboard", Url);
            else
                screen.Warn("dashboard", $"{problem}; its log: {log!.FilePath}");
        }
        catch (OperationCanceledException)
        {
            // The run ended first; the next one fetches.
        }
        catch (Exception failure) when (failure is EmbeddedPostgresException or IOException or System.ComponentModel.Win32Exception or UnauthorizedAccessException)
        {
            screen.Warn("dashboard", $"none: {failure.Message}\n{DashboardInstaller.HowToGet}");
        }
    }

    private void Start(OtlpTarget target)
    {
        var start = Tool.Describe(installer.Executable, ["dashboard"], user: null, installer.Folder);
        foreach (var name in start.Environment.Keys.Where(IsHostsOwn).ToArray())
            start.Environment.Remove(name);
        start.Environment["ASPNETCORE_URLS"] = Page;
        start.Environment["ASPIRE_ALLOW_UNSECURED_TRANSPORT"] = "true";
        start.Environment["ASPIRE_DASHBOARD_OTLP_ENDPOINT_URL"] = target.Endpoint;
        start.Environment["ASPIRE_DASHBOARD_OTLP_HTTP_ENDPOINT_URL"] = HttpEndpoint;
        start.Environment["DASHBOARD__OTLP__AUTHMODE"] = "ApiKey";
        start.Environment["DASHBOARD__OTLP__PRIMARYAPIKEY"] = target.ApiKey;
        start.Environment["DASHBOARD__FRONTEND__AUTHMODE"] = "BrowserToken";
        start.Environment["DASHBOARD__FRONTEND__BROWSERTOKEN"] = token;
        start.Environment["DASHBOARD__APPLICATIONNAME"] = "RunProof";
        log = new ChildLog(folder.Logs, "dashboard", screen, options.AllLogs);
        process = GuardedProcess.Start(start, "TERM", "KILL", 10);
        log.Follow(process.Process);
    }

    private static bool IsHostsOwn(string name) => name.StartsWith("ASPNETCORE_", StringComparison.Ordinal) || name.StartsWith("ASPIRE_", StringComparison.Ordinal)
        || name.StartsWith("OTEL_", StringComparison.Ordinal) || name.StartsWith("DOTNET_ENVIRONMENT", StringComparison.Ordinal);
}
