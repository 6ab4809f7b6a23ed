using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>The step that asked for a run and waits for it.</summary>
/// <param name="Run">Its run.</param>
/// <param name="Trace">The trace of that run's attempt.</param>
/// <param name="PlanIndex">The step's place in the plan.</param>
/// <param name="PlanStep">The step's id in the plan.</param>
/// <param name="Attempt">Attempts of the step before this one: each has a sub-run of its own.</param>
/// <param name="Deadline">When the step waits no longer.</param>
public sealed record RunParent(RunId Run, TraceId Trace, int PlanIndex, string PlanStep, int Attempt, DateTimeOffset Deadline)
{
    /// <summary>The most runs that may be above one another; the store refuses more.</summary>
    public const int MaxDepth = 8;

    /// <summary>What idempotency keys of sub-runs begin with; no request may name such a key.</summary>
    public const string KeyPrefix = "sub_run:";

    /// <summary>The worker that has the parent; only it makes its sub-runs. Not stored.</summary>
    public string? Worker { get; init; }
}

/// <summary>The seal of a sub-run's last attempt, and outcomes of its steps.</summary>
/// <param name="Trace">The trace.</param>
/// <param name="Status">How it was sealed: <c>completed</c>, <c>failed</c>, <c>aborted</c>; <c>running</c> where it is not.</param>
/// <param name="ChainLength">Steps in it, or null.</param>
/// <param name="RootHash">Its root hash, or null.</param>
/// <param name="Outcomes">Outcomes of steps that succeeded, as they are stored.</param>
public sealed record SealedSubRun(TraceId Trace, string Status, int? ChainLength, Digest? RootHash, IReadOnlyList<SubRunStepOutcome> Outcomes);

/// <summary>The outcome of a step of a sub-run.</summary>
/// <param name="Outcome">Canonical JSON, redacted; null where it is too large or erased.</param>
/// <param name="Context">The step's context, or null.</param>
public sealed record SubRunStepOutcome(string? Outcome, string? Context);

/// <summary>Sub-runs of runs that a worker has. Each call is one round trip and may be repeated.</summary>
public interface ISubRunStore
{
    /// <summary>The sub-run that was made under a key.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="idempotencyKey">The key.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Null where there is none.</returns>
    Task<Run?> FindAsync(TenantId tenant, string idempotencyKey, CancellationToken cancellationToken);

    /// <summary>All sub-runs of one attempt of a run.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="run">The run.</param>
    /// <param name="trace">The attempt's trace.</param>
    /// <param name="cancellationToken">Gives up.</param>
    Task<IReadOnlyList<Run>> ListAsync(TenantId tenant, RunId run, TraceId trace, CancellationToken cancellationToken);

    /// <summary>What a worker may read of a sub-run's evidence, while it has the run that asked for it.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="run">The run that asked.</param>
    /// <param name="worker">The worker that has it.</param>
    /// <param name="child">The sub-run.</param>
    /// <param name="steps">Ids of the steps whose outcomes are asked for; null for the last one that succeeded.</param>
    /// <param name="maxOutcome">Bytes that an outcome may have; a larger one is left out.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Null where the sub-run has no trace, or the worker does not have the run.</returns>
    Task<SealedSubRun?> ReadAsync(
        TenantId tenant, RunId run, string worker, RunId child, IReadOnlyList<string>? steps, int maxOutcome, CancellationToken cancellationToken);
}
