using Microsoft.Extensions.DependencyInjection;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Skills;

namespace RunProof.Execution;

/// <summary>One attempt of one planned step.</summary>
/// <param name="Run">The run.</param>
/// <param name="Step">The step; its fallback as a step where that is executed.</param>
/// <param name="PlanIndex">Its place in the plan.</param>
/// <param name="Attempt">Attempts before it, those of the step among them where its fallback is executed.</param>
/// <param name="StepIndex">The least index that it can have in the trace: steps that are under way beside it may be recorded before it.</param>
internal sealed record StepCall(Run Run, PlannedStep Step, int PlanIndex, int Attempt, int StepIndex)
{
    /// <summary>The same for all attempts: a service that knows idempotency keys does the work once. A fallback's is its own.</summary>
    public string IdempotencyKey => KeyOf(Run, PlanIndex, IsFallback);

    /// <summary>Whether it is the step's fallback that is executed.</summary>
    public bool IsFallback { get; init; }

    /// <summary>The attempt by what is recorded of it.</summary>
    public AttemptId AttemptId => new(IdempotencyKey, Attempt);

    /// <summary>What the run's trace pinned of skills that may change, by their source. Default: nothing.</summary>
    public IReadOnlyDictionary<string, CanonicalJson> Pins { get; init; } = new Dictionary<string, CanonicalJson>();

    /// <summary>Who asks people about it; null where nobody can be asked.</summary>
    public RunApprovals? Approvals { get; init; }

    /// <summary>The key of a step, or of its fallback.</summary>
    public static string KeyOf(Run run, int planIndex, bool isFallback) =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{run.Id.Value}:{planIndex}{(isFallback ? ":fallback" : "")}");
}

/// <summary>What came of an attempt.</summary>
/// <param name="Skill">The skill; null where there is none of that name any more.</param>
/// <param name="Parameters">As executed; as planned where they could not be resolved or bound.</param>
/// <param name="Outcome">What came back, or null.</param>
/// <param name="Failure">Why it failed; null where it succeeded.</param>
/// <param name="Interrupted">Whether the process was stopping: what the skill did is not known.</param>
/// <param name="StartedAt">When it began.</param>
/// <param name="DurationMs">How long it took, whole microseconds.</param>
/// <param name="CostCents">What it cost.</param>
/// <param name="Decision">What was decided of it before it could begin.</param>
/// <param name="Tokens">Tokens of models that it used.</param>
internal sealed record AttemptResult(
    SkillDescriptor? Skill, CanonicalJson Parameters, CanonicalJson? Outcome, SkillFailure? Failure, bool Interrupted,
    DateTimeOffset StartedAt, double DurationMs, decimal CostCents, StepDecision Decision, long Tokens)
{
    /// <summary>The model that it called, or null.</summary>
    public ModelUsage? Usage { get; init; }

    /// <summary>What more goes into the step's context, by name. Default: nothing.</summary>
    public IReadOnlyDictionary<string, CanonicalJson> Evidence { get; init; } = new Dictionary<string, CanonicalJson>();

    /// <summary>The kill switch that ended it, or kept it from beginning; the run ends by it. Null where none did.</summary>
    public KillSwitch? KilledBy { get; init; } = Decision.KilledBy;

    /// <summary>What a replay does with the step, where the skill said otherwise than it declares; or null.</summary>
    public ReplayBehavior? Replay { get; init; }

    /// <summary>Places of the outcome of which the skill said that they vary.</summary>
    public IReadOnlyList<string> Varies { get; init; } = [];

    /// <summary>False where the outcome is a recorded one that is not what came back then. Default: true.</summary>
    public bool OutcomeIsKnown { get; init; } = true;

    /// <summary>Whether it was refused, not executed.</summary>
    public bool IsBlocked => Decision.BlockedCode is not null;

    /// <summary>What it waits for before it is decided of; null where it is over.</summary>
    public StepWait? Waits { get; init; }
}

