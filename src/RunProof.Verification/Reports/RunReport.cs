using RunProof.Format;

namespace RunProof.Verification;

/// <summary>What was found about all traces of a run.</summary>
public sealed class RunReport
{
    private RunReport(IntegrityModel model, IReadOnlyList<TraceReport> traces)
    {
        Model = model;
        Traces = traces;
        Verdict = Verdict.Of([.. traces.Select(trace => trace.Verdict)]);
        Checks = MergedChecks(model, traces);
        Findings = traces.Count == 0
            ? [Place.Trace.Finding(FindingCodes.NoTrace, "the run has none")]
            : [.. traces.SelectMany(trace => trace.Findings)];
    }

    /// <summary>What was verified.</summary>
    public IntegrityModel Model { get; }

    /// <summary>The verdict: verified only where there is a trace and every one is.</summary>
    public Verdict Verdict { get; }

    /// <summary>The reports of the traces, in the order they were given in.</summary>
    public IReadOnlyList<TraceReport> Traces { get; }

    /// <summary>Every check; of several traces the worst outcome, its detail naming the trace.</summary>
    public IReadOnlyList<Check> Checks { get; }

    /// <summary>The findings of all traces.</summary>
    public IReadOnlyList<Finding> Findings { get; }

    /// <summary>The finding that decides: the first of the first trace that is as bad as the run. Null where the run is verified.</summary>
    public Finding? Failure => Verdict.Status is VerificationStatus.Verified
        ? null
        : Traces.FirstOrDefault(trace => trace.Verdict.Status == Verdict.Status)?.Findings.FirstOrDefault() ?? Findings.FirstOrDefault();

    /// <summary>Steps of all traces that were read.</summary>
    public int StepCount => Traces.Sum(trace => trace.StepCount);

    /// <summary>Steps that the seals count, all traces together; null where a trace is open or there is none.</summary>
    public int? ChainLength => Traces.Count == 0 || Traces.Any(trace => trace.ChainLength is null) ? null : (int)Math.Clamp(Traces.Sum(trace => (long)trace.ChainLength!.Value), int.MinValue, int.MaxValue);

    /// <summary>The recorded root_hash of the run's one trace; null where it has none or several, which each have their own.</summary>
    public Digest? RootHash => Traces.Count == 1 ? Traces[0].RootHash : null;

    /// <summary>Gathers the reports of a run's traces.</summary>
    /// <param name="model">The model they were made with.</param>
    /// <param name="traces">The reports; none where the run has no trace.</param>
    /// <exception cref="ArgumentException">A report was made with another model.</exception>
    /// <returns>The report.</returns>
    public static RunReport Of(IntegrityModel model, IReadOnlyList<TraceReport> traces) => traces.All(trace => trace.Model == model)
        ? new RunReport(model, traces)
        : throw new ArgumentException("the traces were verified under another model", nameof(traces));

    private static IReadOnlyList<Check> MergedChecks(IntegrityModel model, IReadOnlyList<TraceReport> traces)
    {
        if (traces.Count == 0)
            return CheckList.NoneDone(model, "the run has no trace");
        if (traces.Count == 1)
            return traces[0].Checks;
        return [.. traces.SelectMany(trace => trace.Checks.Select(check => (trace.TraceId, Check: check)))
            .GroupBy(item => item.Check.Kind)
            .OrderBy(group => group.Key)
            .Select(group => group.MinBy(item => Rank(item.Check.Status)))
            .Select(worst => new Check(worst.Check.Kind, worst.Check.Status, $"{worst.TraceId}: {worst.Check.Detail}"))];
    }

    private static int Rank(CheckStatus status) => status switch
    {
        CheckStatus.Failed => 0,
        CheckStatus.NotDone => 1,
        _ => 2,
    };
}
