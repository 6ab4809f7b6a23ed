using System.Data.Common;
using RunProof.Format;

namespace RunProof.Postgres;

/// <summary>
/// Rows of evidence as they are. A verifier must be able to say of every row what is wrong with it, so reading never fails: a null where the schema
/// allows none comes back as the empty text, as -1 or as NaN, and a time that no real time can be (infinity, before year 1, after 9999) as the
/// smallest or greatest value of its type; the schema's own checks keep all of these off true evidence.
/// </summary>
internal static class EvidenceReader
{
    internal const string TraceColumns =
        "tenant_id, trace_id, run_id, correlation_id, agent_id, origin_system_id, planner, seed, " + FrozenTimestamp + ", is_synthetic, synthetic_scenario_id, "
        + "schema_version, " + StartedAt + ", status, " + CompletedAt + ", " + ArchivedAt + ", link, chain_length, steps_root, root_hash, "
        + "goal_hash, plan_hash, context_hash, metadata_hash";

    internal const string TracePayloadColumns = "goal_salt, goal, plan_salt, plan, context_salt, context, metadata_salt, metadata";

    internal const string StepColumns =
        "step_index, skill_id, skill_name, skill_version, skill_schema, status, level, outcome_category, outcome_code, cost_cents::text, duration_ms, "
        + "retry_count, idempotency_key, replay_behavior, rng_state_before, source, " + Timestamp + ", link, input_hash, output_hash, context_hash";

    internal const string StepPayloadColumns = "params_salt, params, outcome_salt, outcome_data, context_salt, context";

    // The driver throws on a time that .NET cannot hold, so the server cuts it to a day that the schema refuses, at either end.
    private const string Early = " < '0001-01-01 00:00:00+00' THEN '0001-01-01 00:00:00+00' WHEN ";
    private const string Late = " > '9999-12-31 23:59:59.999999+00' THEN '9999-12-31 23:59:59.999999+00' ELSE ";
    private const string FrozenTimestamp = "CASE WHEN frozen_timestamp" + Early + "frozen_timestamp" + Late + "frozen_timestamp END";
    private const string StartedAt = "CASE WHEN started_at" + Early + "started_at" + Late + "started_at END";
    private const string CompletedAt = "CASE WHEN completed_at" + Early + "completed_at" + Late + "completed_at END";
    private const string ArchivedAt = "CASE WHEN archived_at" + Early + "archived_at" + Late + "archived_at END";
    private const string Timestamp = "CASE WHEN timestamp" + Early + "timestamp" + Late + "timestamp END";

    private const int TracePayloads = 24;
    private const int StepPayloads = 21;

    internal static RecordedTrace ReadTrace(DbDataReader row, bool payloads) => new()
    {
        TenantId = row.TextOrNull(0) ?? "",
        TraceId = row.TextOrNull(1) ?? "",
        RunId = row.TextOrNull(2) ?? "",
        CorrelationId = row.TextOrNull(3) ?? "",
        AgentId = row.TextOrNull(4),
        OriginSystemId = row.TextOrNull(5) ?? "",
        Planner = row.TextOrNull(6) ?? "",
        Seed = row.IsDBNull(7) ? null : row.GetInt64(7),
        FrozenTimestamp = row.TimeOrNull(8),
        IsSynthetic = row.IsDBNull(9) ? null : row.GetBoolean(9),
        SyntheticScenarioId = row.TextOrNull(10),
        SchemaVersion = row.TextOrNull(11) ?? "",
        StartedAt = row.TimeOrNull(12) ?? DateTimeOffset.MinValue,
        Status = row.TextOrNull(13) ?? "",
        CompletedAt = row.TimeOrNull(14),
        ArchivedAt = row.TimeOrNull(15),
        HeaderLink = row.BytesOrNull(16),
        ChainLength = row.IsDBNull(17) ? null : row.GetInt32(17),
        StepsRoot = row.BytesOrNull(18),
        RootHash = row.BytesOrNull(19),
        Goal = Payload(row, 20, TracePayloads, payloads),
        Plan = Payload(row, 21, TracePayloads + 2, payloads),
        Context = Payload(row, 22, TracePayloads + 4, payloads),
        Metadata = Payload(row, 23, TracePayloads + 6, payloads),
    };

    internal static RecordedStep ReadStep(DbDataReader row, bool payloads) => new()
    {
        StepIndex = row.IsDBNull(0) ? -1 : row.GetInt32(0),
        SkillId = row.TextOrNull(1) ?? "",
        SkillName = row.TextOrNull(2) ?? "",
        SkillVersion = row.TextOrNull(3),
        Schema = row.BytesOrNull(4),
        Status = row.TextOrNull(5) ?? "",
        Level = row.TextOrNull(6) ?? "",
        OutcomeCategory = row.TextOrNull(7) ?? "",
        OutcomeCode = row.TextOrNull(8),
        CostCents = row.TextOrNull(9) ?? "",
        DurationMs = row.IsDBNull(10) ? double.NaN : row.GetDouble(10),
        RetryCount = row.IsDBNull(11) ? -1 : row.GetInt32(11),
        IdempotencyKey = row.TextOrNull(12),
        ReplayBehavior = row.TextOrNull(13) ?? "",
        RngStateBefore = row.TextOrNull(14),
        Source = row.TextOrNull(15) ?? "",
        Timestamp = row.TimeOrNull(16) ?? DateTimeOffset.MinValue,
        Link = row.BytesOrNull(17),
        Input = Payload(row, 18, StepPayloads, payloads),
        Output = Payload(row, 19, StepPayloads + 2, payloads),
        Context = Payload(row, 20, StepPayloads + 4, payloads),
    };

    private static RecordedPayload Payload(DbDataReader row, int commitment, int salt, bool loaded) => loaded
        ? new RecordedPayload(row.BytesOrNull(commitment), row.BytesOrNull(salt), row.TextOrNull(salt + 1), Loaded: true)
        : new RecordedPayload(row.BytesOrNull(commitment), Salt: null, Text: null, Loaded: false);
}
