using System.Data.Common;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution.Tests;

/// <summary>Approvals in memory, by the contract of <see cref="IApprovalStore"/>.</summary>
internal sealed class FakeApprovalStore(FakeRunStore runs) : IApprovalStore
{
    private readonly Lock _gate = new();

    public List<(ApprovalRequest Request, ApprovalState State)> All { get; } = [];

    public int Asked { get; private set; }

    /// <summary>Thrown after the next write of this name has been persisted.</summary>
    public Dictionary<string, Exception> PersistAndThrow { get; } = [];

    /// <summary>Thrown instead of the next write of this name.</summary>
    public Dictionary<string, Exception> Lose { get; } = [];

    /// <summary>The worker that has the runs; null for whoever asks.</summary>
    public string? Worker { get; set; }

    public ApprovalState Only => All.Single().State;

    public Task<ApprovalState?> AskAsync(ApprovalRequest request, string worker, CancellationToken cancellationToken) => Do<ApprovalState?>("ask", () =>
    {
        Asked++;
        if (Worker is not null && worker != Worker)
            return null;
        var at = All.FindIndex(one => one.Request.TraceId == request.TraceId && one.Request.PlanIndex == request.PlanIndex);
        if (at < 0)
        {
            runs.Asks(request.TenantId, request.RunId);
            All.Add((request, new ApprovalState
            {
                Id = request.Id, PlanIndex = request.PlanIndex, Status = ApprovalStatus.Pending, Because = request.Because, Salt = request.Salt, ActionDigest = request.ActionDigest,
                ShownDigest = request.ShownDigest, Attempt = request.Attempt, RequestedAt = request.RequestedAt, ValidUntil = request.ValidUntil,
            }));
            return All[^1].State;
        }

        if (All[at].State is { Status: ApprovalStatus.Pending } pending && pending.ValidUntil <= request.RequestedAt)
            All[at] = (All[at].Request, pending with { Status = ApprovalStatus.Expired, DecidedAt = request.RequestedAt });
        return All[at].State;
    });

    public Task<IReadOnlyList<ApprovalState>> ReadAsync(TenantId tenant, RunId run, TraceId trace, string worker, CancellationToken cancellationToken) =>
        Do<IReadOnlyList<ApprovalState>>("read", () => [.. All.Where(one => one.Request.TraceId == trace).Select(one => one.State)]);

    public Task<(ApprovalUse Use, DateTimeOffset? Since)> UseAsync(
        TenantId tenant, RunId run, string worker, string approval, int attempt, DateTimeOffset now, CancellationToken cancellationToken) => Do<(ApprovalUse, DateTimeOffset?)>("use", () =>
    {
        var at = All.FindIndex(one => one.State.Id == approval);
        var state = All[at].State;
        if (state.Status is not ApprovalStatus.Approved)
            return (ApprovalUse.NotApproved, null);
        if (state.ValidUntil <= now)
            return (ApprovalUse.Expired, null);
        All[at] = (All[at].Request, state with { UsedAttempt = attempt });
        return (ApprovalUse.Used, now);
    });

    public Task<bool> WithdrawAsync(TenantId tenant, RunId run, string worker, string approval, DateTimeOffset now, CancellationToken cancellationToken) => Do("withdraw", () =>
    {
        Change(All.FindIndex(one => one.State.Id == approval), state => state with { Status = ApprovalStatus.Withdrawn });
        return true;
    });

    public Task<ApprovalAnswer> DecideAsync(ApprovalVote vote, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<StoredApproval?> FindAsync(TenantId tenant, string approval, CancellationToken cancellationToken) => throw new NotSupportedException();

    public Task<IReadOnlyList<StoredApproval>> ListAsync(TenantId tenant, ApprovalFilter filter, CancellationToken cancellationToken) => throw new NotSupportedException();

    /// <summary>A person decides of one, by default the last, and its run goes on.</summary>
    public void Decide(bool approve, DateTimeOffset now, string by = "ada", Func<ApprovalState, ApprovalState>? change = null, int? at = null)
    {
        lock (_gate)
        {
            Change(at ?? All.Count - 1, state => (change ?? (same => same))(state with
            {
                Status = approve ? ApprovalStatus.Approved : ApprovalStatus.Rejected,
                DecidedAt = now,
                Decisions = [.. state.Decisions, new ApprovalDecision(approve, "key_" + by, by, now, "why not", state.ShownDigest)],
            }));
        }

        var request = All[at ?? All.Count - 1].Request;
        if (runs.All.Any(run => run.Id == request.RunId))
            runs.Wake(request.TenantId, request.RunId, now);
    }

    public void Change(int at, Func<ApprovalState, ApprovalState> change) => All[at] = (All[at].Request, change(All[at].State));

    private Task<T> Do<T>(string name, Func<T> act)
    {
        lock (_gate)
        {
            if (Lose.Remove(name, out var lost))
                return Task.FromException<T>(lost);
            var result = act();
            return PersistAndThrow.Remove(name, out var failed) ? Task.FromException<T>(failed) : Task.FromResult(result);
        }
    }
}

/// <summary>What a store throws that cannot be reached.</summary>
internal sealed class Unreachable() : DbException("gone")
{
    public override bool IsTransient => true;
}
