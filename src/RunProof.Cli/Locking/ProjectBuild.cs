using System.Diagnostics;
using System.Text.Json;

namespace RunProof.Cli;

/// <summary>Builds a project with the SDK on the path, its shapes taken as they are now, and finds what was built.</summary>
internal static class ProjectBuild
{
    private static readonly string[] Asked = ["-getProperty:TargetPath", "-getProperty:TargetFrameworks", "-p:RunProofCanonicalLock=accept", "-nologo", "-nodeReuse:false"];

    /// <summary>Builds it.</summary>
    /// <param name="project">The project's file.</param>
    /// <param name="world">Environment variables.</param>
    /// <param name="cancellationToken">Gives up, and ends the build.</param>
    /// <exception cref="CommandException">It does not compile, or there is no SDK.</exception>
    /// <returns>The assembly.</returns>
    internal static async Task<string> RunAsync(string project, World world, CancellationToken cancellationToken)
    {
        // Asked for properties, the SDK prints them and nothing else to standard output, and what is wrong to standard error.
        var built = await DotNetAsync(world, ["build", project, "-t:Build", .. Asked], cancellationToken);
        if (built.ExitCode != 0)
            throw Fails(project, built);
        var (path, frameworks) = PropertiesOf(project, built);
        if (path.Length > 0)
            return path;
        // A project for several frameworks has one shape in all of them, so one is read.
        var first = frameworks.Split(';', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)[0];
        return PropertiesOf(project, await DotNetAsync(world, ["msbuild", project, "-p:TargetFramework=" + first, .. Asked], cancellationToken)).TargetPath;
    }

    private static (string TargetPath, string TargetFrameworks) PropertiesOf(string project, Said said)
    {
        try
        {
            using var json = JsonDocument.Parse(said.Output);
            var properties = json.RootElement.GetProperty("Properties");
            return (properties.GetProperty("TargetPath").GetString()!, properties.GetProperty("TargetFrameworks").GetString()!);
        }
        catch (Exception problem) when (problem is JsonException or KeyNotFoundException or InvalidOperationException)
        {
            throw new CommandException(ExitCode.Error, "no_sdk", $"the SDK does not say what {project} builds", "it needs the .NET 10 SDK; or name the built assembly");
        }
    }

    /// <summary>The first errors of a build, each once.</summary>
    private static CommandException Fails(string project, Said said)
    {
        var lines = (said.Error + "\n" + said.Output).Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Distinct(StringComparer.Ordinal).ToArray();
        var errors = lines.Where(line => line.Contains("error", StringComparison.Ordinal)).Take(5).DefaultIfEmpty(string.Join("; ", lines.Take(5)));
        return new CommandException(ExitCode.Error, "build_failed", $"{Path.GetFileName(project)} does not build: {string.Join("; ", errors)}", $"dotnet build {project} -p:RunProofCanonicalLock=accept");
    }

    private static async Task<Said> DotNetAsync(World world, string[] arguments, CancellationToken cancellationToken)
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

        return new Said(process.ExitCode, await output, await error);
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

    private readonly record struct Said(int ExitCode, string Output, string Error);
}
