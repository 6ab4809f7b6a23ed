using System.ComponentModel;
using System.Text.Json;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Policies;

namespace RunProof.Runner;

/// <summary>A version of a policy.</summary>
internal sealed record PolicyView(
    string Name, string Version, [property: Description("active or retired.")] string Status, string Digest, string CreatedAt,
    [property: Description("The id of the key by which it was stored.")] string CreatedBy, string Document)
{
    public static PolicyView Of(StoredPolicy policy) => new(
        policy.Name, policy.Version, policy.IsActive ? "active" : "retired", policy.Digest.ToString(), WireTime.ToText(policy.CreatedAt), policy.CreatedBy, policy.Document);
}

/// <summary>All versions of a policy, the newest first.</summary>
internal sealed record PolicyVersions(string Name, IReadOnlyList<PolicyView> Versions);

/// <summary>All versions of all policies, by name.</summary>
internal sealed record PolicyPage(IReadOnlyList<PolicyView> Items);

/// <summary>The body of a check. It documents the body; <see cref="PolicyChecks"/> reads it.</summary>
internal sealed record CheckPolicy(
    [property: Description("A plan, as a run's.")] JsonElement Plan,
    [property: Description("The agent; default none.")] string? AgentId = null,
    [property: Description("Who planned; default given.")] string? Planner = null,
    [property: Description("A policy document that counts as in force, in place of the one of its name.")] string? Document = null);

/// <summary>What steps would come to.</summary>
/// <param name="Policies">The policies that were asked, by name with their digests.</param>
/// <param name="Steps">The steps in their order.</param>
internal sealed record PolicyCheckView(JsonElement Policies, IReadOnlyList<CheckedStepView> Steps);

/// <summary>What a step would come to.</summary>
internal sealed record CheckedStepView(
    string PlanStep, string Skill, bool MayExecute, [property: Description("As it would stand in evidence.")] JsonElement Decision,
    [property: Description("The run goes on after it, where it may not execute.")] bool RunGoesOn, int? TimeoutMs,
    [property: Description("Places that would not be in evidence.")] IReadOnlyList<string> Redactions);
