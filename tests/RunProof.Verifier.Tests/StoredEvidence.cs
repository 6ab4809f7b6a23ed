using Npgsql;
using NpgsqlTypes;
using RunProof.Format;
using RunProof.ServiceDefaults;
using RunProof.Verification.Tests;

namespace RunProof.Verifier.Tests;

/// <summary>Puts the evidence of a bundle into the tables by plain SQL, in the order in which a recorder would: open, append, seal. No code of ours computes a hash.</summary>
internal static class StoredEvidence
{
    internal static async Task<string> CreateKeyAsync(NpgsqlDataSource admin, string tenant, string scope = "auditor")
    {
        var key = VerifierService.NewKey();
        await ExecuteAsync(admin, "INSERT INTO runproof.tenants (tenant_id) VALUES ($1) ON CONFLICT DO NOTHING", tenant);
        await ExecuteAsync(
            admin,
            "INSERT INTO runproof.api_keys (id, tenant_id, secret_hash, name, scope, created_at) VALUES ($1, $2, $3, 'test', $4, now())",
            $"key_{Guid.NewGuid():N}", tenant, ApiKeySecret.HashOf(key).ToArray(), scope);
        return key;
    }

    internal static Task StoreAsync(NpgsqlDataSource admin, Evidence evidence, bool seal = true) =>
        StoreAsync((sql, values) => ExecuteAsync(admin, sql, values), evidence, seal);

    internal static async Task StoreAsync(Func<string, object?[], Task> execute, Evidence evidence, bool seal)
    {
        var trace = evidence.Trace;
        await execute(
            """
            INSERT INTO aos_traces (tenant_id, trace_id, run_id, correlation_id, agent_id, origin_system_id, planner, seed, frozen_timestamp, is_synthetic,
                synthetic_scenario_id, schema_version, status, started_at, goal, goal_salt, goal_hash, plan, plan_salt, plan_hash, context, context_salt, context_hash, link)
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 'running', $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23)
            """,
            [
                trace.TenantId, trace.TraceId, trace.RunId, trace.CorrelationId, trace.AgentId, trace.OriginSystemId, trace.Planner, trace.Seed, trace.FrozenTimestamp,
                trace.IsSynthetic, trace.SyntheticScenarioId, trace.SchemaVersion, trace.StartedAt, trace.Goal.Text, trace.Goal.Salt, trace.Goal.Commitment, trace.Plan.Text,
                trace.Plan.Salt, trace.Plan.Commitment, trace.Context.Text, trace.Context.Salt, trace.Context.Commitment, trace.HeaderLink,
            ]);
        foreach (var step in evidence.Steps)
            await AppendAsync(execute, trace, step);
        if (seal)
            await SealAsync(execute, trace);
    }

    internal static async Task ExecuteAsync(NpgsqlDataSource admin, string sql, params object?[] values)
    {
        await using var command = admin.CreateCommand(sql);
        foreach (var value in values)
            command.Parameters.Add(Parameter(value));
        await command.ExecuteNonQueryAsync();
    }

    internal static async Task<List<string>> ListAsync(NpgsqlDataSource admin, string sql)
    {
        await using var command = admin.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<string>();
        while (await reader.ReadAsync())
            rows.Add(reader.GetString(0));
        return rows;
    }

    private static Task AppendAsync(Func<string, object?[], Task> execute, RecordedTrace trace, RecordedStep step) => execute(
        """
        INSERT INTO aos_trace_steps (tenant_id, trace_id, step_index, skill_id, skill_name, skill_version, skill_schema, status, level, outcome_category, outcome_code,
            cost_cents, duration_ms, retry_count, idempotency_key, replay_behavior, rng_state_before, source, timestamp, params, params_salt, input_hash,
            outcome_data, outcome_salt, output_hash, context, context_salt, context_hash, link)
          VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12::numeric, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29)
        """,
        [
            trace.TenantId, trace.TraceId, step.StepIndex, step.SkillId, step.SkillName, step.SkillVersion, step.Schema, step.Status, step.Level, step.OutcomeCategory,
            step.OutcomeCode, step.CostCents, step.DurationMs, step.RetryCount, step.IdempotencyKey, step.ReplayBehavior, step.RngStateBefore, step.Source, step.Timestamp,
            step.Input.Text, step.Input.Salt, step.Input.Commitment, step.Output.Text, step.Output.Salt, step.Output.Commitment, step.Context.Text, step.Context.Salt,
            step.Context.Commitment, step.Link,
        ]);

    private static Task SealAsync(Func<string, object?[], Task> execute, RecordedTrace trace) => execute(
        """
        UPDATE aos_traces SET status = $3, completed_at = $4, metadata = $5, metadata_salt = $6, metadata_hash = $7, chain_length = $8, steps_root = $9, root_hash = $10
          WHERE tenant_id = $1 AND trace_id = $2
        """,
        [
            trace.TenantId, trace.TraceId, trace.Status, trace.CompletedAt, trace.Metadata.Text, trace.Metadata.Salt, trace.Metadata.Commitment, trace.ChainLength,
            trace.StepsRoot, trace.RootHash,
        ]);

    internal static NpgsqlParameter Parameter(object? value) => value is DateTimeOffset time
        ? new NpgsqlParameter { Value = time.ToUniversalTime(), NpgsqlDbType = NpgsqlDbType.TimestampTz }
        : new NpgsqlParameter { Value = value ?? DBNull.Value };
}
