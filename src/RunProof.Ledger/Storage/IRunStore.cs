using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>Where a run stands.</summary>
public enum RunStatus
{
    /// <summary>Its plan is stored; it waits for a worker.</summary>
    Queued,

    /// <summary>A worker executes it.</summary>
    Running,

    /// <summary>All steps succeeded, or failed where the plan said to go on.</summary>
    Succeeded,

    /// <summary>A step failed and the plan ended there.</summary>
    Failed,

    /// <summary>It was stopped, or its worker died and no other could go on with it.</summary>
    Aborted,

    /// <summary>Somebody paused it: no worker has it until somebody resumes it.</summary>
    Paused,

    /// <summary>Somebody cancelled it.</summary>
    Cancelled,

    /// <summary>It waits for people to approve a step, or for sub-runs: no worker has it until they decide, those end, or their time is over.</summary>
    Waiting,
}

/// <summary>A run as it is stored. Its plan and goal are redacted: what is executed is kept in memory only.</summary>
public sealed record Run
{
    /// <summary>The tenant.</summary>
    public required TenantId TenantId { get; init; }

    /// <summary>Its id, unique in the tenant.</summary>
    public required RunId Id { get; init; }

    /// <summary>The agent; one of the tenant's.</summary>
    public required AgentId AgentId { get; init; }

    /// <summary>The goal, redacted.</summary>
    public required string Goal { get; init; }

    /// <summary>The system that asked for it.</summary>
    public required string OriginSystemId { get; init; }

    /// <summary>The caller's correlation id; by default the run's own.</summary>
    public required CorrelationId CorrelationId { get; init; }

    /// <summary>Who planned.</summary>
    public required string Planner { get; init; }

    /// <summary>The plan as canonical JSON text, redacted.</summary>
    public required string PlanJson { get; init; }

    /// <summary>Whether redaction changed plan or goal: such a run cannot be executed from the store.</summary>
    public required bool PlanRedacted { get; init; }

    /// <summary>The caller's key for creating it once, or null.</summary>
    public string? IdempotencyKey { get; init; }

    /// <summary>SHA-256 of the canonical request, to tell a repeat from a conflict under one idempotency key.</summary>
    public Digest? RequestHash { get; init; }

    /// <summary>Where it stands.</summary>
    public required RunStatus Status { get; init; }

    /// <summary>Whether it has ended: then it changes no more, unless somebody gives it another attempt.</summary>
    public bool HasEnded => Status is not (RunStatus.Queued or RunStatus.Running or RunStatus.Paused or RunStatus.Waiting);

    /// <summary>Attempts begun, each with a trace of its own; going on after a crash or a pause is no attempt.</summary>
    public int Attempts { get; init; }

    /// <summary>Attempts that it may have, 1 to 100. Default: 1.</summary>
    public int MaxAttempts { get; init; } = 1;

    /// <summary>Whether the last attempt is not over: whoever claims the run goes on with it.</summary>
    public bool IsAttemptOpen { get; init; }

    /// <summary>Whether whoever had it let go of it between two steps: what its trace announces has not begun.</summary>
    public bool IsBetweenSteps { get; init; }

    /// <summary>Its place among the tenant's waiting runs, higher first. Default: 0.</summary>
    public short Priority { get; init; }

    /// <summary>It waits until then, or null.</summary>
    public DateTimeOffset? NotBefore { get; init; }

    /// <summary>Since when somebody wants it paused; null where nobody does, or it is.</summary>
    public DateTimeOffset? PauseRequestedAt { get; init; }

    /// <summary>Since when somebody wants it cancelled, or null.</summary>
    public DateTimeOffset? CancelRequestedAt { get; init; }

    /// <summary>Who wants it cancelled, or null.</summary>
    public string? CancelRequestedBy { get; init; }

    /// <summary>Why, redacted; or null.</summary>
    public string? CancelReason { get; init; }

    /// <summary>What it may use, given with it and never changed; null for as much as it likes.</summary>
    public BudgetLimits? Budget { get; init; }

    /// <summary>The trace that it replays or goes on from; null for a run that begins at its beginning.</summary>
    public RunOrigin? Origin { get; init; }

    /// <summary>The step that asked for it and waits for it; null for a run that no run asked for.</summary>
    public RunParent? Parent { get; init; }

    /// <summary>Runs above it, as the store counts them: 0 for a run that no run asked for.</summary>
    public int Depth { get; init; }

    /// <summary>The seed of its randomness.</summary>
    public SafeInteger Seed { get; init; }

