using RunProof.Ledger;

namespace RunProof.Policies;

/// <summary>A policy in force, by the name that evidence gives it: its own, or <c>file:</c> and its own where it comes from the runner's folder.</summary>
internal sealed record PolicyInForce(string Name, PolicyDocument Document)
{
    internal DecidingRule Deciding(string? rule) => new(Name, Document.Version, Document.Digest, rule);

    internal string KeyOf(PolicyRule rule) => $"{Name}/{rule.Id}";
}
