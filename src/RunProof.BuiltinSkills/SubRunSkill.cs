using RunProof.Format;
using RunProof.Skills;

namespace RunProof.BuiltinSkills;

/// <summary>What to run.</summary>
[Canonical(Name = "sub_run.parameters")]
public sealed partial record SubRunParameters
{
    /// <summary>What the run is for, 1 to 16384 characters.</summary>
    public required string Goal { get; init; }

    /// <summary>Its plan, as in a request for a run. References to ids that the plan itself has are the sub-run's own, all others are to steps of this run.</summary>
    public CanonicalJson? Plan { get; init; }

    /// <summary>Who plans; by default <c>given</c> where there is a plan, else <c>stub</c>.</summary>
    public string? Planner { get; init; }

    /// <summary>The agent on whose behalf; by default that of this run.</summary>
    public string? AgentId { get; init; }

    /// <summary>The system that asks, 1 to 128 characters; by default that of this run.</summary>
    public string? OriginSystemId { get; init; }

    /// <summary>The seed of its randomness; by default that of this run.</summary>
    public long? Seed { get; init; }

    /// <summary>Attempts in all where it does not succeed, 1 to 100; by default 1.</summary>
    public int? MaxAttempts { get; init; }

    /// <summary>Its place among the tenant's waiting runs, -100 to 100; by default that of this run.</summary>
    public int? Priority { get; init; }

    /// <summary>What it may use: <c>cost_cents</c> (a text), <c>tokens</c>, <c>steps</c>, <c>duration_ms</c>; by default as much as it likes.</summary>
    public CanonicalJson? Budget { get; init; }

    /// <summary>Ids of at most 32 of its steps whose outcomes are handed on; by default the last step that succeeded.</summary>
    public IReadOnlyList<string>? Outcomes { get; init; }
}

/// <summary>The run, and the seal of its trace: whoever has this outcome's hash is bound to all that the run recorded.</summary>
[Canonical(Name = "sub_run.outcome")]
public sealed partial record SubRunOutcome
{
    /// <summary>The run.</summary>
    public required string RunId { get; init; }

    /// <summary>The trace of its last attempt; null where it never began.</summary>
    public required string? TraceId { get; init; }

    /// <summary>How it ended: <c>succeeded</c>, <c>failed</c>, <c>aborted</c>, <c>cancelled</c>; where this run did not wait for its end, how it stood.</summary>
    public required string Status { get; init; }

    /// <summary>Steps in that trace; null where it is not sealed.</summary>
    public required int? ChainLength { get; init; }

    /// <summary>The trace's root hash; null where it is not sealed.</summary>
    public required string? RootHash { get; init; }

    /// <summary>Outcomes of its steps, by their ids.</summary>
    public required CanonicalJson Outcomes { get; init; }

    /// <summary>Ids of steps whose outcome was to be handed on and is not: they did not succeed, it is too large, or redaction changed it.</summary>
    public required IReadOnlyList<string> Withheld { get; init; }
}

/// <summary>Asks for another run and waits for it, in no process.</summary>
/// <remarks>
/// The engine makes the run and waits; the skill tells how it ended. Failures: <c>sub_run_failed</c> (it failed or was aborted), <c>sub_run_cancelled</c>, <c>timeout</c> (the
/// step's <c>timeout_ms</c> counts for the whole wait, and the run is cancelled), <c>sub_run_invalid</c> (it is not valid, with places), <c>sub_run_too_deep</c> (8 runs are above
/// this one), <c>sub_run_not_kept</c> (plan or goal hold what redaction takes out), <c>unknown_agent</c>, <c>budget_exceeded</c>, <c>killed</c>.
/// </remarks>
[Skill("sub_run", Version = "1.0.0", Idempotent = true, Replay = ReplayBehavior.Skip)]
public sealed partial class SubRunSkill
{
    /// <summary>Tells how the run ended.</summary>
    /// <param name="parameters">What was asked for; the engine has read it.</param>
    /// <param name="context">The step, with the run.</param>
    /// <param name="cancellationToken">Not used: there is nothing left to wait for.</param>
    /// <returns>The run and its seal.</returns>
    public ValueTask<SkillResult<SubRunOutcome>> ExecuteAsync(SubRunParameters parameters, SkillContext context, CancellationToken cancellationToken) =>
        ValueTask.FromResult(Tell(context.SubRun));

    private static SkillResult<SubRunOutcome> Tell(SkillSubRun? run)
    {
        if (run is null)
            return SkillResult<SubRunOutcome>.Failed(new SkillFailure("no_sub_runs", "this process has no store of runs: nothing was asked for"));
        var outcome = new SubRunOutcome
        {
            RunId = run.RunId.Value, TraceId = run.TraceId, Status = run.Status, ChainLength = run.ChainLength, RootHash = run.RootHash, Outcomes = run.Outcomes,
            Withheld = run.Withheld,
        };
        return run.Failure is { } failure ? SkillResult<SubRunOutcome>.Failed(failure, outcome) : outcome;
    }
}
