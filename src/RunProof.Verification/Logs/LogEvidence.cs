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
}
