using System.Globalization;
using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>
/// The one writer of an open trace. Keeps a prepared write until it is answered: a write that is tried again must be the same bytes, and
/// salts are random.
/// </summary>
internal sealed class TraceSession : ITraceSession
{
    private readonly GroupCommit _commits;
    private readonly IRedactor _redactor;
    private readonly ISaltSource _salts;
    private readonly long _epoch;
    private readonly ChainHasher _hasher = new();
    private readonly MerkleTree _tree = new();

    private (StepRecording Step, AppendEntry Entry)? _pendingStep;
    private (TraceClosing Closing, SealEntry Entry, bool Done)? _seal;
    private RecordingException? _lost;
    private int _busy;

    internal TraceSession(GroupCommit commits, IRedactor redactor, ISaltSource salts, OpenEntry opening)
    {
        (_commits, _redactor, _salts, _epoch) = (commits, redactor, salts, TraceHead.FirstEpoch);
        (TenantId, TraceId, LastLink) = (opening.TenantId, opening.TraceId, opening.Link);
    }

    internal TraceSession(GroupCommit commits, IRedactor redactor, ISaltSource salts, TenantId tenant, TraceId trace, TraceHead head)
    {
        (_commits, _redactor, _salts, _epoch) = (commits, redactor, salts, head.Epoch);
        (TenantId, TraceId, LastLink, InFlight) = (tenant, trace, head.HeaderLink, head.Intents);
        foreach (var link in head.StepLinks)
            Advance(link);
    }

    /// <inheritdoc/>
    public TenantId TenantId { get; }

    /// <inheritdoc/>
    public TraceId TraceId { get; }

    /// <inheritdoc/>
    public int NextIndex => (int)_tree.Size;

    /// <inheritdoc/>
    public Digest LastLink { get; private set; }

    /// <inheritdoc/>
    public StepIntents InFlight { get; }

    /// <inheritdoc/>
    public async ValueTask<Digest> AppendAsync(StepRecording step, StepIntents next, CancellationToken cancellationToken)
    {
        RecordingLimits.Check(step, next);
        Enter();
        try
        {
            ThrowIfSealed();
            if (_pendingStep is { } pending && pending.Step == step)
            {
                _pendingStep = (step, pending.Entry with { Intents = next });
                return await RecordPendingStepAsync(cancellationToken);
            }

            // Another step while one is unanswered: what was handed over happened, so it is recorded first.
            if (_pendingStep is not null)
                await RecordPendingStepAsync(cancellationToken);
            _pendingStep = (step, Prepare(step, next));
            return await RecordPendingStepAsync(cancellationToken);
        }
        finally
        {
            Leave();
        }
    }

    /// <inheritdoc/>
    public async ValueTask AnnounceAsync(StepIntents intents, CancellationToken cancellationToken)
    {
        RecordingLimits.Check(intents);
        Enter();
        try
        {
            ThrowIfSealed();
            if (_pendingStep is not null)
                await RecordPendingStepAsync(cancellationToken);
            Judge(await AnnounceOnceAsync(intents, cancellationToken), "announcement", LastLink);
        }
        finally
        {
            Leave();
        }
    }

