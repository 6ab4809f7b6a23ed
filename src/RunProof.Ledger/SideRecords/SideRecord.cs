using System.Text.Json.Nodes;
using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>The tables of side records (src/SIDE-RECORDS.md), by their names.</summary>
public static class SideRecordTables
{
    /// <summary>How a trace ended, where it was not completed or a policy had a say in it.</summary>
    public const string Governance = "governance_records";

    /// <summary>Ends without success.</summary>
    public const string Incidents = "incidents";

    /// <summary>What was there when a trace was sealed.</summary>
    public const string Integrity = "integrity_evidence";

    /// <summary>Calls of models.</summary>
    public const string Models = "llm_run_records";

    /// <summary>What policies decided.</summary>
    public const string Policies = "policy_evaluations";

    /// <summary>All five, in the order of their names.</summary>
    public static IReadOnlyList<string> All { get; } = [Governance, Incidents, Integrity, Models, Policies];
}

/// <summary>A row of a side record's table, as it is in the store or as evidence says that it must be.</summary>
/// <param name="Table">One of <see cref="SideRecordTables"/>.</param>
/// <param name="Columns">By name: texts, numbers, booleans, nulls, objects; digests in hex, times as in evidence, decimals as texts without trailing zeros.</param>
public sealed record SideRecord(string Table, JsonObject Columns)
{
    /// <summary>The trace that it is of; null where it is of a run that ended without one.</summary>
    public string? TraceId => Text("trace_id");

    /// <summary>The step that it is of; null where it is of a whole trace or run.</summary>
    public int? StepIndex => Table is SideRecordTables.Policies or SideRecordTables.Models && Columns["step_index"] is JsonValue value && value.TryGetValue(out int index) ? index : null;

    internal string? Text(string column) => Columns[column] is JsonValue value && value.TryGetValue(out string? text) ? text : null;
}

/// <summary>The side records of a run, in one view with its evidence.</summary>
/// <param name="Since">Since when the store keeps them: of a trace that opened before then none are expected.</param>
/// <param name="Rows">All rows of the run, by table, then by trace and step.</param>
public sealed record RecordedSideRecords(DateTimeOffset Since, IReadOnlyList<SideRecord> Rows);
