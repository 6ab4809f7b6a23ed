using System.Globalization;
using System.Text.Json.Nodes;
using RunProof.Format;
using RunProof.Verification;

namespace RunProof.Ledger;

/// <summary>
/// Holds the side records of a run against what its evidence says they must be. They are not hashed: so nothing is said of one that was not worked out again and
/// compared, and nothing that is found of them changes a verdict on the evidence.
/// </summary>
/// <param name="run">The run's record; null where there is none.</param>
/// <param name="recorded">The side records as they are.</param>
public sealed class SideRecordJudge(Run? run, RecordedSideRecords recorded)
{
    /// <summary>A side record that the evidence calls for is not there.</summary>
    public const string Missing = "SIDE_RECORD_MISSING";

    /// <summary>A side record says other than the evidence does, or something that the evidence knows nothing of.</summary>
    public const string Differs = "SIDE_RECORD_DIFFERS";

    /// <summary>Findings that are told; the counts count all.</summary>
    private const int MaxFindings = 1000;

    private readonly Dictionary<string, TraceRecords> _traces = new(StringComparer.Ordinal);

    /// <summary>Begins with a trace of the run.</summary>
    /// <param name="trace">As recorded.</param>
    /// <returns>To which its steps are added, in their order.</returns>
    public TraceRecords Begin(RecordedTrace trace)
    {
        ArgumentNullException.ThrowIfNull(trace);
        var records = new TraceRecords(trace, IsExpected: trace.StartedAt >= recorded.Since);
        _traces[trace.TraceId] = records;
        return records;
    }

    /// <summary>Compares.</summary>
    /// <param name="evidenceHolds">Whether the evidence itself was verified, or is at least not false: else nothing can be said by it.</param>
    /// <returns>What was found.</returns>
    public SideRecordReport Finish(bool evidenceHolds)
    {
        var tally = SideRecordTables.All.ToDictionary(table => table, _ => new Tally(), StringComparer.Ordinal);
        var findings = new List<Finding>();
        var left = recorded.Rows.GroupBy(KeyOf, StringComparer.Ordinal).ToDictionary(rows => rows.Key, rows => rows.ToList(), StringComparer.Ordinal);
        foreach (var expected in _traces.Values.SelectMany(trace => trace.Expected.Rows.Select(row => (Row: row, trace.IsExpected))).Concat(OfRun()))
            Compare(expected.Row, expected.IsExpected, left, tally[expected.Row.Table], findings);
        foreach (var row in left.Values.SelectMany(rows => rows))
            JudgeUncalledFor(row, tally[row.Table], findings);
        return new SideRecordReport(tally, findings.Take(MaxFindings).ToList(), evidenceHolds, recorded.Rows);
    }

    private static void Compare(SideRecord expected, bool isExpected, Dictionary<string, List<SideRecord>> left, Tally tally, List<Finding> findings)
    {
        var key = KeyOf(expected);
        left.TryGetValue(key, out var found);
        if (found is null && !isExpected)
            return;
        tally.Expected++;
        if (found is null)
        {
            tally.Missing.Add(PlaceOf(expected));
            findings.Add(new Finding(Missing, PlaceOf(expected), $"{PlaceOf(expected)}: is missing, though the evidence calls for it"));
            return;
        }

        tally.Observed++;
        left.Remove(key);
        var differences = expected.Columns.Where(column => !JsonNode.DeepEquals(column.Value, found[0].Columns[column.Key])).Select(column => column.Key).ToArray();
        if (differences.Length == 0 && found.Count == 1)
            tally.Equal++;
        tally.ColumnsNotCompared += found[0].Columns.Count - expected.Columns.Count;
        foreach (var column in differences)
        {
            findings.Add(new Finding(Differs, $"{PlaceOf(expected)}.{column}",
                $"{PlaceOf(expected)}: {column} is {Shown(found[0].Columns[column])}, and by the evidence {Shown(expected.Columns[column])}"));
        }

        if (found.Count > 1)
            findings.Add(new Finding(Differs, PlaceOf(expected), $"{PlaceOf(expected)}: is there {found.Count.ToString(CultureInfo.InvariantCulture)} times"));
    }

