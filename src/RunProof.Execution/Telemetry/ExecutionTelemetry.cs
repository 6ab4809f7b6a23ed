using System.Diagnostics;
using System.Diagnostics.Metrics;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution;

/// <summary>
/// Spans and metrics of runs, by OpenTelemetry's conventions for generative AI (<c>invoke_agent</c>, <c>execute_tool</c>) with
/// <c>runproof.*</c> attributes that lead from a span to its evidence. Nothing of a payload is ever put into a span.
/// </summary>
public static class ExecutionTelemetry
{
    /// <summary>The name of the activity source and of the meter.</summary>
    public const string Name = "RunProof.Execution";

    private static readonly ActivitySource Source = new(Name);
    private static readonly Meter Meter = new(Name);
    private static readonly Counter<long> Runs = Meter.CreateCounter<long>("runproof.runs", "{run}", "Runs that ended, by status.");
    private static readonly Histogram<double> StepDuration = Meter.CreateHistogram<double>("runproof.step.duration", "s", "Attempts of steps, by skill and status.");
    private static readonly UpDownCounter<long> Queued = Meter.CreateUpDownCounter<long>("runproof.queue.depth", "{run}", "Runs that wait in this process.");
    private static readonly Counter<long> Recovered = Meter.CreateCounter<long>("runproof.runs.recovered", "{run}", "Runs taken over from a process that died.");

    private static readonly UpDownCounter<long> AwaitingLog = Meter.CreateUpDownCounter<long>("runproof.runs.awaiting_log", "{run}", "Runs that wait until their trace's opening is in the log.");
    private static readonly Histogram<double> Opening = Meter.CreateHistogram<double>(
        "runproof.log_opening.duration", "s", "How long runs waited for their trace's opening to be in the log, and whether it was.");

    internal static Activity? StartRun(PlannedRun planned)
    {
        ActivityContext.TryParse(planned.Run.TraceParent, null, isRemote: true, out var parent);
        var name = "invoke_agent " + planned.AgentName;
        var activity = Source.StartActivity(name, ActivityKind.Internal, parent) ?? Unseen(name, parent);
        activity?.SetTag("gen_ai.operation.name", "invoke_agent");
        activity?.SetTag("gen_ai.agent.id", planned.Run.AgentId.Value);
        activity?.SetTag("gen_ai.agent.name", planned.AgentName);
        activity?.SetTag("gen_ai.conversation.id", planned.Run.CorrelationId.Value);
        activity?.SetTag("runproof.tenant.id", planned.Run.TenantId.Value);
        activity?.SetTag("runproof.run.id", planned.Run.Id.Value);
        activity?.SetTag("runproof.trace.id", TraceId.Of(planned.Run.Id, planned.Run.Attempts).Value);
        activity?.SetTag("runproof.planner", planned.Run.Planner);
        return activity;
    }

    internal static Activity? StartStep(StepCall call)
    {
        var name = "execute_tool " + call.Step.Skill;
        var activity = Source.StartActivity(name, ActivityKind.Internal) ?? Unseen(name, Activity.Current?.Context ?? default);
        activity?.SetTag("gen_ai.operation.name", "execute_tool");
        activity?.SetTag("gen_ai.tool.name", call.Step.Skill);
        activity?.SetTag("gen_ai.tool.type", "function");
        activity?.SetTag("gen_ai.tool.call.id", call.IdempotencyKey);
        activity?.SetTag("runproof.run.id", call.Run.Id.Value);
        activity?.SetTag("runproof.step.index", call.StepIndex);
        activity?.SetTag("runproof.plan.index", call.PlanIndex);
        activity?.SetTag("runproof.attempt", call.Attempt);
        return activity;
    }

    /// <summary>Where no one looks at our spans: a caller's context still goes on, into the evidence and to whoever a step calls. Null without a caller.</summary>
    private static Activity? Unseen(string name, ActivityContext parent) =>
        parent == default ? null : new Activity(name).SetParentId(parent.TraceId, parent.SpanId, parent.TraceFlags).Start();

    internal static void StepLinked(Activity? activity, Digest link) => activity?.SetTag("runproof.step.link", link.ToString());

    internal static void StepEnded(Activity? activity, StepRecording step)
    {
        StepDuration.Record(step.DurationMs / 1000, new("gen_ai.tool.name", step.SkillName), new("runproof.status", Wire.Name(step.Status)));
        activity?.SetTag("runproof.status", Wire.Name(step.Status));
        if (step.OutcomeCode is not { } code)
            return;
        activity?.SetTag("error.type", code);
        activity?.SetStatus(ActivityStatusCode.Error, code);
    }

    internal static void RunEnded(Activity? activity, RunStatus status, string? errorCode)
    {
        activity?.SetTag("runproof.status", RunWords.Of(status));
        if (errorCode is null)
            return;
        activity?.SetTag("error.type", errorCode);
        activity?.SetStatus(ActivityStatusCode.Error, errorCode);
    }

    internal static void RunFinished(RunStatus status) => Runs.Add(1, new KeyValuePair<string, object?>("runproof.status", RunWords.Of(status)));

    internal static void RunRecovered() => Recovered.Add(1);

    internal static void AwaitingLogChanged(int by) => AwaitingLog.Add(by);

    internal static void OpeningAwaited(TimeSpan duration, bool opened) => Opening.Record(duration.TotalSeconds, new KeyValuePair<string, object?>("runproof.log.opened", opened));

    internal static void QueueChanged(int by) => Queued.Add(by);
}

/// <summary>The words for a run's status.</summary>
public static class RunWords
{
    private static readonly string[] Names = ["queued", "running", "succeeded", "failed", "aborted", "paused", "cancelled", "waiting"];

    /// <summary>The word for a status.</summary>
    /// <param name="status">The status.</param>
    /// <returns>Lower case.</returns>
    public static string Of(RunStatus status) => Names[(int)status];

    /// <summary>All words, in the order of a run's life.</summary>
    public static IReadOnlyList<string> All => Names;

    /// <summary>Reads a word.</summary>
    /// <param name="word">Any text or null.</param>
    /// <param name="status">The status, where it is one.</param>
    /// <returns>Whether it is.</returns>
    public static bool TryParse(string? word, out RunStatus status)
    {
        var index = Array.IndexOf(Names, word);
        status = (RunStatus)Math.Max(index, 0);
        return index >= 0;
    }
}
