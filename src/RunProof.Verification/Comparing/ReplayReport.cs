using System.Globalization;
using System.Text.Json;
using RunProof.Format;

namespace RunProof.Verification;

/// <summary>What a replay found, recomputed from the evidence of both: nothing that the replay says of itself is taken for true.</summary>
public sealed record ReplayReport
{
    /// <summary>The replay.</summary>
    public required ComparedTrace Replay { get; init; }

    /// <summary>The origin.</summary>
    public required ComparedTrace Origin { get; init; }

    /// <summary><c>check</c> or <c>dry</c>.</summary>
    public required string Mode { get; init; }

    /// <summary>The first planned step that was replayed.</summary>
    public required int From { get; init; }

    /// <summary>
    /// <c>equal</c>: both VERIFIED, nothing diverged and everything could be compared. <c>equal_as_far_as_compared</c>: nothing diverged, and some of it is hidden.
    /// <c>diverged</c>. <c>not_verified</c>: either does not verify, or the origin is not the one that was replayed: then what is said below proves nothing.
    /// </summary>
    public required string Status { get; init; }

    /// <summary>Why it is <c>not_verified</c>; null where it is not.</summary>
    public required string? Reason { get; init; }

    /// <summary>Steps that were held against each other.</summary>
    public required int StepsCompared { get; init; }

    /// <summary>Parameters that were recomputed and compared.</summary>
    public required int ParametersCompared { get; init; }

    /// <summary>Outcomes that were executed for and compared.</summary>
    public required int OutcomesCompared { get; init; }

    /// <summary>Outcomes that were executed for and are not compared, for the skill's replay behaviour is <c>execute</c>.</summary>
    public required int OutcomesExecuted { get; init; }

    /// <summary>Outcomes that were taken from the record: nothing was executed for them, so nothing can be said of them.</summary>
    public required int OutcomesRecorded { get; init; }

    /// <summary>All divergences.</summary>
    public required int DivergenceCount { get; init; }

    /// <summary>The first of them in the order of the chain, or null.</summary>
    public required Divergence? First { get; init; }

    /// <summary>The first thousand.</summary>
    public required IReadOnlyList<Divergence> Divergences { get; init; }

    /// <summary>Payloads that could not be compared: never equal, never different.</summary>
    public required int NotComparableCount { get; init; }

    /// <summary>The first thousand.</summary>
    public required IReadOnlyList<ReplayNotComparable> NotComparable { get; init; }

    /// <summary>Differences at places of which the skills said that they vary; not counted.</summary>
    public required int Varied { get; init; }

    /// <summary>Steps that were recorded in another order, which nothing that they depend on forbids: branches end as they happen to. No divergence.</summary>
    public required int StepsReordered { get; init; }

    /// <summary>What the replay's own seal says of divergences; null where it says nothing.</summary>
    public required int? StoredDivergences { get; init; }

