using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>
/// Records traces: redacts, commits to, hashes and queues each record, and shares commits between the traces that are written at the same time.
/// </summary>
/// <remarks>
/// Thread-safe; one a process. Metrics are under the meter <c>RunProof.Ledger</c>. Dispose it before the store: it waits until what is queued
/// is durable.
/// </remarks>
public sealed class Recorder : ITraceRecorder, IAsyncDisposable
{
    private const int RememberedOpenings = 4096;

    private readonly GroupCommit _commits;
    private readonly IRedactor _redactor;
    private readonly ISaltSource _salts;

    // Openings whose outcome their callers do not know: asked again, they must be the same bytes, and salts are random.
    private readonly ConcurrentDictionary<(TenantId, TraceId), (TraceOpening Opening, OpenEntry Entry)> _unresolved = new();

    /// <summary>Starts a recorder.</summary>
    /// <param name="store">Where records go.</param>
    /// <param name="redactor">What takes secrets out of payloads first.</param>
    /// <param name="salts">Where salts come from.</param>
    /// <param name="clock">Times pauses between tries, and commits.</param>
    /// <param name="options">How commits are shared.</param>
    /// <param name="logger">Told of tries again and of refusals.</param>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range.</exception>
    public Recorder(IRecordingStore store, IRedactor redactor, ISaltSource salts, TimeProvider clock, RecorderOptions options, ILogger<Recorder> logger)
    {
        options.Check();
        _commits = new GroupCommit(store, options, clock, logger);
        _redactor = redactor;
        _salts = salts;
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The opening holds a value that cannot be recorded; it is named.</exception>
    /// <exception cref="ObjectDisposedException">The recorder is closed.</exception>
    /// <remarks>After <see cref="RecordingFailure.Unavailable"/> or a cancellation, opening again with an equal <see cref="TraceOpening"/> is harmless.</remarks>
    public async ValueTask<ITraceSession> OpenAsync(TraceOpening opening, CancellationToken cancellationToken)
    {
        RecordingLimits.Check(opening);
        var key = (opening.TenantId, opening.TraceId);
        var entry = _unresolved.TryRemove(key, out var earlier) && earlier.Opening == opening ? earlier.Entry : Prepare(opening);
        var resolved = false;
        try
        {
            var result = await _commits.WriteAsync(entry, cancellationToken);
            resolved = result.Failure is not RecordingFailure.Unavailable;
            RecordingFailures.ThrowUnlessDone(result, entry.TraceId, "header", entry.Link);
            return new TraceSession(_commits, _redactor, _salts, entry);
        }
        finally
        {
            if (!resolved && _unresolved.Count < RememberedOpenings)
                _unresolved[key] = (opening, entry);
        }
    }

    /// <inheritdoc/>
    /// <exception cref="ObjectDisposedException">The recorder is closed.</exception>
    public async ValueTask<ITraceSession> TakeOverAsync(TenantId tenant, TraceId trace, CancellationToken cancellationToken)
    {
        RecordingLimits.CheckIds(tenant, trace);
        TakeOverResult result;
        try
        {
            result = await _commits.WithRetriesAsync(store => store.TakeOverAsync(tenant, trace, cancellationToken), cancellationToken);
        }
        catch (RecordingStoreException e)
        {
            throw new RecordingException(
                e.IsTransient ? RecordingFailure.Unavailable : RecordingFailure.Refused, $"trace {trace} could not be taken over: {e.Message}", e);
        }

        return result.Head is { } head
            ? new TraceSession(_commits, _redactor, _salts, tenant, trace, head)
            : throw RecordingFailures.Of(result.Outcome, trace, "head", null, null);
    }

    /// <summary>Refuses further calls, and waits until what is queued is durable or has failed.</summary>
    public ValueTask DisposeAsync() => _commits.DisposeAsync();

    private OpenEntry Prepare(TraceOpening opening)
    {
        var committer = new PayloadCommitter(_redactor, _salts);
        var goal = committer.Commit(opening.Goal, "goal");
        var plan = committer.Commit(opening.Plan, "plan", opening.PlanRedactions);
        var context = committer.CommitWithNotes(opening.Context, "context");
        var header = new TraceHeader
        {
            AgentId = opening.AgentId,
            ContextHash = context?.Commitment,
            CorrelationId = opening.CorrelationId,
            Format = TraceHeader.CurrentFormat,
            FrozenTimestamp = opening.FrozenTimestamp is { } frozen ? WireTime.Truncate(frozen) : null,
            GoalHash = goal.Commitment,
            IsSynthetic = opening.IsSynthetic,
            OriginSystemId = opening.OriginSystemId,
            PlanHash = plan.Commitment,
            Planner = opening.Planner,
            RunId = opening.RunId,
            Seed = opening.Seed,
            StartedAt = WireTime.Truncate(opening.StartedAt),
            SyntheticScenarioId = opening.SyntheticScenarioId,
            TenantId = opening.TenantId,
            TraceId = opening.TraceId,
        };
        return new OpenEntry
        {
            Header = header, Link = new ChainHasher().Link(header), Goal = goal, Plan = plan, Context = context, Intents = opening.FirstSteps,
        };
    }
}
