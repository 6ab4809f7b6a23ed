namespace RunProof.Postgres.Tests;

public sealed class Isolation(SeededDatabase database) : IClassFixture<SeededDatabase>
{
    private static readonly string[] Tenanted =
    [
        "public.agents", "public.runs", "public.aos_traces", "public.aos_trace_steps", "public.aos_traces_archive", "public.aos_trace_steps_archive",
        "runproof.payload_erasures", "runproof.log_queue", "runproof.logs", "runproof.log_entries", "runproof.log_tiles", "runproof.log_quarantine",
        "runproof.log_keys", "runproof.tenants", "runproof.api_keys", "runproof.trace_heads", "runproof.kv",
    ];

    private static readonly Dictionary<string, string[]> Readable = new(StringComparer.Ordinal)
    {
        ["runproof_runner"] = ["public.agents", "public.runs", "runproof.log_tiles"],
        ["runproof_verifier"] = [.. Tenanted.Take(13)],
        ["runproof_auditor"] = [.. Tenanted.Take(13)],
    };

    public static TheoryData<string, string> Pairs()
    {
        var pairs = new TheoryData<string, string>();
        foreach (var role in Readable.Keys)
        {
            foreach (var table in Tenanted)
                pairs.Add(role, table);
        }

        return pairs;
    }

    [Theory]
    [MemberData(nameof(Pairs))]
    public async Task A_role_sees_the_rows_of_the_tenant_it_names_or_no_table_at_all(string role, string table)
    {
        var count = $"SELECT count(*) FROM {table}";
        if (!Readable[role].Contains(table))
        {
            Assert.Equal("42501", (await database.TryAsync(role, count)).State);
            return;
        }

        var all = await database.ReadAsync<long>("superuser", null, count);
        var mine = await database.ReadAsync<long>(role, "t1", count);
        Assert.True(all > 0 && mine * 2 == all, $"{mine} of {all}");
        Assert.Equal(0L, await database.ReadAsync<long>(role, "t1", $"{count} WHERE tenant_id <> 't1'"));
        Assert.Equal(0L, await database.ReadAsync<long>(role, null, count));
        Assert.Equal(0L, await database.ReadAsync<long>(role, "", count));
        Assert.Equal(0L, await database.ReadAsync<long>(role, "t3", count));
    }

    [Theory]
    [InlineData("SELECT * FROM runproof.trace_heads")]
    [InlineData("UPDATE runproof.trace_heads SET next_index = 0")]
    [InlineData("INSERT INTO runproof.trace_heads (trace_id, tenant_id, next_index, last_link) VALUES ('sealed', 't1', 3, '')")]
    [InlineData("DELETE FROM runproof.trace_heads")]
    [InlineData("SELECT * FROM runproof.api_keys")]
    [InlineData("UPDATE runproof.api_keys SET revoked_at = NULL")]
    [InlineData("INSERT INTO runproof.api_keys SELECT * FROM runproof.api_keys")]
    [InlineData("INSERT INTO runproof.tenants (tenant_id) VALUES ('t9')")]
    [InlineData("INSERT INTO runproof.schema_migrations (version, name, checksum) VALUES (99, 'x', '')")]
    [InlineData("DELETE FROM runproof.run_queue")]
    [InlineData("INSERT INTO runproof.tenant_limits (tenant_id, concurrent_runs) VALUES ('t1', 1)")]
    [InlineData("SELECT runproof.archive_trace('t1', 'sealed')")]
    [InlineData("SELECT runproof.erase_payload('t1', 'sealed', 0, 'params', 'x', 'y')")]
    [InlineData("ALTER TABLE aos_traces DISABLE TRIGGER ALL")]
    [InlineData("ALTER TABLE aos_traces DISABLE ROW LEVEL SECURITY")]
    [InlineData("DROP TABLE aos_trace_steps")]
    [InlineData("DROP TRIGGER guard_update ON aos_traces")]
    [InlineData("CREATE OR REPLACE FUNCTION runproof.refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN OLD; END'")]
    [InlineData("CREATE TABLE public.mine (x integer)")]
    [InlineData("CREATE FUNCTION public.mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'")]
    [InlineData("SET LOCAL session_replication_role = replica")]
    [InlineData("COPY aos_trace_steps TO PROGRAM 'true'")]
    public async Task No_service_role_reaches_behind_the_schema(string sql)
    {
        foreach (var role in Readable.Keys)
            Assert.Equal((role, "42501"), (role, (await database.TryAsync(role, sql)).State));
    }

