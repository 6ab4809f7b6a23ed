using System.ComponentModel;
using System.Text.Json;
using RunProof.Execution;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Runner;

/// <summary>An approval: what people are asked, and what they decided.</summary>
internal sealed record ApprovalView
{
    public required string Id { get; init; }
    public required string RunId { get; init; }
    public required string TraceId { get; init; }
    public required string PlanStep { get; init; }
    public required int PlanIndex { get; init; }

    [Description("Whether it is the step's fallback that people are asked of.")]
    public required bool Fallback { get; init; }
    public required int Attempt { get; init; }
    public required string Skill { get; init; }

    [Description("The policy whose rule asks; null where the skill itself does.")]
    public required string? Policy { get; init; }
    public required string? Rule { get; init; }

    [Description("pending, approved, rejected, expired or withdrawn.")]
    public required string Status { get; init; }

    [Description("What people are shown, as JSON: skill, parameters with secrets redacted, goal, rule and its reason. Null where it was erased.")]
    public required JsonElement? Action { get; init; }

    [Description("The same as the exact text that shown_digest covers: SHA-256 of \"runproof/v1/approval\\n\" and this text.")]
    public required string? Shown { get; init; }

    [Description("The digest of the exact action, salted. A decision names it.")]
    public required string ActionDigest { get; init; }
    public required string ShownDigest { get; init; }

    [Description("Names of the API keys that may decide; null for any of scope approver.")]
    public required IReadOnlyList<string>? Approvers { get; init; }

    [Description("How many people must approve.")]
    public required int Needed { get; init; }
    public required string RequestedAt { get; init; }
    public required string ValidUntil { get; init; }
    public required string? DecidedAt { get; init; }

    [Description("When an attempt of the step first began under it.")]
    public required string? UsedAt { get; init; }
    public required IReadOnlyList<ApprovalDecisionView> Decisions { get; init; }

    public static ApprovalView Of(StoredApproval approval) => new()
    {
        Id = approval.Id,
        RunId = approval.RunId.Value,
        TraceId = approval.TraceId.Value,
        PlanStep = approval.StepId,
        // The store has fallbacks behind all places of a plan.
        PlanIndex = approval.PlanIndex % Plan.MaxSteps,
        Fallback = approval.PlanIndex >= Plan.MaxSteps,
        Attempt = approval.Attempt,
        Skill = approval.Skill,
        Policy = approval.Policy,
        Rule = approval.Rule,
        Status = ApprovalWords.Of(approval.Status),
        Action = approval.Shown is { } shown ? Parse(shown) : null,
        Shown = approval.Shown,
        ActionDigest = approval.ActionDigest.ToString(),
        ShownDigest = approval.ShownDigest.ToString(),
        Approvers = approval.Approvers,
        Needed = approval.Needed,
        RequestedAt = WireTime.ToText(approval.RequestedAt),
        ValidUntil = WireTime.ToText(approval.ValidUntil),
        DecidedAt = approval.DecidedAt is { } decided ? WireTime.ToText(decided) : null,
        UsedAt = approval.UsedAt is { } used ? WireTime.ToText(used) : null,
        Decisions = [.. approval.Decisions.Select(ApprovalDecisionView.Of)],
    };

    private static JsonElement? Parse(string shown)
    {
        try
        {
            using var document = JsonDocument.Parse(shown, new JsonDocumentOptions { MaxDepth = 4 * Canonicalizer.MaxDepth });
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            // Somebody changed it in the database: its digest says so.
            return null;
        }
    }
}

/// <summary>What one person decided.</summary>
/// <param name="Decision">approved or rejected.</param>
/// <param name="By">The name of the person's key.</param>
/// <param name="Key">Its id.</param>
/// <param name="At">When.</param>
/// <param name="Reason">Why, or null.</param>
internal sealed record ApprovalDecisionView(string Decision, string By, string Key, string At, string? Reason)
{
    public static ApprovalDecisionView Of(ApprovalDecision decision) =>
        new(decision.IsApproval ? "approved" : "rejected", decision.ByName, decision.ByKey, WireTime.ToText(decision.At), decision.Reason);
}

/// <summary>Some approvals, and where the next ones begin.</summary>
internal sealed record ApprovalPage(IReadOnlyList<ApprovalView> Items, string? Next);

/// <summary>The body of a decision. It documents the body; <see cref="ApprovalEndpoints"/> reads it.</summary>
internal sealed record DecideApproval
{
    [Description("The action_digest of what was shown: 64 hex digits. Where it is not the one of what would be executed, 409.")]
    public required string ActionDigest { get; init; }

    [Description("The digest of the text that was shown, computed by the client; then a text that was changed on its way is found.")]
    public string? ShownDigest { get; init; }

    [Description("Why: 1 to 2,000 characters. It goes into evidence, redacted.")]
    public string? Reason { get; init; }
}
