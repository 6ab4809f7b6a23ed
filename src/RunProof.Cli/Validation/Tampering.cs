using System.Globalization;
using RunProof.Format;

namespace RunProof.Cli;

/// <summary>A trace and its steps, as read back or changed.</summary>
/// <param name="Trace">The trace.</param>
/// <param name="Steps">The steps, in the order in which they are given to a verifier.</param>
internal sealed record Evidence(RecordedTrace Trace, IReadOnlyList<RecordedStep> Steps);

/// <summary>One way of changing evidence.</summary>
/// <param name="Change">What is changed, by the column's name: <c>header.agent_id</c>.</param>
/// <param name="Places">Where a verifier may find it: the column, or the record whose hash it breaks.</param>
/// <param name="Apply">Changes a copy.</param>
internal sealed record Tampering(string Change, IReadOnlyList<string> Places, Func<Evidence, Evidence> Apply)
{
    /// <summary>Whether a whole step was moved: then any of its columns may show it.</summary>
    internal bool MovesSteps { get; private init; }

    /// <summary>Whether a finding is where the change is.</summary>
    /// <param name="place">The finding's place.</param>
    internal bool IsFoundAt(string place) => Places.Contains(place) || (MovesSteps && Places.Any(step => place.StartsWith(step + ".", StringComparison.Ordinal)));

    /// <summary>Every way of changing one column of this evidence, and of dropping, adding and reordering its steps.</summary>
    /// <param name="evidence">The evidence.</param>
    internal static IEnumerable<Tampering> Of(Evidence evidence)
    {
        foreach (var (column, change) in HeaderColumns)
            yield return OfTrace("header", column, change);
        foreach (var tampering in OfPayloads("header", evidence, HeaderPayloads))
            yield return tampering;
        for (var i = 0; i < evidence.Steps.Count; i++)
        {
            var record = Record(i);
            foreach (var (column, change) in StepColumns)
                yield return OfStep(record, i, column, change);
            foreach (var tampering in OfPayloads(record, i, evidence.Steps[i]))
                yield return tampering;
        }

        foreach (var (column, change) in SealColumns)
            yield return OfTrace("seal", column, change);
        foreach (var tampering in OfPayloads("seal", evidence, SealPayloads))
            yield return tampering;
        foreach (var tampering in OfSteps(evidence))
            yield return tampering;
    }

    private static readonly (string Column, Func<RecordedTrace, RecordedTrace> Change)[] HeaderColumns =
    [
        ("trace_id", t => t with { TraceId = t.TraceId + "x" }),
        ("tenant_id", t => t with { TenantId = t.TenantId + "x" }),
        ("run_id", t => t with { RunId = t.RunId + "x" }),
        ("correlation_id", t => t with { CorrelationId = t.CorrelationId + "x" }),
        ("agent_id", t => t with { AgentId = t.AgentId + "x" }),
        ("origin_system_id", t => t with { OriginSystemId = t.OriginSystemId + "x" }),
        ("planner", t => t with { Planner = t.Planner + "x" }),
        ("seed", t => t with { Seed = t.Seed is null ? 0 : t.Seed + 1 }),
        ("frozen_timestamp", t => t with { FrozenTimestamp = (t.FrozenTimestamp ?? t.StartedAt).AddMicroseconds(1) }),
        ("is_synthetic", t => t with { IsSynthetic = !t.IsSynthetic }),
        ("synthetic_scenario_id", t => t with { SyntheticScenarioId = t.SyntheticScenarioId + "x" }),
        ("schema_version", t => t with { SchemaVersion = t.SchemaVersion + "x" }),
        ("started_at", t => t with { StartedAt = t.StartedAt.AddMicroseconds(1) }),
        ("link", t => t with { HeaderLink = Flip(t.HeaderLink) }),
    ];

    private static readonly (string Column, Func<RecordedTrace, RecordedTrace> Change)[] SealColumns =
    [
        ("status", t => t with { Status = t.Status == "completed" ? "failed" : "completed" }),
        ("completed_at", t => t with { CompletedAt = t.CompletedAt?.AddMicroseconds(1) }),
        ("chain_length", t => t with { ChainLength = t.ChainLength + 1 }),
        ("steps_root", t => t with { StepsRoot = Flip(t.StepsRoot) }),
        ("root_hash", t => t with { RootHash = Flip(t.RootHash) }),
    ];

