using System.Globalization;
using System.Text;
using RunProof.Format;
using RunProof.Tiles;
using RunProof.Verification;

namespace RunProof.Ledger;

/// <summary>
/// Audits a log as an outsider: from its checkpoint, entry bundles and hash tiles alone (C2SP tlog-tiles), whoever serves them. What the traces are an outsider cannot
/// see; that no entry was changed, taken away or slipped in since it was signed, and that openings and seals belong together, anybody can.
/// </summary>
/// <remarks>
/// Memory: the tree's right edge, the bundles in flight, sixteen to thirty bytes for each trace up to <see cref="OutsideOptions.MaxRemembered"/>, and the ids of traces that are
/// open. Time: an entry a few microseconds. The log may be anybody's: entries that are not RunProof's are hashed and not paired.
/// </remarks>
public sealed class OutsideAudit
{
    private const int OpenShown = 1000;

    private readonly ITiledLog _log;
    private readonly SignedNote _note;
    private readonly Checkpoint _checkpoint;
    private readonly AuditState _prior;
    private readonly OutsideOptions _options;
    private readonly TimeProvider _clock;
    private readonly DateTimeOffset _now;
    private readonly AuditFindings _findings;
    private readonly OutsideTiles _tiles;
    private readonly List<Earlier> _earlier = [];
    private readonly AuditProgress? _resumed;

    private OutsideAudit(ITiledLog log, SignedNote note, Checkpoint checkpoint, AuditState prior, OutsideOptions options, TimeProvider clock)
    {
        (_log, _note, _checkpoint, _prior, _options, _clock, _now) = (log, note, checkpoint, prior, options, clock, clock.GetUtcNow());
        _findings = new AuditFindings(options.MaxFindings);
        _tiles = new OutsideTiles(log, checkpoint.Size, options, _findings);
        _resumed = prior.Progress is { } progress && progress.Kind == options.Kind && progress.Position <= checkpoint.Size && (options.From is not { } from || from == progress.From) ? progress : null;
    }

    /// <summary>Reads the log's head, which says which log it is; nothing of it is verified.</summary>
    /// <param name="log">The log.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="TiledLogException">The log does not answer, or with something that is no checkpoint.</exception>
    /// <returns>The signed note and what it says.</returns>
    public static async Task<(SignedNote Note, Checkpoint Checkpoint)> ReadHeadAsync(ITiledLog log, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(log);
        var answer = await log.ReadCheckpointAsync(cancellationToken).ConfigureAwait(false);
        if (answer.Problem is { } wrong)
            throw new TiledLogException("checkpoint " + wrong);
        return SignedNote.TryParse(answer.Bytes.Span, out var note, out var problem) && Checkpoint.TryParse(note.Text, out var checkpoint, out problem)
            ? (note, checkpoint)
            : throw new TiledLogException("checkpoint is none: " + problem);
    }

