using System.Globalization;
using System.Text;
using RunProof.Format;
using RunProof.Tiles;
using RunProof.Verification;

namespace RunProof.Ledger;

/// <summary>What <see cref="LogFsck"/> found.</summary>
/// <param name="Entries">Entries that were read.</param>
/// <param name="Tiles">Hash tiles that were rebuilt and compared.</param>
/// <param name="Root">The root that the entries give.</param>
/// <param name="Findings">What does not fit; none for a log that is whole. At most <see cref="LogFsck.MaxFindings"/>.</param>
public sealed record LogFsckReport(long Entries, long Tiles, Digest Root, IReadOnlyList<Finding> Findings)
{
    /// <summary>Findings beyond those.</summary>
    public long FindingsOmitted { get; init; }
}

/// <summary>
/// Rebuilds from a log's entries all that is derived from them, by the recursive definition and not by the code that wrote it, and compares: positions, what
/// the rows say of their entries, hash tiles, head, signatures. It reads no trace: that the entries are true to the traces an audit says.
/// </summary>
/// <remarks>Memory: a path of hashes, the tiles under comparison, and the id of each trace that opened and was not sealed.</remarks>
public sealed class LogFsck
{
    /// <summary>Findings that are kept.</summary>
    public const int MaxFindings = 1000;

    private const int TilesAtOnce = 64;

    private readonly ILogReader _reader;
    private readonly TenantId _tenant;
    private readonly List<Finding> _findings = [];
    private readonly HashSet<string> _open = new(StringComparer.Ordinal);
    private readonly List<List<Digest>> _levels = [];
    private readonly List<long> _complete = [];
    private readonly List<(TileAddress Tile, byte[] Bytes)> _pending = [];
    private long _entries;
    private long _tiles;
    private long _omitted;

    private LogFsck(ILogReader reader, TenantId tenant) => (_reader, _tenant) = (reader, tenant);

    /// <summary>Checks a tenant's log. Entries that are committed meanwhile are left out.</summary>
    /// <param name="reader">The log.</param>
    /// <param name="tenant">The tenant.</param>
    /// <param name="keys">The log's keys, from elsewhere than the log; empty where there is none, and then no signature is checked.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="LogStoreException">The log cannot be read.</exception>
    /// <returns>What was found. A log that has not begun is whole.</returns>
    public static async Task<LogFsckReport> CheckAsync(ILogReader reader, TenantId tenant, IReadOnlyList<INoteVerifier> keys, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(reader);
        ArgumentNullException.ThrowIfNull(keys);
        return await new LogFsck(reader, tenant).CheckAsync(keys, cancellationToken).ConfigureAwait(false);
    }

    private async Task<LogFsckReport> CheckAsync(IReadOnlyList<INoteVerifier> keys, CancellationToken cancellationToken)
    {
        var log = await _reader.FindAsync(_tenant, cancellationToken).ConfigureAwait(false);
        await foreach (var entry in _reader.ReadEntriesAsync(_tenant, 0, log?.Size ?? long.MaxValue, cancellationToken).ConfigureAwait(false))
            await TakeAsync(entry, cancellationToken).ConfigureAwait(false);
        await CompareLastTilesAsync(cancellationToken).ConfigureAwait(false);
        var root = Root();
        if (log is null)
        {
            if (_entries > 0)
                Find("LOG_HEAD_MISSING", "head", string.Create(CultureInfo.InvariantCulture, $"is missing, though there are {_entries} entries"));
        }
        else
        {
            await CompareHeadAsync(log, root, keys, cancellationToken).ConfigureAwait(false);
        }

        return new LogFsckReport(_entries, _tiles, root, _findings) { FindingsOmitted = _omitted };
    }

