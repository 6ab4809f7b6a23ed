using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Skills;

namespace RunProof.Policies;

/// <summary>
/// The budgets of one run. Those of the run itself are added up here: one process has a run at a time, and what a former one used is read from its evidence. Those of
/// its agent and tenant are the store's, for all processes at once. What an attempt may use at most is reserved before it begins: of the former here, of the latter there.
/// </summary>
internal sealed class RunBudgets(GovernedRun run, IRestraintStore store, PolicyCache patience, TimeProvider clock)
{
    // A run that goes on in this same process is another sequence of attempts.
    private readonly string _sequence = string.Create(CultureInfo.InvariantCulture, $"{run.RunId?.Value}|{run.Worker}|{run.Attempt}|{clock.GetTimestamp()}|");
    private readonly Budget? _own = run.Budget is null ? null : new Budget
    {
        TenantId = run.TenantId, Id = "run", Version = 1, Scope = BudgetScope.Run, Period = BudgetPeriod.Run, Limits = run.Budget,
    };

    private readonly HashSet<long> _waited = [];
    private readonly Dictionary<AttemptId, Reservation> _reserved = [];
    private RunUse? _before = run.Earlier is null && run.Attempt <= 1 ? new RunUse(0, 0, 0) : null;
    private decimal _cost;
    private long _tokens;
    private long _steps;
    private long _asked;

    /// <summary>Reads what former processes and attempts used. Once, before anything of this process is recorded.</summary>
    /// <exception cref="PolicyUnavailableException">The store does not answer.</exception>
    internal async ValueTask BeginAsync(CancellationToken cancellationToken)
    {
        if (_before is null && run.RunId is { } id)
        {
            _before = await patience.AskAsync(
                token => store.ReadRunUseAsync(run.TenantId, id, run.Worker ?? "", token), "what the run has used could not be read", cancellationToken);
        }
    }

    internal void Used(decimal costCents, long tokens, AttemptId? attempt)
    {
        _cost += costCents;
        _tokens += tokens;
        if (attempt is not null)
            _reserved.Remove(attempt);
    }

    /// <summary>Lets go of what an attempt has reserved here and in the store. What the store does not hear of is let go of with the run.</summary>
    internal async ValueTask ForgoAsync(AttemptId attempt)
    {
        if (!_reserved.Remove(attempt, out var reserved) || reserved.Shared is not { } shared)
            return;
        try
        {
            await patience.AskAsync(
                async token =>
                {
                    await store.ForgoAsync(run.TenantId, shared.TraceId, attempt, token);
                    return true;
                }, "what is reserved of the budgets could not be let go of", CancellationToken.None);
        }
        catch (PolicyUnavailableException)
        {
        }
    }

    /// <summary>Asks whether an attempt may begin; where it may, it is counted, and what it may use at most is reserved.</summary>
    /// <exception cref="PolicyUnavailableException">The store does not answer, or the run is another process's by now.</exception>
    /// <param name="current">What is in force.</param>
    /// <param name="action">The action.</param>
    /// <param name="waits">Whether a person is to approve it: it is asked for again until one has, and counted once.</param>
    /// <param name="cancellationToken">Gives up.</param>
    internal async ValueTask<BudgetAnswer> AskAsync(PolicySnapshot current, StepAction action, bool waits, CancellationToken cancellationToken)
    {
        var own = BudgetsOf(current.RunBudgets, _own);
        var shared = BudgetsOf(current.SharedBudgets, null);
        var reserved = ReservedBy(action, own, shared);
        if (own.Count > 0)
        {
            await BeginAsync(cancellationToken);
            var others = Others(action);
            if (First(own.Select(budget => UsedUpOf(budget, reserved?.Most, others)).OfType<UsedUp>()) is { } refusal)
                return new BudgetAnswer(refusal, null, null);
        }

        if (shared.Count > 0)
        {
            var attempt = waits ? NumberOf(action) : NextAttempt();
            var used = await patience.AskAsync(
                token => store.TakeAsync(run.TenantId, run.AgentId, clock.GetUtcNow(), attempt, reserved?.Shared, token), "what is used of the budgets could not be read",
                cancellationToken);
            if (First(used) is { } refusal)
                return new BudgetAnswer(refusal, null, null);
        }

        if (!waits || _waited.Add(NumberOf(action)))
            _steps++;
        if (reserved is not null)
            _reserved[action.Attempt!] = reserved;
        var duration = own.Count == 0 ? null : own.Min(budget => budget.Limits.DurationMs);
        return new BudgetAnswer(null, duration is null ? null : (int)Math.Clamp(duration.Value - Elapsed(), 1, int.MaxValue), reserved?.Evidence);
    }

    private List<Budget> BudgetsOf(IReadOnlyList<Budget> inForce, Budget? first)
    {
        var budgets = first is null ? new List<Budget>() : [first];
        foreach (var budget in inForce)
        {
            if (budget.Scope is BudgetScope.Tenant || (budget.AgentId is null ? budget.Scope is BudgetScope.Run || run.AgentId is not null : budget.AgentId == run.AgentId))
                budgets.Add(budget);
        }

        return budgets;
    }

