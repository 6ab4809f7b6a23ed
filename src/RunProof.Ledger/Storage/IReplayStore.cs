using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>What a replay does with the steps that may be executed again.</summary>
public enum ReplayMode
{
    /// <summary>They are executed and compared.</summary>
    Check,

    /// <summary>Nothing is executed: outcomes are those of the record, parameters are recomputed and compared.</summary>
    Dry,
}

/// <summary>The trace that a run is a replay of, or goes on from.</summary>
/// <param name="Run">Its run.</param>
/// <param name="Trace">The trace.</param>
/// <param name="From">The planned step that the run begins with, by its place in the plan; the outcomes of those before are the trace's.</param>
/// <param name="Mode">How it is replayed; null where the run is a fork.</param>
public sealed record RunOrigin(RunId Run, TraceId Trace, int From, ReplayMode? Mode);

/// <summary>Which steps of an origin are read at once.</summary>
/// <param name="First">The index of the first.</param>
/// <param name="MostSteps">How many at most.</param>
/// <param name="MostBytes">How many bytes their payloads have at most; the first is read however large it is.</param>
public readonly record struct OriginPage(int First, int MostSteps, long MostBytes);

/// <summary>
/// What a process may read of evidence for a replay or a fork, and nothing else: the trace that is named as the origin by a run that it has claimed. Read-only; each call is
/// one round trip.
/// </summary>
public interface IReplayStore
{
    /// <summary>Reads the trace that is the origin of a run, without its steps.</summary>
    /// <param name="tenant">The tenant, of both.</param>
    /// <param name="run">The run, claimed by the worker.</param>
    /// <param name="worker">The worker.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The trace; null where there is none, or the run has ended or is another worker's.</returns>
    Task<RecordedTrace?> FindAsync(TenantId tenant, RunId run, string worker, CancellationToken cancellationToken);

    /// <summary>Reads steps of it, in the order of their index.</summary>
    /// <param name="tenant">The tenant, of both.</param>
    /// <param name="run">The run, claimed by the worker.</param>
    /// <param name="worker">The worker.</param>
    /// <param name="page">Which.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The steps; none where there are no more, or the run has ended or is another worker's.</returns>
    Task<IReadOnlyList<RecordedStep>> ReadStepsAsync(TenantId tenant, RunId run, string worker, OriginPage page, CancellationToken cancellationToken);
}