    private async Task TakeAsync(LoggedEntry entry, CancellationToken cancellationToken)
    {
        var place = string.Create(CultureInfo.InvariantCulture, $"entries[{_entries}]");
        if (entry.Position != _entries)
            Find("LOG_POSITION_GAP", place, string.Create(CultureInfo.InvariantCulture, $"is missing; the next one is {entry.Position}"));
        var bytes = Encoding.UTF8.GetBytes(entry.Text);
        if (ProblemOf(entry, bytes) is { } problem)
            Find("LOG_ENTRY_MISMATCH", place, problem);
        _entries++;
        Append(0, MerkleTree.LeafHash(bytes));
        if (_pending.Count >= TilesAtOnce)
            await CompareTilesAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>What a row says beside its entry, and the order of a trace's two.</summary>
    private string? ProblemOf(LoggedEntry entry, byte[] bytes)
    {
        switch (entry.Kind)
        {
            case LogEntryKind.Opened:
                if (!CanonicalBytes.TryRead<OpenedEntry>(bytes, out var opened, out _) || opened.Kind != OpenedEntry.KindOpened)
                    return "is no entry of a trace's opening in canonical form";
                if (!Fits(entry, opened.Format, opened.TenantId, opened.TraceId, opened.RunId))
                    return "is of another tenant, trace or run than its row says";
                return _open.Add(opened.TraceId.Value) ? null : $"opens trace {opened.TraceId} a second time";
            case LogEntryKind.Sealed:
                if (!CanonicalBytes.TryRead<SealedEntry>(bytes, out var closed, out _) || closed.Kind != SealedEntry.KindSealed)
                    return "is no entry of a trace's seal in canonical form";
                if (!Fits(entry, closed.Format, closed.TenantId, closed.TraceId, closed.RunId))
                    return "is of another tenant, trace or run than its row says";
                return _open.Remove(closed.TraceId.Value) ? null : $"seals trace {closed.TraceId}, which did not open before it, or was sealed already";
            default:
                if (!CanonicalBytes.TryRead<RotatedEntry>(bytes, out var rotated, out _) || rotated.Kind != RotatedEntry.KindRotated || rotated.TenantId != _tenant)
                    return "is no entry of a hand-over in canonical form";
                return Keys.KeyHandOver.Verify(rotated, out var problem) ? null : problem;
        }
    }

    private bool Fits(LoggedEntry entry, string format, TenantId tenant, TraceId trace, RunId run) =>
        format == TraceHeader.CurrentFormat && tenant == _tenant && trace.Value == entry.TraceId && run.Value == entry.RunId;

    /// <summary>A row of tiles: when 256 hashes are together they are a tile, whose own hash belongs to the row above.</summary>
    private void Append(int level, Digest hash)
    {
        if (_levels.Count == level)
        {
            _levels.Add(new List<Digest>(TileAddress.FullWidth));
            _complete.Add(0);
        }

        _levels[level].Add(hash);
        if (_levels[level].Count < TileAddress.FullWidth)
            return;
        var full = _levels[level].ToArray();
        _pending.Add((new TileAddress(TileKind.Hashes, level, _complete[level]++, TileAddress.FullWidth), HashTile.Format(full)));
        _levels[level].Clear();
        Append(level + 1, TreeHash(full));
    }

    /// <summary>The tree's root, by RFC 6962's definition over what is left in each row: rows above are to the left.</summary>
    private Digest Root()
    {
        Digest? right = null;
        foreach (var row in _levels)
        {
            // The rest of a row is a tree of its own whose last leaf is what the rows below make.
            if (row.Count > 0)
                right = right is { } below ? WithLast(row.ToArray(), below) : TreeHash(row.ToArray());
        }

        return right ?? MerkleTree.EmptyRoot;
    }

    /// <summary>The tree over complete subtrees of one size and a smaller one behind them.</summary>
    private static Digest WithLast(ReadOnlySpan<Digest> complete, Digest last)
    {
        if (complete.IsEmpty)
            return last;
        var left = 1 << System.Numerics.BitOperations.Log2((uint)complete.Length);
        return MerkleTree.NodeHash(TreeHash(complete[..left]), WithLast(complete[left..], last));
    }

    private static Digest TreeHash(ReadOnlySpan<Digest> leaves)
    {
        if (leaves.Length == 1)
            return leaves[0];
        var left = (int)(System.Numerics.BitOperations.RoundUpToPowerOf2((uint)leaves.Length) / 2);
        return MerkleTree.NodeHash(TreeHash(leaves[..left]), TreeHash(leaves[left..]));
    }

    private async Task CompareLastTilesAsync(CancellationToken cancellationToken)
    {
        for (var level = 0; level < _levels.Count; level++)
        {
            if (_levels[level].Count > 0)
                _pending.Add((new TileAddress(TileKind.Hashes, level, _complete[level], _levels[level].Count), HashTile.Format(_levels[level].ToArray())));
        }

        await CompareTilesAsync(cancellationToken).ConfigureAwait(false);
    }

    private async Task CompareTilesAsync(CancellationToken cancellationToken)
    {
        var stored = await _reader.ReadTilesAsync(_tenant, [.. _pending.Select(each => each.Tile)], cancellationToken).ConfigureAwait(false);
        foreach (var (tile, bytes) in _pending)
        {
            _tiles++;
            if (!stored.TryGetValue(tile, out var found))
                Find("LOG_TILE_MISMATCH", tile.Path, "is missing or too narrow");
            else if (!found.Span.SequenceEqual(bytes))
                Find("LOG_TILE_MISMATCH", tile.Path, "is not what its entries give");
        }

        _pending.Clear();
    }

    private async Task CompareHeadAsync(ServedLog log, Digest root, IReadOnlyList<INoteVerifier> keys, CancellationToken cancellationToken)
    {
        if (log.Size != _entries)
            Find("LOG_HEAD_MISMATCH", "head.size", string.Create(CultureInfo.InvariantCulture, $"is {log.Size}, and there are {_entries} entries"));
        CompareNote(log, log.Checkpoint, "head.checkpoint", root, keys);
        if (log.Published is { } published && published != log.Checkpoint)
            CompareNote(log, published, "head.published", root: null, keys);
        // A commit that comes between only adds; fewer or narrower tiles were found above.
        var now = await _reader.FindAsync(_tenant, cancellationToken).ConfigureAwait(false);
        if (now?.Size != log.Size)
            return;
        await foreach (var entry in _reader.ReadEntriesAsync(_tenant, log.Size, 1, cancellationToken).ConfigureAwait(false))
            Find("LOG_HEAD_MISMATCH", "head.size", string.Create(CultureInfo.InvariantCulture, $"is {log.Size}, and there is an entry {entry.Position}"));
        foreach (var level in await _reader.MeasureTilesAsync(_tenant, cancellationToken).ConfigureAwait(false))
        {
            var hashes = TileAddress.HashesAt(_entries, level.Level);
            if (level.Hashes != hashes)
                Find("LOG_TILE_MISMATCH", string.Create(CultureInfo.InvariantCulture, $"tile/{level.Level}"), string.Create(CultureInfo.InvariantCulture, $"has {level.Hashes} hashes where {_entries} entries give {hashes}"));
        }
    }

    private void CompareNote(ServedLog log, string text, string place, Digest? root, IReadOnlyList<INoteVerifier> keys)
    {
        if (!SignedNote.TryParse(Encoding.UTF8.GetBytes(text), out var note, out var problem) || !Checkpoint.TryParse(note.Text, out var checkpoint, out problem))
            Find("LOG_HEAD_MISMATCH", place, "is no checkpoint: " + problem);
        else if (checkpoint.Origin != log.Origin)
            Find("LOG_HEAD_MISMATCH", place, $"is of {checkpoint.Origin}, not of {log.Origin}");
        else if (keys.Count > 0 && !note.Verify(keys, out _, out problem))
            Find("CHECKPOINT_REFUSED", place, problem);
        else if (root is { } given && (checkpoint.Size != _entries || checkpoint.Root != given))
            Find("LOG_HEAD_MISMATCH", place, string.Create(CultureInfo.InvariantCulture, $"signs {checkpoint.Size} entries with root {checkpoint.Root}, and the {_entries} entries give {given}"));
        else if (checkpoint.Size > log.Size)
            Find("LOG_HEAD_MISMATCH", place, string.Create(CultureInfo.InvariantCulture, $"signs {checkpoint.Size} entries, more than the log has"));
    }

    private void Find(string code, string place, string said)
    {
        if (_findings.Count < MaxFindings)
            _findings.Add(new Finding(code, place, place + ": " + said));
        else
            _omitted++;
    }
}
