using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging;
using RunProof.EmbeddedPostgres;

namespace RunProof.AppHost;

/// <summary>Installs the Aspire command line's bundle, which has the dashboard in it, into the user cache, once.</summary>
internal sealed class DashboardInstaller(string cacheFolder)
{
    /// <summary>The one version that is fetched.</summary>
    public const string Version = "13.5.4";

    /// <summary>One line for someone who has none.</summary>
    public const string HowToGet = "none here: with npm on PATH and a registry in reach it is fetched at the next start; or set OTEL_EXPORTER_OTLP_ENDPOINT to a collector of your own";

    // The other platforms' packages come with npm's own check of what the registry says, and no second one.
    private static readonly Dictionary<string, string> Pinned = new(StringComparer.Ordinal)
    {
        ["linux-x64"] = "sha512-8PWeRHM1+QwQB2wxDnfPsimi3EW01r04b4DjX0jIDE78SlfJabwVfYArW/48vDzYvPzKSRye6DIPVAsCFoXjBA==",
    };

    /// <summary>Where it is, or will be.</summary>
    public string Folder { get; } = Path.Combine(cacheFolder, "aspire", $"{Platform}-{Version}");

    /// <summary>The program that has the dashboard in it.</summary>
    public string Executable => Path.Combine(Folder, "managed", OperatingSystem.IsWindows() ? "aspire-managed.exe" : "aspire-managed");

    public bool IsInstalled => File.Exists(Executable);

    public bool CanFetch => NpmFetch.FindClient(Environment.GetEnvironmentVariable("PATH")) is not null;

    private static string Platform
    {
        get
        {
            var system = OperatingSystem.IsWindows() ? "win32" : OperatingSystem.IsMacOS() ? "darwin" : "linux";
            return $"{system}-{RuntimeInformation.OSArchitecture.ToString().ToLowerInvariant()}";
        }
    }

    /// <summary>Fetches and unpacks it; the folder appears under its name only when it is complete.</summary>
    /// <exception cref="EmbeddedPostgresException">It cannot be fetched.</exception>
    public async Task InstallAsync(ILogger logger, CancellationToken ct)
    {
        using (await CacheFolder.LockAsync(Folder + ".lock", ct))
        {
            if (IsInstalled)
                return;
            var temporary = $"{Folder}.{Environment.ProcessId}.tmp";
            try
            {
                await FetchAsync(temporary, logger, ct);
            }
            finally
            {
                if (Directory.Exists(temporary))
                    Directory.Delete(temporary, recursive: true);
            }
        }
    }

    private async Task FetchAsync(string temporary, ILogger logger, CancellationToken ct)
    {
        var npm = NpmFetch.FindClient(Environment.GetEnvironmentVariable("PATH")) ?? throw Failed("npm is not on PATH");
        Directory.CreateDirectory(temporary);
        var name = $"@microsoft/aspire-cli-{Platform}";
        logger.LogInformation("Fetching {Package} {Version} with npm, once (about 130 MB)", name, Version);
        var package = await NpmFetch.FetchAsync(npm, name, Version, Pinned.GetValueOrDefault(Platform), temporary, logger, ct);
        var cli = Path.Combine(package, "bin", OperatingSystem.IsWindows() ? "aspire.exe" : "aspire");
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(cli, File.GetUnixFileMode(cli) | UnixFileMode.UserExecute);
        var unpacked = Directory.CreateDirectory(Path.Combine(temporary, "unpacked")).FullName;
        // Its own check of what it unpacked looks in ASPIRE_HOME, whatever the install path.
        var result = await Tool.RunAsync(cli, ["setup", "--install-path", unpacked, "--nologo"], ct, workingFolder: temporary, environment:
        [
            new("ASPIRE_HOME", unpacked),
            new("ASPIRE_CLI_TELEMETRY_OPTOUT", "true"),
            new("NO_COLOR", "1"),
        ]);
        if (result.ExitCode != 0)
            throw Failed($"aspire setup ended with exit code {result.ExitCode}: {(result.Text.Length > 600 ? "…" + result.Text[^600..] : result.Text)}");
        if (Directory.Exists(Folder))
            Directory.Delete(Folder, recursive: true);
        // Below a folder named by version and build, beside the orchestrator, which is of no use here.
        var inside = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.ReparsePoint };
        var managed = Directory.EnumerateDirectories(unpacked, "managed", inside).FirstOrDefault()
            ?? throw Failed($"aspire setup of {Version} left no dashboard");
        var complete = Path.Combine(temporary, "complete");
        Directory.CreateDirectory(complete);
        Directory.Move(managed, Path.Combine(complete, "managed"));
        Directory.Move(complete, Folder);
    }

    private static EmbeddedPostgresException Failed(string message) => new(EmbeddedPostgresFailure.InstallFailed, message);
}
