using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>The words for what a store answered.</summary>
internal static class RecordingFailures
{
    /// <summary>Returns where a write is durable, and throws what it is where it is not.</summary>
    /// <param name="result">What came of it.</param>
    /// <param name="trace">The trace.</param>
    /// <param name="place"><c>header</c>, <c>step 3</c> or <c>seal</c>.</param>
    /// <param name="own">The link or root hash that was to be recorded there.</param>
    /// <exception cref="RecordingException">It is not durable.</exception>
    internal static void ThrowUnlessDone(WriteResult result, TraceId trace, string place, Digest own)
    {
        if (result.Failure is { } failure)
            throw new RecordingException(failure, $"trace {trace}, {place}: {(failure is RecordingFailure.Refused ? "the store refused it" : "the store cannot be reached")}: {result.Cause?.Message}", result.Cause);
        if (result.Answer.Outcome is not (RecordingOutcome.Recorded or RecordingOutcome.AlreadyThere))
            throw Of(result.Answer.Outcome, trace, place, own, result.Answer.Found);
    }

    internal static RecordingException Of(RecordingOutcome outcome, TraceId trace, string place, Digest? own, Digest? found)
    {
        var (failure, what) = outcome switch
        {
            RecordingOutcome.Conflict => (RecordingFailure.Conflict, $"its place is taken: {found} is there, not {own}"),
            RecordingOutcome.Gap => (RecordingFailure.Conflict, $"steps before it are missing, so {own} has no place"),
            RecordingOutcome.Fenced => (RecordingFailure.Fenced, "another writer has taken the trace over"),
            RecordingOutcome.Sealed when found is not null => (RecordingFailure.Sealed, $"the trace is sealed with {found}, not {own}"),
            RecordingOutcome.Sealed => (RecordingFailure.Sealed, "the trace is sealed"),
            RecordingOutcome.NotFound => (RecordingFailure.NotFound, "there is no such trace in this tenant"),
            _ => (RecordingFailure.Unavailable, "its place changed while it was looked at"),
        };
        return new RecordingException(failure, $"trace {trace}, {place}: {what}");
    }
}
