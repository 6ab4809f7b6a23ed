using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>A write that waits for its batch's commit. It never faults: a caller that gave up leaves no unobserved exception behind.</summary>
internal sealed class PendingWrite(RecordingEntry entry) : TaskCompletionSource<WriteResult>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    /// <summary>What is written.</summary>
    internal RecordingEntry Entry { get; } = entry;

    /// <summary>The trace it is written to.</summary>
    internal (TenantId, TraceId) Trace => (Entry.TenantId, Entry.TraceId);
}

/// <summary>What came of a write: the store's answer, or why there is none.</summary>
/// <param name="Answer">The store's answer; meaningless where <paramref name="Failure"/> is set.</param>
/// <param name="Failure">Refused or Unavailable, or null.</param>
/// <param name="Cause">The store's exception, or null.</param>
internal readonly record struct WriteResult(RecordingResult Answer, RecordingFailure? Failure = null, Exception? Cause = null);
