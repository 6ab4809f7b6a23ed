using RunProof.Format;
using RunProof.Ledger;
using RunProof.Skills;
using RunProof.Verification;

namespace RunProof.Execution;

/// <summary>What a run that comes from another one has of it, once that one was recomputed.</summary>
/// <param name="Member">The member of the header's context that names the origin: <c>replay_of</c> or <c>fork_of</c>.</param>
/// <param name="Named">What it says.</param>
/// <param name="Replay">Executes the steps of a replay; null for a fork.</param>
internal sealed record Ancestry(string Member, CanonicalJson Named, Replay? Replay);

/// <summary>Recomputes the origins of replays and forks before anything of them is executed.</summary>
internal sealed class Origins(IReplayStore store, Persistence persistence, PlanParser parser, SkillRegistry skills, ExecutionOptions options, TimeProvider clock)
{
    /// <summary>Prepares a run that comes from another one. The same call later does the same.</summary>
    /// <param name="planned">The run, claimed by this process.</param>
    /// <param name="from">Where it goes on; null for a run that begins.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The run with what it has of its origin, and where it begins: with its end, where the origin cannot be relied on.</returns>
    public async Task<(PlannedRun Planned, ResumePoint From)> PrepareAsync(PlannedRun planned, ResumePoint? from, CancellationToken cancellationToken)
    {
        var (run, named) = (planned.Run, planned.Run.Origin!);
        var point = from ?? ResumePoint.Beginning;
        var pages = new OriginPages(store, persistence, run, options.Worker);
        var (origin, problem) = await OriginTrace.VerifyAsync(pages, run, Needed(planned.Plan, named.From), cancellationToken);
        if (origin is null)
            return Refuse(planned, point, $"the origin, trace {named.Trace}, {problem}");
        if (named.Mode is not null && !HasPlanOf(origin, planned.Plan))
            return Refuse(planned, point, $"the origin's stored plan is not the one that trace {named.Trace} is committed to");

        var replay = named.Mode is { } mode ? new Replay(origin, named.From, planned.Plan.Steps.Count, mode, run.Id, skills, clock) : null;
        if (point.Session is not null)
            replay?.Recount(point.Earlier);
        var member = replay is not null ? OriginTrace.ReplayOf(named, origin.Root) : OriginTrace.ForkOf(named, origin.Shared);
        return (planned with { Ancestry = new Ancestry(replay is null ? "fork_of" : "replay_of", member, replay) }, point with { Inherited = origin.Before(named.From) });
    }

    // Of the steps before the first the outcomes that some step of this run refers to.
    private static Func<int, bool> Needed(Plan plan, int from)
    {
        var ids = plan.Steps.Skip(from).SelectMany(StepReferences.Of).ToHashSet(StringComparer.Ordinal);
        return index => index < plan.Steps.Count && ids.Contains(plan.Steps[index].Id);
    }

    // The reader of this build may write defaults out that an older one did not know: plans are compared as this build reads them.
    private bool HasPlanOf(OriginTrace trace, Plan plan)
    {
        if (trace.Trace.Plan.Text is not { } text)
            return false;
        using var document = System.Text.Json.JsonDocument.Parse(text, ReferenceResolver.Deep);
        return parser.Parse(document.RootElement, "plan").Plan is { } recorded && recorded.ToCanonicalJson().Equals(plan.ToCanonicalJson());
    }

    // The refusal is evidence: the trace opens, names what it was to come from, and ends.
    private static (PlannedRun, ResumePoint) Refuse(PlannedRun planned, ResumePoint point, string message)
    {
        var origin = planned.Run.Origin!;
        var ancestry = origin.Mode is null
            ? new Ancestry("fork_of", OriginTrace.ForkOf(origin, null), null)
            : new Ancestry("replay_of", OriginTrace.ReplayOf(origin, null), null);
        return (planned with { Ancestry = ancestry }, point with { End = new RunOutcome(RunStatus.Failed, Replay.NotVerified, message) });
    }
}
