using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution;

/// <summary>A run as it is executed: the stored run beside the plan and goal before redaction, which no store ever sees.</summary>
/// <param name="Run">The run as it is stored.</param>
/// <param name="Goal">The goal as the caller wrote it.</param>
/// <param name="Plan">The plan as it will be executed.</param>
/// <param name="AgentName">The agent's name, for the trace's context.</param>
public sealed record PlannedRun(Run Run, string Goal, Plan Plan, string AgentName);

/// <summary>How the execution of a run ended.</summary>
/// <param name="Status">Succeeded, failed or aborted.</param>
/// <param name="ErrorCode">Why it did not succeed, a word; or null.</param>
/// <param name="ErrorMessage">The same in a sentence; not redacted yet.</param>
/// <param name="Unsettled">What must still be written to the trace; null where evidence is whole.</param>
internal sealed record RunOutcome(RunStatus Status, string? ErrorCode, string? ErrorMessage, Unsettled? Unsettled = null);

/// <summary>Evidence that could not be written when it should have been: written later, never dropped.</summary>
/// <param name="Pending">The step that was executed and not acknowledged, or null.</param>
/// <param name="PendingIndex">The index it has to have.</param>
/// <param name="Closing">The seal that ends the trace.</param>
internal sealed record Unsettled(StepRecording? Pending, int PendingIndex, TraceClosing Closing);
