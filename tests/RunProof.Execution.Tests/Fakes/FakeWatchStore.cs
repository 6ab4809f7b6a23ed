using System.Text.Json.Nodes;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution.Tests;

/// <summary>What is new of watched runs, from the fakes, by the contract of <see cref="IRunWatchStore"/>.</summary>
internal sealed class FakeWatchStore(FakeRunStore runs, FakeRecorder recorder) : IRunWatchStore
{
    private int _asked;

    /// <summary>Times that it was asked.</summary>
    public int Asked => _asked;

    /// <summary>Thrown at the next question.</summary>
    public Exception? Throw { get; set; }

    public Task<IReadOnlyList<RunLook>> LookAsync(IReadOnlyList<RunQuestion> questions, int limit, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _asked);
        if (Throw is { } error)
        {
            Throw = null;
            throw error;
        }

        return Task.FromResult<IReadOnlyList<RunLook>>([.. questions.Select((question, at) => Look(question, at, limit)).OfType<RunLook>()]);
    }

    private RunLook? Look(RunQuestion question, int at, int limit)
    {
        var run = runs.All.Single(one => one.TenantId == question.TenantId && one.Id == question.RunId);
        var trace = recorder.Traces.GetValueOrDefault(TraceId.Of(run.Id, question.Attempt).Value);
        var (status, hasEnded) = (RunWords.Of(run.Status), run.HasEnded);

        // Read once, as of one moment, as a statement would: the run goes on meanwhile.
        var closing = trace?.Closing;
        var traceStatus = trace is null ? null : closing is null ? "running" : closing.Status.ToString().ToLowerInvariant();
        var seen = $"{status} {run.Attempts} {traceStatus}";
        var steps = trace is null ? [] : trace.Steps.ToArray().Select(Step).Skip(question.After).Take(limit).ToList();
        return steps.Count == 0 && seen == question.Seen ? null : new RunLook
        {
            Question = at, Seen = seen, Status = status, HasEnded = hasEnded, Attempts = run.Attempts, TraceStatus = traceStatus,
            ChainLength = closing is null ? null : trace!.Steps.Count, RootHash = closing is null ? null : Digest.Of([7]), Steps = steps,
        };
    }

    private static WatchedStep Step(StepRecording step, int index) =>
        new(index, PlanStepOf(step), step.SkillName, step.Status.ToString().ToLowerInvariant(), step.RetryCount, step.Timestamp, step.DurationMs);

    private static string? PlanStepOf(StepRecording step) =>
        step.Context is { } context && JsonNode.Parse(context.ToString()) is JsonObject members ? (string?)members["plan_step"] : null;
}