/// <summary>Executes one attempt. Whatever a skill does, it is a result: only misuse of the engine itself throws.</summary>
internal sealed class StepExecutor(SkillRegistry skills, IServiceScopeFactory scopes, SubRuns subRuns, ExecutionOptions options, TimeProvider clock)
{
    /// <summary>Resolves, binds, asks the gate with what would be executed, and executes that and nothing else.</summary>
    /// <param name="call">The attempt.</param>
    /// <param name="outcomes">Outcomes of the steps that it refers to, by id.</param>
    /// <param name="unknowable">Ids of steps whose outcome is not known as it was, or null.</param>
    /// <param name="gate">The run's gate.</param>
    /// <param name="stop">Cancelled when the process must stop now.</param>
    /// <exception cref="OperationCanceledException">The process stopped before it was decided.</exception>
    public async ValueTask<AttemptResult> ExecuteAsync(
        StepCall call, IReadOnlyDictionary<string, CanonicalJson?> outcomes, IReadOnlySet<string>? unknowable, GateTurns gate, CancellationToken stop)
    {
        var startedAt = clock.GetUtcNow();
        var began = clock.GetTimestamp();
        var parameters = call.Step.Parameters;
        if (!skills.TryFind(call.Step.Skill, out var skill))
            skills.TryFindFormer(call.Step.Skill, out skill);
        IReadOnlyDictionary<string, CanonicalJson> evidence = new Dictionary<string, CanonicalJson>();
        AttemptResult Ended(SkillOutcome ended, StepDecision decision, bool interrupted = false, decimal cost = 0, long tokens = 0) => new(
            skill, parameters, ended.Outcome, ended.Failure, interrupted, startedAt,
            Math.Round(clock.GetElapsedTime(began).TotalMilliseconds, 3), cost, decision, tokens)
        {
            Evidence = evidence,
        };
        async ValueTask<AttemptResult> UndecidedAsync(string code, string message, bool retryable = false)
        {
            var planned = new StepAction(call.Step.Skill, parameters);
            return Ended(Failed(code, message, retryable), await gate.UndecidedAsync(planned, "nothing was executed: the step failed before it could be decided"));
        }

        if (skill is null)
            return await UndecidedAsync("unknown_skill", $"there is no skill \"{call.Step.Skill}\" in this process");
        if (skill.Source is { } source)
        {
            var check = await skill.CheckAsync(call.Pins.GetValueOrDefault(source), stop);
            if (check.Evidence is { } seen)
                evidence = new Dictionary<string, CanonicalJson>(StringComparer.Ordinal) { [source] = seen };
            if (check.Failure is { } changed)
                return await UndecidedAsync(changed.Code, changed.Message, changed.Retryable);
        }

        SkillCall bound;
        try
        {
            if (call.Step.HasReferences)
                parameters = SubPlans.Resolve(call.Step.Skill, parameters, outcomes, unknowable);
            bound = Bind(skill, parameters, call.PlanIndex);
            parameters = bound.Parameters;
        }
        catch (UnresolvedReferenceException unresolved)
        {
            return await UndecidedAsync("unresolved_reference", unresolved.Message);
        }
        catch (RedactedReferenceException redacted)
        {
            return await UndecidedAsync("redacted_reference", redacted.Message);
        }
        catch (Exception refused) when (refused is JsonBindingException or CanonicalFormatException)
        {
            return await UndecidedAsync("invalid_params", refused.Message);
        }

        var action = new StepAction(skill.Name, parameters) { Attempt = call.AttemptId, Most = () => MostOf(bound, call.Run.TenantId) };
        var decision = await gate.DecideAsync(action, stop);
        if (call.Approvals is { } people)
        {
            (decision, var wait) = await people.DecideAsync(call, skill, parameters, decision, gate, stop);
            if (wait is not null)
            {
                await gate.ForgoAsync(action);
                return Ended(Blocked(decision), decision) with { Waits = wait };
            }
        }

        var timeoutMs = Math.Min(call.Step.TimeoutMs, decision.TimeoutMs ?? int.MaxValue);
        var child = new SubRunAnswer();
        if (skill.Name is SubPlans.SkillName && subRuns.IsThere)
        {
            child = await subRuns.AskAsync(call, parameters, decision.MayExecute, timeoutMs, stop);
            if (child.Wait is { } until)
            {
                await gate.ForgoAsync(action);
                return Ended(Blocked(decision), decision) with { Waits = until };
            }

            if (child.Failure is { } none)
                return Ended(new SkillOutcome(null, none), decision);
        }

        if (!decision.MayExecute)
            return Ended(new SkillOutcome(child.Ended is { } had ? SubRuns.OutcomeOf(had) : null, Blocked(decision).Failure), decision);
        var context = ContextOf(call, decision.Approval, child.Ended);
        using var watch = gate.Watch(action);
        var (outcome, interrupted) = await RunAsync(call with { Step = call.Step with { TimeoutMs = timeoutMs } }, bound, context, watch, stop);
        if (skill.Source is { } from && context.SourceEvidence is { } seenInCall)
            evidence = new Dictionary<string, CanonicalJson>(StringComparer.Ordinal) { [from] = seenInCall };
        return Ended(outcome, decision, interrupted, context.CostCents, context.Tokens) with
        {
            Usage = context.Usage, KilledBy = interrupted ? watch?.By : null, Replay = context.Replay, Varies = context.VaryingPlaces,
        };
    }

