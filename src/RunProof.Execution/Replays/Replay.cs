using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Skills;
using RunProof.Verification;

namespace RunProof.Execution;

/// <summary>
/// Stands where the steps of a replay are executed: gives the outcome of the record, or the real one, and says of every recorded step how it compares with the origin's.
/// A replay executes nothing that its origin did not, and all that it did: what branches happened to come to before one of them ended the run is no matter of luck here.
/// </summary>
internal sealed class Replay
{
    /// <summary>The code of a replay, or of a step of it, whose origin does not verify.</summary>
    public const string NotVerified = "origin_not_verified";

    private const string NothingExecuted = "nothing was executed: the outcome is the one that the origin recorded";
    private const int MostDivergences = 10;

    // Attempts of a step that grew are those of the record, whatever its planner would have said.
    private static readonly RetryRule AsRecorded = new() { MaxAttempts = 10, BackoffMs = 0, MaxBackoffMs = 0, Strategy = BackoffStrategy.Constant, WhenCodes = ["*"] };

    private readonly OriginTrace _origin;
    private readonly int _from;
    private readonly int _planned;
    private readonly RunId _run;
    private readonly SkillRegistry _skills;
    private readonly TimeProvider _clock;
    private readonly ConcurrentDictionary<AttemptKey, Mark> _marks = [];
    private readonly HashSet<AttemptKey> _seen = [];
    private readonly HashSet<int> _grown = [];
    private int _compared;
    private int _divergences;
    private int _notComparable;
    private CanonicalJson? _first;

    public Replay(OriginTrace origin, int from, int planned, ReplayMode mode, RunId run, SkillRegistry skills, TimeProvider clock) =>
        (_origin, _from, _planned, IsDry, _run, _skills, _clock) = (origin, from, planned, mode is ReplayMode.Dry, run, skills, clock);

    /// <summary>Whether nothing real is executed.</summary>
    public bool IsDry { get; }

    /// <summary>Whether something ended the origin that is no outcome of its steps.</summary>
    public bool WasBrokenOff => _origin.WasBrokenOff;

    /// <summary>Whether the origin has an attempt.</summary>
    public bool Has(int planIndex, int attempt) => _origin.Has(new AttemptKey(planIndex, attempt));

    /// <summary>Whether an attempt that failed is tried again: where the origin tried again, or ended before it could.</summary>
    public bool MayTryAgain(int planIndex, int attempt) => Has(planIndex, attempt + 1) || _origin.MarkOf(new AttemptKey(planIndex, attempt)) is { Status: StepStatus.Retrying };

    /// <summary>Whether the origin's run ended with a step as well: then all else that it did is done before this run ends.</summary>
    public bool EndedWith(int planIndex, int attempt) =>
        _origin.MarkOf(new AttemptKey(planIndex, attempt)) is { Status: StepStatus.Failed or StepStatus.Interrupted or StepStatus.Blocked, RunWentOn: false };

    /// <summary>Whether the origin executed an attempt, or skipped its step; null where neither can be said.</summary>
    public bool? WasExecuted(int planIndex, int attempt) => _origin.MarkOf(new AttemptKey(planIndex, attempt))?.Status switch
    {
        StepStatus.Succeeded or StepStatus.Retrying => true,
        StepStatus.Skipped => false,
        _ => null,
    };

    /// <summary>Whether an attempt whose outcome a crash hid may be made again because it executes nothing.</summary>
    public bool ExecutesNothing(int planIndex, int attempt) =>
        _origin.MarkOf(new AttemptKey(planIndex, attempt)) is not { } mark || TakesRecord(mark, _skills.TryFind(mark.Skill, out var skill) ? skill : null)
        || mark.Status is StepStatus.Blocked or StepStatus.Skipped;