    private static readonly (string Column, Func<RecordedStep, RecordedStep> Change)[] StepColumns =
    [
        ("step_index", s => s with { StepIndex = s.StepIndex + 1 }),
        ("skill_id", s => s with { SkillId = s.SkillId + "x" }),
        ("skill_name", s => s with { SkillName = s.SkillName + "x" }),
        ("skill_version", s => s with { SkillVersion = s.SkillVersion + "x" }),
        ("skill_schema", s => s with { Schema = Flip(s.Schema) }),
        ("status", s => s with { Status = s.Status == "skipped" ? "succeeded" : "skipped" }),
        ("level", s => s with { Level = s.Level == "WARN" ? "INFO" : "WARN" }),
        ("outcome_category", s => s with { OutcomeCategory = s.OutcomeCategory + "x" }),
        ("outcome_code", s => s with { OutcomeCode = s.OutcomeCode + "x" }),
        ("cost_cents", s => s with { CostCents = s.CostCents == "1" ? "2" : "1" }),
        ("duration_ms", s => s with { DurationMs = Math.BitIncrement(s.DurationMs) }),
        ("retry_count", s => s with { RetryCount = s.RetryCount + 1 }),
        ("idempotency_key", s => s with { IdempotencyKey = s.IdempotencyKey + "x" }),
        ("replay_behavior", s => s with { ReplayBehavior = s.ReplayBehavior == "check" ? "skip" : "check" }),
        ("rng_state_before", s => s with { RngStateBefore = s.RngStateBefore + "x" }),
        ("source", s => s with { Source = s.Source == "replay" ? "external" : "replay" }),
        ("timestamp", s => s with { Timestamp = s.Timestamp.AddMicroseconds(1) }),
        ("link", s => s with { Link = Flip(s.Link) }),
    ];

    private static readonly (string Text, string Salt, string Hash, Func<RecordedTrace, RecordedPayload> Read, Func<RecordedTrace, RecordedPayload, RecordedTrace> Write)[] HeaderPayloads =
    [
        ("goal", "goal_salt", "goal_hash", t => t.Goal, (t, p) => t with { Goal = p }),
        ("plan", "plan_salt", "plan_hash", t => t.Plan, (t, p) => t with { Plan = p }),
        ("context", "context_salt", "context_hash", t => t.Context, (t, p) => t with { Context = p }),
    ];

    private static readonly (string Text, string Salt, string Hash, Func<RecordedTrace, RecordedPayload> Read, Func<RecordedTrace, RecordedPayload, RecordedTrace> Write)[] SealPayloads =
    [
        ("metadata", "metadata_salt", "metadata_hash", t => t.Metadata, (t, p) => t with { Metadata = p }),
    ];

    private static readonly (string Text, string Salt, string Hash, Func<RecordedStep, RecordedPayload> Read, Func<RecordedStep, RecordedPayload, RecordedStep> Write)[] StepPayloads =
    [
        ("params", "params_salt", "input_hash", s => s.Input, (s, p) => s with { Input = p }),
        ("outcome_data", "outcome_salt", "output_hash", s => s.Output, (s, p) => s with { Output = p }),
        ("context", "context_salt", "context_hash", s => s.Context, (s, p) => s with { Context = p }),
    ];

    private static Tampering OfTrace(string record, string column, Func<RecordedTrace, RecordedTrace> change) =>
        new($"{record}.{column}", PlacesOf(record, column), evidence => evidence with { Trace = change(evidence.Trace) });

    private static Tampering OfStep(string record, int index, string column, Func<RecordedStep, RecordedStep> change) =>
        new($"{record}.{column}", PlacesOf(record, column), evidence => Replace(evidence, index, change));

    private static IEnumerable<Tampering> OfPayloads(
        string record,
        Evidence evidence,
        (string Text, string Salt, string Hash, Func<RecordedTrace, RecordedPayload> Read, Func<RecordedTrace, RecordedPayload, RecordedTrace> Write)[] payloads) =>
        from payload in payloads
        from changed in Changes(payload.Read(evidence.Trace), payload.Text, payload.Salt, payload.Hash)
        select new Tampering($"{record}.{changed.Column}", PlacesOfPayload(record, changed.Column, payload), copy => copy with { Trace = payload.Write(copy.Trace, changed.Payload) });

