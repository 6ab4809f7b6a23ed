using System.Text;
using Microsoft.Extensions.Logging;
using RunProof.Format;
using RunProof.Keys;

namespace RunProof.Ledger;

/// <summary>
/// Takes tenants' logs forward. Any number of sealers may work on one log, in one process or many: the checkpoint that each commit swaps lets one of them
/// through. A crash at any point is repaired by the next call, which reads where the log stands and goes on from there.
/// </summary>
public sealed partial class LogSealer
{
    private readonly ILogStore _store;
    private readonly IEvidenceStore _evidence;
    private readonly ICheckpointSigner _signer;
    private readonly ICheckpointWitnesses? _witnesses;
    private readonly LogOptions _options;
    private readonly TimeProvider _clock;
    private readonly SealingMetrics _metrics;
    private readonly ILogger<LogSealer> _logger;

    /// <summary>A sealer.</summary>
    /// <param name="store">The logs.</param>
    /// <param name="evidence">What is to enter them.</param>
    /// <param name="signer">The operator's key.</param>
    /// <param name="witnesses">Who is asked before a checkpoint is published; null for nobody.</param>
    /// <param name="options">How logs are kept.</param>
    /// <param name="clock">The time in rows, and for measuring.</param>
    /// <param name="metrics">Is told of what was done.</param>
    /// <param name="logger">Is told of what did not verify, by its place and never by its content.</param>
    /// <exception cref="ArgumentException">An option is beyond its limits.</exception>
    public LogSealer(
        ILogStore store, IEvidenceStore evidence, ICheckpointSigner signer, ICheckpointWitnesses? witnesses, LogOptions options, TimeProvider clock, SealingMetrics metrics, ILogger<LogSealer> logger)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        (_store, _evidence, _signer, _witnesses, _options, _clock, _metrics, _logger) = (store, evidence, signer, witnesses, options, clock, metrics, logger);
    }

    /// <summary>Takes one tenant's log one commit further: what waits longest enters, or goes to quarantine.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="cancellationToken">Gives up; a commit that was under way is done whole or not at all.</param>
    /// <exception cref="LogHaltedException">The log's head is not ours to continue.</exception>
    /// <exception cref="LogStoreException">The store failed. Whether a commit that was under way was done is unknown: call again.</exception>
    /// <returns>What was done.</returns>
    public async Task<SealingRound> SealAsync(TenantId tenant, CancellationToken cancellationToken)
    {
        var start = _clock.GetTimestamp();
        var origin = _options.OriginOf(tenant);

        // 1. Where does the log stand, and what waits? The head is believed as far as our own signature on it reaches: an edge that somebody changed does not
        //    give the signed root, and nothing is built on it.
        var (head, queue) = await _store.ReadAsync(tenant, _options.BatchSize, cancellationToken).ConfigureAwait(false);
        var tree = HeadCheck.Continue(head, origin, _signer.KeyOf(origin));
        if (queue.Count == 0)
            return new SealingRound(0, 0, Overtaken: false, IsPublished(head), MayContinue: false);

        // 2. Recompute every trace from its columns, from snapshots that are younger than the queue. Only what verifies gets an entry; the rest gets a
        //    finding, and does not hold up what comes after it.
        var examined = await TraceExamination.ExamineAsync(_evidence, tenant, queue, _options.Examiners, cancellationToken).ConfigureAwait(false);
        var (entries, quarantine) = Sequence(queue, examined, tree.Size);

        // 3. Extend the tree. Positions come from the head, so there are no gaps; memory holds the right edge and what is new.
        foreach (var entry in entries)
            tree.Append(Encoding.UTF8.GetBytes(entry.Text));

        // 4. Sign. A checkpoint exists from here on, and is nobody's until it is committed: a crash now forgets it.
        var time = _clock.GetUtcNow();
        var checkpoint = entries.Count == 0 ? null : Sign(new Checkpoint(origin, tree.Size, tree.Root()));

        // 5. Commit: the only commit point. The swap of the checkpoint, the entries, the tiles, the quarantine and the shorter queue are one transaction; where
        //    another sealer was first nothing of it happens. Where this throws, nobody knows whether it happened, and nobody needs to: the next call reads.
        var commit = new LogCommit
        {
            Tenant = tenant,
            Origin = origin,
            Before = head.Checkpoint,
            Checkpoint = checkpoint,
            Publish = _witnesses is null,
            Size = tree.Size,
            Edge = tree.Edge,
            Entries = entries,
            Tiles = tree.TakeTiles(),
            Quarantine = quarantine,
            Taken = queue,
            Keys = head.Keys.Count > 0 || checkpoint is null ? [] : [new LogKey(_signer.KeyOf(origin).ToString(), tree.Size, UntilSize: null, time)],
            Time = time,
        };
        if (!await _store.CommitAsync(commit, cancellationToken).ConfigureAwait(false))
            return new SealingRound(0, 0, Overtaken: true, IsPublished: false, MayContinue: true);
        Report(tenant, commit, _clock.GetElapsedTime(start));

        // 6. Publication is no part of this: entries are in the log for good, and the next ones enter while witnesses take their time over this checkpoint.
        var isPublished = checkpoint is null ? IsPublished(head) : commit.Publish;
        return new SealingRound(entries.Count, quarantine.Count, Overtaken: false, isPublished, MayContinue: queue.DistinctBy(entry => entry.TraceId).Count() >= _options.BatchSize);
    }

    /// <summary>
    /// Publishes a tenant's head, if it is not published: with the witnesses' cosignatures, or as it is where none are asked. Takes as long as the witnesses
    /// may; commits go on meanwhile, and what this publishes is then no longer the head, but the newest that they have seen. A crash before it ends is made up
    /// for by the next call.
    /// </summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="LogHaltedException">The log's head is not ours: it is shown to no witness.</exception>
    /// <exception cref="LogStoreException">The store failed. Whether it was published is unknown: call again.</exception>
    /// <returns>Whether it is published; false where it is withheld until its quorum is met.</returns>
    public async Task<bool> PublishAsync(TenantId tenant, CancellationToken cancellationToken)
    {
        var origin = _options.OriginOf(tenant);
        var (head, _) = await _store.ReadAsync(tenant, traces: 0, cancellationToken).ConfigureAwait(false);
        if (IsPublished(head))
            return true;
        HeadCheck.Continue(head, origin, _signer.KeyOf(origin));
        var published = _witnesses is null ? head.Checkpoint : await _witnesses.CosignAsync(tenant, head.Checkpoint!, cancellationToken).ConfigureAwait(false);
        return published is not null && await _store.PublishAsync(tenant, head.Checkpoint!, published, cancellationToken).ConfigureAwait(false);
    }

    private static bool IsPublished(LogHead head) => head.Checkpoint is not { } checkpoint || head.Published?.StartsWith(checkpoint, StringComparison.Ordinal) == true;

    /// <summary>Gives positions to what verified, in the queue's order; a seal never enters without its opening before it.</summary>
    private (List<LoggedEntry> Entries, List<QuarantinedEntry> Quarantine) Sequence(
        IReadOnlyList<QueuedEntry> queue, IReadOnlyDictionary<string, ExaminedTrace> examined, long size)
    {
        var (entries, quarantine, opened) = (new List<LoggedEntry>(queue.Count), new List<QuarantinedEntry>(), new HashSet<string>(StringComparer.Ordinal));
        var time = _clock.GetUtcNow();
        foreach (var queued in queue)
        {
            if (queued.IsEntered)
                continue;
            var trace = examined[queued.TraceId];
            var (text, finding) = queued.Kind is LogEntryKind.Opened ? trace.Opened : trace.Sealed;
            if (queued.Kind is LogEntryKind.Sealed && !queued.IsOpened && !opened.Contains(queued.TraceId))
                (text, finding) = (null, finding ?? TraceExamination.NotOpened);
            if (text is null)
            {
                quarantine.Add(new QuarantinedEntry(queued.TraceId, queued.Kind, finding!.Code, finding.Place, finding.Message, time));
                continue;
            }

            entries.Add(new LoggedEntry(size + entries.Count, queued.Kind, queued.TraceId, trace.RunId, text));
            if (queued.Kind is LogEntryKind.Opened)
                opened.Add(queued.TraceId);
        }

        return (entries, quarantine);
    }

    private string Sign(Checkpoint checkpoint) =>
        new SignedNote(checkpoint.Text, [_signer.Sign(checkpoint.Origin, checkpoint.Text)]).ToString();

    private void Report(TenantId tenant, LogCommit commit, TimeSpan duration)
    {
        _metrics.Committed(commit.Entries.Count, commit.Quarantine.Count, duration);
        foreach (var entry in commit.Quarantine)
            LogQuarantined(_logger, tenant.Value, entry.TraceId, entry.Kind, entry.Code, entry.Place);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "trace {Trace} of tenant {Tenant} does not verify and is not entered into the log ({Kind}): {Code} at {Place}")]
    private static partial void LogQuarantined(ILogger logger, string tenant, string trace, LogEntryKind kind, string code, string place);
}
