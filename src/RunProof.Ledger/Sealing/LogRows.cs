using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>What a log's entry says of its trace.</summary>
public enum LogEntryKind
{
    /// <summary>That it opened: an <c>OpenedEntry</c>.</summary>
    Opened,

    /// <summary>That it was sealed: a <c>SealedEntry</c>.</summary>
    Sealed,

    /// <summary>Of no trace: that the log goes on under another key, a <c>RotatedEntry</c>.</summary>
    Rotated,
}

/// <summary>A tenant whose log has something to do.</summary>
/// <param name="Tenant">The tenant.</param>
/// <param name="Queued">Entries that await inclusion, counted up to 10,000.</param>
/// <param name="Oldest">Since when the oldest does; null where none does.</param>
/// <param name="IsUnpublished">Whether the head was committed and is not yet published.</param>
public sealed record LogWork(TenantId Tenant, long Queued, DateTimeOffset? Oldest, bool IsUnpublished);

/// <summary>The head of a log as its sealer needs it.</summary>
/// <param name="Tenant">The tenant.</param>
/// <param name="Origin">The origin that the log began with; null for a log that has not begun.</param>
/// <param name="Size">Its entries.</param>
/// <param name="Edge">The hashes of the complete subtrees that make up its tree, the largest first.</param>
/// <param name="Checkpoint">The last signed checkpoint; null for none yet.</param>
/// <param name="Published">What is served; null for nothing yet.</param>
/// <param name="Keys">The log's keys, as they came into use.</param>
public sealed record LogHead(TenantId Tenant, string? Origin, long Size, IReadOnlyList<Digest> Edge, string? Checkpoint, string? Published, IReadOnlyList<LogKey> Keys);

/// <summary>A public key of a log.</summary>
/// <param name="VerifierKey">Its verifier key line.</param>
/// <param name="FromSize">The smallest tree that it signs.</param>
/// <param name="UntilSize">The largest; null for the key in use.</param>
/// <param name="AddedAt">When it came into use.</param>
public sealed record LogKey(string VerifierKey, long FromSize, long? UntilSize, DateTimeOffset AddedAt);

/// <summary>What awaits inclusion. The trace's id is as the row has it, judged by no one.</summary>
/// <param name="TraceId">The trace.</param>
/// <param name="Kind">Opened or sealed.</param>
/// <param name="QueuedAt">When the transaction began that queued it.</param>
/// <param name="IsOpened">Whether the trace's opening is in the log.</param>
/// <param name="IsEntered">Whether this very entry is in the log, so that it only leaves the queue; nobody but a database's owner can queue it again.</param>
public sealed record QueuedEntry(string TraceId, LogEntryKind Kind, DateTimeOffset QueuedAt, bool IsOpened, bool IsEntered = false);

/// <summary>An entry of a log.</summary>
/// <param name="Position">Its index, from 0, without gaps.</param>
/// <param name="Kind">What it says.</param>
/// <param name="TraceId">The trace; null for a rotation.</param>
/// <param name="RunId">The run; null for a rotation.</param>
/// <param name="Text">The entry: canonical JSON, whose UTF-8 is the leaf's data.</param>
public sealed record LoggedEntry(long Position, LogEntryKind Kind, string? TraceId, string? RunId, string Text);

/// <summary>What did not verify when its turn came.</summary>
/// <param name="TraceId">The trace.</param>
/// <param name="Kind">Opened or sealed.</param>
/// <param name="Code">The finding's code.</param>
/// <param name="Place">Where.</param>
/// <param name="Message">A sentence that names the place too.</param>
/// <param name="QuarantinedAt">When.</param>
public sealed record QuarantinedEntry(string TraceId, LogEntryKind Kind, string Code, string Place, string Message, DateTimeOffset QuarantinedAt);

/// <summary>New hashes of a tile, behind those that it has.</summary>
/// <param name="Level">The level of tiles.</param>
/// <param name="Index">The tile's place in its level.</param>
/// <param name="Width">Hashes that it has already; 0 for a new one.</param>
/// <param name="Bytes">The new ones, 32 bytes each.</param>
public sealed record TileGrowth(int Level, long Index, int Width, ReadOnlyMemory<byte> Bytes);

/// <summary>A step of a log: entries, and what follows from them; or, without entries, only what goes to quarantine.</summary>
public sealed record LogCommit
{
    /// <summary>The tenant.</summary>
    public required TenantId Tenant { get; init; }

    /// <summary>The log's origin; a log that has not begun begins with it.</summary>
    public required string Origin { get; init; }

    /// <summary>The checkpoint that this was built on; null for none. Only while it is the head's does the step happen.</summary>
    public required string? Before { get; init; }

    /// <summary>The new checkpoint, signed; null where nothing enters.</summary>
    public required string? Checkpoint { get; init; }

    /// <summary>Whether the new checkpoint is published by this very step, since no witness is asked.</summary>
    public required bool Publish { get; init; }

    /// <summary>Entries after the step.</summary>
    public required long Size { get; init; }

    /// <summary>The tree's right edge after the step.</summary>
    public required IReadOnlyList<Digest> Edge { get; init; }

    /// <summary>What enters, by position.</summary>
    public required IReadOnlyList<LoggedEntry> Entries { get; init; }

    /// <summary>The tiles that grow.</summary>
    public required IReadOnlyList<TileGrowth> Tiles { get; init; }

    /// <summary>What is not let in.</summary>
    public required IReadOnlyList<QuarantinedEntry> Quarantine { get; init; }

    /// <summary>What leaves the queue. All of it must still be there.</summary>
    public IReadOnlyList<QueuedEntry> Taken { get; init; } = [];

    /// <summary>Keys that sign from this step on, or for the last time with it.</summary>
    public IReadOnlyList<LogKey> Keys { get; init; } = [];

    /// <summary>When.</summary>
    public required DateTimeOffset Time { get; init; }
}

/// <summary>What there is of a level of tiles.</summary>
/// <param name="Level">The level.</param>
/// <param name="Tiles">Tiles.</param>
/// <param name="Hashes">Hashes in them.</param>
public sealed record TileLevel(int Level, long Tiles, long Hashes);

/// <summary>How far logs are behind.</summary>
/// <param name="Queued">Entries that await inclusion.</param>
/// <param name="Sealed">Seals among them.</param>
/// <param name="Oldest">Since when the oldest waits; null where none does.</param>
/// <param name="Quarantined">Entries in quarantine.</param>
public sealed record LogLag(long Queued, long Sealed, DateTimeOffset? Oldest, long Quarantined);
