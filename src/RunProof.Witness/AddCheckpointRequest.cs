using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using RunProof.Format;

namespace RunProof.Witness;

/// <summary>What a log asks of a witness (C2SP tlog-witness, <c>add-checkpoint</c>).</summary>
/// <param name="OldSize">The size that the log believes the witness has seen last; 0 for none.</param>
/// <param name="Proof">The consistency proof from there.</param>
/// <param name="Checkpoint">The signed checkpoint.</param>
public sealed record AddCheckpointRequest(long OldSize, IReadOnlyList<Digest> Proof, SignedNote Checkpoint)
{
    /// <summary>Proof lines that a request may have.</summary>
    public const int MaxProof = 63;

    /// <summary>Reads a request's body.</summary>
    /// <param name="body">The body.</param>
    /// <param name="request">The request, where the form is right.</param>
    /// <param name="origin">The log that the checkpoint names; null where what stands before the checkpoint is wrong already.</param>
    /// <param name="problem">What is wrong, where the form is not right.</param>
    /// <returns>Whether it is.</returns>
    public static bool TryParse(ReadOnlySpan<byte> body, [NotNullWhen(true)] out AddCheckpointRequest? request, out string? origin, out string problem)
    {
        (request, origin) = (null, null);
        var end = body.IndexOf("\n\n"u8);
        problem = "a request is \"old <size>\", proof lines, an empty line and a checkpoint";
        if (end < 0 || body.Length > SignedNote.MaxLength || !body.StartsWith("old "u8))
            return false;
        var lines = Encoding.Latin1.GetString(body[..end]).Split('\n');
        problem = "the old size is no decimal";
        if (!long.TryParse(lines[0]["old ".Length..], NumberStyles.None, CultureInfo.InvariantCulture, out var old) || lines[0] != string.Create(CultureInfo.InvariantCulture, $"old {old}"))
            return false;
        problem = $"the proof is at most {MaxProof} lines, each the base64 of a 32-byte hash";
        if (lines.Length - 1 > MaxProof || !TryProof(lines.AsSpan(1), out var proof))
            return false;
        var note = body[(end + 2)..];
        origin = Encoding.UTF8.GetString(note[..Math.Max(0, note.IndexOf((byte)'\n'))]);
        if (!SignedNote.TryParse(note, out var checkpoint, out problem))
            return false;
        request = new AddCheckpointRequest(old, proof, checkpoint);
        return true;
    }

    /// <summary>The body.</summary>
    /// <returns>The text.</returns>
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"old {OldSize}\n") + string.Concat(Proof.Select(static hash => Convert.ToBase64String(hash.Span) + "\n")) + "\n" + Checkpoint;

    private static bool TryProof(ReadOnlySpan<string> lines, out Digest[] proof)
    {
        proof = new Digest[lines.Length];
        for (var i = 0; i < lines.Length; i++)
        {
            if (!Base64Text.TryDigest(lines[i], out proof[i]))
                return false;
        }

        return true;
    }
}
