namespace RunProof.Ledger;

/// <summary>How the recorder shares commits.</summary>
/// <remarks>The recorder never waits for a batch to fill: a write that finds a flusher idle leaves at once, and batches form only of what
/// arrives while earlier ones are under way.</remarks>
public sealed record RecorderOptions
{
    /// <summary>Batches under way at once, each on its own connection. Default 2, 1 to 16.</summary>
    public int Flushers { get; init; } = 2;

    /// <summary>Entries of one batch at most. Default 128, 1 to 4,096.</summary>
    public int MaxBatchEntries { get; init; } = 128;

    /// <summary>Payload bytes of one batch at most; an entry larger than this goes alone. Default 8 MiB, 1 KiB to 256 MiB.</summary>
    public int MaxBatchBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>Writes waiting or under way at most; a further caller waits for room. Default 4,096, 1 to 1,048,576.</summary>
    public int QueueCapacity { get; init; } = 4096;

    /// <summary>Times a batch is tried while the store cannot be reached, before its callers get <see cref="RecordingFailure.Unavailable"/>.
    /// Default 5, 1 to 100.</summary>
    public int Attempts { get; init; } = 5;

    /// <summary>The pause before the second try; it doubles with each further one. Default 50 ms, 1 ms to <see cref="MaxBackoff"/>. Ignored where
    /// <see cref="Attempts"/> is 1.</summary>
    public TimeSpan Backoff { get; init; } = TimeSpan.FromMilliseconds(50);

    /// <summary>The longest pause between two tries. Default 1 s, up to 1 minute.</summary>
    public TimeSpan MaxBackoff { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Checks every option's range.</summary>
    /// <exception cref="ArgumentOutOfRangeException">An option is out of its range; it is named.</exception>
    internal void Check()
    {
        InRange(Flushers, 1, 16, nameof(Flushers));
        InRange(MaxBatchEntries, 1, 4096, nameof(MaxBatchEntries));
        InRange(MaxBatchBytes, 1024, 256 * 1024 * 1024, nameof(MaxBatchBytes));
        InRange(QueueCapacity, 1, 1_048_576, nameof(QueueCapacity));
        InRange(Attempts, 1, 100, nameof(Attempts));
        InRange(MaxBackoff, TimeSpan.FromMilliseconds(1), TimeSpan.FromMinutes(1), nameof(MaxBackoff));
        InRange(Backoff, TimeSpan.FromMilliseconds(1), MaxBackoff, nameof(Backoff));
    }

    /// <summary>The pause after a failed try.</summary>
    /// <param name="attempt">Which try failed, from 1.</param>
    internal TimeSpan PauseAfter(int attempt)
    {
        var factor = 1L << Math.Min(attempt - 1, 20);
        return Backoff > MaxBackoff / factor ? MaxBackoff : Backoff * factor;
    }

    private static void InRange<T>(T value, T least, T most, string option)
        where T : IComparable<T>
    {
        if (value.CompareTo(least) < 0 || value.CompareTo(most) > 0)
            throw new ArgumentOutOfRangeException(option, value, $"{option} is {least} to {most}");
    }
}
