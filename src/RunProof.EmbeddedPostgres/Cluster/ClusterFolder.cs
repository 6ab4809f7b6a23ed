using System.Globalization;
using System.Security.Cryptography;

namespace RunProof.EmbeddedPostgres;

/// <summary>The folder of one cluster, held by one process at a time.</summary>
internal sealed class ClusterFolder : IDisposable
{
    private readonly IDisposable held;

    private ClusterFolder(string path, UnixUser? user, IDisposable held)
    {
        Path = path;
        User = user;
        this.held = held;
    }

    public string Path { get; }

    /// <summary>Whom the cluster belongs to, or null for the current user.</summary>
    public UnixUser? User { get; }

    public string Data => System.IO.Path.Combine(Path, "data");

    public string Log => System.IO.Path.Combine(Path, "server.log");

    private string PasswordFile => System.IO.Path.Combine(Path, "password");

    private string HolderFile => System.IO.Path.Combine(Path, "holder");

    private string UserFile => System.IO.Path.Combine(Path, "user");

    /// <summary>Makes the folder if it is missing, and takes it.</summary>
    /// <exception cref="EmbeddedPostgresException">Another process has it, or the server's user cannot reach it.</exception>
    public static async Task<ClusterFolder> OpenAsync(string path, UnixUser? user, CancellationToken ct)
    {
        path = System.IO.Path.GetFullPath(path);
        IDisposable? held;
        try
        {
            Make(path, user);
            held = CacheFolder.TryLock(System.IO.Path.Combine(path, "lock"));
        }
        catch (Exception world) when (world is IOException or UnauthorizedAccessException)
        {
            throw new EmbeddedPostgresException(EmbeddedPostgresFailure.DataFolderUnusable, $"The folder '{path}' cannot be made or written: {world.Message}", world);
        }
        if (held is null)
            throw InUse(path);
        var folder = new ClusterFolder(path, user, held);
        try
        {
            await folder.RequireReachableAsync(ct);
            await File.WriteAllTextAsync(folder.HolderFile, Environment.ProcessId.ToString(CultureInfo.InvariantCulture), ct);
            return folder;
        }
        catch
        {
            folder.Dispose();
            throw;
        }
    }

    /// <summary>The major version that made the cluster, or null when there is none yet.</summary>
    public string? MajorVersion()
    {
        var file = System.IO.Path.Combine(Data, "PG_VERSION");
        return File.Exists(file) ? File.ReadAllText(file).Trim() : null;
    }

    /// <summary>The superuser's password as it was last set, or null.</summary>
    public string? ReadPassword() => File.Exists(PasswordFile) ? File.ReadAllText(PasswordFile).Trim() : null;

    /// <summary>Keeps the password, readable by its owner only.</summary>
    public void WritePassword(string password)
    {
        var temporary = PasswordFile + ".tmp";
        File.Delete(temporary);
        var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var writer = new StreamWriter(temporary, options))
            writer.Write(password);
        File.Move(temporary, PasswordFile, overwrite: true);
    }

    /// <summary>A password that needs no quoting anywhere.</summary>
    public static string NewPassword() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(16));

    /// <summary>Gives the cluster to the server's user where an earlier start used another one.</summary>
    public async Task TakeOverAsync(CancellationToken ct)
    {
        if (User is null)
            return;
        if (Directory.Exists(Data) && (!File.Exists(UserFile) || await File.ReadAllTextAsync(UserFile, ct) != User.Name))
            await Tool.RunAsync("chown", ["-R", $"{User.Uid}:{User.Gid}", Data], ct);
        await File.WriteAllTextAsync(UserFile, User.Name, ct);
    }

    /// <summary>Makes an empty folder that only the server's user can enter.</summary>
    public static void MakePrivate(string path, UnixUser? user)
    {
        if (OperatingSystem.IsWindows())
        {
            Directory.CreateDirectory(path);
            return;
        }
        Directory.CreateDirectory(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        if (user is not null)
            Unix.ChangeOwner(path, user);
    }

    public void Dispose()
    {
        File.Delete(HolderFile);
        held.Dispose();
    }

    private static void Make(string path, UnixUser? user)
    {
        var mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
        if (user is not null)
            mode |= UnixFileMode.GroupExecute | UnixFileMode.OtherExecute | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
        if (OperatingSystem.IsWindows())
            Directory.CreateDirectory(path);
        else
            Directory.CreateDirectory(path, mode);
    }

    private async Task RequireReachableAsync(CancellationToken ct)
    {
        if (User is null)
            return;
        var look = await Tool.RunAsync("/bin/sh", ["-c", "cd \"$1\"", "sh", Path], ct, User);
        if (look.ExitCode == 0)
            return;
        throw new EmbeddedPostgresException(EmbeddedPostgresFailure.DataFolderUnusable,
            $"PostgreSQL cannot run as root and so runs as user '{User.Name}', who cannot reach '{Path}'{ClosedParent()}. "
            + "Choose a data folder outside such a place (for example below /var/lib), or run as an ordinary user.");
    }

    private string ClosedParent()
    {
        if (OperatingSystem.IsWindows())
            return "";
        var closed = Above(Path).LastOrDefault(IsClosed);
        return closed is null ? "" : $": '{closed}' is closed to others";
    }

    private static bool IsClosed(string folder) => !OperatingSystem.IsWindows() && !File.GetUnixFileMode(folder).HasFlag(UnixFileMode.OtherExecute);

    private static IEnumerable<string> Above(string path)
    {
        for (var folder = path; !string.IsNullOrEmpty(folder); folder = System.IO.Path.GetDirectoryName(folder))
            yield return folder;
    }

    private static EmbeddedPostgresException InUse(string path)
    {
        var holder = System.IO.Path.Combine(path, "holder");
        var who = File.Exists(holder) ? $" (process {File.ReadAllText(holder)})" : "";
        var port = PostmasterFile.Read(System.IO.Path.Combine(path, "data")) is { Port: > 0 } server ? $"; its server is on port {server.Port}" : "";
        return new EmbeddedPostgresException(EmbeddedPostgresFailure.DataFolderInUse,
            $"The data folder '{path}' is in use by another process{who}{port}. Stop that one, or choose another folder.");
    }
}