    /// <summary>The time that it sees as now, or null.</summary>
    public DateTimeOffset? FrozenTimestamp { get; init; }

    /// <summary>Whether it is a test and no one's work.</summary>
    public bool IsSynthetic { get; init; }

    /// <summary>The synthetic scenario, or null.</summary>
    public string? SyntheticScenarioId { get; init; }

    /// <summary>W3C trace context of the caller, or null.</summary>
    public string? TraceParent { get; init; }

    /// <summary>The id of the key by which it was asked for, or null.</summary>
    public string? CreatedBy { get; init; }

    /// <summary>Whether, in each attempt, nothing begins before the trace's opening is in the tenant's log (proof-format.md section 4). Default: false.</summary>
    public bool AwaitsLogOpening { get; init; }

    /// <summary>Whether a step of it has asked people for an approval.</summary>
    public bool AsksApproval { get; init; }

    /// <summary>Why it did not succeed, a word; null where it did or has not ended.</summary>
    public string? ErrorCode { get; init; }

    /// <summary>Why it did not succeed, a sentence, redacted.</summary>
    public string? ErrorMessage { get; init; }

    /// <summary>When it was created.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When a worker started it, or null.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When it ended, or null.</summary>
    public DateTimeOffset? CompletedAt { get; init; }

    /// <summary>From start to end, in milliseconds; null where either is.</summary>
    public double? DurationMs { get; init; }

    /// <summary>Traces recorded of it, over all attempts; as <see cref="IRunStore.FindAsync"/>, <see cref="IRunStore.ListAsync"/> and an existing run's creation tell.</summary>
    public int TraceCount { get; init; }

    /// <summary>Steps recorded in them.</summary>
    public long StepCount { get; init; }

    /// <summary>What these cost, in cents: an exact decimal without trailing zeros. Default: <c>0</c>.</summary>
    public string CostCents { get; init; } = "0";

    /// <summary>Tokens of models that they used.</summary>
    public long Tokens { get; init; }

    /// <summary>The process that has it, and until when it must have renewed its claim.</summary>
    public string? Worker { get; init; }

    /// <summary>Until when that process must have renewed its claim.</summary>
    public DateTimeOffset? LeaseUntil { get; init; }
}

/// <summary>What came of creating a run.</summary>
public enum RunCreation
{
    /// <summary>It is stored and queued.</summary>
    Created,

    /// <summary>The same request was made before under this idempotency key; that run is returned.</summary>
    Existing,

    /// <summary>Another request was made before under this idempotency key.</summary>
    IdempotencyConflict,

    /// <summary>There is no such agent in this tenant.</summary>
    UnknownAgent,

    /// <summary>A budget allows no more runs: nothing is stored. The run that is returned says which, as its error's message.</summary>
    BudgetExceeded,

    /// <summary>A run of this id is there already.</summary>
    DuplicateId,

    /// <summary>The run that it names as its parent is not under way in the worker that it names, or is to be cancelled: nothing is stored.</summary>
    ParentGone,

    /// <summary>As many runs as may be are above its parent: nothing is stored.</summary>
    TooDeep,
}

/// <summary>Which runs to list. Newest first; keyset paging by (created_at, id).</summary>
public sealed record RunFilter
{
    /// <summary>Only runs that stand here.</summary>
    public RunStatus? Status { get; init; }

    /// <summary>Only this agent's.</summary>
    public AgentId? AgentId { get; init; }

    /// <summary>Only those that this system asked for.</summary>
    public string? OriginSystemId { get; init; }

    /// <summary>Only sub-runs of this run.</summary>
    public RunId? Parent { get; init; }

    /// <summary>Only those created at this time or later.</summary>
    public DateTimeOffset? CreatedFrom { get; init; }

    /// <summary>Only those created before this time.</summary>
    public DateTimeOffset? CreatedBefore { get; init; }

    /// <summary>Runs strictly after this one in the listing's order.</summary>
    public (DateTimeOffset CreatedAt, RunId Id)? After { get; init; }

    /// <summary>At most this many, 1 to 200.</summary>
    public int Limit { get; init; } = 50;
}

/// <summary>
/// The runs of all tenants. Status moves one way only: the store refuses anything else. Each call is one round trip and, where it writes, one durable
/// transaction. A store that cannot be reached or is overloaded throws a <see cref="System.Data.Common.DbException"/> whose
/// <see cref="System.Data.Common.DbException.IsTransient"/> is true; every call here may then be repeated.
/// </summary>
public interface IRunStore
{
    /// <summary>
    /// Stores a run in status queued: under the lease of the worker that it names, or, where it names none or its tenant has a limit, waiting for one. A run whose plan
    /// no store keeps whole is under its worker's lease whatever the limit. Durable when it returns; idempotent by key.
    /// </summary>
    Task<(RunCreation Outcome, Run Run)> CreateAsync(Run run, CancellationToken cancellationToken);

