using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using RunProof.Format;

namespace RunProof.Verification;

/// <summary>
/// The approvals that a store keeps against what the steps of their trace say of them: each that a step names is there, with the columns and decisions that the chain says it
/// has; none was used of which no step tells. What can no longer be compared is said, and nothing passes for it.
/// </summary>
/// <param name="trace">The trace.</param>
/// <param name="rows">What is kept: of this trace, and of none that is there. Null where it was not at hand.</param>
internal sealed class ApprovalJudge(RecordedTrace trace, IReadOnlyList<RecordedApproval>? rows)
{
    private readonly List<ApprovedStep> _steps = [];
    private readonly List<NamedApproval> _named = [];
    private readonly SortedDictionary<string, int> _notCompared = new(StringComparer.Ordinal);
    private int _idle;

    internal void Add(RecordedStep step, Place place)
    {
        var isLookedFor = rows is { Count: > 0 };
        if (isLookedFor)
            _steps.Add(ApprovedStep.Of(step, place));
        if (step.Context.Text is not { } text || !text.Contains("\"approval\":", StringComparison.Ordinal)
            || PayloadJudge.CommitmentOf(step.Context) is not { } held || !held.Span.SequenceEqual(step.Context.Commitment))
        {
            return;
        }

        try
        {
            if (NamedApproval.Read(step, place) is { } named)
                _named.Add(named);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            Leave("context that nobody can read");
        }
    }

    internal void Conclude(CheckList checks, FindingLog log)
    {
        if (rows is null)
        {
            if (_named.Count > 0)
                checks.NotDone(EvidenceCheck.Approvals, $"{Count(_named.Count, "step names an approval", "steps name approvals")}: what is kept of them was not at hand");
            return;
        }

        if (rows.Count + _named.Count + _notCompared.Count == 0)
            return;
        var left = rows.ToList();
        foreach (var of in _named.GroupBy(named => named.Id, StringComparer.Ordinal))
        {
            var found = rows.Where(row => row.Id == of.Key).ToList();
            left.RemoveAll(found.Contains);
            if (found.Count == 0)
                log.Add(EvidenceCheck.Approvals, of.First().Place.Finding(FindingCodes.ApprovalMissing, $"names the approval {Shown(of.Key)}, which is not there"));
            else if (found.Count > 1)
                Differs(log, found[0], "approval_id", $"is there {found.Count.ToString(CultureInfo.InvariantCulture)} times");
            else
                Compare(found[0], [.. of], log);
        }

        foreach (var row in left)
            JudgeUnnamed(row, log);
        var compared = Count(_named.Select(named => named.Id).Distinct(StringComparer.Ordinal).Count(), "approval is", "approvals are") + " kept as the steps say"
            + (_idle > 0 ? $", {Count(_idle, "other was asked for and no step came of it", "others were asked for and no steps came of them")}" : "");
        if (_notCompared.Count == 0)
            checks.Pass(EvidenceCheck.Approvals, compared);
        else
            checks.NotDone(EvidenceCheck.Approvals, compared + "; not compared: " + string.Join(", ", _notCompared.Select(each => $"{each.Value.ToString(CultureInfo.InvariantCulture)} {each.Key}")));
    }

    private void Compare(RecordedApproval row, IReadOnlyList<NamedApproval> steps, FindingLog log)
    {
        foreach (var step in steps)
        {
            CompareColumns(row, step.Columns(trace), $"by {step.Place.Subject}", log);
            CompareDecisions(row, step, log);
        }

        if (steps.Any(step => step.IsBrief))
            Leave("of which a runner of before recorded less");
        CompareShown(row, steps, log);
        CompareUse(row, steps, log);
    }

    private static void CompareColumns(RecordedApproval row, IEnumerable<(string Column, JsonNode? Value)> expected, string by, FindingLog log)
    {
        foreach (var (column, value) in expected)
        {
            if (!JsonNode.DeepEquals(row.Columns[column], value))
                Differs(log, row, column, $"is {Shown(row.Columns[column])}, and {by} {Shown(value)}");
        }
    }

    private static void CompareDecisions(RecordedApproval row, NamedApproval step, FindingLog log)
    {
        var (said, kept) = (step.Decisions(), row.Columns["decisions"] as JsonArray ?? []);
        // An approval that nobody had decided when a step was refused may have been decided since.
        if (kept.Count < said.Count || (kept.Count > said.Count && step.Found != "pending"))
            Differs(log, row, "decisions", string.Create(CultureInfo.InvariantCulture, $"are {kept.Count}, and by {step.Place.Subject} {said.Count}"));
        for (var i = 0; i < said.Count && i < kept.Count; i++)
        {
            foreach (var (column, value) in said[i].Where(each => !JsonNode.DeepEquals(each.Value, (kept[i] as JsonObject)?[each.Key])))
            {
                Differs(log, row, string.Create(CultureInfo.InvariantCulture, $"decisions[{i}].{column}"),
                    $"is {Shown((kept[i] as JsonObject)?[column])}, and by {step.Place.Subject} {Shown(value)}");
            }
        }
    }

