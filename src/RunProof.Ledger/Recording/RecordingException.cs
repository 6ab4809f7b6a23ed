namespace RunProof.Ledger;

/// <summary>Why something could not be recorded.</summary>
public enum RecordingFailure
{
    /// <summary>The place is taken by other content; both are named in the message.</summary>
    Conflict,

    /// <summary>Another writer has taken the trace over. Do not retry.</summary>
    Fenced,

    /// <summary>The trace is sealed.</summary>
    Sealed,

    /// <summary>There is no such trace.</summary>
    NotFound,

    /// <summary>The store refused the content: a check of its own, named in the message.</summary>
    Refused,

    /// <summary>The store cannot be reached or is overloaded. Retrying the same call is safe and may help.</summary>
    Unavailable,
}

/// <summary>Something could not be recorded. Whoever sees it must not go on as if it were.</summary>
/// <param name="failure">Why.</param>
/// <param name="message">What, with the trace and the place.</param>
/// <param name="inner">The store's own exception, or null.</param>
public sealed class RecordingException(RecordingFailure failure, string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Why.</summary>
    public RecordingFailure Failure { get; } = failure;

    /// <summary>Whether the same call may succeed later; it is idempotent.</summary>
    public bool IsTransient => Failure is RecordingFailure.Unavailable;
}
