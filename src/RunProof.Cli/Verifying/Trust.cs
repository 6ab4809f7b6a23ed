using System.Globalization;
using System.Text;
using RunProof.Format;
using RunProof.Keys;
using RunProof.Verification;
using RunProof.Witness;

namespace RunProof.Cli;

/// <summary>The keys that a person relies on, and where they have them from: never the file that is verified.</summary>
/// <param name="Keys">Verifiers of the log.</param>
/// <param name="Quorum">The witnesses that must have cosigned; null where no policy was given.</param>
/// <param name="Source">Where they were given.</param>
internal sealed record Trust(IReadOnlyList<INoteVerifier> Keys, IWitnessQuorum? Quorum, string? Source)
{
    private static readonly string[] PolicyWords = ["log", "witness", "group", "quorum"];

    /// <summary>Reads <c>--key</c> and <c>--trust</c>.</summary>
    /// <exception cref="CommandException">Both were given, or what was given holds no key of a log.</exception>
    internal static async Task<Trust> ReadAsync(string[] keys, string? file, World world, CancellationToken cancellationToken)
    {
        if (keys.Length > 0 && file is not null)
            throw CommandException.Usage("--key and --trust: give the one or the other", "a file may hold several keys, a line each");
        if (file is null)
            return new Trust([.. keys.Select(key => KeyOf(key, "--key", world))], null, keys.Length > 0 ? "--key" : null);
        var bytes = await InputFile.ReadAsync(file, world, cancellationToken, WitnessPolicy.MaxLength);
        return IsPolicy(bytes) ? OfPolicy(bytes, file, world) : OfLines(bytes, file, world);
    }

    private static Trust OfPolicy(byte[] bytes, string file, World world)
    {
        if (!WitnessPolicy.TryParse(bytes, out var policy, out var problem))
            throw CommandException.Usage($"{file} is no policy: {problem}");
        if (policy.Logs.Count == 0)
            throw CommandException.Usage($"{file} names no log", "a policy that verifies has a line: log <vkey>");
        return new Trust([.. policy.Logs.Select(log => KeyOf(log.Verifier.Key.ToString(), file, world))], new PolicyQuorum(policy), "the policy " + file);
    }

    private static Trust OfLines(byte[] bytes, string file, World world)
    {
        var lines = Encoding.UTF8.GetString(bytes).Split('\n').Select(static (line, i) => (Text: line.Trim(), Number: i + 1)).Where(static line => line.Text.Length > 0 && line.Text[0] != '#').ToList();
        if (lines.Count == 0)
            throw CommandException.Usage($"{file} holds no key", "a verifier key a line: <name>+<8 hex digits>+<base64>; or a tlog-policy");
        return new Trust([.. lines.Select(line => KeyOf(line.Text, string.Create(CultureInfo.InvariantCulture, $"{file}, line {line.Number}"), world))], null, "the file " + file);
    }

    private static bool IsPolicy(ReadOnlySpan<byte> bytes)
    {
        foreach (var line in Encoding.Latin1.GetString(bytes).Split('\n'))
        {
            var words = line.Split([' ', '\t'], 2, StringSplitOptions.RemoveEmptyEntries);
            if (words.Length > 0 && words[0][0] != '#')
                return words.Length == 2 && PolicyWords.Contains(words[0], StringComparer.Ordinal);
        }

        return false;
    }

    private static INoteVerifier KeyOf(string text, string where, World world)
    {
        if (!NoteKey.TryParse(text, out var key, out var problem))
            throw CommandException.Usage($"{where}: not a verifier key: {problem}", "a verifier key is <name>+<8 hex digits>+<base64>");
        if (key.Algorithm is NoteAlgorithm.CosignatureV1)
            throw CommandException.Usage($"{where}: {key.Name} is a witness's key, and a log signs with its own", "witnesses are named in a policy: --trust FILE");
        return world.VerifierOf(key) ?? throw CommandException.Usage($"{where}: the key of {key.Name} is not in canonical form, or none of its algorithm");
    }

    /// <summary>A policy as the port of the verification.</summary>
    private sealed class PolicyQuorum(WitnessPolicy policy) : IWitnessQuorum
    {
        public bool IsMet(SignedNote checkpoint, out IReadOnlyList<string> cosigners, out string problem) => policy.Verify(checkpoint, out cosigners, out problem);
    }
}