    [Theory]
    [InlineData("runproof_runner", "INSERT INTO agents (id, tenant_id, name, created_at) VALUES ('x', 't2', 'x', now())", "42501")]
    [InlineData("runproof_verifier", "UPDATE aos_traces SET archived_at = now()", "42501")]
    [InlineData("runproof_auditor", "UPDATE runs SET status = 'failed'", "42501")]
    [InlineData("runproof_runner", "SELECT runproof.find_api_key('\\x00')", "00000")]
    [InlineData("runproof_verifier", "SELECT runproof.find_api_key('\\x00')", "00000")]
    [InlineData("runproof_auditor", "SELECT runproof.find_api_key('\\x00')", "42501")]
    [InlineData("runproof_verifier", "SELECT runproof.renew_claims('w', now())", "42501")]
    [InlineData("runproof_auditor", "SELECT runproof.claim_runs('w', now(), now(), 1, '')", "42501")]
    public async Task A_role_does_its_own_work_only(string role, string sql, string expected) =>
        Assert.Equal(expected, (await database.TryAsync(role, sql)).State);

    [Theory]
    [InlineData("runproof_runner", "agents:INSERT agents:SELECT approval_decisions:SELECT budget_changes:SELECT budget_reservations:SELECT budget_usage:SELECT budgets:SELECT budgets_in_force:SELECT kill_switches:SELECT log_tiles:SELECT policies:SELECT policy_changes:SELECT run_queue:INSERT runs:INSERT runs:SELECT schedules:DELETE schedules:INSERT schedules:SELECT schedules:UPDATE schema_migrations:SELECT tenant_limits:SELECT")]
    [InlineData("runproof_verifier", Sealer)]
    [InlineData("runproof_auditor", Reader)]
    public async Task A_role_has_these_privileges_on_tables_and_no_other(string role, string expected) =>
        Assert.Equal(expected, await database.ReadAsync<string>("superuser", null,
            $"SELECT string_agg(table_name || ':' || privilege_type, ' ' ORDER BY table_name, privilege_type) FROM information_schema.table_privileges WHERE grantee = '{role}'"));

    [Theory]
    [InlineData("runproof_runner", "announce apply_policy approvals_of ask_approval cancel_run cancel_with_sub_runs claim_runs claim_schedules decide_approval ended_of find_api_key forgo_budgets kill kill_switches_on kv_get kv_set next_attempt openings_of pause_run pause_with_sub_runs period_start record_openings record_seals record_steps recorded_of release_kill release_run renew_claims replay_source replay_source_page replay_source_steps reserved_of resume_run resume_with_sub_runs retire_budget retire_policy retry_run run_cost run_use set_budget sub_run_outcomes sub_run_seal take_budgets take_over told_of trace_context trace_progress use_approval wait_for_sub_runs wait_run wake_run wanted_of watched_of withdraw_approval")]
    [InlineData("runproof_verifier", "all_logs approval_action find_api_key log_lag must_affect public_logs queue_to_seal recorded_of requeue retire_log_key tenants_in_quarantine tenants_to_seal told_of")]
    [InlineData("runproof_auditor", "all_logs approval_action tenants_in_quarantine")]
    public async Task A_role_may_call_these_functions_and_no_other(string role, string? expected) =>
        Assert.Equal(expected, await database.ReadAsync<string>("superuser", null,
            $"""
            SELECT string_agg(p.proname, ' ' ORDER BY p.proname) FROM pg_proc p
              WHERE p.pronamespace IN ('runproof'::regnamespace, 'public'::regnamespace) AND has_function_privilege('{role}', p.oid, 'EXECUTE')
            """));

    /// <summary>Columns alone may be given too: what may be changed in a log's rows is named column by column.</summary>
    [Theory]
    [InlineData("runproof_runner", RunnerChanges)]
    [InlineData("runproof_verifier", SealerChanges)]
    [InlineData("runproof_auditor", null)]
    public async Task A_role_may_change_these_columns_and_no_other(string role, string? expected) =>
        Assert.Equal(expected, await database.ReadAsync<string>("superuser", null,
            $"""
            SELECT string_agg(table_name || '.' || column_name, ' ' ORDER BY table_name, column_name) FROM information_schema.column_privileges
              WHERE grantee = '{role}' AND privilege_type = 'UPDATE'
            """));