    /// <summary>How a plan went on that grew, where its planner cannot say it from what this run may know: the steps of the record, one after the other as they were recorded.</summary>
    /// <param name="count">Steps of the plan so far.</param>
    public IReadOnlyList<PlannedStep> GrowthAfter(int count)
    {
        var grown = new SortedDictionary<int, (OriginMark Mark, int Last)>();
        for (var i = 0; i < _origin.Marks.Count; i++)
        {
            if (_origin.Marks[i].Key.PlanIndex >= Math.Max(count, _planned))
                grown[_origin.Marks[i].Key.PlanIndex] = (_origin.Marks[i], i);
        }

        // A place in the plan that was never executed has no record to take.
        var steps = grown.TakeWhile((step, nth) => step.Key == count + nth).Select(static step => step.Value).ToList();
        var before = new Dictionary<string, string>(StringComparer.Ordinal);
        var inOrder = steps.OrderBy(static step => step.Last).ToList();
        for (var i = 1; i < inOrder.Count; i++)
            before[inOrder[i].Mark.PlanStep] = inOrder[i - 1].Mark.PlanStep;
        _grown.UnionWith(Enumerable.Range(count, steps.Count));
        return
        [
            .. steps.Select(step => new PlannedStep
            {
                Id = step.Mark.PlanStep, Skill = step.Mark.Skill, Parameters = CanonicalJson.FromCanonicalBytes("{}"u8.ToArray()), OnError = OnError.Continue, Retry = AsRecorded,
                TimeoutMs = AgentPlanner.ToolTimeoutMs, DependsOn = before.TryGetValue(step.Mark.PlanStep, out var last) ? [last] : [],
            }),
        ];
    }

    /// <summary>One attempt, by the record or for real.</summary>
    public async ValueTask<AttemptResult> ExecuteAsync(
        StepExecutor executor, StepCall call, IReadOnlyDictionary<string, CanonicalJson?> outcomes, IReadOnlySet<string>? unknowable, GateTurns gate, CancellationToken stop)
    {
        var key = new AttemptKey(call.PlanIndex, call.Attempt);
        _skills.TryFind(call.Step.Skill, out var skill);
        OriginStep? origin;
        try
        {
            origin = await _origin.FindAsync(key, stop);
        }
        catch (OriginChangedException changed)
        {
            _marks[key] = new Mark("none", false, null);
            return await PreparedAsync(call, skill, outcomes, unknowable, gate, new SkillFailure(NotVerified, changed.Message));
        }

        var isKnown = true;
        if (origin is not null && _grown.Contains(call.PlanIndex))
        {
            isKnown = origin.Comparable.Parameters is { Hidden: null, Text: not null };
            if (origin.Recorded.Input.Text is { } recorded)
                call = call with { Step = call.Step with { Parameters = CanonicalJson.FromCanonicalBytes(Encoding.UTF8.GetBytes(recorded)) } };
        }

        if (origin is null || origin.Recorded.SkillName != call.Step.Skill || origin.Recorded.Status is "skipped")
        {
            _marks[key] = new Mark("none", false, origin);
            return await PreparedAsync(call, skill, outcomes, unknowable, gate, new SkillFailure(
                "no_recorded_outcome", $"the origin {(origin is null ? "has no such attempt" : "did not execute this")}, and a replay executes nothing that its origin did not"));
        }

        if (origin.Recorded.Status is "blocked")
            return await DecideAgainAsync(call, skill, origin, outcomes, unknowable, gate, stop);
        if (!isKnown || TakesRecord(_origin.MarkOf(key)!.Value, skill))
            return await RecordedAsync(call, skill, origin, outcomes, unknowable, gate, isKnown);
        _marks[key] = new Mark(origin.Recorded.ReplayBehavior is "check" ? "checked" : "executed", false, origin);
        return await executor.ExecuteAsync(call, outcomes, unknowable, gate, stop);
    }

