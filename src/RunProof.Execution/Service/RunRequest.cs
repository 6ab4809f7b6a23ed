using System.Text.Json;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution;

/// <summary>A run that a caller asks for.</summary>
public sealed record RunRequest
{
    /// <summary>The tenant, from the caller's key.</summary>
    public required TenantId TenantId { get; init; }

    /// <summary>The agent on whose behalf.</summary>
    public required AgentId AgentId { get; init; }

    /// <summary>The goal: 1 to 16,384 characters.</summary>
    public required string Goal { get; init; }

    /// <summary>The system that asks: 1 to 128 characters.</summary>
    public required string OriginSystemId { get; init; }

    /// <summary>The plan, or null.</summary>
    public JsonElement? Plan { get; init; }

    /// <summary>The planner's name. Default: <c>given</c> where there is a plan, else <c>stub</c>.</summary>
    public string? Planner { get; init; }

    /// <summary>What the caller chooses for a planner that asks a language model. Default: nothing.</summary>
    public PlannerChoices Choices { get; init; } = new();

    /// <summary>The caller's name for what the run belongs to. Default: the run's own id.</summary>
    public CorrelationId? CorrelationId { get; init; }

    /// <summary>The seed of the run's randomness. Default: 0.</summary>
    public SafeInteger Seed { get; init; }

    /// <summary>The time that skills see as now. Default: the real one.</summary>
    public DateTimeOffset? FrozenTimestamp { get; init; }

    /// <summary>Whether the run is a test and no one's work. Default: false.</summary>
    public bool IsSynthetic { get; init; }

    /// <summary>The synthetic scenario; only with <see cref="IsSynthetic"/>.</summary>
    public string? SyntheticScenarioId { get; init; }

    /// <summary>A key under which the same request makes one run, however often it is sent. Default: none.</summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>Its place among the tenant's waiting runs, higher first. Default: 0.</summary>
    public short Priority { get; init; }

    /// <summary>It begins no earlier. Default: at once.</summary>
    public DateTimeOffset? NotBefore { get; init; }

    /// <summary>Attempts in all where it does not succeed, 1 to 100. Default: 1. A run whose plan redaction changes has one.</summary>
    public int MaxAttempts { get; init; } = 1;

    /// <summary>
    /// Whether, in each attempt, nothing begins before the trace's opening is in the tenant's log. Default: what <see cref="ExecutionOptions.AwaitLogOpening"/> says.
    /// </summary>
    public bool? AwaitLogOpening { get; init; }

    /// <summary>What it may use over all its attempts, frozen with it. Default: as much as it likes.</summary>
    public BudgetLimits? Budget { get; init; }

    /// <summary>The id of the key by which it is asked for: its owner does not approve what the run does. Default: none.</summary>
    public string? CreatedBy { get; init; }

    /// <summary>The W3C context that the run continues. Default: none.</summary>
    public string? TraceParent { get; init; }

    /// <summary>The step that asks for it and waits for it. Default: none.</summary>
    internal RunParent? Parent { get; init; }

    /// <summary>The trace that it replays or goes on from. Its plan is then taken as it is, and no planner is asked. Default: none.</summary>
    internal RunOrigin? Origin { get; init; }
}

/// <summary>A replay or a fork that a caller asks for.</summary>
public sealed record DerivedRunRequest
{
    /// <summary>The tenant, from the caller's key.</summary>
    public required TenantId TenantId { get; init; }

    /// <summary>The run that it comes from.</summary>
    public required RunId RunId { get; init; }

    /// <summary>Which of that run's traces. Default: the last.</summary>
    public string? Trace { get; init; }

    /// <summary>The planned step to begin with, by its place in the plan. Default: 0.</summary>
    public int From { get; init; }

    /// <summary>How it is replayed; null for a fork.</summary>
    public ReplayMode? Mode { get; init; }

    /// <summary>A fork's: the steps from there on, in place of the origin's. Default: those.</summary>
    public JsonElement? Plan { get; init; }

    /// <summary>A fork's: what it is for. Default: the origin's goal.</summary>
    public string? Goal { get; init; }

    /// <summary>A key under which the same request makes one run. Default: none.</summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>Whose key asks. Default: not known.</summary>
    public string? CreatedBy { get; init; }

    /// <summary>The W3C context that the run continues. Default: none.</summary>
    public string? TraceParent { get; init; }
}

/// <summary>What came of a request.</summary>
public abstract record Submission
{
    private Submission()
    {
    }

    /// <summary>The run is stored and waits for its turn; or was, by the same request under the same idempotency key.</summary>
    public sealed record Accepted(Run Run, bool Existing) : Submission;

    /// <summary>The request is not valid: nothing was stored.</summary>
    public sealed record Invalid(IReadOnlyList<PlanError> Errors, bool InPlan) : Submission;

    /// <summary>There is no such agent in the tenant.</summary>
    public sealed record UnknownAgent : Submission;

    /// <summary>Another request was made under this idempotency key.</summary>
    public sealed record IdempotencyConflict(Run Existing) : Submission;

    /// <summary>The policies in force are not known at present: nothing was stored, for it is not known what of the plan may be.</summary>
    public sealed record Ungoverned(string Reason) : Submission;

    /// <summary>A kill switch stops runs like it: nothing was stored.</summary>
    public sealed record Killed(KillSwitch By) : Submission;

    /// <summary>A budget allows no more runs: nothing was stored.</summary>
    public sealed record BudgetExceeded(string Reason) : Submission;

    /// <summary>There is no such run in the tenant, or none of its traces has this name.</summary>
    public sealed record UnknownOrigin(string Reason) : Submission;

    /// <summary>The run to come from has not ended: its trace is not sealed yet.</summary>
    public sealed record OriginNotEnded : Submission;

    /// <summary>The plan of the run to come from held secrets, which no store keeps.</summary>
    public sealed record OriginNotKept : Submission;

    /// <summary>Too many runs wait whose plan only this process knows, or it is stopping: nothing was stored.</summary>
    public sealed record Overloaded(bool Stopping) : Submission;
}
