using System.Globalization;
using System.Runtime.CompilerServices;
using Npgsql;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Postgres;

/// <summary>A tenant's log and evidence by binary COPY, under row-level security: each range, and the strays, by one statement in a transaction of its own.</summary>
/// <param name="source">Connections of a member of <c>runproof_verifier</c> or <c>runproof_auditor</c>, as many at once as an audit has workers.</param>
public sealed class PostgresAuditSource(NpgsqlDataSource source) : IAuditSource
{
    // COPY takes no parameters: what it needs to know stands in settings of its transaction. The plan is always a walk along indexes, whatever the planner believes
    // of the sizes: reading a whole table for each range would take for ever.
    private const string SettingsSql =
        """
        SELECT set_config('runproof.tenant_id', $1, true), set_config('runproof.audit_first', $2, true), set_config('runproof.audit_end', $3, true), set_config('runproof.audit_size', $4, true),
          set_config('enable_seqscan', 'off', true), set_config('enable_bitmapscan', 'off', true), set_config('jit', 'off', true),
          set_config('max_parallel_workers_per_gather', '0', true)
        """;

    private const string StraySettingsSql =
        "SELECT set_config('runproof.tenant_id', $1, true), set_config('jit', 'off', true), set_config('max_parallel_workers_per_gather', '0', true)";

    private const string Tenant = "current_setting('runproof.tenant_id')";

    // Columns in the order that CopyRows reads: one shape for three kinds of rows, so that one COPY brings entry, trace and steps together.
    private const string EntryColumns =
        $"""
        0::smallint AS kind_of_row, e.position AS i1, e.partner AS i2, e.repeated AS flag, NULL::numeric AS n1, NULL::double precision AS f1,
            NULL::timestamptz AS ts1, NULL::timestamptz AS ts2, NULL::timestamptz AS ts3,
            e.kind AS t01, e.trace_id AS t02, e.run_id AS t03, e.entry AS t04, e.partner_entry AS t05,
            CASE WHEN e.wanted THEN (SELECT CASE WHEN r.status = 'succeeded' AND e.trace_id <> 'trace_' || r.id || CASE WHEN r.attempts > 1 THEN '.' || r.attempts ELSE '' END THEN 'failed' ELSE r.status END FROM public.runs r WHERE r.tenant_id = e.tenant_id AND r.id = e.run_id) END AS t06,
            CASE WHEN e.kind = 'opened' AND e.wanted THEN
              CASE WHEN EXISTS (SELECT FROM runproof.log_entries s WHERE s.trace_id = e.trace_id AND s.tenant_id IS NOT DISTINCT FROM e.tenant_id AND s.kind = 'sealed') THEN 'entered'
                WHEN EXISTS (SELECT FROM runproof.log_queue q WHERE q.trace_id = e.trace_id AND q.tenant_id IS NOT DISTINCT FROM e.tenant_id AND q.kind = 'sealed') THEN 'queued'
                WHEN EXISTS (SELECT FROM runproof.log_quarantine q WHERE q.tenant_id = e.tenant_id AND q.trace_id = e.trace_id) THEN 'quarantined' END END AS t07,
            CASE WHEN e.wanted THEN 'follows' END AS t08,
            CASE WHEN e.kind = 'opened' AND EXISTS (SELECT FROM runproof.log_requeued r WHERE r.tenant_id = e.tenant_id AND r.trace_id = e.trace_id) THEN 'requeued' END AS t09, NULL::text AS t10, NULL::text AS t11, NULL::text AS t12, NULL::text AS t13, NULL::text AS t14,
            NULL::bytea AS b01, NULL::bytea AS b02, NULL::bytea AS b03, NULL::bytea AS b04, NULL::bytea AS b05, NULL::bytea AS b06, NULL::bytea AS b07, NULL::bytea AS b08,
            NULL::bytea AS b09, NULL::bytea AS b10, NULL::bytea AS b11
        """;

    private const string TraceColumns =
        """
        1::smallint, t.seed, t.chain_length::bigint, t.is_synthetic, NULL::numeric, NULL::double precision, t.started_at, t.completed_at, t.frozen_timestamp,
            t.tenant_id, t.trace_id, t.run_id, t.correlation_id, t.agent_id, t.origin_system_id, t.planner, t.synthetic_scenario_id, t.schema_version, t.status
        """;

    private const string TraceDigests = "t.link, t.steps_root, t.root_hash, t.goal_hash, t.plan_hash, t.context_hash, t.metadata_hash";

    private const string TraceFull = TraceColumns + ", t.goal, t.plan, t.context, t.metadata, " + TraceDigests + ", t.goal_salt, t.plan_salt, t.context_salt, t.metadata_salt";

    private const string TraceBare = TraceColumns + ", NULL, NULL, NULL, NULL, " + TraceDigests + ", NULL, NULL, NULL, NULL";

