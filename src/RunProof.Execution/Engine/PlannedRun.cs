using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution;

/// <summary>A run as it is executed: the stored run beside the plan and goal before redaction, which no store ever sees.</summary>
/// <param name="Run">The run as it is stored.</param>
/// <param name="Goal">The goal as the caller wrote it.</param>
/// <param name="Plan">The plan as it will be executed.</param>
/// <param name="AgentName">The agent's name, for the trace's context.</param>
public sealed record PlannedRun(Run Run, string Goal, Plan Plan, string AgentName)
{
    /// <summary>Whether another process began it: then its trace says where it goes on.</summary>
    internal bool Resumes { get; init; }

    /// <summary>The places of the plan that policies take out of evidence. Default: none.</summary>
    public IReadOnlyList<PlaceRedaction> PlanRedactions { get; init; } = [];

    /// <summary>What a replay or a fork has of its origin; null for any other run, and before the origin was recomputed.</summary>
    internal Ancestry? Ancestry { get; init; }

    /// <summary>Whether that one let go of it between two steps: the step that its trace announces has not begun.</summary>
    internal bool IsBetweenSteps { get; init; }
}

/// <summary>Where the execution of a run goes on that another process began.</summary>
/// <param name="Session">Its trace, taken over; null where the trace never opened and all is still to be done.</param>
/// <param name="Steps">What is recorded, in the order of recording.</param>
/// <param name="IsBetweenSteps">Whether nothing of what the trace's head announces has begun.</param>
/// <param name="End">How the run ended, where its trace is sealed; how it is to end, where nothing of it may be executed.</param>
internal sealed record ResumePoint(ITraceSession? Session, IReadOnlyList<EarlierStep> Steps, bool IsBetweenSteps, RunOutcome? End)
{
    /// <summary>What is recorded, as far as policies count it.</summary>
    public IReadOnlyList<EarlierAttempt> Earlier { get; init; } = [];

    /// <summary>What its trace pinned of skills that may change, by their source. Default: nothing.</summary>
    public IReadOnlyDictionary<string, CanonicalJson> Pins { get; init; } = new Dictionary<string, CanonicalJson>();

    /// <summary>Steps that the run takes over from another one, by their place in the plan: over before it begins, and not recorded in its own trace. Emptied by whoever takes them.</summary>
    public Dictionary<int, StepEnd> Inherited { get; init; } = [];

    /// <summary>Nothing was done yet.</summary>
    public static ResumePoint Beginning { get; } = new(null, [], false, null);
}

/// <summary>How the execution of a run ended.</summary>
/// <param name="Status">Succeeded, failed, aborted or cancelled; running where it is let go of.</param>
/// <param name="ErrorCode">Why it did not succeed, a word; or null.</param>
/// <param name="ErrorMessage">The same in a sentence; not redacted yet.</param>
/// <param name="Unsettled">What must still be written to the trace; null where evidence is whole.</param>
internal sealed record RunOutcome(RunStatus Status, string? ErrorCode, string? ErrorMessage, Unsettled? Unsettled = null)
{
    /// <summary>How this process lets go of a run that has not ended; null where it has.</summary>
    public RunRelease? Release { get; init; }

    /// <summary>Who cancelled it, where somebody did.</summary>
    public string? CancelBy { get; private init; }

    /// <summary>Why, or null.</summary>
    public string? CancelReason { get; private init; }

    /// <summary>Somebody cancelled it.</summary>
    public static RunOutcome CancelledBy(string by, string? reason) =>
        new(RunStatus.Cancelled, "cancelled", $"cancelled by {by}{(reason is null ? "" : ": " + reason)}") { CancelBy = by, CancelReason = reason };

    /// <summary>The kill switch that ended it, where one did.</summary>
    public KillSwitch? Kill { get; private init; }

    /// <summary>A kill switch ended it.</summary>
    public static RunOutcome KilledBy(KillSwitch kill) => new(RunStatus.Aborted, KillSwitch.Code, kill.Sentence) { Kill = kill };

    /// <summary>It has not ended: another process goes on with it, or this one later.</summary>
    public static RunOutcome Released(RunRelease release) => new(RunStatus.Running, null, null) { Release = release };
}

/// <summary>Evidence that could not be written when it should have been: written later, never dropped.</summary>
/// <param name="Pending">The steps that were executed and not acknowledged, in their order.</param>
/// <param name="PendingIndex">The index that the first of them has to have.</param>
/// <param name="Closing">The seal that ends the trace.</param>
internal sealed record Unsettled(IReadOnlyList<StepRecording> Pending, int PendingIndex, TraceClosing Closing);
