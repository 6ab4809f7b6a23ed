using Npgsql;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Postgres;

/// <summary>The calls of the recording functions (Schema: recording, intents), one a kind of entry. Their parameters' order is the functions'.</summary>
internal static class RecordingSql
{
    private const string OpeningsSql =
        """
        SELECT entry, outcome, existing FROM runproof.record_openings($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18,
          $19, $20, $21, $22, $23, $24, $25, $26, $27)
        """;

    private const string StepsSql =
        """
        SELECT entry, outcome, existing FROM runproof.record_steps($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19,
          $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, $31, $32, $33, $34, $35)
        """;

    private const string SealsSql =
        "SELECT entry, outcome, existing FROM runproof.record_seals($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";

    internal static NpgsqlBatchCommand Openings(ReadOnlySpan<OpenEntry> entries)
    {
        var command = new NpgsqlBatchCommand(OpeningsSql);
        new Columns<OpenEntry>(command, entries)
            .Text(e => e.TraceId.Value).Text(e => e.TenantId.Value)
            .Text(e => e.Header.RunId.Value)
            .Text(e => e.Header.CorrelationId.Value)
            .Text(e => e.Header.AgentId?.Value)
            .Text(e => e.Header.OriginSystemId)
            .Text(e => e.Header.Planner)
            .Long(e => e.Header.Seed.Value)
            .OptionalTime(e => e.Header.FrozenTimestamp)
            .Boolean(e => e.Header.IsSynthetic)
            .Text(e => e.Header.SyntheticScenarioId)
            .Text(e => e.Header.Format)
            .Time(e => e.Header.StartedAt)
            .Payload(e => e.Goal)
            .Payload(e => e.Plan)
            .Payload(e => e.Context)
            .Digest(e => e.Link)
            .Intents(e => e.Intents);
        return command;
    }

    internal static NpgsqlBatchCommand Steps(ReadOnlySpan<AppendEntry> entries)
    {
        var command = new NpgsqlBatchCommand(StepsSql);
        new Columns<AppendEntry>(command, entries)
            .Text(e => e.TraceId.Value).Text(e => e.TenantId.Value)
            .Long(e => e.Epoch)
            .Digest(e => e.Previous)
            .Digest(e => e.Link)
            .Intents(e => e.Intents)
            .Integer(e => e.Step.StepIndex)
            .Text(e => e.Step.SkillId)
            .Text(e => e.Step.SkillName)
            .Text(e => e.Step.SkillVersion)
            .OptionalDigest(e => e.Step.Schema)
            .Text(e => Wire.Name(e.Step.Status))
            .Text(e => Wire.Name(e.Step.Level))
            .Text(e => e.Step.OutcomeCategory)
            .Text(e => e.Step.OutcomeCode)
            .Decimal(e => e.Step.CostCents)
            .Double(e => e.Step.DurationMs)
            .Integer(e => e.Step.RetryCount)
            .Text(e => e.Step.IdempotencyKey)
            .Text(e => Wire.Name(e.Step.ReplayBehavior))
            .Text(e => e.Step.RngStateBefore)
            .Text(e => Wire.Name(e.Step.Source))
            .Time(e => e.Step.Timestamp)
            .Payload(e => e.Parameters)
            .Payload(e => e.Outcome)
            .Payload(e => e.Context);
        return command;
    }

    internal static NpgsqlBatchCommand Seals(ReadOnlySpan<SealEntry> entries)
    {
        var command = new NpgsqlBatchCommand(SealsSql);
        new Columns<SealEntry>(command, entries)
            .Text(e => e.TraceId.Value).Text(e => e.TenantId.Value)
            .Long(e => e.Epoch)
            .Digest(e => e.Last)
            .Integer(e => e.Seal.ChainLength)
            .Text(e => Wire.Name(e.Seal.Status))
            .Time(e => e.Seal.CompletedAt)
            .Payload(e => e.Metadata)
            .Digest(e => e.Seal.StepsRoot)
            .Digest(e => e.RootHash);
        return command;
    }
}
