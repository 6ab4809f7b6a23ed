namespace RunProof.EmbeddedPostgres;

/// <summary>Where things are kept that can always be had again: fetched binaries and cluster templates.</summary>
public static class CacheFolder
{
    /// <summary>
    /// <c>RUNPROOF_CACHE</c> if set; else for root <c>/var/cache/runproof</c> (the server's user must be able to read it, so it cannot be below root's
    /// home), for others <c>$XDG_CACHE_HOME/runproof</c> or <c>~/.cache/runproof</c>, <c>~/Library/Caches/runproof</c>, <c>%LOCALAPPDATA%\runproof\cache</c>.
    /// </summary>
    public static string Default
    {
        get
        {
            if (Environment.GetEnvironmentVariable("RUNPROOF_CACHE") is { Length: > 0 } named)
                return Path.GetFullPath(named);
            if (OperatingSystem.IsWindows())
                return Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.LocalApplicationData), "runproof", "cache");
            if (Unix.IsRoot)
                return "/var/cache/runproof";
            var home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
            if (OperatingSystem.IsMacOS())
                return Path.Combine(home, "Library", "Caches", "runproof");
            return Environment.GetEnvironmentVariable("XDG_CACHE_HOME") is { Length: > 0 } cache ? Path.Combine(cache, "runproof") : Path.Combine(home, ".cache", "runproof");
        }
    }

    /// <summary>Holds a lock that other processes of this machine respect, waiting for it.</summary>
    internal static async Task<IDisposable> LockAsync(string file, CancellationToken ct)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        while (true)
        {
            if (TryLock(file) is { } held)
                return held;
            await Task.Delay(TimeSpan.FromMilliseconds(50), ct);
        }
    }

    /// <summary>Holds a lock that other processes of this machine respect, or null when another has it.</summary>
    internal static IDisposable? TryLock(string file)
    {
        try
        {
            return new FileStream(file, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException) when (File.Exists(file))
        {
            return null;
        }
    }
}
