using System.Diagnostics;
using System.Globalization;

namespace RunProof.EmbeddedPostgres;

/// <summary>What <c>postmaster.pid</c> in a cluster's folder says.</summary>
/// <param name="ProcessId">The server's process.</param>
/// <param name="Port">Its port, 0 when not yet known.</param>
/// <param name="Status">Its last line: <c>starting</c>, <c>ready</c>, <c>stopping</c>, <c>standby</c>, or empty.</param>
internal sealed record PostmasterFile(int ProcessId, int Port, string Status)
{
    public const string FileName = "postmaster.pid";

    /// <summary>Reads it, or null when it is missing, empty or half written.</summary>
    public static PostmasterFile? Read(string dataFolder)
    {
        try
        {
            var lines = File.ReadAllLines(Path.Combine(dataFolder, FileName));
            if (lines.Length == 0 || !int.TryParse(lines[0], CultureInfo.InvariantCulture, out var process))
                return null;
            var port = lines.Length > 3 && int.TryParse(lines[3], CultureInfo.InvariantCulture, out var number) ? number : 0;
            return new PostmasterFile(process, port, lines.Length > 7 ? lines[7].Trim() : "");
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>Whether that process is alive and is a PostgreSQL server, as far as can be told: process ids are used again.</summary>
    public bool IsRunning(string dataFolder)
    {
        if (OperatingSystem.IsLinux())
            return RunsIn(dataFolder);
        try
        {
            using var process = Process.GetProcessById(ProcessId);
            return process.ProcessName.StartsWith("postgres", StringComparison.OrdinalIgnoreCase) && !process.HasExited;
        }
        catch (Exception gone) when (gone is ArgumentException or InvalidOperationException)
        {
            return false;
        }
    }

    // The server makes its data folder its working folder.
    private bool RunsIn(string dataFolder)
    {
        if (!Unix.Exists(ProcessId))
            return false;
        try
        {
            var name = File.ReadAllText($"/proc/{ProcessId}/comm").Trim();
            if (name is not ("postgres" or "postmaster"))
                return false;
            var folder = File.ResolveLinkTarget($"/proc/{ProcessId}/cwd", returnFinalTarget: false)?.FullName;
            return folder is null || Path.TrimEndingDirectorySeparator(folder) == Path.TrimEndingDirectorySeparator(Path.GetFullPath(dataFolder));
        }
        catch (UnauthorizedAccessException)
        {
            return true;
        }
        catch (IOException)
        {
            return false;
        }
    }
}
