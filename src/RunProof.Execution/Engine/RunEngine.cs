using System.Diagnostics;
using Microsoft.Extensions.Logging;
using Polly;
using Polly.Retry;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Skills;

namespace RunProof.Execution;

/// <summary>
/// Executes a run: opens its trace before the first step, records every attempt as a step of its own before the next one begins, and seals.
/// No skill is executed while the step before it is not durably recorded.
/// </summary>
internal sealed partial class RunEngine(
    EvidenceWriter evidence, StepExecutor executor, IStepGate gate, Approvals approvals, Interruptions interruptions, SkillRegistry skills, ExecutionOptions options, TimeProvider clock,
    ILogger<RunEngine> logger)
{
    private static readonly SkillFailure Cancelled = new("cancelled", "the run was cancelled while the step was under way; what it did is not known");

    /// <summary>Executes a run to its end.</summary>
    /// <param name="planned">The run and its plan as it was before redaction.</param>
    /// <param name="from">Where it goes on; null for a run that begins.</param>
    /// <param name="control">What is wanted of it meanwhile.</param>
    /// <returns>How it ended or was let go of, and what evidence is missing still. Never throws for anything that a skill or the store does.</returns>
    public async Task<RunOutcome> ExecuteAsync(PlannedRun planned, ResumePoint? from, RunControl control)
    {
        using var activity = ExecutionTelemetry.StartRun(planned);
        var execution = new Execution(planned, from ?? ResumePoint.Beginning, control, clock.GetUtcNow(), clock.GetTimestamp());
        RunOutcome outcome;
        try
        {
            outcome = await ExecuteAsync(execution, activity);
        }
        catch (RecordingException failed)
        {
            outcome = Lost(execution, failed);
        }
        catch (Exception escaped)
        {
            LogEscaped(logger, planned.Run.Id.Value, escaped);
            outcome = Unwritten(execution, "engine_error", $"{escaped.GetType().Name}: {escaped.Message}");
        }

        ExecutionTelemetry.RunEnded(activity, outcome.Status, outcome.ErrorCode);
        return outcome;
    }

    private async Task<RunOutcome> ExecuteAsync(Execution run, Activity? activity)
    {
        // 1. The trace is open, with the first step announced, before anything is executed. Evidence is written even while the process
        //    stops: only reading and waiting are given up, so these writes take no token.
        run.Gate = await gate.BeginAsync(Governed(run), CancellationToken.None);
        run.Approvals = await approvals.OfAsync(run.Planned.Run, run.Control.Now);
        var session = run.From.Session ?? await evidence.OpenAsync(Opening(run, activity), CancellationToken.None);
        if (run.From.End is { } before)
            return await SealAsync(run, session, before);
        if (run.From.Began is { } began && await InterruptAsync(run, session, began) is { } broken)
            return await SealAsync(run, session, broken);

        // 2. Steps in the plan's order. An attempt that will be tried again is a recorded step like any other.
        foreach (var step in run.Plan.Steps.Skip(run.PlanIndex))
        {
            var ended = BeforeStep(run) ?? await ExecuteStepAsync(run, session, step);
            if (ended is not null)
                return ended.Release is null ? await SealAsync(run, session, ended) : ended;
            run.PlanIndex++;
        }

        // 3. The seal.
        return await SealAsync(run, session, new RunOutcome(RunStatus.Succeeded, null, null));
    }

    // What is wanted is obeyed between steps, and between attempts of one. A run whose plan only this process knows cannot be let go of.
    private RunOutcome? BeforeStep(Execution run)
    {
        if (run.Control.Cancel is { } wish)
            return RunOutcome.CancelledBy(wish.CancelBy!, wish.CancelReason);
        if (run.Planned.Run.PlanRedacted)
            return run.Control.Now.IsCancellationRequested ? Stopped(run) : null;
        // A step whose first execution a crash hid may be under way still: such a run is let go of, but not paused.
        var pause = run.Control.IsPauseWished && !run.IsResumed;
        return run.Control.IsLeaving || pause ? LetGo(run, betweenSteps: !run.IsResumed, pause) : null;
    }

    private RunOutcome LetGo(Execution run, bool betweenSteps, bool pause)
    {
        LogLetGo(logger, run.Planned.Run.Id.Value);
        return RunOutcome.Released(new RunRelease(betweenSteps, pause, WireTime.Truncate(clock.GetUtcNow())));
    }

    // Nothing of the step has begun: whoever goes on with the run asks again, and finds what people decided.
    private RunOutcome Waiting(Execution run, ApprovalWait wait)
    {
        LogWaits(logger, run.Planned.Run.Id.Value, wait.Approval);
        return RunOutcome.Released(new RunRelease(BetweenSteps: true, Pause: false, wait.Until) { Approvals = [wait.Approval], At = WireTime.Truncate(clock.GetUtcNow()) });
    }

    // A step that had begun when its process died: an idempotent one is executed again, under the same key. What any other did is hidden, and the
    // plan says what that means. Null where the plan goes on.
    private async Task<RunOutcome?> InterruptAsync(Execution run, ITraceSession session, StepIntent began)
    {
        var step = run.Plan.Steps[began.PlanIndex];
        if (run.Approvals?.HasNotBegun(began) is true)
            return null;
        if (skills.TryFind(step.Skill, out var skill) && skill.IsIdempotent)
        {
            run.IsResumed = true;
            return null;
        }

        var goesOn = step.OnError is OnError.Continue;
        var next = goesOn && began.PlanIndex + 1 < run.Plan.Steps.Count ? new StepIntent(began.PlanIndex + 1, 0, clock.GetUtcNow()) : null;
        var recording = interruptions.Of(run.Planned.Run, began, run.Outcomes, run.From.Unknowable, run.Gate);
        await RecordAsync(run, session, recording, next, null);
        if (!goesOn)
            return TraceRecovery.Died($"the process that executed the run died while step \"{step.Id}\" was under way");
        (run.PlanIndex, run.FirstAttempt) = (began.PlanIndex + 1, 0);
        return null;
    }

    // Null where the plan goes on. The pipeline decides when to try again and waits; each of its executions is one attempt, recorded whole.
    private async Task<RunOutcome?> ExecuteStepAsync(Execution run, ITraceSession session, PlannedStep step)
    {
        var pauses = Backoff.Of(step.Retry);
        if (run.Planned.Ancestry?.Replay is { IsDry: true })
            pauses = [.. pauses.Select(static _ => TimeSpan.Zero)];
        var (first, attempt) = (run.FirstAttempt, run.FirstAttempt);
        run.FirstAttempt = 0;
        try
        {
            var end = await RetriesOf([.. pauses.Skip(first)]).ExecuteAsync(
                async _ => await AttemptAsync(run, session, step, attempt++, pauses), run.Control.Waiting);
            return end.Outcome;
        }
        catch (OperationCanceledException) when (run.Control.Waiting.IsCancellationRequested && BeforeStep(run) is { } before)
        {
            return before;
        }
    }

    private ResiliencePipeline<AttemptEnd> RetriesOf(IReadOnlyList<TimeSpan> pauses) => pauses.Count == 0 ? ResiliencePipeline<AttemptEnd>.Empty
        : new ResiliencePipelineBuilder<AttemptEnd> { TimeProvider = clock }
            .AddRetry(new RetryStrategyOptions<AttemptEnd>
            {
                ShouldHandle = static args => ValueTask.FromResult(args.Outcome.Result is { Again: true }),
                MaxRetryAttempts = pauses.Count,
                DelayGenerator = args => ValueTask.FromResult<TimeSpan?>(pauses[args.AttemptNumber]),
            })
            .Build();

    private async ValueTask<AttemptEnd> AttemptAsync(
        Execution run, ITraceSession session, PlannedStep step, int attempt, IReadOnlyList<TimeSpan> pauses)
    {
        var call = new StepCall(run.Planned.Run, step, run.PlanIndex, attempt, session.NextIndex) { Pins = run.Pins, Approvals = run.Approvals };
        using var activity = ExecutionTelemetry.StartStep(call);
        var result = await ExecuteOnceAsync(run, call);
        // A run whose plan only this process knows waits here, and asks again.
        while (result.Waits is not null && run.Planned.Run.PlanRedacted)
        {
            await Task.Delay(options.ApprovalPoll, clock, run.Control.Now);
            result = await ExecuteOnceAsync(run, call);
        }

        if (result.Waits is { } wait)
            return new AttemptEnd(false, Waiting(run, wait));
        run.Gate.Used(result.CostCents, result.Tokens);
        if (result is { Interrupted: true, KilledBy: null } && run.Control.Cancel is not null)
            result = result with { Failure = Cancelled };
        // Whoever goes on with the run executes it again, as after a crash.
        if (result is { Interrupted: true, KilledBy: null, Skill.IsIdempotent: true } && run.Control.Cancel is null && !run.Planned.Run.PlanRedacted)
            return new AttemptEnd(false, LetGo(run, betweenSteps: false, pause: false));
        var again = result is { Interrupted: false, Failure.Retryable: true } && attempt < pauses.Count && !run.Control.Now.IsCancellationRequested;
        var goesOn = result.IsBlocked ? result.Decision.RunGoesOn : !result.Interrupted && (result.Failure is null || step.OnError == OnError.Continue);
        var next = again ? new StepIntent(run.PlanIndex, attempt + 1, clock.GetUtcNow() + pauses[attempt])
            : goesOn && run.PlanIndex + 1 < run.Plan.Steps.Count ? new StepIntent(run.PlanIndex + 1, 0, clock.GetUtcNow())
            : null;
        await RecordAsync(run, session, Recording(call, result, StatusOf(result, again), run.IsResumed, activity), next, activity);
        run.IsResumed = false;

        if (result.KilledBy is { } kill)
            return new AttemptEnd(false, RunOutcome.KilledBy(kill));
        if (result.Interrupted)
            return new AttemptEnd(false, run.Control.Cancel is { } wish ? RunOutcome.CancelledBy(wish.CancelBy!, wish.CancelReason) : Stopped(run));
        if (again)
            return new AttemptEnd(true, null);
        run.Outcomes[step.Id] = result.Outcome;
        return new AttemptEnd(false, goesOn ? null : Failed(step, result.Failure!));
    }

    private async ValueTask<AttemptResult> ExecuteOnceAsync(Execution run, StepCall call) => run.Planned.Ancestry?.Replay is { } replay
        ? await replay.ExecuteAsync(executor, call, run.Outcomes, run.From.Unknowable, run.Gate, run.Control.Now)
        : await executor.ExecuteAsync(call, run.Outcomes, run.From.Unknowable, run.Gate, run.Control.Now);

    // The step is in hand until the recorder has acknowledged it: whatever happens meanwhile, it is not lost.
    private async Task RecordAsync(Execution run, ITraceSession session, StepRecording recording, StepIntent? next, Activity? activity)
    {
        recording = run.Planned.Ancestry?.Replay?.Compared(recording, session.NextIndex) ?? recording;
        run.Pending = recording;
        run.Recorded = session.NextIndex;
        try
        {
            var link = await evidence.AppendAsync(session, recording, next, CancellationToken.None);
            ExecutionTelemetry.StepLinked(activity, link);
        }
        finally
        {
            ExecutionTelemetry.StepEnded(activity, recording);
        }

        run.Pending = null;
        run.Recorded = session.NextIndex;
        if (IsFailed(recording))
            run.FailedSteps++;
    }

    private static bool IsFailed(StepRecording step) => step.Status is not (StepStatus.Succeeded or StepStatus.Skipped or StepStatus.Retrying);

    private static RunOutcome Failed(PlannedStep step, SkillFailure failure) =>
        new(RunStatus.Failed, EvidenceText.Code(failure.Code), $"step \"{step.Id}\": {failure.Message}");

    private static StepStatus StatusOf(AttemptResult result, bool again) =>
        result.Interrupted ? StepStatus.Interrupted
        : result.IsBlocked ? StepStatus.Blocked
        : result.Failure is null ? StepStatus.Succeeded
        : again ? StepStatus.Retrying
        : StepStatus.Failed;

    private async Task<RunOutcome> SealAsync(Execution run, ITraceSession session, RunOutcome outcome)
    {
        var closing = Closing(run, outcome);
        try
        {
            await evidence.SealAsync(session, closing, CancellationToken.None);
            return outcome;
        }
        catch (RecordingException failed) when (failed.IsTransient)
        {
            // Every step is recorded; only the seal waits for the store. The run ends as it went, once the seal is written.
            return outcome with { Unsettled = new Unsettled(null, 0, closing) };
        }
    }

    private RunOutcome Stopped(Execution run)
    {
        LogStopped(logger, run.Planned.Run.Id.Value);
        return new RunOutcome(RunStatus.Aborted, "stopped", "the process that executed the run was stopped");
    }

    private RunOutcome Lost(Execution run, RecordingException failed)
    {
        LogLost(logger, run.Planned.Run.Id.Value, failed);
        return failed.Failure is RecordingFailure.Fenced
            ? new RunOutcome(RunStatus.Failed, "fenced", "another process took the run's trace over")
            : Unwritten(run, CodeOf(failed.Failure), $"evidence could not be written: {failed.Message}");
    }

    private RunOutcome Unwritten(Execution run, string code, string message)
    {
        var outcome = new RunOutcome(RunStatus.Failed, code, message);
        var pending = run.Pending;
        if (pending is not null && IsFailed(pending))
            run.FailedSteps++;
        var index = run.Recorded;
        if (pending is not null)
            run.Recorded++;
        return outcome with { Unsettled = new Unsettled(pending, index, Closing(run, outcome)) };
    }

    private static string CodeOf(RecordingFailure failure) => failure switch
    {
        RecordingFailure.Conflict or RecordingFailure.Sealed => "evidence_conflict",
        RecordingFailure.Refused => "evidence_refused",
        _ => "evidence_unavailable",
    };

    private TraceOpening Opening(Execution run, Activity? activity)
    {
        var stored = run.Planned.Run;
        var context = EvidenceContext.OfTrace(
            run.Planned.AgentName, options.Worker, options.Version, skills, run.Gate.Policies, TraceParentOf(activity) ?? stored.TraceParent, stored.Budget);
        run.Pins = skills.Pins;
        return new TraceOpening
        {
            TenantId = stored.TenantId,
            TraceId = TraceId.Of(stored.Id, stored.Attempts),
            RunId = stored.Id,
            AgentId = stored.AgentId,
            CorrelationId = stored.CorrelationId,
            OriginSystemId = stored.OriginSystemId,
            Planner = stored.Planner,
            Seed = stored.Seed,
            FrozenTimestamp = stored.FrozenTimestamp,
            IsSynthetic = stored.IsSynthetic,
            SyntheticScenarioId = stored.SyntheticScenarioId,
            StartedAt = run.StartedAt,
            Goal = EvidenceContext.OfText(run.Planned.Goal),
            Plan = run.Plan.ToCanonicalJson(),
            PlanRedactions = run.Planned.PlanRedactions,
            Context = EvidenceContext.With(run.Planned.Ancestry is { } ancestry ? context.With(ancestry.Member, ancestry.Named) : context, run.Pins),
            FirstStep = new StepIntent(run.PlanIndex, 0, run.StartedAt),
        };
    }

    private StepRecording Recording(StepCall call, AttemptResult result, StepStatus status, bool resumed, Activity? activity) => new()
    {
        SkillId = call.Step.Skill,
        SkillName = call.Step.Skill,
        SkillVersion = result.Skill?.Version,
        Schema = result.Skill?.Schema,
        Status = status,
        OutcomeCategory = status is StepStatus.Succeeded or StepStatus.Skipped ? Outcomes.Success : Outcomes.Failure,
        OutcomeCode = result.Failure is null ? null : EvidenceText.Code(result.Failure.Code),
        CostCents = result.CostCents,
        DurationMs = result.DurationMs,
        RetryCount = call.Attempt,
        IdempotencyKey = call.IdempotencyKey,
        ReplayBehavior = result.Replay ?? result.Skill?.Replay ?? ReplayBehavior.Execute,
        Timestamp = result.StartedAt,
        Parameters = result.Parameters,
        Outcome = result.Outcome,
        Decision = result.Decision,
        Context = Varying(result, EvidenceContext.With(
            EvidenceContext.OfStep(call.Step.Id, call.PlanIndex, call.Attempt, options.Worker, TraceParentOf(activity), result.Failure, note: null, resumed, result.Tokens, result.Usage),
            result.Evidence)),
    };

    private static CanonicalJson Varying(AttemptResult result, CanonicalJson context) =>
        result.Varies.Count == 0 ? context : context.With("varies", OriginTrace.Array(result.Varies.Select(EvidenceContext.OfText)));

    private GovernedRun Governed(Execution run) => new()
    {
        TenantId = run.Planned.Run.TenantId, AgentId = run.Planned.Run.AgentId, Planner = run.Planned.Run.Planner, RunId = run.Planned.Run.Id,
        Worker = options.Worker, Attempt = run.Planned.Run.Attempts, Budget = run.Planned.Run.Budget,
        StartedAt = run.StartedAt - run.Before, Earlier = run.From.Session is null ? null : run.From.Earlier,
    };

    private TraceClosing Closing(Execution run, RunOutcome outcome)
    {
        var duration = Math.Round((clock.GetElapsedTime(run.Began) + run.Before).TotalMilliseconds, 3);
        return new TraceClosing
        {
            Status = outcome.Status switch
            {
                RunStatus.Succeeded => SealStatus.Completed,
                RunStatus.Failed => SealStatus.Failed,
                _ => SealStatus.Aborted,
            },
            CompletedAt = clock.GetUtcNow(),
            Metadata = Sealed(run, EvidenceContext.OfSeal(duration, run.Recorded, run.FailedSteps, options.Worker, outcome)),
        };
    }

    private static CanonicalJson Sealed(Execution run, CanonicalJson metadata) => run.Planned.Ancestry?.Replay is { } replay ? replay.Sealed(metadata) : metadata;

    private static string? TraceParentOf(Activity? activity) => activity is { IdFormat: ActivityIdFormat.W3C } ? activity.Id : null;

    [LoggerMessage(Level = LogLevel.Information, Message = "run {Run} is let go of")]
    private static partial void LogLetGo(ILogger logger, string run);

    [LoggerMessage(Level = LogLevel.Information, Message = "run {Run} waits for approval {Approval}")]
    private static partial void LogWaits(ILogger logger, string run, string approval);

    [LoggerMessage(Level = LogLevel.Warning, Message = "run {Run} was stopped with the process")]
    private static partial void LogStopped(ILogger logger, string run);

    [LoggerMessage(Level = LogLevel.Error, Message = "run {Run} fails: its evidence could not be written")]
    private static partial void LogLost(ILogger logger, string run, Exception failed);

    [LoggerMessage(Level = LogLevel.Error, Message = "run {Run} fails: the engine itself threw")]
    private static partial void LogEscaped(ILogger logger, string run, Exception escaped);

    /// <summary>What an attempt means: whether it is tried again, and how the run ends by it; null where the plan goes on.</summary>
    private sealed record AttemptEnd(bool Again, RunOutcome? Outcome);

    /// <summary>Where the execution of one run stands.</summary>
    private sealed class Execution(PlannedRun planned, ResumePoint from, RunControl control, DateTimeOffset startedAt, long began)
    {
        public PlannedRun Planned { get; } = planned;

        public Plan Plan => Planned.Plan;

        public ResumePoint From { get; } = from;

        public RunControl Control { get; } = control;

        public DateTimeOffset StartedAt { get; } = startedAt;

        public long Began { get; } = began;

        /// <summary>What other processes spent on it, and the time until this one went on.</summary>
        public TimeSpan Before { get; } =
            from.Session is not null && planned.Run.StartedAt is { } first && first < startedAt ? startedAt - first : TimeSpan.Zero;

        public Dictionary<string, CanonicalJson?> Outcomes { get; } = new(from.Outcomes, StringComparer.Ordinal);

        /// <summary>What decides of its attempts; there before its trace is.</summary>
        public IRunGate Gate { get; set; } = null!;

        /// <summary>What its trace pinned of skills that may change.</summary>
        public IReadOnlyDictionary<string, CanonicalJson> Pins { get; set; } = from.Pins;

        /// <summary>Who asks people about its attempts; null where nobody can be asked.</summary>
        public RunApprovals? Approvals { get; set; }

        public int PlanIndex { get; set; } = from.PlanIndex;

        /// <summary>Attempts of the next step before this execution.</summary>
        public int FirstAttempt { get; set; } = from.Attempt;

        /// <summary>Whether the next attempt repeats one that a crash hid.</summary>
        public bool IsResumed { get; set; }

        public int FailedSteps { get; set; } = from.FailedSteps;

        /// <summary>Steps that the recorder has acknowledged.</summary>
        public int Recorded { get; set; } = from.Session?.NextIndex ?? 0;

        /// <summary>The step that was executed and not acknowledged yet.</summary>
        public StepRecording? Pending { get; set; }
    }
}
