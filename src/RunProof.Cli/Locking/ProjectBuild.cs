using System.Diagnostics;
using System.Text.Json;

namespace RunProof.Cli;

/// <summary>Builds a project with the SDK on the path, its shapes taken as they are now, and finds what was built.</summary>
internal static class ProjectBuild
{
    private const string Accepting = "-p:RunProofCanonicalLock=accept";

    /// <summary>Builds it.</summary>
    /// <param name="project">The project's file.</param>
    /// <param name="world">Environment variables.</param>
    /// <param name="cancellationToken">Gives up, and ends the build.</param>
    /// <exception cref="CommandException">It does not compile, or there is no SDK.</exception>
    /// <returns>The assembly.</returns>
    internal static async Task<string> RunAsync(string project, World world, CancellationToken cancellationToken)
    {
        var framework = await FirstFrameworkAsync(project, world, cancellationToken);
        var built = await DotNetAsync(world, ["build", project, "-nologo", "-v:q", "-nodeReuse:false", "-clp:NoSummary", Accepting, .. framework], cancellationToken);
        if (built.ExitCode != 0)
            throw new CommandException(ExitCode.Error, "build_failed", $"{Path.GetFileName(project)} does not build: {Errors(built.Output)}", $"dotnet build {project} {Accepting}");
        return (await PropertiesAsync(project, world, framework, cancellationToken)).TargetPath;
    }

    /// <summary>A project for several frameworks has one shape in all of them, so one is built.</summary>
    private static async Task<string[]> FirstFrameworkAsync(string project, World world, CancellationToken cancellationToken)
    {
        var several = (await PropertiesAsync(project, world, [], cancellationToken)).TargetFrameworks;
        return several.Length == 0 ? [] : ["-p:TargetFramework=" + several.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)[0]];
    }

    private static async Task<(string TargetPath, string TargetFrameworks)> PropertiesAsync(string project, World world, string[] framework, CancellationToken cancellationToken)
    {
        var said = await DotNetAsync(world, ["msbuild", project, "-nologo", "-getProperty:TargetPath", "-getProperty:TargetFrameworks", Accepting, .. framework], cancellationToken);
        try
        {
            if (said.ExitCode == 0)
            {
                using var json = JsonDocument.Parse(said.Output);
                var properties = json.RootElement.GetProperty("Properties");
                return (properties.GetProperty("TargetPath").GetString()!, properties.GetProperty("TargetFrameworks").GetString()!);
            }
        }
        catch (Exception problem) when (problem is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            // An SDK that answers otherwise is too old; it is said below, with what it said.
        }

        throw new CommandException(ExitCode.Error, "no_project", $"{project} cannot be read as a project: {Errors(said.Output)}", "it needs the .NET 10 SDK");
    }

    private static async Task<(int ExitCode, string Output)> DotNetAsync(World world, string[] arguments, CancellationToken cancellationToken)
    {
        var start = new ProcessStartInfo(world.Variable("DOTNET_HOST_PATH") ?? "dotnet", arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        start.Environment["DOTNET_CLI_UI_LANGUAGE"] = "en";
        using var process = Start(start);
        var output = process.StandardOutput.ReadToEndAsync(CancellationToken.None);
        var error = process.StandardError.ReadToEndAsync(CancellationToken.None);
        try
        {
            await process.WaitForExitAsync(cancellationToken);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }

        return (process.ExitCode, await output + await error);
    }

    private static Process Start(ProcessStartInfo start)
    {
        try
        {
            return Process.Start(start)!;
        }
        catch (System.ComponentModel.Win32Exception problem)
        {
            throw new CommandException(ExitCode.Error, "no_sdk", $"dotnet cannot be started: {problem.Message}", "install the .NET 10 SDK, or name a built assembly");
        }
    }

    /// <summary>The first errors of a build, each once; all that it said where none is marked as one.</summary>
    private static string Errors(string output)
    {
        var lines = output.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Distinct(StringComparer.Ordinal).ToArray();
        var errors = lines.Where(line => line.Contains("error", StringComparison.Ordinal)).Take(5).ToArray();
        return string.Join("; ", errors.Length > 0 ? errors : lines.Take(5));
    }
}