    private const string StepColumns =
        """
        2::smallint, s.step_index::bigint, s.retry_count::bigint, NULL::boolean, s.cost_cents, s.duration_ms, s.timestamp, NULL::timestamptz, NULL::timestamptz,
            s.skill_id, s.skill_name, s.skill_version, s.status, s.level, s.outcome_category, s.outcome_code, s.idempotency_key, s.replay_behavior, s.rng_state_before, s.source
        """;

    private const string StepDigests = "s.link, s.skill_schema, s.input_hash, s.output_hash, s.context_hash";

    private const string StepFull = StepColumns + ", s.params, s.outcome_data, s.context, " + StepDigests + ", s.params_salt, s.outcome_salt, s.context_salt, NULL, NULL, NULL";

    private const string StepBare = StepColumns + ", NULL, NULL, NULL, " + StepDigests + ", NULL, NULL, NULL, NULL, NULL, NULL";

    // OFFSET 0 keeps the walk along the positions apart from what is looked up for each, and the look-up by trace from being taken for a walk along positions (so does how it names the tenant: Schema/0012); a
    // lateral UNION ALL is done in its own order.
    private const string Entries =
        $"""
        (SELECT e.tenant_id, e.position, e.kind, e.trace_id, e.run_id, e.entry, p.position AS partner, p.entry AS partner_entry,
            EXISTS (SELECT FROM runproof.log_entries d WHERE d.trace_id = e.trace_id AND d.tenant_id IS NOT DISTINCT FROM e.tenant_id AND d.kind = e.kind AND d.position < e.position) AS repeated,
            e.kind = 'sealed' OR (e.kind = 'opened' AND (p.position IS NULL OR p.position >= current_setting('runproof.audit_size')::bigint)) AS wanted
          FROM runproof.log_entries e
          CROSS JOIN LATERAL (
            SELECT min(o.position) AS position, (array_agg(o.entry ORDER BY o.position))[1] AS entry FROM (
              SELECT o.position, o.entry FROM runproof.log_entries o
                WHERE o.trace_id = e.trace_id AND o.tenant_id IS NOT DISTINCT FROM e.tenant_id AND o.kind = CASE e.kind WHEN 'opened' THEN 'sealed' WHEN 'sealed' THEN 'opened' END OFFSET 0) o) p
          WHERE e.tenant_id = {Tenant}
            AND e.position >= current_setting('runproof.audit_first')::bigint AND e.position < current_setting('runproof.audit_end')::bigint
          ORDER BY e.position OFFSET 0) e
        """;

    private const string FullSql =
        $"""
        COPY (SELECT x.* FROM {Entries} CROSS JOIN LATERAL (
          SELECT {EntryColumns}
          UNION ALL SELECT {TraceFull} FROM public.aos_traces t WHERE e.wanted AND t.trace_id = e.trace_id AND t.tenant_id = e.tenant_id
          UNION ALL SELECT {TraceFull} FROM public.aos_traces_archive t WHERE e.wanted AND t.trace_id = e.trace_id AND t.tenant_id = e.tenant_id
          UNION ALL (SELECT {StepFull} FROM public.aos_trace_steps s WHERE e.wanted AND s.trace_id = e.trace_id AND s.tenant_id = e.tenant_id ORDER BY s.step_index)
          UNION ALL (SELECT {StepFull} FROM public.aos_trace_steps_archive s WHERE e.wanted AND s.trace_id = e.trace_id AND s.tenant_id = e.tenant_id ORDER BY s.step_index)
        ) x) TO STDOUT (FORMAT binary)
        """;

    private const string BareSql =
        $"""
        COPY (SELECT x.* FROM {Entries} CROSS JOIN LATERAL (
          SELECT {EntryColumns}
          UNION ALL SELECT {TraceBare} FROM public.aos_traces t WHERE e.wanted AND t.trace_id = e.trace_id AND t.tenant_id = e.tenant_id
          UNION ALL SELECT {TraceBare} FROM public.aos_traces_archive t WHERE e.wanted AND t.trace_id = e.trace_id AND t.tenant_id = e.tenant_id
          UNION ALL (SELECT {StepBare} FROM public.aos_trace_steps s WHERE e.wanted AND s.trace_id = e.trace_id AND s.tenant_id = e.tenant_id ORDER BY s.step_index)
          UNION ALL (SELECT {StepBare} FROM public.aos_trace_steps_archive s WHERE e.wanted AND s.trace_id = e.trace_id AND s.tenant_id = e.tenant_id ORDER BY s.step_index)
        ) x) TO STDOUT (FORMAT binary)
        """;

