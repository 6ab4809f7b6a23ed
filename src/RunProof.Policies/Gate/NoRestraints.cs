using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Policies;

/// <summary>A store in which nobody has budgets and nothing is stopped: for a host without one.</summary>
public sealed class NoRestraints : IRestraintStore
{
    private const string None = "this host has no store of budgets and kill switches";

    /// <inheritdoc/>
    public Task<RestraintsInForce> ReadInForceAsync(TenantId tenant, long knownStamp, CancellationToken cancellationToken) =>
        Task.FromResult(new RestraintsInForce(0, knownStamp == 0 ? null : [], knownStamp == 0 ? null : []));

    /// <inheritdoc/>
    public Task<IReadOnlyList<KillSwitch>> ReadKillSwitchesAsync(CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<KillSwitch>>([]);

    /// <inheritdoc/>
    public Task<IReadOnlyList<UsedUp>> TakeAsync(
        TenantId tenant, AgentId? agent, DateTimeOffset at, long attempt, BudgetReservation? reserve, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<UsedUp>>([]);

    /// <inheritdoc/>
    public Task ForgoAsync(TenantId tenant, TraceId trace, AttemptId attempt, CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task<RunUse> ReadRunUseAsync(TenantId tenant, RunId run, string worker, CancellationToken cancellationToken) => Task.FromResult(new RunUse(0, 0, 0));

    /// <inheritdoc/>
    /// <exception cref="NotSupportedException">Always.</exception>
    public Task<(BudgetSetting Outcome, Budget Stored)> SetAsync(Budget budget, CancellationToken cancellationToken) => throw new NotSupportedException(None);

    /// <inheritdoc/>
    public Task<bool> RetireAsync(TenantId tenant, string id, string by, DateTimeOffset at, CancellationToken cancellationToken) => Task.FromResult(false);

    /// <inheritdoc/>
    public Task<IReadOnlyList<Budget>> ListAsync(TenantId tenant, string? id, CancellationToken cancellationToken) => Task.FromResult<IReadOnlyList<Budget>>([]);

    /// <inheritdoc/>
    public Task<IReadOnlyList<BudgetUsage>> ReadUsageAsync(TenantId tenant, string id, int limit, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<BudgetUsage>>([]);

    /// <inheritdoc/>
    /// <exception cref="NotSupportedException">Always.</exception>
    public Task<(KillSwitch Switch, bool IsNew)?> KillAsync(KillSwitch kill, CancellationToken cancellationToken) => throw new NotSupportedException(None);

    /// <inheritdoc/>
    public Task<KillSwitch?> ReleaseAsync(
        TenantId? tenant, KillScope scope, AgentId? agent, string? skill, string by, DateTimeOffset at, CancellationToken cancellationToken) =>
        Task.FromResult<KillSwitch?>(null);

    /// <inheritdoc/>
    public Task<IReadOnlyList<KillSwitch>> ListKillSwitchesAsync(TenantId tenant, int limit, CancellationToken cancellationToken) =>
        Task.FromResult<IReadOnlyList<KillSwitch>>([]);
}
