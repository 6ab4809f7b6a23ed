using RunProof.Format;
using RunProof.Verification;

namespace RunProof.Ledger;

/// <summary>A trace that opened in the log and is not sealed there.</summary>
/// <param name="TraceId">The trace.</param>
/// <param name="Position">The position of its opening.</param>
public sealed record OpenTrace(string TraceId, long Position);

/// <summary>What was read.</summary>
public sealed record OutsideCounts
{
    /// <summary>Entries that were read.</summary>
    public long Entries { get; init; }

    /// <summary>Openings of traces among them.</summary>
    public long Opened { get; init; }

    /// <summary>Seals of traces among them.</summary>
    public long Sealed { get; init; }

    /// <summary>Hand-overs from key to key among them.</summary>
    public long Rotated { get; init; }

    /// <summary>Entries of no RunProof log: counted, hashed and not read.</summary>
    public long Foreign { get; init; }

    /// <summary>Entries that were not served, of which the hash tiles gave the leaves.</summary>
    public long Unread { get; init; }

    /// <summary>Seals whose opening lies in what was not read.</summary>
    public long Unpaired { get; init; }

    /// <summary>Hash tiles that were compared.</summary>
    public long Tiles { get; init; }

    internal IReadOnlyDictionary<string, long> ToDictionary() => new Dictionary<string, long>(StringComparer.Ordinal)
    {
        ["entries"] = Entries, ["opened"] = Opened, ["sealed"] = Sealed, ["rotated"] = Rotated, ["foreign"] = Foreign, ["unread"] = Unread, ["unpaired"] = Unpaired, ["tiles"] = Tiles,
    };

    internal static OutsideCounts Of(IReadOnlyDictionary<string, long> counts) => new()
    {
        Entries = counts.GetValueOrDefault("entries"), Opened = counts.GetValueOrDefault("opened"), Sealed = counts.GetValueOrDefault("sealed"), Rotated = counts.GetValueOrDefault("rotated"),
        Foreign = counts.GetValueOrDefault("foreign"), Unread = counts.GetValueOrDefault("unread"), Unpaired = counts.GetValueOrDefault("unpaired"), Tiles = counts.GetValueOrDefault("tiles"),
    };
}

/// <summary>What an audit from outside came to.</summary>
public sealed record OutsideReport
{
    /// <summary>The log's origin, as its checkpoint has it.</summary>
    public required string Origin { get; init; }

    /// <summary>The checkpoint that was audited.</summary>
    public required Checkpoint Checkpoint { get; init; }

    /// <summary>The position that the audit began at.</summary>
    public required long From { get; init; }

    /// <summary>The root that the entries give; null where they could not all be had.</summary>
    public required Digest? Root { get; init; }

    /// <summary>The key that the checkpoint was verified with; null where none did.</summary>
    public required string? Key { get; init; }

    /// <summary>Whether that key came from elsewhere than the log: given now, or at an earlier audit, or handed over from such a one.</summary>
    public required bool IsKeyIndependent { get; init; }

    /// <summary>Witnesses of the policy that cosigned.</summary>
    public required IReadOnlyList<string> Cosigners { get; init; }

    /// <summary>What was read.</summary>
    public required OutsideCounts Counts { get; init; }

    /// <summary>Traces that are open in the log, the oldest first; at most 1000.</summary>
    public required IReadOnlyList<OpenTrace> Open { get; init; }

    /// <summary>All traces that are open in the log.</summary>
    public required long OpenCount { get; init; }

    /// <summary>Every check, done or not.</summary>
    public required IReadOnlyList<AuditCheck> Checks { get; init; }

    /// <summary>What does not hold.</summary>
    public required AuditFindings Findings { get; init; }

    /// <summary>What is to be remembered; null where nothing is: a checkpoint that is refused, rolls back or forks is never put in the place of one that was audited.</summary>
    public required AuditState? Next { get; init; }

    /// <summary>The verdict: FAILED with any finding, UNSUPPORTED where something that must be checked was not.</summary>
    public VerificationStatus Status => Findings.Count > 0 || Checks.Any(static check => check.Status is CheckStatus.Failed) ? VerificationStatus.Failed
        : Checks.Any(static check => check is { IsRequired: true, Status: CheckStatus.NotDone }) ? VerificationStatus.Unsupported
        : VerificationStatus.Verified;
}

/// <summary>How far an audit from outside is.</summary>
/// <param name="Position">The first position that has not been read.</param>
/// <param name="Size">Entries of the log.</param>
/// <param name="Findings">Findings so far.</param>
public sealed record OutsideTick(long Position, long Size, long Findings);