    // Nothing is asked of the skill where no budget limits what it could say.
    private Reservation? ReservedBy(StepAction action, List<Budget> own, List<Budget> shared)
    {
        bool LimitsCost(Budget budget) => budget.Limits.CostCents is not null;
        bool LimitsTokens(Budget budget) => budget.Limits.Tokens is not null;
        if (action is not { Attempt: { } attempt, Most: { } tell } || !(own.Exists(LimitsCost) || own.Exists(LimitsTokens) || shared.Exists(LimitsCost) || shared.Exists(LimitsTokens)))
            return null;
        UseLimit? most;
        try
        {
            most = tell();
        }
        catch (Exception fault)
        {
            throw new PolicyUnavailableException($"what the step may use at most could not be told: {fault.Message}", fault);
        }

        if (most is null)
            return null;
        UseLimit Of(bool cost, bool tokens) => new(cost ? most.CostCents : 0, tokens ? most.Tokens : 0);
        var all = Of(own.Exists(LimitsCost) || shared.Exists(LimitsCost), own.Exists(LimitsTokens) || shared.Exists(LimitsTokens));
        var ofShared = Of(shared.Exists(LimitsCost), shared.Exists(LimitsTokens));
        if (all is { CostCents: 0, Tokens: 0 })
            return null;
        return new Reservation(all, ofShared is { CostCents: 0, Tokens: 0 } || run.RunId is not { } id ? null : new BudgetReservation(
            id, TraceId.Of(id, run.Attempt), run.Worker ?? "", attempt, ofShared.CostCents, ofShared.Tokens));
    }

    // What other steps of the run, under way in this process, may use still.
    private UseLimit Others(StepAction action)
    {
        var (cost, tokens) = (0m, 0L);
        foreach (var (attempt, reserved) in _reserved)
        {
            if (attempt == action.Attempt)
                continue;
            cost += reserved.Most.CostCents;
            tokens += reserved.Most.Tokens;
        }

        return new UseLimit(cost, tokens);
    }

    private UsedUp? UsedUpOf(Budget budget, UseLimit? most, UseLimit others)
    {
        var (limits, before) = (budget.Limits, _before ?? new RunUse(0, 0, 0));
        if (limits.CostCents is { } cents && Beyond(budget, "cost_cents", before.CostCents + _cost, cents, others.CostCents, most?.CostCents ?? 0) is { } cost)
            return cost;
        if (limits.DurationMs is { } duration && Elapsed() >= duration)
            return new UsedUp(budget, "duration_ms", Elapsed(), duration);
        if (limits.Steps is { } steps && before.Steps + _steps >= steps)
            return new UsedUp(budget, "steps", before.Steps + _steps, steps);
        return limits.Tokens is { } tokens ? Beyond(budget, "tokens", before.Tokens + _tokens, tokens, others.Tokens, most?.Tokens ?? 0) : null;
    }

    // What wants nothing is kept from beginning by what is used, not by what may be.
    private static UsedUp? Beyond(Budget budget, string what, decimal used, decimal limit, decimal reserved, decimal wanted) =>
        used >= limit || (wanted > 0 && wanted > limit - used - reserved) ? new UsedUp(budget, what, used, limit, reserved, wanted) : null;

    private long Elapsed() => (long)(clock.GetUtcNow() - run.StartedAt).TotalMilliseconds;

    // What halts comes first, then what a person may still allow.
    private static UsedUp? First(IEnumerable<UsedUp> used) => used.MinBy(static one => one.Budget.OnExceeded switch
    {
        OnExceeded.Halt => 0,
        OnExceeded.RequireApproval => 1,
        _ => 2,
    });

    private long NextAttempt() => Number(_sequence + (_asked++).ToString(CultureInfo.InvariantCulture));

    private long NumberOf(StepAction action) => Number(FormattableString.Invariant($"{run.RunId?.Value}|{run.Attempt}|{action.Skill}|{action.Parameters}"));

    private static long Number(string name) => BinaryPrimitives.ReadInt64BigEndian(Format.Digest.Of(Encoding.UTF8.GetBytes(name)).ToArray());
}

/// <summary>What budgets make of an attempt.</summary>
/// <param name="Refusal">The budget that keeps it from beginning; null where none does.</param>
/// <param name="TimeoutMs">How long it may take at most, or null.</param>
/// <param name="Reserved">What they keep for it, for evidence; null for nothing.</param>
internal sealed record BudgetAnswer(UsedUp? Refusal, int? TimeoutMs, CanonicalJson? Reserved);

/// <summary>What is kept for an attempt: of all budgets that are about it, and of those that runs share.</summary>
internal sealed record Reservation(UseLimit Most, BudgetReservation? Shared)
{
    /// <summary>What is limited of it, as an object.</summary>
    internal CanonicalJson Evidence => new BudgetLimits(Most.CostCents > 0 ? Most.CostCents : null, Most.Tokens > 0 ? Most.Tokens : null).ToCanonicalJson();
}

/// <summary>A budget that is used up, in the words of evidence.</summary>
internal static class UsedUpWords
{
    internal static DecidingRule RuleOf(UsedUp used) =>
        new(used.Budget.EvidenceName, used.Budget.Version.ToString(CultureInfo.InvariantCulture), used.Budget.Digest, used.What);

    internal static string ReasonOf(UsedUp used)
    {
        var period = BudgetWords.Of(used.Budget.Period);
        var whose = used.Budget.Scope switch
        {
            BudgetScope.Run => "of the run",
            BudgetScope.Agent => $"of the agent ({period})",
            _ => $"of the tenant ({period})",
        };
        return used.Used >= used.Limit
            ? FormattableString.Invariant($"the budget {whose} is used up: {used.What} {Plain(used.Used)} of {Plain(used.Limit)}")
            : FormattableString.Invariant($"the budget {whose} leaves too little: {used.What} {Plain(used.Used)} of {Plain(used.Limit)} used, {Plain(used.Reserved)} reserved by other steps under way, and this one may use {Plain(used.Wanted)}");
    }

    // Without the zeros that a sum keeps.
    private static decimal Plain(decimal value) => value / 1.0000000000000000000000000000m;
}
