namespace RunProof.Execution;

/// <summary>The pauses between the attempts of a step.</summary>
internal static class Backoff
{
    public static IReadOnlyList<TimeSpan> Of(RetryRule? rule)
    {
        if (rule is null)
            return [];
        var pauses = new TimeSpan[rule.MaxAttempts - 1];
        for (var i = 0; i < pauses.Length; i++)
            pauses[i] = TimeSpan.FromMilliseconds(Math.Min(Milliseconds(rule, i), rule.MaxBackoffMs));
        return pauses;
    }

    // At most 600,000 ms doubled eight times: no overflow.
    private static long Milliseconds(RetryRule rule, int pause) => rule.Strategy switch
    {
        BackoffStrategy.Constant => rule.BackoffMs,
        BackoffStrategy.Linear => (long)rule.BackoffMs * (pause + 1),
        _ => (long)rule.BackoffMs << pause,
    };
}
