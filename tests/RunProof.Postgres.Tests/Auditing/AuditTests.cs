using RunProof.Ledger;
using RunProof.Testing;
using RunProof.Verification;

namespace RunProof.Postgres.Tests;

/// <summary>A whole log against the evidence, on PostgreSQL, as the verifier's role.</summary>
public sealed class AuditTests(PostgresFixture postgres)
{
    [Fact]
    public async Task A_log_that_nobody_touched_is_verified()
    {
        await using var desk = await AuditDesk.SetUpAsync(postgres, traces: 9);
        var report = await desk.AuditAsync();
        Assert.Empty(report.Findings.Kept);
        Assert.Equal(VerificationStatus.Verified, report.Status);
        Assert.Equal((18, 9, 9, 9, 18, 0, 0), (report.Counts.Entries, report.Counts.Opened, report.Counts.Sealed, report.Counts.Traces, report.Counts.Steps, report.Counts.Open, report.Counts.Waiting));
        // Goal, plan, context and metadata of a trace; three of each step.
        Assert.Equal(9 * (4 + (2 * 3)), report.Counts.PayloadsVerified);
        Assert.Equal(report.Root, report.Checkpoint!.Root);
        Assert.Equal(18, report.Next!.Audited!.CleanSize);
    }
}
