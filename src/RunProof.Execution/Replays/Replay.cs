using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Skills;
using RunProof.Verification;

namespace RunProof.Execution;

/// <summary>
/// Stands where the steps of a replay are executed: gives the outcome of the record, or the real one, and says of every recorded step how it compares with the origin's.
/// A replay executes nothing that its origin did not.
/// </summary>
internal sealed class Replay
{
    private const string NothingExecuted = "nothing was executed: the outcome is the one that the origin recorded";
    private const int MostDivergences = 10;

    private readonly OriginTrace _origin;
    private readonly int _from;
    private readonly RunId _run;
    private readonly SkillRegistry _skills;
    private readonly TimeProvider _clock;
    private readonly Dictionary<(int PlanIndex, int Attempt), OriginStep> _steps = [];
    private readonly ConcurrentDictionary<(int PlanIndex, int Attempt), (string How, bool ParametersHidden)> _marks = [];
    private readonly HashSet<(int PlanIndex, int Attempt)> _seen = [];
    private readonly ConcurrentDictionary<string, bool> _unknowable = new(StringComparer.Ordinal);
    private int _compared;
    private int _divergences;
    private int _notComparable;
    private CanonicalJson? _first;

    public Replay(OriginTrace origin, int from, ReplayMode mode, RunId run, SkillRegistry skills, TimeProvider clock)
    {
        (_origin, _from, IsDry, _run, _skills, _clock) = (origin, from, mode is ReplayMode.Dry, run, skills, clock);
        foreach (var step in origin.Steps)
            _steps[(step.Comparable.PlanIndex, step.Comparable.Attempt)] = step;
    }

    /// <summary>Whether nothing real is executed.</summary>
    public bool IsDry { get; }

    /// <summary>One attempt, by the record or for real.</summary>
    public async ValueTask<AttemptResult> ExecuteAsync(
        StepExecutor executor, StepCall call, IReadOnlyDictionary<string, CanonicalJson?> outcomes, IReadOnlySet<string>? unknowable, GateTurns gate, CancellationToken stop)
    {
        // What was taken from the record may be redacted there: no step may refer to it as if it were what came back.
        if (!_unknowable.IsEmpty)
            unknowable = new HashSet<string>(_unknowable.Keys.Concat(unknowable ?? new HashSet<string>(0)), StringComparer.Ordinal);
        var key = (call.PlanIndex, call.Attempt);
        _skills.TryFind(call.Step.Skill, out var skill);
        if (!_steps.TryGetValue(key, out var origin))
        {
            _marks[key] = ("none", false);
            return await PreparedAsync(call, skill, outcomes, unknowable, gate, new SkillFailure("no_recorded_outcome", "the origin has no such attempt, and a replay executes nothing that its origin did not"));
        }

        if (origin.Recorded.Status is "blocked")
            return await DecideAgainAsync(call, skill, origin, outcomes, unknowable, gate, stop);
        if (IsDry || origin.Recorded.ReplayBehavior is "skip" || skill?.Replay is ReplayBehavior.Skip)
            return await RecordedAsync(call, skill, origin, outcomes, unknowable, gate);
        _marks[key] = (origin.Recorded.ReplayBehavior is "check" ? "checked" : "executed", false);
        return await executor.ExecuteAsync(call, outcomes, unknowable, gate, stop);
    }

