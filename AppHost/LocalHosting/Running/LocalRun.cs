using System.Diagnostics;
using System.Runtime.InteropServices;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using RunProof.EmbeddedPostgres;

namespace RunProof.AppHost;

/// <summary>
/// One local run: everything that the model names is started when what it waits for is true, the outcome is shown, and everything is stopped again. A
/// resource that fails before the rest is up ends the run; one that ends later is told.
/// </summary>
internal sealed class LocalRun
{
    private readonly LocalApplicationBuilder model;
    private readonly LocalOptions options;
    private readonly DataFolder folder;
    private readonly Screen screen;
    private readonly Dashboard dashboard;
    private readonly Dictionary<IResource, ResourceState> states;
    private readonly HealthGate health;
    private readonly Stopwatch watch = Stopwatch.StartNew();
    private readonly CancellationTokenSource stop = new();
    private EmbeddedPostgresServer? postgres;
    private bool stopping;

    public LocalRun(LocalApplicationBuilder model)
    {
        this.model = model;
        options = model.Options;
        folder = new DataFolder(options.DataFolder);
        screen = new Screen(options.Out, options.Clock, model.Resources.Where(IsShown).Select(resource => resource.Name.Length).DefaultIfEmpty().Max());
        states = model.Resources.ToDictionary(resource => resource, resource => new ResourceState(resource));
        health = new HealthGate(options.HealthTimeout);
        var ports = new Ports();
        foreach (var project in model.Resources.OfType<ProjectResource>().Where(project => project is { HasHttpEndpoint: true, Port: 0 }))
            project.Port = ports.Take();
        dashboard = new Dashboard(options, folder, screen, ports);
    }

