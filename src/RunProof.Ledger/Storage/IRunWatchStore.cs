using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>What is new of runs that somebody watches: that steps are recorded and how they ended, never what they were called with or gave.</summary>
public interface IRunWatchStore
{
    /// <summary>Asks for what is new of many runs: one round trip and one snapshot for all that a process watches.</summary>
    /// <param name="questions">Of which runs, and from where on.</param>
    /// <param name="limit">Steps of one run at most, 1 or more.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="System.Data.Common.DbException">The store cannot be reached; where it is transient, the same question may be asked again.</exception>
    /// <returns>A look for each run of which something is new; none for the others.</returns>
    Task<IReadOnlyList<RunLook>> LookAsync(IReadOnlyList<RunQuestion> questions, int limit, CancellationToken cancellationToken);
}

/// <summary>What is asked of one watched run.</summary>
/// <param name="TenantId">The tenant.</param>
/// <param name="RunId">The run.</param>
/// <param name="Attempt">The attempt whose steps are wanted, from 1.</param>
/// <param name="After">The index from which on.</param>
/// <param name="Seen">What the last look said it saw; null where nothing was told yet.</param>
public readonly record struct RunQuestion(TenantId TenantId, RunId RunId, int Attempt, int After, string? Seen);

/// <summary>A run as it stood at one moment, and what was new of the attempt that was asked for.</summary>
public sealed record RunLook
{
    /// <summary>The question's place among the questions, from 0.</summary>
    public required int Question { get; init; }

    /// <summary>The run's status and its trace's in a few words: what the next question says it has seen.</summary>
    public required string Seen { get; init; }

    /// <summary>The run's status, a word.</summary>
    public required string Status { get; init; }

    /// <summary>Whether the run has ended.</summary>
    public required bool HasEnded { get; init; }

    /// <summary>Attempts begun.</summary>
    public required int Attempts { get; init; }

    /// <summary>How the attempt's trace is sealed: completed, failed or aborted; <c>running</c> where it is open, null where it never opened.</summary>
    public required string? TraceStatus { get; init; }

    /// <summary>Its steps, where it is sealed.</summary>
    public required int? ChainLength { get; init; }

    /// <summary>Its root hash, where it is sealed.</summary>
    public required Digest? RootHash { get; init; }

    /// <summary>The new steps, in order of index; as many as the limit where there may be more.</summary>
    public required IReadOnlyList<WatchedStep> Steps { get; init; }
}

/// <summary>A recorded step as who watches is told of it.</summary>
/// <param name="Index">Its index in its trace, from 0.</param>
/// <param name="PlanStep">Its name in the plan; null for a step that was none of a plan, or whose context has been erased.</param>
/// <param name="Skill">The skill's name.</param>
/// <param name="Status">succeeded, failed, skipped, retrying, blocked or interrupted.</param>
/// <param name="Retries">Attempts of the step before this one.</param>
/// <param name="BegunAt">When it began.</param>
/// <param name="DurationMs">How long it took, in milliseconds.</param>
public sealed record WatchedStep(int Index, string? PlanStep, string Skill, string Status, int Retries, DateTimeOffset BegunAt, double DurationMs);
