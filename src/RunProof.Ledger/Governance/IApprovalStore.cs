using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>What a worker asks people about.</summary>
public sealed record ApprovalRequest
{
    /// <summary>The tenant.</summary>
    public required TenantId TenantId { get; init; }

    /// <summary>The run; the worker has it.</summary>
    public required RunId RunId { get; init; }

    /// <summary>The trace of its attempt.</summary>
    public required TraceId TraceId { get; init; }

    /// <summary>The step, by its place in the plan.</summary>
    public required int PlanIndex { get; init; }

    /// <summary>The id that the approval gets where there is none for the step: 1 to 128 printable ASCII characters.</summary>
    public required string Id { get; init; }

    /// <summary>The step's id in the plan.</summary>
    public required string StepId { get; init; }

    /// <summary>Attempts of the step before.</summary>
    public required int Attempt { get; init; }

    /// <summary>The skill.</summary>
    public required string Skill { get; init; }

    /// <summary>The rule that asks; null where the skill itself does.</summary>
    public DecidingRule? Rule { get; init; }

    /// <summary>Why people are asked.</summary>
    public required string Because { get; init; }

    /// <summary>What people are shown.</summary>
    public required CanonicalJson Shown { get; init; }

    /// <summary>The salt of <see cref="ActionDigest"/>: 16 bytes.</summary>
    public required ReadOnlyMemory<byte> Salt { get; init; }

    /// <summary>The digest of the exact action.</summary>
    public required Digest ActionDigest { get; init; }

    /// <summary>The digest of what people are shown.</summary>
    public required Digest ShownDigest { get; init; }

    /// <summary>How it must be given.</summary>
    public required ApprovalTerms Terms { get; init; }

    /// <summary>Now.</summary>
    public required DateTimeOffset RequestedAt { get; init; }

    /// <summary>Until when.</summary>
    public required DateTimeOffset ValidUntil { get; init; }
}

/// <summary>A person's decision, on its way to the store.</summary>
/// <param name="TenantId">The tenant of the person's key.</param>
/// <param name="ApprovalId">The approval.</param>
/// <param name="IsApproval">Whether the person approves; else rejects.</param>
/// <param name="KeyId">The key.</param>
/// <param name="ActionDigest">The action's digest, as the person was shown it.</param>
/// <param name="ShownDigest">The digest of what was shown, where the person's client computed it; or null.</param>
/// <param name="Reason">Why, redacted, 1 to 2,000 characters; or null.</param>
/// <param name="At">Now.</param>
/// <param name="AllowOwn">Whether whoever asked for the run may decide, by a key of any scope: for development.</param>
public sealed record ApprovalVote(
    TenantId TenantId, string ApprovalId, bool IsApproval, string KeyId, Digest ActionDigest, Digest? ShownDigest, string? Reason, DateTimeOffset At, bool AllowOwn);

/// <summary>What came of deciding.</summary>
public enum ApprovalAnswer
{
    /// <summary>It is decided so now, or this person had decided so before.</summary>
    Done,

    /// <summary>The approval counts, and more are needed.</summary>
    Counted,

    /// <summary>There is no such approval in this tenant.</summary>
    NotFound,

    /// <summary>The key is no approver's, or the rule names others.</summary>
    NotApprover,

    /// <summary>The person asked for the run, or had a hand in that: set its schedule, gave it another attempt.</summary>
    OwnRun,

    /// <summary>Nobody knows who asked for the run, so nobody is known to be another.</summary>
    UnknownMaker,

    /// <summary>The digests are not those of what would be executed.</summary>
    ActionChanged,

    /// <summary>It was decided before, by this person or another.</summary>
    Decided,

    /// <summary>Its time was over.</summary>
    Expired,

    /// <summary>It is needed no longer.</summary>
    Withdrawn,
}

/// <summary>What came of using an approval.</summary>
public enum ApprovalUse
{
    /// <summary>The attempt may begin; it is noted that it does.</summary>
    Used,

    /// <summary>Its time is over.</summary>
    Expired,

    /// <summary>It is not approved.</summary>
    NotApproved,

    /// <summary>The worker does not have the run any more.</summary>
    NotOurs,
}

/// <summary>Which approvals to list, the newest first.</summary>
public sealed record ApprovalFilter
{
    /// <summary>Only those that stand here.</summary>
    public ApprovalStatus? Status { get; init; }

    /// <summary>Only this run's.</summary>
    public RunId? RunId { get; init; }

    /// <summary>Only those after this one in the listing's order.</summary>
    public (DateTimeOffset RequestedAt, string Id)? After { get; init; }

    /// <summary>At most so many, 1 to 200.</summary>
    public int Limit { get; init; } = 50;
}

/// <summary>
/// The approvals of all tenants. Each call is one round trip and, where it writes, one durable transaction; each may be repeated. A store that cannot be reached throws
/// a <see cref="System.Data.Common.DbException"/> whose <see cref="System.Data.Common.DbException.IsTransient"/> is true.
/// </summary>
public interface IApprovalStore
{
    /// <summary>The approval of a step: made where there is none, expired where its time is over.</summary>
    /// <param name="request">What is asked. Where there is one already, the store keeps that one, whatever is asked now.</param>
    /// <param name="worker">The worker that has the run.</param>
    /// <param name="cancellationToken">Gives up; it may be made all the same.</param>
    /// <returns>The approval; null where the worker does not have the run.</returns>
    Task<ApprovalState?> AskAsync(ApprovalRequest request, string worker, CancellationToken cancellationToken);

    /// <summary>All approvals of the trace that a worker goes on with.</summary>
    /// <returns>By no order; empty where the worker does not have the run.</returns>
    Task<IReadOnlyList<ApprovalState>> ReadAsync(TenantId tenant, RunId run, TraceId trace, string worker, CancellationToken cancellationToken);

    /// <summary>Notes that an attempt of an approved step is about to begin. The same attempt again is harmless.</summary>
    /// <returns>Whether it may; and where it may, since when the approval is used: this time, or that of an attempt before.</returns>
    Task<(ApprovalUse Use, DateTimeOffset? Since)> UseAsync(TenantId tenant, RunId run, string worker, string approval, int attempt, DateTimeOffset now, CancellationToken cancellationToken);

    /// <summary>Asks no longer, where nobody has decided.</summary>
    /// <returns>False where the worker does not have the run.</returns>
    Task<bool> WithdrawAsync(TenantId tenant, RunId run, string worker, string approval, DateTimeOffset now, CancellationToken cancellationToken);

    /// <summary>A person decides. Where that decides the approval, its run is put in line again in the same transaction.</summary>
    Task<ApprovalAnswer> DecideAsync(ApprovalVote vote, CancellationToken cancellationToken);

    /// <summary>Reads an approval; null where the tenant has none of this id.</summary>
    Task<StoredApproval?> FindAsync(TenantId tenant, string approval, CancellationToken cancellationToken);

    /// <summary>Lists a tenant's approvals, the newest first.</summary>
    Task<IReadOnlyList<StoredApproval>> ListAsync(TenantId tenant, ApprovalFilter filter, CancellationToken cancellationToken);
}