    /// <summary>Runs until it is stopped.</summary>
    /// <returns>0; 10 when the acceptance run's verdict was FAIL; 1 when something did not start.</returns>
    public async Task<int> RunAsync(CancellationToken outside)
    {
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, OnSignal);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, OnSignal);
        using var hangUp = PosixSignalRegistration.Create(PosixSignal.SIGHUP, OnSignal);
        await using var linked = outside.Register(stop.Cancel);
        var code = 1;
        try
        {
            code = await StartAllAsync(stop.Token);
            if (code != 1)
                await Task.Delay(Timeout.InfiniteTimeSpan, stop.Token);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // Asked to stop, perhaps before all was up.
            code = code == 1 ? 0 : code;
        }
        finally
        {
            await StopAllAsync();
        }
        return code;
    }

    private async Task<int> StartAllAsync(CancellationToken ct)
    {
        Directory.CreateDirectory(folder.Path);
        await dashboard.StartIfInstalledAsync(ct);
        var work = states.Values.Select(state => StartAsync(state, ct)).ToArray();
        await Task.WhenAll(work);
        var failed = new List<ResourceState>();
        foreach (var state in states.Values)
        {
            if (await state.Ready is { } why)
            {
                failed.Add(state);
                screen.Bad(state.Resource.Name, why);
            }
        }
        if (failed.Count > 0)
        {
            screen.Bad(failed[0].Resource.Name, "The start failed; everything is stopped again.");
            return 1;
        }
        var verdict = Verdict.Of(states.Values);
        ShowTable(verdict);
        _ = dashboard.FetchInBackgroundAsync(ct);
        return verdict.ExitCode;
    }

    /// <summary>Brings one resource as far as it goes: ready, ended, or failed.</summary>
    private async Task StartAsync(ResourceState state, CancellationToken ct)
    {
        try
        {
            switch (state.Resource)
            {
                case PostgresServerResource server:
                    await StartAsync(state, server, ct);
                    break;
                case PostgresDatabaseResource database:
                    if (await states[database.Parent].Ready.WaitAsync(ct) is not null)
                    {
                        state.SetFailed($"was not made: {database.Parent.Name} did not start");
                        return;
                    }
                    await PostgresStart.CreateDatabaseAsync(database, ct);
                    state.SetReady();
                    break;
                case ProjectResource project:
                    await StartAsync(state, project, ct);
                    break;
                default:
                    state.SetReady();
                    break;
            }
        }
        catch (Exception failure) when (failure is not OperationCanceledException)
        {
            state.SetFailed(failure.Message);
        }
    }

    private async Task StartAsync(ResourceState state, PostgresServerResource server, CancellationToken ct)
    {
        postgres = await PostgresStart.StartAsync(server, folder.Postgres, new ScreenLogger(screen, server.Name), ct);
        screen.Say(server.Name, $"PostgreSQL {postgres.Version} on {postgres.Host}:{postgres.Port}, data in {folder.Postgres}");
        _ = TellEndAsync(server.Name, postgres.Ended, () => $"its log: {postgres.LogFile}");
        state.SetReady();
    }

    private async Task StartAsync(ResourceState state, ProjectResource project, CancellationToken ct)
    {
        foreach (var wait in project.Waits)
        {
            if (await states[wait.On].UntilAsync(wait, ct) is not { } why)
                continue;
            state.SetFailed($"was not started, because {wait.On.Name} {why}");
            return;
        }
        var log = new ChildLog(folder.Logs, project.Name, screen, options.AllLogs);
        var begun = watch.Elapsed;
        var child = state.Child = await ChildProcess.StartAsync(project, new ProjectEnvironment(dashboard.Target), log, ct);
        _ = child.Ended.ContinueWith(ended => state.SetEnded(ended.Result), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
        if (!project.HasHttpEndpoint)
        {
            await RunToItsEndAsync(state, project, child, begun, ct);
            return;
        }
        var problem = project.HealthPath is { } path ? await health.WaitAsync(project.Url + path, child.Ended, ct) : null;
        if (problem is not null)
        {
            state.SetFailed($"{problem}; its log: {log.FilePath}\n{log.Tail}");
            return;
        }
        screen.Good(project.Name, $"healthy at {project.Url} after {(watch.Elapsed - begun).TotalSeconds:0.0} s");
        _ = TellEndAsync(project.Name, child.Ended, () => $"its log: {log.FilePath}\n{log.Tail}");
        state.SetReady();
    }

    // Without an endpoint it does something once: it is done when it has ended.
    private async Task RunToItsEndAsync(ResourceState state, ProjectResource project, ChildProcess child, TimeSpan begun, CancellationToken ct)
    {
        screen.Say(project.Name, "runs");
        var code = await child.Ended.WaitAsync(ct);
        var text = $"ended with exit code {code} after {(watch.Elapsed - begun).TotalSeconds:0.0} s";
        if (code == 0)
            screen.Good(project.Name, text);
        else
            screen.Bad(project.Name, $"{text}; its log: {child.Log.FilePath}\n{child.Log.Tail}");
        // Whoever waits for another exit code says so; a failed acceptance run is a verdict, not a failed start.
        state.SetEnded(code);
        state.SetReady();
    }

    private void ShowTable(Verdict verdict)
    {
        var rows = new List<(string, string, bool?)>();
        foreach (var project in model.Resources.OfType<ProjectResource>().Where(project => project.HasHttpEndpoint))
            rows.Add((project.Name, project.Url, null));
        foreach (var database in model.Resources.OfType<PostgresDatabaseResource>())
            rows.Add((database.Name, $"{database.Parent.RunningHost}:{database.Parent.RunningPort}, passwords in {Path.Combine(folder.Path, "parameters.json")}", null));
        if (DevelopmentKey() is { } key)
            rows.Add(("API key", key, null));
        rows.Add(("logs", folder.Logs, null));
        rows.Add(("dashboard", dashboard.Line, null));
        if (verdict.Report is { } report)
            rows.Add(("report", report, null));
        if (verdict.Text is { } text)
            rows.Add(("verdict", $"{text} after {watch.Elapsed.TotalSeconds:0.0} s", verdict.ExitCode == 0));
        screen.Table("RunProof is up; Ctrl-C stops everything", rows);
    }

    private string? DevelopmentKey() => model.Resources.OfType<ParameterResource>()
        .Where(parameter => parameter.Name == RunProof.ServiceDefaults.ResourceNames.DevelopmentKey)
        .Select(parameter => $"rpk_{parameter.GetValueAsync(CancellationToken.None).AsTask().GetAwaiter().GetResult()}").FirstOrDefault();

    private async Task TellEndAsync(string name, Task<int> ended, Func<string> where)
    {
        var code = await ended;
        if (!stopping)
            screen.Bad(name, $"ended by itself with exit code {code}; {where()}");
    }

    private async Task StopAllAsync()
    {
        stopping = true;
        screen.Say("", "stopping");
        await Task.WhenAll(states.Values.Where(state => state.Child is not null).Select(StopAsync));
        await dashboard.DisposeAsync();
        if (postgres is not null)
            await postgres.DisposeAsync();
        health.Dispose();
        screen.Say("", "stopped");
    }

    private async Task StopAsync(ResourceState state)
    {
        if (!await state.Child!.StopAsync(options.StopTimeout))
            screen.Warn(state.Resource.Name, $"did not end in {options.StopTimeout.TotalSeconds:0} s and was killed");
        await state.Child.DisposeAsync();
    }

    private void OnSignal(PosixSignalContext context)
    {
        context.Cancel = true;
        if (!stop.IsCancellationRequested)
        {
            stop.Cancel();
            return;
        }
        // Asked twice: no more patience.
        foreach (var state in states.Values)
            state.Child?.Kill();
    }

    private static bool IsShown(IResource resource) => resource is not ParameterResource;
}
