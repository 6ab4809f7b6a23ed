using System.Text.Json.Nodes;
using RunProof.Ledger;

namespace RunProof.Verifier;

/// <summary>How the side records of a run stand (src/SIDE-RECORDS.md). They are not hashed: each was worked out again from the evidence and compared.</summary>
internal sealed record SideRecordsResponse
{
    /// <summary><c>complete</c>, <c>missing</c>, <c>differs</c> or <c>not_compared</c>.</summary>
    public required string Status { get; init; }

    /// <summary>By table: rows that the evidence calls for.</summary>
    public required IReadOnlyDictionary<string, int> Expected { get; init; }

    /// <summary>By table: how many of them are there.</summary>
    public required IReadOnlyDictionary<string, int> Observed { get; init; }

    /// <summary>The places of those that are not.</summary>
    public required IReadOnlyList<string> Missing { get; init; }

    /// <summary>How many are there and as the evidence says, of how many: an exact fraction, not reduced.</summary>
    public required string Score { get; init; }

    /// <summary>Rows and columns that could not be compared: what they followed from is erased or gone.</summary>
    public required int NotCompared { get; init; }

    /// <summary><c>SIDE_RECORD_MISSING</c> and <c>SIDE_RECORD_DIFFERS</c>; at most 1,000.</summary>
    public required IReadOnlyList<FindingResponse> Findings { get; init; }

    internal static SideRecordsResponse Of(SideRecordReport report) => new()
    {
        Status = report.Status,
        Expected = ByTable(report, table => table.Expected),
        Observed = ByTable(report, table => table.Observed),
        Missing = report.Missing,
        Score = report.Score,
        NotCompared = report.Tables.Sum(table => table.RowsNotCompared + table.ColumnsNotCompared),
        Findings = [.. report.Findings.Select(FindingResponse.Of)],
    };

    private static SortedDictionary<string, int> ByTable(SideRecordReport report, Func<TableReport, int> value) =>
        new(report.Tables.ToDictionary(table => table.Table, value), StringComparer.Ordinal);
}

/// <summary>What <c>GET /api/v1/runs/{run_id}/evidence</c> answers: all side records of all attempts, each table's with how it stands.</summary>
internal sealed record EvidenceResponse
{
    public required string RunId { get; init; }
    public required string TenantId { get; init; }

    /// <summary>The verdict on the evidence that the side records were compared with.</summary>
    public required string VerificationStatus { get; init; }
    public required SideRecordsResponse SideRecords { get; init; }
    public required EvidenceTable GovernanceRecords { get; init; }
    public required EvidenceTable Incidents { get; init; }
    public required EvidenceTable IntegrityEvidence { get; init; }
    public required EvidenceTable LlmRunRecords { get; init; }
    public required EvidenceTable PolicyEvaluations { get; init; }
    public required string ComparedAt { get; init; }

    internal static EvidenceResponse Of(ProofResponse proof, SideRecordReport report)
    {
        var tables = report.Tables.ToDictionary(table => table.Table, EvidenceTable.Of, StringComparer.Ordinal);
        return new EvidenceResponse
        {
            RunId = proof.RunId,
            TenantId = proof.TenantId,
            VerificationStatus = proof.VerificationStatus,
            SideRecords = proof.SideRecords!,
            GovernanceRecords = tables[SideRecordTables.Governance],
            Incidents = tables[SideRecordTables.Incidents],
            IntegrityEvidence = tables[SideRecordTables.Integrity],
            LlmRunRecords = tables[SideRecordTables.Models],
            PolicyEvaluations = tables[SideRecordTables.Policies],
            ComparedAt = proof.VerifiedAt,
        };
    }
}

/// <summary>The rows of one table.</summary>
/// <param name="IsThere">Whether every row that the evidence calls for is there; true where it calls for none.</param>
/// <param name="Expected">How many it calls for.</param>
/// <param name="Observed">How many of those are there.</param>
/// <param name="Equal">How many of those say what the evidence says.</param>
/// <param name="Missing">The places of those that are not there.</param>
/// <param name="Rows">All rows as they are, those too that the evidence does not call for.</param>
internal sealed record EvidenceTable(bool IsThere, int Expected, int Observed, int Equal, IReadOnlyList<string> Missing, IReadOnlyList<JsonObject> Rows)
{
    internal static EvidenceTable Of(TableReport table) =>
        new(table.Missing.Count == 0, table.Expected, table.Observed, table.Equal, table.Missing, [.. table.Rows.Select(row => row.Columns)]);
}