    // One statement, so one view: what moves from the queue into the log meanwhile is seen in one of the two. A run that ended without evidence says why: it never
    // began, or its evidence could not be written.
    private const string StraysSql =
        """
        SELECT 0, t.trace_id, t.run_id, t.status
          FROM (SELECT trace_id, run_id, status FROM public.aos_traces WHERE tenant_id = $1 UNION ALL SELECT trace_id, run_id, status FROM public.aos_traces_archive WHERE tenant_id = $1) t
          WHERE NOT EXISTS (SELECT FROM runproof.log_entries e WHERE e.tenant_id = $1 AND e.trace_id = t.trace_id AND e.kind = 'opened')
            AND NOT EXISTS (SELECT FROM runproof.log_queue q WHERE q.tenant_id = $1 AND q.trace_id = t.trace_id AND q.kind = 'opened')
            AND NOT EXISTS (SELECT FROM runproof.log_quarantine q WHERE q.tenant_id = $1 AND q.trace_id = t.trace_id AND q.kind = 'opened')
        UNION ALL
        SELECT 1, s.trace_id, NULL, count(*)::text
          FROM (SELECT trace_id FROM public.aos_trace_steps WHERE tenant_id = $1 UNION ALL SELECT trace_id FROM public.aos_trace_steps_archive WHERE tenant_id = $1) s
          WHERE NOT EXISTS (SELECT FROM public.aos_traces t WHERE t.tenant_id = $1 AND t.trace_id = s.trace_id)
            AND NOT EXISTS (SELECT FROM public.aos_traces_archive t WHERE t.tenant_id = $1 AND t.trace_id = s.trace_id)
            AND NOT EXISTS (SELECT FROM runproof.log_entries e WHERE e.tenant_id = $1 AND e.trace_id = s.trace_id)
          GROUP BY s.trace_id
        UNION ALL
        SELECT 2, NULL, r.id, r.status FROM public.runs r
          WHERE r.tenant_id = $1
            AND (r.status = 'succeeded' OR r.status = 'failed' AND r.error_code NOT IN ('evidence_conflict', 'evidence_refused', 'evidence_unavailable', 'engine_error', 'fenced'))
            AND NOT EXISTS (SELECT FROM public.aos_traces t WHERE t.tenant_id = $1 AND t.run_id = r.id)
            AND NOT EXISTS (SELECT FROM public.aos_traces_archive t WHERE t.tenant_id = $1 AND t.run_id = r.id)
            AND NOT EXISTS (SELECT FROM public.aos_traces t WHERE t.tenant_id = $1 AND t.trace_id = 'trace_' || r.id)
            AND NOT EXISTS (SELECT FROM public.aos_traces_archive t WHERE t.tenant_id = $1 AND t.trace_id = 'trace_' || r.id)
        UNION ALL
        SELECT 3, q.trace_id, NULL, q.kind || ': ' || q.code || ': ' || q.message FROM runproof.log_quarantine q WHERE q.tenant_id = $1
          AND NOT EXISTS (SELECT FROM runproof.log_entries e WHERE e.tenant_id = $1 AND e.trace_id = q.trace_id AND e.kind = q.kind)
        """;

    /// <inheritdoc/>
    public async Task<AuditRows> ReadAsync(TenantId tenant, AuditRange range, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(range);
        NpgsqlConnection? connection = null;
        try
        {
            connection = await source.OpenConnectionAsync(cancellationToken);
            var transaction = await connection.BeginTransactionAsync(cancellationToken);
            await using var settings = new NpgsqlBatch(connection, transaction)
            {
                BatchCommands = { Sql.Command("SET TRANSACTION READ ONLY"), Sql.Command(SettingsSql, tenant.Value, Text(range.First), Text(range.End), Text(range.Size)) },
            };
            await settings.ExecuteNonQueryAsync(cancellationToken);
            var copy = await connection.BeginRawBinaryCopyAsync(range.Payloads ? FullSql : BareSql, cancellationToken);
            return new CopyRows(connection, transaction, copy);
        }
        catch (NpgsqlException e)
        {
            if (connection is not null)
                await connection.DisposeAsync();
            throw LogSql.Translate(e);
        }
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<Stray> FindStraysAsync(TenantId tenant, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using var connection = await TryAsync(() => source.OpenConnectionAsync(cancellationToken));
        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { Sql.Command(StraySettingsSql, tenant.Value), Sql.Command(StraysSql, tenant.Value) } };
        batch.Timeout = 0;
        await using var reader = await TryAsync(() => new ValueTask<NpgsqlDataReader>(batch.ExecuteReaderAsync(cancellationToken)));
        await TryAsync(() => new ValueTask<bool>(reader.NextResultAsync(cancellationToken)));
        while (await TryAsync(() => new ValueTask<bool>(reader.ReadAsync(cancellationToken))))
            yield return new Stray((StrayKind)reader.GetInt32(0), reader.TextOrNull(1), reader.TextOrNull(2), reader.TextOrNull(3) ?? "");
    }

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static async ValueTask<T> TryAsync<T>(Func<ValueTask<T>> work)
    {
        try
        {
            return await work();
        }
        catch (NpgsqlException e)
        {
            throw LogSql.Translate(e);
        }
    }
}
