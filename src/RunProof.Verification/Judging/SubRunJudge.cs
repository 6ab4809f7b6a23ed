using System.Globalization;
using System.Text.Json;
using RunProof.Format;

namespace RunProof.Verification;

/// <summary>The sub-run that a step's outcome is bound to.</summary>
/// <param name="StepIndex">The step.</param>
/// <param name="IsReplayed">Whether the outcome is the one that a replay's origin recorded: then the sub-run is the origin's.</param>
/// <param name="RunId">The sub-run.</param>
/// <param name="TraceId">The trace of its last attempt.</param>
/// <param name="Status">How it ended, as a run.</param>
/// <param name="ChainLength">Steps in that trace.</param>
/// <param name="RootHash">Its root hash.</param>
public sealed record NamedSubRun(int StepIndex, bool IsReplayed, string RunId, string TraceId, string Status, int ChainLength, string RootHash);

/// <summary>What is there of the trace of a sub-run.</summary>
/// <param name="Report">What recomputing it found; null where there is no such trace.</param>
/// <param name="Status">How it is sealed.</param>
/// <param name="ParentTrace">The trace that its header's context names as its parent, or null.</param>
public sealed record SubRunProof(TraceReport? Report, string? Status, string? ParentTrace)
{
    /// <summary>The trace that a trace's context names as its parent.</summary>
    /// <param name="trace">The trace, with its payloads.</param>
    /// <returns>Null where it names none, or its context cannot be read.</returns>
    public static string? ParentOf(RecordedTrace trace)
    {
        ArgumentNullException.ThrowIfNull(trace);
        if (trace.Context.Text is not { } text)
            return null;
        try
        {
            using var document = JsonDocument.Parse(text, SubRunJudge.Deep);
            return document.RootElement.ValueKind is JsonValueKind.Object && document.RootElement.TryGetProperty("parent", out var parent) ? SubRunJudge.Text(parent, "trace_id") : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>
/// Steps that asked for runs against the traces of those runs. A step's outcome holds the root hash of its sub-run's trace, and is itself in the chain: whoever changes a
/// sub-run, whole and with all its hashes, must change the run that asked for it too.
/// </summary>
internal sealed class SubRunJudge
{
    private const string Skill = "sub_run";

    internal static readonly JsonDocumentOptions Deep = new() { MaxDepth = Canonicalizer.MaxDepth + 2 };

    private readonly List<NamedSubRun> _named = [];
    private long _unbound;
    private long _unknown;

    internal IReadOnlyList<NamedSubRun> Named => _named;

    internal void Add(RecordedStep step, Place place)
    {
        if (step.SkillName != Skill || step.Output.Commitment is null)
            return;
        if (PayloadJudge.CommitmentOf(step.Output) is not { } held || !held.Span.SequenceEqual(step.Output.Commitment))
        {
            _unknown++;
            return;
        }

        if (Read(step) is { } named)
            _named.Add(named);
        else
            _unbound++;
    }

    internal void Conclude(RecordedTrace trace, IReadOnlyList<SubRunProof>? found, CheckList checks, FindingLog log)
    {
        if (_named.Count + _unbound + _unknown == 0)
            return;
        if (found is null && _named.Count > 0)
        {
            checks.NotDone(EvidenceCheck.SubRuns, string.Create(CultureInfo.InvariantCulture, $"the trace is bound to the root hashes of {Runs(_named.Count)}, whose traces were not at hand"));
            return;
        }

        for (var i = 0; i < _named.Count; i++)
            Judge(trace, _named[i], found![i], log);
        if (_unknown > 0)
            checks.NotDone(EvidenceCheck.SubRuns, string.Create(CultureInfo.InvariantCulture, $"{_unknown} outcomes of steps that asked for runs are withheld, erased or changed"));
        else
            checks.Pass(EvidenceCheck.SubRuns, string.Create(
                CultureInfo.InvariantCulture, $"{Runs(_named.Count)} recomputed, each sealed as the step that asked for it recorded; {Runs(_unbound)} never began or had not ended when the step did"));
    }

    internal static string? Text(JsonElement value, string member) =>
        value.ValueKind is JsonValueKind.Object && value.TryGetProperty(member, out var found) && found.ValueKind is JsonValueKind.String ? found.GetString() : null;

    private static void Judge(RecordedTrace trace, NamedSubRun named, SubRunProof found, FindingLog log)
    {
        var place = Place.Step(named.StepIndex).At("outcome_data");
        var what = $"is bound to trace {Shown(named.TraceId)} of run {Shown(named.RunId)}, which ";
        if (found.Report is not { } report)
            log.Add(EvidenceCheck.SubRuns, place.Finding(FindingCodes.SubRunMissing, what + "is not there"));
        else if (Difference(trace, named, found, report) is { } difference)
            log.Add(EvidenceCheck.SubRuns, place.Finding(FindingCodes.SubRunDiffers, what + difference));
    }

    private static string? Difference(RecordedTrace trace, NamedSubRun named, SubRunProof found, TraceReport report)
    {
        if (report.Verdict.Status is VerificationStatus.Failed)
            return "does not verify: " + (report.Findings.Count > 0 ? report.Findings[0].Message : "a check failed");
        if (report.RootHash?.ToString() != named.RootHash)
            return $"has the root hash {report.RootHash?.ToString() ?? "none: it is not sealed"}, not {Shown(named.RootHash)}";
        if (report.ChainLength != named.ChainLength)
            return string.Create(CultureInfo.InvariantCulture, $"has {report.ChainLength} steps, not {named.ChainLength}");
        if (SealOf(named.Status) != found.Status)
            return $"is sealed {found.Status}, which is no end of a run that is {Shown(named.Status)}";
        return named.IsReplayed || found.ParentTrace == trace.TraceId ? null : $"names {found.ParentTrace ?? "none"} as the trace that asked for it";
    }

    private static string? SealOf(string status) => status switch
    {
        "succeeded" => "completed",
        "failed" => "failed",
        "aborted" or "cancelled" => "aborted",
        _ => null,
    };

    private static NamedSubRun? Read(RecordedStep step)
    {
        if (step.Output.Text is not { } text)
            return null;
        try
        {
            using var document = JsonDocument.Parse(text, Deep);
            var root = document.RootElement;
            return Text(root, "run_id") is { } run && Text(root, "trace_id") is { } trace && Text(root, "status") is { } status && Text(root, "root_hash") is { } hash
                && root.TryGetProperty("chain_length", out var length) && length.ValueKind is JsonValueKind.Number && length.TryGetInt32(out var steps)
                ? new NamedSubRun(step.StepIndex, step.Source is "replay", run, trace, status, steps, hash)
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string Runs(long count) => string.Create(CultureInfo.InvariantCulture, $"{count} {(count == 1 ? "sub-run" : "sub-runs")}");

    private static string Shown(string text) => text.Length <= 200 ? text : text[..200] + "…";
}
