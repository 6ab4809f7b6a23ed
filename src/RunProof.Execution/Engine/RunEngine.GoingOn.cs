using RunProof.Format;
using RunProof.Ledger;
using RunProof.Skills;

namespace RunProof.Execution;

/// <summary>How a run goes on that another process began.</summary>
internal sealed partial class RunEngine
{
    private static readonly SkillFailure Unknown = new("interrupted", "the process died while the step was under way; what it did is not known");

    // Completed steps are never repeated. Of those that had begun, the idempotent ones are executed again, under the same key; what any other did is hidden, and the plan
    // says what that means.
    private async Task GoOnAsync(RunExecution run, IRunGate runGate)
    {
        Rebuild(run);
        if (!run.From.IsBetweenSteps)
            Find(run);
        if (run.End is null && !await IsOpeningLoggedAsync(run))
            return;
        var hidden = run.Flights.Values.Where(flight => flight.Repeats && !IsRepeatable(run, flight)).ToList();
        for (var i = 0; i < hidden.Count; i++)
            await InterruptAsync(run, hidden[i], runGate, isLast: i == hidden.Count - 1);
        if (run.End is not null)
            return;
        if (run.Flights.Count == 0)
            Grow(run);
        if (run.End is null)
            TakeReady(run);
        // Nothing begins that the trace's head does not name; mostly the last step that was recorded announced the very same.
        if (!SameSteps(run.Intents(), run.Announced))
            await AnnounceAsync(run);
    }

    // What is recorded happens again, without being executed; a plan that grew grows again.
    private static void Rebuild(RunExecution run)
    {
        foreach (var step in run.From.Steps)
        {
            if (step.PlanIndex >= run.Schedule.Count)
                Grow(run);
            if (step.PlanIndex < run.Schedule.Count)
                Repeat(run, step);
            run.FailedSteps += step.Status is StepStatus.Succeeded or StepStatus.Skipped or StepStatus.Retrying ? 0 : 1;
        }
    }

    private static void Repeat(RunExecution run, EarlierStep recorded)
    {
        var step = run.Schedule[recorded.PlanIndex];
        if (recorded.Status is StepStatus.Retrying)
        {
            run.Schedule.Attempted(recorded.PlanIndex, recorded.Attempt + 1);
            return;
        }

        if (FellBack(step, recorded))
        {
            run.Schedule.FallBack(recorded.PlanIndex, recorded.Attempt + 1);
            return;
        }

        run.Schedule.End(recorded.PlanIndex, new StepEnd(recorded.Status, recorded.Outcome, recorded.Failure, !recorded.OutcomeIsChanged));
        if (recorded.Failure is not { } failure || (recorded.Status is StepStatus.Blocked ? recorded.RunGoesOn : step.OnError is OnError.Continue))
            return;
        if (failure.Code is KillSwitch.Code)
            run.EndAs(Failed(step, failure) with { Status = RunStatus.Aborted });
        else
            run.EndWith(recorded.PlanIndex, recorded.Attempt, recorded.Status is StepStatus.Interrupted ? Died(step) : Failed(step, failure));
    }

    // Its fallback was due, or is: whether that is over a later step of the record says.
    private static bool FellBack(PlannedStep step, EarlierStep recorded) =>
        step.Fallback is not null && recorded is { IsFallback: false, IsUnguarded: false, Failure: { Code: not KillSwitch.Code } }
        && (recorded.Status is not StepStatus.Blocked || recorded.RunGoesOn);

    private void Find(RunExecution run)
    {
        foreach (var intent in run.Session.InFlight)
        {
            // Steps that were announced, and of which none is recorded yet.
            if (intent.PlanIndex >= run.Schedule.Count)
                Grow(run);
            if (intent.PlanIndex >= run.Schedule.Count)
            {
                run.EndAs(TraceRecovery.Died("the process that executed the run died, and how its plan had grown is not known here"));
                continue;
            }

            run.Schedule.Take(intent.PlanIndex);
            var isFallback = run.Schedule.FallbackFrom(intent.PlanIndex) is not null;
            run.Launch(Looked(run, intent, isAnnounced: true, repeats: run.Approvals?.HasNotBegun(intent, isFallback) is not true));
        }
    }

    private bool IsRepeatable(RunExecution run, Flight flight) =>
        run.End is null && (run.Replay?.ExecutesNothing(flight.Intent.PlanIndex, flight.Intent.Attempt) is true || interruptions.MayRepeat(
            StepOf(run, flight), run.Schedule.OutcomesFor(flight.Intent.PlanIndex), run.Schedule.UnknowableFor(flight.Intent.PlanIndex)));

    // A step that had begun and that nobody executes again.
    private async Task InterruptAsync(RunExecution run, Flight flight, IRunGate runGate, bool isLast = false)
    {
        var index = flight.Intent.PlanIndex;
        var step = run.Schedule[index];
        var recording = flight.Left ?? Interrupted(run, flight, runGate);
        run.Land(flight);
        if (FallsBack(run, flight))
        {
            run.Schedule.FallBack(index, flight.Intent.Attempt + 1);
        }
        else
        {
            run.Schedule.End(index, new StepEnd(StepStatus.Interrupted, null, Unknown));
            if (step.OnError is not OnError.Continue)
                run.EndWith(index, flight.Intent.Attempt, Died(step));
        }

        if (isLast)
            WhatFollows(run);
        await RecordAsync(run, recording, null);
    }

    private StepRecording Interrupted(RunExecution run, Flight flight, IRunGate runGate, SkillFailure? known = null)
    {
        var index = flight.Intent.PlanIndex;
        var recording = interruptions.Of(
            run.Planned.Run, StepOf(run, flight), flight.Intent, flight.IsFallback, run.Schedule.OutcomesFor(index), run.Schedule.UnknowableFor(index), runGate, known);
        return recording with { Context = EvidenceContext.With(recording.Context!, EvidenceContext.OfWay(flight)) };
    }

    private static RunOutcome Died(PlannedStep step) => TraceRecovery.Died($"the process that executed the run died while step \"{step.Id}\" was under way");

    private static bool SameSteps(StepIntents one, StepIntents other) =>
        one.Select(intent => (intent.PlanIndex, intent.Attempt)).SequenceEqual(other.Select(intent => (intent.PlanIndex, intent.Attempt)));
}
