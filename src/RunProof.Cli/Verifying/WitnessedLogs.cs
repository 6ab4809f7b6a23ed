using System.Globalization;
using System.Text;
using RunProof.Format;
using RunProof.Keys;
using RunProof.Witness;

namespace RunProof.Cli;

/// <summary>The logs that a witness watches, from a file: <c>&lt;vkey&gt; [origin]</c> a line, or the log lines of a tlog-policy.</summary>
internal static class WitnessedLogs
{
    /// <summary>Reads the file.</summary>
    /// <exception cref="CommandException">It cannot be read, or names no log.</exception>
    internal static async Task<IReadOnlyDictionary<string, IReadOnlyList<INoteVerifier>>> ReadAsync(string file, World world, CancellationToken cancellationToken)
    {
        var logs = new Dictionary<string, List<INoteVerifier>>(StringComparer.Ordinal);
        var lines = Encoding.UTF8.GetString(await InputFile.ReadAsync(file, world, cancellationToken, WitnessPolicy.MaxLength)).Split('\n');
        for (var i = 0; i < lines.Length; i++)
        {
            var words = lines[i].Split([' ', '\t', '\r'], StringSplitOptions.RemoveEmptyEntries);
            // In a policy the word after the key is a URL, and other lines are of witnesses.
            if (words.Length == 0 || words[0][0] == '#' || words[0] is "witness" or "group" or "quorum")
                continue;
            var (key, origin) = words[0] == "log" ? (words.ElementAtOrDefault(1) ?? "", null) : (words[0], words.ElementAtOrDefault(1));
            var verifier = KeyOf(key, file, i + 1, world);
            if (!logs.TryGetValue(origin ?? verifier.Key.Name, out var keys))
                logs.Add(origin ?? verifier.Key.Name, keys = []);
            keys.Add(verifier);
        }

        if (logs.Count == 0)
            throw CommandException.Usage($"{file} names no log", "a line each: <vkey> [origin], or a tlog-policy's: log <vkey>");
        return logs.ToDictionary(static log => log.Key, static IReadOnlyList<INoteVerifier> (log) => log.Value, StringComparer.Ordinal);
    }

    private static INoteVerifier KeyOf(string text, string file, int line, World world)
    {
        var where = string.Create(CultureInfo.InvariantCulture, $"{file}, line {line}");
        if (!NoteKey.TryParse(text, out var key, out var problem))
            throw CommandException.Usage($"{where}: not a verifier key: {problem}");
        if (key.Algorithm is NoteAlgorithm.CosignatureV1 || world.VerifierOf(key) is not { } verifier)
            throw CommandException.Usage($"{where}: the key of {key.Name} is none that a log signs with");
        return verifier;
    }
}
