using System.Globalization;
using RunProof.Format;

namespace RunProof.Ledger;

/// <summary>What a record may hold, checked before it is queued: a value that cannot be recorded is its caller's mistake, not the store's.</summary>
internal static class RecordingLimits
{
    /// <summary>Characters of a name: a skill's, an origin system's, a scenario's.</summary>
    internal const int Name = 128;

    /// <summary>Characters of a word: an outcome's category or code, a planner, a version.</summary>
    internal const int Word = 64;

    /// <summary>Characters of a key (a run's id, a colon and an index), or of a generator's state.</summary>
    internal const int Key = 256;

    // A day off both ends of what the wire can spell: the store's own ends are infinities.
    private static readonly DateTimeOffset Earliest = DateTimeOffset.MinValue.AddDays(1);
    private static readonly DateTimeOffset Latest = new(9999, 12, 31, 0, 0, 0, TimeSpan.Zero);

    internal static void Check(TraceOpening opening)
    {
        CheckIds(opening.TenantId, opening.TraceId);
        Id(opening.RunId.Value, nameof(opening.RunId));
        Id(opening.CorrelationId.Value, nameof(opening.CorrelationId));
        if (opening.AgentId is { } agent)
            Id(agent.Value, nameof(opening.AgentId));
        Text(opening.OriginSystemId, Name, nameof(opening.OriginSystemId));
        Text(opening.Planner, Word, nameof(opening.Planner));
        OptionalText(opening.SyntheticScenarioId, Name, nameof(opening.SyntheticScenarioId));
        Time(opening.StartedAt, nameof(opening.StartedAt));
        Time(opening.FrozenTimestamp ?? opening.StartedAt, nameof(opening.FrozenTimestamp));
        Begins(opening.Goal, (byte)'"', "a JSON string", nameof(opening.Goal));
        Begins(opening.Plan, (byte)'[', "a JSON array", nameof(opening.Plan));
        Object(opening.Context, nameof(opening.Context));
        Intents(opening.FirstSteps, nameof(opening.FirstSteps));
    }

    internal static void Check(StepRecording step, StepIntents next)
    {
        Text(step.SkillId, Name, nameof(step.SkillId));
        Text(step.SkillName, Name, nameof(step.SkillName));
        OptionalText(step.SkillVersion, Word, nameof(step.SkillVersion));
        Text(step.OutcomeCategory, Word, nameof(step.OutcomeCategory));
        OptionalText(step.OutcomeCode, Word, nameof(step.OutcomeCode));
        OptionalText(step.IdempotencyKey, Key, nameof(step.IdempotencyKey));
        OptionalText(step.RngStateBefore, Key, nameof(step.RngStateBefore));
        Known(step.Status, nameof(step.Status));
        Known(step.ReplayBehavior, nameof(step.ReplayBehavior));
        Known(step.Source, nameof(step.Source));
        if (!double.IsFinite(step.DurationMs) || step.DurationMs < 0)
            throw new ArgumentOutOfRangeException(nameof(step), step.DurationMs, "DurationMs is finite and at least 0");
        ArgumentOutOfRangeException.ThrowIfNegative(step.CostCents, nameof(step.CostCents));
        ArgumentOutOfRangeException.ThrowIfNegative(step.RetryCount, nameof(step.RetryCount));
        Time(step.Timestamp, nameof(step.Timestamp));
        ArgumentNullException.ThrowIfNull(step.Parameters, nameof(step.Parameters));
        Object(step.Context, nameof(step.Context));
        DecisionMember.Check(step.Context);
        Decision(step);
        Intents(next, nameof(next));
    }

    // What a policy refused was not executed, and what was executed had been let through: a record that says otherwise is refused.
    private static void Decision(StepRecording step)
    {
        ArgumentNullException.ThrowIfNull(step.Decision, nameof(step.Decision));
        var kind = step.Decision.Kind;
        if (kind is StepDecisionKind.NotGoverned && step.Source is StepSource.Engine)
            throw new ArgumentException("Decision: what the engine executes is governed", nameof(step));
        if (kind is StepDecisionKind.Denied or StepDecisionKind.ApprovalRequired && step.Status is not StepStatus.Blocked)
            throw new ArgumentException($"Decision: a step that may not be executed is recorded blocked, not {Wire.Name(step.Status)}", nameof(step));
        if (step.Decision.MayExecute && step.Status is StepStatus.Blocked)
            throw new ArgumentException("Decision: a step that may be executed is not recorded blocked", nameof(step));
        // Nothing is decided of what is not executed, and what was decided of is not passed over in silence.
        if (step.Status is StepStatus.Skipped && step.Source is (StepSource.Engine or StepSource.Replay) && kind is not StepDecisionKind.Undecided)
            throw new ArgumentException("Decision: a step that is skipped is not decided of", nameof(step));
        // In a replay a step may succeed for which nothing was executed: its outcome is its origin's.
        if (kind is StepDecisionKind.Undecided && (step.Status is StepStatus.Blocked || (step.Status is StepStatus.Succeeded && step.Source is not StepSource.Replay)))
            throw new ArgumentException($"Decision: a step that was not decided of is not recorded {Wire.Name(step.Status)}", nameof(step));
    }

    internal static void Check(StepIntents intents) => Intents(intents, nameof(intents));

    internal static void Check(TraceClosing closing)
    {
        Known(closing.Status, nameof(closing.Status));
        Time(closing.CompletedAt, nameof(closing.CompletedAt));
        Object(closing.Metadata, nameof(closing.Metadata));
    }

    internal static void CheckIds(TenantId tenant, TraceId trace)
    {
        Id(tenant.Value, nameof(tenant));
        Id(trace.Value, nameof(trace));
    }

    private static void Id(string value, string name)
    {
        if (value.Length == 0)
            throw new ArgumentException($"{name} is missing", name);
    }

    private static void OptionalText(string? value, int most, string name)
    {
        if (value is not null)
            Text(value, most, name);
    }

    private static void Text(string? value, int most, string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(value, name);
        if (value.Length > most)
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"{name} has {value.Length} characters, at most {most} can be recorded"), name);
        if (value.Contains('\0', StringComparison.Ordinal))
            throw new ArgumentException($"{name} holds a NUL, which cannot be recorded", name);
    }

    private static void Time(DateTimeOffset value, string name)
    {
        if (value < Earliest || value >= Latest)
            throw new ArgumentOutOfRangeException(name, value, $"{name} is from {WireTime.ToText(Earliest)} to before {WireTime.ToText(Latest)}");
    }

    private static void Known<T>(T value, string name)
        where T : struct, Enum
    {
        if (!Enum.IsDefined(value))
            throw new ArgumentOutOfRangeException(name, value, $"not a {typeof(T).Name}");
    }

    private static void Object(CanonicalJson? value, string name)
    {
        if (value is not null)
            Begins(value, (byte)'{', "a JSON object", name);
    }

    private static void Begins(CanonicalJson value, byte first, string what, string name)
    {
        ArgumentNullException.ThrowIfNull(value, name);
        if (value.Bytes.IsEmpty || value.Bytes.Span[0] != first)
            throw new ArgumentException($"{name} must be {what}", name);
    }

    private static void Intents(StepIntents intents, string name)
    {
        if (intents.Count > StepIntents.Most)
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"{name}: {intents.Count} steps are announced, at most {StepIntents.Most} can be"), name);
        for (var i = 0; i < intents.Count; i++)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(intents[i].PlanIndex, name);
            ArgumentOutOfRangeException.ThrowIfNegative(intents[i].Attempt, name);
            Time(intents[i].StartedAt, name);
        }
    }
}
