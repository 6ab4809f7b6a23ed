using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>
/// What recovery may read of a trace, and no one else of the runner: only of a run that is not at its end and that the asking worker has claimed.
/// </summary>
public interface IRecoveryStore
{
    /// <summary>Reads how far a trace got. Read-only; the same answer however often it is asked.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="run">The run, claimed by the worker.</param>
    /// <param name="worker">The worker.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>What is recorded; null where the run has no trace, has ended, or is another worker's.</returns>
    Task<TraceProgress?> ReadAsync(TenantId tenant, RunId run, string worker, CancellationToken cancellationToken);
}

/// <summary>How far a trace got.</summary>
/// <param name="Status">The trace's recorded status: <c>running</c>, <c>completed</c>, <c>failed</c>, <c>aborted</c>.</param>
/// <param name="Steps">Its steps by their index.</param>
public sealed record TraceProgress(string Status, IReadOnlyList<StepProgress> Steps)
{
    /// <summary>What the run has cost so far, in cents. Default 0.</summary>
    public decimal CostCents { get; init; }

    /// <summary>The trace's own context, as it is stored: redacted; null where it has none or it is erased.</summary>
    public string? Context { get; init; }
}

/// <summary>A recorded step, as much of it as later steps may refer to. Payload texts are as stored: redacted, null where erased.</summary>
/// <param name="StepIndex">Its index.</param>
/// <param name="Status">Its recorded status.</param>
/// <param name="Outcome">The outcome's text, or null.</param>
/// <param name="Context">The context's text, or null.</param>
public sealed record StepProgress(int StepIndex, string Status, string? Outcome, string? Context);
