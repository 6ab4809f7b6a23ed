using System.Security.Cryptography;
using System.Text;
using RunProof.EmbeddedPostgres;

namespace RunProof.AppHost;

/// <summary>Where a local run keeps its things.</summary>
internal sealed record DataFolder(string Path)
{
    public string Logs => System.IO.Path.Combine(Path, "logs");

    /// <summary>
    /// The cluster's folder: in the data folder, unless root starts it below a folder that is closed to others, such as root's home. PostgreSQL
    /// refuses to run as root, and its own user could not get there; then below /var/lib/runproof, under a name made from the data folder's.
    /// </summary>
    public string Postgres
    {
        get
        {
            var usual = System.IO.Path.Combine(Path, "postgres");
            if (OperatingSystem.IsWindows() || !Unix.IsRoot || IsOpen(Path))
                return usual;
            var name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Path)))[..12];
            return System.IO.Path.Combine("/var/lib/runproof", name, "postgres");
        }
    }

    private static bool IsOpen(string path)
    {
        if (OperatingSystem.IsWindows())
            return true;
        for (var folder = path; !string.IsNullOrEmpty(folder); folder = System.IO.Path.GetDirectoryName(folder))
        {
            if (Directory.Exists(folder) && !File.GetUnixFileMode(folder).HasFlag(UnixFileMode.OtherExecute))
                return false;
        }
        return true;
    }
}
