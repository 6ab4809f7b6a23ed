using System.Globalization;
using System.Text.Json;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Skills;

namespace RunProof.Execution;

/// <summary>
/// Ends the trace of a run whose process died and that no other can go on with: what was under way is recorded interrupted, the trace sealed aborted.
/// </summary>
internal sealed class TraceRecovery(ITraceRecorder recorder, IRecoveryStore progress, Interruptions interruptions, SubRuns subRuns, ExecutionOptions options, TimeProvider clock)
{
    /// <summary>Ends the trace.</summary>
    /// <param name="run">A running run, claimed by this process.</param>
    /// <param name="outcome">How it ends, and why no one goes on with it; where it was sealed already, the seal says.</param>
    /// <param name="cancellationToken">Gives up; the same call later continues.</param>
    /// <exception cref="RecordingException">The store cannot be reached.</exception>
    /// <returns>How the run ended.</returns>
    public async Task<RunOutcome> EndAsync(Run run, RunOutcome outcome, CancellationToken cancellationToken)
    {
        // 1. The process that had the run can write no more.
        ITraceSession session;
        try
        {
            session = await recorder.TakeOverAsync(run.TenantId, TraceId.Of(run.Id, run.Attempts), cancellationToken);
        }
        catch (RecordingException failed) when (failed.Failure is RecordingFailure.NotFound)
        {
            return outcome;
        }
        catch (RecordingException failed) when (failed.Failure is RecordingFailure.Sealed)
        {
            return AsSealed((await progress.ReadAsync(run.TenantId, run.Id, options.Worker, cancellationToken))?.Status);
        }

        // 2. The steps that it had announced began, for all that can be known, and their outcomes are hidden.
        var recorded = await progress.ReadAsync(run.TenantId, run.Id, options.Worker, cancellationToken);
        var failedSteps = recorded?.Steps.Count(step => step.Status is not ("succeeded" or "skipped" or "retrying")) ?? 0;
        var hidden = run.IsBetweenSteps ? [] : session.InFlight.ToArray();
        for (var i = 0; i < hidden.Length; i++)
        {
            var rest = StepIntents.Of(hidden.Skip(i + 1));
            await session.AppendAsync(Hidden(run, hidden[i], recorded), rest, cancellationToken);
            failedSteps++;
        }

        // 3. Sub-runs that it waited for are cancelled.
        var known = recorded?.Steps.Select(EarlierStep.Of).Select(step => (step.PlanIndex, step.Attempt)).Concat(hidden.Select(intent => (intent.PlanIndex, intent.Attempt))).ToHashSet() ?? [];
        foreach (var left in await subRuns.EndAsync(run, (index, attempt) => !known.Contains((index, attempt))))
        {
            await session.AppendAsync(Hidden(run, left.Intent, recorded, left.Failure) with { Outcome = left.Outcome }, null, cancellationToken);
            failedSteps++;
        }

        // 4. The seal.
        var now = clock.GetUtcNow();
        var duration = Math.Max(0, Math.Round((now - (run.StartedAt ?? now)).TotalMilliseconds, 3));
        await session.SealAsync(
            new TraceClosing
            {
                Status = SealStatus.Aborted,
                CompletedAt = now,
                Metadata = EvidenceContext.OfSeal(duration, session.NextIndex, failedSteps, options.Worker, outcome),
            },
            cancellationToken);
        return outcome;
    }

    // What is announced of a step that failed for good is its fallback.
    private StepRecording Hidden(Run run, StepIntent intent, TraceProgress? recorded, SkillFailure? known = null)
    {
        var isFallback = recorded?.Steps.Select(EarlierStep.Of).Any(step => step.PlanIndex == intent.PlanIndex && step.Status is not StepStatus.Retrying) is true;
        var recording = interruptions.Of(run, null, intent, isFallback, OutcomesOf(recorded), null, known: known);
        return isFallback ? recording with { Context = recording.Context!.With("fallback", CanonicalJson.FromCanonicalBytes("true"u8.ToArray())) } : recording;
    }

    internal static RunOutcome Died(string message) => new(RunStatus.Aborted, "worker_lost", message);

    // The process died between the seal and the run's own end: the seal says how the run ended.
    internal static RunOutcome AsSealed(string? status) => status switch
    {
        "completed" => new RunOutcome(RunStatus.Succeeded, null, null),
        "failed" => new RunOutcome(RunStatus.Failed, "failed", "the run failed, and its process died before it stored why; the trace's metadata says it"),
        _ => Died("the run was aborted, and its process died before it stored why; the trace's metadata says it"),
    };

    // The last attempt of a step is the one that later steps refer to.
    private static Dictionary<string, CanonicalJson?> OutcomesOf(TraceProgress? recorded)
    {
        var outcomes = new Dictionary<string, CanonicalJson?>(StringComparer.Ordinal);
        foreach (var step in recorded?.Steps ?? [])
        {
            if (step.Context is null)
                continue;
            using var context = JsonDocument.Parse(step.Context, ReferenceResolver.Deep);
            if (TextOf(context.RootElement, "plan_step") is { } id)
                outcomes[id] = step.Outcome is null ? null : CanonicalJson.FromCanonicalBytes(System.Text.Encoding.UTF8.GetBytes(step.Outcome));
        }

        return outcomes;
    }

    internal static string? TextOf(JsonElement value, string member) =>
        value.ValueKind is JsonValueKind.Object && value.TryGetProperty(member, out var found) && found.ValueKind is JsonValueKind.String ? found.GetString() : null;
}
