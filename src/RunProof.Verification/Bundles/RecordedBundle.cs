using System.Globalization;
using RunProof.Format;

namespace RunProof.Verification;

/// <summary>A bundle of a trace as it was recorded.</summary>
public static class RecordedBundle
{
    /// <summary>Gathers the bundle of a trace that <see cref="TraceVerifier"/> has found VERIFIED.</summary>
    /// <param name="trace">The trace.</param>
    /// <param name="steps">Its steps in order; a payload without text and salt is not shown.</param>
    /// <param name="showTrace">Whether goal, plan, context and metadata are shown.</param>
    /// <param name="log">Its place in the log, or null while it awaits inclusion.</param>
    /// <exception cref="ArgumentException">A column is none of the format: the trace does not verify.</exception>
    /// <returns>The bundle.</returns>
    public static ProofBundle Of(RecordedTrace trace, IReadOnlyList<RecordedStep> steps, bool showTrace, BundleLog? log)
    {
        ArgumentNullException.ThrowIfNull(trace);
        ArgumentNullException.ThrowIfNull(steps);
        List<Judged> faults = [];
        var header = HeaderColumns.Rebuild(trace, faults);
        var seal = SealColumns.Rebuild(trace, faults);
        var records = steps.Select(step => StepColumns.Rebuild(step, Place.Step(step.StepIndex), faults)).ToList();
        if (header is null || seal is null || records.Contains(null) || trace is not { HeaderLink: { } first, RootHash: { } root } || steps.Any(static step => step.Link is null))
            throw new ArgumentException(faults.Count > 0 ? faults[0].Finding.Message : "a link or root_hash is missing", nameof(trace));
        var shown = new Dictionary<Digest, RevealedPayload>();
        foreach (var payload in (showTrace ? new[] { trace.Goal, trace.Plan, trace.Context, trace.Metadata } : []).Concat(steps.SelectMany(static step => new[] { step.Input, step.Output, step.Context })))
        {
            if (payload is { Commitment: { } commitment, Salt: { } salt, Text: { } text })
                shown[new Digest(commitment)] = new RevealedPayload(salt, text);
        }

        return new ProofBundle
        {
            Header = header,
            Steps = [.. records.Select(static step => step!)],
            Seal = seal,
            Links = [new Digest(first), .. steps.Select(static step => new Digest(step.Link))],
            Payloads = shown,
            RootHash = new Digest(root),
            Log = log,
        };
    }

    /// <summary>States what the log says of a trace that <see cref="TraceVerifier"/> has found VERIFIED.</summary>
    /// <param name="trace">The trace.</param>
    /// <param name="last">Its last step; null where it has none.</param>
    /// <param name="log">Its place in the log.</param>
    /// <exception cref="ArgumentException">A column is none of the format: the trace does not verify.</exception>
    /// <returns>The statement.</returns>
    public static RunStatement StatementOf(RecordedTrace trace, RecordedStep? last, BundleLog log)
    {
        ArgumentNullException.ThrowIfNull(trace);
        List<Judged> faults = [];
        var link = last is null ? trace.HeaderLink : last.Link;
        if (HeaderColumns.Rebuild(trace, faults) is not { } header || SealColumns.Rebuild(trace, faults) is not { } seal || link is null || trace.RootHash is not { } root)
            throw new ArgumentException(faults.Count > 0 ? faults[0].Finding.Message : "a link or root_hash is missing", nameof(trace));
        return new RunStatement(header.RunId, header.TraceId, header.TenantId, seal, new Digest(link), new Digest(root), log);
    }
}
