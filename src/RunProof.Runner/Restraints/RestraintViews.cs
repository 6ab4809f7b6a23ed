using System.ComponentModel;
using System.Globalization;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Runner;

/// <summary>A version of a budget.</summary>
internal sealed record BudgetView(
    string Id, int Version, [property: Description("active or retired.")] string Status, [property: Description("run, agent or tenant.")] string Scope,
    [property: Description("run, day, month or total.")] string Period, string Zone, [property: Description("Null: every agent by itself, or the tenant.")] string? AgentId,
    [property: Description("Cents, an exact decimal.")] string? CostCents, long? Tokens, long? Steps, long? Runs, long? DurationMs,
    [property: Description("halt, continue or require_approval.")] string OnExceeded, string Digest, string CreatedAt,
    [property: Description("The id of the key by which it was set.")] string CreatedBy)
{
    public static BudgetView Of(Budget budget) => new(
        budget.Id, budget.Version, budget.IsActive ? "active" : "retired", BudgetWords.Of(budget.Scope), BudgetWords.Of(budget.Period), budget.Zone, budget.AgentId?.Value,
        Amounts.Text(budget.Limits.CostCents), budget.Limits.Tokens, budget.Limits.Steps, budget.Limits.Runs, budget.Limits.DurationMs,
        BudgetWords.Of(budget.OnExceeded), budget.Digest.ToString(), WireTime.ToText(budget.CreatedAt), budget.CreatedBy);
}

/// <summary>All versions of a budget, the newest first.</summary>
internal sealed record BudgetVersions(string Id, IReadOnlyList<BudgetView> Versions);

/// <summary>All versions of all budgets, by id.</summary>
internal sealed record BudgetPage(IReadOnlyList<BudgetView> Items);

/// <summary>What was used of a budget.</summary>
internal sealed record BudgetUsageView(BudgetView Budget, IReadOnlyList<UsageView> Items);

/// <summary>What was used in a period.</summary>
internal sealed record UsageView(
    [property: Description("Whose use; null for the tenant's.")] string? AgentId,
    [property: Description("The first day of the period in the budget's zone; null for all time.")] string? PeriodStart, string CostCents, long Tokens,
    [property: Description("Attempts let through; null where the budget does not limit them: then they are not counted.")] long? Steps,
    [property: Description("Runs created; null where the budget does not limit them: then they are not counted.")] long? Runs,
    [property: Description("Whether a limit is reached.")] bool Exceeded,
    [property: Description("Cents that steps under way have reserved.")] string ReservedCostCents, [property: Description("Tokens that steps under way have reserved.")] long ReservedTokens)
{
    public static UsageView Of(Budget budget, BudgetUsage usage)
    {
        var limits = budget.Limits;
        return new UsageView(
            usage.AgentId?.Value, usage.PeriodStart?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture), Amounts.Text(usage.CostCents)!, usage.Tokens,
            limits.Steps is null ? null : usage.Steps, limits.Runs is null ? null : usage.Runs,
            usage.CostCents >= limits.CostCents || usage.Tokens >= limits.Tokens || usage.Steps >= limits.Steps || usage.Runs >= limits.Runs,
            Amounts.Text(usage.ReservedCostCents)!, usage.ReservedTokens);
    }
}

/// <summary>The body of a budget. It documents the body; <see cref="BudgetReader"/> reads it.</summary>
internal sealed record PutBudget
{
    [Description("run: each run by itself; agent: an agent, or each by itself; tenant. The same in all versions.")]
    public required string Scope { get; init; }

    [Description("run for scope run; day, month or total for the others. The same in all versions.")]
    public string? Period { get; init; }

    [Description("The time zone whose days and months count, an IANA id; default UTC. The same in all versions.")]
    public string? Zone { get; init; }

    [Description("The agent; default every agent by itself. The same in all versions.")]
    public string? AgentId { get; init; }

    [Description("Cents, exactly: a number or a text.")]
    public decimal? CostCents { get; init; }

    [Description("Tokens of models.")]
    public long? Tokens { get; init; }

    [Description("Attempts that may begin.")]
    public long? Steps { get; init; }

    [Description("Runs that may be created; not for scope run.")]
    public long? Runs { get; init; }

    [Description("Milliseconds that an attempt of the run may take; only for scope run.")]
    public long? DurationMs { get; init; }

    [Description("halt (default): the run fails; continue: the step is blocked and the run goes on; require_approval: somebody must approve the step.")]
    public string? OnExceeded { get; init; }
}

/// <summary>What a run may use. It documents a member of a run's body.</summary>
internal sealed record RunBudgetView(
    [property: Description("Cents, an exact decimal.")] string? CostCents, long? Tokens, [property: Description("Attempts that may begin.")] long? Steps,
    [property: Description("Milliseconds that an attempt of the run may take.")] long? DurationMs)
{
    public static RunBudgetView? Of(BudgetLimits? limits) =>
        limits is null ? null : new RunBudgetView(Amounts.Text(limits.CostCents), limits.Tokens, limits.Steps, limits.DurationMs);
}

/// <summary>The budget of a run's body.</summary>
internal sealed record CreateRunBudget(
    [property: Description("Cents, exactly: a number or a text.")] decimal? CostCents = null, long? Tokens = null,
    [property: Description("Attempts that may begin.")] long? Steps = null, [property: Description("Milliseconds that an attempt of the run may take.")] long? DurationMs = null);

/// <summary>A kill switch.</summary>
internal sealed record KillSwitchView(
    int Number, bool Active, [property: Description("tenant, agent, skill, or all: the operator's, for every tenant.")] string Scope, string? AgentId, string? Skill,
    [property: Description("Steps under way may end.")] bool Graceful, string Reason, string SetAt, string SetBy, string? ReleasedAt, string? ReleasedBy)
{
    public static KillSwitchView Of(KillSwitch kill) => new(
        kill.Number, kill.ReleasedAt is null, KillSwitch.WordOf(kill.Scope), kill.AgentId?.Value, kill.Skill, kill.Graceful, kill.Reason, WireTime.ToText(kill.SetAt), kill.SetBy,
        kill.ReleasedAt is { } released ? WireTime.ToText(released) : null, kill.ReleasedBy);
}

/// <summary>Kill switches: those that are on first, then the latest.</summary>
internal sealed record KillSwitchPage(IReadOnlyList<KillSwitchView> Items);

/// <summary>The body that puts a kill switch on.</summary>
internal sealed record PutKillSwitch
{
    [Description("tenant, agent or skill.")]
    public required string Scope { get; init; }

    [Description("The agent, for scope agent.")]
    public string? AgentId { get; init; }

    [Description("The skill, for scope skill.")]
    public string? Skill { get; init; }

    [Description("Why: 1 to 2,000 characters. It goes into evidence, redacted.")]
    public required string Reason { get; init; }

    [Description("Steps under way may end; default false: they are cancelled.")]
    public bool? Graceful { get; init; }
}

/// <summary>Amounts as texts, without the zeros that a sum keeps.</summary>
internal static class Amounts
{
    public static string? Text(decimal? cents) => cents is { } given ? (given / 1.0000000000000000000000000000m).ToString(CultureInfo.InvariantCulture) : null;
}
