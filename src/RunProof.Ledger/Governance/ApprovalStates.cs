using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>Where an approval stands.</summary>
public enum ApprovalStatus
{
    /// <summary>People are asked.</summary>
    Pending,

    /// <summary>As many as are needed approved.</summary>
    Approved,

    /// <summary>Somebody rejected.</summary>
    Rejected,

    /// <summary>Nobody decided in time.</summary>
    Expired,

    /// <summary>It is needed no longer: its run ended, or no rule asks for it any more.</summary>
    Withdrawn,
}

/// <summary>The words of an approval's status.</summary>
public static class ApprovalWords
{
    private static readonly string[] Names = ["pending", "approved", "rejected", "expired", "withdrawn"];

    /// <summary>All words, by the order of the enumeration.</summary>
    public static IReadOnlyList<string> All => Names;

    /// <summary>The word of a status.</summary>
    /// <param name="status">The status.</param>
    /// <returns>Lower case.</returns>
    public static string Of(ApprovalStatus status) => Names[(int)status];

    /// <summary>Reads a word.</summary>
    /// <param name="word">Any text or null.</param>
    /// <param name="status">The status, where it is one.</param>
    /// <returns>Whether it is.</returns>
    public static bool TryParse(string? word, out ApprovalStatus status)
    {
        var index = Array.IndexOf(Names, word);
        status = (ApprovalStatus)Math.Max(index, 0);
        return index >= 0;
    }
}

/// <summary>How an approval must be given.</summary>
/// <param name="Approvers">Names of the keys that may; null for any key of scope <c>approver</c>.</param>
/// <param name="Needed">How many people must approve, 1 to 20. Default: 1.</param>
/// <param name="ValidFor">How long it may be given and used; null for the runner's default.</param>
public sealed record ApprovalTerms(IReadOnlyList<string>? Approvers = null, int Needed = 1, TimeSpan? ValidFor = null)
{
    /// <summary>One person, whoever may approve.</summary>
    public static ApprovalTerms Usual { get; } = new();
}

/// <summary>What one person decided.</summary>
/// <param name="IsApproval">Whether the person approved; else rejected.</param>
/// <param name="ByKey">The id of the key.</param>
/// <param name="ByName">Its name.</param>
/// <param name="At">When.</param>
/// <param name="Reason">Why, redacted; or null.</param>
/// <param name="ShownDigest">The digest of what the person was shown.</param>
public sealed record ApprovalDecision(bool IsApproval, string ByKey, string ByName, DateTimeOffset At, string? Reason, Digest ShownDigest);

/// <summary>An approval as the worker that has its run sees it.</summary>
public sealed record ApprovalState
{
    /// <summary>Its id: <c>apr_…</c>.</summary>
    public required string Id { get; init; }

    /// <summary>The step, by its place in the plan.</summary>
    public required int PlanIndex { get; init; }

    /// <summary>Where it stands.</summary>
    public required ApprovalStatus Status { get; init; }

    /// <summary>Why people were asked: the rule's reason at that time.</summary>
    public required string Because { get; init; }

    /// <summary>The salt of <see cref="ActionDigest"/>; null where it was erased.</summary>
    public required ReadOnlyMemory<byte>? Salt { get; init; }

    /// <summary>The digest of the exact action that people were asked about.</summary>
    public required Digest ActionDigest { get; init; }

    /// <summary>The digest of the text that they were shown.</summary>
    public required Digest ShownDigest { get; init; }

    /// <summary>When it was asked for.</summary>
    public required DateTimeOffset RequestedAt { get; init; }

    /// <summary>Until when it may be given, and used.</summary>
    public required DateTimeOffset ValidUntil { get; init; }

    /// <summary>When it came to its end; null while it is pending.</summary>
    public DateTimeOffset? DecidedAt { get; init; }

    /// <summary>Attempts of the step before it asked.</summary>
    public int Attempt { get; init; }

    /// <summary>The last attempt that was about to begin under it; null where none was.</summary>
    public int? UsedAttempt { get; init; }

    /// <summary>What people decided, the first one first.</summary>
    public IReadOnlyList<ApprovalDecision> Decisions { get; init; } = [];
}

/// <summary>An approval as people see it.</summary>
public sealed record StoredApproval
{
    /// <summary>The tenant.</summary>
    public required TenantId TenantId { get; init; }

    /// <summary>Its id.</summary>
    public required string Id { get; init; }

    /// <summary>The run.</summary>
    public required RunId RunId { get; init; }

    /// <summary>The trace of the attempt that asks.</summary>
    public required TraceId TraceId { get; init; }

    /// <summary>The step, by its place in the plan.</summary>
    public required int PlanIndex { get; init; }

    /// <summary>The step's id in the plan.</summary>
    public required string StepId { get; init; }

    /// <summary>Attempts of the step before it asked.</summary>
    public required int Attempt { get; init; }

    /// <summary>The skill.</summary>
    public required string Skill { get; init; }

    /// <summary>The policy whose rule asks; null where the skill itself does.</summary>
    public string? Policy { get; init; }

    /// <summary>The rule, or null.</summary>
    public string? Rule { get; init; }

    /// <summary>What people are shown: canonical JSON; null where it was erased.</summary>
    public string? Shown { get; init; }

    /// <summary>The digest of the exact action.</summary>
    public required Digest ActionDigest { get; init; }

    /// <summary>The digest of <see cref="Shown"/>.</summary>
    public required Digest ShownDigest { get; init; }

    /// <summary>Names of the keys that may approve; null for any of scope <c>approver</c>.</summary>
    public IReadOnlyList<string>? Approvers { get; init; }

    /// <summary>How many people must approve.</summary>
    public required int Needed { get; init; }

    /// <summary>When it was asked for.</summary>
    public required DateTimeOffset RequestedAt { get; init; }

    /// <summary>Until when it may be given, and used.</summary>
    public required DateTimeOffset ValidUntil { get; init; }

    /// <summary>Where it stands.</summary>
    public required ApprovalStatus Status { get; init; }

    /// <summary>When it came to its end, or null.</summary>
    public DateTimeOffset? DecidedAt { get; init; }

    /// <summary>When an attempt was first about to begin under it, or null.</summary>
    public DateTimeOffset? UsedAt { get; init; }

    /// <summary>What people decided, the first one first.</summary>
    public IReadOnlyList<ApprovalDecision> Decisions { get; init; } = [];
}
