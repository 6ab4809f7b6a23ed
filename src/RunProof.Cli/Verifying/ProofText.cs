using System.CommandLine;
using System.Globalization;
using System.Text;
using RunProof.Format;

namespace RunProof.Cli;

/// <summary>Hashes, sizes and paths as the plumbing takes them: base64 as in a checkpoint, or hex.</summary>
internal static class ProofText
{
    /// <summary>Hashes that a proof may have.</summary>
    private const int MaxPath = 64;

    /// <summary>Reads a hash.</summary>
    /// <exception cref="CommandException">It is none.</exception>
    internal static Digest Hash(Option<string?> option, Invocation invocation)
    {
        var text = invocation.Get(option) ?? throw CommandException.Usage($"{option.Name} is missing");
        return Base64Text.TryDigest(text, out var hash) || Digest.TryParse(text, out hash) ? hash : throw CommandException.Usage($"{option.Name} {text} is no hash", "a hash is the base64 of 32 bytes, or 64 lower-case hex digits");
    }

    /// <summary>Reads a size or index.</summary>
    /// <exception cref="CommandException">It is missing or negative.</exception>
    internal static long Number(Option<long?> option, Invocation invocation) => invocation.Get(option) switch
    {
        null => throw CommandException.Usage($"{option.Name} is missing"),
        < 0 => throw CommandException.Usage($"{option.Name} is negative"),
        { } number => number,
    };

    /// <summary>Reads the hashes of a proof, a line each.</summary>
    /// <exception cref="CommandException">A line is none, or there are too many.</exception>
    internal static async Task<Digest[]> PathAsync(string file, World world, CancellationToken cancellationToken)
    {
        var text = Encoding.UTF8.GetString(await InputFile.ReadAsync(file, world, cancellationToken, SignedNote.MaxLength));
        var lines = text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        if (lines.Length > MaxPath)
            throw CommandException.Usage(string.Create(CultureInfo.InvariantCulture, $"{file}: a proof has at most {MaxPath} hashes, a line each"));
        return [.. lines.Select(line => Base64Text.TryDigest(line, out var hash) || Digest.TryParse(line, out hash) ? hash : throw CommandException.Usage($"{file}: a line is no hash", "a hash is the base64 of 32 bytes, or 64 lower-case hex digits"))];
    }

    /// <summary>A hash as the plumbing prints it.</summary>
    internal static string Of(Digest hash) => Convert.ToBase64String(hash.Span);
}
