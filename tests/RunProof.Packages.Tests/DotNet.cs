using System.Diagnostics;
using System.Text;

namespace RunProof.Packages.Tests;

/// <summary>The SDK's command line, as a stranger's shell would call it: nothing of the build that runs these tests leaks into it.</summary>
internal static class DotNet
{
    // What `dotnet test` itself puts there for its children: paths of its own SDK, its extensions, its session.
    private static readonly string[] Inherited = ["MSBUILD", "DOTNET_CLI_CONTEXT", "VSTEST", "TESTINGPLATFORM", "NUGET_PACKAGES", "RunProof"];

    /// <summary>The command line of RunProof, as it was built beside these tests.</summary>
    internal static string RunProof { get; } = Path.Combine(
        AppContext.BaseDirectory.Replace(Path.Combine("tests", "RunProof.Packages.Tests"), Path.Combine("src", "RunProof.Cli"), StringComparison.Ordinal), "runproof.dll");

    internal static async Task<Result> RunAsync(string folder, string packages, params string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", arguments)
        {
            WorkingDirectory = folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            StandardOutputEncoding = new UTF8Encoding(false),
        };
        foreach (var name in start.Environment.Keys.Where(name => Inherited.Any(prefix => name.StartsWith(prefix, StringComparison.OrdinalIgnoreCase))).ToArray())
            start.Environment.Remove(name);
        // A build server would outlive the test, and hold its output open.
        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        start.Environment["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0";
        start.Environment["UseSharedCompilation"] = "false";
        start.Environment["DOTNET_CLI_UI_LANGUAGE"] = "en";
        start.Environment["NUGET_PACKAGES"] = packages;
        using var process = Process.Start(start)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = process.StandardError.ReadToEndAsync();
        using var limit = new CancellationTokenSource(TimeSpan.FromMinutes(10));
        try
        {
            await process.WaitForExitAsync(limit.Token);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"dotnet {string.Join(' ', arguments)} did not end");
        }

        return new Result(process.ExitCode, (await output).ReplaceLineEndings("\n"), (await error).ReplaceLineEndings("\n"));
    }

    internal sealed record Result(int ExitCode, string Output, string Error)
    {
        internal Result Succeeds()
        {
            Assert.True(ExitCode == 0, ToString());
            return this;
        }

        internal Result Fails()
        {
            Assert.True(ExitCode != 0, ToString());
            return this;
        }

        public override string ToString() => $"exit code {ExitCode}\n{Output}\n{Error}";
    }
}
