namespace RunProof.Postgres.Tests;

/// <summary>
/// Every statement that evidence must withstand. The owner and a superuser meet the guard whose SQLSTATE stands in the row; a service role has no
/// privilege to begin with (42501) unless the row says otherwise.
/// </summary>
public sealed class ForbiddenStatements(SeededDatabase database) : IClassFixture<SeededDatabase>
{
    private const string Denied = "42501";

    /// <param name="Sql">The statement.</param>
    /// <param name="State">What the owner gets.</param>
    /// <param name="Before">What the owner does first, in the same transaction.</param>
    /// <param name="Runner">What the runner gets where it has a privilege.</param>
    private sealed record Attempt(string Sql, string State, string? Before = null, string Runner = Denied);

    private static readonly Dictionary<string, Attempt> Attempts = new(StringComparer.Ordinal)
    {
        // What the older system let through (its stages D and E).
        ["a completed trace goes back to running"] = new(
            Traces("status = 'running', completed_at = NULL, chain_length = NULL, steps_root = NULL, root_hash = NULL, metadata = NULL, metadata_salt = NULL, metadata_hash = NULL"), "S6000"),
        ["a completed trace becomes failed"] = new(Traces("status = 'failed'"), "S6000"),
        ["a completed trace gets a status of no vocabulary"] = new(Traces("status = 'banana'"), "S6000"),
        ["metadata is rewritten after the seal"] = new(Traces("metadata = '{\"duration_ms\":1}'"), "S6000"),
        ["metadata is rewritten with its salt and commitment"] = new(Traces("metadata = '{}', metadata_salt = goal_salt, metadata_hash = goal_hash"), "S6000"),
        ["a trace is marked archived and changed in one statement"] = new(Traces("archived_at = now(), metadata = NULL"), "S6000"),
        ["a trace is marked archived and reopened in one statement"] = new(Traces("archived_at = now(), status = 'running'"), "S6000"),
        ["a trace marked archived is completed"] = new(Traces(Seed.Close(3)), "S6000", Before: Traces("archived_at = now()")),
        ["a trace marked archived is marked again"] = new(Traces("archived_at = now() + interval '1 day'"), "S6000", Before: Traces("archived_at = now()")),
        ["a trace marked archived is unmarked"] = new(Traces("archived_at = NULL"), "S6000", Before: Traces("archived_at = now()")),
        ["a trace is marked archived at no time"] = new(Traces("archived_at = 'infinity'"), "23514"),
        ["a step is inserted after the seal"] = new(Seed.InsertSteps("t1", "sealed", 3, 3), "S6003"),
        ["a step is copied in after the seal"] = new(
            "INSERT INTO aos_trace_steps SELECT (jsonb_populate_record(s, '{\"step_index\": 3}')).* FROM aos_trace_steps s WHERE trace_id = 'sealed' AND step_index = 2 AND tenant_id = 't1'", "S6003"),
        ["a step is inserted into an archived trace"] = new(Seed.InsertSteps("t1", "moved", 2, 2), "23503"),
        ["a made-up row enters the trace archive"] = new(
            $"INSERT INTO aos_traces_archive SELECT (jsonb_populate_record(t, '{{\"trace_id\": \"made-up\"}}')).* FROM aos_traces t WHERE {SealedTrace}", "S6006"),
        ["an almost equal row enters the trace archive"] = new(
            $"INSERT INTO aos_traces_archive SELECT (jsonb_populate_record(t, '{{\"planner\": \"other\"}}')).* FROM aos_traces t WHERE {SealedTrace}", "S6006", Before: Traces("archived_at = now()")),
        ["a trace not marked archived enters the archive"] = new($"INSERT INTO aos_traces_archive SELECT * FROM aos_traces WHERE {SealedTrace}", "S6006"),
        ["a running trace enters the archive"] = new("INSERT INTO aos_traces_archive SELECT * FROM aos_traces WHERE trace_id = 'open' AND tenant_id = 't1'", "S6006"),
        ["an almost equal step enters the archive"] = new(
            $"INSERT INTO aos_trace_steps_archive SELECT (jsonb_populate_record(s, '{{\"cost_cents\": 0}}')).* FROM aos_trace_steps s WHERE {SealedTrace}", "S6006"),
        ["a step enters the archive before its trace"] = new($"INSERT INTO aos_trace_steps_archive SELECT * FROM aos_trace_steps WHERE {SealedTrace}", "23503"),
        ["a step enters the archive of a trace that moved"] = new(Seed.Insert("aos_trace_steps_archive", Seed.Step("t1", "moved", 2)), "S6006"),
        ["a trace is copied to the archive and stays"] = new(
            $"INSERT INTO aos_traces_archive SELECT * FROM aos_traces WHERE {SealedTrace}; INSERT INTO aos_trace_steps_archive SELECT * FROM aos_trace_steps WHERE {SealedTrace}",
            "S6006", Before: Traces("archived_at = now()")),
        ["a trace moves to the archive without one step"] = new(
            $"""
            INSERT INTO aos_traces_archive SELECT * FROM aos_traces WHERE {SealedTrace};
            INSERT INTO aos_trace_steps_archive SELECT * FROM aos_trace_steps WHERE {SealedTrace} AND step_index < 2;
            DELETE FROM aos_trace_steps WHERE {SealedTrace} AND step_index < 2
            """, "S6006", Before: Traces("archived_at = now()")),
        ["a trace is deleted after a made-up archive row"] = new($"DELETE FROM aos_traces WHERE {SealedTrace}", "S6001"),
        ["a trace is deleted while its steps stay"] = new(
            $"DELETE FROM aos_traces WHERE {SealedTrace}", "S6001",
            Before: $"{Traces("archived_at = now()")}; INSERT INTO aos_traces_archive SELECT * FROM aos_traces WHERE {SealedTrace}"),
        ["a step is deleted"] = new($"DELETE FROM aos_trace_steps WHERE {SealedTrace} AND step_index = 1", "S6001"),
        ["the last step is deleted"] = new($"DELETE FROM aos_trace_steps WHERE {SealedTrace} AND step_index = 2", "S6001"),
        ["a running trace's step is deleted"] = new("DELETE FROM aos_trace_steps WHERE trace_id = 'open' AND tenant_id = 't1' AND step_index = 1", "S6001"),
        ["a running trace is deleted"] = new("DELETE FROM aos_traces WHERE trace_id = 'open' AND tenant_id = 't1'", "S6001"),
        ["aos_traces is truncated"] = new("TRUNCATE aos_traces CASCADE", "S6002"),
        ["aos_trace_steps is truncated"] = new("TRUNCATE aos_trace_steps", "S6002"),
        ["aos_traces_archive is truncated"] = new("TRUNCATE aos_traces_archive CASCADE", "S6002"),
        ["aos_trace_steps_archive is truncated"] = new("TRUNCATE aos_trace_steps_archive", "S6002"),
        ["all evidence is truncated at once"] = new("TRUNCATE aos_traces, aos_trace_steps, aos_traces_archive, aos_trace_steps_archive", "S6002"),

        // Sealing.
        ["a running trace is completed with too short a chain"] = new(Open(Seed.Close(1)), "S6005"),
        ["a running trace is completed with too long a chain"] = new(Open(Seed.Close(3)), "S6005"),
        ["a trace is sealed twice alike"] = new(Open(Seed.Close(2)), "S6000", Before: Open(Seed.Close(2))),
        ["a running trace is sealed in part"] = new(Open("status = 'completed', completed_at = now(), chain_length = 2"), "23514"),
        ["a running trace is sealed with a status of no vocabulary"] = new(Open(Seed.Close(2).Replace("completed'", "banana'", StringComparison.Ordinal)), "23514"),
        ["a running trace is sealed at no time"] = new(Open(Seed.Close(2).Replace("2026-02-10 12:43:45+00", "infinity", StringComparison.Ordinal)), "23514"),
        ["a running trace is sealed without the metadata it commits to"] = new(Open(Seed.Close(2)).Replace("metadata = '{}', metadata_salt = decode(repeat('5a', 16), 'hex')", "metadata = NULL", StringComparison.Ordinal), "S6000"),
        ["a root hash is written before the seal"] = new(Open($"root_hash = {Seed.Digest(1)}"), "S6000"),
        ["a running trace is marked archived"] = new(Open("archived_at = now()"), "S6000"),
        ["a running trace is moved to the archive"] = new("SELECT runproof.archive_trace('t1', 'open')", "S6006"),
        ["a trace that is not there is moved to the archive"] = new("SELECT runproof.archive_trace('t1', 'none')", "P0002"),
        ["a statement that changes nothing"] = new(Traces("status = status"), "S6000"),

        // Opening.
        ["a trace is inserted twice"] = new(Seed.InsertTrace("t1", "open", "run-running"), "23505"),
        ["an archived trace is opened again"] = new(Seed.InsertTrace("t1", "moved", "run-done"), "S6009"),
        ["a trace is inserted completed"] = new($"{Seed.InsertTrace("t1", "new", "r")}; UPDATE aos_traces SET {Seed.Close(1)} WHERE trace_id = 'new'", "S6005"),
        ["a trace is inserted sealed"] = new(
            $"INSERT INTO aos_traces SELECT (jsonb_populate_record(t, '{{\"trace_id\": \"new\"}}')).* FROM aos_traces t WHERE {SealedTrace}", "S6009"),
        ["a trace is inserted marked archived"] = new(Seed.Insert("aos_traces", Seed.Trace("t1", "new", "r").With("archived_at", "now()")), "S6009"),
        ["a trace is inserted without its goal"] = new(Seed.Insert("aos_traces", Seed.Trace("t1", "new", "r").With("goal", "NULL").With("goal_salt", "NULL")), "S6009"),
        ["a trace is inserted without the context it commits to"] = new(
            Seed.Insert("aos_traces", Seed.Trace("t1", "new", "r").With("context", "NULL").With("context_salt", "NULL")), "S6009"),

        // Appending.
        ["a step leaves a gap"] = new(Seed.InsertSteps("t1", "open", 3, 3), "S6004"),
        ["a step repeats an index"] = new(Seed.InsertSteps("t1", "open", 1, 1), "23505"),
        ["steps overlap what is there"] = new(Seed.InsertSteps("t1", "open", 1, 2), "23505"),
        ["steps of one statement leave a gap among them"] = new(Seed.Insert("aos_trace_steps", Seed.Step("t1", "open", 2), Seed.Step("t1", "open", 4)), "S6004"),
        ["one trace of two in a statement leaves a gap"] = new(
            Seed.Insert("aos_trace_steps", Seed.Step("t1", "open", 2), Seed.Step("t2", "open", 3)), "S6004"),
        ["one trace of two in a statement is sealed"] = new(Seed.Insert("aos_trace_steps", Seed.Step("t1", "open", 2), Seed.Step("t2", "sealed", 3)), "S6003"),
        ["a step has no trace"] = new(Seed.InsertSteps("t1", "none", 0, 0), "23503"),
        ["a step of one tenant is added to another's trace"] = new(Seed.InsertSteps("t2", "only-t1", 0, 0), "23503", Before: Seed.InsertTrace("t1", "only-t1", "r")),
        ["a step is inserted without its params"] = new(Step("params", "NULL", "params_salt", "NULL"), "S6009"),
        ["a step is inserted without the outcome it commits to"] = new(Step("outcome_data", "NULL", "outcome_salt", "NULL"), "S6009"),
        ["a step is inserted over another"] = new(
            Seed.InsertSteps("t1", "open", 1, 1) + " ON CONFLICT (trace_id, tenant_id, step_index) DO UPDATE SET status = 'failed', level = 'ERROR'", "S6000"),

        // Heads: what a step may be appended behind.
        ["a sealed trace gets a head"] = new(Head("t1", "sealed", 3), "S6003"),
        ["an archived trace gets a head"] = new(Head("t1", "moved", 2), "S6003"),
        ["a trace that is not there gets a head"] = new(Head("t1", "none", 0), "S6003"),
        ["an open trace's head is made anew further on"] = new(Head("t1", "open", 5), "S6003", Before: "DELETE FROM runproof.trace_heads WHERE trace_id = 'open' AND tenant_id = 't1'"),
        ["an open trace's head is given to a sealed one"] = new("UPDATE runproof.trace_heads SET trace_id = 'sealed', next_index = 3 WHERE trace_id = 'open' AND tenant_id = 't1'", "S6000"),
        ["an open trace's head is given to another tenant"] = new("UPDATE runproof.trace_heads SET tenant_id = 't3' WHERE trace_id = 'open' AND tenant_id = 't1'", "S6000"),
        ["a step follows a head that was put beside the seal"] = new($"{Head("t1", "sealed", 3)}; {Seed.InsertSteps("t1", "sealed", 3, 3)}", "S6003"),

        // Values of no meaning, which the older system took.
        ["a step index below zero"] = new(Step("step_index", "-5"), "23514"),
        ["a step status of no vocabulary"] = new(Step("status", "'banana'", "level", "'ERROR'"), "23514"),
        ["a level that does not follow the status"] = new(Step("level", "'ERROR'"), "23514"),
        ["a source of no vocabulary"] = new(Step("source", "'cli_backfill'"), "23514"),
        ["a replay behavior of no vocabulary"] = new(Step("replay_behavior", "'zzz'"), "23514"),
        ["a cost below zero"] = new(Step("cost_cents", "-1"), "23514"),
        ["a cost that is no number"] = new(Step("cost_cents", "'NaN'"), "23514"),
        ["a cost without end"] = new(Step("cost_cents", "'Infinity'"), "23514"),
        ["a cost that no decimal can hold"] = new(Step("cost_cents", "79228162514264337593543950336"), "23514"),
        ["a cost finer than a decimal"] = new(Step("cost_cents", "0.00000000000000000000000000001"), "23514"),
        ["a duration below zero"] = new(Step("duration_ms", "-1"), "23514"),
        ["a duration that is no number"] = new(Step("duration_ms", "'NaN'"), "23514"),
        ["a duration without end"] = new(Step("duration_ms", "'Infinity'"), "23514"),
        ["a retry count below zero"] = new(Step("retry_count", "-1"), "23514"),
        ["a step at no time"] = new(Step("timestamp", "'infinity'"), "23514"),
        ["a step before all time"] = new(Step("timestamp", "'-infinity'"), "23514"),
        ["a step in a year that the wire cannot spell"] = new(Step("timestamp", "'10000-01-01 00:00:00+00'"), "23514"),
        ["a step before Christ"] = new(Step("timestamp", "'0044-03-15 12:00:00+00 BC'"), "23514"),
        ["a link of another length"] = new(Step("link", "'\\x00'"), "23514"),
        ["a commitment of another length"] = new(Step("input_hash", "'\\x00'"), "23514"),
        ["a salt of another length"] = new(Step("params_salt", "'\\x00'"), "23514"),
        ["a text without its salt"] = new(Step("params_salt", "NULL"), "23514"),
        ["an outcome without its commitment"] = new(Step("output_hash", "NULL"), "23514"),
        ["a skill without a name"] = new(Step("skill_name", "''"), "23514"),
        ["a trace id with a space"] = new(Trace("trace_id", "'a b'"), "23514"),
        ["a trace id with a line end"] = new(Trace("trace_id", "E'a\\n'"), "23514"),
        ["a tenant with a slash"] = new(Trace("tenant_id", "'a/b'"), "23514"),
        ["a run id beyond ASCII"] = new(Trace("run_id", "'rün'"), "23514"),
        ["a run id of 129 characters"] = new(Trace("run_id", "repeat('a', 129)"), "23514"),
        ["a seed that a double cannot hold"] = new(Trace("seed", "9007199254740992"), "23514"),
        ["a format of another version"] = new(Trace("schema_version", "'1.1'"), "23514"),
        ["a trace that starts at no time"] = new(Trace("started_at", "'infinity'"), "23514"),
        ["a trace without a link"] = new(Trace("link", "NULL"), "23502"),

        // Erasing.
        ["a payload is set to null without a record"] = new(Traces("goal = NULL, goal_salt = NULL"), "S6000"),
        ["a step's payload is set to null without a record"] = new($"UPDATE aos_trace_steps SET params = NULL, params_salt = NULL WHERE {SealedTrace}", "S6000"),
        ["a salt alone is set to null"] = new(Traces("goal_salt = NULL"), "S6000"),
        ["a recorded erasure takes another column with it"] = new(
            Traces("goal = NULL, goal_salt = NULL, planner = 'x'"), "S6000",
            Before: $"INSERT INTO runproof.payload_erasures (trace_id, tenant_id, payload, commitment, erased_by, reason) VALUES ('sealed', 't1', 'goal', {Seed.Digest(1)}, 'x', 'y')"),
        ["an erased payload is written back"] = new("UPDATE aos_trace_steps SET params = '{}', params_salt = outcome_salt WHERE trace_id = 'erased' AND tenant_id = 't1'", "S6000"),
        ["a running trace's payload is erased"] = new("SELECT runproof.erase_payload('t1', 'open', 0, 'params', 'x', 'y')", "S6008"),
        ["a payload that never was is erased"] = new("SELECT runproof.erase_payload('t1', 'sealed', 9, 'params', 'x', 'y')", "S6008"),
        ["a column that is no payload is erased"] = new("SELECT runproof.erase_payload('t1', 'sealed', 0, 'link', 'x', 'y')", "22023"),
        ["a trace's payload is erased as a step's"] = new("SELECT runproof.erase_payload('t1', 'sealed', 0, 'goal', 'x', 'y')", "22023"),
        ["a payload is erased by no one"] = new("SELECT runproof.erase_payload('t1', 'sealed', 0, 'params', '', 'y')", "23514"),
        ["a payload is erased for no reason"] = new("SELECT runproof.erase_payload('t1', 'sealed', 0, 'params', 'x', NULL)", "23502"),
        ["a payload of a trace that is not there is erased"] = new("SELECT runproof.erase_payload('t1', 'none', 0, 'params', 'x', 'y')", "P0002"),
        ["a record of an erasure is changed"] = new("UPDATE runproof.payload_erasures SET reason = 'other'", "S6000"),
        ["a record of an erasure is deleted"] = new("DELETE FROM runproof.payload_erasures", "S6001"),
        ["the records of erasures are truncated"] = new("TRUNCATE runproof.payload_erasures", "S6002"),

        // The archive.
        ["an archived trace is changed"] = new("UPDATE aos_traces_archive SET planner = 'x'", "S6000"),
        ["an archived trace is reopened"] = new("UPDATE aos_traces_archive SET archived_at = NULL", "S6000"),
        ["an archived step is changed"] = new("UPDATE aos_trace_steps_archive SET cost_cents = 0", "S6000"),
        ["an archived trace is deleted"] = new("DELETE FROM aos_traces_archive", "S6001"),
        ["an archived step is deleted"] = new("DELETE FROM aos_trace_steps_archive", "S6001"),

        // Runs.
        ["a run goes back to queued"] = new(Run("run-running", "status = 'queued', started_at = NULL"), "S6007", Runner: "S6007"),
        ["a run that has a worker goes back to queued"] = new(Run("run-running", "status = 'queued', attempt_open = true, between_steps = true"), "S6007", Runner: "S6007"),
        ["a run goes back to queued with a step under way"] = new(Run("run-running", "status = 'queued', attempt_open = true, worker = NULL, lease_until = NULL"), "S6007", Runner: "S6007"),
        ["a run gets an attempt that it may not have"] = new(Run("run-running", "status = 'queued', worker = NULL, lease_until = NULL, started_at = NULL"), "S6007", Runner: "S6007"),
        ["a run may have more attempts"] = new(Run("run-running", "max_attempts = 7"), "S6007"),
        ["a run is moved up the line"] = new(Run("run-queued", "priority = 9"), "S6007"),
        ["a run that succeeded gets another attempt"] = new(Run("run-done", "status = 'queued', max_attempts = 2, completed_at = NULL, started_at = NULL, duration_ms = NULL"), "S6007"),
        ["who cancelled a run is changed"] = new(Run("run-queued", "cancel_requested_by = 'mallory'"), "S6007", Before: Run("run-queued", "cancel_requested_at = now(), cancel_requested_by = 'ada'")),
        ["an ended run goes on"] = new(Run("run-done", "status = 'running', completed_at = NULL"), "S6007", Runner: "S6007"),
        ["an ended run ends otherwise"] = new(Run("run-done", "status = 'failed'"), "S6007", Runner: "S6007"),
        ["an ended run is claimed"] = new(Run("run-done", "worker = 'other'"), "S6007", Runner: "S6007"),
        ["a run's status is of no vocabulary"] = new(Run("run-queued", "status = 'retry', completed_at = now()"), "23514", Runner: "23514"),
        ["a run's attempts are taken back"] = new(Run("run-running", "attempts = 0"), "S6007", Runner: "S6007"),
        ["a run's start is moved"] = new(Run("run-running", "started_at = now() - interval '1 day'"), "S6007", Runner: "S6007"),
        ["a running run gets an error"] = new(Run("run-running", "error_code = 'x'"), "S6007", Runner: "S6007"),
        ["a run ends without a time"] = new(Run("run-running", "status = 'failed'"), "23514", Runner: "23514"),
        ["a run's plan is changed"] = new(Run("run-queued", "plan_json = '[]'"), "S6007"),
        ["a run's goal is changed"] = new(Run("run-queued", "goal = 'x'"), "S6007"),
        ["a run's goal is changed to erased without a record"] = new(Run("run-done", "goal = '[erased]'"), "S6007"),
        ["a run changes its agent"] = new(Run("run-queued", "agent_id = 'agent-2'"), "S6007"),
        ["a run changes its tenant"] = new(Run("run-queued", "tenant_id = 't2'"), "S6007"),
        ["a run is deleted"] = new("DELETE FROM runs WHERE id = 'run-done'", "S6001"),
        ["runs are truncated"] = new("TRUNCATE runs", "S6002"),
        ["a run is inserted ended"] = new(Seed.Insert("runs", Seed.Run("t1", "r").With("status", "'succeeded'").With("completed_at", "now()")), "S6007", Runner: "S6007"),
        ["a run is inserted running"] = new(Seed.Insert("runs", Seed.Run("t1", "r").With("status", "'running'").With("started_at", "now()")), "S6007", Runner: "S6007"),
        ["a run has no agent"] = new(Seed.Insert("runs", Seed.Run("t1", "r").With("agent_id", "'nobody'")), "23503", Runner: "23503"),
        ["an idempotency key is used twice"] = new(Seed.Insert("runs", Seed.Run("t1", "r").With("idempotency_key", "'key-run-done'")), "23505", Runner: "23505"),
    };

