using RunProof.Testing;

namespace RunProof.Postgres.Tests;

public sealed class ArchivingAndErasure(PostgresFixture postgres)
{
    private const string TraceText = "SELECT string_agg(t::text, E'\\n') FROM {0} t WHERE trace_id = 'sealed' AND tenant_id = 't1'";
    private const string StepTexts = "SELECT string_agg(s::text, E'\\n' ORDER BY step_index) FROM {0} s WHERE trace_id = 'sealed' AND tenant_id = 't1'";

    [Fact]
    public async Task Archiving_moves_the_trace_and_every_step_unchanged()
    {
        var database = await SeededAsync();
        await database.ExecuteAsync("UPDATE aos_traces SET archived_at = '2026-03-01 00:00:00+00' WHERE trace_id = 'sealed' AND tenant_id = 't1'");
        var trace = await TextAsync(database, TraceText, "aos_traces");
        var steps = await TextAsync(database, StepTexts, "aos_trace_steps");

        Assert.Equal(3, await MoveAsync(database));

        Assert.Null(await TextAsync(database, TraceText, "aos_traces"));
        Assert.Null(await TextAsync(database, StepTexts, "aos_trace_steps"));
        Assert.Equal(trace, await TextAsync(database, TraceText, "aos_traces_archive"));
        Assert.Equal(steps, await TextAsync(database, StepTexts, "aos_trace_steps_archive"));
        Assert.Equal(1L, await database.ReadAsync<long>("superuser", null, "SELECT count(*) FROM aos_traces WHERE trace_id = 'sealed' AND tenant_id = 't2'"));
    }

    [Fact]
    public async Task Archiving_is_refused_where_a_step_is_missing()
    {
        var database = await SeededAsync();
        await database.ExecuteAsync("ALTER TABLE aos_trace_steps DISABLE TRIGGER ALL; DELETE FROM aos_trace_steps WHERE trace_id = 'sealed' AND step_index = 1; ALTER TABLE aos_trace_steps ENABLE TRIGGER ALL");
        Assert.Equal("S6006", (await database.TryAsync("runproof_owner", "SELECT runproof.archive_trace('t1', 'sealed')")).State);
    }

    [Fact]
    public async Task Archiving_is_refused_where_the_archive_holds_another_row_of_that_name()
    {
        var database = await SeededAsync();
        await database.ExecuteAsync(
            """
            ALTER TABLE aos_traces_archive DISABLE TRIGGER ALL;
            INSERT INTO aos_traces_archive SELECT (jsonb_populate_record(t, '{"planner": "other"}')).* FROM aos_traces t WHERE trace_id = 'sealed' AND tenant_id = 't1';
            ALTER TABLE aos_traces_archive ENABLE TRIGGER ALL
            """);
        Assert.Equal("23505", (await database.TryAsync("runproof_owner", "SELECT runproof.archive_trace('t1', 'sealed')")).State);
        Assert.Equal("S6001", (await database.TryAsync("runproof_owner", "DELETE FROM aos_traces WHERE trace_id = 'sealed' AND tenant_id = 't1'")).State);
    }

    [Fact]
    public async Task A_step_cannot_be_deleted_where_its_twin_differs()
    {
        var database = await SeededAsync();
        await database.ExecuteAsync(
            """
            ALTER TABLE aos_traces_archive DISABLE TRIGGER ALL;
            ALTER TABLE aos_trace_steps_archive DISABLE TRIGGER ALL;
            INSERT INTO aos_traces_archive SELECT * FROM aos_traces t WHERE trace_id = 'sealed' AND tenant_id = 't1';
            INSERT INTO aos_trace_steps_archive SELECT (jsonb_populate_record(s, '{"outcome_data": "{}"}')).* FROM aos_trace_steps s WHERE trace_id = 'sealed' AND tenant_id = 't1';
            """);
        Assert.Equal("S6001", (await database.TryAsync("runproof_owner", "DELETE FROM aos_trace_steps WHERE trace_id = 'sealed' AND tenant_id = 't1'")).State);
    }

