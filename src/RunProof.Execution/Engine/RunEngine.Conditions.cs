using RunProof.Format;
using RunProof.Ledger;
using RunProof.Skills;

namespace RunProof.Execution;

/// <summary>Steps that may begin, and whose condition says whether they do.</summary>
internal sealed partial class RunEngine
{
    // Looked at before the step is announced: what the trace's head names is to be executed, and what is not costs a record, no more. The result depends on recorded outcomes
    // alone, so whoever goes on with the run finds the same.
    private Flight Looked(RunExecution run, StepIntent intent, bool isAnnounced, bool repeats)
    {
        var index = intent.PlanIndex;
        if (run.Schedule.FallbackFrom(index) is not null)
            return new Flight(intent) { IsFallback = true, Repeats = repeats };
        var known = isAnnounced || intent.Attempt > 0;
        ConditionResult? looked = null;
        if (run.Schedule[index].Condition is { } condition)
        {
            looked = ConditionEvaluation.Of(condition, run.Schedule, redactor);
            if (known)
                looked = ConditionEvaluation.KnownTrue(condition, looked);
            // What only the origin's process knew cannot be looked at again: what came of it then stands.
            if (looked.Failure is { Code: "redacted_reference" } && run.Replay?.WasExecuted(index, intent.Attempt) is { } then)
                looked = ConditionEvaluation.AsRecorded(condition, then);
            if (!looked.IsTrue)
                return new Flight(intent) { Condition = looked, PassedOver = new PassedOver(looked.Failure, looked.Through) };
        }

        return !known && run.Schedule.SkippedFor(index) is { } skipped
            ? new Flight(intent) { Condition = looked, PassedOver = new PassedOver(null, skipped) }
            : new Flight(intent) { Condition = looked, Repeats = repeats };
    }

    // Over without being executed: skipped, or failed because its condition cannot be evaluated. Then its fallback is not executed either: the condition stands before both.
    private async Task<IReadOnlyList<Flight>> PassOverAsync(RunExecution run, Flight flight, PassedOver passed)
    {
        var call = CallOf(run, flight);
        var step = call.Step;
        skills.TryFind(step.Skill, out var skill);
        var status = passed.Failure is null ? StepStatus.Skipped : StepStatus.Failed;
        var decision = await run.Gate.UndecidedAsync(new StepAction(step.Skill, step.Parameters), WhyNot(passed));
        var result = new AttemptResult(skill, step.Parameters, null, passed.Failure, false, clock.GetUtcNow(), 0, 0, decision, 0);
        var recording = Recording(call, result, status, flight, activity: null);
        run.Land(flight);
        run.Schedule.End(call.PlanIndex, new StepEnd(status, null, AsRecorded(passed.Failure)));
        if (passed.Failure is { } failure && step.OnError is not OnError.Continue)
            run.EndWith(call.PlanIndex, call.Attempt, Failed(step, failure));
        var next = WhatFollows(run);
        await RecordAsync(run, recording, null);
        return next;
    }

    private static string WhyNot(PassedOver passed) => passed switch
    {
        { Failure: not null } => "nothing was executed: the step's condition cannot be evaluated",
        { Through: { } step } => $"nothing was executed: the step needs the outcome of step \"{step}\", which was skipped",
        _ => "nothing was executed: the step's condition is false",
    };
}