    /// <summary>The step as it is recorded: of the source replay, and with what it says of the origin's.</summary>
    /// <param name="recording">The step.</param>
    /// <param name="stepIndex">The index that it will have.</param>
    public StepRecording Compared(StepRecording recording, int stepIndex)
    {
        var key = KeyOf(recording);
        var (how, hidden) = _marks.TryGetValue(key, out var mark) ? mark : ("none", false);
        _seen.Add(key);
        if (!_steps.TryGetValue(key, out var origin))
        {
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
        foreach (var (key, step) in _steps.Where(step => step.Key.PlanIndex >= _from && !_seen.Contains(step.Key)).OrderBy(static step => step.Value.Recorded.StepIndex))
        {
            _seen.Add(key);
            Count(1, 0, DifferenceKinds.MissingStep, step.Recorded.StepIndex, "", null);
        }

        return metadata.With("replay", OriginTrace.Object(
            ("compared", OriginTrace.Number(_compared)), ("divergences", OriginTrace.Number(_divergences)), ("first", _first ?? OriginTrace.Null),
            ("not_comparable", OriginTrace.Number(_notComparable))));
    }

    /// <summary>Counts what a process before this one recorded.</summary>
    public void Recount(TraceProgress? recorded)
    {
        foreach (var step in recorded?.Steps ?? [])
        {
            using var context = JsonDocument.Parse(step.Context ?? "{}", ReferenceResolver.Deep);
            var root = context.RootElement;
            if (!root.TryGetProperty("plan_index", out var index) || !index.TryGetInt32(out var plan) || !root.TryGetProperty("attempt", out var attempt) || !attempt.TryGetInt32(out var before))
                continue;
            _seen.Add((plan, before));
            if (!root.TryGetProperty("replay", out var said))
                continue;
            _compared += said.TryGetProperty("origin_step", out _) ? 1 : 0;
            var divergences = said.TryGetProperty("divergences", out var all) ? all.EnumerateArray().ToList() : [];
            var hidden = said.TryGetProperty("not_comparable", out var places) ? places.GetArrayLength() : 0;
            var first = divergences.Count > 0 ? divergences[0] : default;
            Count(divergences.Count, hidden, TraceRecovery.TextOf(first, "kind"), step.StepIndex, TraceRecovery.TextOf(first, "place"), TraceRecovery.TextOf(first, "path"));
        }
    }

    // A step that a policy refused has no outcome to take, and is not executed now either: only the decision is made again.
    private async ValueTask<AttemptResult> DecideAgainAsync(
        StepCall call, SkillDescriptor? skill, OriginStep origin, IReadOnlyDictionary<string, CanonicalJson?> outcomes, IReadOnlySet<string>? unknowable, GateTurns gate, CancellationToken stop)
    {
        var began = _clock.GetTimestamp();
        var startedAt = _clock.GetUtcNow();
        var (parameters, failure, hidden) = Prepare(call, skill, outcomes, unknowable);
        _marks[(call.PlanIndex, call.Attempt)] = ("decided", hidden);
        var decision = await gate.DecideAsync(new StepAction(call.Step.Skill, parameters), stop);
        failure = decision.MayExecute
            ? failure ?? new SkillFailure("no_recorded_outcome", "a policy refused the origin's step, and none refuses it now: there is no outcome to take, and a replay executes nothing that its origin did not")
            : new SkillFailure(CodeOf(decision, origin), decision.Reason);
        return Ended(call, skill, parameters, null, failure, startedAt, began, decision);
    }

    // Nobody is asked again: where a person is to decide now as then, what was said then stands.
    private static string CodeOf(StepDecision decision, OriginStep origin) =>
        decision.Kind is StepDecisionKind.ApprovalRequired && origin.Recorded.OutcomeCode is { } code && code.StartsWith("approval_", StringComparison.Ordinal)
            ? code
            : decision.BlockedCode ?? "policy_denied";

    private async ValueTask<AttemptResult> RecordedAsync(
        StepCall call, SkillDescriptor? skill, OriginStep origin, IReadOnlyDictionary<string, CanonicalJson?> outcomes, IReadOnlySet<string>? unknowable, GateTurns gate)
    {
        var began = _clock.GetTimestamp();
        var startedAt = _clock.GetUtcNow();
        var (parameters, _, hidden) = Prepare(call, skill, outcomes, unknowable);
        _marks[(call.PlanIndex, call.Attempt)] = ("recorded", hidden);
        if (origin.Comparable.Outcome.Hidden is not null)
            _unknowable[call.Step.Id] = true;
        var failure = origin.Error() is { } error ? new SkillFailure(error.Code, error.Message, Retryable: origin.Recorded.Status is "retrying") : null;
        return Ended(call, skill, parameters, OriginTrace.OutcomeOf(origin.Recorded), failure, startedAt, began, await gate.UndecidedAsync(new StepAction(call.Step.Skill, parameters), NothingExecuted));
    }

    private async ValueTask<AttemptResult> PreparedAsync(
        StepCall call, SkillDescriptor? skill, IReadOnlyDictionary<string, CanonicalJson?> outcomes, IReadOnlySet<string>? unknowable, GateTurns gate, SkillFailure failure)
    {
        var began = _clock.GetTimestamp();
        var startedAt = _clock.GetUtcNow();
        var (parameters, _, _) = Prepare(call, skill, outcomes, unknowable);
        return Ended(call, skill, parameters, null, failure, startedAt, began, await gate.UndecidedAsync(new StepAction(call.Step.Skill, parameters), "nothing was executed: the origin has no such attempt"));
    }

    // Resolved and bound as they would be for a real execution: what this build makes of the plan is what is compared.
    private static (CanonicalJson Parameters, SkillFailure? Failure, bool Hidden) Prepare(
        StepCall call, SkillDescriptor? skill, IReadOnlyDictionary<string, CanonicalJson?> outcomes, IReadOnlySet<string>? unknowable)
    {
        var parameters = call.Step.Parameters;
        try
        {
            if (call.Step.HasReferences)
                parameters = ReferenceResolver.Resolve(parameters, outcomes, unknowable);
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
        StepCall call, SkillDescriptor? skill, CanonicalJson parameters, CanonicalJson? outcome, SkillFailure? failure, DateTimeOffset startedAt, long began, StepDecision decision) =>
        new(skill, parameters, outcome, failure, false, startedAt, Math.Round(_clock.GetElapsedTime(began).TotalMilliseconds, 3), 0, decision, 0)
        {
            Replay = _steps.TryGetValue((call.PlanIndex, call.Attempt), out var origin) && Wire.TryParse(origin.Recorded.ReplayBehavior, out ReplayBehavior behavior) ? behavior : null,
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
    private (int, int) KeyOf(StepRecording recording) =>
        recording.IdempotencyKey is { } key && int.TryParse(key.AsSpan(_run.Value.Length + 1) is var rest && rest.IndexOf(':') is var colon and >= 0 ? rest[..colon] : rest, NumberStyles.None, CultureInfo.InvariantCulture, out var index)
            ? (index, recording.RetryCount)
            : (-1, recording.RetryCount);
}