    // What a run's record says of its end; of an end before that, which a retry took away, nothing is left to compare with.
    private IEnumerable<(SideRecord Row, bool IsExpected)> OfRun()
    {
        if (run is not { Status: RunStatus.Failed or RunStatus.Aborted or RunStatus.Cancelled, CompletedAt: { } ended } || HasIncidentOfItsTrace(run))
            yield break;
        var number = Math.Max(1, recorded.Rows.Count(row => row.Table == SideRecordTables.Incidents && row.TraceId is null));
        var id = string.Create(CultureInfo.InvariantCulture, $"run_{run.Id.Value}.{number}");
        var outcome = run.Status switch
        {
            RunStatus.Cancelled => "CANCELLED",
            RunStatus.Aborted => "ABORTED",
            _ => "FAILURE",
        };
        var kind = IncidentClass.Of(run.ErrorCode);
        var isExpected = run.CreatedAt >= recorded.Since;
        yield return (new SideRecord(SideRecordTables.Incidents, new JsonObject
        {
            ["id"] = "inc_" + id,
            ["tenant_id"] = run.TenantId.Value,
            ["source_run_id"] = run.Id.Value,
            ["trace_id"] = null,
            ["step_index"] = null,
            ["step_link"] = null,
            ["title"] = ExpectedSideRecords.TitleOf(outcome, null, run.ErrorCode),
            ["outcome"] = outcome,
            ["trigger_type"] = kind.Trigger,
            ["severity"] = kind.Severity,
            ["category"] = kind.Category,
            ["error_code"] = run.ErrorCode,
            ["affected_agent_id"] = run.AgentId.Value,
            ["is_synthetic"] = run.IsSynthetic,
            ["synthetic_scenario_id"] = run.SyntheticScenarioId,
            ["occurred_at"] = WireTime.ToText(ended),
        }), isExpected);
        yield return (new SideRecord(SideRecordTables.Governance, new JsonObject
        {
            ["id"] = "gov_" + id,
            ["tenant_id"] = run.TenantId.Value,
            ["run_id"] = run.Id.Value,
            ["trace_id"] = null,
            ["outcome"] = outcome,
            ["termination_reason"] = kind.Reason,
            ["stopped_at_step"] = null,
            ["policy_decisions"] = 0,
            ["policy_id"] = null,
            ["policy_version"] = null,
            ["policy_digest"] = null,
            ["rule_id"] = null,
            ["incident"] = "inc_" + id,
            ["completed_at"] = WireTime.ToText(ended),
        }), isExpected);
    }

    private bool HasIncidentOfItsTrace(Run ended) => ended.Attempts > 0
        && _traces.TryGetValue(TraceId.Of(ended.Id, ended.Attempts).Value, out var last) && last.Trace.Status is "failed" or "aborted";

    private void JudgeUncalledFor(SideRecord row, Tally tally, List<Finding> findings)
    {
        var trace = row.TraceId is { } id ? _traces.GetValueOrDefault(id) : null;
        var cannotTell = row.TraceId is null ? IsOfAnEndBefore(row)
            : trace is not null && (trace.Expected.IsErased(row.StepIndex) || (row.Table == SideRecordTables.Governance && trace.Expected.MayBeGoverned));
        if (cannotTell)
        {
            tally.RowsNotCompared++;
            return;
        }

        var why = row.TraceId is not null && trace is null ? $"is of the trace {row.TraceId}, which is not there" : "is nothing that the evidence calls for";
        findings.Add(new Finding(Differs, PlaceOf(row), $"{PlaceOf(row)}: {why}"));
    }

    // A run that was given another attempt, or whose trace was sealed by whoever recovered it after it had ended without.
    private static bool IsOfAnEndBefore(SideRecord row) => row.Table is SideRecordTables.Incidents or SideRecordTables.Governance;

    private static string KeyOf(SideRecord row) => row.Table switch
    {
        SideRecordTables.Incidents or SideRecordTables.Governance => $"{row.Table} {row.Text("id")}",
        SideRecordTables.Integrity => $"{row.Table} {row.TraceId}",
        _ => string.Create(CultureInfo.InvariantCulture, $"{row.Table} {row.TraceId} {row.StepIndex}"),
    };

    private static string PlaceOf(SideRecord row) => row.Table switch
    {
        SideRecordTables.Incidents or SideRecordTables.Governance => $"{row.Table}[{row.Text("id")}]",
        _ when row.StepIndex is { } step => string.Create(CultureInfo.InvariantCulture, $"{row.Table}[{row.TraceId}].steps[{step}]"),
        _ => $"{row.Table}[{row.TraceId}]",
    };

    private static string Shown(JsonNode? value)
    {
        var text = value?.ToJsonString() ?? "null";
        return text.Length <= 100 ? text : text[..100] + "…";
    }

    internal sealed class Tally
    {
        internal int Expected { get; set; }

        internal int Observed { get; set; }

        internal int Equal { get; set; }

        internal int RowsNotCompared { get; set; }

        internal int ColumnsNotCompared { get; set; }

        internal List<string> Missing { get; } = [];
    }
}

/// <summary>A trace whose side records are being worked out.</summary>
public sealed class TraceRecords
{
    internal TraceRecords(RecordedTrace trace, bool IsExpected) => (Trace, this.IsExpected, Expected) = (trace, IsExpected, new ExpectedSideRecords(trace));

    internal RecordedTrace Trace { get; }

    internal bool IsExpected { get; }

    internal ExpectedSideRecords Expected { get; }

    /// <summary>Adds the next step.</summary>
    /// <param name="step">As recorded, with its payloads.</param>
    public void Add(RecordedStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        Expected.Add(step);
    }
}
