using System.Globalization;
using System.Text;
using RunProof.Format;
using RunProof.Keys;

namespace RunProof.Ledger;

/// <summary>Whether a log's head may be continued with a key.</summary>
internal static class HeadCheck
{
    /// <summary>The tree of a head, once the key's own signature vouches for it.</summary>
    /// <exception cref="LogHaltedException">It does not.</exception>
    internal static LogTree Continue(LogHead head, string origin, NoteKey key)
    {
        if (head.Origin is { } name && name != origin)
            throw new LogHaltedException($"the log of tenant {head.Tenant} began as {name} and a log keeps its name: set RunProof:Log:Name so that it is not {origin}");
        if (head.Keys.FirstOrDefault(each => each.VerifierKey == key.ToString()) is { UntilSize: { } until })
            throw new LogHaltedException(string.Create(
                CultureInfo.InvariantCulture, $"the log {origin} was handed over by key {key.Id:x8} to another at {until} entries: give this service the key in use, or finish the rotation (runproof keys log rotate)"), isKeyRetired: true);
        var tree = Tree(head);
        if (head.Checkpoint is not { } text)
            return tree.Size == 0 ? tree : throw Damaged(head, "has entries and no checkpoint");
        if (!SignedNote.TryParse(Encoding.UTF8.GetBytes(text), out var note, out var problem))
            throw Damaged(head, $"has a checkpoint that is none: {problem}");
        if (!NoteVerifier.TryCreate(key, out var verifier, out problem) || !note.Verify([verifier], out _, out problem))
            throw new LogHaltedException($"the checkpoint of the log {origin} is not signed by this service's key {key}: {problem}. Was the key file replaced? Use the one that the log's keys name, or rotate the key");
        if (!Checkpoint.TryParse(note.Text, out var checkpoint, out problem))
            throw Damaged(head, $"has a signed checkpoint that is none: {problem}");
        if (checkpoint.Origin != origin || checkpoint.Size != tree.Size || checkpoint.Root != tree.Root())
            throw Damaged(head, "has a size or an edge that do not give the root it signed");
        return tree;
    }

    private static LogTree Tree(LogHead head)
    {
        try
        {
            return new LogTree(head.Size, head.Edge);
        }
        catch (ArgumentException)
        {
            throw Damaged(head, "has an edge of another size");
        }
    }

    private static LogHaltedException Damaged(LogHead head, string what) =>
        new($"the head of the log of tenant {head.Tenant} {what}: it was changed behind this service's back. Nothing is signed; compare with runproof log fsck and a saved checkpoint");
}
