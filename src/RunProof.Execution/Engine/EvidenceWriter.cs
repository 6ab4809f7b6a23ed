using Polly;
using Polly.Retry;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution;

/// <summary>
/// Writes evidence with a few more tries than the recorder's own: a run waits for its store rather than die of a restart of it. All calls are
/// idempotent, so a write that was persisted and reported failed is harmless.
/// </summary>
internal sealed class EvidenceWriter(ITraceRecorder recorder, RunWatches watches, ExecutionOptions options, TimeProvider clock)
{
    private readonly ResiliencePipeline _patience = Patience(options.EvidenceRetries, clock);

    public ValueTask<ITraceSession> OpenAsync(TraceOpening opening, CancellationToken cancellationToken) => _patience.ExecuteAsync(
        static (state, token) => state.recorder.OpenAsync(state.opening, token), (recorder, opening), cancellationToken);

    public async ValueTask<Digest> AppendAsync(ITraceSession session, StepRecording step, StepIntents next, CancellationToken cancellationToken)
    {
        var index = session.NextIndex;
        var link = await _patience.ExecuteAsync(
            static (state, token) => state.session.AppendAsync(state.step, state.next, token), (session, step, next), cancellationToken);
        watches.Recorded(session.TenantId, session.TraceId, index, step);
        return link;
    }

    public ValueTask AnnounceAsync(ITraceSession session, StepIntents intents, CancellationToken cancellationToken) => _patience.ExecuteAsync(
        static (state, token) => state.session.AnnounceAsync(state.intents, token), (session, intents), cancellationToken);

    public ValueTask<Digest> SealAsync(ITraceSession session, TraceClosing closing, CancellationToken cancellationToken) => _patience.ExecuteAsync(
        static (state, token) => state.session.SealAsync(state.closing, token), (session, closing), cancellationToken);

    /// <summary>Writes what a run left unwritten, through a session that fences the old one off: what it wrote late can no longer arrive.</summary>
    /// <param name="run">The run.</param>
    /// <param name="unsettled">What is missing.</param>
    /// <param name="cancellationToken">Gives up; the same call later continues.</param>
    /// <exception cref="RecordingException">The store still cannot be reached.</exception>
    public async Task SettleAsync(Run run, Unsettled unsettled, CancellationToken cancellationToken)
    {
        ITraceSession session;
        try
        {
            session = await recorder.TakeOverAsync(run.TenantId, TraceId.Of(run.Id, run.Attempts), cancellationToken);
        }
        catch (RecordingException ended) when (ended.Failure is RecordingFailure.NotFound or RecordingFailure.Sealed or RecordingFailure.Fenced)
        {
            // Never opened: nothing was executed. Sealed: the write was persisted and reported failed. Fenced: another process settles it.
            return;
        }

        // What was persisted and reported failed is there already.
        for (var i = 0; i < unsettled.Pending.Count; i++)
        {
            if (session.NextIndex == unsettled.PendingIndex + i)
                await AppendOrMarkAsync(session, unsettled.Pending[i], cancellationToken);
        }

        try
        {
            await session.SealAsync(unsettled.Closing, cancellationToken);
        }
        catch (Exception refused) when (refused is RecordingException { Failure: RecordingFailure.Refused } or ArgumentException)
        {
            await session.SealAsync(unsettled.Closing with { Metadata = null }, cancellationToken);
        }
    }

    // A step that the store refuses for its content must still be seen to have happened.
    private static async Task AppendOrMarkAsync(ITraceSession session, StepRecording step, CancellationToken cancellationToken)
    {
        try
        {
            await session.AppendAsync(step, null, cancellationToken);
        }
        catch (Exception refused) when (refused is RecordingException { Failure: RecordingFailure.Refused } or ArgumentException)
        {
            await session.AppendAsync(Marked(step), null, cancellationToken);
        }
    }

    private static StepRecording Marked(StepRecording step) => step with
    {
        Status = step.Status is StepStatus.Blocked ? StepStatus.Blocked : StepStatus.Interrupted,
        OutcomeCategory = Outcomes.Failure,
        OutcomeCode = "evidence_refused",
        Parameters = CanonicalJson.FromCanonicalBytes("{}"u8.ToArray()),
        Outcome = null,
        Context = CanonicalJson.FromCanonicalBytes("""{"note":"the store refused the step's own evidence"}"""u8.ToArray()),
        CostCents = 0,
    };

    private static ResiliencePipeline Patience(int retries, TimeProvider clock) => retries == 0 ? ResiliencePipeline.Empty
        : new ResiliencePipelineBuilder { TimeProvider = clock }
            .AddRetry(new RetryStrategyOptions
            {
                ShouldHandle = new PredicateBuilder().Handle<RecordingException>(failed => failed.IsTransient),
                MaxRetryAttempts = retries,
                BackoffType = DelayBackoffType.Exponential,
                Delay = TimeSpan.FromMilliseconds(200),
                MaxDelay = TimeSpan.FromSeconds(2),
                UseJitter = false,
            })
            .Build();
}

/// <summary>The categories of outcomes that the engine records.</summary>
internal static class Outcomes
{
    internal const string Success = "SUCCESS";
    internal const string Failure = "FAILURE";
}
