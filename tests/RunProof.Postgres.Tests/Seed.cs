namespace RunProof.Postgres.Tests;

/// <summary>Rows that tests begin with, written as plain SQL by the owner. Digests are not real: the database keeps rows, it does not judge hashes.</summary>
internal static class Seed
{
    /// <summary>Thirty-two equal bytes.</summary>
    internal static string Digest(int value) => $"decode(repeat('{value:x2}', 32), 'hex')";

    private const string Salt = "decode(repeat('5a', 16), 'hex')";

    /// <summary>The columns of a trace that opens, and their values.</summary>
    internal static Dictionary<string, string> Trace(string tenant, string trace, string run) => new(StringComparer.Ordinal)
    {
        ["trace_id"] = $"'{trace}'",
        ["tenant_id"] = $"'{tenant}'",
        ["run_id"] = $"'{run}'",
        ["correlation_id"] = "'corr-1'",
        ["agent_id"] = "'agent-1'",
        ["origin_system_id"] = "'tests'",
        ["planner"] = "'stub'",
        ["seed"] = "42",
        ["frozen_timestamp"] = "'2026-01-01 00:00:00+00'",
        ["is_synthetic"] = "true",
        ["synthetic_scenario_id"] = "'scenario-1'",
        ["schema_version"] = "'runproof/v1'",
        ["status"] = "'running'",
        ["started_at"] = "'2026-02-10 12:43:41.549430+00'",
        ["goal"] = "'\"a goal\"'",
        ["goal_salt"] = Salt,
        ["goal_hash"] = Digest(0x01),
        ["plan"] = "'[]'",
        ["plan_salt"] = Salt,
        ["plan_hash"] = Digest(0x02),
        ["context"] = "'{}'",
        ["context_salt"] = Salt,
        ["context_hash"] = Digest(0x03),
        ["link"] = Digest(0x04),
    };

    /// <summary>The columns of a step, and their values.</summary>
    internal static Dictionary<string, string> Step(string tenant, string trace, int index) => new(StringComparer.Ordinal)
    {
        ["trace_id"] = $"'{trace}'",
        ["tenant_id"] = $"'{tenant}'",
        ["step_index"] = $"{index}",
        ["skill_id"] = "'http_call'",
        ["skill_name"] = "'http_call'",
        ["skill_version"] = "'1.0.0'",
        ["skill_schema"] = Digest(0x10),
        ["status"] = "'succeeded'",
        ["level"] = "'INFO'",
        ["outcome_category"] = "'SUCCESS'",
        ["outcome_code"] = "'OK'",
        ["cost_cents"] = "0.25",
        ["duration_ms"] = "227.6",
        ["retry_count"] = "0",
        ["idempotency_key"] = $"'run-1:{index}'",
        ["replay_behavior"] = "'execute'",
        ["rng_state_before"] = "'rng'",
        ["source"] = "'engine'",
        ["timestamp"] = "'2026-02-10 12:43:42+00'",
        ["params"] = "'{\"n\":1}'",
        ["params_salt"] = Salt,
        ["input_hash"] = Digest(0x11),
        ["outcome_data"] = "'{\"ok\":true}'",
        ["outcome_salt"] = Salt,
        ["output_hash"] = Digest(0x12),
        ["context"] = "'{}'",
        ["context_salt"] = Salt,
        ["context_hash"] = Digest(0x13),
        ["link"] = Digest(0x20 + index),
    };

    /// <summary>The columns of a run that is queued, and their values.</summary>
    internal static Dictionary<string, string> Run(string tenant, string run) => new(StringComparer.Ordinal)
    {
        ["id"] = $"'{run}'",
        ["tenant_id"] = $"'{tenant}'",
        ["agent_id"] = "'agent-1'",
        ["goal"] = "'a goal'",
        ["origin_system_id"] = "'tests'",
        ["correlation_id"] = "'corr-1'",
        ["planner"] = "'stub'",
        ["plan_json"] = "'[{\"skill\":\"echo\"}]'",
        ["plan_redacted"] = "false",
        ["idempotency_key"] = $"'key-{run}'",
        ["request_hash"] = Digest(0x30),
        ["status"] = "'queued'",
        ["seed"] = "42",
        ["frozen_timestamp"] = "'2026-01-01 00:00:00+00'",
        ["is_synthetic"] = "false",
        ["synthetic_scenario_id"] = "'scenario-1'",
        ["trace_parent"] = "'00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'",
        ["created_at"] = "'2026-02-10 12:43:41+00'",
        ["worker"] = "'worker-1'",
        ["lease_until"] = "'2026-02-10 12:44:41+00'",
    };

    internal static string Insert(string table, params Dictionary<string, string>[] rows) =>
        $"INSERT INTO {table} ({string.Join(", ", rows[0].Keys)}) VALUES {string.Join(", ", rows.Select(row => $"({string.Join(", ", row.Values)})"))}";

    internal static string InsertTrace(string tenant, string trace, string run) => Insert("aos_traces", Trace(tenant, trace, run));