    /// <summary>The step as it is recorded: of the source replay, and with what it says of the origin's.</summary>
    /// <param name="recording">The step.</param>
    /// <param name="stepIndex">The index that it will have.</param>
    public async ValueTask<StepRecording> ComparedAsync(StepRecording recording, int stepIndex)
    {
        var key = KeyOf(recording);
        // Of a step that a crash hid nothing was noted in this process.
        var (how, hidden, origin) = _marks.TryRemove(key, out var mark) ? mark : new Mark("none", false, await _origin.FindAsync(key, CancellationToken.None));
        if (recording.Status is StepStatus.Interrupted)
            how = "interrupted";
        _seen.Add(key);
        if (origin is null)
        {
            if (Has(key.PlanIndex, key.Attempt))
                return Marked(recording, how, null, [], []);
            Count(1, 0, DifferenceKinds.ExtraStep, stepIndex, "", null);
            return Marked(recording, how, null, [Divergence(DifferenceKinds.ExtraStep, "", null)], []);
        }

        var found = StepComparison.Of(origin.Comparable, Comparable(recording, stepIndex, origin.Comparable, how, hidden));
        _compared++;
        var first = found.Differences.Count > 0 ? found.Differences[0] : null;
        Count(found.Differences.Count, found.NotComparable.Count, first?.Kind, stepIndex, first?.Place, first?.Path);
        return Marked(
            recording, how, origin, found.Differences.Take(MostDivergences).Select(static each => Divergence(each.Kind, each.Place, each.Path)),
            found.NotComparable.Select(static each => EvidenceContext.OfText(each.Place)));
    }

    /// <summary>The seal's metadata, with how many divergences there are and which is the first.</summary>
    public CanonicalJson Sealed(CanonicalJson metadata)
    {
        for (var i = 0; i < _origin.Marks.Count; i++)
        {
            var key = _origin.Marks[i].Key;
            if (key.PlanIndex >= _from && _seen.Add(key))
                Count(1, 0, DifferenceKinds.MissingStep, i, "", null);
        }

        return metadata.With("replay", OriginTrace.Object(
            ("compared", OriginTrace.Number(_compared)), ("divergences", OriginTrace.Number(_divergences)), ("first", _first ?? OriginTrace.Null),
            ("not_comparable", OriginTrace.Number(_notComparable))));
    }

    /// <summary>Counts what processes before this one recorded.</summary>
    /// <param name="recorded">What is recorded: contexts of steps in their order, among others that have none.</param>
    public void Recount(IEnumerable<EarlierAttempt> recorded)
    {
        var at = -1;
        foreach (var context in recorded.Select(static step => step.Context).OfType<string>())
        {
            at++;
            using var document = JsonDocument.Parse(context, ReferenceResolver.Deep);
            var root = document.RootElement;
            if (!root.TryGetProperty("plan_index", out var index) || !index.TryGetInt32(out var plan) || !root.TryGetProperty("attempt", out var attempt) || !attempt.TryGetInt32(out var before))
                continue;
            _seen.Add(new AttemptKey(plan, before));
            if (!root.TryGetProperty("replay", out var said))
                continue;
            _compared += said.TryGetProperty("origin_step", out var step) && step.ValueKind is JsonValueKind.Number ? 1 : 0;
            var divergences = said.TryGetProperty("divergences", out var all) ? all.EnumerateArray().ToList() : [];
            var hidden = said.TryGetProperty("not_comparable", out var places) ? places.GetArrayLength() : 0;
            var first = divergences.Count > 0 ? divergences[0] : default;
            Count(divergences.Count, hidden, TraceRecovery.TextOf(first, "kind"), at, TraceRecovery.TextOf(first, "place"), TraceRecovery.TextOf(first, "path"));
        }
    }

    private bool TakesRecord(OriginMark mark, SkillDescriptor? skill) => IsDry || mark.IsSkip || skill?.Replay is ReplayBehavior.Skip;

