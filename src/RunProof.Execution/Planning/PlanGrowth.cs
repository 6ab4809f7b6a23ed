using RunProof.Format;
using RunProof.Ledger;
using RunProof.Skills;

namespace RunProof.Execution;

/// <summary>
/// A planner whose plan grows while the run goes on: whenever no step is left, it is asked for more. What it says may depend on the history alone, so that
/// whoever goes on with the run after a crash grows the very same plan from what is recorded.
/// </summary>
public interface IGrowingPlanner : IPlanner
{
    /// <summary>What comes next.</summary>
    /// <param name="history">The run so far.</param>
    /// <returns>More steps, the run's end, or why it cannot go on.</returns>
    PlanGrowth Grow(RunHistory history);
}

/// <summary>A run so far.</summary>
/// <param name="Goal">The goal, as the caller wrote it; as it is stored where another process goes on with the run.</param>
/// <param name="Steps">Every step that is over, in the plan's order: the last attempt of each.</param>
public sealed record RunHistory(string Goal, IReadOnlyList<EndedStep> Steps);

/// <summary>A step that is over.</summary>
/// <param name="Step">The step as planned.</param>
/// <param name="Status">How it ended.</param>
/// <param name="Outcome">What came back, or null.</param>
/// <param name="Failure">Why it failed; null where it succeeded.</param>
/// <param name="OutcomeIsKnown">False where the recorded outcome is not what came back: redaction changed it, or it is erased.</param>
public sealed record EndedStep(PlannedStep Step, StepStatus Status, CanonicalJson? Outcome, SkillFailure? Failure, bool OutcomeIsKnown = true);

/// <summary>How a plan goes on.</summary>
public abstract record PlanGrowth
{
    private PlanGrowth()
    {
    }

    /// <summary>With more steps; their ids are new in the run.</summary>
    /// <param name="Steps">At least one.</param>
    public sealed record More(IReadOnlyList<PlannedStep> Steps) : PlanGrowth;

    /// <summary>Not at all: the run has what it was to do.</summary>
    public sealed record Done : PlanGrowth;

    /// <summary>Not at all: the run fails.</summary>
    /// <param name="Code">Why, a word: <c>invalid_plan</c>, <c>no_answer</c>.</param>
    /// <param name="Message">The same in a sentence.</param>
    public sealed record Impossible(string Code, string Message) : PlanGrowth;
}