    private async Task<WriteResult> AnnounceOnceAsync(StepIntents intents, CancellationToken cancellationToken)
    {
        try
        {
            return new WriteResult(await _commits.WithRetriesAsync(
                store => store.AnnounceAsync(TenantId, TraceId, _epoch, LastLink, intents, cancellationToken), cancellationToken));
        }
        catch (RecordingStoreException e)
        {
            return new WriteResult(default, e.IsTransient ? RecordingFailure.Unavailable : RecordingFailure.Refused, e);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<Digest> SealAsync(TraceClosing closing, CancellationToken cancellationToken)
    {
        RecordingLimits.Check(closing);
        Enter();
        try
        {
            if (_pendingStep is not null)
                await RecordPendingStepAsync(cancellationToken);
            if (_seal is { } earlier && earlier.Closing != closing)
            {
                await RecordSealAsync(cancellationToken);
                ThrowIfSealed();
            }

            _seal ??= (closing, Prepare(closing), false);
            return await RecordSealAsync(cancellationToken);
        }
        finally
        {
            Leave();
        }
    }

    private AppendEntry Prepare(StepRecording step, StepIntents next)
    {
        var committer = new PayloadCommitter(_redactor, _salts);
        var parameters = committer.Commit(step.Parameters, "params", step.Decision.Effects.Parameters);
        var outcome = committer.CommitOptional(step.Outcome, "outcome_data", step.Decision.Effects.Outcome);
        var context = committer.CommitWithDecision(step.Context, "context", step.Decision, step.LogOpening);
        var record = new TraceStep
        {
            ContextHash = context.Commitment,
            CostCents = WithoutTrailingZeros(step.CostCents),
            DurationMs = step.DurationMs + 0.0,
            IdempotencyKey = step.IdempotencyKey,
            InputHash = parameters.Commitment,
            Level = Wire.LevelOf(step.Status),
            OutcomeCategory = step.OutcomeCategory,
            OutcomeCode = step.OutcomeCode,
            OutputHash = outcome?.Commitment,
            ReplayBehavior = step.ReplayBehavior,
            RetryCount = step.RetryCount,
            RngStateBefore = step.RngStateBefore,
            Schema = step.Schema,
            SkillId = step.SkillId,
            SkillName = step.SkillName,
            SkillVersion = step.SkillVersion,
            Source = step.Source,
            Status = step.Status,
            StepIndex = NextIndex,
            Timestamp = WireTime.Truncate(step.Timestamp),
        };
        return new AppendEntry(TenantId, TraceId)
        {
            Epoch = _epoch, Previous = LastLink, Step = record, Link = _hasher.Link(LastLink, record),
            Parameters = parameters, Outcome = outcome, Context = context, Intents = next,
        };
    }

    private SealEntry Prepare(TraceClosing closing)
    {
        var metadata = new PayloadCommitter(_redactor, _salts).CommitWithNotes(closing.Metadata, "metadata");
        var seal = new TraceSeal
        {
            ChainLength = NextIndex,
            CompletedAt = WireTime.Truncate(closing.CompletedAt),
            MetadataHash = metadata?.Commitment,
            Status = closing.Status,
            StepsRoot = _tree.Root(),
        };
        return new SealEntry(TenantId, TraceId)
        {
            Epoch = _epoch, Last = LastLink, Seal = seal, RootHash = _hasher.Root(LastLink, seal), Metadata = metadata,
        };
    }

    private async Task<Digest> RecordPendingStepAsync(CancellationToken cancellationToken)
    {
        var entry = _pendingStep!.Value.Entry;
        var result = await _commits.WriteAsync(entry, cancellationToken);
        if (result.Failure is not RecordingFailure.Unavailable)
            _pendingStep = null;
        Judge(result, string.Create(CultureInfo.InvariantCulture, $"step {entry.Step.StepIndex}"), entry.Link);
        Advance(entry.Link);
        return entry.Link;
    }

    private async Task<Digest> RecordSealAsync(CancellationToken cancellationToken)
    {
        var (closing, entry, done) = _seal!.Value;
        if (done)
            return entry.RootHash;
        var result = await _commits.WriteAsync(entry, cancellationToken);
        if (result.Failure is not RecordingFailure.Unavailable)
            _seal = null;
        Judge(result, "seal", entry.RootHash);
        _seal = (closing, entry, true);
        return entry.RootHash;
    }

    private void Judge(WriteResult result, string place, Digest own)
    {
        try
        {
            RecordingFailures.ThrowUnlessDone(result, TraceId, place, own);
        }
        catch (RecordingException e) when (e.Failure is not (RecordingFailure.Unavailable or RecordingFailure.Refused))
        {
            // The trace is not this session's any more, and no later write could make it so.
            _lost = e;
            throw;
        }
    }

    private void Advance(Digest link)
    {
        _tree.Append(link);
        LastLink = link;
    }

    private void ThrowIfSealed()
    {
        if (_seal is { Done: true } seal)
            throw new RecordingException(RecordingFailure.Sealed, $"trace {TraceId}: it is sealed with {seal.Entry.RootHash}");
        if (_seal is not null)
            throw new RecordingException(RecordingFailure.Sealed, $"trace {TraceId}: its seal is under way; seal it again alike to learn its outcome");
    }

    private void Enter()
    {
        if (Interlocked.Exchange(ref _busy, 1) != 0)
            throw new InvalidOperationException($"trace {TraceId}: calls of one session must not overlap");
        if (_lost is null)
            return;
        Leave();
        throw new RecordingException(_lost.Failure, _lost.Message, _lost);
    }

    private void Leave() => Volatile.Write(ref _busy, 0);

    /// <summary>The same amount as the canonical form spells it: a numeric column would keep the zeros.</summary>
    private static decimal WithoutTrailingZeros(decimal value) => value / 1.0000000000000000000000000000m;
}
