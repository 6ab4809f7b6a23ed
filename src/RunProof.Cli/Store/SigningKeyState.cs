using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Cli;

/// <summary>The key that signs the logs as it lies in its file. Nothing of the private key is ever here.</summary>
/// <param name="Path">The file.</param>
/// <param name="Key">The public key, under the name in the file; null where it cannot be used.</param>
/// <param name="Problem">Why it cannot.</param>
/// <param name="NextFile">The next key's file, where a rotation broke off.</param>
/// <param name="RetiredFiles">Old keys' files beside it.</param>
internal sealed record SigningKeyState(string Path, NoteKey? Key, string? Problem, string? NextFile, IReadOnlyList<string> RetiredFiles)
{
    /// <summary>Where the key file is: as the verifier finds it, from the same variables, unless a file was named.</summary>
    internal static string Locate(string? named, World world) =>
        named ?? SigningKeyFile.Locate(world.Variable(SigningKeyFile.Variable), world.Variable("RunProof__Log__KeyFolder"));

    /// <summary>Looks; makes nothing.</summary>
    internal static SigningKeyState Read(string path)
    {
        var next = path + SigningKeyFile.NextSuffix;
        var folder = System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!;
        string[] retired = [];
        try
        {
            retired = Directory.Exists(folder) ? [.. Directory.EnumerateFiles(folder, System.IO.Path.GetFileName(path) + ".retired-*").Order(StringComparer.Ordinal)] : [];
            var key = File.Exists(path) ? SigningKeyFile.Load(path).Key : null;
            return new SigningKeyState(path, key, key is null ? $"there is no file {path}; the verifier makes it at its first start" : null, File.Exists(next) ? next : null, retired);
        }
        catch (Exception problem) when (problem is SigningKeyFileException or PlatformNotSupportedException or UnauthorizedAccessException or IOException)
        {
            return new SigningKeyState(path, null, problem.Message, File.Exists(next) ? next : null, retired);
        }
    }
}
