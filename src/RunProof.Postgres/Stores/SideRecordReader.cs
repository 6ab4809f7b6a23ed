using System.Text.Json.Nodes;
using Npgsql;
using RunProof.Ledger;

namespace RunProof.Postgres;

/// <summary>Reads side records as they are: digests in hex, times as evidence spells them, decimals without trailing zeros.</summary>
internal static class SideRecordReader
{
    /// <summary>Since when this database keeps them: since the file that made their tables was applied.</summary>
    internal const string SinceSql = "SELECT applied_at FROM runproof.schema_migrations WHERE name LIKE '%\\_side\\_records.sql'";

    private const string GovernanceSql =
        """
        SELECT json_build_object(
            'id', id, 'tenant_id', tenant_id, 'run_id', run_id, 'trace_id', trace_id, 'outcome', outcome,
            'termination_reason', termination_reason, 'stopped_at_step', stopped_at_step, 'policy_decisions', policy_decisions,
            'policy_id', policy_id, 'policy_version', policy_version, 'policy_digest', policy_digest, 'rule_id', rule_id, 'incident', incident,
            'completed_at', to_char(completed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))::text
          FROM public.governance_records WHERE run_id = $1 AND tenant_id = $2 ORDER BY completed_at, id
        """;

    private const string IncidentsSql =
        """
        SELECT json_build_object(
            'id', id, 'tenant_id', tenant_id, 'source_run_id', source_run_id, 'trace_id', trace_id, 'step_index', step_index,
            'step_link', encode(step_link, 'hex'), 'title', title, 'outcome', outcome, 'trigger_type', trigger_type, 'severity', severity,
            'category', category, 'error_code', error_code, 'affected_agent_id', affected_agent_id, 'is_synthetic', is_synthetic,
            'synthetic_scenario_id', synthetic_scenario_id,
            'occurred_at', to_char(occurred_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))::text
          FROM public.incidents WHERE source_run_id = $1 AND tenant_id = $2 ORDER BY occurred_at, id
        """;

    private const string IntegritySql =
        """
        SELECT json_build_object(
            'tenant_id', tenant_id, 'run_id', run_id, 'trace_id', trace_id, 'expected_artifacts', expected_artifacts,
            'observed_artifacts', observed_artifacts, 'missing_artifacts', missing_artifacts, 'integrity_score', integrity_score,
            'integrity_status', integrity_status, 'verification_method', verification_method,
            'observed_at', to_char(observed_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))::text
          FROM public.integrity_evidence WHERE run_id = $1 AND tenant_id = $2 ORDER BY observed_at, trace_id
        """;

    private const string ModelsSql =
        """
        SELECT json_build_object(
            'tenant_id', tenant_id, 'run_id', run_id, 'trace_id', trace_id, 'step_index', step_index, 'step_link', encode(step_link, 'hex'),
            'provider', provider, 'model', model, 'prompt_hash', encode(prompt_hash, 'hex'), 'response_hash', encode(response_hash, 'hex'),
            'input_tokens', input_tokens, 'cached_tokens', cached_tokens, 'output_tokens', output_tokens, 'reasoning_tokens', reasoning_tokens,
            'price_version', price_version, 'cost_cents', trim_scale(cost_cents)::text, 'execution_status', execution_status,
            'started_at', to_char(started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), 'duration_ms', duration_ms)::text
          FROM public.llm_run_records WHERE run_id = $1 AND tenant_id = $2 ORDER BY started_at, trace_id, step_index
        """;

    private const string PoliciesSql =
        """
        SELECT json_build_object(
            'tenant_id', tenant_id, 'run_id', run_id, 'trace_id', trace_id, 'step_index', step_index, 'step_link', encode(step_link, 'hex'),
            'decision', decision, 'policy_id', policy_id, 'policy_version', policy_version, 'policy_digest', policy_digest, 'rule_id', rule_id,
            'blocked', blocked, 'decisions', decisions,
            'evaluated_at', to_char(evaluated_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'))::text
          FROM public.policy_evaluations WHERE run_id = $1 AND tenant_id = $2 ORDER BY trace_id, step_index
        """;

    /// <summary>A query for each table, with $1 for the run and $2 for the tenant, which stands here too: an owner's connection is under no row-level security.</summary>
    internal static IReadOnlyList<(string Table, string Sql)> Tables { get; } =
    [
        (SideRecordTables.Governance, GovernanceSql),
        (SideRecordTables.Incidents, IncidentsSql),
        (SideRecordTables.Integrity, IntegritySql),
        (SideRecordTables.Models, ModelsSql),
        (SideRecordTables.Policies, PoliciesSql),
    ];

    /// <summary>Reads what <see cref="SinceSql"/> and <see cref="Tables"/> gave, in this order.</summary>
    internal static async Task<RecordedSideRecords> ReadAsync(NpgsqlDataReader reader, CancellationToken cancellationToken)
    {
        var since = await reader.ReadAsync(cancellationToken) ? await reader.GetFieldValueAsync<DateTimeOffset>(0, cancellationToken) : DateTimeOffset.MinValue;
        var rows = new List<SideRecord>();
        foreach (var (table, _) in Tables)
        {
            await reader.NextResultAsync(cancellationToken);
            while (await reader.ReadAsync(cancellationToken))
                rows.Add(new SideRecord(table, JsonNode.Parse(reader.GetString(0))!.AsObject()));
        }

        return new RecordedSideRecords(since, rows);
    }
}