    private static IEnumerable<Tampering> OfPayloads(string record, int index, RecordedStep step) =>
        from payload in StepPayloads
        from changed in Changes(payload.Read(step), payload.Text, payload.Salt, payload.Hash)
        select new Tampering($"{record}.{changed.Column}", PlacesOfPayload(record, changed.Column, payload), copy => Replace(copy, index, s => payload.Write(s, changed.Payload)));

    /// <summary>Text, salt and commitment, each changed alone. Text and salt taken away together are no change: that is how an erasure looks.</summary>
    private static IEnumerable<(string Column, RecordedPayload Payload)> Changes(RecordedPayload payload, string text, string salt, string hash)
    {
        if (payload.Text is { } was)
        {
            yield return (text, payload with { Text = was + " " });
            yield return (text + " (taken away)", payload with { Text = null });
        }

        if (payload.Salt is not null)
        {
            yield return (salt, payload with { Salt = Flip(payload.Salt) });
            yield return (salt + " (taken away)", payload with { Salt = null });
        }

        yield return payload.Commitment is null ? (hash + " (made up)", payload with { Commitment = new byte[Digest.Length] }) : (hash, payload with { Commitment = Flip(payload.Commitment) });
    }

    private static IEnumerable<Tampering> OfSteps(Evidence evidence)
    {
        var count = evidence.Steps.Count;
        for (var i = 0; i < count; i++)
        {
            var dropped = i;
            yield return Moving($"{Record(i)} dropped", [Record(i), "seal.chain_length"], e => e with { Steps = [.. e.Steps.Where((_, at) => at != dropped)] });
        }

        if (count > 0)
        {
            yield return Moving(
                $"{Record(count)} added, a copy of the last", [Record(count), "seal.chain_length"], e => e with { Steps = [.. e.Steps, e.Steps[^1] with { StepIndex = count }] });
            yield return Moving($"{Record(0)} repeated", [Record(0), Record(1)], e => e with { Steps = [e.Steps[0], .. e.Steps] });
        }

        for (var i = 0; i + 1 < count; i++)
        {
            var first = i;
            yield return Moving($"{Record(i)} and {Record(i + 1)} exchanged, their indexes too", [Record(i), Record(i + 1)], e => e with { Steps = Exchange(e.Steps, first) });
        }

        yield return new Tampering("seal.status back to running", ["seal.status"], e => e with { Trace = e.Trace with { Status = "running" } });
    }

    private static Tampering Moving(string change, IReadOnlyList<string> places, Func<Evidence, Evidence> apply) => new(change, places, apply) { MovesSteps = true };

    private static IReadOnlyList<RecordedStep> Exchange(IReadOnlyList<RecordedStep> steps, int at)
    {
        var copy = steps.ToList();
        (copy[at], copy[at + 1]) = (copy[at + 1] with { StepIndex = at }, copy[at] with { StepIndex = at + 1 });
        return copy;
    }

    private static Evidence Replace(Evidence evidence, int index, Func<RecordedStep, RecordedStep> change) =>
        evidence with { Steps = [.. evidence.Steps.Select((step, at) => at == index ? change(step) : step)] };

    private static IReadOnlyList<string> PlacesOf(string record, string column) => record == "seal"
        ? [$"seal.{column}", column, "seal", "root_hash"]
        : [$"{record}.{column}", record];

    // A payload's text and salt can only be told apart by its commitment, which names them: no other place will do.
    private static IReadOnlyList<string> PlacesOfPayload<T>(
        string record, string column, (string Text, string Salt, string Hash, Func<T, RecordedPayload> Read, Func<T, RecordedPayload, T> Write) payload) =>
        column.StartsWith(payload.Hash, StringComparison.Ordinal)
            ? [.. PlacesOf(record, payload.Hash), $"{record}.{payload.Text}", $"{record}.{payload.Salt}"]
            : [$"{record}.{payload.Text}", $"{record}.{payload.Salt}"];

    private static string Record(int index) => string.Create(CultureInfo.InvariantCulture, $"steps[{index}]");

    private static byte[] Flip(byte[]? value)
    {
        var copy = value is { Length: > 0 } ? (byte[])value.Clone() : new byte[Digest.Length];
        copy[^1] ^= 1;
        return copy;
    }
}
