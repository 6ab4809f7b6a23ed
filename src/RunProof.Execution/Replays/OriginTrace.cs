using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Skills;
using RunProof.Verification;

namespace RunProof.Execution;

/// <summary>A step of an origin, as it is recorded and as a comparison sees it.</summary>
internal sealed record OriginStep(RecordedStep Recorded, ComparableStep Comparable)
{
    /// <summary>Why it failed, as its context says; null where it did not.</summary>
    public (string Code, string Message)? Error()
    {
        if (Recorded.Status is "succeeded" or "skipped")
            return null;
        using var context = Recorded.Context.Text is { } text ? JsonDocument.Parse(text, ReferenceResolver.Deep) : null;
        var error = context is not null && context.RootElement.TryGetProperty("error", out var found) ? found : default;
        return (TraceRecovery.TextOf(error, "code") ?? Recorded.OutcomeCode ?? "skill_error", TraceRecovery.TextOf(error, "message") ?? "the origin's step failed; why, its evidence no longer says");
    }
}

/// <summary>An origin that was recomputed and found VERIFIED: nothing else of a run's past is ever relied on.</summary>
internal sealed class OriginTrace
{
    private OriginTrace(RecordedTrace trace, IReadOnlyList<OriginStep> steps, Digest root) => (Trace, Steps, Root) = (trace, steps, root);

    public RecordedTrace Trace { get; }

    public IReadOnlyList<OriginStep> Steps { get; }

    /// <summary>The root hash as recomputed.</summary>
    public Digest Root { get; }

    /// <summary>Recomputes what was read.</summary>
    /// <param name="read">What was read.</param>
    /// <param name="run">The run that names it.</param>
    /// <param name="problem">Why it cannot be relied on.</param>
    /// <returns>The trace; null where it does not verify.</returns>
    public static OriginTrace? Verify(RecordedOrigin read, Run run, out string problem)
    {
        var report = TraceVerifier.Verify(read.Trace, read.Steps, new VerificationOptions { Tenant = run.TenantId, Run = run.Origin!.Run, MaxFindings = 10 });
        problem = report.Findings.Count > 0 ? report.Findings[0].Message : "not everything that must be checked could be";
        return report is { Verdict.Status: VerificationStatus.Verified, RecomputedRootHash: { } root }
            ? new OriginTrace(read.Trace, [.. read.Steps.Select(static step => new OriginStep(step, ComparableStep.Of(step)))], root)
            : null;
    }

    /// <summary>How the planned steps before one ended, by their place in the plan: of each the last attempt. One that never began counts as skipped.</summary>
    /// <param name="from">The step, by its place in the plan.</param>
    public Dictionary<int, StepEnd> Before(int from)
    {
        var ends = Enumerable.Range(0, from).ToDictionary(static index => index, static _ => new StepEnd(StepStatus.Skipped, null, null) { NeverBegan = true });
        foreach (var step in Steps.Where(step => step.Comparable.PlanIndex >= 0 && step.Comparable.PlanIndex < from && step.Recorded.Status is not "retrying"))
        {
            Wire.TryParse(step.Recorded.Status, out StepStatus status);
            var failure = step.Error() is { } error ? new SkillFailure(error.Code, error.Message) : null;
            ends[step.Comparable.PlanIndex] = new StepEnd(status, OutcomeOf(step.Recorded), failure, step.Comparable.Outcome.Hidden is null);
        }

        return ends;
    }

    /// <summary>How many of the steps are needed for what comes before a planned step, and the link after them.</summary>
    /// <param name="from">The step, by its place in the plan.</param>
    public (int Steps, Digest Link) SharedBefore(int from)
    {
        var shared = Steps.LastOrDefault(step => step.Comparable.PlanIndex < from) is { } last ? last.Recorded.StepIndex + 1 : 0;
        return (shared, new Digest(shared == 0 ? Trace.HeaderLink! : Steps[shared - 1].Recorded.Link!));
    }

    /// <summary>A recorded outcome; null where there is none, or it is erased.</summary>
    public static CanonicalJson? OutcomeOf(RecordedStep step) => step.Output.Text is { } text ? CanonicalJson.FromCanonicalBytes(Encoding.UTF8.GetBytes(text)) : null;

    /// <summary>What a replay's header says of its origin.</summary>
    /// <param name="origin">What the run names.</param>
    /// <param name="root">The origin's root hash; null where it did not verify.</param>
    public static CanonicalJson ReplayOf(RunOrigin origin, Digest? root) => Object(
        ("from", Number(origin.From)), ("mode", EvidenceContext.OfText(origin.Mode is ReplayMode.Dry ? "dry" : "check")), ("root_hash", root is { } hash ? EvidenceContext.OfText(hash.ToString()) : Null),
        ("run_id", EvidenceContext.OfText(origin.Run.Value)), ("trace_id", EvidenceContext.OfText(origin.Trace.Value)));

    /// <summary>What a fork's header says of its origin.</summary>
    /// <param name="origin">What the run names.</param>
    /// <param name="shared">How many of the origin's steps it takes over, and the link after them; null where the origin did not verify.</param>
    public static CanonicalJson ForkOf(RunOrigin origin, (int Steps, Digest Link)? shared) => Object(
        ("from", Number(origin.From)), ("link", shared is { } after ? EvidenceContext.OfText(after.Link.ToString()) : Null),
        ("run_id", EvidenceContext.OfText(origin.Run.Value)), ("step_index", Number(shared?.Steps ?? 0)), ("trace_id", EvidenceContext.OfText(origin.Trace.Value)));

    /// <summary>An object of members that come in the order of their names.</summary>
    internal static CanonicalJson Object(params ReadOnlySpan<(string Name, CanonicalJson Value)> members)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        var writer = new CanonicalWriter(buffer);
        var separator = "{"u8;
        foreach (var (name, value) in members)
        {
            writer.WriteRaw(separator);
            writer.WriteString(name);
            writer.WriteRaw(":"u8);
            writer.WriteJson(value);
            separator = ","u8;
        }

        writer.WriteRaw("}"u8);
        writer.Flush();
        return CanonicalJson.FromCanonicalBytes(buffer.WrittenMemory);
    }

    internal static CanonicalJson Number(int number) => CanonicalJson.FromCanonicalBytes(Encoding.UTF8.GetBytes(number.ToString(CultureInfo.InvariantCulture)));

    internal static CanonicalJson Null { get; } = CanonicalJson.FromCanonicalBytes("null"u8.ToArray());

    internal static CanonicalJson Array(IEnumerable<CanonicalJson> items)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        var writer = new CanonicalWriter(buffer);
        writer.WriteRaw("["u8);
        var first = true;
        foreach (var item in items)
        {
            if (!first)
                writer.WriteRaw(","u8);
            first = false;
            writer.WriteJson(item);
        }

        writer.WriteRaw("]"u8);
        writer.Flush();
        return CanonicalJson.FromCanonicalBytes(buffer.WrittenMemory);
    }
}
