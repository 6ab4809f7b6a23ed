using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Policies;

/// <summary>What a rule does to the steps that it applies to. Later beats earlier.</summary>
public enum PolicyEffect
{
    /// <summary>They may be executed.</summary>
    Allow,

    /// <summary>Places of them are removed from evidence.</summary>
    Redact,

    /// <summary>They may be executed up to a limit.</summary>
    Limit,

    /// <summary>They may be executed once somebody has approved.</summary>
    RequireApproval,

    /// <summary>They may not be executed.</summary>
    Deny,
}

/// <summary>A policy: rules with a name and a version. Read by <see cref="PolicyReader"/>; its digest is what evidence names.</summary>
public sealed class PolicyDocument
{
    internal PolicyDocument(string name, string version, string? description, IReadOnlyList<PolicyRule> rules, bool deniesByDefault, CanonicalJson canonical)
    {
        (Name, Version, Description, Rules, DeniesByDefault, Canonical) = (name, version, description, rules, deniesByDefault, canonical);
        Digest = Digest.Of(canonical.Bytes.Span);
    }

    /// <summary>Its name: 1 to 64 of a-z 0-9 . _ -.</summary>
    public string Name { get; }

    /// <summary>Its version: 1 to 64 of A-Z a-z 0-9 . _ + -.</summary>
    public string Version { get; }

    /// <summary>What it is for, or null.</summary>
    public string? Description { get; }

    /// <summary>Its rules in the document's order.</summary>
    public IReadOnlyList<PolicyRule> Rules { get; }

    /// <summary>Whether only what a rule allows may be executed.</summary>
    public bool DeniesByDefault { get; }

    /// <summary>What the document says, as canonical JSON: layout, comments and the order of members are gone.</summary>
    public CanonicalJson Canonical { get; }

    /// <summary>SHA-256 of <see cref="Canonical"/>.</summary>
    public Digest Digest { get; }
}

/// <summary>A rule.</summary>
public sealed class PolicyRule
{
    /// <summary>Its id, unlike any other's of its policy.</summary>
    public required string Id { get; init; }

    /// <summary>What it does.</summary>
    public required PolicyEffect Effect { get; init; }

    /// <summary>Why, in a sentence: into evidence.</summary>
    public required string Reason { get; init; }

    /// <summary>Whether a run goes on after a step that the rule keeps from being executed.</summary>
    public bool RunGoesOn { get; init; }

    internal Conditions When { get; init; } = Conditions.Always;

    internal PolicyLimit? Limit { get; init; }

    /// <summary>How people must approve; null unless they must.</summary>
    internal ApprovalTerms? Approval { get; init; }

    /// <summary>Places of the parameters that evidence does not show.</summary>
    internal IReadOnlyList<PlacePattern> RedactedParameters { get; init; } = [];

    /// <summary>Places of the outcome that evidence does not show.</summary>
    internal IReadOnlyList<PlacePattern> RedactedOutcome { get; init; } = [];
}

/// <summary>How far a limit goes; null members do not limit.</summary>
internal sealed record PolicyLimit
{
    /// <summary>Attempts of steps that the rule applies to, in a run.</summary>
    internal int? Calls { get; init; }

    /// <summary>What the run may have cost before an attempt begins: it must be less.</summary>
    internal decimal? CostCents { get; init; }

    internal long? Tokens { get; init; }

    internal long? DurationMs { get; init; }

    /// <summary>Milliseconds that an attempt may take.</summary>
    internal int? TimeoutMs { get; init; }
}