    /// <summary>Reads a run; null where the tenant has none of this id.</summary>
    Task<Run?> FindAsync(TenantId tenant, RunId run, CancellationToken cancellationToken);

    /// <summary>Lists a tenant's runs.</summary>
    Task<IReadOnlyList<Run>> ListAsync(TenantId tenant, RunFilter filter, CancellationToken cancellationToken);

    /// <summary>queued → running, by the worker that has it: an attempt begins, or goes on. False where it is not queued or another worker has it.</summary>
    Task<bool> StartAsync(TenantId tenant, RunId run, string worker, DateTimeOffset startedAt, DateTimeOffset leaseUntil, CancellationToken cancellationToken);

    /// <summary>queued or running → an end, by the worker that has it. False where another has it or it has ended.</summary>
    Task<bool> FinishAsync(TenantId tenant, RunId run, string worker, RunEnd end, CancellationToken cancellationToken);

    /// <summary>Ends an attempt without success and puts the run in line for the next. False where it has none left, is to be cancelled, or another worker has it.</summary>
    Task<bool> NextAttemptAsync(TenantId tenant, RunId run, string worker, DateTimeOffset availableAt, CancellationToken cancellationToken);

    /// <summary>Lets go of a run: it is paused, waits for people, or is in line for another worker. False where another has it or it has ended.</summary>
    Task<bool> ReleaseAsync(TenantId tenant, RunId run, string worker, RunRelease release, CancellationToken cancellationToken);

    /// <summary>Moves the end of the worker's leases on all its queued and running runs.</summary>
    /// <returns>What somebody wants of them.</returns>
    Task<IReadOnlyList<RunWish>> RenewAsync(string worker, DateTimeOffset leaseUntil, CancellationToken cancellationToken);

    /// <summary>What somebody wants of the worker's runs.</summary>
    Task<IReadOnlyList<RunWish>> FindWishesAsync(string worker, CancellationToken cancellationToken);

    /// <summary>
    /// Claims runs of any tenant: first those of other workers whose lease has run out, then those in line, tenants in turn. Whoever had begun a claimed run can append
    /// nothing to its trace any more.
    /// </summary>
    /// <param name="worker">Who claims.</param>
    /// <param name="now">The time.</param>
    /// <param name="leaseUntil">Until when, unless it is renewed.</param>
    /// <param name="limit">At most so many.</param>
    /// <param name="after">The tenant whose turn was last, or null.</param>
    /// <param name="cancellationToken">Gives up; runs may be claimed all the same, and the lease on them runs out.</param>
    Task<IReadOnlyList<Run>> ClaimAsync(
        string worker, DateTimeOffset now, DateTimeOffset leaseUntil, int limit, TenantId? after, CancellationToken cancellationToken);

    /// <summary>Asks for a run's end. It is cancelled at once where no worker has begun it.</summary>
    Task<RunAnswer> CancelAsync(TenantId tenant, RunId run, string by, string? reason, DateTimeOffset now, CancellationToken cancellationToken);

    /// <summary>Asks for a run to be paused between steps. It is paused at once where no worker has it.</summary>
    Task<RunAnswer> PauseAsync(TenantId tenant, RunId run, DateTimeOffset now, CancellationToken cancellationToken);

    /// <summary>Puts a paused run in line again, or takes the wish to pause it back.</summary>
    Task<RunAnswer> ResumeAsync(TenantId tenant, RunId run, DateTimeOffset now, CancellationToken cancellationToken);

    /// <summary>Gives a run that ended without success another attempt. Whoever asks for it, by this key, approves nothing that the run does; null where no key does.</summary>
    Task<RunAnswer> RetryAsync(TenantId tenant, RunId run, string? by, DateTimeOffset now, CancellationToken cancellationToken);

    /// <summary>Of many runs those that have ended: one round trip for all that a process waits for.</summary>
    Task<IReadOnlyList<(TenantId Tenant, RunId Run)>> FindEndedAsync(IReadOnlyCollection<(TenantId Tenant, RunId Run)> runs, CancellationToken cancellationToken);
}

