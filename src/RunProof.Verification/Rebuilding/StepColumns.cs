using RunProof.Format;

namespace RunProof.Verification;

/// <summary>A step, from its columns.</summary>
internal static class StepColumns
{
    /// <returns>The step; null where a column is no value of the format, which is then among the findings.</returns>
    internal static TraceStep? Rebuild(RecordedStep step, Place place, List<Judged> findings)
    {
        var columns = new ColumnReader(place, EvidenceCheck.HashChain, findings);
        if (!Wire.TryParse(step.Status, out StepStatus status))
            columns.RefuseWord("status", step.Status);
        if (!Wire.TryParse(step.Level, out StepLevel level))
            columns.RefuseWord("level", step.Level);
        if (!Wire.TryParse(step.Source, out StepSource source))
            columns.RefuseWord("source", step.Source);
        if (!Wire.TryParse(step.ReplayBehavior, out ReplayBehavior replay))
            columns.RefuseWord("replay_behavior", step.ReplayBehavior);
        var rebuilt = new TraceStep
        {
            ContextHash = columns.OptionalDigest("context_hash", step.Context.Commitment),
            CostCents = columns.Decimal("cost_cents", step.CostCents),
            DurationMs = columns.Number("duration_ms", step.DurationMs),
            IdempotencyKey = columns.OptionalText("idempotency_key", step.IdempotencyKey),
            InputHash = columns.Digest("input_hash", step.Input.Commitment),
            Level = level,
            OutcomeCategory = columns.Text("outcome_category", step.OutcomeCategory),
            OutcomeCode = columns.OptionalText("outcome_code", step.OutcomeCode),
            OutputHash = columns.OptionalDigest("output_hash", step.Output.Commitment),
            ReplayBehavior = replay,
            RetryCount = step.RetryCount,
            RngStateBefore = columns.OptionalText("rng_state_before", step.RngStateBefore),
            Schema = columns.OptionalDigest("skill_schema", step.Schema),
            SkillId = columns.Text("skill_id", step.SkillId),
            SkillName = columns.Text("skill_name", step.SkillName),
            SkillVersion = columns.OptionalText("skill_version", step.SkillVersion),
            Source = source,
            Status = status,
            StepIndex = step.StepIndex,
            Timestamp = columns.Time("timestamp", step.Timestamp),
        };
        return columns.IsWhole ? rebuilt : null;
    }
}
