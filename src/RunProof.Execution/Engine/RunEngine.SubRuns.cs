using RunProof.Ledger;

namespace RunProof.Execution;

/// <summary>What becomes of sub-runs whose run ends before them.</summary>
internal sealed partial class RunEngine
{
    // The steps that waited for them are recorded, each with how its sub-run stands. A step between two attempts waits for none.
    private async Task EndSubRunsAsync(RunExecution run, IRunGate runGate)
    {
        bool IsOpen(int index) => index < run.Schedule.Count && SubPlans.IsAskedForBy(run.Schedule[index]) && run.Schedule.EndOf(run.Schedule[index].Id) is null;
        if (run.Schedule.IsOver || !Enumerable.Range(0, run.Schedule.Count).Any(IsOpen))
            return;
        var ended = await subRuns.EndAsync(run.Planned.Run, (index, attempt) => IsOpen(index) && attempt >= run.Schedule.AttemptsOf(index)
            && (!run.Flights.TryGetValue(index, out var flight) || flight.Intent.Attempt == attempt));
        foreach (var left in ended)
        {
            var waited = new Flight(left.Intent) { IsFallback = left.Intent.Attempt >= run.Schedule.FallbackFrom(left.Intent.PlanIndex) };
            var recording = Interrupted(run, waited, runGate, left.Failure) with { Outcome = left.Outcome };
            run.Land(waited);
            await RecordAsync(run, recording, null);
        }
    }
}
