using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using RunProof.Ledger;

namespace RunProof.Policies;

/// <summary>
/// The budgets of one run. Those of the run itself are added up here: one process has a run at a time, and what a former one used is read from its evidence. Those of
/// its agent and tenant are the store's, for all processes at once.
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

    internal void Used(decimal costCents, long tokens)
    {
        _cost += costCents;
        _tokens += tokens;
    }

    /// <summary>Asks whether an attempt may begin; where it may, it is counted.</summary>
    /// <exception cref="PolicyUnavailableException">The store does not answer.</exception>
    /// <param name="current">What is in force.</param>
    /// <param name="waiting">The action, where a person is to approve it: it is asked for again until one has, and counted once.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The budget that keeps it from that, or null; and how long it may take at most, or null.</returns>
    internal async ValueTask<(UsedUp? Refusal, int? TimeoutMs)> AskAsync(PolicySnapshot current, StepAction? waiting, CancellationToken cancellationToken)
    {
        var ofRun = current.RunBudgets.Where(budget => budget.AgentId is null || budget.AgentId == run.AgentId);
        Budget[] own = _own is null && current.RunBudgets.Count == 0 ? [] : _own is null ? [.. ofRun] : [_own, .. ofRun];
        if (own.Length > 0)
        {
            await BeginAsync(cancellationToken);
            if (First(own.Select(UsedUpOf).OfType<UsedUp>()) is { } refusal)
                return (refusal, null);
        }

        if (current.SharedBudgets.Count > 0)
        {
            var attempt = waiting is null ? NextAttempt() : NumberOf(waiting);
            var used = await patience.AskAsync(
                token => store.TakeAsync(run.TenantId, run.AgentId, clock.GetUtcNow(), attempt, token), "what is used of the budgets could not be read", cancellationToken);
            if (First(used) is { } refusal)
                return (refusal, null);
        }

        if (waiting is null || _waited.Add(NumberOf(waiting)))
            _steps++;
        var duration = own.Min(budget => budget.Limits.DurationMs);
        return (null, duration is null ? null : (int)Math.Clamp(duration.Value - Elapsed(), 1, int.MaxValue));
    }

    private UsedUp? UsedUpOf(Budget budget)
    {
        var (limits, before) = (budget.Limits, _before ?? new RunUse(0, 0, 0));
        if (limits.CostCents is { } cents && before.CostCents + _cost >= cents)
            return new UsedUp(budget, "cost_cents", before.CostCents + _cost, cents);
        if (limits.DurationMs is { } duration && Elapsed() >= duration)
            return new UsedUp(budget, "duration_ms", Elapsed(), duration);
        if (limits.Steps is { } steps && before.Steps + _steps >= steps)
            return new UsedUp(budget, "steps", before.Steps + _steps, steps);
        return limits.Tokens is { } tokens && before.Tokens + _tokens >= tokens ? new UsedUp(budget, "tokens", before.Tokens + _tokens, tokens) : null;
    }

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
        return FormattableString.Invariant($"the budget {whose} is used up: {used.What} {Plain(used.Used)} of {Plain(used.Limit)}");
    }

    // Without the zeros that a sum keeps.
    private static decimal Plain(decimal value) => value / 1.0000000000000000000000000000m;
}