    private UseLimit? MostOf(SkillCall call, TenantId tenant)
    {
        using var scope = scopes.CreateScope();
        return call.MostOf(scope.ServiceProvider, tenant);
    }

    private static SkillOutcome Blocked(StepDecision decision)
    {
        var who = decision.Rule is not { } rule ? "" : rule.Rule is null ? $"policy {rule.Policy}: " : $"policy {rule.Policy}, rule {rule.Rule}: ";
        var people = decision.Approval is { } approval ? "; " + approval.Words : "";
        return Failed(decision.BlockedCode ?? "policy_denied", who + decision.Reason + people);
    }

    private static SkillCall Bind(SkillDescriptor skill, CanonicalJson parameters, int planIndex)
    {
        using var document = System.Text.Json.JsonDocument.Parse(parameters.Bytes, ReferenceResolver.Deep);
        return skill.Bind(document.RootElement, string.Create(System.Globalization.CultureInfo.InvariantCulture, $"plan[{planIndex}].params"));
    }

    private SkillContext ContextOf(StepCall call, StepApproval? approval, SkillSubRun? subRun) => new()
    {
        TenantId = call.Run.TenantId,
        RunId = call.Run.Id,
        StepIndex = call.StepIndex,
        Attempt = call.Attempt,
        IdempotencyKey = call.IdempotencyKey,
        Seed = call.Run.Seed,
        Clock = call.Run.FrozenTimestamp is { } frozen ? new FrozenClock(frozen, clock) : clock,
        SubRun = subRun,
        Approval = approval?.Last is { } last ? new SkillApproval(last.IsApproval, last.ByName, last.At, last.Reason) : null,
    };

    private async Task<(SkillOutcome Outcome, bool Interrupted)> RunAsync(
        StepCall call, SkillCall bound, SkillContext context, IStepWatch? watch, CancellationToken stop)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromMilliseconds(call.Step.TimeoutMs), clock);
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, watch?.Stopped ?? CancellationToken.None, stop);
        using var abandon = new CancellationTokenSource(Timeout.InfiniteTimeSpan, clock);
        await using var arm = cancel.Token.Register(() => abandon.CancelAfter(options.AbandonAfter));
        var scope = scopes.CreateAsyncScope();
        // On the pool: a skill that blocks before its first await must not block its timeout.
        var running = Task.Run(() => bound.ExecuteAsync(scope.ServiceProvider, context, cancel.Token).AsTask(), CancellationToken.None);
        _ = LeaveScopeAfterAsync(running, scope);
        try
        {
            var outcome = await running.WaitAsync(abandon.Token);
            // A failure that the engine's own cancellation brought about is named for what it is.
            return outcome.Failure is not null && cancel.IsCancellationRequested ? Cancelled(call, watch, stop, outcome.Outcome) : (outcome, false);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
            return Cancelled(call, watch, stop, null);
        }
        catch (SkillException failed)
        {
            return cancel.IsCancellationRequested ? Cancelled(call, watch, stop, null) : (new SkillOutcome(null, failed.Failure), false);
        }
        catch (Exception escaped)
        {
            if (cancel.IsCancellationRequested)
                return Cancelled(call, watch, stop, null);
            var message = $"{escaped.GetType().Name}: {escaped.Message}";
            return (new SkillOutcome(null, new SkillFailure("skill_exception", message, Retryable: true)), false);
        }
    }

    // A skill that was left behind still uses its scope.
    private static async Task LeaveScopeAfterAsync(Task running, AsyncServiceScope scope)
    {
        await running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await scope.DisposeAsync();
    }

    // A step that was over its time is a timeout even where the process stops in the same moment: what it says is true.
    private static (SkillOutcome Outcome, bool Interrupted) Cancelled(StepCall call, IStepWatch? watch, CancellationToken stop, CanonicalJson? outcome)
    {
        if (watch?.By is { } kill)
            return (new SkillOutcome(outcome, new SkillFailure(KillSwitch.Code, $"{kill.Sentence}; the step was under way, what it did is not known")), true);
        if (stop.IsCancellationRequested)
            return (new SkillOutcome(outcome, new SkillFailure("interrupted", "the process stopped while the step was under way; what it did is not known")), true);
        var message = string.Create(System.Globalization.CultureInfo.InvariantCulture, $"no outcome within {call.Step.TimeoutMs} ms");
        return (new SkillOutcome(outcome, new SkillFailure("timeout", message, Retryable: true)), false);
    }

    private static SkillOutcome Failed(string code, string message, bool retryable = false) => new(null, new SkillFailure(code, message, retryable));
}
