using RunProof.Format;
using RunProof.Verification;

namespace RunProof.Ledger;

/// <summary>One thing that an audit checked, or why it did not.</summary>
/// <param name="Name">Its name: <c>LOG_ROOT</c>.</param>
/// <param name="Status">How it came out.</param>
/// <param name="Detail">What was compared, or why it was not.</param>
/// <param name="IsRequired">Whether nobody may say VERIFIED of the log while it was not done.</param>
public sealed record AuditCheck(string Name, CheckStatus Status, string Detail, bool IsRequired = true);

/// <summary>What an audit of the database came to.</summary>
public sealed record AuditReport
{
    /// <summary>The log's origin; null where the log has not begun.</summary>
    public required string? Origin { get; init; }

    /// <summary>The checkpoint that was audited; null where there is none in the form of one.</summary>
    public required Checkpoint? Checkpoint { get; init; }

    /// <summary>The position that the audit began at.</summary>
    public required long From { get; init; }

    /// <summary>Entries of the log that was audited.</summary>
    public required long Size { get; init; }

    /// <summary>The root that the entries give.</summary>
    public required Digest Root { get; init; }

    /// <summary>The key that the checkpoint was verified with; null where none did.</summary>
    public required string? Key { get; init; }

    /// <summary>Whether that key came from elsewhere than the log: given now, or at an earlier audit, or handed over from such a one.</summary>
    public required bool IsKeyIndependent { get; init; }

    /// <summary>What was read and recomputed.</summary>
    public required AuditCounts Counts { get; init; }

    /// <summary>Every check, done or not.</summary>
    public required IReadOnlyList<AuditCheck> Checks { get; init; }

    /// <summary>What does not hold.</summary>
    public required AuditFindings Findings { get; init; }

    /// <summary>Entries in quarantine: listed among the findings as what the log did not let in.</summary>
    public required long Quarantined { get; init; }

    /// <summary>What is to be remembered; null where nothing is: a checkpoint that is refused, rolls back or forks is never put in the place of one that was audited.</summary>
    public required AuditState? Next { get; init; }

    /// <summary>The verdict: FAILED with any finding, UNSUPPORTED where something that must be checked was not.</summary>
    public VerificationStatus Status => Findings.Count > 0 || Checks.Any(static check => check.Status is CheckStatus.Failed) ? VerificationStatus.Failed
        : Checks.Any(static check => check is { IsRequired: true, Status: CheckStatus.NotDone }) ? VerificationStatus.Unsupported
        : VerificationStatus.Verified;
}

/// <summary>How far an audit is.</summary>
/// <param name="Position">The first position that has not been audited.</param>
/// <param name="Size">Entries of the log.</param>
/// <param name="Counts">What was read so far, before an interruption too.</param>
/// <param name="Findings">Findings so far.</param>
public sealed record AuditTick(long Position, long Size, AuditCounts Counts, long Findings);
