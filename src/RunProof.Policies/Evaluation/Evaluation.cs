using RunProof.Ledger;

namespace RunProof.Policies;

/// <summary>What policies say of an action.</summary>
internal sealed record Verdict(StepDecisionKind Kind, string Reason, DecidingRule? Rule, DecisionEffects Effects);

/// <summary>
/// Holds an action against the policies in force, in the order of their names, their rules in the order of their documents. Deny beats require_approval beats
/// limit beats redact beats allow; within an effect the first rule decides. A rule that cannot be told denies.
/// </summary>
internal static class Evaluation
{
    internal static Verdict Of(IReadOnlyList<PolicyInForce> policies, ActionFacts facts)
    {
        var findings = new Findings();
        foreach (var policy in policies)
            Apply(policy, facts, findings);
        return findings.ToVerdict();
    }

    /// <summary>The places that rules may remove of an action that has not come to its decision.</summary>
    internal static DecisionEffects PossibleRedactions(IReadOnlyList<PolicyInForce> policies, ActionFacts facts)
    {
        var findings = new Findings();
        foreach (var policy in policies)
        {
            foreach (var rule in policy.Document.Rules)
            {
                if (rule.Effect is PolicyEffect.Redact && rule.When.Hold(facts, Quantity.Possible))
                    findings.Redact(policy, rule);
            }
        }

        return findings.Places();
    }

    private static void Apply(PolicyInForce policy, ActionFacts facts, Findings findings)
    {
        var isAllowed = false;
        foreach (var rule in policy.Document.Rules)
        {
            try
            {
                if (!rule.When.Hold(facts, rule.Effect is PolicyEffect.Allow ? Quantity.All : Quantity.Any))
                    continue;
                isAllowed |= rule.Effect is PolicyEffect.Allow;
                Apply(policy, rule, facts, findings);
            }
            catch (Exception fault)
            {
                // Words of ours only: what other exceptions say may hold what the parameters say.
                var why = fault is InvalidDataException ? fault.Message : fault.GetType().Name;
                findings.Deny(policy, rule.Id, $"the rule could not be decided: {why}", "policy_unavailable", goesOn: false);
            }
        }

        if (policy.Document.DeniesByDefault && !isAllowed)
            findings.Deny(policy, null, "no rule of the policy allows it", "policy_denied", goesOn: false);
    }

    private static void Apply(PolicyInForce policy, PolicyRule rule, ActionFacts facts, Findings findings)
    {
        switch (rule.Effect)
        {
            case PolicyEffect.Deny:
                findings.Deny(policy, rule.Id, rule.Reason, "policy_denied", rule.RunGoesOn);
                break;
            case PolicyEffect.RequireApproval:
                findings.RequireApproval(policy, rule);
                break;
            case PolicyEffect.Limit:
                Limit(policy, rule, facts, findings);
                break;
            case PolicyEffect.Redact:
                findings.Redact(policy, rule);
                break;
            default:
                findings.Allow(policy, rule);
                break;
        }
    }

    private static void Limit(PolicyInForce policy, PolicyRule rule, ActionFacts facts, Findings findings)
    {
        if (Reached(policy, rule, facts) is { } reached)
            findings.Deny(policy, rule.Id, $"{rule.Reason}: {reached}", "policy_denied", rule.RunGoesOn);
        else
            findings.Limit(policy, rule);
    }

    private static string? Reached(PolicyInForce policy, PolicyRule rule, ActionFacts facts)
    {
        var limit = rule.Limit!;
        var usage = facts.Usage;
        if (limit.Calls is { } calls && usage.Calls.GetValueOrDefault(policy.KeyOf(rule)) >= calls)
            return FormattableString.Invariant($"{calls} calls of the run are used");
        if (limit.CostCents is { } cents && usage.CostCents >= cents)
            return FormattableString.Invariant($"the run has cost {cents} cents or more");
        if (limit.Tokens is { } tokens && usage.Tokens >= tokens)
            return FormattableString.Invariant($"the run has used {tokens} tokens or more");
        if (limit.DurationMs is { } duration && (facts.Now - facts.Run.StartedAt).TotalMilliseconds >= duration)
            return FormattableString.Invariant($"the run has taken {duration} ms or more");
        return null;
    }

    private sealed class Findings
    {
        private readonly List<PlaceRedaction> _parameters = [];
        private readonly List<PlaceRedaction> _outcome = [];
        private readonly List<string> _counted = [];
        private (DecidingRule Rule, string Reason, string Code, bool GoesOn)? _denied;
        private (DecidingRule Rule, PolicyRule By)? _approval;
        private (DecidingRule Rule, string Reason)? _limited;
        private (DecidingRule Rule, string Reason)? _redacted;
        private (DecidingRule Rule, string Reason)? _allowed;
        private int? _timeout;

        internal void Deny(PolicyInForce policy, string? rule, string reason, string code, bool goesOn) =>
            _denied ??= (policy.Deciding(rule), reason, code, goesOn);

        internal void RequireApproval(PolicyInForce policy, PolicyRule rule) => _approval ??= (policy.Deciding(rule.Id), rule);

        internal void Limit(PolicyInForce policy, PolicyRule rule)
        {
            _limited ??= (policy.Deciding(rule.Id), rule.Reason);
            if (rule.Limit!.Calls is not null)
                _counted.Add(policy.KeyOf(rule));
            if (rule.Limit.TimeoutMs is { } timeout)
                _timeout = Math.Min(timeout, _timeout ?? int.MaxValue);
        }

        internal void Redact(PolicyInForce policy, PolicyRule rule)
        {
            _redacted ??= (policy.Deciding(rule.Id), rule.Reason);
            var name = "policy:" + policy.KeyOf(rule);
            _parameters.AddRange(rule.RedactedParameters.Select(place => new PlaceRedaction(place, name)));
            _outcome.AddRange(rule.RedactedOutcome.Select(place => new PlaceRedaction(place, name)));
        }

        internal void Allow(PolicyInForce policy, PolicyRule rule) => _allowed ??= (policy.Deciding(rule.Id), rule.Reason);

        internal DecisionEffects Places() => new() { Parameters = _parameters, Outcome = _outcome };

        // What is removed is removed whatever was decided: a refused step is evidence too.
        internal Verdict ToVerdict()
        {
            if (_denied is { } denied)
                return new(StepDecisionKind.Denied, denied.Reason, denied.Rule, Places() with { BlockedCode = denied.Code, RunGoesOn = denied.GoesOn });
            if (_approval is { } approval)
            {
                return new(StepDecisionKind.ApprovalRequired, approval.By.Reason, approval.Rule, Places() with
                {
                    BlockedCode = "approval_required", RunGoesOn = approval.By.RunGoesOn, Terms = approval.By.Approval, CountedWhenApproved = _counted, TimeoutMs = _timeout,
                });
            }

            if (_limited is { } limited)
                return new(StepDecisionKind.Limited, limited.Reason, limited.Rule, Places() with { Counted = _counted, TimeoutMs = _timeout });
            if (_redacted is { } redacted)
                return new(StepDecisionKind.Redacted, redacted.Reason, redacted.Rule, Places());
            return _allowed is { } allowed
                ? new(StepDecisionKind.Allowed, allowed.Reason, allowed.Rule, DecisionEffects.None)
                : new(StepDecisionKind.Allowed, "no rule applies", null, DecisionEffects.None);
        }
    }
}
