using System.Text.Json;
using System.Text.Json.Serialization;

namespace RunProof.Cli;

/// <summary>What the command line reads of an agent.</summary>
internal sealed record AgentView(string Id, string Name, string? Description, string? CreatedAt);

/// <summary>What it reads of a run. Times stay text: they are shown, not computed with.</summary>
internal sealed record RunView
{
    public required string RunId { get; init; }
    public required string AgentId { get; init; }
    public string? Goal { get; init; }
    public string? OriginSystemId { get; init; }
    public string? CorrelationId { get; init; }
    public string? Planner { get; init; }
    public JsonElement? Plan { get; init; }
    public required string Status { get; init; }
    public int? Attempts { get; init; }
    public int? MaxAttempts { get; init; }
    public RunParentView? Parent { get; init; }
    public string? TraceId { get; init; }
    public int? TraceCount { get; init; }
    public long? StepCount { get; init; }
    public string? CostCents { get; init; }
    public long? Tokens { get; init; }
    public bool? Durable { get; init; }
    public string? NotDurableBecause { get; init; }
    public string? IdempotencyKey { get; init; }
    public RunErrorView? Error { get; init; }
    public string? CreatedAt { get; init; }
    public string? StartedAt { get; init; }
    public string? CompletedAt { get; init; }
    public double? DurationMs { get; init; }

    /// <summary>Whether it can change no more.</summary>
    [JsonIgnore]
    public bool HasEnded => Status is "succeeded" or "failed" or "aborted" or "cancelled";

    /// <summary>0 where it succeeded or has not ended, else 1.</summary>
    [JsonIgnore]
    public int ExitCode => Status is "failed" or "aborted" or "cancelled" ? Cli.ExitCode.Error : Cli.ExitCode.Ok;
}

/// <summary>Which step asked for a run.</summary>
internal sealed record RunParentView(string RunId, string PlanStep);

/// <summary>What it reads of a run's events.</summary>
internal sealed record RunStatusView(string Status, int Attempt);

/// <summary>A recorded step.</summary>
internal sealed record RunStepView(int Index, string? PlanStep, string Skill, string Status, int Retries, double DurationMs);

/// <summary>A sealed trace.</summary>
internal sealed record RunSealedView(string TraceId, string Status, int ChainLength, string RootHash);

/// <summary>A run's end.</summary>
internal sealed record RunEndView(string Status, RunErrorView? Error);

/// <summary>Why a run did not succeed.</summary>
internal sealed record RunErrorView(string? Code, string? Message);

/// <summary>What it reads of a schedule.</summary>
internal sealed record ScheduleView(
    string Name, string Cron, string TimeZone, bool Enabled, string? CatchUp, int CatchUpLimit, string? Overlap, string? NextDue, IReadOnlyList<string>? Upcoming,
    string? LastDue, string? LastRunId, long Fired, long Skipped, string? Error);

/// <summary>What it reads of a skill.</summary>
internal sealed record SkillView(string Name, string? Version, string? Description, string? Schema, SkillAssemblyView? Assembly);

/// <summary>The file that a skill was loaded from.</summary>
internal sealed record SkillAssemblyView(string? File, string? Sha256);

/// <summary>What it reads of a policy's version.</summary>
internal sealed record PolicyView(string Name, string Version, string Status, string? Digest, string? CreatedAt, string? CreatedBy, string? Document);

/// <summary>What it reads of a policy.</summary>
internal sealed record PolicyVersionsView(string Name, IReadOnlyList<PolicyView> Versions);

/// <summary>What it reads of a check of a plan.</summary>
internal sealed record PolicyCheckView(IReadOnlyList<CheckedStepView> Steps);

/// <summary>What a step would come to.</summary>
internal sealed record CheckedStepView(string PlanStep, string Skill, bool MayExecute, DecisionView Decision);

/// <summary>A decision.</summary>
internal sealed record DecisionView(string Decision, string? Policy, string? Rule, string? Reason);

/// <summary>What it reads of a budget's version.</summary>
internal sealed record BudgetView(
    string Id, int Version, string Status, string Scope, string Period, string? Zone, string? AgentId, string? CostCents, long? Tokens, long? Steps, long? Runs,
    long? DurationMs, string? OnExceeded, string? CreatedAt, string? CreatedBy);

/// <summary>What it reads of a budget.</summary>
internal sealed record BudgetVersionsView(string Id, IReadOnlyList<BudgetView> Versions);

/// <summary>What it reads of what was used of a budget.</summary>
internal sealed record BudgetUsageView(IReadOnlyList<BudgetPeriodView> Items);

/// <summary>What was used in a period.</summary>
internal sealed record BudgetPeriodView(string? AgentId, string? PeriodStart, string CostCents, long Tokens, long? Steps, long? Runs, bool Exceeded, string? ReservedCostCents, long? ReservedTokens);

/// <summary>What it reads of a kill switch.</summary>
internal sealed record KillSwitchView(
    int Number, bool Active, string Scope, string? AgentId, string? Skill, bool Graceful, string? Reason, string? SetAt, string? SetBy, string? ReleasedAt, string? ReleasedBy);

