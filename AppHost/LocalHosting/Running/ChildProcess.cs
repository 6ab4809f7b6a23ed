using System.Runtime.InteropServices;
using Aspire.Hosting.ApplicationModel;
using RunProof.EmbeddedPostgres;

namespace RunProof.AppHost;

/// <summary>A project that runs.</summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    private readonly GuardedProcess process;
    private readonly ChildLog log;

    private ChildProcess(GuardedProcess process, ChildLog log)
    {
        this.process = process;
        this.log = log;
        Ended = EndAsync();
    }

    public int Id => process.Process.Id;

    public ChildLog Log => log;

    /// <summary>Its exit code, when it has ended.</summary>
    public Task<int> Ended { get; }

    /// <summary>Starts it with the runtime that this process has.</summary>
    public static async Task<ChildProcess> StartAsync(ProjectResource project, ProjectEnvironment environment, ChildLog log, CancellationToken ct)
    {
        var start = Tool.Describe(DotnetPath, [project.Project.AssemblyPath, .. project.Arguments], user: null, Path.GetDirectoryName(project.Project.ProjectPath));
        await environment.ApplyAsync(project, start.Environment, ct);
        var process = GuardedProcess.Start(start, "TERM", "KILL", 10);
        log.Follow(process.Process);
        return new ChildProcess(process, log);
    }

    /// <summary>Asks it to end, waits, and ends it.</summary>
    /// <returns>Whether it ended when it was asked.</returns>
    public async Task<bool> StopAsync(TimeSpan timeout)
    {
        process.Signal(Unix.SigTerm);
        if (await process.WaitAsync(timeout))
            return true;
        Kill();
        await process.WaitAsync(TimeSpan.FromSeconds(5));
        return false;
    }

    /// <summary>Ends it and what it started, at once.</summary>
    public void Kill()
    {
        try
        {
            process.Process.Kill(entireProcessTree: true);
        }
        catch (Exception gone) when (gone is InvalidOperationException or System.ComponentModel.Win32Exception)
        {
            // It ended in between.
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Ended;
        process.Dispose();
        log.Dispose();
    }

    private async Task<int> EndAsync()
    {
        await process.Process.WaitForExitAsync();
        await log.DrainAsync();
        return process.Process.ExitCode;
    }

    private static string DotnetPath
    {
        get
        {
            // …/dotnet/shared/Microsoft.NETCore.App/10.0.x/
            var root = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", ".."));
            var beside = Path.Combine(root, OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet");
            return File.Exists(beside) ? beside : "dotnet";
        }
    }
}
