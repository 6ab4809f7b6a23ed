using System.Text;
using System.Text.Json;
using RunProof.Format;
using RunProof.Ledger;

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
        var point = Read(planned, session, [.. (recorded?.Steps ?? []).Select(RecordedStep.Of)],
            [new EarlierAttempt(null, recorded?.CostCents ?? 0), .. (recorded?.Steps ?? []).Select(step => new EarlierAttempt(step.Context, 0))]);
        return point with { Pins = EvidenceContext.PinsIn(recorded?.Context) };
    }

    private static ResumePoint Read(PlannedRun planned, ITraceSession session, IReadOnlyList<RecordedStep> steps, IReadOnlyList<EarlierAttempt> earlier)
    {
        var plan = planned.Plan;
        var outcomes = new Dictionary<string, CanonicalJson?>(StringComparer.Ordinal);
        var unknowable = new HashSet<string>(StringComparer.Ordinal);
        foreach (var step in steps.Where(step => step.Status is not "retrying" && step.PlanIndex < plan.Steps.Count))
        {
            var id = plan.Steps[step.PlanIndex].Id;
            outcomes[id] = step.Outcome;
            if (step.OutcomeIsChanged)
                unknowable.Add(id);
        }

        var failed = steps.Count(step => step.Status is not ("succeeded" or "skipped" or "retrying"));
        var point = new ResumePoint(session, 0, 0, planned.IsBetweenSteps ? null : session.InFlight, outcomes, unknowable, failed, null) { Earlier = earlier };
        // What comes next was announced with the step before it; where nothing was, nothing comes.
        return session.InFlight is { } next
            ? point with { PlanIndex = next.PlanIndex, Attempt = next.Attempt }
            : point with { End = EndAfter(plan, steps.Count == 0 ? null : steps[^1]) };
    }

    /// <summary>How a run ended whose last step is recorded and whose seal is not.</summary>
    private static RunOutcome EndAfter(Plan plan, RecordedStep? last)
    {
        if (last is null || last.PlanIndex >= plan.Steps.Count || last.Status is "interrupted")
            return TraceRecovery.Died("the process that executed the run died");
        var step = plan.Steps[last.PlanIndex];
        return last.Status is "succeeded" or "skipped" || (last.Status is "blocked" ? last.RunGoesOn : step.OnError is OnError.Continue)
            ? new RunOutcome(RunStatus.Succeeded, null, null)
            : new RunOutcome(last.ErrorCode is KillSwitch.Code ? RunStatus.Aborted : RunStatus.Failed, last.ErrorCode ?? "skill_error", $"step \"{step.Id}\": {last.ErrorMessage}");
    }

    /// <summary>A recorded step, as its status, outcome and context tell.</summary>
    private sealed record RecordedStep(int PlanIndex, string Status, CanonicalJson? Outcome, bool OutcomeIsChanged, string? ErrorCode, string? ErrorMessage, bool RunGoesOn)
    {
        public static RecordedStep Of(StepProgress step)
        {
            using var context = JsonDocument.Parse(step.Context ?? "{}", ReferenceResolver.Deep);
            var root = context.RootElement;
            var error = root.TryGetProperty("error", out var found) ? found : default;
            return new RecordedStep(
                root.TryGetProperty("plan_index", out var index) && index.TryGetInt32(out var place) ? place : int.MaxValue,
                step.Status,
                step.Outcome is null ? null : CanonicalJson.FromCanonicalBytes(Encoding.UTF8.GetBytes(step.Outcome)),
                root.TryGetProperty("redactions", out var redactions) && redactions.EnumerateArray().Any(OfOutcome),
                TraceRecovery.TextOf(error, "code"), TraceRecovery.TextOf(error, "message"),
                root.TryGetProperty("policy", out var decision) && TraceRecovery.TextOf(decision, "on_block") is "continue");
        }

        // Places begin with the payload's column (the recorder's notes).
        private static bool OfOutcome(JsonElement redaction) =>
            TraceRecovery.TextOf(redaction, "place")?.StartsWith("outcome_data", StringComparison.Ordinal) is true;
    }
}