/// <summary>What it reads of an approval.</summary>
internal sealed record ApprovalView
{
    public required string Id { get; init; }
    public required string RunId { get; init; }
    public required string PlanStep { get; init; }
    public required string Skill { get; init; }
    public string? Policy { get; init; }
    public string? Rule { get; init; }
    public required string Status { get; init; }
    public JsonElement? Action { get; init; }
    public string? Shown { get; init; }
    public required string ActionDigest { get; init; }
    public required string ShownDigest { get; init; }
    public IReadOnlyList<string>? Approvers { get; init; }
    public int Needed { get; init; }
    public string? ValidUntil { get; init; }
    public IReadOnlyList<ApprovalDecisionView> Decisions { get => field ?? []; init; }
}

/// <summary>What one person decided.</summary>
internal sealed record ApprovalDecisionView(string Decision, string By, string? At, string? Reason);

/// <summary>What it reads of a proof.</summary>
internal sealed record ProofView
{
    public required string RunId { get; init; }
    public string? TenantId { get; init; }
    public string? IntegrityModel { get; init; }
    public required string VerificationStatus { get; init; }
    public string? FailureCode { get; init; }
    public string? FailureReason { get; init; }
    public int? ChainLength { get; init; }
    public string? RootHash { get; init; }
    public int? TraceCount { get; init; }
    public int? StepCount { get; init; }
    public IReadOnlyList<CheckView> Checks { get => field ?? []; init; }
    public IReadOnlyList<FindingView> Findings { get => field ?? []; init; }
    public string? AosFingerprint { get; init; }
    public SideRecordsView? SideRecords { get; init; }
    public string? VerifiedAt { get; init; }
}

/// <summary>How the side records of a run stand.</summary>
internal sealed record SideRecordsView
{
    public required string Status { get; init; }
    public required string Score { get; init; }
    public IReadOnlyDictionary<string, int> Expected { get => field ?? new Dictionary<string, int>(); init; }
    public IReadOnlyDictionary<string, int> Observed { get => field ?? new Dictionary<string, int>(); init; }
    public IReadOnlyList<string> Missing { get => field ?? []; init; }
    public int? NotCompared { get; init; }
    public IReadOnlyList<FindingView> Findings { get => field ?? []; init; }
}

/// <summary>The side records of a run.</summary>
internal sealed record EvidenceView
{
    public required string RunId { get; init; }
    public required string VerificationStatus { get; init; }
    public required SideRecordsView SideRecords { get; init; }
    public EvidenceTableView? GovernanceRecords { get; init; }
    public EvidenceTableView? Incidents { get; init; }
    public EvidenceTableView? IntegrityEvidence { get; init; }
    public EvidenceTableView? LlmRunRecords { get; init; }
    public EvidenceTableView? PolicyEvaluations { get; init; }

    /// <summary>By table, in the order of their names.</summary>
    internal IEnumerable<(string Table, EvidenceTableView Records)> Tables => new (string, EvidenceTableView?)[]
    {
        ("governance_records", GovernanceRecords), ("incidents", Incidents), ("integrity_evidence", IntegrityEvidence), ("llm_run_records", LlmRunRecords),
        ("policy_evaluations", PolicyEvaluations),
    }.Where(each => each.Item2 is not null)!;
}

/// <summary>The rows of one table.</summary>
internal sealed record EvidenceTableView(bool IsThere, int Expected, int Observed, int Equal, IReadOnlyList<JsonElement>? Rows);

/// <summary>One check of a proof.</summary>
internal sealed record CheckView(string Name, string Status, string? Detail);

/// <summary>One thing that does not hold.</summary>
internal sealed record FindingView(string Code, string? Place, string? Message);

/// <summary>A refusal (RFC 9457).</summary>
internal sealed record ProblemView
{
    public string? Type { get; init; }
    public string? Title { get; init; }
    public string? Detail { get; init; }
    public JsonElement? Errors { get; init; }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
[JsonSerializable(typeof(AgentView))]
[JsonSerializable(typeof(RunView))]
[JsonSerializable(typeof(RunStatusView))]
[JsonSerializable(typeof(RunStepView))]
[JsonSerializable(typeof(RunSealedView))]
[JsonSerializable(typeof(RunEndView))]
[JsonSerializable(typeof(ScheduleView))]
[JsonSerializable(typeof(SkillView))]
[JsonSerializable(typeof(PolicyView))]
[JsonSerializable(typeof(PolicyVersionsView))]
[JsonSerializable(typeof(PolicyCheckView))]
[JsonSerializable(typeof(ApprovalView))]
[JsonSerializable(typeof(BudgetView))]
[JsonSerializable(typeof(BudgetVersionsView))]
[JsonSerializable(typeof(BudgetUsageView))]
[JsonSerializable(typeof(KillSwitchView))]
[JsonSerializable(typeof(ProofView))]
[JsonSerializable(typeof(EvidenceView))]
[JsonSerializable(typeof(ProblemView))]
internal sealed partial class WireContext : JsonSerializerContext;