    internal static string InsertSteps(string tenant, string trace, int first, int last) =>
        Insert("aos_trace_steps", [.. Enumerable.Range(first, last - first + 1).Select(i => Step(tenant, trace, i))]);

    /// <summary>The row with one column changed.</summary>
    internal static Dictionary<string, string> With(this Dictionary<string, string> row, string column, string value) =>
        new(row, StringComparer.Ordinal) { [column] = value };

    /// <summary>What closes a trace.</summary>
    internal static string Close(int steps) =>
        $"status = 'completed', completed_at = '2026-02-10 12:43:45+00', chain_length = {steps}, steps_root = {Digest(0x40)}, root_hash = {Digest(0x41)}, "
        + $"metadata = '{{}}', metadata_salt = {Salt}, metadata_hash = {Digest(0x42)}";

    /// <summary>
    /// Two tenants, alike: an agent; runs queued, running and done; traces <c>open</c> (2 steps), <c>sealed</c> (3 steps), <c>moved</c> (2 steps, in the
    /// archive), <c>erased</c> (1 step, its params erased).
    /// </summary>
    internal static string Everything => string.Join(";\n", new[] { "t1", "t2" }.SelectMany(Tenant));

    private static IEnumerable<string> Tenant(string tenant) =>
    [
        $"INSERT INTO runproof.tenants (tenant_id) VALUES ('{tenant}')",
        $"INSERT INTO runproof.api_keys (id, tenant_id, secret_hash, name, scope, created_at) VALUES ('key_{tenant}', '{tenant}', sha256('{tenant}'), 'k', 'runner', now())",
        $"INSERT INTO agents (id, tenant_id, name, created_at) VALUES ('agent-1', '{tenant}', 'Agent', now())",
        Insert("runs", Run(tenant, "run-queued"), Run(tenant, "run-running"), Run(tenant, "run-done")),
        $"UPDATE runs SET status = 'running', started_at = now(), attempts = 1 WHERE id IN ('run-running', 'run-done') AND tenant_id = '{tenant}'",
        $"UPDATE runs SET status = 'succeeded', completed_at = now(), duration_ms = 5 WHERE id = 'run-done' AND tenant_id = '{tenant}'",
        InsertTrace(tenant, "open", "run-running"),
        InsertSteps(tenant, "open", 0, 1),
        InsertTrace(tenant, "sealed", "run-done"),
        InsertSteps(tenant, "sealed", 0, 2),
        $"UPDATE aos_traces SET {Close(3)} WHERE trace_id = 'sealed' AND tenant_id = '{tenant}'",
        InsertTrace(tenant, "moved", "run-done"),
        InsertSteps(tenant, "moved", 0, 1),
        $"UPDATE aos_traces SET {Close(2)} WHERE trace_id = 'moved' AND tenant_id = '{tenant}'",
        $"SELECT runproof.archive_trace('{tenant}', 'moved')",
        InsertTrace(tenant, "erased", "run-done"),
        InsertSteps(tenant, "erased", 0, 0),
        $"UPDATE aos_traces SET {Close(1)} WHERE trace_id = 'erased' AND tenant_id = '{tenant}'",
        $"SELECT runproof.erase_payload('{tenant}', 'erased', 0, 'params', 'tests', 'asked to')",
        .. Log(tenant),
    ];

    /// <summary>A log of two entries, the opening and the seal of <c>sealed</c>; the opening of <c>erased</c> in quarantine; all else still queued.</summary>
    private static IEnumerable<string> Log(string tenant) =>
    [
        "INSERT INTO runproof.logs (tenant_id, origin, size, edge, checkpoint, published, updated_at) "
        + $"VALUES ('{tenant}', 'log/{tenant}', 2, {Digest(0x50)}, 'signed', 'signed', now())",
        InsertEntry(tenant, 0, "opened", "sealed") + $", ('{tenant}', 1, 'sealed', 'sealed', 'run-done', '{{}}')",
        $"INSERT INTO runproof.log_tiles (tenant_id, level, tile_index, bytes) VALUES ('{tenant}', 0, 0, {Digest(0x51)} || {Digest(0x52)}), ('{tenant}', 1, 0, {FullTile})",
        $"INSERT INTO runproof.log_quarantine VALUES ('{tenant}', 'erased', 'opened', 'CODE', 'header', 'words', now())",
        $"INSERT INTO runproof.log_keys (tenant_id, vkey, from_size, until_size, added_at) VALUES ('{tenant}', 'old', 1, 1, now()), ('{tenant}', 'new', 2, NULL, now())",
        $"DELETE FROM runproof.log_queue WHERE tenant_id = '{tenant}' AND (trace_id = 'sealed' OR trace_id = 'erased' AND kind = 'opened')",
    ];

    internal const string FullTile = "decode(repeat('53', 8192), 'hex')";

    internal static string InsertEntry(string tenant, int position, string kind, string trace) =>
        $"INSERT INTO runproof.log_entries (tenant_id, position, kind, trace_id, run_id, entry) VALUES ('{tenant}', {position}, '{kind}', '{trace}', 'run-done', '{{}}')";
}
