using RunProof.Format;
using RunProof.Skills;

namespace RunProof.Ledger;

/// <summary>Decides of every attempt before it begins. It never throws for what a policy, its store or a parameter is: what cannot be decided is refused.</summary>
public interface IStepGate
{
    /// <summary>Looks up the policies in force, before a run's trace opens or goes on.</summary>
    /// <param name="run">The run.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="OperationCanceledException">It was given up.</exception>
    /// <returns>The run's gate: one a run and process, not thread-safe.</returns>
    ValueTask<IRunGate> BeginAsync(GovernedRun run, CancellationToken cancellationToken);

    /// <summary>The places of a plan that rules take out of evidence. What a rule would only know when the step begins counts as if it held.</summary>
    /// <param name="run">The run that the plan is for.</param>
    /// <param name="plan">Its steps in their order, then their fallbacks.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PolicyUnavailableException">The policies in force are not known: the plan must not be stored.</exception>
    /// <returns>Places from the root of the plan's JSON array; empty where there are none.</returns>
    ValueTask<IReadOnlyList<PlaceRedaction>> PlanRedactionsAsync(GovernedRun run, IReadOnlyList<StepAction> plan, CancellationToken cancellationToken);

    /// <summary>The kill switch that stops a run which somebody asks for: of its tenant, its agent, or a skill of its plan.</summary>
    /// <param name="run">The run that the plan is for.</param>
    /// <param name="plan">Its steps.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PolicyUnavailableException">It is not known: the run must not be taken in.</exception>
    /// <returns>The switch; null where none does.</returns>
    ValueTask<KillSwitch?> FindKillAsync(GovernedRun run, IReadOnlyList<StepAction> plan, CancellationToken cancellationToken) => new((KillSwitch?)null);

    /// <summary>For a step that a process that died had begun: what it had decided is not known.</summary>
    /// <param name="reason">Why, into evidence.</param>
    /// <returns>A decision that lets nothing be executed.</returns>
    StepDecision Undecided(string reason);
}

/// <summary>Decides of the attempts of one run. Calls must not overlap.</summary>
public interface IRunGate
{
    /// <summary>The policies in force when the run began, by name with their digests: a canonical JSON object; null where they were not known.</summary>
    CanonicalJson? Policies { get; }

    /// <summary>Decides of an attempt.</summary>
    /// <param name="action">What is about to be executed, with its references resolved.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="OperationCanceledException">It was given up.</exception>
    /// <returns>The decision.</returns>
    ValueTask<StepDecision> DecideAsync(StepAction action, CancellationToken cancellationToken);

    /// <summary>Watches an attempt under way: a kill switch may end it. Dispose of the watch when it has ended.</summary>
    /// <param name="action">What is executed.</param>
    /// <returns>The watch; null where nothing can end it.</returns>
    IStepWatch? Watch(StepAction action) => null;

    /// <summary>For an attempt that ends before it could be decided of: its parameters could not be resolved or bound. What rules take out of evidence is taken out all the same.</summary>
    /// <param name="action">As far as it is known.</param>
    /// <param name="reason">Why, into evidence.</param>
    /// <returns>A decision that lets nothing be executed.</returns>
    StepDecision Undecided(StepAction action, string reason);

    /// <summary>Decides once people were asked about the action. What was decided by rules still holds: an approval lifts nothing but a rule that asks for one.</summary>
    /// <param name="decision">What was decided of the attempt by rules.</param>
    /// <param name="approval">What people decided, held against this very action.</param>
    /// <param name="isAnswer">Whether a rejection is an answer that the skill may be told of: where no rule, but the skill itself asked.</param>
    /// <returns>The decision.</returns>
    StepDecision Answered(StepDecision decision, StepApproval approval, bool isAnswer);

    /// <summary>Lets go of what was reserved for an attempt that will not begin now: it waits, and is asked for again. Another call changes nothing, and nothing is thrown: what the
    /// store does not hear of is let go of with the run.</summary>
    /// <param name="action">As it was decided of.</param>
    ValueTask ForgoAsync(StepAction action) => default;

    /// <summary>Adds an attempt to what the run has used, in place of what was reserved for it.</summary>
    /// <param name="costCents">What it cost, in cents.</param>
    /// <param name="tokens">Tokens of models that it used.</param>
    /// <param name="attempt">The attempt; null where nothing can be reserved for it.</param>
    void Used(decimal costCents, long tokens, AttemptId? attempt = null);
}

/// <summary>Watches an attempt under way.</summary>
public interface IStepWatch : IDisposable
{
    /// <summary>Cancelled when the attempt must end.</summary>
    CancellationToken Stopped { get; }

    /// <summary>The kill switch that ended it, or null.</summary>
    KillSwitch? By { get; }
}

/// <summary>A run, as far as policies may ask.</summary>
public sealed record GovernedRun
{
    /// <summary>The tenant, whose policies are in force.</summary>
    public required TenantId TenantId { get; init; }

    /// <summary>The agent, or null.</summary>
    public required AgentId? AgentId { get; init; }

    /// <summary>Who planned.</summary>
    public required string Planner { get; init; }

    /// <summary>When the run began, for limits on its duration.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>The run's id; null for one that is only thought of.</summary>
    public RunId? RunId { get; init; }

    /// <summary>The process that has it, which alone may read what it used before.</summary>
    public string? Worker { get; init; }

    /// <summary>Which of its attempts this is, from 1. Default: 1.</summary>
    public int Attempt { get; init; } = 1;

    /// <summary>What it may use, given with it; null for as much as it likes.</summary>
    public BudgetLimits? Budget { get; init; }

    /// <summary>What a former process recorded of the run, for a run that goes on; null for one that begins.</summary>
    public IReadOnlyList<EarlierAttempt>? Earlier { get; init; }
}

/// <summary>An attempt that a former process recorded.</summary>
/// <param name="Context">The step's context as recorded, or null: limits count on from it.</param>
/// <param name="CostCents">What it cost.</param>
public sealed record EarlierAttempt(string? Context, decimal CostCents);

/// <summary>What is about to be executed.</summary>
/// <param name="Skill">The skill's name.</param>
/// <param name="Parameters">What it will be called with.</param>
public sealed record StepAction(string Skill, CanonicalJson Parameters)
{
    /// <summary>In a plan: the place of the step whose fallback it is; null for a step, whose place is its own in the list.</summary>
    public int? FallbackOf { get; init; }

    /// <summary>Which attempt of which step it is; null where nothing is to be executed. Default: null.</summary>
    public AttemptId? Attempt { get; init; }

    /// <summary>Tells what it may use at most, where a budget is about that; null where nobody can. Default: null.</summary>
    public Func<UseLimit?>? Most { get; init; }
}

/// <summary>An attempt within its trace, by what is recorded of it.</summary>
/// <param name="Key">The step's idempotency key.</param>
/// <param name="Number">Attempts of the step before it.</param>
public sealed record AttemptId(string Key, int Number);

/// <summary>The policies in force cannot be known at present.</summary>
/// <param name="message">Why.</param>
/// <param name="inner">What happened.</param>
public sealed class PolicyUnavailableException(string message, Exception? inner = null) : Exception(message, inner);
