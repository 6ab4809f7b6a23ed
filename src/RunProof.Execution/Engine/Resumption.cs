using System.Globalization;
using System.Text;
using System.Text.Json;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Skills;

namespace RunProof.Execution;

/// <summary>Finds where a run goes on that another process began: takes its trace over, so that the other can write no more, and reads what is recorded.</summary>
internal sealed class Resumption(ITraceRecorder recorder, IRecoveryStore progress, ExecutionOptions options)
{
    /// <summary>Finds it. The same call later continues.</summary>
    /// <param name="planned">A run that this process has claimed, with its whole plan.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="RecordingException">The store cannot be reached.</exception>
    /// <returns>Where it goes on, or how it ended.</returns>
    public async Task<ResumePoint> FindAsync(PlannedRun planned, CancellationToken cancellationToken)
    {
        var run = planned.Run;
        ITraceSession session;
        try
        {
            session = await recorder.TakeOverAsync(run.TenantId, TraceId.Of(run.Id, run.Attempts), cancellationToken);
        }
        catch (RecordingException failed) when (failed.Failure is RecordingFailure.NotFound)
        {
            return ResumePoint.Beginning;
        }
        catch (RecordingException failed) when (failed.Failure is RecordingFailure.Sealed)
        {
            var end = TraceRecovery.AsSealed((await progress.ReadAsync(run.TenantId, run.Id, options.Worker, cancellationToken))?.Status);
            return ResumePoint.Beginning with { End = end };
        }

        // Nothing can be appended any more but by this session: what is read now is all there is.
        var recorded = await progress.ReadAsync(run.TenantId, run.Id, options.Worker, cancellationToken);
        var steps = recorded?.Steps ?? [];
        return new ResumePoint(session, [.. steps.Select(EarlierStep.Of)], planned.IsBetweenSteps, null)
        {
            Earlier = [new EarlierAttempt(null, recorded?.CostCents ?? 0), .. steps.Select(step => new EarlierAttempt(step.Context, 0))],
            Pins = EvidenceContext.PinsIn(recorded?.Context),
        };
    }
}

/// <summary>A recorded step, as its status, outcome and context tell.</summary>
/// <param name="PlanIndex">Its place in the plan; <see cref="int.MaxValue"/> where its context does not tell.</param>
/// <param name="Attempt">Attempts before it.</param>
/// <param name="Status">How it ended.</param>
/// <param name="Outcome">What is stored of its outcome.</param>
/// <param name="OutcomeIsChanged">Whether redaction changed that.</param>
/// <param name="Failure">Why it failed, or null.</param>
/// <param name="RunGoesOn">Whether a step that a policy refused did not end the run.</param>
internal sealed record EarlierStep(
    int PlanIndex, int Attempt, StepStatus Status, CanonicalJson? Outcome, bool OutcomeIsChanged, SkillFailure? Failure, bool RunGoesOn)
{
    /// <summary>Whether it is the step's fallback.</summary>
    public bool IsFallback { get; private init; }

    /// <summary>Whether its condition could not be evaluated: then its fallback is not executed either.</summary>
    public bool IsUnguarded { get; private init; }

    public static EarlierStep Of(StepProgress step)
    {
        using var context = JsonDocument.Parse(step.Context ?? "{}", ReferenceResolver.Deep);
        var root = context.RootElement;
        var error = root.TryGetProperty("error", out var found) ? found : default;
        if (!Wire.TryParse(step.Status, out StepStatus status))
            throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"step {step.StepIndex} is recorded with the status \"{step.Status}\", which is none"));
        return new EarlierStep(
            Number(root, "plan_index", int.MaxValue), Number(root, "attempt", 0), status,
            step.Outcome is null ? null : CanonicalJson.FromCanonicalBytes(Encoding.UTF8.GetBytes(step.Outcome)),
            IsOutcomeChanged(root),
            status is StepStatus.Succeeded or StepStatus.Skipped ? null
                : new SkillFailure(TraceRecovery.TextOf(error, "code") ?? "skill_error", TraceRecovery.TextOf(error, "message") ?? ""),
            root.TryGetProperty("policy", out var decision) && TraceRecovery.TextOf(decision, "on_block") is "continue")
        {
            IsFallback = root.TryGetProperty("fallback", out var fallback) && fallback.ValueKind is JsonValueKind.True,
            IsUnguarded = status is StepStatus.Failed && root.TryGetProperty("condition", out var condition) && condition.TryGetProperty("result", out var result)
                && result.ValueKind is JsonValueKind.Null,
        };
    }

    /// <summary>Whether redaction changed the outcome of the step that a context is of.</summary>
    public static bool IsOutcomeChanged(JsonElement context) =>
        (context.TryGetProperty("redactions", out var redactions) && redactions.EnumerateArray().Any(OfOutcome)) || WasTakenHidden(context);

    private static int Number(JsonElement value, string member, int otherwise) =>
        value.TryGetProperty(member, out var found) && found.ValueKind is JsonValueKind.Number && found.TryGetInt32(out var number) ? number : otherwise;

    // A replay's: the outcome is the origin's record of it, which is not what came back.
    private static bool WasTakenHidden(JsonElement context) =>
        context.TryGetProperty("replay", out var replay) && TraceRecovery.TextOf(replay, "how") is "recorded"
        && replay.TryGetProperty("not_comparable", out var places) && places.EnumerateArray().Any(static place => place.ValueEquals("outcome_data"));

    // Places begin with the payload's column (the recorder's notes).
    private static bool OfOutcome(JsonElement redaction) =>
        TraceRecovery.TextOf(redaction, "place")?.StartsWith("outcome_data", StringComparison.Ordinal) is true;
}
