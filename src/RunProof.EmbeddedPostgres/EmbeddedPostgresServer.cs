using System.ComponentModel;
using System.Data.Common;
using System.Diagnostics;
using System.Globalization;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace RunProof.EmbeddedPostgres;

/// <summary>
/// A PostgreSQL server of one's own: on 127.0.0.1 only, with a password, durable, in a private folder, ended with this object or, on Unix, with this
/// process however it ends. A data folder has one holder: a second process, or a second start in this one, is refused
/// (<see cref="EmbeddedPostgresFailure.DataFolderInUse"/>), not attached. A server left behind by a holder that died is stopped first.
/// </summary>
public sealed class EmbeddedPostgresServer : IAsyncDisposable
{
    /// <summary>The superuser of every cluster made here.</summary>
    public const string SuperUser = "postgres";

    private readonly EmbeddedPostgresOptions options;
    private readonly PostgresBinaries binaries;
    private readonly ClusterFolder folder;
    private readonly ServerLog log;
    private readonly ILogger logger;
    private readonly TaskCompletionSource<int> ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private GuardedProcess? server;
    private bool stopping;
    private bool watched;
    private int disposed;

    private EmbeddedPostgresServer(EmbeddedPostgresOptions options, PostgresBinaries binaries, ClusterFolder folder, ILogger logger)
    {
        this.options = options;
        this.binaries = binaries;
        this.folder = folder;
        this.logger = logger;
        log = new ServerLog(folder.Log, logger);
    }

    /// <summary>What a server is started with unless <see cref="EmbeddedPostgresOptions.Settings"/> says otherwise: private and durable.</summary>
    public static IReadOnlyDictionary<string, string> DefaultSettings { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["listen_addresses"] = "127.0.0.1",
        ["unix_socket_directories"] = "",
        ["fsync"] = "on",
        ["synchronous_commit"] = "on",
        ["full_page_writes"] = "on",
        ["password_encryption"] = "scram-sha-256",
        ["shared_buffers"] = "128MB",
        ["max_connections"] = "100",
        ["timezone"] = "UTC",
        ["log_timezone"] = "UTC",
        ["lc_messages"] = "C",
        ["logging_collector"] = "off",
        ["cluster_name"] = "runproof",
    };

    /// <summary>Always 127.0.0.1.</summary>
    public string Host => "127.0.0.1";

    /// <summary>The TCP port.</summary>
    public int Port { get; private set; }

    /// <summary>The superuser, <c>postgres</c>.</summary>
    public string Username => SuperUser;

    /// <summary>The superuser's password.</summary>
    public string Password { get; private set; } = "";

    /// <summary>The server's version, as <c>15.18</c>.</summary>
    public string Version => binaries.Version;

    /// <summary>Where its binaries are, and how they were found.</summary>
    public string BinFolder => binaries.BinFolder;

    /// <summary>The file that holds everything the server wrote.</summary>
    public string LogFile => folder.Log;

    /// <summary>The postmaster's process id.</summary>
    public int ProcessId => server!.Process.Id;

    /// <summary>Completes with the exit code when the server has ended, asked to or not.</summary>
    public Task<int> Ended => ended.Task;

    /// <summary>
    /// Finds or fetches PostgreSQL, makes the cluster if the folder has none, starts it, and returns when it takes connections. Nothing is left running
    /// when it throws.
    /// </summary>
    /// <param name="options">What to start.</param>
    /// <param name="logger">Hears of fetching (information), grave server messages (warning) and everything else (debug). Default none.</param>
    /// <param name="ct">Gives up, and stops what was started.</param>
    /// <returns>The running server.</returns>
    /// <exception cref="EmbeddedPostgresException">It cannot be had; see <see cref="EmbeddedPostgresFailure"/>.</exception>
    public static async Task<EmbeddedPostgresServer> StartAsync(EmbeddedPostgresOptions options, ILogger? logger = null, CancellationToken ct = default)
    {
        logger ??= NullLogger.Instance;
        var cache = options.CacheFolder ?? CacheFolder.Default;
        var installer = options.AllowInstall ? new NpmInstaller(cache, Environment.GetEnvironmentVariable("PATH")) : null;
        return await StartAsync(options, new BinaryFinder { Installer = installer }, logger, ct);
    }

