using System.Text.Json;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Policies;

/// <summary>The gate of one run: keeps what the run has used.</summary>
internal sealed class RunGate : IRunGate
{
    private readonly GovernedRun _run;
    private readonly PolicyCache _policies;
    private readonly RunBudgets _budgets;
    private readonly KillWatch _kills;
    private readonly IRedactor _redactor;
    private readonly TimeProvider _clock;
    private readonly Dictionary<string, int> _calls = new(StringComparer.Ordinal);
    private PolicySnapshot? _last;
    private decimal _cost;
    private long _tokens;

    internal RunGate(
        GovernedRun run, PolicySnapshot? began, PolicyCache policies, RunBudgets budgets, KillWatch kills, IRedactor redactor, TimeProvider clock)
    {
        (_run, _policies, _budgets, _kills, _redactor, _clock, _last) = (run, policies, budgets, kills, redactor, clock, began);

        // The header of a run that goes on was written by another process: what it names is not known here.
        Policies = run.Earlier is null ? began?.Names : null;
        foreach (var earlier in run.Earlier ?? [])
            Count(earlier);
    }

    public CanonicalJson? Policies { get; }

    public async ValueTask<StepDecision> DecideAsync(StepAction action, CancellationToken cancellationToken)
    {
        try
        {
            _last = await _policies.CurrentAsync(_run.TenantId, cancellationToken);
            var decision = Decide(action, _last);
            return Counted(decision.Kind is StepDecisionKind.Denied ? decision : await WithinBudgetsAsync(decision, action, _last, cancellationToken));
        }
        catch (PolicyUnavailableException unavailable)
        {
            return new StepDecision(StepDecisionKind.Denied, unavailable.Message, null, Places(action) with { BlockedCode = "policy_unavailable" });
        }
    }

    /// <summary>Decides by what is known: policies and kill switches, not budgets.</summary>
    internal StepDecision ByWhatIsKnown(StepAction action) => Counted(Decide(action, _last!));

    public IStepWatch? Watch(StepAction action) => _kills.Watch(_run.TenantId, _run.AgentId, action.Skill);

    public StepDecision Undecided(StepAction action, string reason) => new(StepDecisionKind.Undecided, reason, null, Places(action));

    public StepDecision Answered(StepDecision decision, StepApproval approval, bool isAnswer)
    {
        ArgumentNullException.ThrowIfNull(decision);
        var answered = decision.With(approval, isAnswer);
        return decision.Kind is StepDecisionKind.ApprovalRequired ? Counted(answered) : answered;
    }

    public ValueTask ForgoAsync(StepAction action) => action?.Attempt is { } attempt ? _budgets.ForgoAsync(attempt) : default;

    public void Used(decimal costCents, long tokens, AttemptId? attempt = null)
    {
        _cost += costCents;
        _tokens += tokens;
        _budgets.Used(costCents, tokens, attempt);
    }

    private StepDecision Counted(StepDecision decision)
    {
        foreach (var limit in decision.Effects.Counted)
            _calls[limit] = _calls.GetValueOrDefault(limit) + 1;
        return decision;
    }

    // What policies let through, or leave to a person, budgets may still refuse. What a person approves is no more than the budget has left.
    private async ValueTask<StepDecision> WithinBudgetsAsync(
        StepDecision decision, StepAction action, PolicySnapshot current, CancellationToken cancellationToken)
    {
        var (refusal, timeout, reserved) = await _budgets.AskAsync(
            current, action, waits: decision.Kind is StepDecisionKind.ApprovalRequired || action.Skill == "approval", cancellationToken);
        if (refusal is not null)
        {
            var onExceeded = refusal.Budget.OnExceeded;
            var asks = onExceeded is OnExceeded.RequireApproval;
            return new StepDecision(
                asks ? StepDecisionKind.ApprovalRequired : StepDecisionKind.Denied, UsedUpWords.ReasonOf(refusal), UsedUpWords.RuleOf(refusal),
                decision.Effects with
                {
                    BlockedCode = asks ? "approval_required" : "budget_exceeded", RunGoesOn = onExceeded is OnExceeded.Continue, TimeoutMs = null, Counted = [],
                    CountedWhenApproved = asks ? [.. decision.Effects.Counted, .. decision.Effects.CountedWhenApproved] : [],
                });
        }

        var least = timeout is { } left && left < (decision.TimeoutMs ?? int.MaxValue) ? left : decision.TimeoutMs;
        return least == decision.TimeoutMs && reserved is null
            ? decision
            : new StepDecision(decision.Kind, decision.Reason, decision.Rule, decision.Effects with { TimeoutMs = least, Reserved = reserved });
    }

    private StepDecision Decide(StepAction action, PolicySnapshot current)
    {
        if (current.KillOf(_run, action.Skill) is { } kill)
        {
            return new StepDecision(
                StepDecisionKind.Denied, kill.Sentence, new DecidingRule(kill.EvidenceName, "1", kill.Digest, KillSwitch.WordOf(kill.Scope)),
                Places(action) with { BlockedCode = KillSwitch.Code, Kill = kill });
        }

        var isKnown = Policies is not null && (ReferenceEquals(Policies, current.Names) || Policies.Equals(current.Names));
        if (current.Policies.Count == 0 && isKnown)
            return current.Usual;
        using var facts = new ActionFacts(_run, action, new RunUsage(_cost, _tokens, _calls), _clock.GetUtcNow(), _redactor);
        var verdict = Evaluation.Of(current.Policies, facts);
        if (verdict is { Kind: StepDecisionKind.Allowed, Rule: null } && isKnown)
            return current.Usual;
        var reason = current.Policies.Count == 0 ? current.Usual.Reason : verdict.Reason;
        return new StepDecision(verdict.Kind, reason, verdict.Rule, isKnown ? verdict.Effects : verdict.Effects with { PoliciesSince = current.Names });
    }

    // By what was known last: a place too many is removed sooner than one too few.
    private DecisionEffects Places(StepAction action)
    {
        if (_last is null)
            return DecisionEffects.None;
        using var facts = new ActionFacts(_run, action, RunUsage.None, _clock.GetUtcNow(), _redactor);
        return Evaluation.PossibleRedactions(_last.Policies, facts);
    }

    private void Count(EarlierAttempt earlier)
    {
        _cost += earlier.CostCents;
        if (earlier.Context is null)
            return;
        try
        {
            using var context = JsonDocument.Parse(earlier.Context, new JsonDocumentOptions { MaxDepth = 1024 });
            if (context.RootElement.TryGetProperty("tokens", out var tokens) && tokens.TryGetInt64(out var used))
                _tokens += used;
            if (!context.RootElement.TryGetProperty("policy", out var policy) || !policy.TryGetProperty("limits", out var limits))
                return;
            foreach (var limit in limits.EnumerateArray())
                _calls[limit.GetString()!] = _calls.GetValueOrDefault(limit.GetString()!) + 1;
        }
        catch (Exception fault) when (fault is JsonException or InvalidOperationException)
        {
            // Erased or another's: what it counted is not known; the evidence says so by its absence.
        }
    }
}
