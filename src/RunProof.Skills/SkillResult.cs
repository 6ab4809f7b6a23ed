namespace RunProof.Skills;

/// <summary>What a skill gives back: an outcome, and whether it is the one wanted.</summary>
/// <typeparam name="TOutcome">The outcome's record.</typeparam>
public readonly record struct SkillResult<TOutcome>
    where TOutcome : class
{
    private SkillResult(TOutcome? outcome, SkillFailure? failure)
    {
        Outcome = outcome;
        Failure = failure;
    }

    /// <summary>The outcome; null only for a failure without one.</summary>
    public TOutcome? Outcome { get; }

    /// <summary>Why the step failed; null where it succeeded.</summary>
    public SkillFailure? Failure { get; }

    /// <summary>A success.</summary>
    /// <param name="outcome">Its outcome.</param>
    public static implicit operator SkillResult<TOutcome>(TOutcome outcome) => new(outcome, null);

    /// <summary>A success.</summary>
    /// <param name="outcome">Its outcome.</param>
    /// <returns>The result.</returns>
    public static SkillResult<TOutcome> Succeeded(TOutcome outcome) => new(outcome, null);

    /// <summary>A failure: the step is recorded <c>failed</c> (or <c>retrying</c>), with the outcome as evidence where there is one.</summary>
    /// <param name="failure">Why.</param>
    /// <param name="outcome">What came back all the same, or null.</param>
    /// <returns>The result.</returns>
    public static SkillResult<TOutcome> Failed(SkillFailure failure, TOutcome? outcome = null) => new(outcome, failure);
}

/// <summary>Why a step failed.</summary>
/// <param name="Code">A word that programs can compare: <c>http_404</c>, <c>timeout</c>.</param>
/// <param name="Message">A sentence that people can act on. It is recorded after redaction.</param>
/// <param name="Retryable">Whether trying again may help.</param>
public sealed record SkillFailure(string Code, string Message, bool Retryable = false)
{
    /// <summary>How long the service asked to be left alone before the next attempt; no attempt begins sooner. Default: nothing was asked.</summary>
    public TimeSpan? RetryAfter { get; init; }
}

/// <summary>Thrown by a skill to fail its step with a code. Any other exception fails it too, with code <c>skill_exception</c>.</summary>
/// <param name="failure">Why.</param>
/// <param name="inner">What was caught, or null.</param>
public sealed class SkillException(SkillFailure failure, Exception? inner = null) : Exception(failure.Message, inner)
{
    /// <summary>Why.</summary>
    public SkillFailure Failure { get; } = failure;
}
