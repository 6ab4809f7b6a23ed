using Microsoft.Extensions.Logging;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Policies;

/// <summary>Decides of every attempt by the policies in force: the only maker of decisions that let the engine execute anything.</summary>
public sealed class PolicyGate : IStepGate
{
    private readonly PolicyCache _policies;
    private readonly IRestraintStore _restraints;
    private readonly KillWatch _kills;
    private readonly IRedactor _redactor;
    private readonly TimeProvider _clock;

    /// <summary>A gate.</summary>
    /// <param name="store">Where tenants' policies are.</param>
    /// <param name="redactor">Tells of classes of data in parameters.</param>
    /// <param name="options">How long policies are kept.</param>
    /// <param name="clock">The time of decisions, and of the cache.</param>
    /// <param name="logging">Told of policies that cannot be read.</param>
    /// <param name="restraints">Where budgets and kill switches are. Default: there are none.</param>
    public PolicyGate(
        IPolicyStore store, IRedactor redactor, PolicyOptions options, TimeProvider clock, ILoggerFactory logging, IRestraintStore? restraints = null)
    {
        ArgumentNullException.ThrowIfNull(options);
        _restraints = restraints ?? new NoRestraints();
        _policies = new PolicyCache(store, _restraints, options.Validated(), clock, logging.CreateLogger<PolicyCache>());
        _kills = new KillWatch(_restraints, clock, logging.CreateLogger<KillWatch>());
        (_redactor, _clock) = (redactor, clock);
    }

    /// <summary>Reads what is in force in a tenant anew for the next decision of this process: somebody has changed it. Other processes find out by themselves.</summary>
    /// <param name="tenant">The tenant.</param>
    public void Forget(TenantId tenant) => _policies.Forget(tenant);

    /// <inheritdoc/>
    public async ValueTask<KillSwitch?> FindKillAsync(GovernedRun run, IReadOnlyList<StepAction> plan, CancellationToken cancellationToken)
    {
        var current = await _policies.CurrentAsync(run.TenantId, cancellationToken);
        return current.Restraints.KillSwitches?.FirstOrDefault(kill =>
            kill.StopsRunsOf(run.TenantId, run.AgentId) || plan.Any(action => kill.Stops(run.TenantId, run.AgentId, action.Skill)));
    }

    /// <inheritdoc/>
    public async ValueTask<IRunGate> BeginAsync(GovernedRun run, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(run);
        PolicySnapshot? began = null;
        try
        {
            began = await _policies.CurrentAsync(run.TenantId, cancellationToken);
        }
        catch (PolicyUnavailableException)
        {
            // Each step will be refused; that is recorded, and needs an open trace.
        }

        var budgets = new RunBudgets(run, _restraints, _policies, _clock);
        try
        {
            await budgets.BeginAsync(cancellationToken);
        }
        catch (PolicyUnavailableException)
        {
            // Asked again before the first step that a budget of the run is about.
        }

        return new RunGate(run, began, _policies, budgets, _kills, _redactor, _clock);
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<PlaceRedaction>> PlanRedactionsAsync(GovernedRun run, IReadOnlyList<StepAction> plan, CancellationToken cancellationToken)
    {
        var current = await _policies.CurrentAsync(run.TenantId, cancellationToken);
        if (!current.Policies.Any(policy => policy.Document.Rules.Any(rule => rule.Effect is PolicyEffect.Redact)))
            return [];
        var places = new List<PlaceRedaction>();
        for (var i = 0; i < plan.Count; i++)
        {
            using var facts = new ActionFacts(run, plan[i], RunUsage.None, _clock.GetUtcNow(), _redactor);
            foreach (var one in Evaluation.PossibleRedactions(current.Policies, facts).Parameters)
                places.Add(new PlaceRedaction(plan[i].FallbackOf is { } step ? one.Place.Within(step, "fallback", "params") : one.Place.Within(i, "params"), one.Rule));
        }

        return places;
    }

    /// <summary>Decides of actions as of the steps of one run, in their order, and executes none.</summary>
    /// <param name="run">The run that they would be of.</param>
    /// <param name="actions">The actions; references in them are not resolved.</param>
    /// <param name="instead">A policy that counts as in force, in place of the one of its name; null for none.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="PolicyUnavailableException">The policies in force are not known.</exception>
    /// <returns>The decisions.</returns>
    public async ValueTask<PolicyCheck> CheckAsync(
        GovernedRun run, IReadOnlyList<StepAction> actions, PolicyDocument? instead, CancellationToken cancellationToken)
    {
        var current = await _policies.CurrentAsync(run.TenantId, cancellationToken);
        if (instead is not null)
            current = new PolicySnapshot(-1, [.. current.Policies.Where(policy => policy.Name != instead.Name), new PolicyInForce(instead.Name, instead)], current.Restraints);
        var gate = new RunGate(run, current, _policies, new RunBudgets(run, _restraints, _policies, _clock), _kills, _redactor, _clock);
        return new PolicyCheck(current.Names, [.. actions.Select(action => new CheckedAction(gate.ByWhatIsKnown(action)))]);
    }

    /// <inheritdoc/>
    public StepDecision Undecided(string reason) => new(StepDecisionKind.Undecided, reason, null, DecisionEffects.None);
}
