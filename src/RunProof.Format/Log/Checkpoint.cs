using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace RunProof.Format;

/// <summary>The head of a log (C2SP tlog-checkpoint): the text of a signed note.</summary>
/// <param name="Origin">Which log.</param>
/// <param name="Size">Its entries.</param>
/// <param name="Root">The Merkle tree hash over them.</param>
public sealed record Checkpoint(string Origin, long Size, Digest Root)
{
    /// <summary>Further lines. RunProof writes none, and reads those of others.</summary>
    public IReadOnlyList<string> Extensions { get; init; } = [];

    /// <summary>The note text, with its last line end.</summary>
    public string Text =>
        Origin + "\n" + Size.ToString(CultureInfo.InvariantCulture) + "\n" + Convert.ToBase64String(Root.Span) + "\n" + string.Concat(Extensions.Select(static line => line + "\n"));

    /// <summary>Reads the text of a note. Verify the note first.</summary>
    /// <remarks>That a tree without entries has the root H("") is for whoever uses the root to check: <see cref="MerkleProofs"/> does.</remarks>
    /// <param name="text">The text, with its last line end.</param>
    /// <param name="checkpoint">The checkpoint, where it is one.</param>
    /// <param name="problem">What is wrong, where it is none.</param>
    /// <returns>Whether it is.</returns>
    public static bool TryParse(string text, [NotNullWhen(true)] out Checkpoint? checkpoint, out string problem)
    {
        ArgumentNullException.ThrowIfNull(text);
        checkpoint = null;
        problem = "a checkpoint is the lines origin, size and root";
        var lines = text.Split('\n');
        if (lines.Length < 4 || lines[^1].Length > 0 || lines[..^1].Any(static line => line.Length == 0))
            return false;
        problem = $"\"{lines[1]}\" is no tree size";
        if (!TrySize(lines[1], out var size))
            return false;
        problem = "the third line is not the base64 of a 32-byte root";
        if (!Base64Text.TryDigest(lines[2], out var root))
            return false;
        (checkpoint, problem) = (new Checkpoint(lines[0], size, root) { Extensions = lines[3..^1] }, "");
        return true;
    }

    /// <inheritdoc/>
    public bool Equals(Checkpoint? other) => other is not null && string.Equals(Text, other.Text, StringComparison.Ordinal);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Origin, Size, Root);

    /// <summary>A decimal without sign or leading zeros, up to 2^63 − 1.</summary>
    internal static bool TrySize(string text, out long size) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out size) && string.Equals(size.ToString(CultureInfo.InvariantCulture), text, StringComparison.Ordinal);
}
