using System.Globalization;
using System.Text.Json;
using RunProof.Format;

namespace RunProof.Verification;

/// <summary>One of two traces that were compared: what was recomputed of it, and its totals.</summary>
public sealed record ComparedTrace
{
    /// <summary>The run.</summary>
    public required string RunId { get; init; }

    /// <summary>The trace.</summary>
    public required string TraceId { get; init; }

    /// <summary>What recomputing it found: <c>VERIFIED</c>, <c>FAILED</c>, <c>UNSUPPORTED</c>. What is compared below is evidence only where it is VERIFIED.</summary>
    public required string VerificationStatus { get; init; }

    /// <summary>The first thing that does not hold, or why nothing is proven; null where it is VERIFIED.</summary>
    public required string? FailureReason { get; init; }

    /// <summary>The recomputed root hash; null where it cannot be.</summary>
    public required string? RootHash { get; init; }

    /// <summary>Who planned.</summary>
    public required string Planner { get; init; }

    /// <summary>How the trace was sealed, or <c>running</c>.</summary>
    public required string Status { get; init; }

    /// <summary>The seed.</summary>
    public required long? Seed { get; init; }

    /// <summary>The time that the run saw as now, or null.</summary>
    public required string? FrozenTimestamp { get; init; }

    /// <summary>When it began.</summary>
    public required string StartedAt { get; init; }

    /// <summary>When it was sealed, or null.</summary>
    public required string? CompletedAt { get; init; }

    /// <summary>From the one to the other, in milliseconds; null for an open trace.</summary>
    public required double? DurationMs { get; init; }

    /// <summary>Steps.</summary>
    public required int Steps { get; init; }

    /// <summary>Steps that failed, were refused or interrupted.</summary>
    public required int FailedSteps { get; init; }

    /// <summary>What all steps cost, in cents, exactly; null where a column holds no amount.</summary>
    public required string? CostCents { get; init; }
}

/// <summary>Recomputes a trace and adds its steps up while they are compared.</summary>
internal sealed class TraceDigest(RecordedTrace trace, VerificationOptions options)
{
    private readonly TraceVerifier _verifier = TraceVerifier.Begin(trace, options);
    private decimal? _cost = 0m;
    private int _steps;
    private int _failed;

    internal RecordedTrace Trace => trace;

    internal ComparableStep Add(RecordedStep step)
    {
        _verifier.Add(step);
        _steps++;
        _failed += step.Status is "failed" or "blocked" or "interrupted" ? 1 : 0;
        _cost = _cost is { } sum && decimal.TryParse(step.CostCents, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var cents) && sum < decimal.MaxValue - cents ? sum + cents : null;
        return ComparableStep.Of(step);
    }

    internal async IAsyncEnumerable<ComparableStep> AddAllAsync(
        IAsyncEnumerable<RecordedStep> steps, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (var step in steps.WithCancellation(cancellationToken))
            yield return Add(step);
    }

    internal ComparedTrace Finish(LogEvidence? log)
    {
        var report = _verifier.Finish(log);
        var isVerified = report.Verdict.Status is VerificationStatus.Verified;
        return new ComparedTrace
        {
            RunId = trace.RunId,
            TraceId = trace.TraceId,
            VerificationStatus = report.Verdict.Name,
            FailureReason = isVerified ? null : report.Findings.Count > 0 ? report.Findings[0].Message : "not everything that must be checked could be",
            RootHash = report.RecomputedRootHash?.ToString(),
            Planner = trace.Planner,
            Status = trace.Status,
            Seed = trace.Seed,
            FrozenTimestamp = trace.FrozenTimestamp is { } frozen ? WireTime.ToText(frozen) : null,
            StartedAt = WireTime.ToText(trace.StartedAt),
            CompletedAt = trace.CompletedAt is { } completed ? WireTime.ToText(completed) : null,
            DurationMs = trace.CompletedAt is { } end ? Math.Round((end - trace.StartedAt).TotalMilliseconds, 3) : null,
            Steps = _steps,
            FailedSteps = _failed,
            CostCents = _cost?.ToString("0.############################", CultureInfo.InvariantCulture),
        };
    }
}
