using System.Globalization;
using System.Text;
using System.Text.Json;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Skills;

namespace RunProof.Execution;

/// <summary>What came of asking for a step's sub-run: one of these.</summary>
/// <param name="Wait">It has not ended: the step waits.</param>
/// <param name="Ended">It has ended, or is waited for no longer.</param>
/// <param name="Failure">There is none.</param>
internal sealed record SubRunAnswer(StepWait? Wait = null, SkillSubRun? Ended = null, SkillFailure? Failure = null);

/// <summary>
/// Makes the runs that steps ask for, and finds them again: by a key that follows from the step's attempt, so that whoever goes on with a run after a crash finds the sub-run
/// that was made before it.
/// </summary>
internal sealed class SubRuns(
    RunAdmission admission, IAgentStore agents, IRunStore runs, IRunSignals signals, Persistence persistence, ExecutionOptions options, TimeProvider clock, ISubRunStore? store = null)
{
    private const string EndedFirst = "the run that asked for it has ended";

    private static readonly CanonicalJson NoOutcomes = CanonicalJson.FromCanonicalBytes("{}"u8.ToArray());

    /// <summary>Bytes of outcomes that are handed on at most, all together.</summary>
    private const int MaxOutcomes = 256 * 1024;

    // How long a step whose time is over waits for the end of its cancelled sub-run: its seal is evidence.
    private static readonly TimeSpan Grace = TimeSpan.FromMinutes(1);

    /// <summary>Whether there is a store of runs to wait in.</summary>
    public bool IsThere => store is not null;

    /// <summary>Makes the sub-run of an attempt, or finds it, and says how it stands.</summary>
    /// <param name="call">The attempt.</param>
    /// <param name="parameters">What is asked for.</param>
    /// <param name="mayExecute">Whether the attempt may begin. Where not, none is made, and one that a process before this one made is cancelled.</param>
    /// <param name="timeoutMs">How long it is waited for; counts from where it is made.</param>
    /// <param name="stop">Gives up.</param>
    public async ValueTask<SubRunAnswer> AskAsync(StepCall call, CanonicalJson parameters, bool mayExecute, int timeoutMs, CancellationToken stop)
    {
        var run = call.Run;
        var deadline = WireTime.Truncate(clock.GetUtcNow() + TimeSpan.FromMilliseconds(timeoutMs));
        var request = SubRunRequest.Read(call, parameters, deadline, options.Worker, out var outcomes, out var wrong);
        if (await FindAsync(run, KeyOf(call), stop) is not { } child)
        {
            if (!mayExecute)
                return new SubRunAnswer();
            if (request is null)
                return Failed("sub_run_invalid", wrong);
            if (run.PlanRedacted)
                return Failed("sub_run_not_kept", "this run's own plan is only in the memory of its process: it cannot wait in the store");
            (child, var answer) = await MakeAsync(request with { IdempotencyKey = KeyOf(call) }, stop);
            if (child is null)
                return answer!;
        }

        if (!child.HasEnded && (!mayExecute || clock.GetUtcNow() >= child.Parent!.Deadline) && child.CancelRequestedAt is null)
            child = await CancelAsync(run, child, mayExecute ? "no outcome within the time that the step has" : "the step may not be executed any more", stop);
        if (child.HasEnded || !mayExecute)
            return new SubRunAnswer(Ended: await TellAsync(run, child, outcomes, stop));
        var until = child.CancelRequestedAt is null ? child.Parent!.Deadline : child.Parent!.Deadline + Grace;
        return clock.GetUtcNow() < until
            ? new SubRunAnswer(Wait: new StepWait(child.Id.Value, until, child.Id))
            : new SubRunAnswer(Ended: await TellAsync(run, child, outcomes, stop));
    }

    /// <summary>Cancels the sub-runs that steps of a run wait for that is about to end, and says how they stand.</summary>
    /// <param name="run">The run; this process has it.</param>
    /// <param name="isOpen">Whether an attempt of a step, by its place in the plan, is not recorded yet.</param>
    /// <returns>Of each step that waited what there is to record.</returns>
    public async ValueTask<IReadOnlyList<LeftSubRun>> EndAsync(Run run, Func<int, int, bool> isOpen)
    {
        if (store is null)
            return [];
        var all = await persistence.UntilDoneAsync(
            async token => await store.ListAsync(run.TenantId, run.Id, TraceId.Of(run.Id, run.Attempts), token), CancellationToken.None);
        var left = new List<LeftSubRun>();
        foreach (var last in all.GroupBy(child => child.Parent!.PlanIndex).Select(ofStep => ofStep.MaxBy(child => child.Parent!.Attempt)!))
        {
            var (child, parent) = (last, last.Parent!);
            if (!isOpen(parent.PlanIndex, parent.Attempt))
                continue;
            if (!child.HasEnded)
                child = await CancelAsync(run, child, EndedFirst, CancellationToken.None);
            var told = await TellAsync(run, child, [], CancellationToken.None);
            var failure = told.Failure is null
                ? new SkillFailure("interrupted", $"the run ended before it took the outcome of its sub-run {child.Id.Value}")
                : new SkillFailure("sub_run_cancelled", $"the run ended before its sub-run {child.Id.Value}, which was cancelled and is {told.Status}");
            left.Add(new LeftSubRun(new StepIntent(parent.PlanIndex, parent.Attempt, child.CreatedAt), failure, OutcomeOf(told)));
        }

        return left;
    }

    private static string KeyOf(StepCall call) => string.Create(
        CultureInfo.InvariantCulture, $"{RunParent.KeyPrefix}{TraceId.Of(call.Run.Id, call.Run.Attempts).Value}:{call.PlanIndex}:{call.Attempt}");

    private ValueTask<Run?> FindAsync(Run run, string key, CancellationToken stop) =>
        persistence.UntilDoneAsync(async token => await store!.FindAsync(run.TenantId, key, token), stop);

    private async ValueTask<(Run? Child, SubRunAnswer? Otherwise)> MakeAsync(RunRequest request, CancellationToken stop)
    {
        Admission admitted;
        try
        {
            admitted = await admission.PlanAsync(request, stop);
        }
        catch (PolicyUnavailableException unavailable)
        {
            return (null, Failed("policy_unavailable", unavailable.Message, retryable: true));
        }

        if (admitted.Kill is { } kill)
            return (null, Failed("killed", $"runs like it are stopped: {kill.Sentence}"));
        if (admitted.Plan is not { } plan)
            return (null, Failed("sub_run_invalid", string.Join("; ", admitted.Errors.Take(10).Select(static error => $"{error.Place}: {error.Message}"))));
        if (await persistence.UntilDoneAsync(async token => await agents.FindAsync(request.TenantId, request.AgentId, token), stop) is not { } agent)
            return (null, Failed("unknown_agent", $"there is no agent \"{request.AgentId}\""));
        var made = admission.Admit(request, plan, agent, admitted.Redactions).Run;
        if (made.PlanRedacted)
            return (null, Failed("sub_run_not_kept", "its plan or goal holds what redaction takes out: no store keeps it, and a sub-run is executed from the store"));
        var (outcome, stored) = await persistence.UntilDoneAsync(async token => await runs.CreateAsync(made, token), stop);
        if (outcome is RunCreation.Created)
            signals.Tell(RunSignal.Waiting);
        return outcome switch
        {
            RunCreation.Created or RunCreation.Existing or RunCreation.IdempotencyConflict => (stored, null),
            RunCreation.TooDeep => (null, Failed("sub_run_too_deep", stored.ErrorMessage!)),
            RunCreation.BudgetExceeded => (null, Failed("budget_exceeded", stored.ErrorMessage!)),
            RunCreation.UnknownAgent => (null, Failed("unknown_agent", $"there is no agent \"{request.AgentId}\"")),
            // Cancelled, or another's by now: whoever has the run next finds out.
            RunCreation.ParentGone => (null, new SubRunAnswer(Wait: new StepWait(made.Id.Value, clock.GetUtcNow(), made.Id))),
            _ => throw new InvalidOperationException($"the store has a run of the new id {made.Id.Value} already"),
        };
    }

    private async ValueTask<Run> CancelAsync(Run run, Run child, string reason, CancellationToken stop)
    {
        await persistence.UntilDoneAsync(
            async token => await runs.CancelAsync(run.TenantId, child.Id, ByOf(run), reason, WireTime.Truncate(clock.GetUtcNow()), token), stop);
        foreach (var signal in (RunSignal[])[RunSignal.Wished, RunSignal.Waiting, RunSignal.Ended])
            signals.Tell(signal);
        return await persistence.UntilDoneAsync(async token => await runs.FindAsync(run.TenantId, child.Id, token), stop) ?? child;
    }

    private static string ByOf(Run run) => "run " + run.Id.Value;

    private async ValueTask<SkillSubRun> TellAsync(Run run, Run child, IReadOnlyList<string>? steps, CancellationToken stop)
    {
        var status = RunWords.Of(child.Status);
        // What is under way still is not evidence yet.
        var evidence = child.Attempts == 0 || !child.HasEnded ? null : await persistence.UntilDoneAsync(
            async token => await store!.ReadAsync(run.TenantId, run.Id, options.Worker, child.Id, steps, MaxOutcomes, token), stop);
        var (outcomes, withheld) = evidence is null ? (NoOutcomes, steps ?? []) : Handed(evidence.Outcomes, steps);
        return new SkillSubRun(child.Id, status)
        {
            TraceId = evidence?.Trace.Value, ChainLength = evidence?.ChainLength, RootHash = evidence?.RootHash?.ToString(), Outcomes = outcomes, Withheld = withheld,
            Failure = child.Status switch
            {
                RunStatus.Succeeded => null,
                RunStatus.Failed or RunStatus.Aborted => new SkillFailure("sub_run_failed", $"run {child.Id.Value} is {status}: {child.ErrorCode}: {child.ErrorMessage}", Retryable: true),
                _ when child.CancelRequestedBy == ByOf(run) => new SkillFailure("timeout", $"run {child.Id.Value} had not ended when the step's time was over; it was cancelled and is {status}", Retryable: true),
                _ => new SkillFailure("sub_run_cancelled", $"run {child.Id.Value} is {status}: {child.ErrorMessage}"),
            },
        };
    }

    // What redaction changed is not what came back: no step is to take it for that.
    private static (CanonicalJson Outcomes, IReadOnlyList<string> Withheld) Handed(IReadOnlyList<SubRunStepOutcome> recorded, IReadOnlyList<string>? steps)
    {
        var handed = new SortedDictionary<string, CanonicalJson>(StringComparer.Ordinal);
        var withheld = new SortedSet<string>(steps ?? [], StringComparer.Ordinal);
        var left = MaxOutcomes;
        foreach (var step in recorded)
        {
            using var context = JsonDocument.Parse(step.Context ?? "{}", ReferenceResolver.Deep);
            if (TraceRecovery.TextOf(context.RootElement, "plan_step") is not { } id)
                continue;
            var bytes = step.Outcome is null || EarlierStep.IsOutcomeChanged(context.RootElement) ? null : Encoding.UTF8.GetBytes(step.Outcome);
            if (bytes is null || bytes.Length > left)
            {
                withheld.Add(id);
                continue;
            }

            left -= bytes.Length;
            withheld.Remove(id);
            handed[id] = CanonicalJson.FromCanonicalBytes(bytes);
        }

        return (handed.Count == 0 ? NoOutcomes : OriginTrace.Object([.. handed.Select(static one => (one.Key, one.Value))]), [.. withheld]);
    }

    /// <summary>The outcome of a step whose skill was not asked, as that would write it.</summary>
    public static CanonicalJson OutcomeOf(SkillSubRun run) => OriginTrace.Object(
        ("chain_length", run.ChainLength is { } length ? OriginTrace.Number(length) : OriginTrace.Null), ("outcomes", run.Outcomes), ("root_hash", TextOf(run.RootHash)),
        ("run_id", EvidenceContext.OfText(run.RunId.Value)), ("status", EvidenceContext.OfText(run.Status)), ("trace_id", TextOf(run.TraceId)),
        ("withheld", OriginTrace.Array(run.Withheld.Select(EvidenceContext.OfText))));

    private static CanonicalJson TextOf(string? text) => text is null ? OriginTrace.Null : EvidenceContext.OfText(text);

    private static SubRunAnswer Failed(string code, string message, bool retryable = false) => new(Failure: new SkillFailure(code, message, retryable));
}

/// <summary>A step that waited for its sub-run when its run ended.</summary>
/// <param name="Intent">The attempt; it began when the sub-run was made.</param>
/// <param name="Failure">What became of it.</param>
/// <param name="Outcome">The sub-run as it stood then.</param>
internal sealed record LeftSubRun(StepIntent Intent, SkillFailure Failure, CanonicalJson Outcome);

/// <summary>What a trace's context says of the step that asked for its run.</summary>
internal static class ParentContext
{
    /// <summary>Adds <c>parent</c>. A run that no run asked for gets nothing.</summary>
    /// <param name="context">The trace's context.</param>
    /// <param name="parent">The step, or null.</param>
    public static CanonicalJson WithParent(this CanonicalJson context, RunParent? parent) => parent is null ? context : context.With("parent", OriginTrace.Object(
        ("attempt", OriginTrace.Number(parent.Attempt)), ("plan_index", OriginTrace.Number(parent.PlanIndex)), ("plan_step", EvidenceContext.OfText(parent.PlanStep)),
        ("run_id", EvidenceContext.OfText(parent.Run.Value)), ("trace_id", EvidenceContext.OfText(parent.Trace.Value))));
}
