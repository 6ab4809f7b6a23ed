using System.Globalization;
using System.Text;
using RunProof.Format;
using RunProof.Tiles;
using RunProof.Verification;

namespace RunProof.Ledger;

/// <summary>
/// Audits a tenant's whole log against the evidence in the database: every entry is derived anew from its trace's columns, the tree is rebuilt from the entries, and
/// held against the signed checkpoint and against what an earlier audit remembers; openings and seals are paired, and what no entry leads to is named.
/// </summary>
/// <remarks>
/// Memory: a few rows for each worker, a path of hashes, and the findings that are kept; nothing grows with the log. Hash tiles are not read, but for where the audit
/// begins with <see cref="AuditOptions.From"/>: <see cref="LogFsck"/> compares them.
/// </remarks>
public sealed class LogAudit
{
    private readonly IAuditSource _source;
    private readonly ILogReader _log;
    private readonly IEvidenceStore _evidence;
    private readonly TenantId _tenant;
    private readonly AuditState? _prior;
    private readonly AuditOptions _options;
    private readonly TimeProvider _clock;
    private readonly AuditFindings _findings;
    private readonly OpeningOrder _openings;
    private readonly List<(long Position, RotatedEntry Entry)> _handOvers = [];
    private readonly List<Earlier> _earlier = [];
    private AuditCounts _counts = new();
    private long _quarantined;

    private LogAudit(IAuditSource source, ILogReader log, IEvidenceStore evidence, TenantId tenant, AuditState? prior, AuditOptions options, TimeProvider clock)
    {
        (_source, _log, _evidence, _tenant, _prior, _options, _clock) = (source, log, evidence, tenant, prior, options, clock);
        _findings = new AuditFindings(options.MaxFindings);
        _openings = new OpeningOrder(options.ClockTolerance);
    }

    /// <summary>Audits a log. Entries that are committed meanwhile are left to the next audit.</summary>
    /// <param name="source">The log with its evidence, in bulk.</param>
    /// <param name="log">The log.</param>
    /// <param name="evidence">Evidence, trace by trace: for what does not hold.</param>
    /// <param name="tenant">The tenant.</param>
    /// <param name="prior">What is remembered of the log; null for nothing. An audit that it says was broken off, of the same kind, goes on where it was.</param>
    /// <param name="options">What is asked for.</param>
    /// <param name="clock">The auditor's clock.</param>
    /// <param name="tick">Is told how far the audit is, often; may be null.</param>
    /// <param name="save">Is handed what to keep so that an audit that is interrupted can go on: now and then, and when it is cancelled; may be null.</param>
    /// <param name="cancellationToken">Interrupts.</param>
    /// <exception cref="LogStoreException">The log or the evidence cannot be read.</exception>
    /// <exception cref="ArgumentException">An option is beyond its limits, or the audit would begin beyond the log's end.</exception>
    /// <exception cref="PlatformNotSupportedException">No libcrypto of OpenSSL 3 can be loaded, so no signature can be verified.</exception>
    /// <returns>What was found.</returns>
    public static Task<AuditReport> RunAsync(
        IAuditSource source, ILogReader log, IEvidenceStore evidence, TenantId tenant, AuditState? prior, AuditOptions options, TimeProvider clock, Action<AuditTick>? tick, Action<AuditState>? save,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(log);
        ArgumentNullException.ThrowIfNull(evidence);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(clock);
        options.Validate();
        return new LogAudit(source, log, evidence, tenant, prior, options, clock).RunAsync(tick, save, cancellationToken);
    }

