using System.ComponentModel;
using System.Globalization;
using System.Text.RegularExpressions;

namespace RunProof.EmbeddedPostgres;

/// <summary>A usable PostgreSQL: a folder with <c>postgres</c> and <c>initdb</c>, of version 15 or newer.</summary>
/// <param name="BinFolder">Its folder, links resolved.</param>
/// <param name="Version">What <c>postgres --version</c> says, as <c>15.18</c>.</param>
/// <param name="Source">How it was found, in words for a person.</param>
internal sealed partial record PostgresBinaries(string BinFolder, string Version, string Source)
{
    /// <summary>The oldest major version that the schema works on.</summary>
    public const int OldestMajor = 15;

    public int Major => int.Parse(Version.Split('.')[0], CultureInfo.InvariantCulture);

    public string Postgres => Executable(BinFolder, "postgres");

    public string Initdb => Executable(BinFolder, "initdb");

    public static string Executable(string folder, string name) => Path.Combine(folder, OperatingSystem.IsWindows() ? name + ".exe" : name);

    /// <summary>Looks into a folder.</summary>
    /// <returns>The binaries, or why there are none, in words that end a sentence.</returns>
    public static async Task<(PostgresBinaries? Found, string? Problem)> InspectAsync(string folder, string source, CancellationToken ct)
    {
        var postgres = Executable(folder, "postgres");
        if (!File.Exists(postgres))
            return (null, $"{folder} has no postgres ({source})");
        // Linked into /usr/local/bin one by one, the rest stays beside the real file.
        var real = Path.GetDirectoryName(File.ResolveLinkTarget(postgres, returnFinalTarget: true)?.FullName ?? Path.GetFullPath(postgres))!;
        if (!File.Exists(Executable(real, "initdb")))
            return (null, $"{real} has postgres but no initdb ({source})");
        var said = await AskVersionAsync(Executable(real, "postgres"), ct);
        var match = VersionPattern().Match(said);
        if (!match.Success)
            return (null, $"{real} did not tell its version ({source}): {said}");
        var binaries = new PostgresBinaries(real, match.Groups[1].Value, source);
        return binaries.Major >= OldestMajor ? (binaries, null) : (null, $"{real} is PostgreSQL {binaries.Version}, older than {OldestMajor} ({source})");
    }

    private static async Task<string> AskVersionAsync(string postgres, CancellationToken ct)
    {
        try
        {
            return (await Tool.RunAsync(postgres, ["--version"], ct)).Text;
        }
        catch (Win32Exception refused)
        {
            return refused.Message;
        }
    }

    // "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)", "18.4", "19beta1", "16devel"
    [GeneratedRegex(@"\(PostgreSQL\)\s+(\d+(?:\.\d+)?)", RegexOptions.CultureInvariant, 1000)]
    private static partial Regex VersionPattern();
}
