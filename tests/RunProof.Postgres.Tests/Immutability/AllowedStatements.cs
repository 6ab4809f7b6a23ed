namespace RunProof.Postgres.Tests;

/// <summary>What evidence's life needs, among it what the older system wrongly refused.</summary>
public sealed class AllowedStatements(SeededDatabase database) : IClassFixture<SeededDatabase>
{
    /// <param name="Role">Who.</param>
    /// <param name="Sql">The statement.</param>
    /// <param name="Rows">Rows that INSERT, UPDATE and DELETE touch; -1 for a query.</param>
    private sealed record Attempt(string Role, string Sql, int Rows);

    private static readonly Dictionary<string, Attempt> Attempts = new(StringComparer.Ordinal)
    {
        ["a running trace is completed, with its root hash"] = new("runproof_owner", $"UPDATE aos_traces SET {Seed.Close(2)} WHERE trace_id = 'open' AND tenant_id = 't1'", 1),
        ["a running trace is sealed without metadata"] = new(
            "runproof_owner",
            $"UPDATE aos_traces SET status = 'aborted', completed_at = now(), chain_length = 2, steps_root = link, root_hash = link WHERE trace_id = 'open' AND tenant_id = 't1'", 1),
        ["a trace without steps is sealed"] = new(
            "runproof_owner", $"{Seed.InsertTrace("t1", "empty", "r")}; UPDATE aos_traces SET {Seed.Close(0)} WHERE trace_id = 'empty'", 2),
        ["a sealed trace is marked archived"] = new("runproof_owner", "UPDATE aos_traces SET archived_at = now() WHERE trace_id = 'sealed' AND tenant_id = 't1'", 1),
        ["a sealed trace is moved to the archive"] = new("runproof_owner", "SELECT runproof.archive_trace('t1', 'sealed')", -1),
        ["a trace marked archived is moved to the archive"] = new(
            "runproof_owner", "UPDATE aos_traces SET archived_at = now() WHERE trace_id = 'sealed' AND tenant_id = 't1'; SELECT runproof.archive_trace('t1', 'sealed')", 1),
        ["a trace with an erased payload is moved to the archive"] = new("runproof_owner", "SELECT runproof.archive_trace('t1', 'erased')", -1),
        ["a trace's payload is erased"] = new("runproof_owner", "SELECT runproof.erase_payload('t1', 'sealed', NULL, 'goal', 'x', 'y')", -1),
        ["an archived step's payload is erased"] = new("runproof_owner", "SELECT runproof.erase_payload('t1', 'moved', 1, 'outcome_data', 'x', 'y')", -1),
        ["an archived trace's payload is erased"] = new("runproof_owner", "SELECT runproof.erase_payload('t1', 'moved', NULL, 'metadata', 'x', 'y')", -1),
        ["steps of two traces are added in one statement"] = new(
            "runproof_owner",
            Seed.Insert("aos_trace_steps", Seed.Step("t1", "open", 2), Seed.Step("t2", "open", 2), Seed.Step("t2", "open", 3), Seed.Step("t1", "open", 3)), 4),
        ["steps are added in any order of rows"] = new(
            "runproof_owner", Seed.Insert("aos_trace_steps", Seed.Step("t1", "open", 4), Seed.Step("t1", "open", 2), Seed.Step("t1", "open", 3)), 3),
        ["a step that is there is passed over"] = new("runproof_owner", Seed.InsertSteps("t1", "open", 0, 2) + " ON CONFLICT DO NOTHING", 1),
        ["an insert of no step"] = new("runproof_owner", "INSERT INTO aos_trace_steps SELECT * FROM aos_trace_steps WHERE false", 0),
        ["the same trace id in another tenant"] = new("runproof_owner", Seed.InsertTrace("t3", "open", "run-running"), 1),
        ["two traces of one run"] = new("runproof_owner", Seed.InsertTrace("t1", "second", "run-done"), 1),
        ["the runner makes an agent"] = new("runproof_runner", "INSERT INTO agents (id, tenant_id, name, created_at) VALUES ('new', 't1', 'n', now())", 1),
        ["the runner makes a run"] = new("runproof_runner", Seed.Insert("runs", Seed.Run("t1", "new")), 1),
        ["the runner starts a run"] = new("runproof_runner", "UPDATE runs SET status = 'running', started_at = now(), attempts = attempts + 1 WHERE id = 'run-queued'", 1),
        ["the runner ends a run"] = new("runproof_runner", "UPDATE runs SET status = 'failed', completed_at = now(), error_code = 'x', error_message = 'y' WHERE id = 'run-running'", 1),
        ["the runner aborts a queued run"] = new("runproof_runner", "UPDATE runs SET status = 'aborted', completed_at = now() WHERE id = 'run-queued'", 1),
        ["the runner renews its claims"] = new("runproof_runner", "SELECT runproof.renew_claims('worker-1', now())", -1),
        ["AOS's evidence query on traces, by the auditor"] = new(
            "runproof_auditor", "SELECT trace_id, run_id, status, started_at, completed_at FROM aos_traces WHERE run_id = 'run-done'", -1),
        ["AOS's evidence query on steps, by the auditor"] = new(
            "runproof_auditor", "SELECT step_index, skill_name, status, duration_ms, cost_cents, source, level FROM aos_trace_steps WHERE trace_id = 'sealed'", -1),
        ["the verifier reads the archive"] = new("runproof_verifier", "SELECT * FROM aos_traces_archive t JOIN aos_trace_steps_archive s USING (trace_id, tenant_id)", -1),
        ["every service reads the schema's version"] = new("runproof_verifier", "SELECT max(version) FROM runproof.schema_migrations", -1),
    };

    public static TheoryData<string> Cases() => [.. Attempts.Keys];

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Is_done(string name)
    {
        var attempt = Attempts[name];
        Assert.Equal(("00000", attempt.Rows.ToString()), await database.TryAsync(attempt.Role, attempt.Sql));
    }

    [Theory]
    [InlineData("aos_traces", "trace_id, run_id, status, started_at, completed_at", "run_id = 'run-done'", "aos_traces_run")]
    [InlineData("aos_trace_steps", "step_index, skill_name, status, duration_ms, cost_cents, source, level", "trace_id = 'sealed'", "aos_trace_steps_pkey")]
    public async Task The_evidence_queries_of_the_older_system_are_answered_from_an_index(string table, string columns, string where, string index)
    {
        await using var connection = await database.Admin.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await using var command = new Npgsql.NpgsqlCommand($"SET LOCAL enable_seqscan = off; EXPLAIN (FORMAT json) SELECT {columns} FROM {table} WHERE {where}", connection);
        Assert.Contains($"\"{index}\"", (string)(await command.ExecuteScalarAsync())!, StringComparison.Ordinal);
    }
}
