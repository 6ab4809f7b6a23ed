namespace RunProof.Execution;

/// <summary>How a process executes runs.</summary>
public sealed record ExecutionOptions
{
    /// <summary>The process's name in claims and evidence; unique among living processes, 1 to 128 characters. No default.</summary>
    public required string Worker { get; init; }

    /// <summary>The version of RunProof that goes into each trace's context. Default: the assembly's.</summary>
    public string Version { get; init; } = typeof(ExecutionOptions).Assembly.GetName().Version?.ToString(3) ?? "0";

    /// <summary>Runs executed at once, 1 to 1,024. Default: 32: skills mostly wait, and the recorder batches across runs.</summary>
    public int Concurrency { get; init; } = 32;

    /// <summary>Runs that may wait in this process, 1 to 100,000. Default: 5,000. Beyond it a submission is refused, not stored.</summary>
    public int QueueCapacity { get; init; } = 5_000;

    /// <summary>How long a claim on a run holds without renewal. Default: 10 s. A dead process's runs are recovered after it.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How often claims are renewed; less than half of <see cref="Lease"/>. Default: 3 s.</summary>
    public TimeSpan RenewEvery { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How often abandoned runs are looked for. Default: 3 s.</summary>
    public TimeSpan RecoverEvery { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How long running runs may go on when the process is asked to stop, before they are aborted. Default: 10 s.</summary>
    public TimeSpan StopGrace { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a skill may take to obey its cancelled token before it is left behind. Default: 2 s.</summary>
    public TimeSpan AbandonAfter { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Times that a write of evidence is tried again while the run waits, when the store cannot be reached. Default: 3.</summary>
    public int EvidenceRetries { get; init; } = 3;

    /// <summary>The address that the planner <c>stub</c> calls, asked for at each plan (a server learns its port late). Default: none.</summary>
    public Func<Uri?> DemoUrl { get; init; } = static () => null;

    /// <summary>Refuses values out of their range.</summary>
    /// <exception cref="ArgumentException">One is; it is named.</exception>
    /// <returns>These options.</returns>
    public ExecutionOptions Validated()
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(Worker);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Worker.Length, 128, nameof(Worker));
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Concurrency);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(Concurrency, 1_024);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(QueueCapacity);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(QueueCapacity, 100_000);
        ArgumentOutOfRangeException.ThrowIfNegative(EvidenceRetries);
        if (RenewEvery <= TimeSpan.Zero || RenewEvery * 2 > Lease)
            throw new ArgumentException("RenewEvery must be positive and at most half of Lease, or a living process loses its runs");
        return this;
    }
}
