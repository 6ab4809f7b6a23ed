using System.Security.Cryptography;
using System.Text;
using RunProof.Format;
using RunProof.Keys;

namespace RunProof.Cli;

/// <summary>What a command needs of the world around it.</summary>
/// <param name="Terminal">Where it writes.</param>
/// <param name="Input">Standard input.</param>
/// <param name="Clock">The clock.</param>
/// <param name="Variable">Environment variables; null for one that is not set.</param>
/// <param name="Randomness">Fills a buffer with unguessable bytes.</param>
internal sealed record World(Terminal Terminal, Stream Input, TimeProvider Clock, Func<string, string?> Variable, World.FillRandom Randomness)
{
    /// <summary>Fills a buffer with unguessable bytes.</summary>
    /// <param name="target">The buffer.</param>
    internal delegate void FillRandom(Span<byte> target);

    /// <summary>Makes a verifier of a public key; null where the key is no good.</summary>
    internal Func<NoteKey, INoteVerifier?> VerifierOf { get; init; } = static key => NoteVerifier.TryCreate(key, out var verifier, out _) ? verifier : null;

    /// <summary>The real one.</summary>
    internal static World OfThisProcess()
    {
        var variable = (string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } value ? value : null;
        return new World(TerminalOf(variable), Console.OpenStandardInput(), TimeProvider.System, variable, RandomNumberGenerator.Fill);
    }

    /// <summary>The first of some variables that is set.</summary>
    /// <param name="names">Their names, the most specific first.</param>
    internal string? FirstVariable(params ReadOnlySpan<string> names)
    {
        foreach (var name in names)
        {
            if (Variable(name) is { } value)
                return value;
        }

        return null;
    }

    private static Terminal TerminalOf(Func<string, string?> variable)
    {
        var plain = variable("NO_COLOR") is not null || variable("TERM") == "dumb";
        return new Terminal(
            Writer(Console.OpenStandardOutput()),
            Writer(Console.OpenStandardError()),
            outputIsTerminal: !Console.IsOutputRedirected,
            errorIsTerminal: !Console.IsErrorRedirected,
            colors: !plain);
    }

    private static StreamWriter Writer(Stream stream) =>
        new(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false)) { AutoFlush = true, NewLine = "\n" };
}
