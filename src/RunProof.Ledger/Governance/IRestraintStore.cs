using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>The budgets and kill switches in force at a moment.</summary>
/// <param name="Stamp">Changes with every change of them; 0 where there never were any.</param>
/// <param name="Budgets">By id; null where the stamp is the one that was asked with.</param>
/// <param name="KillSwitches">Those that are on, the operator's too; null where the stamp is the one that was asked with.</param>
public sealed record RestraintsInForce(long Stamp, IReadOnlyList<Budget>? Budgets, IReadOnlyList<KillSwitch>? KillSwitches);

/// <summary>
/// Budgets, what is used of them, and kill switches, of all tenants: in one place, so in force for all processes at once. Each call is one round trip and one
/// transaction; each may be repeated. A store that cannot be reached throws a <see cref="System.Data.Common.DbException"/> whose
/// <see cref="System.Data.Common.DbException.IsTransient"/> is true.
/// </summary>
public interface IRestraintStore
{
    /// <summary>Reads what is in force.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="knownStamp">The stamp of what is known already; -1 for nothing.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The stamp, and the rest where it is another.</returns>
    Task<RestraintsInForce> ReadInForceAsync(TenantId tenant, long knownStamp, CancellationToken cancellationToken);

    /// <summary>Reads the kill switches that are on, of all tenants: one round trip for all steps under way in a process.</summary>
    /// <param name="cancellationToken">Gives up.</param>
    Task<IReadOnlyList<KillSwitch>> ReadKillSwitchesAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Asks whether an attempt may begin by the budgets of its agent and tenant; where it may, it is counted, at once and for all processes, against those that limit
    /// steps, and what it may use at most is reserved until its step is recorded, its run leaves the process or ends. The same attempt asked for again is counted once, and
    /// reserves once.
    /// </summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="agent">The agent, or null.</param>
    /// <param name="at">The time, which tells the period.</param>
    /// <param name="attempt">A number for the attempt, the same where the call is repeated.</param>
    /// <param name="reserve">What it is to reserve; null for nothing.</param>
    /// <param name="cancellationToken">Gives up; the attempt may be counted, and have reserved, all the same.</param>
    /// <exception cref="PolicyUnavailableException">The run is another process's by now: nothing is reserved for it here.</exception>
    /// <returns>The budgets that are used up, or leave too little; empty where the attempt may begin.</returns>
    Task<IReadOnlyList<UsedUp>> TakeAsync(
        TenantId tenant, AgentId? agent, DateTimeOffset at, long attempt, BudgetReservation? reserve, CancellationToken cancellationToken);

    /// <summary>Lets go of what an attempt has reserved. Where it has nothing reserved, nothing changes.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="trace">The attempt's trace.</param>
    /// <param name="attempt">The attempt.</param>
    /// <param name="cancellationToken">Gives up; it may be let go of all the same.</param>
    Task ForgoAsync(TenantId tenant, TraceId trace, AttemptId attempt, CancellationToken cancellationToken);

    /// <summary>What a run that a worker has claimed has used so far, by its evidence, over all its attempts.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="run">The run.</param>
    /// <param name="worker">Who has it: nobody else is told.</param>
    /// <param name="cancellationToken">Gives up.</param>
    Task<RunUse> ReadRunUseAsync(TenantId tenant, RunId run, string worker, CancellationToken cancellationToken);

    /// <summary>Sets a budget: a new version, in force at once in place of the former. What was used stays counted.</summary>
    /// <param name="budget">The budget; its version is given here.</param>
    /// <param name="cancellationToken">Gives up; it may be in force all the same, and the same call again says <see cref="BudgetSetting.Unchanged"/>.</param>
    /// <returns>What came of it, and the version in force.</returns>
    Task<(BudgetSetting Outcome, Budget Stored)> SetAsync(Budget budget, CancellationToken cancellationToken);

    /// <summary>Takes a budget out of force.</summary>
    /// <returns>False where none of the id was in force.</returns>
    Task<bool> RetireAsync(TenantId tenant, string id, string by, DateTimeOffset at, CancellationToken cancellationToken);

    /// <summary>Reads all versions of a budget, the newest first; of all budgets by id, where none is named.</summary>
    Task<IReadOnlyList<Budget>> ListAsync(TenantId tenant, string? id, CancellationToken cancellationToken);

    /// <summary>Reads what was used of a budget, the latest periods first.</summary>
    /// <param name="tenant">The tenant.</param>
    /// <param name="id">The budget.</param>
    /// <param name="limit">At most so many rows.</param>
    /// <param name="cancellationToken">Gives up.</param>
    Task<IReadOnlyList<BudgetUsage>> ReadUsageAsync(TenantId tenant, string id, int limit, CancellationToken cancellationToken);

    /// <summary>Puts a kill switch on, and holds the waiting runs that it stops in line.</summary>
    /// <param name="kill">The switch; its number is given here.</param>
    /// <param name="cancellationToken">Gives up; it may be on all the same, and the same call again finds it.</param>
    /// <returns>The switch, and whether it is new: one of the same scope may be on already. Null where there is no such agent.</returns>
    Task<(KillSwitch Switch, bool IsNew)?> KillAsync(KillSwitch kill, CancellationToken cancellationToken);

    /// <summary>Releases a kill switch, and lets go of the runs that only it held in line.</summary>
    /// <returns>The switch; null where none of this scope was on.</returns>
    Task<KillSwitch?> ReleaseAsync(
        TenantId? tenant, KillScope scope, AgentId? agent, string? skill, string by, DateTimeOffset at, CancellationToken cancellationToken);

    /// <summary>Reads the kill switches of a tenant, and the operator's, those that are on first, then the latest.</summary>
    Task<IReadOnlyList<KillSwitch>> ListKillSwitchesAsync(TenantId tenant, int limit, CancellationToken cancellationToken);
}
