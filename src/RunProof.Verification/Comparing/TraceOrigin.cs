using System.Globalization;
using System.Text.Json;
using RunProof.Format;

namespace RunProof.Verification;

/// <summary>A trace's word on where it comes from: the member <c>replay_of</c> or <c>fork_of</c> of its header's context.</summary>
/// <param name="RunId">The origin's run.</param>
/// <param name="TraceId">The origin's trace.</param>
/// <param name="RootHash">A replay's: the origin's root hash, as it was recomputed before the replay; null where it did not verify.</param>
/// <param name="From">A replay's: the first planned step that was executed again.</param>
/// <param name="Mode">A replay's: <c>check</c> or <c>dry</c>.</param>
/// <param name="StepIndex">A fork's: how many of the origin's steps it takes over.</param>
/// <param name="Link">A fork's: the origin's link after those.</param>
public sealed record TraceOrigin(string RunId, string TraceId, string? RootHash, int From, string? Mode, int StepIndex, string? Link)
{
    /// <summary>The origin that a replay names; null where the trace is no replay or its context cannot be read.</summary>
    /// <param name="trace">The trace, with its payloads.</param>
    public static TraceOrigin? OfReplay(RecordedTrace trace) => Read(trace, "replay_of");

    /// <summary>The origin that a fork names; null where the trace is no fork or its context cannot be read.</summary>
    /// <param name="trace">The trace, with its payloads.</param>
    public static TraceOrigin? OfFork(RecordedTrace trace) => Read(trace, "fork_of");

    private static TraceOrigin? Read(RecordedTrace trace, string member)
    {
        ArgumentNullException.ThrowIfNull(trace);
        if (trace.Context.Text is not { } text || !text.Contains(member, StringComparison.Ordinal))
            return null;
        try
        {
            using var document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 1024 });
            return document.RootElement.ValueKind is JsonValueKind.Object && document.RootElement.TryGetProperty(member, out var origin)
                && Text(origin, "run_id") is { } run && Text(origin, "trace_id") is { } id
                ? new TraceOrigin(run, id, Text(origin, "root_hash"), Number(origin, "from"), Text(origin, "mode"), Number(origin, "step_index"), Text(origin, "link"))
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static string? Text(JsonElement value, string member) =>
        value.ValueKind is JsonValueKind.Object && value.TryGetProperty(member, out var found) && found.ValueKind is JsonValueKind.String ? found.GetString() : null;

    private static int Number(JsonElement value, string member) =>
        value.ValueKind is JsonValueKind.Object && value.TryGetProperty(member, out var found) && found.ValueKind is JsonValueKind.Number && found.TryGetInt32(out var number) ? number : 0;
}

/// <summary>What is there of the origin that a fork names.</summary>
/// <param name="Named">What the fork says.</param>
/// <param name="Report">What recomputing the origin found; null where there is no such trace.</param>
/// <param name="Link">The origin's recomputed link after the steps that the fork takes over; null where it has not so many, or its chain breaks before.</param>
public sealed record OriginEvidence(TraceOrigin Named, TraceReport? Report, Digest? Link)
{
    /// <summary>Holds a fork against its origin.</summary>
    internal void Judge(CheckList checks, FindingLog log)
    {
        var place = Place.Header.At("context");
        var steps = string.Create(CultureInfo.InvariantCulture, $"{Named.StepIndex} of its steps");
        if (Report is null)
        {
            checks.NotDone(EvidenceCheck.Origin, $"the trace goes on from {steps} of trace {Named.TraceId}, which is not there");
            log.Note(place.Finding(FindingCodes.ForkOriginMissing, $"names trace {Named.TraceId} of run {Named.RunId} as its origin, which is not there"));
        }
        else if (Report.Verdict.Status is VerificationStatus.Failed)
        {
            log.Add(EvidenceCheck.Origin, place.Finding(FindingCodes.ForkOriginDiffers, $"names trace {Named.TraceId} as its origin, which does not verify: {(Report.Findings.Count > 0 ? Report.Findings[0].Message : "a check failed")}"));
        }
        else if (Link is not { } link || !string.Equals(link.ToString(), Named.Link, StringComparison.Ordinal))
        {
            log.Add(EvidenceCheck.Origin, place.Finding(
                FindingCodes.ForkOriginDiffers, $"says that after {steps} the link of trace {Named.TraceId} is {Named.Link ?? "(none)"}, and it is {Link?.ToString() ?? "none: it has not so many"}"));
        }
        else
        {
            checks.Pass(EvidenceCheck.Origin, $"the trace goes on from {steps} of trace {Named.TraceId}, recomputed: its link there is the one that the fork names");
        }
    }
}
