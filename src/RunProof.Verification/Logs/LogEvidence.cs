using System.Globalization;
using RunProof.Format;

namespace RunProof.Verification;

/// <summary>An entry of a log, and its path to a checkpoint's root.</summary>
/// <param name="Position">Its index, from 0.</param>
/// <param name="Text">The entry, as the log has it.</param>
/// <param name="Path">The inclusion path, the leaf's sibling first.</param>
public sealed record EntryInLog(long Position, string Text, IReadOnlyList<Digest> Path);

/// <summary>What a tenant's log says of a trace, as it was read: nothing of it has been checked.</summary>
public sealed record LogEvidence
{
    /// <summary>The published checkpoint; null while there is none.</summary>
    public required SignedNote? Checkpoint { get; init; }

    /// <summary>The log's keys.</summary>
    public required IReadOnlyList<INoteVerifier> Keys { get; init; }

    /// <summary>The trace's opening; null where it is not in the checkpoint's tree.</summary>
    public required EntryInLog? Opened { get; init; }

    /// <summary>The trace's seal; null where it is not in the checkpoint's tree.</summary>
    public required EntryInLog? Sealed { get; init; }

    /// <summary>Whether the opening waits: it is queued, or committed and not published.</summary>
    public required bool AwaitsOpened { get; init; }

    /// <summary>Whether the seal waits.</summary>
    public required bool AwaitsSealed { get; init; }

    /// <summary>Why the log did not let the trace in, where it did not: the finding at that time.</summary>
    public string? Refused { get; init; }

    /// <summary>What says that the trace was sealed; null where nothing does. A trace that is open all the same, in a snapshot younger than this, has lost its seal.</summary>
    public string? SealSeen => Sealed is { } entry ? string.Create(CultureInfo.InvariantCulture, $"entry {entry.Position} of its tenant's log is its seal")
        : AwaitsSealed ? "its seal awaits inclusion in the log"
        // Whoever was let in with its opening was refused with its seal.
        : Refused is { } refused && (Opened is not null || AwaitsOpened) ? "its seal was not let into the log: " + refused
        : null;

    /// <summary>What says that the trace was there; null where nothing does. One that is in no snapshot younger than this was taken away.</summary>
    public string? TraceSeen => SealSeen
        ?? (Opened is { } entry ? string.Create(CultureInfo.InvariantCulture, $"entry {entry.Position} of its tenant's log is its opening")
        : AwaitsOpened ? "its opening awaits inclusion in the log"
        : Refused is { } refused ? "it was not let into the log: " + refused
        : null);
}
