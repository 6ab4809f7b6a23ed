using System.Globalization;
using RunProof.Verification;

namespace RunProof.Ledger;

/// <summary>What was found of a run's side records.</summary>
public sealed class SideRecordReport
{
    private readonly bool _evidenceHolds;

    internal SideRecordReport(Dictionary<string, SideRecordJudge.Tally> tally, IReadOnlyList<Finding> findings, bool evidenceHolds, IReadOnlyList<SideRecord> rows)
    {
        (_evidenceHolds, Findings) = (evidenceHolds, findings);
        Tables = [.. SideRecordTables.All.Select(table => new TableReport(
            table, tally[table].Expected, tally[table].Observed, tally[table].Equal, tally[table].Missing, tally[table].RowsNotCompared, tally[table].ColumnsNotCompared,
            [.. rows.Where(row => row.Table == table)]))];
    }

    /// <summary>By table, in the order of their names.</summary>
    public IReadOnlyList<TableReport> Tables { get; }

    /// <summary>What is missing, differs, or is there without cause: codes <see cref="SideRecordJudge.Missing"/> and <see cref="SideRecordJudge.Differs"/>.</summary>
    public IReadOnlyList<Finding> Findings { get; }

    /// <summary>Side records that the evidence calls for.</summary>
    public int Expected => Tables.Sum(table => table.Expected);

    /// <summary>How many of them are there.</summary>
    public int Observed => Tables.Sum(table => table.Observed);

    /// <summary>The places of those that are not.</summary>
    public IReadOnlyList<string> Missing => [.. Tables.SelectMany(table => table.Missing)];

    /// <summary>How many are there and as the evidence says, of how many: an exact fraction, not reduced.</summary>
    public string Score => string.Create(CultureInfo.InvariantCulture, $"{Tables.Sum(table => table.Equal)}/{Expected}");

    /// <summary>
    /// <c>complete</c>: each that the evidence calls for is there and says what the evidence says, and there are no others. <c>missing</c>, <c>differs</c>: not so.
    /// <c>not_compared</c>: the evidence itself does not hold, or nothing of it calls for any.
    /// </summary>
    public string Status => Findings.Any(finding => finding.Code == SideRecordJudge.Missing) ? "missing"
        : Findings.Count > 0 ? "differs"
        : _evidenceHolds && Expected > 0 ? "complete" : "not_compared";
}

/// <summary>What was found of the rows of one table.</summary>
/// <param name="Table">Its name.</param>
/// <param name="Expected">Rows that the evidence calls for.</param>
/// <param name="Observed">How many of them are there.</param>
/// <param name="Equal">How many of those say what the evidence says.</param>
/// <param name="Missing">The places of those that are not there.</param>
/// <param name="RowsNotCompared">Rows of which the evidence is erased or gone, so that they cannot be judged.</param>
/// <param name="ColumnsNotCompared">Columns of other rows of which the same is true.</param>
/// <param name="Rows">All rows as they are.</param>
public sealed record TableReport(
    string Table, int Expected, int Observed, int Equal, IReadOnlyList<string> Missing, int RowsNotCompared, int ColumnsNotCompared, IReadOnlyList<SideRecord> Rows);
