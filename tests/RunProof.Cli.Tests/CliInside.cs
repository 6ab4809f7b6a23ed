using System.Text;
using RunProof.Format;
using RunProof.Keys;

namespace RunProof.Cli.Tests;

/// <summary>A command in the tests' own process, with a world that a test can change: what has no shell, no process and no environment in it.</summary>
internal static class CliInside
{
    internal static async Task<CliResult> RunAsync(string[] args, byte[]? input = null, Func<NoteKey, INoteVerifier?>? verifierOf = null, IReadOnlyDictionary<string, string?>? environment = null, bool errorIsTerminal = false, CancellationToken cancellationToken = default)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        var terminal = new Terminal(output, error, outputIsTerminal: false, errorIsTerminal, colors: false);
        var world = new World(terminal, new MemoryStream(input ?? []), TimeProvider.System, name => environment?.GetValueOrDefault(name), System.Security.Cryptography.RandomNumberGenerator.Fill);
        if (verifierOf is not null)
            world = world with { VerifierOf = verifierOf };
        var code = await CommandLine.RunAsync(args, world, cancellationToken == default ? TestContext.Current.CancellationToken : cancellationToken);
        return new CliResult(code, output.ToString(), error.ToString());
    }
}

/// <summary>A folder of a test's own.</summary>
internal sealed class TestFolder : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("runproof-cli");

    internal string Root => _folder.FullName;

    internal string Write(string name, string text) => Write(name, Encoding.UTF8.GetBytes(text));

    internal string Write(string name, byte[] bytes)
    {
        var path = Path.Combine(Root, name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    public void Dispose() => _folder.Delete(recursive: true);
}
