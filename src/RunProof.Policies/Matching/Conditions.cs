using RunProof.Ledger;

namespace RunProof.Policies;

/// <summary>How a condition on several values holds.</summary>
internal enum Quantity
{
    /// <summary>By one of them: rules that narrow.</summary>
    Any,

    /// <summary>By all of them, and at least one: rules that allow.</summary>
    All,

    /// <summary>By what may become one of them: a step that is planned, not begun.</summary>
    Possible,
}

/// <summary>When a rule applies. Null members ask for nothing; all others must hold.</summary>
internal sealed record Conditions
{
    internal static readonly Conditions Always = new();

    internal Globs? Skill { get; init; }

    internal Globs? Agent { get; init; }

    internal Globs? Tenant { get; init; }

    internal Globs? Planner { get; init; }

    internal Globs? Host { get; init; }

    internal Globs? DataClass { get; init; }

    internal IReadOnlyList<(PlacePattern Place, Matcher Matcher)> Params { get; init; } = [];

    internal NumberRange? CostCents { get; init; }

    internal NumberRange? Tokens { get; init; }

    internal NumberRange? DurationMs { get; init; }

    internal TimeWindow? Time { get; init; }

    /// <summary>Whether the rule applies.</summary>
    /// <exception cref="InvalidDataException">It cannot be told.</exception>
    internal bool Hold(ActionFacts facts, Quantity quantity) =>
        (Skill is null || Skill.IsMatch(facts.Skill))
        && (Agent is null || (facts.Run.AgentId is { } agent && Agent.IsMatch(agent.Value)))
        && (Tenant is null || Tenant.IsMatch(facts.Run.TenantId.Value))
        && (Planner is null || Planner.IsMatch(facts.Run.Planner))
        && (quantity is Quantity.Possible ? MayHold(facts) : HoldNow(facts) && HoldOf(facts, quantity));

    private bool HoldNow(ActionFacts facts) =>
        (CostCents is null || CostCents.Holds(facts.Usage.CostCents))
        && (Tokens is null || Tokens.Holds(facts.Usage.Tokens))
        && (DurationMs is null || DurationMs.Holds((decimal)(facts.Now - facts.Run.StartedAt).TotalMilliseconds))
        && (Time is null || Time.Holds(facts.Now));

    private bool HoldOf(ActionFacts facts, Quantity quantity) =>
        (Host is null || Of(facts.Hosts, host => Host.IsMatch(host), quantity))
        && (DataClass is null || Of(facts.DataClasses, one => DataClass.IsMatch(one), quantity))
        && Params.All(one => HoldsAt(one.Place, one.Matcher, facts, quantity));

    private static bool HoldsAt(PlacePattern place, Matcher matcher, ActionFacts facts, Quantity quantity)
    {
        var values = place.Find(facts.Parameters).ToList();
        return matcher.Exists is false ? values.Count == 0 : Of(values, matcher.Matches, quantity);
    }

    // Time, cost and what references bring are not known yet.
    private bool MayHold(ActionFacts facts)
    {
        if (facts.HasReferences)
            return true;
        try
        {
            return HoldOf(facts, Quantity.Any);
        }
        catch (InvalidDataException)
        {
            return true;
        }
    }

    private static bool Of<T>(IReadOnlyList<T> values, Func<T, bool> holds, Quantity quantity) =>
        quantity is Quantity.All ? values.Count > 0 && values.All(holds) : values.Any(holds);
}
