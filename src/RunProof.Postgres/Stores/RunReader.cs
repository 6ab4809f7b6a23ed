using System.Data.Common;
using System.Globalization;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Postgres;

/// <summary>Rows of <c>runs</c>, by the order of <see cref="Columns"/>.</summary>
internal static class RunReader
{
    internal const string Columns =
        "tenant_id, id, agent_id, goal, origin_system_id, correlation_id, planner, plan_json, plan_redacted, idempotency_key, request_hash, status, attempts, "
        + "seed, frozen_timestamp, is_synthetic, synthetic_scenario_id, trace_parent, error_code, error_message, created_at, started_at, completed_at, "
        + "duration_ms, worker, lease_until, max_attempts, attempt_open, between_steps, priority, not_before, pause_requested_at, cancel_requested_at, "
        + "cancel_requested_by, cancel_reason, budget, origin_run_id, origin_trace_id, origin_from, replay_mode, created_by, asks_approval, await_log_opening, "
        + "parent_run_id, parent_trace_id, parent_plan_index, parent_plan_step, parent_attempt, parent_deadline, depth";

    /// <summary>How much is recorded of a run, and what it took, of the table <c>runs</c>: the last column, where it is asked for.</summary>
    internal const string Recorded = "runproof.told_of(runs.tenant_id, runs.id)";

    private static readonly int ToldAt = Columns.Count(c => c == ',') + 1;

    private static readonly string[] Names = ["queued", "running", "succeeded", "failed", "aborted", "paused", "cancelled", "waiting"];

    /// <summary>The word of a status.</summary>
    internal static string Name(RunStatus status) => Names[(int)status];

    private static readonly string[] Modes = ["check", "dry"];

    /// <summary>The word of a mode.</summary>
    internal static string? Name(ReplayMode? mode) => mode is { } given ? Modes[(int)given] : null;

    /// <summary>Reads a row that has <see cref="Recorded"/> behind the usual columns.</summary>
    internal static Run ReadTold(DbDataReader row)
    {
        if (row.IsDBNull(ToldAt))
            return Read(row);
        var told = row.GetFieldValue<string[]>(ToldAt);
        return Read(row) with
        {
            TraceCount = int.Parse(told[0], CultureInfo.InvariantCulture), StepCount = long.Parse(told[1], CultureInfo.InvariantCulture), CostCents = told[2],
            Tokens = long.Parse(told[3], CultureInfo.InvariantCulture),
        };
    }

    internal static Run Read(DbDataReader row) => new()
    {
        TenantId = TenantId.Parse(row.GetString(0)),
        Id = RunId.Parse(row.GetString(1)),
        AgentId = AgentId.Parse(row.GetString(2)),
        Goal = row.GetString(3),
        OriginSystemId = row.GetString(4),
        CorrelationId = CorrelationId.Parse(row.GetString(5)),
        Planner = row.GetString(6),
        PlanJson = row.GetString(7),
        PlanRedacted = row.GetBoolean(8),
        IdempotencyKey = row.TextOrNull(9),
        RequestHash = row.BytesOrNull(10) is { } hash ? new Digest(hash) : null,
        Status = (RunStatus)Array.IndexOf(Names, row.GetString(11)),
        Attempts = row.GetInt32(12),
        Seed = new SafeInteger(row.GetInt64(13)),
        FrozenTimestamp = row.TimeOrNull(14),
        IsSynthetic = row.GetBoolean(15),
        SyntheticScenarioId = row.TextOrNull(16),
        TraceParent = row.TextOrNull(17),
        ErrorCode = row.TextOrNull(18),
        ErrorMessage = row.TextOrNull(19),
        CreatedAt = row.GetFieldValue<DateTimeOffset>(20),
        StartedAt = row.TimeOrNull(21),
        CompletedAt = row.TimeOrNull(22),
        DurationMs = row.IsDBNull(23) ? null : row.GetDouble(23),
        Worker = row.TextOrNull(24),
        LeaseUntil = row.TimeOrNull(25),
        MaxAttempts = row.GetInt32(26),
        IsAttemptOpen = row.GetBoolean(27),
        IsBetweenSteps = row.GetBoolean(28),
        Priority = row.GetInt16(29),
        NotBefore = row.TimeOrNull(30),
        PauseRequestedAt = row.TimeOrNull(31),
        CancelRequestedAt = row.TimeOrNull(32),
        CancelRequestedBy = row.TextOrNull(33),
        CancelReason = row.TextOrNull(34),
        Budget = row.TextOrNull(35) is { } budget ? BudgetLimits.Parse(budget) : null,
        Origin = row.IsDBNull(36) ? null : new RunOrigin(
            RunId.Parse(row.GetString(36)), TraceId.Parse(row.GetString(37)), row.GetInt32(38), row.TextOrNull(39) is { } mode ? (ReplayMode)Array.IndexOf(Modes, mode) : null),
        CreatedBy = row.TextOrNull(40),
        AsksApproval = row.GetBoolean(41),
        AwaitsLogOpening = row.GetBoolean(42),
        Parent = row.IsDBNull(43) ? null : new RunParent(
            RunId.Parse(row.GetString(43)), TraceId.Parse(row.GetString(44)), row.GetInt32(45), row.GetString(46), row.GetInt32(47), row.GetFieldValue<DateTimeOffset>(48)),
        Depth = row.GetInt16(49),
    };
}
