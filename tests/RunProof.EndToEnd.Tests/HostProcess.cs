using System.Diagnostics;
using System.Text;

namespace RunProof.EndToEnd.Tests;

/// <summary>One of our programs as a process of its own, with everything it printed kept for the failure message.</summary>
internal sealed class HostProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();

    private HostProcess(Process process) => _process = process;

    internal string Output
    {
        get
        {
            lock (_output)
                return _output.ToString();
        }
    }

    internal bool HasExited => _process.HasExited;

    internal static HostProcess Start(string project, IReadOnlyDictionary<string, string> environment, params string[] arguments)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true, UseShellExecute = false };
        start.ArgumentList.Add(Built(project));
        foreach (var argument in arguments)
            start.ArgumentList.Add(argument);
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        var host = new HostProcess(new Process { StartInfo = start });
        host._process.OutputDataReceived += (_, line) => host.Keep(line.Data);
        host._process.ErrorDataReceived += (_, line) => host.Keep(line.Data);
        host._process.Start();
        host._process.BeginOutputReadLine();
        host._process.BeginErrorReadLine();
        return host;
    }

    internal static async Task<(int ExitCode, string Output)> RunAsync(
        string project, IReadOnlyDictionary<string, string> environment, CancellationToken cancellationToken, params string[] arguments)
    {
        await using var host = Start(project, environment, arguments);
        await host._process.WaitForExitAsync(cancellationToken);
        return (host._process.ExitCode, host.Output);
    }

    internal void Kill() => _process.Kill(entireProcessTree: true);

    internal void Interrupt() => Process.Start("kill", ["-INT", _process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture)])!.WaitForExit();

    internal async Task<int> ExitAsync(CancellationToken cancellationToken)
    {
        await _process.WaitForExitAsync(cancellationToken);
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
        {
            Kill();
            await _process.WaitForExitAsync();
        }

        _process.Dispose();
    }

    /// <summary>The program as this very build made it: same configuration, same framework.</summary>
    internal static string Built(string project)
    {
        var here = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        var (framework, configuration) = (here.Name, here.Parent!.Name);
        var root = here.Parent!.Parent!.Parent!.Parent!.Parent!.FullName;
        var folder = project == "AppHost" ? Path.Combine(root, "AppHost") : Path.Combine(root, "src", project);
        var name = project == "RunProof.Cli" ? "runproof" : project;
        var path = Path.Combine(folder, "bin", configuration, framework, name + ".dll");
        return File.Exists(path) ? path : throw new FileNotFoundException($"{project} has not been built for {configuration}", path);
    }

    /// <summary>A program among the tests, as this very build made it.</summary>
    internal static string BuiltTest(string project)
    {
        var here = new DirectoryInfo(AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar));
        var path = Path.Combine(here.Parent!.Parent!.Parent!.Parent!.FullName, project, "bin", here.Parent!.Name, here.Name, project + ".dll");
        return File.Exists(path) ? path : throw new FileNotFoundException($"{project} has not been built", path);
    }

    private void Keep(string? line)
    {
        lock (_output)
            _output.AppendLine(line);
    }
}