    internal static async Task<EmbeddedPostgresServer> StartAsync(EmbeddedPostgresOptions options, BinaryFinder finder, ILogger logger, CancellationToken ct)
    {
        var user = UnixUser.ForServer(options.UserName);
        var binaries = await finder.FindAsync(options.BinFolder, logger, ct);
        var folder = await ClusterFolder.OpenAsync(options.Folder, user, ct);
        EmbeddedPostgresServer instance;
        try
        {
            instance = new EmbeddedPostgresServer(options, binaries, folder, logger);
        }
        catch
        {
            folder.Dispose();
            throw;
        }
        try
        {
            await instance.PrepareAsync(ct);
            await instance.LaunchAsync(ct);
            return instance;
        }
        catch
        {
            await instance.DisposeAsync();
            throw;
        }
    }

    /// <summary>A connection string, in Npgsql's form, of the superuser.</summary>
    /// <param name="database">The database; <c>postgres</c> always exists.</param>
    public string ConnectionString(string database) => new DbConnectionStringBuilder
    {
        ["Host"] = Host,
        ["Port"] = Port.ToString(CultureInfo.InvariantCulture),
        ["Username"] = Username,
        ["Password"] = Password,
        ["Database"] = database,
    }.ConnectionString;

    /// <summary>Stops the server: a fast shutdown (clients are cut off, everything committed is on the disk), then harder. Frees the folder.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref disposed, 1) != 0)
            return;
        stopping = true;
        log.Quiet = true;
        AppDomain.CurrentDomain.ProcessExit -= OnProcessExit;
        if (server is not null)
        {
            await StopAsync(server);
            if (watched)
                await ended.Task;
            server.Dispose();
        }
        await log.DrainAsync();
        log.Dispose();
        folder.Dispose();
    }

    private async Task PrepareAsync(CancellationToken ct)
    {
        var maker = new ClusterMaker(binaries, folder.User, options.CacheFolder ?? CacheFolder.Default, logger);
        if (folder.MajorVersion() is { } made)
        {
            await StopLeftoverAsync(ct);
            if (made != binaries.Major.ToString(CultureInfo.InvariantCulture))
                throw new EmbeddedPostgresException(EmbeddedPostgresFailure.OtherMajorVersion,
                    $"The data folder '{folder.Path}' was made by PostgreSQL {made}, but {binaries.BinFolder} is PostgreSQL {binaries.Version}. "
                    + $"Set {BinaryFinder.Variable} to the binaries of {made}, or move the folder away to begin anew.");
        }
        else
        {
            if (Directory.Exists(folder.Data))
                throw new EmbeddedPostgresException(EmbeddedPostgresFailure.DataFolderUnusable,
                    $"'{folder.Data}' exists but holds no PostgreSQL cluster (no PG_VERSION). Move it away, or choose another folder.");
            await maker.MakeAsync(folder, ct);
        }
        await folder.TakeOverAsync(ct);
        await SetPasswordAsync(maker, ct);
    }

    private async Task SetPasswordAsync(ClusterMaker maker, CancellationToken ct)
    {
        var known = folder.ReadPassword();
        Password = options.Password ?? known ?? ClusterFolder.NewPassword();
        if (Password == known)
            return;
        await maker.SetPasswordAsync(folder.Data, Password, ct);
        folder.WritePassword(Password);
    }

    /// <summary>The lock on the folder is ours, so a server that runs in it has lost its holder; a file without such a server is stale.</summary>
    private async Task StopLeftoverAsync(CancellationToken ct)
    {
        var file = Path.Combine(folder.Data, PostmasterFile.FileName);
        if (!File.Exists(file))
            return;
        var left = PostmasterFile.Read(folder.Data);
        if (left is not null && left.IsRunning(folder.Data))
        {
            logger.LogWarning("A PostgreSQL server (process {Process}) was left behind in {Folder}; stopping it", left.ProcessId, folder.Path);
            await StopLeftoverAsync(left, ct);
        }
        File.Delete(file);
    }

    private async Task StopLeftoverAsync(PostmasterFile left, CancellationToken ct)
    {
        var watch = Stopwatch.StartNew();
        foreach (var signal in (int[])[Unix.SigInt, Unix.SigQuit, Unix.SigKill])
        {
            if (OperatingSystem.IsWindows())
                Process.GetProcessById(left.ProcessId).Kill(entireProcessTree: true);
            else
                Unix.Signal(left.ProcessId, signal);
            for (watch.Restart(); watch.Elapsed < options.StopTimeout; await Task.Delay(20, ct))
            {
                if (!left.IsRunning(folder.Data))
                    return;
            }
        }
        throw new EmbeddedPostgresException(EmbeddedPostgresFailure.DataFolderInUse,
            $"A PostgreSQL server (process {left.ProcessId}) runs in '{folder.Data}' and cannot be stopped from here.");
    }

    private async Task LaunchAsync(CancellationToken ct)
    {
        const int portAttempts = 5;
        for (var attempt = 1; ; attempt++)
        {
            Port = options.Port != 0 ? options.Port : ServerProbe.FreePort();
            if (options.Port != 0 && !ServerProbe.IsFree(Port))
                throw new EmbeddedPostgresException(EmbeddedPostgresFailure.PortInUse, $"Port {Port} of 127.0.0.1 is taken. Name another, or 0 for a free one.");
            Start();
            if (await IsReadyAsync(ct))
                break;
            // Someone may have taken the port between our look and the server's.
            if (options.Port == 0 && attempt < portAttempts && log.Tail.Contains("Address already in use", StringComparison.Ordinal))
                continue;
            throw new EmbeddedPostgresException(EmbeddedPostgresFailure.StartFailed,
                $"PostgreSQL {binaries.Version} did not start in '{folder.Data}' (exit code {server!.Process.ExitCode}). It wrote:\n{log.Tail}");
        }
        AppDomain.CurrentDomain.ProcessExit += OnProcessExit;
        watched = true;
        _ = WatchAsync(server!.Process);
        logger.LogDebug("PostgreSQL {Version} takes connections on port {Port}", binaries.Version, Port);
    }

    private void Start()
    {
        var settings = new SortedDictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in DefaultSettings.Concat(options.Settings))
            settings[name] = value;
        settings["port"] = Port.ToString(CultureInfo.InvariantCulture);
        var arguments = new List<string> { "-D", folder.Data };
        foreach (var (name, value) in settings)
            arguments.AddRange(["-c", $"{name}={value}"]);
        server?.Dispose();
        try
        {
            server = GuardedProcess.Start(Tool.Describe(binaries.Postgres, arguments, folder.User, folder.Data), "INT", "QUIT", 20);
        }
        catch (Win32Exception refused)
        {
            throw new EmbeddedPostgresException(EmbeddedPostgresFailure.BinariesUnusable, $"'{binaries.Postgres}' cannot be started: {refused.Message}", refused);
        }
        log.Follow(server.Process);
    }

    /// <summary>Waits until the server says that it is ready and answers on its port. False when it ended instead.</summary>
    private async Task<bool> IsReadyAsync(CancellationToken ct)
    {
        var watch = Stopwatch.StartNew();
        while (watch.Elapsed < options.StartTimeout)
        {
            if (server!.Process.HasExited)
            {
                await log.DrainAsync();
                return false;
            }
            if (PostmasterFile.Read(folder.Data) is { Status: "ready" } file && file.ProcessId == server.Process.Id && await ServerProbe.AnswersAsync(Port, ct))
                return true;
            await Task.Delay(TimeSpan.FromMilliseconds(5), ct);
        }
        throw new EmbeddedPostgresException(EmbeddedPostgresFailure.StartFailed,
            $"PostgreSQL {binaries.Version} was not ready in '{folder.Data}' after {options.StartTimeout.TotalSeconds:0} s. It wrote:\n{log.Tail}");
    }

    private async Task WatchAsync(Process process)
    {
        await process.WaitForExitAsync();
        if (!stopping)
            logger.LogError("PostgreSQL ended by itself with exit code {Code}; see {Log}", process.ExitCode, LogFile);
        ended.TrySetResult(process.ExitCode);
    }

    private async Task StopAsync(GuardedProcess process)
    {
        if (OperatingSystem.IsWindows())
            await Tool.RunAsync(PostgresBinaries.Executable(binaries.BinFolder, "pg_ctl"), ["stop", "-D", folder.Data, "-m", "fast", "-W"], CancellationToken.None);
        else
            process.Signal(Unix.SigInt);
        if (await process.WaitAsync(options.StopTimeout))
            return;
        logger.LogWarning("PostgreSQL did not shut down in {Seconds} s; asking for an immediate shutdown", options.StopTimeout.TotalSeconds);
        process.Signal(Unix.SigQuit);
        if (!await process.WaitAsync(TimeSpan.FromSeconds(6)))
            process.Process.Kill(entireProcessTree: true);
    }

    private void OnProcessExit(object? sender, EventArgs e)
    {
        stopping = true;
        server?.Signal(Unix.SigInt);
        server?.Process.WaitForExit(TimeSpan.FromSeconds(10));
    }
}
