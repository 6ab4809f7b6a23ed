using System.Text.Json;
using System.Text.Json.Serialization;
using RunProof.Format;

namespace RunProof.Verification;

/// <summary>What two runs differ in: both recomputed, then compared.</summary>
public sealed record TraceDiff
{
    private const int MostOfPlan = 50;

    /// <summary>The one.</summary>
    public required ComparedTrace A { get; init; }

    /// <summary>The other.</summary>
    public required ComparedTrace B { get; init; }

    /// <summary>Whether both are VERIFIED, everything was compared and nothing differs: goal, plan, end, steps, parameters, outcomes and cost. Time does not count.</summary>
    public required bool Alike { get; init; }

    /// <summary>Whether anything was found to differ.</summary>
    public required bool Differs { get; init; }

    /// <summary>Where goal, plan and end differ.</summary>
    public required IReadOnlyList<RunDifference> Run { get; init; }

    /// <summary>Steps that were held against each other: the same attempt of the same planned step.</summary>
    public required int StepsCompared { get; init; }

    /// <summary>Those that are alike in everything.</summary>
    public required int StepsAlike { get; init; }

    /// <summary>Steps that only the one has.</summary>
    public required int OnlyA { get; init; }

    /// <summary>Steps that only the other has.</summary>
    public required int OnlyB { get; init; }

    /// <summary>All differences between steps.</summary>
    public required int DifferenceCount { get; init; }

    /// <summary>The first of them in the order of the chain, or null.</summary>
    public required DiffDifference? First { get; init; }

    /// <summary>The first thousand.</summary>
    public required IReadOnlyList<DiffDifference> Differences { get; init; }

    /// <summary>Payloads that could not be compared, redacted or erased: neither alike nor different.</summary>
    public required int NotComparableCount { get; init; }

    /// <summary>The first thousand.</summary>
    public required IReadOnlyList<DiffNotComparable> NotComparable { get; init; }

    /// <summary>Differences at places of which the skills said that they vary; not counted.</summary>
    public required int Varied { get; init; }

    /// <summary>Steps that were recorded in another order, which nothing that they depend on forbids; not counted.</summary>
    public required int StepsReordered { get; init; }

    /// <summary>The steps whose times are furthest apart.</summary>
    public required IReadOnlyList<DiffTime> Times { get; init; }

    /// <summary>Compares two traces while their steps are read; memory is bounded.</summary>
    /// <param name="a">The one.</param>
    /// <param name="b">The other.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<TraceDiff> OfAsync(TraceSource a, TraceSource b, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(a);
        ArgumentNullException.ThrowIfNull(b);
        var (one, other) = (new TraceDigest(a.Trace, a.Options), new TraceDigest(b.Trace, b.Options));
        var comparison = new TraceComparison(new ComparisonOptions { Cost = true, LeftOrder = PlanOrder.Of(a.Trace), RightOrder = PlanOrder.Of(b.Trace) });
        await comparison.CompareAsync(one.AddAllAsync(a.Steps, cancellationToken), other.AddAllAsync(b.Steps, cancellationToken), cancellationToken);
        var (left, right) = (one.Finish(a.Log), other.Finish(b.Log));
        var run = new List<RunDifference>();
        var hidden = Payload(run, "goal", a.Trace.Goal, a.Trace.Context, b.Trace.Goal, b.Trace.Context) + Payload(run, "plan", a.Trace.Plan, a.Trace.Context, b.Trace.Plan, b.Trace.Context);
        if (left.Status != right.Status)
            run.Add(new RunDifference("status", null, left.Status, right.Status));
        var differs = run.Count > 0 || comparison.DifferenceCount > 0;
        return new TraceDiff
        {
            A = left,
            B = right,
            Alike = !differs && hidden == 0 && comparison.NotComparableCount == 0 && left.VerificationStatus == "VERIFIED" && right.VerificationStatus == "VERIFIED",
            Differs = differs,
            Run = run,
            StepsCompared = comparison.Compared,
            StepsAlike = comparison.Alike,
            OnlyA = comparison.OnlyLeft,
            OnlyB = comparison.OnlyRight,
            DifferenceCount = comparison.DifferenceCount,
            First = comparison.First is { } first ? DiffDifference.Of(first) : null,
            Differences = [.. comparison.Differences.Select(DiffDifference.Of)],
            NotComparableCount = comparison.NotComparableCount + hidden,
            NotComparable = [.. comparison.NotComparable.Select(DiffNotComparable.Of)],
            Varied = comparison.Varied,
            StepsReordered = comparison.Reordered,
            Times = [.. comparison.Times.Select(static time => new DiffTime(time.PlanStep, time.Attempt, time.LeftMs, time.RightMs))],
        };
    }

    /// <summary>The shapes of this and of <see cref="ReplayReport"/>, for whoever documents or reads them.</summary>
    public static System.Text.Json.Serialization.Metadata.IJsonTypeInfoResolver Shapes => ComparisonJson.Default;

    /// <summary>The diff as JSON, members in snake_case.</summary>
    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, ComparisonJson.Default.TraceDiff);

    /// <summary>How many of the two texts could not be compared: 0 or 1.</summary>
    private static int Payload(List<RunDifference> found, string place, RecordedPayload a, RecordedPayload contextA, RecordedPayload b, RecordedPayload contextB)
    {
        if (a.Text is null || b.Text is null || Redacted(contextA, place) || Redacted(contextB, place))
            return 1;
        foreach (var difference in JsonDifferences.Between(a.Text, b.Text, MostOfPlan))
            found.Add(new RunDifference(place, difference.Path, difference.Left, difference.Right));
        return 0;
    }

    private static bool Redacted(RecordedPayload context, string place)
    {
        if (context.Text is not { } text)
            return context.Commitment is not null;
        try
        {
            using var document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 1024 });
            return ComparableStep.IsRedacted(document.RootElement, place);
        }
        catch (JsonException)
        {
            return true;
        }
    }
}