    private void CompareShown(RecordedApproval row, IReadOnlyList<NamedApproval> steps, FindingLog log)
    {
        var salt = row.Text("action_salt");
        if (row.Text("action_shown") is not { } text)
        {
            var isErased = trace.Goal.Text is null || trace.Plan.Text is null || _steps.Any(step => step.IsInputErased && step.PlanIndex == row.Number("plan_index"));
            if (!isErased)
                Differs(log, row, "action_shown", "is gone, though nothing that it shows was erased");
            else if (salt != "erased")
                Differs(log, row, "action_salt", "is there, though what was shown is erased: an erasure takes both");
            else
                Leave("of which what was shown is erased");
            return;
        }

        if (ShownAction.Read(text, steps[0].ShownDigest) is not { } shown)
        {
            Differs(log, row, "action_shown", $"does not give the digest of what people were shown, {steps[0].ShownDigest}");
            return;
        }

        CompareColumns(row, shown.Columns(), "by what was shown", log);
        if (salt == "holds")
            return;
        // What was shown is the exact action where nothing was taken out of its parameters.
        if (salt == "erased" || steps.Any(step => step.Input is not null && !step.IsInputRedacted && step.Input == shown.Parameters))
            Differs(log, row, "action_salt", salt == "erased" ? "is gone, though what was shown is there" : "does not give action_digest with the action that was shown");
        else
            Leave("whose exact action is redacted");
    }

    private void CompareUse(RecordedApproval row, IReadOnlyList<NamedApproval> steps, FindingLog log)
    {
        var granted = steps.Where(step => step.IsGranted).Select(step => step.Attempt).ToList();
        if (granted.Count == 0)
        {
            JudgeUse(row, log);
            return;
        }

        var last = granted.Max();
        var used = row.Number("used_attempt");
        var isKnown = used == last || (used > last && (LostAt(row, used.Value) || !IsWhole));
        if (!isKnown)
            Differs(log, row, "used_attempt", $"is {Shown(row.Columns["used_attempt"])}, and by the steps {last.ToString(CultureInfo.InvariantCulture)}");
    }

    /// <summary>An approval under which no step that is recorded was executed: only the death of a process explains that it was used.</summary>
    private void JudgeUse(RecordedApproval row, FindingLog log)
    {
        if (row.Columns["used_at"] is null && row.Columns["used_attempt"] is null)
            return;
        if (row.Number("used_attempt") is { } used && row.Text("used_at") is not null && (LostAt(row, used) || !IsWhole))
            Leave("used by an attempt whose process died");
        else
            Differs(log, row, "used_at", "says that an attempt began under it, and no step of the trace does");
    }

    private void JudgeUnnamed(RecordedApproval row, FindingLog log)
    {
        if (row.TraceId != trace.TraceId || row.Text("run_id") != trace.RunId)
        {
            Differs(log, row, row.TraceId != trace.TraceId ? "trace_id" : "run_id", $"is {Shown(row.Columns[row.TraceId != trace.TraceId ? "trace_id" : "run_id"])}, of which there is no trace");
            return;
        }

        var steps = _steps.Where(step => step.PlanIndex == row.Number("plan_index")).ToList();
        if (steps.Any(step => step.IsContextErased))
        {
            Leave("whose step's context is erased");
            return;
        }

        JudgeUse(row, log);
        if (row.Text("status") == "rejected" && steps.Find(step => step.IsExecuted && !step.IsLost && step.Attempt >= row.Number("attempt")) is { } executed)
            Differs(log, row, "status", $"is rejected, though {executed.Place.Subject} was executed and names no approval");
        else
            _idle++;
    }

    private bool LostAt(RecordedApproval row, int attempt) => _steps.Any(step => step.IsLost && step.Attempt == attempt && step.PlanIndex == row.Number("plan_index"));

    /// <summary>Whether every step that began is recorded: a trace that was broken off may lack the last.</summary>
    private bool IsWhole => trace.Status is "completed" or "failed";

    private void Leave(string what) => _notCompared[what] = _notCompared.GetValueOrDefault(what) + 1;

    private static void Differs(FindingLog log, RecordedApproval row, string column, string said)
    {
        var id = Shown(row.Id ?? "(none)");
        log.Add(EvidenceCheck.Approvals, new Place($"approvals[{id}]", $"approval {id}", column).Finding(FindingCodes.ApprovalDiffers, said));
    }

    private static string Shown(JsonNode? value) => Shown(value?.ToJsonString() ?? "null");

    private static string Shown(string text) => text.Length <= 100 ? text : text[..100] + "…";

    private static string Count(int count, string one, string many) => string.Create(CultureInfo.InvariantCulture, $"{count} {(count == 1 ? one : many)}");
}