    /// <summary>Recomputes and compares.</summary>
    /// <param name="origin">The origin.</param>
    /// <param name="replay">The replay.</param>
    /// <param name="named">The origin that the replay names.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<ReplayReport> OfAsync(TraceSource origin, TraceSource replay, TraceOrigin named, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(origin);
        ArgumentNullException.ThrowIfNull(replay);
        ArgumentNullException.ThrowIfNull(named);
        var (one, other) = (new TraceDigest(origin.Trace, origin.Options), new TraceDigest(replay.Trace, replay.Options));
        var comparison = new TraceComparison(new ComparisonOptions { From = named.From, LeftOrder = PlanOrder.Of(origin.Trace), RightOrder = PlanOrder.Of(replay.Trace) });
        await comparison.CompareAsync(one.AddAllAsync(origin.Steps, cancellationToken), other.AddAllAsync(replay.Steps, cancellationToken), cancellationToken);
        var (left, right) = (one.Finish(origin.Log), other.Finish(replay.Log));
        var reason = right.VerificationStatus != "VERIFIED" ? $"the replay is {right.VerificationStatus}: {right.FailureReason}"
            : left.VerificationStatus != "VERIFIED" ? $"the origin is {left.VerificationStatus}: {left.FailureReason}"
            : left.RootHash != named.RootHash ? $"the origin's root hash is {left.RootHash}, and the replay was made of {named.RootHash ?? "an origin that did not verify"}"
            : null;
        return new ReplayReport
        {
            Replay = right,
            Origin = left,
            Mode = named.Mode ?? "check",
            From = named.From,
            Status = reason is not null ? "not_verified" : comparison.DifferenceCount > 0 ? "diverged" : comparison.NotComparableCount > 0 ? "equal_as_far_as_compared" : "equal",
            Reason = reason,
            StepsCompared = comparison.Compared,
            ParametersCompared = comparison.ParametersCompared,
            OutcomesCompared = comparison.OutcomesCompared,
            OutcomesExecuted = comparison.OutcomesExecuted,
            OutcomesRecorded = comparison.OutcomesRecorded,
            DivergenceCount = comparison.DifferenceCount,
            First = comparison.First is { } first ? Divergence.Of(first) : null,
            Divergences = [.. comparison.Differences.Select(Divergence.Of)],
            NotComparableCount = comparison.NotComparableCount,
            NotComparable = [.. comparison.NotComparable.Select(ReplayNotComparable.Of)],
            Varied = comparison.Varied,
            StepsReordered = comparison.Reordered,
            StoredDivergences = Stored(replay.Trace),
        };
    }

    /// <summary>The report as JSON, members in snake_case.</summary>
    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, ComparisonJson.Default.ReplayReport);

    private static int? Stored(RecordedTrace replay)
    {
        if (replay.Metadata.Text is not { } text)
            return null;
        try
        {
            using var document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = 1024 });
            return document.RootElement.ValueKind is JsonValueKind.Object && document.RootElement.TryGetProperty("replay", out var stored)
                && stored.ValueKind is JsonValueKind.Object && stored.TryGetProperty("divergences", out var count) && count.ValueKind is JsonValueKind.Number && count.TryGetInt32(out var said)
                ? said
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>A place at which a replay is not as its origin was.</summary>
/// <param name="Kind">parameters, outcome, order, skill_version, schema, missing_step, extra_step; recorded_outcome where the replay's own evidence is not what it says.</param>
/// <param name="PlanStep">The step's name in the plan.</param>
/// <param name="Attempt">Attempts of it before.</param>
/// <param name="OriginStep">Its index in the origin's trace, or null.</param>
/// <param name="ReplayStep">Its index in the replay's, or null.</param>
/// <param name="Place">The column, or empty.</param>
/// <param name="Path">The JSON path within it, or null.</param>
/// <param name="Origin">What is there in the origin, cut off where it is long.</param>
/// <param name="Replay">What is there in the replay.</param>
/// <param name="Message">The same in a sentence.</param>
public sealed record Divergence(
    string Kind, string PlanStep, int Attempt, int? OriginStep, int? ReplayStep, string Place, string? Path, string? Origin, string? Replay, string Message)
{
    internal static Divergence Of(StepDifference difference) => new(
        difference.Kind, difference.PlanStep, difference.Attempt, difference.LeftStep, difference.RightStep, difference.Place, difference.Path, difference.Left, difference.Right,
        Sentence(difference));

    private static string Sentence(StepDifference difference)
    {
        var step = string.Create(CultureInfo.InvariantCulture, $"step \"{difference.PlanStep}\"{(difference.Attempt > 0 ? $", attempt {difference.Attempt + 1}" : "")}");
        return difference.Kind switch
        {
            DifferenceKinds.MissingStep => $"{step}: the origin has it, the replay has not",
            DifferenceKinds.ExtraStep => $"{step}: the replay has it, the origin has not",
            DifferenceKinds.Order => $"{step}: was step {difference.Left} of the origin, and is step {difference.Right} here: of what depends on it something was recorded before it",
            _ => $"{step}: {difference.Place}{(difference.Path is null ? "" : " at ")}{difference.Path} was {difference.Left ?? "not there"}, and is {difference.Right ?? "not there"}",
        };
    }
}

/// <summary>A payload that could not be compared.</summary>
/// <param name="PlanStep">The step's name in the plan.</param>
/// <param name="Attempt">Attempts of it before.</param>
/// <param name="OriginStep">Its index in the origin's trace.</param>
/// <param name="ReplayStep">Its index in the replay's.</param>
/// <param name="Place"><c>params</c> or <c>outcome_data</c>.</param>
/// <param name="Why">redacted, erased or interrupted.</param>
public sealed record ReplayNotComparable(string PlanStep, int Attempt, int OriginStep, int ReplayStep, string Place, string Why)
{
    internal static ReplayNotComparable Of(NotComparable hidden) => new(hidden.PlanStep, hidden.Attempt, hidden.LeftStep, hidden.RightStep, hidden.Place, hidden.Why);
}
