using System.Globalization;

namespace RunProof.Benchmarks;

/// <summary>CPU time of a PostgreSQL server and its backends; on Linux only, elsewhere zero.</summary>
internal static class ServerProcesses
{
    private const double TicksPerSecond = 100;

    internal static TimeSpan CpuTime(int server)
    {
        if (!Directory.Exists("/proc/self"))
            return TimeSpan.Zero;
        var ticks = 0L;
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (Stat(folder) is { Length: > 16 } fields && (fields[1] == server.ToString(CultureInfo.InvariantCulture) || folder.EndsWith($"/{server}", StringComparison.Ordinal)))
                ticks += long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture);
        }

        return TimeSpan.FromSeconds(ticks / TicksPerSecond);
    }

    /// <summary>The fields of /proc/PID/stat after the command's name: state, ppid, … utime is the 12th, stime the 13th.</summary>
    private static string[]? Stat(string folder)
    {
        try
        {
            var text = File.ReadAllText(Path.Combine(folder, "stat"));
            return text[(text.LastIndexOf(')') + 2)..].Split(' ');
        }
        catch (IOException)
        {
            return null;
        }
        catch (UnauthorizedAccessException)
        {
            return null;
        }
    }
}