    public static TheoryData<string, string> Cases()
    {
        var cases = new TheoryData<string, string>();
        foreach (var name in Attempts.Keys)
        {
            foreach (var role in SeededDatabase.Roles)
                cases.Add(name, role);
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task Is_refused(string name, string role)
    {
        var attempt = Attempts[name];
        var expected = role switch
        {
            "runproof_owner" or "superuser" => attempt.State,
            "runproof_runner" => attempt.Runner,
            _ => Denied,
        };
        var (state, message) = await database.TryAsync(role, attempt.Sql, attempt.Before);
        Assert.Equal((name, expected), (name, state == expected ? state : $"{state} {message}"));
        if (state.StartsWith("S6", StringComparison.Ordinal))
            Assert.StartsWith("S6_IMMUTABILITY_VIOLATION: ", message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("UPDATE aos_traces SET planner = 'x' WHERE trace_id = 'sealed'", "S6000")]
    [InlineData("UPDATE aos_trace_steps SET cost_cents = 1 WHERE trace_id = 'sealed'", "S6000")]
    [InlineData("DELETE FROM aos_trace_steps WHERE trace_id = 'sealed'", "S6001")]
    [InlineData("TRUNCATE aos_trace_steps", "S6002")]
    [InlineData("UPDATE runs SET status = 'queued' WHERE id = 'run-done'", "S6007")]
    public async Task Replica_mode_does_not_switch_the_guards_off(string sql, string expected)
    {
        var (state, _) = await database.TryAsync("superuser", "SET LOCAL session_replication_role = replica; " + sql);
        Assert.Equal(expected, state);
    }

    [Fact]
    public async Task Replica_mode_does_not_let_a_step_in_after_the_seal()
    {
        var (state, _) = await database.TryAsync("superuser", "SET LOCAL session_replication_role = replica; " + Seed.InsertSteps("t1", "sealed", 3, 3));
        Assert.Equal("S6003", state);
    }

    private const string SealedTrace = "trace_id = 'sealed' AND tenant_id = 't1'";

    private static string Traces(string set) => $"UPDATE aos_traces SET {set} WHERE {SealedTrace}";

    private static string Open(string set) => $"UPDATE aos_traces SET {set} WHERE trace_id = 'open' AND tenant_id = 't1'";

    private static string Run(string run, string set) => $"UPDATE runs SET {set} WHERE id = '{run}' AND tenant_id = 't1'";

    private static string Head(string tenant, string trace, int next) =>
        $"INSERT INTO runproof.trace_heads (trace_id, tenant_id, next_index, last_link) SELECT '{trace}', '{tenant}', {next}, coalesce((SELECT link FROM aos_traces WHERE trace_id = '{trace}' AND tenant_id = '{tenant}'), {Seed.Digest(1)})";

    private static string Step(string column, string value) => Seed.Insert("aos_trace_steps", Seed.Step("t1", "open", 2).With(column, value));

    private static string Step(string column, string value, string other, string otherValue) =>
        Seed.Insert("aos_trace_steps", Seed.Step("t1", "open", 2).With(column, value).With(other, otherValue));

    private static string Trace(string column, string value) => Seed.Insert("aos_traces", Seed.Trace("t1", "new", "r").With(column, value));
}