    [Fact]
    public async Task Erasing_removes_text_and_salt_and_leaves_the_commitment_and_a_record()
    {
        var database = await SeededAsync();
        var before = await database.ReadAsync<string>("superuser", null, Others);
        await database.ExecuteAsync("SELECT runproof.erase_payload('t1', 'sealed', 1, 'outcome_data', 'dpo@example', 'request 7')");

        Assert.Equal(
            "null null " + string.Concat(Enumerable.Repeat("12", 32)),
            await database.ReadAsync<string>("superuser", null, "SELECT concat(coalesce(outcome_data, 'null'), ' ', coalesce(outcome_salt::text, 'null'), ' ', encode(output_hash, 'hex')) "
                + "FROM aos_trace_steps WHERE trace_id = 'sealed' AND tenant_id = 't1' AND step_index = 1"));
        Assert.Equal(before, await database.ReadAsync<string>("superuser", null, Others));
        Assert.Equal(
            $"sealed 1 outcome_data {string.Concat(Enumerable.Repeat("12", 32))} dpo@example request 7",
            await database.ReadAsync<string>("runproof_auditor", "t1",
                "SELECT concat_ws(' ', trace_id, step_index, payload, encode(commitment, 'hex'), erased_by, reason) FROM runproof.payload_erasures WHERE trace_id = 'sealed'"));
    }

    [Fact]
    public async Task Erasing_twice_says_that_nothing_was_left_to_erase()
    {
        var database = await SeededAsync();
        await using var command = database.Admin.CreateCommand("SELECT runproof.erase_payload('t1', 'erased', 0, 'params', 'x', 'y')");
        Assert.Equal(false, await command.ExecuteScalarAsync());
    }

    [Fact]
    public async Task Erasing_goal_and_plan_takes_them_from_the_ended_run_too()
    {
        var database = await SeededAsync();
        await database.ExecuteAsync("SELECT runproof.erase_payload('t1', 'sealed', NULL, 'goal', 'x', 'y'), runproof.erase_payload('t1', 'sealed', NULL, 'plan', 'x', 'y')");
        Assert.Equal("[erased] []", await database.ReadAsync<string>("superuser", null, "SELECT goal || ' ' || plan_json FROM runs WHERE id = 'run-done' AND tenant_id = 't1'"));
        Assert.Equal("a goal", await database.ReadAsync<string>("superuser", null, "SELECT goal FROM runs WHERE id = 'run-done' AND tenant_id = 't2'"));
    }

    private const string Others =
        """
        SELECT md5(string_agg(x::text, '' ORDER BY x::text)) FROM (
          SELECT to_jsonb(s) - ARRAY['outcome_data', 'outcome_salt'] FROM aos_trace_steps s WHERE trace_id = 'sealed' AND tenant_id = 't1' AND step_index = 1
          UNION ALL SELECT to_jsonb(s) FROM aos_trace_steps s WHERE NOT (trace_id = 'sealed' AND tenant_id = 't1' AND step_index = 1)
          UNION ALL SELECT to_jsonb(t) FROM aos_traces t) x
        """;

    private static async Task<int> MoveAsync(SeededDatabase database)
    {
        await using var command = database.Admin.CreateCommand("SELECT runproof.archive_trace('t1', 'sealed')");
        return (int)(await command.ExecuteScalarAsync())!;
    }

    private static Task<string?> TextAsync(SeededDatabase database, string sql, string table) =>
        database.ReadAsync<string>("superuser", null, string.Format(System.Globalization.CultureInfo.InvariantCulture, sql, table));

    private async Task<SeededDatabase> SeededAsync()
    {
        var database = new SeededDatabase(postgres);
        await database.InitializeAsync();
        return database;
    }
}
