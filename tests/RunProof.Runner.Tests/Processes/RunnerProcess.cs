using System.Diagnostics;
using System.Net.Http.Headers;
using System.Runtime.InteropServices;
using System.Text;
using System.Text.RegularExpressions;

namespace RunProof.Runner.Tests;

/// <summary>A runner as it is deployed: a process of its own, told everything by environment variables.</summary>
internal sealed partial class RunnerProcess : IAsyncDisposable
{
    internal const int SigKill = 9;
    private const int SigCont = 18;
    private const int SigStop = 19;
    private const int SigTerm = 15;

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly TaskCompletionSource<Uri> _listening = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private RunnerProcess(string connection, IReadOnlyDictionary<string, string> variables)
    {
        var start = new ProcessStartInfo("dotnet")
        {
            ArgumentList = { Path.Combine(AppContext.BaseDirectory, "RunProof.Runner.dll") },
            WorkingDirectory = AppContext.BaseDirectory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["ConnectionStrings__runproofdb"] = connection;
        start.Environment["ASPNETCORE_URLS"] = "http://127.0.0.1:0";
        start.Environment["RunProof__Runner__StopGraceSeconds"] = "1";
        foreach (var (name, value) in variables)
            start.Environment[name] = value;
        _process = new Process { StartInfo = start, EnableRaisingEvents = true };
        _process.OutputDataReceived += (_, line) => Take(line.Data);
        _process.ErrorDataReceived += (_, line) => Take(line.Data);
        _process.Exited += (_, _) => _listening.TrySetException(new InvalidOperationException($"the runner ended: {Output}"));
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public string Output
    {
        get
        {
            lock (_output)
                return _output.ToString();
        }
    }

    public static async Task<RunnerProcess> StartAsync(string connection, params (string Name, string Value)[] variables)
    {
        var runner = new RunnerProcess(connection, variables.ToDictionary(one => one.Name, one => one.Value));
        await runner._listening.Task.WaitAsync(TimeSpan.FromMinutes(2));
        return runner;
    }

    /// <summary>A runner that may never listen.</summary>
    public static RunnerProcess Start(string connection, params (string Name, string Value)[] variables) =>
        new(connection, variables.ToDictionary(one => one.Name, one => one.Value));

    /// <summary>Waits until it ends by itself, and until all that it wrote is here.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> EndAsync()
    {
        await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(1));
        return _process.ExitCode;
    }

    public async Task<ApiClient> ClientAsync(string key)
    {
        var http = new HttpClient { BaseAddress = await _listening.Task, Timeout = TimeSpan.FromMinutes(2) };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return new ApiClient(http);
    }

    /// <summary>As a crash does it: no handler runs.</summary>
    public async Task KillAsync()
    {
        _process.Kill();
        await _process.WaitForExitAsync();
    }

    /// <summary>As an orchestrator does it.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> TerminateAsync()
    {
        Assert.Equal(0, Signal(_process.Id, SigTerm));
        await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromMinutes(1));
        return _process.ExitCode;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            await KillAsync();
        _process.Dispose();
    }

    /// <summary>As a machine that swaps, or a debugger, does it: nothing of it runs until it is thawed.</summary>
    public void Freeze() => Assert.Equal(0, Signal(_process.Id, SigStop));

    public void Thaw() => Assert.Equal(0, Signal(_process.Id, SigCont));

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    internal static extern int Signal(int process, int signal);

    [GeneratedRegex("Now listening on: (http://\\S+)")]
    private static partial Regex Listening();

    private void Take(string? line)
    {
        if (line is null)
            return;
        lock (_output)
            _output.Append(line).Append('\n');
        if (Listening().Match(line) is { Success: true } match)
            _listening.TrySetResult(new Uri(match.Groups[1].Value));
    }
}
