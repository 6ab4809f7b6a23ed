using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;

namespace RunProof.Format;

/// <summary>That an entry is in a log, in one text (C2SP tlog-proof): its index, its path and a checkpoint.</summary>
/// <param name="Index">The entry's index, from 0.</param>
/// <param name="Path">The inclusion path, the leaf's sibling first.</param>
/// <param name="Checkpoint">The signed checkpoint, verbatim.</param>
public sealed record TlogProof(long Index, IReadOnlyList<Digest> Path, SignedNote Checkpoint)
{
    private const string FirstLine = "c2sp.org/tlog-proof@v1";

    /// <summary>Hashes that a path may have: a tree has fewer than 2^63 leaves.</summary>
    public const int MaxPath = 63;

    /// <summary>Reads a proof. One spelling of each is accepted; the line <c>extra</c>, which nothing authenticates, is passed over.</summary>
    /// <param name="text">The proof.</param>
    /// <param name="proof">The proof, where the form is right.</param>
    /// <param name="problem">What is wrong, where it is not.</param>
    /// <returns>Whether it is.</returns>
    public static bool TryParse(string text, [NotNullWhen(true)] out TlogProof? proof, out string problem)
    {
        ArgumentNullException.ThrowIfNull(text);
        proof = null;
        problem = "a tlog-proof is a head, an empty line and a checkpoint";
        var end = text.IndexOf("\n\n", StringComparison.Ordinal);
        if (text.Length > SignedNote.MaxLength || end < 0)
            return false;
        var lines = text[..end].Split('\n');
        problem = $"the first line is not {FirstLine}";
        if (lines[0] != FirstLine)
            return false;
        var at = lines.Length > 1 && lines[1].StartsWith("extra ", StringComparison.Ordinal) ? 2 : 1;
        problem = "the line extra is not base64";
        if (at == 2 && !Base64Text.TryDecode(lines[1]["extra ".Length..], out _))
            return false;
        problem = "there is no line \"index <decimal>\"";
        if (lines.Length <= at || !lines[at].StartsWith("index ", StringComparison.Ordinal) || !RunProof.Format.Checkpoint.TrySize(lines[at]["index ".Length..], out var index))
            return false;
        problem = $"the path is at most {MaxPath} lines, each the base64 of a 32-byte hash";
        if (!TryPath(lines.AsSpan(at + 1), out var path))
            return false;
        // Well-formed UTF-16 cannot be told from the string alone: the note's bytes must be those of the text.
        if (!SignedNote.TryParse(Encoding.UTF8.GetBytes(text[(end + 2)..]), out var checkpoint, out problem))
            return false;
        proof = new TlogProof(index, path, checkpoint);
        return true;
    }

    /// <summary>The proof's text.</summary>
    /// <returns>The text.</returns>
    public override string ToString() =>
        FirstLine + "\nindex " + Index.ToString(CultureInfo.InvariantCulture) + "\n" + string.Concat(Path.Select(static hash => Convert.ToBase64String(hash.Span) + "\n")) + "\n" + Checkpoint;

    private static bool TryPath(ReadOnlySpan<string> lines, out Digest[] path)
    {
        path = new Digest[Math.Min(lines.Length, MaxPath)];
        if (lines.Length > MaxPath)
            return false;
        for (var i = 0; i < lines.Length; i++)
        {
            if (!Base64Text.TryDigest(lines[i], out path[i]))
                return false;
        }

        return true;
    }
}
