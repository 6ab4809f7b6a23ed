using System.ComponentModel;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;

namespace RunProof.EmbeddedPostgres;

/// <summary>
/// Makes clusters. The first of each version and user is made by <c>initdb</c> into the cache; each new cluster is a copy of it, in a sixth of the time.
/// A template's password is thrown away: every cluster gets one of its own.
/// </summary>
internal sealed class ClusterMaker(PostgresBinaries binaries, UnixUser? user, string cacheFolder, ILogger logger)
{
    /// <summary>Makes the cluster of a folder. It appears under its name only when it is complete and on the disk.</summary>
    /// <exception cref="EmbeddedPostgresException"><c>initdb</c> failed.</exception>
    public async Task MakeAsync(ClusterFolder folder, CancellationToken ct)
    {
        var temporary = folder.Data + ".tmp";
        if (Directory.Exists(temporary))
            Directory.Delete(temporary, recursive: true);
        ClusterFolder.MakePrivate(temporary, user);
        if (await TemplateAsync(ct) is { } template && await CopyAsync(template, temporary, ct))
            await SyncAsync(temporary, ct);
        else
            await InitAsync(temporary, ct);
        Directory.Move(temporary, folder.Data);
    }

    /// <summary>Sets the superuser's password in a cluster that is not running.</summary>
    public async Task SetPasswordAsync(string dataFolder, string password, CancellationToken ct)
    {
        if (password.Any(char.IsControl))
            throw new ArgumentException("A password cannot hold control characters.", nameof(password));
        var command = $"ALTER ROLE {EmbeddedPostgresServer.SuperUser} PASSWORD '{password.Replace("'", "''", StringComparison.Ordinal)}';\n";
        string[] arguments = ["--single", "-D", dataFolder, "-c", "password_encryption=scram-sha-256", "-c", "log_min_messages=fatal", "postgres"];
        await RequireAsync(binaries.Postgres, arguments, "The password could not be set", ct, command);
    }

    private async Task<string?> TemplateAsync(CancellationToken ct)
    {
        if (OperatingSystem.IsWindows())
            return null;
        var where = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(binaries.BinFolder)))[..8];
        var template = Path.Combine(cacheFolder, "templates", $"{binaries.Version}-{where}-{user?.Name ?? Environment.UserName}");
        if (Directory.Exists(template))
            return template;
        try
        {
            using (await CacheFolder.LockAsync(template + ".lock", ct))
            {
                if (!Directory.Exists(template))
                    await MakeTemplateAsync(template, ct);
            }
            return template;
        }
        catch (Exception world) when (world is IOException or UnauthorizedAccessException)
        {
            logger.LogDebug("No template cluster in {Folder}: {Problem}", cacheFolder, world.Message);
            return null;
        }
    }

    private async Task MakeTemplateAsync(string template, CancellationToken ct)
    {
        var temporary = $"{template}.{Environment.ProcessId}.tmp";
        ClusterFolder.MakePrivate(temporary, user);
        try
        {
            await InitAsync(temporary, ct);
            Directory.Move(temporary, template);
        }
        finally
        {
            if (Directory.Exists(temporary))
                Directory.Delete(temporary, recursive: true);
        }
    }

    private async Task InitAsync(string folder, CancellationToken ct)
    {
        logger.LogDebug("initdb {Folder}", folder);
        var passwordFile = Path.Combine(Path.GetTempPath(), $"runproof-{ClusterFolder.NewPassword()}");
        try
        {
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
                options.UnixCreateMode = UnixFileMode.UserRead;
            await using (var writer = new StreamWriter(passwordFile, options))
                await writer.WriteAsync(ClusterFolder.NewPassword());
            if (user is not null)
                Unix.ChangeOwner(passwordFile, user);
            await RequireAsync(binaries.Initdb,
            [
                "-D", folder, "--username", EmbeddedPostgresServer.SuperUser, "--pwfile", passwordFile, "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C",
                "--data-checksums",
            ], "initdb could not make a cluster", ct);
        }
        finally
        {
            File.Delete(passwordFile);
        }
    }

    private async Task<bool> CopyAsync(string template, string folder, CancellationToken ct)
    {
        var copy = await Tool.RunAsync("cp", ["-a", template + "/.", folder + "/"], ct, user);
        if (copy.ExitCode == 0)
            return true;
        logger.LogDebug("The template cluster could not be copied: {Problem}", copy.Text);
        Directory.Delete(folder, recursive: true);
        ClusterFolder.MakePrivate(folder, user);
        return false;
    }

    // A copy is not on the disk yet, and a clean start would never flush it.
    private Task SyncAsync(string folder, CancellationToken ct) =>
        RequireAsync(binaries.Initdb, ["--sync-only", "-D", folder], "The new cluster could not be flushed to the disk", ct);

    private async Task RequireAsync(string file, string[] arguments, string failure, CancellationToken ct, string? input = null)
    {
        ToolResult result;
        try
        {
            result = await Tool.RunAsync(file, arguments, ct, user, input: input);
        }
        catch (Win32Exception refused)
        {
            throw new EmbeddedPostgresException(EmbeddedPostgresFailure.BinariesUnusable,
                $"'{file}' cannot be started{(user is null ? "" : $" by user '{user.Name}'")}: {refused.Message}", refused);
        }
        if (result.ExitCode != 0)
            throw new EmbeddedPostgresException(EmbeddedPostgresFailure.DataFolderUnusable, $"{failure} (exit code {result.ExitCode}):\n{result.Text}");
    }
}