/// <summary>A trace to recompute and compare.</summary>
/// <param name="Trace">The trace, with its payloads.</param>
/// <param name="Steps">Its steps, with their payloads; read once.</param>
/// <param name="Log">What its tenant's log says of it; null where no log is at hand.</param>
/// <param name="Options">What is asked of its verification.</param>
public sealed record TraceSource(RecordedTrace Trace, IAsyncEnumerable<RecordedStep> Steps, LogEvidence? Log, VerificationOptions Options)
{
    /// <summary>The trace of a bundle; its place in the log is for whoever verifies the file.</summary>
    /// <param name="bundle">The bundle.</param>
    public static TraceSource Of(ProofBundle bundle)
    {
        ArgumentNullException.ThrowIfNull(bundle);
        return new TraceSource(BundledTrace.Header(bundle), BundledTrace.Steps(bundle).ToAsyncEnumerable(), null, new VerificationOptions { MaxFindings = 100 });
    }
}

/// <summary>A difference between two runs, outside their steps.</summary>
/// <param name="Place"><c>goal</c>, <c>plan</c> or <c>status</c>.</param>
/// <param name="Path">The JSON path within it, or null.</param>
/// <param name="A">What is there in the one.</param>
/// <param name="B">What is there in the other.</param>
public sealed record RunDifference(string Place, string? Path, string? A, string? B);

/// <summary>A difference between two steps.</summary>
/// <param name="Kind">parameters, outcome, order, skill_version, schema, only_a, only_b or cost.</param>
/// <param name="PlanStep">The step's name in the plan.</param>
/// <param name="Attempt">Attempts of it before.</param>
/// <param name="AStep">Its index in the one trace, or null.</param>
/// <param name="BStep">Its index in the other, or null.</param>
/// <param name="Place">The column, or empty.</param>
/// <param name="Path">The JSON path within it, or null.</param>
/// <param name="A">What is there in the one, cut off where it is long.</param>
/// <param name="B">What is there in the other.</param>
public sealed record DiffDifference(string Kind, string PlanStep, int Attempt, int? AStep, int? BStep, string Place, string? Path, string? A, string? B)
{
    internal static DiffDifference Of(StepDifference difference) => new(
        difference.Kind switch { DifferenceKinds.MissingStep => "only_a", DifferenceKinds.ExtraStep => "only_b", DifferenceKinds.RecordedOutcome => DifferenceKinds.Outcome, var kind => kind },
        difference.PlanStep, difference.Attempt, difference.LeftStep, difference.RightStep, difference.Place, difference.Path, difference.Left, difference.Right);
}

/// <summary>A payload that could not be compared.</summary>
/// <param name="PlanStep">The step's name in the plan.</param>
/// <param name="Attempt">Attempts of it before.</param>
/// <param name="AStep">Its index in the one trace.</param>
/// <param name="BStep">Its index in the other.</param>
/// <param name="Place"><c>params</c> or <c>outcome_data</c>.</param>
/// <param name="Why">redacted, erased (or withheld) or interrupted.</param>
public sealed record DiffNotComparable(string PlanStep, int Attempt, int AStep, int BStep, string Place, string Why)
{
    internal static DiffNotComparable Of(NotComparable hidden) => new(hidden.PlanStep, hidden.Attempt, hidden.LeftStep, hidden.RightStep, hidden.Place, hidden.Why);
}

/// <summary>What a step took in either.</summary>
/// <param name="PlanStep">The step's name in the plan.</param>
/// <param name="Attempt">Attempts of it before.</param>
/// <param name="AMs">Milliseconds in the one.</param>
/// <param name="BMs">Milliseconds in the other.</param>
public sealed record DiffTime(string PlanStep, int Attempt, double AMs, double BMs);

/// <summary>Written without reflection. Members are the wire's snake_case.</summary>
[JsonSerializable(typeof(TraceDiff))]
[JsonSerializable(typeof(ReplayReport))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
internal sealed partial class ComparisonJson : JsonSerializerContext;