    private const string RunnerChanges =
        "runs.attempt_open runs.attempts runs.between_steps runs.completed_at runs.duration_ms runs.error_code runs.error_message runs.lease_until runs.started_at runs.status runs.worker "
        + "schedules.catch_up schedules.catch_up_limit schedules.claimed_by schedules.claimed_until schedules.created_at schedules.created_by schedules.cron schedules.enabled schedules.error schedules.fired schedules.last_due schedules.last_run_id "
        + "schedules.look_at schedules.name schedules.next_due schedules.overlap schedules.request schedules.revision schedules.skipped schedules.tenant_id schedules.time_zone schedules.updated_at schedules.updated_by schedules.waiting";

    private const string SealerChanges =
        "log_keys.until_size log_quarantine.code log_quarantine.message log_quarantine.place log_quarantine.quarantined_at log_tiles.bytes "
        + "logs.checkpoint logs.edge logs.published logs.size logs.updated_at";

    private const string Evidence =
        "agents:SELECT aos_trace_steps:SELECT aos_trace_steps_archive:SELECT aos_traces:SELECT aos_traces_archive:SELECT approval_decisions:SELECT ";

    private const string Reader = Evidence
        + "budget_changes:SELECT budget_reservations:SELECT budget_usage:SELECT budgets:SELECT budgets_in_force:SELECT governance_records:SELECT incidents:SELECT integrity_evidence:SELECT kill_switches:SELECT llm_run_records:SELECT log_entries:SELECT log_keys:SELECT log_quarantine:SELECT log_queue:SELECT log_requeued:SELECT log_tiles:SELECT logs:SELECT payload_erasures:SELECT policies:SELECT policy_changes:SELECT policy_evaluations:SELECT retired_keys:SELECT runs:SELECT schema_migrations:SELECT";

    private const string Sealer = Evidence
        + "governance_records:SELECT incidents:SELECT integrity_evidence:SELECT llm_run_records:SELECT log_entries:INSERT log_entries:SELECT log_keys:INSERT log_keys:SELECT log_quarantine:INSERT log_quarantine:SELECT log_queue:DELETE log_queue:SELECT "
        + "log_requeued:SELECT log_tiles:INSERT log_tiles:SELECT logs:SELECT payload_erasures:SELECT policies:SELECT policy_changes:SELECT policy_evaluations:SELECT retired_keys:SELECT runs:SELECT schema_migrations:SELECT";

    [Fact]
    public async Task The_runner_cannot_insert_a_run_into_another_tenant() =>
        Assert.Equal("42501", (await database.TryAsync("runproof_runner", Seed.Insert("runs", Seed.Run("t2", "new")))).State);

    [Fact]
    public async Task The_runner_cannot_move_another_tenant_s_runs() =>
        Assert.Equal(("00000", "1"), await database.TryAsync("runproof_runner", "UPDATE runs SET lease_until = now() WHERE id = 'run-queued'"));

    [Theory]
    [InlineData("runner")]
    [InlineData("verifier")]
    [InlineData("auditor")]
    public async Task A_service_s_login_cannot_become_the_owner_or_another_service(string service)
    {
        var login = database.Database.As($"runproof_{service}_login", RunProof.Testing.TestDatabase.RolePassword);
        await using var source = Npgsql.NpgsqlDataSource.Create(login);
        foreach (var role in new[] { "runproof_owner", "runproof_runner", "runproof_verifier", "runproof_auditor", "postgres" }.Where(role => role != $"runproof_{service}"))
        {
            await using var command = source.CreateCommand($"SET ROLE {role}");
            var refused = await Assert.ThrowsAsync<Npgsql.PostgresException>(() => command.ExecuteNonQueryAsync());
            Assert.Equal("42501", refused.SqlState);
        }

        await using var flags = source.CreateCommand("SELECT rolsuper OR rolcreaterole OR rolcreatedb OR rolreplication OR rolbypassrls FROM pg_roles WHERE rolname = current_user");
        Assert.Equal(false, await flags.ExecuteScalarAsync());
    }
}
