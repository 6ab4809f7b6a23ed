using System.Diagnostics;
using System.Runtime.ExceptionServices;
using Microsoft.Extensions.Logging;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Skills;

namespace RunProof.Execution;

/// <summary>
/// Executes a run: opens its trace before the first step, records every attempt as a step of its own, and seals. No skill is executed before its trace durably says that it
/// is about to be; no step begins before those that it depends on are durably recorded. Steps that do not depend on each other are under way at once; they are recorded one
/// after the other, as they end.
/// </summary>
internal sealed partial class RunEngine(
    EvidenceWriter evidence, LogOpenings openings, StepExecutor executor, IStepGate gate, Approvals approvals, SubRuns subRuns, Interruptions interruptions, SkillRegistry skills, IEnumerable<IPlanner> planners, IRedactor redactor,
    ExecutionOptions options, TimeProvider clock, ILogger<RunEngine> logger)
{
    private static readonly SkillFailure Cancelled = new("cancelled", "the run was cancelled while the step was under way; what it did is not known");

    private static readonly TimeSpan LongestPause = TimeSpan.FromHours(1);

    private readonly Dictionary<string, IPlanner> _planners = planners.ToDictionary(planner => planner.Name, StringComparer.Ordinal);
    private readonly Dictionary<string, IGrowingPlanner> _growing = planners.OfType<IGrowingPlanner>().ToDictionary(planner => planner.Name, StringComparer.Ordinal);

    /// <summary>Executes a run to its end.</summary>
    /// <param name="planned">The run and its plan as it was before redaction.</param>
    /// <param name="from">Where it goes on; null for a run that begins.</param>
    /// <param name="control">What is wanted of it meanwhile.</param>
    /// <returns>How it ended or was let go of, and what evidence is missing still. Never throws for anything that a skill or the store does.</returns>
    public async Task<RunOutcome> ExecuteAsync(PlannedRun planned, ResumePoint? from, RunControl control)
    {
        using var activity = ExecutionTelemetry.StartRun(planned);
        using var run = new RunExecution(
            planned, _growing.GetValueOrDefault(planned.Run.Planner), from ?? ResumePoint.Beginning, control, clock.GetUtcNow(), clock.GetTimestamp());
        RunOutcome outcome;
        try
        {
            outcome = await ExecuteAsync(run, activity);
        }
        catch (RecordingException failed)
        {
            outcome = Lost(run, failed);
        }
        catch (Exception escaped)
        {
            LogEscaped(logger, planned.Run.Id.Value, escaped);
            outcome = Unwritten(run, "engine_error", $"{escaped.GetType().Name}: {escaped.Message}");
        }

        ExecutionTelemetry.RunEnded(activity, outcome.Status, outcome.ErrorCode);
        return outcome;
    }

    private async Task<RunOutcome> ExecuteAsync(RunExecution run, Activity? activity)
    {
        // 1. The trace is open, with the first steps announced, before anything is executed. Evidence is written even while the process
        //    stops: only reading and waiting are given up, so these writes take no token.
        var runGate = await gate.BeginAsync(Governed(run), CancellationToken.None);
        run.Gate = new GateTurns(runGate);
        run.Approvals = await approvals.OfAsync(run.Planned.Run, run.Now);
        if (run.From.End is { } before)
            run.EndAs(before);
        foreach (var (index, inherited) in run.From.Inherited)
            run.Schedule.End(index, inherited);
        run.From.Inherited.Clear();
        if (run.From.Session is { } taken)
        {
            run.Session = taken;
            run.Announced = taken.InFlight;
            await GoOnAsync(run, runGate);
        }
        else
        {
            Grow(run);
            var plan = run.Schedule.Count == run.Planned.Plan.Steps.Count ? run.Planned.Plan
                : new Plan([.. Enumerable.Range(0, run.Schedule.Count).Select(index => run.Schedule[index])]);
            var awaits = run.Planned.Run.AwaitsLogOpening && run.End is null;
            if (run.End is null && !awaits)
                TakeReady(run);
            run.Session = await evidence.OpenAsync(Opening(run, plan, activity), CancellationToken.None);
            run.Announced = run.Intents();
            if (awaits && await IsOpeningLoggedAsync(run) && TakeReady(run).Count > 0)
                await AnnounceAsync(run);
        }

        // 2. The branches, each a step after the other. An attempt that will be tried again is a recorded step like any other.
        if (!run.IsHeld)
            await FlyAsync(run);
        if (run.Fault is { } fault)
            ExceptionDispatchInfo.Throw(fault);

        // 3. The seal, unless another process is to go on.
        var ended = run.End ?? (!run.IsHeld && run.Flights.Count == 0 && run.Schedule.IsOver ? new RunOutcome(RunStatus.Succeeded, null, null) : EndedBy(run));
        if (ended is null)
            return await LetGoAsync(run);
        foreach (var hidden in run.Flights.Values.Where(flight => flight.IsHidden).ToList())
            await InterruptAsync(run, hidden, runGate);
        await EndSubRunsAsync(run, runGate);
        return await SealAsync(run, ended);
    }

    private async Task FlyAsync(RunExecution run)
    {
        if (run.Flights.Count == 0)
            return;
        var first = run.Flights.Values.ToArray();
        run.Enter(first.Length);
        foreach (var other in first[1..])
            _ = Task.Run(() => BranchAsync(run, other), CancellationToken.None);
        await BranchAsync(run, first[0]);
        await run.Drained;
    }

    // A plan without branches is this loop.
    private async Task BranchAsync(RunExecution run, Flight flight)
    {
        try
        {
            for (IReadOnlyList<Flight> next = [flight]; next.Count > 0;)
            {
                run.Enter(next.Count - 1);
                for (var i = 1; i < next.Count; i++)
                {
                    var other = next[i];
                    _ = Task.Run(() => BranchAsync(run, other), CancellationToken.None);
                }

                next = await AttemptAsync(run, next[0]);
            }
        }
        catch (Exception fault)
        {
            run.Fail(fault);
        }
        finally
        {
            run.Leave();
        }
    }

    // What comes after it in this process: the next attempt, or the steps that may begin now.
    private async Task<IReadOnlyList<Flight>> AttemptAsync(RunExecution run, Flight flight)
    {
        if (!await IsDueAsync(run, flight))
            return [];
        StepCall call;
        IReadOnlyDictionary<string, CanonicalJson?> outcomes;
        IReadOnlySet<string>? unknowable;
        using (await run.TurnAsync())
        {
            if (MustNotBegin(run, flight))
                return [];
            if (flight.PassedOver is { } passed)
                return await PassOverAsync(run, flight, passed);
            flight.HasBegun = true;
            var index = flight.Intent.PlanIndex;
            call = CallOf(run, flight);
            (outcomes, unknowable) = (run.Schedule.OutcomesFor(index), run.Schedule.UnknowableFor(index));
        }

        using var activity = ExecutionTelemetry.StartStep(call);
        AttemptResult result;
        try
        {
            result = await ExecuteOnceAsync(run, call, outcomes, unknowable);
            // A run whose plan only this process knows waits here, and asks again.
            while (result.Waits is not null && run.Planned.Run.PlanRedacted)
            {
                await Task.Delay(options.ApprovalPoll, clock, run.Now);
                result = await ExecuteOnceAsync(run, call, outcomes, unknowable);
            }
        }
        catch (OperationCanceledException) when (run.Now.IsCancellationRequested)
        {
            // It was not decided yet: it never began.
            flight.HasBegun = false;
            return [];
        }

        if (result.Waits is null)
            await run.Gate.UsedAsync(result.CostCents, result.Tokens, call.AttemptId);
        using (await run.TurnAsync())
            return result.Waits is { } wait ? await ParkAsync(run, flight, wait) : await EndedAsync(run, flight, call, result, activity);
    }

    private static StepCall CallOf(RunExecution run, Flight flight)
    {
        var index = flight.Intent.PlanIndex;
        return new StepCall(run.Planned.Run, StepOf(run, flight), index, flight.Intent.Attempt, run.Session.NextIndex)
        {
            Pins = run.Pins, Approvals = run.Approvals, IsFallback = flight.IsFallback,
        };
    }

    private static PlannedStep StepOf(RunExecution run, Flight flight) =>
        flight.IsFallback ? run.Schedule[flight.Intent.PlanIndex].AsFallback() : run.Schedule[flight.Intent.PlanIndex];

    private ValueTask<AttemptResult> ExecuteOnceAsync(
        RunExecution run, StepCall call, IReadOnlyDictionary<string, CanonicalJson?> outcomes, IReadOnlySet<string>? unknowable) => run.Replay is { } replay
        ? replay.ExecuteAsync(executor, call, outcomes, unknowable, run.Gate, run.Now)
        : executor.ExecuteAsync(call, outcomes, unknowable, run.Gate, run.Now);

    // Nothing of the step has begun, and it stops no other: whoever goes on with the run asks again, and finds what people decided.
    private async Task<IReadOnlyList<Flight>> ParkAsync(RunExecution run, Flight flight, StepWait wait)
    {
        LogWaits(logger, run.Planned.Run.Id.Value, wait.On);
        flight.HasBegun = false;
        run.Land(flight);
        run.Parked.Add(wait);
        if (run.End is not null || run.Fault is not null || run.Control.IsLeaving || run.Control.IsPauseWished)
            return [];
        var next = TakeReady(run);
        if (next.Count > 0)
            await AnnounceAsync(run);
        return next;
    }

    private async Task AnnounceAsync(RunExecution run)
    {
        var intents = run.Intents();
        await evidence.AnnounceAsync(run.Session, intents, CancellationToken.None);
        run.Announced = intents;
    }

    private async Task<IReadOnlyList<Flight>> EndedAsync(RunExecution run, Flight flight, StepCall call, AttemptResult result, Activity? activity)
    {
        var (step, attempt, pauses) = (call.Step, call.Attempt, Backoff.Of(call.Step.Retry));
        if (run.Replay is { IsDry: true })
            pauses = [.. pauses.Select(static _ => TimeSpan.Zero)];
        if (result is { Interrupted: true, KilledBy: null } && run.Control.Cancel is not null)
            result = result with { Failure = Cancelled };
        // Whoever goes on with the run executes it again, as after a crash.
        if (result is { Interrupted: true, KilledBy: null, Skill: { } skill } && interruptions.MayRepeat(skill, result.Parameters) && run.Control.Cancel is null && run.Fault is null && !run.Planned.Run.PlanRedacted)
        {
            flight.Left = Recording(call, result, StepStatus.Interrupted, flight, activity);
            return [];
        }

        var tried = attempt - (run.Schedule.FallbackFrom(call.PlanIndex) ?? 0);
        var again = run.Replay?.MayTryAgain(call.PlanIndex, attempt) is not false && result is { Interrupted: false, IsBlocked: false, Failure: { } failure } && step.Retry?.Covers(EvidenceText.Code(failure.Code), failure.Retryable) is true && tried < pauses.Count && !run.Now.IsCancellationRequested && run.End is null;
        var goesOn = result.IsBlocked ? result.Decision.RunGoesOn : !result.Interrupted && (result.Failure is null || step.OnError == OnError.Continue);
        // Whatever the plan says of its steps' failures: a replay does not go on with a past that is another.
        goesOn &= run.Replay is null || result.Failure?.Code is not Replay.NotVerified;
        var status = StatusOf(result, again);
        var recording = Recording(call, result, status, flight, activity);
        run.Land(flight);
        IReadOnlyList<Flight> next = [];
        if (again)
        {
            next = TryAgain(run, flight, PauseBefore(result.Failure!, pauses[tried]));
        }
        else if (result is { Failure: not null, KilledBy: null } && (!result.IsBlocked || goesOn) && FallsBack(run, flight))
        {
            run.Schedule.FallBack(call.PlanIndex, attempt + 1);
            next = WhatFollows(run);
        }
        else
        {
            run.Schedule.End(call.PlanIndex, new StepEnd(status, result.Outcome, AsRecorded(result.Failure), result.OutcomeIsKnown) { HidesOutcome = result.Decision.OutcomeRedactions.Count > 0 });
            if (result.KilledBy is { } kill)
                run.EndAs(RunOutcome.KilledBy(kill));
            else if (!goesOn)
                run.EndWith(call.PlanIndex, attempt, result.Interrupted ? EndedBy(run) ?? Stopped(run) : Failed(step, result.Failure!));
            next = WhatFollows(run);
        }

        await RecordAsync(run, recording, activity);
        return next;
    }

    // Whether a step that failed for good has another way, and the run the time for it.
    private static bool FallsBack(RunExecution run, Flight flight) =>
        !flight.IsFallback && run.Schedule[flight.Intent.PlanIndex].Fallback is not null && run.End is null && run.Fault is null && run.Control.Cancel is null;

    // Of a replay whose origin ended before that attempt the step waits, as those do that the origin never came to.
    private IReadOnlyList<Flight> TryAgain(RunExecution run, Flight flight, TimeSpan pause)
    {
        var (index, attempt) = (flight.Intent.PlanIndex, flight.Intent.Attempt + 1);
        if (run.Replay?.Has(index, attempt) is not false)
            return [run.Launch(new Flight(new StepIntent(index, attempt, clock.GetUtcNow() + pause)) { Pause = pause, IsFallback = flight.IsFallback, Condition = flight.Condition })];
        run.Beyond.Enqueue((index, attempt));
        return WhatFollows(run);
    }

    // A service that asked to be left alone is, within reason.
    private static TimeSpan PauseBefore(SkillFailure failure, TimeSpan planned)
    {
        var asked = failure.RetryAfter is { } after && after < LongestPause ? after : failure.RetryAfter is null ? TimeSpan.Zero : LongestPause;
        return asked > planned ? asked : planned;
    }

    // What may begin once the step before it is recorded. Where the run is to be let go of, nothing is announced beside what is under way still: it could not be told from it.
    private IReadOnlyList<Flight> WhatFollows(RunExecution run)
    {
        var letGo = !run.Planned.Run.PlanRedacted && (run.Control.IsLeaving || run.Control.IsPauseWished);
        if (run.End is not null || run.Fault is not null || (run.Flights.Count > 0 && letGo))
            return [];
        if (run.Flights.Count == 0)
            Grow(run);
        return run.End is null ? TakeReady(run) : [];
    }

    private List<Flight> TakeReady(RunExecution run)
    {
        var taken = new List<Flight>();
        while (run.Flights.Count < options.MaxParallelSteps && run.TryTake(out var index, out var attempt))
            taken.Add(run.Launch(Looked(run, new StepIntent(index, attempt, clock.GetUtcNow()), isAnnounced: false, repeats: false)));
        if (run.Flights.Count == 0)
            run.EndAsOrigin();
        return taken;
    }

    // Where no step is left, a planner whose plan grows is asked for more.
    private static void Grow(RunExecution run)
    {
        if (!run.Schedule.IsOver || run.End is not null || run.Last is not null)
            return;
        var growth = run.Growth?.Grow(new RunHistory(run.Planned.Goal, run.Schedule.History()));
        // A replay takes the recorded growth where its planner cannot tell it any more.
        if (growth is null or PlanGrowth.Impossible && run.Replay?.GrowthAfter(run.Schedule.Count) is { Count: > 0 } recorded)
            growth = new PlanGrowth.More(recorded);
        switch (growth)
        {
            case PlanGrowth.More more when WrongWith(run, more.Steps) is { } wrong:
                run.EndAs(new RunOutcome(RunStatus.Failed, "invalid_plan", $"the planner \"{run.Planned.Run.Planner}\" went on with a plan that is not valid: {wrong}"));
                break;
            case PlanGrowth.More more:
                run.Schedule.Add(more.Steps);
                break;
            case PlanGrowth.Impossible impossible:
                run.EndAs(new RunOutcome(RunStatus.Failed, EvidenceText.Code(impossible.Code), impossible.Message));
                break;
        }
    }

    private static string? WrongWith(RunExecution run, IReadOnlyList<PlannedStep> steps)
    {
        if (steps.Count == 0)
            return "it has no step";
        if (run.Schedule.Count + steps.Count > Plan.MaxSteps)
            return $"a run has at most {Plan.MaxSteps} steps";
        var ids = new HashSet<string>(StringComparer.Ordinal);
        if (steps.FirstOrDefault(step => run.Schedule.Has(step.Id) || !ids.Add(step.Id)) is { } twice)
            return $"the id \"{twice.Id}\" is another step's already";
        return PlanGraph.WrongWith(steps, run.Schedule.Has);
    }

    // A pause between two attempts ends early where the run is to end or to be let go of.
    private async Task<bool> IsDueAsync(RunExecution run, Flight flight)
    {
        if (flight.Pause <= TimeSpan.Zero)
            return true;
        var giveUp = run.Planned.Run.PlanRedacted ? run.Now : run.Control.Waiting;
        await Task.Delay(flight.Pause, clock, giveUp).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return !giveUp.IsCancellationRequested;
    }

    // What is wanted is obeyed between steps, and between attempts of one. A run whose plan only this process knows cannot be let go of. A step whose first execution a
    // crash hid may be under way still: such a run is let go of, but not paused before.
    private static bool MustNotBegin(RunExecution run, Flight flight)
    {
        if (run.End is not null || run.Fault is not null || run.Control.Cancel is not null || run.Now.IsCancellationRequested)
            return true;
        if (run.Planned.Run.PlanRedacted)
            return false;
        var pause = run.Control.IsPauseWished && !flight.Repeats;
        run.IsLetGo |= run.Control.IsLeaving || pause;
        run.IsPaused |= pause;
        return run.Control.IsLeaving || pause;
    }

    // How a run ends that somebody wants ended; null where it is let go of.
    private RunOutcome? EndedBy(RunExecution run)
    {
        if (run.Control.Cancel is { } wish)
            return RunOutcome.CancelledBy(wish.CancelBy!, wish.CancelReason);
        return run.Planned.Run.PlanRedacted && run.Now.IsCancellationRequested ? Stopped(run) : null;
    }

    // What has not begun must not be taken for what has.
    private async Task<RunOutcome> LetGoAsync(RunExecution run)
    {
        if (!run.IsLetGo && !run.Control.IsLeaving && run.Flights.Count == 0 && run.Parked.Count > 0)
        {
            return RunOutcome.Released(new RunRelease(BetweenSteps: true, Pause: false, run.Parked.Min(wait => wait.Until))
            {
                Approvals = [.. run.Parked.Where(wait => wait.SubRun is null).Select(wait => wait.On)],
                SubRuns = [.. run.Parked.Select(wait => wait.SubRun).OfType<RunId>()], At = WireTime.Truncate(clock.GetUtcNow()),
            });
        }

        if (!run.IsLetGo && !run.Control.IsLeaving && !run.Now.IsCancellationRequested)
            throw new InvalidOperationException("no step of the plan can begin");
        var hidden = run.Flights.Values.Where(flight => flight.IsHidden).ToList();
        if (hidden.Count > 0 && hidden.Count < run.Flights.Count)
            await evidence.AnnounceAsync(run.Session, StepIntents.Of(hidden.Select(flight => flight.Intent)), CancellationToken.None);
        LogLetGo(logger, run.Planned.Run.Id.Value);
        var pause = run.IsPaused && hidden.Count == 0;
        return RunOutcome.Released(new RunRelease(hidden.Count == 0, pause, WireTime.Truncate(clock.GetUtcNow())));
    }

    // The step is in hand until the recorder has acknowledged it: whatever happens meanwhile, it is not lost.
    private async Task RecordAsync(RunExecution run, StepRecording recording, Activity? activity)
    {
        if (run.LogOpening is not null && run.Session.NextIndex == 0 && run.Pending.Count == 0)
            recording = recording with { LogOpening = run.LogOpening };
        run.Pending.Add(recording);
        try
        {
            if (run.Fault is not null)
                return;
            if (run.Replay is { } replay)
                recording = await replay.ComparedAsync(recording, run.Session.NextIndex);
            run.Pending[^1] = recording;
            run.Recorded = run.Session.NextIndex;
            var intents = run.Intents();
            var link = await evidence.AppendAsync(run.Session, recording, intents, CancellationToken.None);
            run.Announced = intents;
            ExecutionTelemetry.StepLinked(activity, link);
            run.Pending.Clear();
            run.Recorded = run.Session.NextIndex;
            run.FailedSteps += IsFailed(recording) ? 1 : 0;
        }
        catch (Exception failed)
        {
            run.Fail(failed);
            throw;
        }
        finally
        {
            ExecutionTelemetry.StepEnded(activity, recording);
        }
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

    // As a process that goes on with the run would read it.
    private static SkillFailure? AsRecorded(SkillFailure? failure) =>
        failure is null ? null : new SkillFailure(EvidenceText.Code(failure.Code), EvidenceText.Message(failure.Message));

    private async Task<RunOutcome> SealAsync(RunExecution run, RunOutcome outcome)
    {
        var closing = Closing(run, outcome);
        try
        {
            await evidence.SealAsync(run.Session, closing, CancellationToken.None);
            return outcome;
        }
        catch (RecordingException failed) when (failed.IsTransient)
        {
            // Every step is recorded; only the seal waits for the store. The run ends as it went, once the seal is written.
            return outcome with { Unsettled = new Unsettled([], 0, closing) };
        }
    }

    private RunOutcome Stopped(RunExecution run)
    {
        LogStopped(logger, run.Planned.Run.Id.Value);
        return new RunOutcome(RunStatus.Aborted, "stopped", "the process that executed the run was stopped");
    }

    private RunOutcome Lost(RunExecution run, RecordingException failed)
    {
        LogLost(logger, run.Planned.Run.Id.Value, failed);
        return failed.Failure is RecordingFailure.Fenced
            ? new RunOutcome(RunStatus.Failed, "fenced", "another process took the run's trace over")
            : Unwritten(run, CodeOf(failed.Failure), $"evidence could not be written: {failed.Message}");
    }

    private RunOutcome Unwritten(RunExecution run, string code, string message)
    {
        var outcome = new RunOutcome(RunStatus.Failed, code, message);
        var index = run.Recorded;
        run.FailedSteps += run.Pending.Count(IsFailed);
        run.Recorded += run.Pending.Count;
        return outcome with { Unsettled = new Unsettled([.. run.Pending], index, Closing(run, outcome)) };
    }

    private static string CodeOf(RecordingFailure failure) => failure switch
    {
        RecordingFailure.Conflict or RecordingFailure.Sealed => "evidence_conflict",
        RecordingFailure.Refused => "evidence_refused",
        _ => "evidence_unavailable",
    };

    private TraceOpening Opening(RunExecution run, Plan plan, Activity? activity)
    {
        var stored = run.Planned.Run;
        var context = EvidenceContext.OfTrace(
            run.Planned.AgentName, options.Worker, options.Version, skills, run.Gate.Policies, TraceParentOf(activity) ?? stored.TraceParent, stored.Budget).WithSchedule(stored.IdempotencyKey).WithParent(stored.Parent);
        if (_planners.TryGetValue(stored.Planner, out var planner) && planner.Describe(run.Planned.Goal, plan) is { } plannedBy)
            context = context.With("planned_by", plannedBy);
        if (stored.AwaitsLogOpening)
            context = context.With("await_log_opening", CanonicalJson.FromCanonicalBytes("true"u8.ToArray()));
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
            Plan = plan.ToCanonicalJson(),
            PlanRedactions = run.Planned.PlanRedactions,
            Context = EvidenceContext.With(run.Planned.Ancestry is { } ancestry ? context.With(ancestry.Member, ancestry.Named) : context, run.Pins),
            FirstSteps = run.Intents(),
        };
    }

    private StepRecording Recording(StepCall call, AttemptResult result, StepStatus status, Flight flight, Activity? activity) => new()
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
            EvidenceContext.With(
                EvidenceContext.OfStep(call.Step.Id, call.PlanIndex, call.Attempt, options.Worker, TraceParentOf(activity), result.Failure, note: null, flight.Repeats, result.Tokens, result.Usage),
                EvidenceContext.OfWay(flight)),
            result.Evidence)),
    };

    private static CanonicalJson Varying(AttemptResult result, CanonicalJson context) =>
        result.Varies.Count == 0 ? context : context.With("varies", OriginTrace.Array(result.Varies.Select(EvidenceContext.OfText)));

    private GovernedRun Governed(RunExecution run) => new()
    {
        TenantId = run.Planned.Run.TenantId, AgentId = run.Planned.Run.AgentId, Planner = run.Planned.Run.Planner, RunId = run.Planned.Run.Id,
        Worker = options.Worker, Attempt = run.Planned.Run.Attempts, Budget = run.Planned.Run.Budget,
        StartedAt = run.StartedAt - run.Before, Earlier = run.From.Session is null ? null : run.From.Earlier,
    };

    private TraceClosing Closing(RunExecution run, RunOutcome outcome)
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

    private static CanonicalJson Sealed(RunExecution run, CanonicalJson metadata) => run.Replay is { } replay ? replay.Sealed(metadata) : metadata;

    private static string? TraceParentOf(Activity? activity) => activity is { IdFormat: ActivityIdFormat.W3C } ? activity.Id : null;

    [LoggerMessage(Level = LogLevel.Information, Message = "run {Run} is let go of")]
    private static partial void LogLetGo(ILogger logger, string run);

    [LoggerMessage(Level = LogLevel.Information, Message = "run {Run} waits for {On}")]
    private static partial void LogWaits(ILogger logger, string run, string on);

    [LoggerMessage(Level = LogLevel.Warning, Message = "run {Run} was stopped with the process")]
    private static partial void LogStopped(ILogger logger, string run);

    [LoggerMessage(Level = LogLevel.Error, Message = "run {Run} fails: its evidence could not be written")]
    private static partial void LogLost(ILogger logger, string run, Exception failed);

    [LoggerMessage(Level = LogLevel.Error, Message = "run {Run} fails: the engine itself threw")]
    private static partial void LogEscaped(ILogger logger, string run, Exception escaped);
}