/// <summary>How a worker lets go of a run.</summary>
/// <param name="BetweenSteps">What its trace announces has not begun.</param>
/// <param name="Pause">Because somebody wants it paused; where nobody does any more, it is put in line.</param>
/// <param name="AvailableAt">No worker claims it before.</param>
public sealed record RunRelease(bool BetweenSteps, bool Pause, DateTimeOffset AvailableAt)
{
    /// <summary>
    /// The approvals that it waits for, between steps; then <see cref="AvailableAt"/> is when the first of them runs out. Where one is decided by now it does not wait. Null
    /// where it waits for none.
    /// </summary>
    public IReadOnlyList<string>? Approvals { get; init; }

    /// <summary>The sub-runs that it waits for, as with <see cref="Approvals"/>: where one has ended by now it does not wait. Null where it waits for none.</summary>
    public IReadOnlyList<RunId>? SubRuns { get; init; }

    /// <summary>Now; only where it waits.</summary>
    public DateTimeOffset At { get; init; }
}

/// <summary>What somebody wants of a run that a worker has.</summary>
/// <param name="TenantId">The tenant.</param>
/// <param name="RunId">The run.</param>
/// <param name="Pause">Whether it is to be paused.</param>
/// <param name="CancelBy">Who wants it cancelled, or null.</param>
/// <param name="CancelReason">Why, or null.</param>
public sealed record RunWish(TenantId TenantId, RunId RunId, bool Pause, string? CancelBy, string? CancelReason);

/// <summary>What came of asking something of a run.</summary>
public enum RunAnswer
{
    /// <summary>It is so now, or was already.</summary>
    Done,

    /// <summary>The worker that has the run will obey; or, of another attempt: it is under way.</summary>
    Asked,

    /// <summary>The run has ended.</summary>
    Ended,

    /// <summary>There is no such run in this tenant.</summary>
    NotFound,

    /// <summary>Its plan held secrets and is only in the memory of the process that has it.</summary>
    NotKept,

    /// <summary>It is being cancelled.</summary>
    Cancelling,

    /// <summary>It has succeeded: there is nothing to try again.</summary>
    Succeeded,

    /// <summary>It had as many attempts as a run may have.</summary>
    TooMany,
}

/// <summary>How a run ended.</summary>
public sealed record RunEnd(RunStatus Status, DateTimeOffset CompletedAt, double? DurationMs, int Attempts, string? ErrorCode, string? ErrorMessage);

/// <summary>An agent on whose behalf runs are executed.</summary>
public sealed record Agent(TenantId TenantId, AgentId Id, string Name, string? Description, DateTimeOffset CreatedAt);

/// <summary>The agents of all tenants.</summary>
public interface IAgentStore
{
    /// <summary>Stores an agent. False where the tenant has one of this id.</summary>
    Task<bool> CreateAsync(Agent agent, CancellationToken cancellationToken);

    /// <summary>Reads an agent; null where the tenant has none of this id.</summary>
    Task<Agent?> FindAsync(TenantId tenant, AgentId agent, CancellationToken cancellationToken);

    /// <summary>Lists a tenant's agents by id, strictly after one, at most <paramref name="limit"/>.</summary>
    Task<IReadOnlyList<Agent>> ListAsync(TenantId tenant, AgentId? after, int limit, CancellationToken cancellationToken);
}

/// <summary>An API key: only its SHA-256 is stored.</summary>
/// <param name="TenantId">The tenant that its bearer acts in.</param>
/// <param name="Id">Public id, for listing and revoking: <c>key_…</c>.</param>
/// <param name="Name">What it is for.</param>
/// <param name="Scope"><c>runner</c> (create and read), <c>governor</c> (policies and read), <c>approver</c> (approvals and read), or <c>auditor</c> (read only).</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="RevokedAt">When it was revoked, or null.</param>
public sealed record ApiKey(TenantId TenantId, string Id, string Name, string Scope, DateTimeOffset CreatedAt, DateTimeOffset? RevokedAt);

/// <summary>The API keys of all tenants.</summary>
public interface IApiKeyStore
{
    /// <summary>Stores a key by its hash, and its tenant where it is new.</summary>
    Task CreateAsync(ApiKey key, Digest secretHash, CancellationToken cancellationToken);

    /// <summary>Finds a key that is not revoked by its hash; null where there is none.</summary>
    Task<ApiKey?> FindAsync(Digest secretHash, CancellationToken cancellationToken);

    /// <summary>Lists a tenant's keys, or all, by creation.</summary>
    Task<IReadOnlyList<ApiKey>> ListAsync(TenantId? tenant, CancellationToken cancellationToken);

    /// <summary>Revokes a key. False where there is none of this id that is not revoked.</summary>
    Task<bool> RevokeAsync(string id, DateTimeOffset at, CancellationToken cancellationToken);
}
