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

/// <summary>A trace as it is recorded, to be recomputed before anything is done with it.</summary>
/// <param name="Trace">The trace.</param>
/// <param name="Steps">Its steps by their index; not all where it is too large.</param>
/// <param name="IsTooLarge">Whether its payloads are more than was asked for.</param>
public sealed record RecordedOrigin(RecordedTrace Trace, IReadOnlyList<RecordedStep> Steps, bool IsTooLarge);

/// <summary>What a process may read of evidence for a replay or a fork, and nothing else: the trace that is named as the origin by a run that it has claimed.</summary>
public interface IReplayStore
{
    /// <summary>Reads the origin of a run. Read-only; the same answer however often it is asked.</summary>
    /// <param name="tenant">The tenant, of both.</param>
    /// <param name="run">The run, claimed by the worker.</param>
    /// <param name="worker">The worker.</param>
    /// <param name="maxCharacters">Characters of payloads that are read at most.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The origin; null where there is none, or the run has ended or is another worker's.</returns>
    Task<RecordedOrigin?> ReadAsync(TenantId tenant, RunId run, string worker, long maxCharacters, CancellationToken cancellationToken);
}
