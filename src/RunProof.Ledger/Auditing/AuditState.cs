using System.Text.Json;
using System.Text.Json.Serialization;
using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>
/// What an auditor remembers of one log between audits, whether it read the database or the tiles: the last checkpoint that was found to continue all before it, and
/// how far an audit got that was broken off. It is the auditor's own: whoever can rewrite the log must not be able to rewrite this.
/// </summary>
public sealed record AuditState
{
    /// <summary>The value of <see cref="Format"/>.</summary>
    public const string CurrentFormat = "runproof/audit-state/v1";

    /// <summary>Always <see cref="CurrentFormat"/>.</summary>
    public string Format { get; init; } = CurrentFormat;

    /// <summary>The log's origin.</summary>
    public required string Origin { get; init; }

    /// <summary>The last checkpoint whose tree was rebuilt; null before the first audit was finished.</summary>
    public AuditedCheckpoint? Audited { get; init; }

    /// <summary>Where an audit was broken off; null where none was.</summary>
    public AuditProgress? Progress { get; init; }
}

/// <summary>A checkpoint whose signature was verified, and whose tree was rebuilt from entries and found to continue the one that was audited before it.</summary>
public sealed record AuditedCheckpoint
{
    /// <summary>The signed note.</summary>
    public required string Note { get; init; }

    /// <summary>Its entries.</summary>
    public required long Size { get; init; }

    /// <summary>The hashes of the complete subtrees that make up its tree, the largest first.</summary>
    public required IReadOnlyList<Digest> Edge { get; init; }

    /// <summary>The verifier key line that it was verified with.</summary>
    public required string Key { get; init; }

    /// <summary>Whether that key came from elsewhere than the log.</summary>
    public required bool IsKeyIndependent { get; init; }

    /// <summary>By the auditor's clock.</summary>
    public required DateTimeOffset AuditedAt { get; init; }

    /// <summary>
    /// What enters later was recorded after this, as far as clocks agree: when the audit began, or since when the oldest entry awaited inclusion then. Null where that
    /// cannot be told: from outside, or with entries in quarantine.
    /// </summary>
    public DateTimeOffset? NewerThan { get; init; }

    /// <summary>Up to which size every entry has been audited without a finding: where the next audit may begin that skips what was audited. At most <see cref="Size"/>.</summary>
    public required long CleanSize { get; init; }

    /// <summary>Traces that opened in this tree and were not sealed in it, with the positions of their openings: an auditor who has nothing but the entries goes on with them. Null where they were not kept.</summary>
    public IReadOnlyDictionary<string, long>? Open { get; init; }
}

/// <summary>Where an audit was broken off. The next one goes on there if it is of the same kind and of a log that still has the checkpoint's tree.</summary>
public sealed record AuditProgress
{
    /// <summary>What was read, and what was checked of it: an audit of another kind begins anew.</summary>
    public required string Kind { get; init; }

    /// <summary>The signed note that is audited.</summary>
    public required string Note { get; init; }

    /// <summary>The position that the audit began at.</summary>
    public required long From { get; init; }

    /// <summary>The first position that has not been audited.</summary>
    public required long Position { get; init; }

    /// <summary>The edge of the tree of the entries before it.</summary>
    public required IReadOnlyList<Digest> Edge { get; init; }

    /// <summary>Traces that opened before it and were not sealed, with the positions of their openings; null where they are not kept.</summary>
    public IReadOnlyDictionary<string, long>? Open { get; init; }

    /// <summary>When the audit began, by the auditor's clock.</summary>
    public required DateTimeOffset BeganAt { get; init; }

    /// <summary>What was counted so far, by name.</summary>
    public IReadOnlyDictionary<string, long> Counts { get; init; } = new Dictionary<string, long>();

    /// <summary>Findings so far, at most so many as a report keeps.</summary>
    public IReadOnlyList<AuditFinding> Findings { get; init; } = [];

    /// <summary>All findings so far, kept or not, by code.</summary>
    public IReadOnlyDictionary<string, long> FindingCounts { get; init; } = new Dictionary<string, long>();
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true, NewLine = "\n", UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(AuditState))]
internal sealed partial class AuditStateJson : JsonSerializerContext;
