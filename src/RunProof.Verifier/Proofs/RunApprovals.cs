using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Verifier;

/// <summary>What is kept of a run's approvals, by its traces.</summary>
internal sealed class RunApprovals
{
    private readonly IReadOnlyList<RecordedTrace> _traces;
    private readonly IReadOnlyList<RecordedApproval>? _rows;

    private RunApprovals(IReadOnlyList<RecordedTrace> traces, IReadOnlyList<RecordedApproval>? rows) => (_traces, _rows) = (traces, rows);

    internal static async Task<RunApprovals> ReadAsync(IEvidenceSnapshot snapshot, RunId run, IReadOnlyList<RecordedTrace> traces, CancellationToken cancellationToken) =>
        new(traces, traces.Count == 0 ? null : await snapshot.ReadApprovalsAsync(run, [.. traces.Select(trace => trace.TraceId)], cancellationToken));

    /// <summary>Those of a trace; with the last trace also those that are of none of them. Null where the store keeps none.</summary>
    internal IReadOnlyList<RecordedApproval>? Of(RecordedTrace trace) => _rows is null
        ? null
        : [.. _rows.Where(row => row.TraceId == trace.TraceId || (ReferenceEquals(trace, _traces[^1]) && _traces.All(each => each.TraceId != row.TraceId)))];
}
