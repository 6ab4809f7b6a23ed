using RunProof.Format;

namespace RunProof.Verification;

/// <summary>One column with the value under which everything holds: since SHA-256 does not collide, this is the column that was changed.</summary>
internal readonly record struct Suspect(string Column, string Holds);

/// <summary>
/// A record that does not give its link: which single column was it? For columns whose former value can be guessed (few words, or derived from
/// something that is still there) every guess is tried; for the others only the record can be named.
/// </summary>
internal static class Suspects
{
    private const int MostRetries = 16;

    internal static Suspect? InHeader(TraceHeader header, RecordedTrace trace, VerificationOptions options, Func<TraceHeader, bool> holds) =>
        First(Headers(header, trace, options), holds);

    internal static Suspect? InStep(TraceStep step, RecordedStep recorded, Func<TraceStep, bool> holds) => First(Steps(step, recorded), holds);

    internal static Suspect? InSeal(TraceSeal seal, RecordedTrace trace, int steps, Digest? stepsRoot, Func<TraceSeal, bool> holds) =>
        First(Seals(seal, trace, steps, stepsRoot), holds);

    private static Suspect? First<T>(IEnumerable<(Suspect Suspect, T Record)> guesses, Func<T, bool> holds)
    {
        foreach (var (suspect, record) in guesses)
        {
            if (holds(record))
                return suspect;
        }

        return null;
    }

    private static IEnumerable<(Suspect Suspect, TraceHeader Record)> Headers(TraceHeader header, RecordedTrace trace, VerificationOptions options)
    {
        if (PayloadJudge.CommitmentOf(trace.Goal) is { } goal)
            yield return (Committed("goal_hash"), header with { GoalHash = goal });
        if (PayloadJudge.CommitmentOf(trace.Plan) is { } plan)
            yield return (Committed("plan_hash"), header with { PlanHash = plan });
        if (PayloadJudge.CommitmentOf(trace.Context) is { } context)
            yield return (Committed("context_hash"), header with { ContextHash = context });
        if (header.ContextHash is not null)
            yield return (Null("context_hash"), header with { ContextHash = null });
        yield return (Word("is_synthetic", header.IsSynthetic ? "false" : "true"), header with { IsSynthetic = !header.IsSynthetic });
        if (header.SyntheticScenarioId is not null)
            yield return (Null("synthetic_scenario_id"), header with { SyntheticScenarioId = null });
        if (header.FrozenTimestamp is not null)
            yield return (Null("frozen_timestamp"), header with { FrozenTimestamp = null });
        if (header.AgentId is not null)
            yield return (Null("agent_id"), header with { AgentId = null });
        if (options.Tenant is { } tenant)
            yield return (Word("tenant_id", tenant.Value), header with { TenantId = tenant });
        if (options.Run is { } run)
            yield return (Word("run_id", run.Value), header with { RunId = run });
        if (header.TraceId.Value.StartsWith("trace_", StringComparison.Ordinal) && RunId.TryParse(header.TraceId.Value["trace_".Length..], out var named))
            yield return (Word("run_id", named.Value), header with { RunId = named });
        if (TraceId.TryParse($"trace_{header.RunId}", out var traceId))
            yield return (Word("trace_id", traceId.Value), header with { TraceId = traceId });
        if (CorrelationId.TryParse(header.RunId.Value, out var correlation))
            yield return (Word("correlation_id", correlation.Value), header with { CorrelationId = correlation });
        foreach (var planner in (string[])["stub", "given"])
            yield return (Word("planner", planner), header with { Planner = planner });
        foreach (var seed in (long[])[0, 42])
            yield return (Word("seed", seed == 0 ? "0" : "42"), header with { Seed = new SafeInteger(seed) });
    }

    private static IEnumerable<(Suspect Suspect, TraceStep Record)> Steps(TraceStep step, RecordedStep recorded)
    {
        if (PayloadJudge.CommitmentOf(recorded.Input) is { } input)
            yield return (Committed("input_hash"), step with { InputHash = input });
        if (PayloadJudge.CommitmentOf(recorded.Output) is { } output)
            yield return (Committed("output_hash"), step with { OutputHash = output });
        if (PayloadJudge.CommitmentOf(recorded.Context) is { } context)
            yield return (Committed("context_hash"), step with { ContextHash = context });
        foreach (var level in Enum.GetValues<StepLevel>())
            yield return (Word("level", Wire.Name(level)), step with { Level = level });
        foreach (var status in Enum.GetValues<StepStatus>())
            yield return (Word("status", Wire.Name(status)), step with { Status = status });
        foreach (var source in Enum.GetValues<StepSource>())
            yield return (Word("source", Wire.Name(source)), step with { Source = source });
        foreach (var replay in Enum.GetValues<ReplayBehavior>())
            yield return (Word("replay_behavior", Wire.Name(replay)), step with { ReplayBehavior = replay });
        for (var retries = 0; retries < MostRetries; retries++)
            yield return (Word("retry_count", retries.ToString(System.Globalization.CultureInfo.InvariantCulture)), step with { RetryCount = retries });
        yield return (Word("cost_cents", "0"), step with { CostCents = 0 });
        yield return (Word("skill_id", step.SkillName), step with { SkillId = step.SkillName });
        yield return (Word("skill_name", step.SkillId), step with { SkillName = step.SkillId });
        foreach (var category in (string[])["SUCCESS", "FAILURE"])
            yield return (Word("outcome_category", category), step with { OutcomeCategory = category });
        foreach (var (column, without) in Nulls(step))
            yield return (Null(column), without);
    }

    private static IEnumerable<(string Column, TraceStep Record)> Nulls(TraceStep step)
    {
        if (step.OutputHash is not null)
            yield return ("output_hash", step with { OutputHash = null });
        if (step.ContextHash is not null)
            yield return ("context_hash", step with { ContextHash = null });
        if (step.OutcomeCode is not null)
            yield return ("outcome_code", step with { OutcomeCode = null });
        if (step.IdempotencyKey is not null)
            yield return ("idempotency_key", step with { IdempotencyKey = null });
        if (step.RngStateBefore is not null)
            yield return ("rng_state_before", step with { RngStateBefore = null });
        if (step.SkillVersion is not null)
            yield return ("skill_version", step with { SkillVersion = null });
        if (step.Schema is not null)
            yield return ("skill_schema", step with { Schema = null });
    }

    private static IEnumerable<(Suspect Suspect, TraceSeal Record)> Seals(TraceSeal seal, RecordedTrace trace, int steps, Digest? stepsRoot)
    {
        foreach (var status in Enum.GetValues<SealStatus>())
            yield return (Word("status", Wire.Name(status)), seal with { Status = status });
        if (PayloadJudge.CommitmentOf(trace.Metadata) is { } metadata)
            yield return (Committed("metadata_hash"), seal with { MetadataHash = metadata });
        if (seal.MetadataHash is not null)
            yield return (Null("metadata_hash"), seal with { MetadataHash = null });
        yield return (Word("chain_length", steps.ToString(System.Globalization.CultureInfo.InvariantCulture)), seal with { ChainLength = steps });
        if (stepsRoot is { } root)
            yield return (Word("steps_root", root.ToString()), seal with { StepsRoot = root });
    }

    private static Suspect Committed(string column) => new(column, "the commitment to the payload that is there");

    private static Suspect Word(string column, string word) => new(column, ColumnReader.Quote(word));

    private static Suspect Null(string column) => new(column, "null");
}
