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
internal sealed class Origins(IReplayStore store, IRecoveryStore progress, PlanParser parser, SkillRegistry skills, ExecutionOptions options, TimeProvider clock)
{
    /// <summary>Characters of an origin's payloads that a process keeps in memory for a replay.</summary>
    public const long MaxCharacters = 64 * 1024 * 1024;

    /// <summary>Prepares a run that comes from another one. The same call later does the same.</summary>
    /// <param name="planned">The run, claimed by this process.</param>
    /// <param name="from">Where it goes on; null for a run that begins.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>The run with what it has of its origin, and where it begins: with its end, where the origin cannot be relied on.</returns>
    public async Task<(PlannedRun Planned, ResumePoint From)> PrepareAsync(PlannedRun planned, ResumePoint? from, CancellationToken cancellationToken)
    {
        var (run, origin) = (planned.Run, planned.Run.Origin!);
        var point = from ?? ResumePoint.Beginning;
        var read = await store.ReadAsync(run.TenantId, run.Id, options.Worker, MaxCharacters, cancellationToken);
        if (read is null)
            return Refuse(planned, point, "origin_not_verified", $"the origin, trace {origin.Trace}, is not there");
        if (read.IsTooLarge)
            return Refuse(planned, point, "origin_too_large", $"the payloads of the origin, trace {origin.Trace}, are more than {MaxCharacters} characters");
        if (OriginTrace.Verify(read, run, out var problem) is not { } trace)
            return Refuse(planned, point, "origin_not_verified", $"the origin, trace {origin.Trace}, does not verify: {problem}");
        if (origin.Mode is not null && !HasPlanOf(trace, planned.Plan))
            return Refuse(planned, point, "origin_not_verified", $"the origin's stored plan is not the one that trace {origin.Trace} is committed to");

        var replay = origin.Mode is { } mode ? new Replay(trace, origin.From, mode, run.Id, skills, clock) : null;
        if (replay is not null && point.Session is not null)
            replay.Recount(await progress.ReadAsync(run.TenantId, run.Id, options.Worker, cancellationToken));
        var named = replay is not null ? OriginTrace.ReplayOf(origin, trace.Root) : OriginTrace.ForkOf(origin, trace.SharedBefore(origin.From));
        return (planned with { Ancestry = new Ancestry(replay is null ? "fork_of" : "replay_of", named, replay) }, point with { Inherited = trace.Before(origin.From) });
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
    private static (PlannedRun, ResumePoint) Refuse(PlannedRun planned, ResumePoint point, string code, string message)
    {
        var origin = planned.Run.Origin!;
        var ancestry = origin.Mode is null
            ? new Ancestry("fork_of", OriginTrace.ForkOf(origin, null), null)
            : new Ancestry("replay_of", OriginTrace.ReplayOf(origin, null), null);
        return (planned with { Ancestry = ancestry }, point with { End = new RunOutcome(RunStatus.Failed, code, message) });
    }
}