    private async Task<AuditReport> RunAsync(Action<AuditTick>? tick, Action<AuditState>? save, CancellationToken cancellationToken)
    {
        // 1. What is audited: the last committed checkpoint. The lag before the head, so that what comes later is known to be newer.
        var began = _clock.GetUtcNow();
        var lag = await _log.ReadLagAsync(_tenant, cancellationToken).ConfigureAwait(false);
        var head = await _log.FindAsync(_tenant, cancellationToken).ConfigureAwait(false);
        var size = head?.Size ?? 0;
        if (head is null)
            await FindHeadlessAsync(cancellationToken).ConfigureAwait(false);
        var signed = head is null ? null : Parse(head.Checkpoint, "checkpoint", head);
        var published = head?.Published is { } text && text != head.Checkpoint ? Parse(text, "published", head) : signed;

        // 2. What it must continue. An audit that was broken off goes on where it was: the edge of its tree is the auditor's own, whatever became of the entries since.
        var resumed = _prior?.Progress is { } progress && progress.Kind == _options.Kind && progress.Position <= size && (_options.From == 0 || _options.From == progress.From) ? progress : null;
        var from = resumed?.From ?? _options.From;
        if (from > size)
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"the log has {size} entries: an audit cannot begin at {from}"));
        if (resumed is not null)
        {
            _counts = AuditCounts.Of(resumed.Counts);
            _findings.Take(resumed.Findings, resumed.FindingCounts);
        }

        var tree = resumed is not null ? new CompactRange(resumed.Position, resumed.Edge) : await BeginAsync(from, size, cancellationToken).ConfigureAwait(false);
        await RecallAsync(resumed, tree, size, cancellationToken).ConfigureAwait(false);
        var keys = await ReadKeysAsync(tree.End, size, cancellationToken).ConfigureAwait(false);
        var mayKeep = signed is not null && keys.Any(signed.Note);

        // 3. Entries and evidence, range by range, several at once, put together in order.
        var newer = _prior?.Audited is { NewerThan: { } time } audited ? (audited.Size, time) : ((long, DateTimeOffset)?)null;
        var scope = new AuditScope(_source, _evidence, _tenant, size, _options, began, newer);
        Digest? publishedRoot = published?.Checkpoint.Size == tree.End ? tree.Root() : null;
        var saved = _clock.GetTimestamp();
        try
        {
            await foreach (var result in new AuditRanges(scope, _clock).RunAsync(tree.End, [.. _earlier.Select(static each => each.Size), published?.Checkpoint.Size ?? 0], cancellationToken).ConfigureAwait(false))
            {
                Take(result, tree);
                if (published?.Checkpoint.Size == tree.End)
                    publishedRoot = tree.Root();
                tick?.Invoke(new AuditTick(tree.End, size, _counts, _findings.Count));
                if (_clock.GetElapsedTime(saved) < _options.SaveEvery)
                    continue;
                Save();
                saved = _clock.GetTimestamp();
            }
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            Save();
            throw;
        }

        // 4. What no entry leads to.
        await FindBeyondAsync(head, cancellationToken).ConfigureAwait(false);
        await foreach (var stray in _source.FindStraysAsync(_tenant, cancellationToken).ConfigureAwait(false))
            Take(stray);

        // 5. The signature, by a key that was given or that such a one handed the log over to; and what is served.
        keys.Follow(_handOvers, (position, said) => Find(AuditCodes.KeyMismatch, position, position is { } at ? PlaceOf(at) : "keys", said));
        var root = tree.Root();
        if (signed is not null && (signed.Checkpoint.Size != size || signed.Checkpoint.Root != root))
            Find(AuditCodes.RootMismatch, null, "checkpoint", string.Create(CultureInfo.InvariantCulture, $"signs {signed.Checkpoint.Size} entries with root {signed.Checkpoint.Root}, and the {size} entries give {root}"));
        var signer = signed is null ? null : SignerOf(signed, "checkpoint", keys);
        if (published is not null && published != signed)
            FindPublished(published, publishedRoot, size, keys);
        var quorum = QuorumOf(published);

        return new AuditReport
        {
            Origin = head?.Origin,
            Checkpoint = signed?.Checkpoint,
            From = from,
            Size = size,
            Root = root,
            Key = signer?.ToString(),
            IsKeyIndependent = signer is not null && keys.IsIndependent,
            Counts = _counts,
            Checks = AuditChecks.Of(new AuditOutcome(_options, _prior, head, signed?.Checkpoint, signer, keys, from, size, root, _earlier, _counts, _findings, quorum)),
            Findings = _findings,
            Quarantined = _quarantined,
            Next = signer is null || signed!.Checkpoint.Root != root || signed.Checkpoint.Size != size || _earlier.Exists(static each => each.IsContradicted) ? null : Next(head!, tree, signer, keys, from, began, lag),
        };

        void Save()
        {
            // What contradicts the memory is no progress.
            if (save is null || !mayKeep || _earlier.Exists(static each => each.IsContradicted))
                return;
            save(new AuditState
            {
                Origin = head!.Origin,
                Audited = _prior?.Audited,
                Progress = new AuditProgress
                {
                    Kind = _options.Kind, Note = head.Checkpoint, From = from, Position = tree.End, Edge = tree.Edge, BeganAt = resumed?.BeganAt ?? began,
                    Counts = _counts.ToDictionary(), Findings = [.. _findings.Kept], FindingCounts = new Dictionary<string, long>(_findings.Counts),
                },
            });
        }
    }

    /// <summary>The tree before the first entry that is read: none, or the audited one, or what the tiles say, which the signed root will bear out or not.</summary>
    private async Task<CompactRange> BeginAsync(long from, long size, CancellationToken cancellationToken)
    {
        if (from == 0)
            return new CompactRange(0);
        if (_prior?.Audited is { } audited && audited.Size == from)
            return new CompactRange(from, audited.Edge);
        var nodes = new TreeRange(0, from).Nodes();
        var addresses = nodes.Select(node => HashTile.Holding(node, size)).ToList();
        var tiles = await _log.ReadTilesAsync(_tenant, [.. addresses.Distinct()], cancellationToken).ConfigureAwait(false);
        return new CompactRange(from, [.. nodes.Zip(addresses, (node, address) => HashTile.NodeHash(node, HashesOf(tiles, address)))]);
    }

    private static Digest[] HashesOf(IReadOnlyDictionary<TileAddress, ReadOnlyMemory<byte>> tiles, TileAddress address) =>
        tiles.TryGetValue(address, out var bytes) && HashTile.TryParse(bytes.Span, address.Width, out var hashes)
            ? hashes
            : throw new LogStoreException(isTransient: false, $"the log has no {address.Path}, or it is too narrow: audit it from its beginning, and run runproof log fsck");

    /// <summary>Checkpoints that were seen before: the tree must reach each, and have its root there.</summary>
    private async Task RecallAsync(AuditProgress? resumed, CompactRange tree, long size, CancellationToken cancellationToken)
    {
        if (_prior?.Audited is { } audited)
            _earlier.Add(new Earlier(audited.Size, new MerkleTree(audited.Size, audited.Edge).Root(), $"audited at {WireTime.ToText(audited.AuditedAt)}"));
        if (_prior?.Progress is { } progress && SignedNote.TryParse(Encoding.UTF8.GetBytes(progress.Note), out var note, out _) && Checkpoint.TryParse(note.Text, out var seen, out _))
            _earlier.Add(new Earlier(seen.Size, seen.Root, $"seen by the audit that began at {WireTime.ToText(progress.BeganAt)}"));
        foreach (var each in _earlier)
        {
            if (each.Size > size)
                Contradict(each, AuditCodes.RolledBack, string.Create(CultureInfo.InvariantCulture, $"has {size} entries, fewer than the {each.Size} that it had signed when it was {each.Words}: it was rolled back"));
            else if (each.Size < tree.End && resumed is null)
                await ProveAsync(each, tree, cancellationToken).ConfigureAwait(false);
            else if (each.Size < tree.End)
                each.IsHeld = true;
        }

        Compare(tree);
    }

    /// <summary>A tree that is smaller than where the audit begins is held against that by a proof from the tiles.</summary>
    private async Task ProveAsync(Earlier each, CompactRange tree, CancellationToken cancellationToken)
    {
        var path = await TileProofs.ConsistencyAsync(_log, _tenant, each.Size, tree.End, cancellationToken).ConfigureAwait(false);
        each.IsHeld = MerkleProofs.VerifyConsistency((ulong)each.Size, (ulong)tree.End, [.. path], each.Root, tree.Root());
        if (!each.IsHeld)
            Contradict(each, AuditCodes.Forked, string.Create(CultureInfo.InvariantCulture, $"does not begin as the one of {each.Size} entries that was {each.Words}, as far as its tiles prove it: audit it from its beginning"));
    }

    private void Compare(CompactRange tree)
    {
        foreach (var each in _earlier.Where(each => each.Size == tree.End && each is { IsHeld: false, IsContradicted: false }))
        {
            each.IsHeld = tree.Root() == each.Root;
            if (!each.IsHeld)
                Contradict(each, AuditCodes.Forked, string.Create(CultureInfo.InvariantCulture, $"has another root at {each.Size} entries, {tree.Root()}, than the {each.Root} that it had signed when it was {each.Words}: it has two histories"));
        }
    }

    private void Contradict(Earlier each, string code, string said)
    {
        each.IsContradicted = true;
        Find(code, null, "log", said);
    }

    private async Task<AuditKeys> ReadKeysAsync(long start, long size, CancellationToken cancellationToken)
    {
        IReadOnlyList<LogKey> rows =
        [
            .. (await _log.ReadKeysAsync(_tenant, cancellationToken).ConfigureAwait(false)).Where(key => key.FromSize <= size).Select(key => key.UntilSize > size ? key with { UntilSize = null } : key),
        ];
        // Hand-overs before the part that is read: where the list says that they are. Each stands by its signatures.
        foreach (var row in rows.OrderBy(static row => row.FromSize).Skip(1).Where(row => row.FromSize - 1 < start))
        {
            await foreach (var entry in _log.ReadEntriesAsync(_tenant, row.FromSize - 1, 1, cancellationToken).ConfigureAwait(false))
            {
                if (CanonicalBytes.TryRead<RotatedEntry>(Encoding.UTF8.GetBytes(entry.Text), out var rotated, out _))
                    _handOvers.Add((entry.Position, rotated));
            }
        }

        return new AuditKeys(_options, _prior?.Audited, rows);
    }

    private void Take(RangeResult result, CompactRange tree)
    {
        tree.Append(result.Tree);
        _counts = _counts.Plus(result.Counts);
        _findings.Take(result.Findings.Kept, result.Findings.Counts);
        _handOvers.AddRange(result.HandOvers);
        foreach (var (position, startedAt, trace) in result.Openings)
        {
            if (_openings.Take(position, startedAt, trace) is { } finding)
                _findings.Add(finding);
        }

        Compare(tree);
    }

    private void Take(Stray stray)
    {
        switch (stray.Kind)
        {
            case StrayKind.Trace:
                _findings.Add(AuditText.Finding(AuditCodes.NotInLog, null, stray.TraceId, "log.opened", $"is missing: the trace is stored ({stray.Detail}), and is neither in the log nor on the way into it nor in quarantine"));
                break;
            case StrayKind.Steps:
                _findings.Add(AuditText.Finding(FindingCodes.HeaderMissing, null, stray.TraceId, "header", $"is missing, though {stray.Detail} steps are there; the log has no entry of the trace"));
                break;
            case StrayKind.Run:
                _findings.Add(AuditText.Finding(AuditCodes.TraceMissing, null, null, "run " + stray.RunId, $"has no trace, though its record says that it {stray.Detail}"));
                break;
            default:
                _quarantined++;
                _findings.Add(AuditText.Finding(AuditCodes.Quarantined, null, stray.TraceId, "quarantine", stray.Detail));
                break;
        }
    }

    private Signed? Parse(string text, string place, ServedLog head)
    {
        if (!SignedNote.TryParse(Encoding.UTF8.GetBytes(text), out var note, out var problem) || !Checkpoint.TryParse(note.Text, out var checkpoint, out problem))
            Find(AuditCodes.CheckpointRefused, null, place, "is no checkpoint: " + problem);
        else if (checkpoint.Origin != head.Origin || !head.Origin.EndsWith("/" + _tenant.Value, StringComparison.Ordinal))
            Find(AuditCodes.CheckpointRefused, null, place, $"is of the log {checkpoint.Origin}, not of this tenant's");
        else
            return new Signed(note, checkpoint);
        return null;
    }

    private NoteKey? SignerOf(Signed signed, string place, AuditKeys keys)
    {
        if (keys.SignerOf(signed.Note, signed.Checkpoint.Size, out var problem) is not { } signer)
        {
            Find(AuditCodes.CheckpointRefused, null, place, problem);
            return null;
        }

        if (signer.Name == signed.Checkpoint.Origin)
            return signer;
        Find(AuditCodes.CheckpointRefused, null, place, $"is signed by {signer.Name}, whose name is not the log's");
        return null;
    }

    private void FindPublished(Signed published, Digest? root, long size, AuditKeys keys)
    {
        if (published.Checkpoint.Size > size || (root is { } given && given != published.Checkpoint.Root))
            Find(AuditCodes.RootMismatch, null, "published", string.Create(CultureInfo.InvariantCulture, $"is served as {published.Checkpoint.Size} entries with root {published.Checkpoint.Root}, and the entries give another"));
        SignerOf(published, "published", keys);
    }

    private (bool IsMet, string Words)? QuorumOf(Signed? published)
    {
        if (_options.Quorum is not { } quorum)
            return null;
        if (published is null)
            return (false, "no checkpoint is published");
        if (quorum.IsMet(published.Note, out var cosigners, out var problem))
            return (true, string.Create(CultureInfo.InvariantCulture, $"the checkpoint of {published.Checkpoint.Size} entries is cosigned by {string.Join(", ", cosigners)}"));
        Find(FindingCodes.QuorumNotMet, null, "published", problem);
        return (false, problem);
    }

    private async Task FindHeadlessAsync(CancellationToken cancellationToken)
    {
        await foreach (var entry in _log.ReadEntriesAsync(_tenant, 0, 1, cancellationToken).ConfigureAwait(false))
            Find(AuditCodes.RootMismatch, entry.Position, "head", "is missing, though the log has entries");
    }

    /// <summary>Entries behind the head, unless a commit put them there meanwhile.</summary>
    private async Task FindBeyondAsync(ServedLog? head, CancellationToken cancellationToken)
    {
        if (head is null || (await _log.FindAsync(_tenant, cancellationToken).ConfigureAwait(false))?.Size != head.Size)
            return;
        await foreach (var entry in _log.ReadEntriesAsync(_tenant, head.Size, 1, cancellationToken).ConfigureAwait(false))
        {
            if ((await _log.FindAsync(_tenant, cancellationToken).ConfigureAwait(false))?.Size == head.Size)
                Find(AuditCodes.RootMismatch, entry.Position, PlaceOf(entry.Position), string.Create(CultureInfo.InvariantCulture, $"is there, and the head has {head.Size} entries"));
        }
    }

    private AuditState Next(ServedLog head, CompactRange tree, NoteKey signer, AuditKeys keys, long from, DateTimeOffset began, LogLag lag)
    {
        var clean = _prior?.Audited?.CleanSize ?? 0;
        return new AuditState
        {
            Origin = head.Origin,
            Audited = new AuditedCheckpoint
            {
                Note = head.Checkpoint,
                Size = tree.End,
                Edge = tree.Edge,
                Key = signer.ToString(),
                IsKeyIndependent = keys.IsIndependent,
                AuditedAt = began,
                NewerThan = lag.Quarantined > 0 ? null : lag.Oldest < began ? lag.Oldest : began,
                CleanSize = _findings.Count == 0 && _options.Payloads && from <= clean ? tree.End : clean,
            },
        };
    }

    private void Find(string code, long? position, string place, string said) => _findings.Add(AuditText.Finding(code, position, null, place, said));

    private static string PlaceOf(long position) => string.Create(CultureInfo.InvariantCulture, $"entries[{position}]");

    private sealed record Signed(SignedNote Note, Checkpoint Checkpoint);
}

/// <summary>A checkpoint that was seen before.</summary>
internal sealed class Earlier(long size, Digest root, string words)
{
    internal long Size { get; } = size;

    internal Digest Root { get; } = root;

    internal string Words { get; } = words;

    internal bool IsHeld { get; set; }

    internal bool IsContradicted { get; set; }
}
