using System.Globalization;
using System.Text.Json;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Skills;

namespace RunProof.Execution;

/// <summary>Ends the trace of a run whose process died: the step under way is recorded interrupted, the trace sealed aborted.</summary>
internal sealed class TraceRecovery(ITraceRecorder recorder, IRecoveryStore progress, SkillRegistry skills, ExecutionOptions options, TimeProvider clock)
{
    private static readonly CanonicalJson NoParameters = CanonicalJson.FromCanonicalBytes("{}"u8.ToArray());

    /// <summary>Ends the trace.</summary>
    /// <param name="run">A running run, claimed by this process.</param>
    /// <param name="cancellationToken">Gives up; the same call later continues.</param>
    /// <exception cref="RecordingException">The store cannot be reached.</exception>
    /// <returns>How the run ended.</returns>
    public async Task<RunOutcome> EndAsync(Run run, CancellationToken cancellationToken)
    {
        // 1. The process that had the run can write no more.
        ITraceSession session;
        try
        {
            session = await recorder.TakeOverAsync(run.TenantId, TraceId.Of(run.Id), cancellationToken);
        }
        catch (RecordingException failed) when (failed.Failure is RecordingFailure.NotFound)
        {
            return Died("the process that executed the run died before its trace opened: nothing was executed");
        }
        catch (RecordingException failed) when (failed.Failure is RecordingFailure.Sealed)
        {
            return AsSealed((await progress.ReadAsync(run.TenantId, run.Id, options.Worker, cancellationToken))?.Status);
        }

        // 2. The step that it had announced began, for all that can be known, and its outcome is hidden.
        var recorded = await progress.ReadAsync(run.TenantId, run.Id, options.Worker, cancellationToken);
        var failedSteps = recorded?.Steps.Count(step => step.Status is not ("succeeded" or "skipped" or "retrying")) ?? 0;
        if (session.InFlight is { } intent)
        {
            await session.AppendAsync(Interrupted(run, intent, recorded), null, cancellationToken);
            failedSteps++;
        }

        // 3. The seal.
        var outcome = Died("the process that executed the run died");
        var now = clock.GetUtcNow();
        var duration = Math.Max(0, Math.Round((now - (run.StartedAt ?? now)).TotalMilliseconds, 3));
        await session.SealAsync(
            new TraceClosing
            {
                Status = SealStatus.Aborted,
                CompletedAt = now,
                Metadata = EvidenceContext.OfSeal(duration, session.NextIndex, failedSteps, options.Worker, outcome.ErrorCode, outcome.ErrorMessage),
            },
            cancellationToken);
        return outcome;
    }

    private static RunOutcome Died(string message) => new(RunStatus.Aborted, "worker_lost", message);

    // The process died between the seal and the run's own end: the seal says how the run ended.
    private static RunOutcome AsSealed(string? status) => status switch
    {
        "completed" => new RunOutcome(RunStatus.Succeeded, null, null),
        "failed" => new RunOutcome(RunStatus.Failed, "failed", "the run failed, and its process died before it stored why; the trace's metadata says it"),
        _ => Died("the run was aborted, and its process died before it stored why; the trace's metadata says it"),
    };

    private StepRecording Interrupted(Run run, StepIntent intent, TraceProgress? recorded)
    {
        using var plan = JsonDocument.Parse(run.PlanJson, ReferenceResolver.Deep);
        var step = intent.PlanIndex < plan.RootElement.GetArrayLength() ? plan.RootElement[intent.PlanIndex] : default;
        var name = TextOf(step, "skill") ?? "unknown";
        var id = TextOf(step, "id") ?? "step_" + intent.PlanIndex.ToString(CultureInfo.InvariantCulture);
        skills.TryFind(name, out var skill);
        var (parameters, note) = ParametersOf(run, step, recorded);
        var failure = new SkillFailure("interrupted", "the process died while the step was under way; what it did is not known");
        return new StepRecording
        {
            SkillId = name,
            SkillName = name,
            SkillVersion = skill?.Version,
            Schema = skill?.Schema,
            Status = StepStatus.Interrupted,
            OutcomeCategory = Outcomes.Failure,
            OutcomeCode = failure.Code,
            DurationMs = 0,
            RetryCount = intent.Attempt,
            IdempotencyKey = string.Create(CultureInfo.InvariantCulture, $"{run.Id.Value}:{intent.PlanIndex}"),
            ReplayBehavior = skill?.Replay ?? ReplayBehavior.Execute,
            Timestamp = intent.StartedAt,
            Parameters = parameters,
            Context = EvidenceContext.OfStep(id, intent.PlanIndex, intent.Attempt, options.Worker, null, failure, note),
        };
    }

    private static (CanonicalJson Parameters, string? Note) ParametersOf(Run run, JsonElement step, TraceProgress? recorded)
    {
        const string Unknown = "the parameters that were executed are not known";
        if (step.ValueKind is not JsonValueKind.Object || !step.TryGetProperty("params", out var planned))
            return (NoParameters, Unknown);
        try
        {
            var parameters = CanonicalJson.Parse(System.Runtime.InteropServices.JsonMarshal.GetRawUtf8Value(planned));
            var resolved = ReferenceResolver.Resolve(parameters, OutcomesOf(recorded));
            return (resolved, run.PlanRedacted ? "the parameters are those of the stored plan, after redaction" : "the parameters are those of the stored plan, with recorded outcomes");
        }
        catch (Exception unknown) when (unknown is UnresolvedReferenceException or CanonicalFormatException)
        {
            return (NoParameters, $"{Unknown}: {unknown.Message}");
        }
    }

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

    private static string? TextOf(JsonElement value, string member) =>
        value.ValueKind is JsonValueKind.Object && value.TryGetProperty(member, out var found) && found.ValueKind is JsonValueKind.String ? found.GetString() : null;
}
