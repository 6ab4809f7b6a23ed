using System.Diagnostics.CodeAnalysis;
using RunProof.Format;

namespace RunProof.Verification;

/// <summary>A log's head that one of its keys signed. The one judge of heads and of what they cover, for traces of a store and for files alike.</summary>
/// <param name="Checkpoint">The head.</param>
/// <param name="Signers">The keys that did, whose name is the head's origin: one, or at the hand-over of a log two.</param>
internal sealed record SignedHead(Checkpoint Checkpoint, IReadOnlyList<NoteKey> Signers)
{
    /// <summary>Judges a signed note as the head of a log.</summary>
    /// <param name="note">The note.</param>
    /// <param name="keys">The log's keys, as far as they are known.</param>
    /// <param name="tenant">Whose log it must be; null where any will do.</param>
    /// <param name="head">The head, where it may be relied on as far as those keys may.</param>
    /// <param name="problem">Why it must not be, where it must not.</param>
    /// <exception cref="PlatformNotSupportedException">Signatures cannot be verified on this machine.</exception>
    internal static bool TryJudge(SignedNote note, IReadOnlyList<INoteVerifier> keys, string? tenant, [NotNullWhen(true)] out SignedHead? head, out string problem)
    {
        head = null;
        if (!note.Verify(keys, out var signers, out problem) || !Checkpoint.TryParse(note.Text, out var checkpoint, out problem))
            return false;
        signers = [.. signers.Where(key => key.Name == checkpoint.Origin)];
        problem = signers.Count == 0 ? $"its origin {checkpoint.Origin} is not the name of the key that signed it"
            : tenant is not null && !checkpoint.Origin.EndsWith("/" + tenant, StringComparison.Ordinal) ? $"{checkpoint.Origin} is another tenant's log"
            : checkpoint.Size == 0 && checkpoint.Root != MerkleTree.EmptyRoot ? "its tree has no entries, and its root is not that of an empty tree"
            : "";
        head = problem.Length == 0 ? new SignedHead(checkpoint, signers) : null;
        return head is not null;
    }

    /// <summary>Whether a head covers an entry at an index.</summary>
    /// <param name="head">The head.</param>
    /// <param name="index">The entry's index; a negative one is none.</param>
    /// <param name="entry">The entry's bytes.</param>
    /// <param name="path">The path from its leaf to the root.</param>
    internal static bool Covers(Checkpoint head, long index, ReadOnlySpan<byte> entry, IReadOnlyList<Digest> path) =>
        index >= 0 && MerkleProofs.VerifyInclusion((ulong)index, (ulong)head.Size, MerkleTree.LeafHash(entry), [.. path], head.Root);
}