    /// <summary>Audits the log up to a head.</summary>
    /// <param name="log">The log.</param>
    /// <param name="head">What <see cref="ReadHeadAsync"/> read.</param>
    /// <param name="prior">What the auditor remembers of this log.</param>
    /// <param name="options">What is asked for.</param>
    /// <param name="clock">The auditor's time.</param>
    /// <param name="save">Is given what to remember while the audit goes on, so that it can be taken up again; may be null.</param>
    /// <param name="tick">Is told how far it is; may be null.</param>
    /// <param name="cancellationToken">Breaks off; progress is saved.</param>
    /// <exception cref="TiledLogException">The log does not answer; progress is saved.</exception>
    /// <exception cref="ArgumentException">The position to begin at is beyond the log, or what is remembered is another log's.</exception>
    /// <exception cref="PlatformNotSupportedException">Signatures cannot be verified on this machine.</exception>
    /// <returns>What was found.</returns>
    public static Task<OutsideReport> RunAsync(
        ITiledLog log, (SignedNote Note, Checkpoint Checkpoint) head, AuditState prior, OutsideOptions options, TimeProvider clock, Action<AuditState>? save, Action<OutsideTick>? tick, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(log);
        ArgumentNullException.ThrowIfNull(prior);
        ArgumentNullException.ThrowIfNull(options);
        ArgumentNullException.ThrowIfNull(clock);
        if (prior.Origin != head.Checkpoint.Origin)
            throw new ArgumentException($"what is remembered is of the log {prior.Origin}, not of {head.Checkpoint.Origin}", nameof(prior));
        if (options.From is < 0 || options.From > head.Checkpoint.Size)
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"the log has {head.Checkpoint.Size} entries: there is nothing to begin with at {options.From}"), nameof(options));
        return new OutsideAudit(log, head.Note, head.Checkpoint, prior, options, clock).RunAsync(save, tick, cancellationToken);
    }

    private async Task<OutsideReport> RunAsync(Action<AuditState>? save, Action<OutsideTick>? tick, CancellationToken cancellationToken)
    {
        // 1. What may be relied on, and what was seen before: neither is asked of the log where anybody else can say it.
        var keys = await OutsideKeys.FindAsync(_log, _checkpoint.Origin, _options, _prior.Audited, cancellationToken).ConfigureAwait(false);
        Remember();
        foreach (var earlier in _earlier)
            earlier.Problem = await ProblemOfAsync(earlier.Head, cancellationToken).ConfigureAwait(false);
        // What rolls back or forks never takes the place of what it is told by.
        if (_earlier.Exists(static each => each.Problem is not null))
            save = null;
        if (_resumed is { } before)
            _findings.Take(before.Findings, before.FindingCounts);

        // 2. Where reading begins, and the tree up to there: one's own memory of it, or the log's hashes, which the signed root vouches for at the end.
        var from = _resumed?.From ?? _options.From ?? 0;
        var (tree, open) = await BeginAsync(from, cancellationToken).ConfigureAwait(false);
        var entries = new OutsideEntries(_options, _checkpoint.Origin, OutsideCounts.Of(_resumed?.Counts ?? new Dictionary<string, long>()), open, _findings, _now);

        // 3. Every entry, in order: its leaf, what it says, and the tiles it is in.
        if (tree is not null && !await ReadAsync(tree, from, entries, save, tick, cancellationToken).ConfigureAwait(false))
            tree = null;

        // 4. Is that the tree that was signed, by whom, and does it continue what was seen?
        var isSigned = tree is not null && tree.Root() == _checkpoint.Root;
        if (tree is not null && !isSigned)
            Find(AuditCodes.RootMismatch, "checkpoint", string.Create(CultureInfo.InvariantCulture, $"signs {_checkpoint.Size} entries with root {_checkpoint.Root}, and those that are served give {tree.Root()}"));
        CompareEarlier(isSigned);
        keys.Follow(entries.HandOvers);
        var signer = keys.SignerOf(_note, _checkpoint.Size, out var problem);
        if (signer is null && !keys.IsEmpty)
            Find(AuditCodes.CheckpointRefused, "checkpoint", problem);
        else if (signer is null && _options.Keys.Count > 0)
            Find(AuditCodes.CheckpointRefused, "checkpoint", $"is of the log {_checkpoint.Origin}, and the keys that were given are of {string.Join(", ", _options.Keys.Select(static key => key.Key.Name).Distinct())}");
        (bool IsMet, string Words, IReadOnlyList<string> Cosigners)? quorum = _options.Quorum is { } policy ? Quorum(policy) : null;
        return Report(from, tree, entries, keys, signer, quorum);
    }

    /// <summary>The heads that were seen before. One that is larger than this one is said at once: the log was rolled back.</summary>
    private void Remember()
    {
        if (_prior.Audited is { } audited)
            Remember(audited.Note, "audited");
        if (_prior.Progress is { } progress)
            Remember(progress.Note, "seen when an audit was broken off");
    }

    private void Remember(string text, string words)
    {
        if (!SignedNote.TryParse(Encoding.UTF8.GetBytes(text), out var note, out _) || !Checkpoint.TryParse(note.Text, out var head, out _))
            return;
        _earlier.Add(new Earlier(head, words));
        if (head.Size > _checkpoint.Size)
            Find(AuditCodes.RolledBack, "checkpoint", string.Create(CultureInfo.InvariantCulture, $"signs {_checkpoint.Size} entries, and {head.Size} were {words}: the log was rolled back"));
    }

    private async Task<(MerkleTree? Tree, IReadOnlyDictionary<string, long>? Open)> BeginAsync(long from, CancellationToken cancellationToken)
    {
        if (_resumed is { } progress)
            return (new MerkleTree(progress.Position, progress.Edge), progress.Open);
        if (from == 0)
            return (new MerkleTree(), new Dictionary<string, long>());
        if (_prior.Audited is { } audited && audited.Size == from)
            return (new MerkleTree(from, audited.Edge), audited.Open);
        var edge = new List<Digest>();
        foreach (var node in new TreeRange(0, from).Nodes())
        {
            var (hash, problem) = await _tiles.HashOfAsync(new TreeRange(node.Index << node.Level, (node.Index + 1) << node.Level), cancellationToken).ConfigureAwait(false);
            if (hash is null)
            {
                Find("LOG_TILE_MISMATCH", "tile", problem + ": the tree before the first entry that was to be read cannot be had");
                return (null, null);
            }

            edge.Add(hash.Value);
        }

        return (new MerkleTree(from, edge), null);
    }

    /// <summary>Reads bundle by bundle, some ahead. Where one is not to be had the hash tile beside it gives its leaves, so that the rest is read all the same.</summary>
    /// <returns>Whether the tree was built to its end.</returns>
    private async Task<bool> ReadAsync(MerkleTree tree, long from, OutsideEntries entries, Action<AuditState>? save, Action<OutsideTick>? tick, CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var ahead = new Queue<Task<Chunk>>();
        var next = tree.Size / TileAddress.FullWidth;
        var saved = _clock.GetTimestamp();
        try
        {
            while (tree.Size < _checkpoint.Size)
            {
                cancellationToken.ThrowIfCancellationRequested();
                for (; ahead.Count < _options.InFlight && next * TileAddress.FullWidth < _checkpoint.Size; next++)
                    ahead.Enqueue(FetchAsync(next, stop.Token));
                var chunk = await ahead.Dequeue().ConfigureAwait(false);
                if (!Take(chunk, tree, entries))
                    return false;
                await _tiles.CompareAsync(all: false, stop.Token).ConfigureAwait(false);
                tick?.Invoke(new OutsideTick(tree.Size, _checkpoint.Size, _findings.Count));
                if (save is null || _clock.GetElapsedTime(saved) < _options.SaveEvery || tree.Size == _checkpoint.Size)
                    continue;
                await _tiles.CompareAsync(all: true, stop.Token).ConfigureAwait(false);
                save(Progress(from, tree, entries));
                saved = _clock.GetTimestamp();
            }

            await _tiles.CompareAsync(all: true, stop.Token).ConfigureAwait(false);
            return true;
        }
        catch (Exception e) when (e is OperationCanceledException or TiledLogException)
        {
            if (save is not null)
                await SaveLastAsync(() => save(Progress(from, tree, entries))).ConfigureAwait(false);
            throw;
        }
        finally
        {
            await stop.CancelAsync().ConfigureAwait(false);
            await ((Task)Task.WhenAll(ahead)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <summary>What hash tiles of upper levels have got so far is compared while it is known; a log that does not answer even now is asked again next time.</summary>
    private async Task SaveLastAsync(Action save)
    {
        using var grace = new CancellationTokenSource(TimeSpan.FromSeconds(5), _clock);
        try
        {
            await _tiles.CompareAsync(all: true, grace.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is OperationCanceledException or TiledLogException)
        {
            // Those hashes are vouched for by the root; only that they are served is not known.
        }

        save();
    }

    private async Task<Chunk> FetchAsync(long index, CancellationToken cancellationToken)
    {
        var (bundle, hashes) = (_tiles.BundleAt(index), _tiles.HashesAt(0, index));
        var entries = _tiles.ReadBundleAsync(bundle, cancellationToken);
        var isWanted = _tiles.IsWanted(index);
        var tile = isWanted ? await _tiles.ReadHashesAsync(hashes, cancellationToken).ConfigureAwait(false) : default;
        var (read, problem) = await entries.ConfigureAwait(false);
        if (read is null && !isWanted)
            tile = await _tiles.ReadHashesAsync(hashes, cancellationToken).ConfigureAwait(false);
        return new Chunk(index, bundle, read, problem, hashes, isWanted, tile.Hashes, tile.Problem);
    }

    private bool Take(Chunk chunk, MerkleTree tree, OutsideEntries entries)
    {
        var first = chunk.Index * TileAddress.FullWidth;
        var skipped = (int)(tree.Size - first);
        if (chunk.Entries is not { } read)
        {
            _tiles.Find(chunk.Bundle, chunk.Problem!);
            if (chunk.Hashes is null)
                return false;
            foreach (var leaf in chunk.Hashes.AsSpan(skipped))
                Append(tree, leaf);
            entries.Skip(chunk.Bundle.Width - skipped);
            return true;
        }

        var leaves = new List<Digest>(read.Length - skipped);
        foreach (var entry in read.AsSpan(skipped))
        {
            leaves.Add(MerkleTree.LeafHash(entry.Span));
            entries.Take(tree.Size, entry.Span);
            Append(tree, leaves[^1]);
        }

        if (chunk.IsTileWanted)
            _tiles.Compare(chunk.HashTile, skipped, leaves, chunk.Hashes, chunk.TileProblem);
        return true;
    }

    private void Append(MerkleTree tree, Digest leaf)
    {
        var last = tree.Size;
        tree.AppendLeafHash(leaf, (level, hash) => _tiles.Give(level, last, hash));
        foreach (var earlier in _earlier)
        {
            if (earlier.Head.Size == tree.Size)
                earlier.Rebuilt = tree.Root();
        }
    }

    /// <summary>What the proof from the log's tiles could not show the tree shows that was rebuilt, where that is the signed one and came past.</summary>
    private void CompareEarlier(bool isSigned)
    {
        foreach (var earlier in _earlier.Where(each => each.Problem is not null && each.Head.Size <= _checkpoint.Size))
        {
            if (!isSigned || earlier.Head.Size == _checkpoint.Size || earlier.Rebuilt != earlier.Head.Root)
                Find(AuditCodes.Forked, "checkpoint", string.Create(CultureInfo.InvariantCulture, $"signs a log that does not begin with the {earlier.Head.Size} entries that were {earlier.Words} (root {earlier.Head.Root}), so it has two histories: {earlier.Problem}"));
        }
    }

    /// <summary>Why it is not shown that the log continues an earlier head; null where it is.</summary>
    private async Task<string?> ProblemOfAsync(Checkpoint earlier, CancellationToken cancellationToken)
    {
        if (earlier.Size > _checkpoint.Size)
            return "it is smaller";
        if (earlier.Size == _checkpoint.Size)
            return earlier.Root == _checkpoint.Root ? null : "of as many entries it signs another root";
        var proof = new List<Digest>();
        foreach (var range in TreeRange.OfConsistency(earlier.Size, _checkpoint.Size))
        {
            var (hash, problem) = await _tiles.HashOfAsync(range, cancellationToken).ConfigureAwait(false);
            if (hash is null)
                return problem + ", so that it cannot be shown to continue them";
            proof.Add(hash.Value);
        }

        return MerkleProofs.VerifyConsistency((ulong)earlier.Size, (ulong)_checkpoint.Size, [.. proof], earlier.Root, _checkpoint.Root) ? null : "its tiles lead to no proof that it continues them";
    }

    private (bool IsMet, string Words, IReadOnlyList<string> Cosigners) Quorum(IWitnessQuorum policy)
    {
        var isMet = policy.IsMet(_note, out var cosigners, out var problem);
        if (!isMet)
            Find(FindingCodes.QuorumNotMet, "checkpoint", problem);
        return (isMet, isMet ? "cosigned by " + string.Join(", ", cosigners) : problem, cosigners);
    }

    private AuditState Progress(long from, MerkleTree tree, OutsideEntries entries) => _prior with
    {
        Progress = new AuditProgress
        {
            Kind = _options.Kind,
            Note = _note.ToString(),
            From = from,
            Position = tree.Size,
            Edge = [.. tree.Edge],
            Open = entries.OpenOmitted > 0 ? null : entries.Open,
            BeganAt = _resumed?.BeganAt ?? _now,
            Counts = (entries.Counts with { Tiles = TilesSoFar }).ToDictionary(),
            Findings = _findings.Kept,
            FindingCounts = _findings.Counts,
        },
    };

    private long TilesSoFar => (_resumed?.Counts.GetValueOrDefault("tiles") ?? 0) + _tiles.Compared;

    private OutsideReport Report(long from, MerkleTree? tree, OutsideEntries entries, OutsideKeys keys, NoteKey? signer, (bool IsMet, string Words, IReadOnlyList<string> Cosigners)? quorum)
    {
        var counts = entries.Counts with { Tiles = TilesSoFar };
        var isWhole = tree is not null && tree.Root() == _checkpoint.Root;
        var isContinued = _findings.Counts.GetValueOrDefault(AuditCodes.RolledBack) + _findings.Counts.GetValueOrDefault(AuditCodes.Forked) == 0;
        var next = isWhole && isContinued && signer is not null ? new AuditState
        {
            Origin = _checkpoint.Origin,
            Audited = new AuditedCheckpoint
            {
                Note = _note.ToString(),
                Size = tree!.Size,
                Edge = [.. tree.Edge],
                Key = signer.ToString(),
                IsKeyIndependent = keys.IsIndependent,
                AuditedAt = _now,
                // Of the traces behind the entries nothing was seen: an audit of the database does not build on this.
                CleanSize = Math.Min(_prior.Audited?.CleanSize ?? 0, tree.Size),
                Open = entries.OpenOmitted > 0 || counts.Unread > 0 || (from > 0 && entries.Counts.Unpaired > 0) ? null : entries.Open,
            },
        } : null;
        return new OutsideReport
        {
            Origin = _checkpoint.Origin,
            Checkpoint = _checkpoint,
            From = from,
            Root = tree?.Root(),
            Key = signer?.ToString(),
            IsKeyIndependent = signer is not null && keys.IsIndependent,
            Cosigners = quorum?.Cosigners ?? [],
            Counts = counts,
            Open = entries.OldestOpen(OpenShown),
            OpenCount = entries.OpenCount,
            Checks = OutsideChecks.Of(new OutsideOutcome(
                _options, _findings, counts, from, _checkpoint, tree is not null, keys, signer, [.. _earlier.Select(static each => string.Create(CultureInfo.InvariantCulture, $"the {each.Head.Size} entries that were {each.Words}"))], entries.OpenCount, entries.IsFull, _resumed?.Position, quorum is { } asked ? (asked.IsMet, asked.Words) : null)),
            Findings = _findings,
            Next = next,
        };
    }

    private void Find(string code, string place, string said) => _findings.Add(new AuditFinding(code, null, null, place, place + ": " + said));

    private sealed record Chunk(long Index, TileAddress Bundle, ReadOnlyMemory<byte>[]? Entries, string? Problem, TileAddress HashTile, bool IsTileWanted, Digest[]? Hashes, string? TileProblem);

    private sealed class Earlier(Checkpoint head, string words)
    {
        internal Checkpoint Head => head;

        internal string Words => words;

        internal Digest? Rebuilt { get; set; }

        internal string? Problem { get; set; }
    }
}