    // A step that a policy refused has no outcome to take, and is not executed now either: only the decision is made again.
    private async ValueTask<AttemptResult> DecideAgainAsync(
        StepCall call, SkillDescriptor? skill, OriginStep origin, IReadOnlyDictionary<string, CanonicalJson?> outcomes, IReadOnlySet<string>? unknowable, GateTurns gate, CancellationToken stop)
    {
        var began = _clock.GetTimestamp();
        var startedAt = _clock.GetUtcNow();
        var (parameters, failure, hidden) = Prepare(call, skill, outcomes, unknowable);
        _marks[new AttemptKey(call.PlanIndex, call.Attempt)] = new Mark("decided", hidden, origin);
        var decision = await gate.DecideAsync(new StepAction(call.Step.Skill, parameters), stop);
        failure = decision.MayExecute
            ? failure ?? new SkillFailure("no_recorded_outcome", "a policy refused the origin's step, and none refuses it now: there is no outcome to take, and a replay executes nothing that its origin did not")
            : new SkillFailure(CodeOf(decision, origin), decision.Reason);
        return Ended(skill, parameters, null, failure, startedAt, began, decision, origin);
    }

    // Nobody is asked again: where a person is to decide now as then, what was said then stands.
    private static string CodeOf(StepDecision decision, OriginStep origin) =>
        decision.Kind is StepDecisionKind.ApprovalRequired && origin.Recorded.OutcomeCode is { } code && code.StartsWith("approval_", StringComparison.Ordinal)
            ? code
            : decision.BlockedCode ?? "policy_denied";

    private async ValueTask<AttemptResult> RecordedAsync(
        StepCall call, SkillDescriptor? skill, OriginStep origin, IReadOnlyDictionary<string, CanonicalJson?> outcomes, IReadOnlySet<string>? unknowable, GateTurns gate, bool isKnown)
    {
        var began = _clock.GetTimestamp();
        var startedAt = _clock.GetUtcNow();
        var (parameters, _, hidden) = isKnown ? Prepare(call, skill, outcomes, unknowable) : (call.Step.Parameters, null, true);
        _marks[new AttemptKey(call.PlanIndex, call.Attempt)] = new Mark("recorded", hidden, origin);
        var failure = origin.Error() is { } error ? new SkillFailure(error.Code, error.Message, Retryable: origin.Recorded.Status is "retrying") : null;
        var decision = await gate.UndecidedAsync(new StepAction(call.Step.Skill, parameters), NothingExecuted);
        // What is redacted there is not what came back: no step, and no planner, may take it for that.
        return Ended(skill, parameters, OriginTrace.OutcomeOf(origin.Recorded), failure, startedAt, began, decision, origin) with { OutcomeIsKnown = origin.Comparable.Outcome.Hidden is null };
    }

    private async ValueTask<AttemptResult> PreparedAsync(
        StepCall call, SkillDescriptor? skill, IReadOnlyDictionary<string, CanonicalJson?> outcomes, IReadOnlySet<string>? unknowable, GateTurns gate, SkillFailure failure)
    {
        var began = _clock.GetTimestamp();
        var startedAt = _clock.GetUtcNow();
        var (parameters, _, _) = Prepare(call, skill, outcomes, unknowable);
        return Ended(skill, parameters, null, failure, startedAt, began, await gate.UndecidedAsync(new StepAction(call.Step.Skill, parameters), "nothing was executed: " + failure.Message), null);
    }

    // Resolved and bound as they would be for a real execution: what this build makes of the plan is what is compared.
    private static (CanonicalJson Parameters, SkillFailure? Failure, bool Hidden) Prepare(
        StepCall call, SkillDescriptor? skill, IReadOnlyDictionary<string, CanonicalJson?> outcomes, IReadOnlySet<string>? unknowable)
    {
        var parameters = call.Step.Parameters;
        try
        {
            if (call.Step.HasReferences)
                parameters = SubPlans.Resolve(call.Step.Skill, parameters, outcomes, unknowable);
            if (skill is null)
                return (parameters, new SkillFailure("unknown_skill", $"there is no skill \"{call.Step.Skill}\" in this process"), false);
            using var document = JsonDocument.Parse(parameters.Bytes, ReferenceResolver.Deep);
            return (skill.Bind(document.RootElement, "params").Parameters, null, false);
        }
        catch (RedactedReferenceException redacted)
        {
            return (parameters, new SkillFailure("redacted_reference", redacted.Message), true);
        }
        catch (Exception refused) when (refused is UnresolvedReferenceException or JsonBindingException or CanonicalFormatException)
        {
            return (parameters, new SkillFailure("invalid_params", refused.Message), false);
        }
    }

