using System.Globalization;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using RunProof.Execution;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Runner;

/// <summary>Execution in this host: its name, its demo address, its worker.</summary>
internal static class RunnerHost
{
    public static void AddRunner(this WebApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddSingleton<ISaltSource, RandomSaltSource>();
        services.AddSingleton<IRedactor, Redactor>();
        services.AddSingleton(new RecorderOptions());
        services.AddSingleton<ITraceRecorder, Recorder>();
        services.AddRunExecution(provider => OptionsOf(provider, builder.Configuration));
        services.AddHostedService<WorkerService>();
        services.AddHealthChecks().AddCheck<OpeningHealth>("log_openings");
        services.AddSingleton<Scheduler>();
        services.AddHostedService(provider => provider.GetRequiredService<Scheduler>());
        // Twice the grace of the worker, and a little for what comes after it.
        services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(30));
    }

    private static ExecutionOptions OptionsOf(IServiceProvider provider, IConfiguration configuration)
    {
        var usual = new ExecutionOptions { Worker = NameOf(provider.GetRequiredService<TimeProvider>()) };
        var lease = TimeSpan.FromSeconds(configuration.GetValue("RunProof:Runner:LeaseSeconds", usual.Lease.TotalSeconds));
        return usual with
        {
            Lease = lease,
            RenewEvery = lease * (usual.RenewEvery / usual.Lease),
            Concurrency = configuration.GetValue("RunProof:Runner:Concurrency", usual.Concurrency),
            MaxWatches = configuration.GetValue("RunProof:Runner:MaxEventStreams", usual.MaxWatches),
            QueueCapacity = configuration.GetValue("RunProof:Runner:QueueCapacity", usual.QueueCapacity),
            StopGrace = TimeSpan.FromSeconds(configuration.GetValue("RunProof:Runner:StopGraceSeconds", usual.StopGrace.TotalSeconds)),
            AwaitLogOpening = configuration.GetValue("RunProof:Runner:AwaitLogOpening", usual.AwaitLogOpening),
            LogOpeningTimeout = TimeSpan.FromSeconds(configuration.GetValue("RunProof:Runner:LogOpeningTimeoutSeconds", usual.LogOpeningTimeout.TotalSeconds)),
            ApprovalValidity = TimeSpan.FromSeconds(configuration.GetValue("RunProof:Approvals:ValidForSeconds", usual.ApprovalValidity.TotalSeconds)),
            DemoUrl = () => DemoUrl(provider, configuration),
        };
    }

    // Never used twice, also by containers that share a host name and a process id: the claims of the dead must not be taken for the living's.
    private static string NameOf(TimeProvider clock)
    {
        var host = Environment.MachineName.Length <= 60 ? Environment.MachineName : Environment.MachineName[..60];
        return string.Create(CultureInfo.InvariantCulture, $"{host}/{Environment.ProcessId}/{Guid.CreateVersion7(clock.GetUtcNow()):N}");
    }

    private static Uri? DemoUrl(IServiceProvider provider, IConfiguration configuration) =>
        configuration["RunProof:Runner:DemoUrl"] is { Length: > 0 } configured ? new Uri(configured)
        : OwnAddress(provider.GetRequiredService<IServer>()) is { } own ? new Uri(own, ZenEndpoint.Path)
        : null;

    /// <summary>This server's own address on the loopback interface; null before it listens.</summary>
    internal static Uri? OwnAddress(IServer server)
    {
        var address = server.Features.Get<IServerAddressesFeature>()?.Addresses.FirstOrDefault(one => one.StartsWith("http://", StringComparison.Ordinal));
        return address is null ? null : AddressOf(address);
    }

    /// <summary>An address that a server is told to listen on, as a client of this machine may call it.</summary>
    /// <param name="address">As it is configured: <c>http://*:8080</c>.</param>
    internal static Uri AddressOf(string address)
    {
        var parsed = BindingAddress.Parse(address);
        var host = parsed.Host is "*" or "+" or "[::]" or "0.0.0.0" or "localhost" ? "127.0.0.1" : parsed.Host;
        return new UriBuilder("http", host, parsed.Port).Uri;
    }
}
