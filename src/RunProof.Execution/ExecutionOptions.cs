using RunProof.Ledger;

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

    /// <summary>
    /// Runs that may wait in this process because its memory alone holds their plan, which redaction changed in the store: 1 to 100,000. Default: 5,000. Beyond it such
    /// a submission is refused, not stored. All other runs wait in the store, for any process.
    /// </summary>
    public int QueueCapacity { get; init; } = 5_000;

    /// <summary>How long a claim on a run holds without renewal. Default: 10 s. A dead process's runs are recovered after it.</summary>
    public TimeSpan Lease { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How often claims are renewed; less than half of <see cref="Lease"/>. Default: 3 s.</summary>
    public TimeSpan RenewEvery { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>How often a process with free places asks for runs at least, when no one tells it of any. Default: 1 s.</summary>
    public TimeSpan ClaimEvery { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>How many may watch runs in this process at once, 2 to 100,000; half of them of one tenant. Default: 1,000.</summary>
    public int MaxWatches { get; init; } = 1_000;

    /// <summary>The pause before a run's second attempt, doubled for each further one, 5 minutes at most. Default: 5 s.</summary>
    public TimeSpan AttemptPause { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long a step under way may go on when the process is asked to stop; between steps its run is let go of. Default: 10 s.</summary>
    public TimeSpan StopGrace { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a skill may take to obey its cancelled token before it is left behind. Default: 2 s.</summary>
    public TimeSpan AbandonAfter { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long an approval may be given and used where neither rule nor step says, 1 s to 365 days. Default: 1 day.</summary>
    public TimeSpan ApprovalValidity { get; init; } = TimeSpan.FromDays(1);

    /// <summary>How often a run that waits for people in this process, because only it knows the plan, asks what they decided. Default: 1 s.</summary>
    public TimeSpan ApprovalPoll { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Whether runs whose request says nothing of it wait, in each attempt, until their trace's opening is in the tenant's log. Default: false.</summary>
    public bool AwaitLogOpening { get; init; }

    /// <summary>How long a process waits for that with a run before the run fails with <c>log_unavailable</c>, 1 s to 7 days. Default: 1 minute.</summary>
    public TimeSpan LogOpeningTimeout { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>Times that a write of evidence is tried again while the run waits, when the store cannot be reached. Default: 3.</summary>
    public int EvidenceRetries { get; init; } = 3;

    /// <summary>Steps of one run that may be under way at once, 1 to 256. Default: 64.</summary>
    public int MaxParallelSteps { get; init; } = 64;

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
        ArgumentOutOfRangeException.ThrowIfLessThan(MaxWatches, 2);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxWatches, 100_000);
        ArgumentOutOfRangeException.ThrowIfNegative(EvidenceRetries);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaxParallelSteps);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxParallelSteps, StepIntents.Most);
        if (ApprovalValidity < TimeSpan.FromSeconds(1) || ApprovalValidity > TimeSpan.FromDays(365))
            throw new ArgumentOutOfRangeException(nameof(ApprovalValidity), ApprovalValidity, "ApprovalValidity is from 1 second to 365 days");
        if (LogOpeningTimeout < TimeSpan.FromSeconds(1) || LogOpeningTimeout > TimeSpan.FromDays(7))
            throw new ArgumentOutOfRangeException(nameof(LogOpeningTimeout), LogOpeningTimeout, "LogOpeningTimeout is from 1 second to 7 days");
        if (RenewEvery <= TimeSpan.Zero || RenewEvery * 2 > Lease)
            throw new ArgumentException("RenewEvery must be positive and at most half of Lease, or a living process loses its runs");
        return this;
    }
}