    private AttemptResult Ended(
        SkillDescriptor? skill, CanonicalJson parameters, CanonicalJson? outcome, SkillFailure? failure, DateTimeOffset startedAt, long began, StepDecision decision, OriginStep? origin) =>
        new(skill, parameters, outcome, failure, false, startedAt, Math.Round(_clock.GetElapsedTime(began).TotalMilliseconds, 3), 0, decision, 0)
        {
            Replay = origin is not null && Wire.TryParse(origin.Recorded.ReplayBehavior, out ReplayBehavior behavior) ? behavior : null,
        };

    private ComparableStep Comparable(StepRecording recording, int stepIndex, ComparableStep origin, string how, bool hidden) => new()
    {
        StepIndex = stepIndex,
        PlanStep = origin.PlanStep,
        PlanIndex = origin.PlanIndex,
        Attempt = origin.Attempt,
        Skill = recording.SkillName,
        SkillVersion = recording.SkillVersion,
        Schema = recording.Schema?.ToString(),
        Status = Wire.Name(recording.Status),
        OutcomeCode = recording.OutcomeCode,
        Parameters = hidden ? new ComparablePayload(null, "redacted") : new ComparablePayload(recording.Parameters.ToString(), null),
        Outcome = recording.Status is StepStatus.Interrupted ? new ComparablePayload(null, "interrupted") : new ComparablePayload(recording.Outcome?.ToString(), null),
        Varies = origin.Varies,
        How = how,
    };

    private static StepRecording Marked(StepRecording recording, string how, OriginStep? origin, IEnumerable<CanonicalJson> divergences, IEnumerable<CanonicalJson> notComparable)
    {
        var said = OriginTrace.Object(
            ("divergences", OriginTrace.Array(divergences)), ("how", EvidenceContext.OfText(how)), ("not_comparable", OriginTrace.Array(notComparable)),
            ("origin_link", origin is { Recorded.Link: { } link } ? EvidenceContext.OfText(Convert.ToHexStringLower(link)) : OriginTrace.Null),
            ("origin_step", origin is null ? OriginTrace.Null : OriginTrace.Number(origin.Recorded.StepIndex)));
        return recording with { Source = StepSource.Replay, Context = recording.Context!.With("replay", said) };
    }

    private static CanonicalJson Divergence(string kind, string place, string? path) => OriginTrace.Object(
        ("kind", EvidenceContext.OfText(kind)), ("path", path is null ? OriginTrace.Null : EvidenceContext.OfText(EvidenceText.Message(path))), ("place", EvidenceContext.OfText(place)));

    private void Count(int divergences, int notComparable, string? kind, int step, string? place, string? path)
    {
        _divergences += divergences;
        _notComparable += notComparable;
        if (divergences > 0 && kind is not null)
            _first ??= OriginTrace.Object(
                ("kind", EvidenceContext.OfText(kind)), ("path", path is null ? OriginTrace.Null : EvidenceContext.OfText(EvidenceText.Message(path))),
                ("place", EvidenceContext.OfText(place ?? "")), ("step", OriginTrace.Number(step)));
    }

    // As the engine wrote it: the run's id, a colon, the place in the plan, and a word behind it where it is the step's fallback: that counts its attempts on from the step's.
    private AttemptKey KeyOf(StepRecording recording) => new(
        recording.IdempotencyKey is { } key && key.AsSpan(_run.Value.Length + 1) is var rest
            && int.TryParse(rest.IndexOf(':') is var colon and >= 0 ? rest[..colon] : rest, NumberStyles.None, CultureInfo.InvariantCulture, out var index) ? index : -1,
        recording.RetryCount);

    /// <summary>What is noted of an attempt until it is recorded.</summary>
    /// <param name="How">Where its outcome is from.</param>
    /// <param name="ParametersHidden">Whether its parameters cannot be known.</param>
    /// <param name="Origin">The origin's step.</param>
    private sealed record Mark(string How, bool ParametersHidden, OriginStep? Origin);
}
