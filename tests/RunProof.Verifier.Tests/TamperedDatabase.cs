using System.Text.Json.Nodes;
using Npgsql;
using RunProof.Testing;
using RunProof.Verification.Tests;

namespace RunProof.Verifier.Tests;

/// <summary>
/// The owner with every trigger disabled and every constraint dropped, changing whatever is visible. The columns come from the database's own catalogue:
/// one that is added later without a decision here fails <see cref="Every_visible_column_changed_is_found"/>.
/// </summary>
public sealed class TamperedDatabase(PostgresFixture postgres) : IAsyncLifetime
{
    private const int Step = 7;

    /// <summary>Columns that no hash covers, each with why a change to it cannot mislead anyone about what happened.</summary>
    private static readonly Dictionary<string, string> NotEvidence = new(StringComparer.Ordinal)
    {
        ["aos_traces.archived_at"] = "where the row is kept, and since when: a fact about the store after the seal, not about the run",
    };

    /// <summary>Columns of the trace that belong to the seal; what is wrong with them is found there, or at the root hash.</summary>
    private static readonly HashSet<string> SealColumns =
        ["status", "completed_at", "metadata", "metadata_salt", "metadata_hash", "chain_length", "steps_root", "root_hash"];

    private readonly Evidence _evidence = Evidence.Bundle("forty-steps");
    private readonly Evidence _other = Evidence.Bundle("seed-run");
    private NpgsqlDataSource _admin = null!;
    private VerifierService _verifier = null!;
    private string _key = "";
    private string _otherKey = "";

    public async ValueTask InitializeAsync()
    {
        var database = await postgres.CreateMigratedDatabaseAsync();
        _admin = NpgsqlDataSource.Create(database.AdminConnectionString);
        _verifier = await VerifierService.StartAsync(database.VerifierConnectionString);
        _key = await StoredEvidence.CreateKeyAsync(_admin, _evidence.Trace.TenantId);
        _otherKey = await StoredEvidence.CreateKeyAsync(_admin, _other.Trace.TenantId);
        await StoredEvidence.StoreAsync(_admin, _evidence);
        await StoredEvidence.StoreAsync(_admin, _other);
        await DisarmAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _verifier.DisposeAsync();
        await _admin.DisposeAsync();
    }

    [Fact]
    public async Task Every_visible_column_changed_is_found()
    {
        var tried = 0;
        foreach (var column in await StoredEvidence.ListAsync(
            _admin,
            """
            SELECT table_name || '.' || column_name || ' ' || data_type FROM information_schema.columns
              WHERE table_schema = 'public' AND table_name IN ('aos_traces', 'aos_trace_steps') ORDER BY table_name, ordinal_position
            """))
        {
            var (table, name, type) = (column.Split('.')[0], column.Split('.', ' ')[1], column.Split(' ', 2)[1]);
            if (NotEvidence.ContainsKey($"{table}.{name}"))
                continue;
            foreach (var (change, expression) in Changes(table, name, type))
            {
                await AssertFoundAsync(table, name, change, expression);
                tried++;
            }
        }

        // 30 columns of the trace and 29 of the step, most of them changed to another value and to null.
        Assert.True(tried > 100, $"only {tried} changes tried");
    }

    [Fact]
    public async Task The_columns_that_are_no_evidence_are_there_and_change_nothing()
    {
        foreach (var column in NotEvidence.Keys)
        {
            await StoredEvidence.ExecuteAsync(_admin, $"UPDATE {column.Split('.')[0]} SET {column.Split('.')[1]} = now()");
            Assert.Equal("VERIFIED", Text(await ProofAsync(), "verification_status"));
            await RestoreAsync();
        }
    }

    [Theory]
    [InlineData("DELETE FROM aos_trace_steps WHERE trace_id = $1 AND step_index = 7", "steps[7]", "step 7: is missing; the next one recorded is step 8")]
    [InlineData("DELETE FROM aos_trace_steps WHERE trace_id = $1 AND step_index = 39", "seal.chain_length", "seal: chain_length is 40, but 39 steps are recorded")]
    [InlineData("DELETE FROM aos_trace_steps WHERE trace_id = $1", "seal.chain_length", "seal: chain_length is 40, but 0 steps are recorded")]
    [InlineData("INSERT INTO aos_trace_steps SELECT * FROM aos_trace_steps WHERE trace_id = $1 AND step_index = 7", "steps[7]", "step 7: comes again, or after a step that follows it")]
    [InlineData("UPDATE aos_trace_steps SET trace_id = 'trace_89ceeaba-1aa4-42ad-b93e-4bdcd72d75b6', step_index = 1 WHERE trace_id = $1 AND step_index = 7", "steps[7]", "step 7: is missing")]
    [InlineData("UPDATE aos_trace_steps SET outcome_data = '{}' WHERE trace_id = $1 AND step_index = 3", "steps[3].outcome_data", "step 3: outcome_data does not match its commitment")]
    [InlineData("UPDATE aos_trace_steps SET params_salt = decode(repeat('00', 16), 'hex') WHERE trace_id = $1 AND step_index = 3", "steps[3].params", "step 3: params does not match its commitment")]
    [InlineData("UPDATE aos_trace_steps SET input_hash = decode(repeat('00', 32), 'hex') WHERE trace_id = $1 AND step_index = 3", "steps[3].input_hash", "step 3: input_hash does not match its link")]
    [InlineData("UPDATE aos_trace_steps SET cost_cents = 'NaN' WHERE trace_id = $1 AND step_index = 3", "steps[3].cost_cents", "step 3: cost_cents is \"NaN\"")]
    [InlineData("UPDATE aos_trace_steps SET cost_cents = repeat('9', 100)::numeric WHERE trace_id = $1 AND step_index = 3", "steps[3].cost_cents", "step 3: cost_cents is \"999")]
    [InlineData("UPDATE aos_trace_steps SET duration_ms = 'Infinity' WHERE trace_id = $1 AND step_index = 3", "steps[3].duration_ms", "step 3: duration_ms is Infinity")]
    [InlineData("UPDATE aos_trace_steps SET duration_ms = '-0' WHERE trace_id = $1 AND step_index = 3", "steps[3].duration_ms", "step 3: duration_ms is -0")]
    [InlineData("UPDATE aos_trace_steps SET timestamp = 'infinity' WHERE trace_id = $1 AND step_index = 3", "steps[3]", "step 3: does not match its link")]
    [InlineData("UPDATE aos_trace_steps SET timestamp = '4713-01-01 BC' WHERE trace_id = $1 AND step_index = 3", "steps[3]", "")]
    [InlineData("UPDATE aos_traces SET completed_at = '-infinity' WHERE trace_id = $1", "root_hash", "root_hash: does not match")]
    [InlineData("UPDATE aos_traces SET root_hash = '' WHERE trace_id = $1", "root_hash", "root_hash: has not 32 bytes")]
    public async Task Tampering_is_found_where_it_was_done(string sql, string place, string reason)
    {
        await TamperAsync(sql);
        var proof = await ProofAsync();
        Assert.Equal("FAILED", Text(proof, "verification_status"));
        Assert.StartsWith(place, Text(proof["findings"]![0]!, "place"), StringComparison.Ordinal);
        Assert.Contains(reason, Text(proof, "failure_reason"), StringComparison.Ordinal);
        Assert.Equal(Text(proof, "failure_reason"), Text(proof["findings"]![0]!, "message"));
    }

    [Fact]
    public async Task A_step_moved_to_another_trace_fails_that_trace_too()
    {
        await TamperAsync(
            $"UPDATE aos_trace_steps SET trace_id = '{_other.Trace.TraceId}', tenant_id = '{_other.Trace.TenantId}', step_index = 1 WHERE trace_id = $1 AND step_index = 7");
        Assert.Equal("steps[7]", Text((await ProofAsync())["findings"]![0]!, "place"));
        var other = await _verifier.ProofAsync(_other.Trace.RunId, _otherKey);
        Assert.Equal("FAILED", Text(other, "verification_status"));
        Assert.Equal("steps[1]", Text(other["findings"]![0]!, "place"));
    }

    [Fact]
    public async Task Steps_reordered_by_their_index_fail_at_the_first_of_them()
    {
        // Two rows of one index for a moment is what the dropped key allows.
        await TamperAsync("UPDATE aos_trace_steps SET step_index = CASE step_index WHEN 3 THEN 4 ELSE 3 END WHERE trace_id = $1 AND step_index IN (3, 4)");
        var proof = await ProofAsync();
        Assert.Equal(("FAILED", "step 3: does not match its link"), (Text(proof, "verification_status"), Text(proof, "failure_reason")));
    }

    /// <summary>
    /// With the whole seal gone the trace looks like one that is still open, which no hash inside it can refute: so it is not VERIFIED but UNSUPPORTED. Telling
    /// it from an open trace takes the tenant's log, which has an entry for every seal, or its queue.
    /// </summary>
    [Fact]
    public async Task A_removed_seal_is_unsupported_and_a_half_removed_one_failed()
    {
        await TamperAsync(
            "UPDATE aos_traces SET status = 'running', completed_at = NULL, chain_length = NULL, steps_root = NULL, root_hash = NULL, metadata = NULL, metadata_salt = NULL, metadata_hash = NULL WHERE trace_id = $1");
        var proof = await ProofAsync();
        Assert.Equal(("FAILED", "SEAL_MISSING"), (Text(proof, "verification_status"), Text(proof, "failure_code")));
        Assert.StartsWith("seal: is missing, though its seal awaits inclusion in the log", Text(proof, "failure_reason"), StringComparison.Ordinal);
        await ForgetSealAsync();
        proof = await ProofAsync();
        Assert.Equal(("UNSUPPORTED", "TRACE_NOT_SEALED"), (Text(proof, "verification_status"), Text(proof, "failure_code")));
        await RestoreAsync();
        await TamperAsync("UPDATE aos_traces SET status = 'running' WHERE trace_id = $1");
        proof = await ProofAsync();
        Assert.Equal(("FAILED", "SEAL_MISMATCH"), (Text(proof, "verification_status"), Text(proof, "failure_code")));
        Assert.Equal("seal.status", Text(proof["findings"]![0]!, "place"));
    }

    [Fact]
    public async Task A_trace_moved_whole_to_another_tenant_fails_there()
    {
        await TamperAsync($"UPDATE aos_traces SET tenant_id = '{_other.Trace.TenantId}' WHERE trace_id = $1");
        await TamperAsync($"UPDATE aos_trace_steps SET tenant_id = '{_other.Trace.TenantId}' WHERE trace_id = $1");
        var proof = await _verifier.ProofAsync(_evidence.Trace.RunId, _otherKey);
        Assert.Equal("FAILED", Text(proof, "verification_status"));
        Assert.StartsWith("header", Text(proof["findings"]![0]!, "place"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("succeeded", null, "FAILED", "SEAL_MISSING")]
    [InlineData("failed", "http_404", "FAILED", "SEAL_MISSING")]
    [InlineData("failed", "evidence_unavailable", "UNSUPPORTED", "TRACE_NOT_SEALED")]
    [InlineData("running", null, "UNSUPPORTED", "TRACE_NOT_SEALED")]
    public async Task A_removed_seal_of_a_run_that_ended_is_found(string status, string? error, string verdict, string code)
    {
        await AddRunAsync(status, error);
        await ForgetSealAsync();
        await TamperAsync(
            "UPDATE aos_traces SET status = 'running', completed_at = NULL, chain_length = NULL, steps_root = NULL, root_hash = NULL, metadata = NULL, metadata_salt = NULL, metadata_hash = NULL WHERE trace_id = $1");
        var proof = await ProofAsync();
        Assert.Equal((verdict, code, "seal"), (Text(proof, "verification_status"), Text(proof, "failure_code"), Text(proof["findings"]![0]!, "place")));
    }

    [Fact]
    public async Task A_trace_deleted_whole_of_a_run_that_succeeded_is_missed()
    {
        await AddRunAsync("succeeded", null);
        await TamperAsync("DELETE FROM aos_trace_steps WHERE trace_id = $1");
        await TamperAsync("DELETE FROM aos_traces WHERE trace_id = $1");
        var proof = await ProofAsync();
        Assert.Equal(("FAILED", "TRACE_MISSING"), (Text(proof, "verification_status"), Text(proof, "failure_code")));
    }

    [Theory]
    [InlineData("succeeded", "FAILED")]
    [InlineData("failed", "VERIFIED")]
    public async Task A_run_whose_record_says_that_it_succeeded_and_whose_seal_says_that_it_did_not_is_found(string status, string verdict)
    {
        Assert.Equal("failed", _evidence.Trace.Status);
        await AddRunAsync(status, status == "failed" ? "http_404" : null);
        var proof = await ProofAsync();
        Assert.Equal(verdict, Text(proof, "verification_status"));
        if (verdict == "FAILED")
        {
            Assert.Equal(
                ("RUN_RECORD_MISMATCH", "seal: status is failed, though the run's record says that the run succeeded", "seal.status"),
                (Text(proof, "failure_code"), Text(proof, "failure_reason"), Text(proof["findings"]![0]!, "place")));
        }
    }

    [Theory]
    [InlineData("UPDATE aos_traces_archive SET planner = planner || 'x' WHERE trace_id = $1", "header")]
    [InlineData("UPDATE aos_traces_archive SET status = 'completed' WHERE trace_id = $1", "seal.status")]
    [InlineData("UPDATE aos_trace_steps_archive SET outcome_data = '{}' WHERE trace_id = $1 AND step_index = 3", "steps[3].outcome_data")]
    [InlineData("UPDATE aos_trace_steps_archive SET cost_cents = cost_cents + 1 WHERE trace_id = $1 AND step_index = 3", "steps[3]")]
    [InlineData("DELETE FROM aos_trace_steps_archive WHERE trace_id = $1 AND step_index = 7", "steps[7]")]
    public async Task In_the_archive_too_a_change_is_found_where_it_was_made(string sql, string place)
    {
        foreach (var table in (string[])["aos_traces", "aos_trace_steps"])
        {
            await TamperAsync($"INSERT INTO {table}_archive SELECT * FROM {table} WHERE trace_id = $1");
            await TamperAsync($"DELETE FROM {table} WHERE trace_id = $1");
        }

        Assert.Equal("VERIFIED", Text(await ProofAsync(), "verification_status"));
        await TamperAsync(sql);
        var proof = await ProofAsync();
        Assert.Equal("FAILED", Text(proof, "verification_status"));
        Assert.StartsWith(place, Text(proof["findings"]![0]!, "place"), StringComparison.Ordinal);
    }

    private async Task AddRunAsync(string status, string? error)
    {
        var tenant = _evidence.Trace.TenantId;
        await StoredEvidence.ExecuteAsync(_admin, "INSERT INTO agents (tenant_id, id, name, created_at) VALUES ($1, 'agent', 'agent', now())", tenant);
        await StoredEvidence.ExecuteAsync(_admin, "ALTER TABLE runs DISABLE TRIGGER USER");
        await StoredEvidence.ExecuteAsync(
            _admin,
            $"""
            INSERT INTO runs (id, tenant_id, agent_id, goal, origin_system_id, correlation_id, planner, plan_json, plan_redacted, status, seed, is_synthetic, created_at,
                started_at, completed_at, error_code)
              VALUES ('{_evidence.Trace.RunId}', $1, 'agent', '"g"', 'o', 'c', 'stub', '[]', false, '{status}', 0, false, now(), now(),
                {(status == "running" ? "NULL" : "now()")}, {(error is null ? "NULL" : $"'{error}'")})
            """,
            tenant);
    }

    /// <summary>The older system read every word that it did not know as success, and hashed that.</summary>
    [Fact]
    public async Task A_status_of_no_vocabulary_is_found_and_read_as_no_other()
    {
        foreach (var word in (string[])["banana", "success", "failure", "retry", "SUCCEEDED", " succeeded", ""])
        {
            await TamperAsync($"UPDATE aos_trace_steps SET status = '{word}' WHERE trace_id = $1 AND step_index = 3");
            var proof = await ProofAsync();
            Assert.Equal((word, "FAILED", "steps[3].status"), (word, Text(proof, "verification_status"), Text(proof["findings"]![0]!, "place")));
            Assert.Equal(word, Text(proof["aos_trace_steps"]![3]!, "status"));
            Assert.Null(proof["aos_fingerprint"]);
            await RestoreAsync();
        }
    }

    [Fact]
    public async Task A_second_copy_of_the_trace_fails_the_run()
    {
        await TamperAsync("INSERT INTO aos_traces_archive SELECT * FROM aos_traces WHERE trace_id = $1");
        await TamperAsync("INSERT INTO aos_trace_steps_archive SELECT * FROM aos_trace_steps WHERE trace_id = $1 AND step_index = 7");
        var proof = await ProofAsync();
        Assert.Equal("FAILED", Text(proof, "verification_status"));
        Assert.Equal(2, proof["trace_count"]!.GetValue<int>());
        Assert.Equal("step 7: comes again, or after a step that follows it", Text(proof, "failure_reason"));
    }

    [Fact]
    public async Task Hostile_rows_are_shown_as_they_are()
    {
        await TamperAsync("UPDATE aos_trace_steps SET duration_ms = 'NaN', cost_cents = 'Infinity', params = NULL, skill_name = NULL, link = NULL, step_index = NULL WHERE trace_id = $1 AND step_index = 3");
        var proof = await ProofAsync("?include_payloads=true&model=MERKLE_TREE");
        Assert.Equal("FAILED", Text(proof, "verification_status"));
        Assert.Equal(40, proof["aos_trace_steps"]!.AsArray().Count);
        Assert.Contains(proof["aos_trace_steps"]!.AsArray(), step => step!["duration_ms"]!.GetValueKind() == System.Text.Json.JsonValueKind.String);
    }

    private static IEnumerable<(string Change, string Expression)> Changes(string table, string column, string type)
    {
        var other = type switch
        {
            "text" => $"coalesce({column}, '') || 'x'",
            "bytea" => $"CASE WHEN coalesce(octet_length({column}), 0) = 0 THEN decode(repeat('17', 32), 'hex') ELSE set_byte({column}, 5, get_byte({column}, 5) # 1) END",
            "integer" or "bigint" => $"coalesce({column}, 0) + 1",
            "numeric" => $"{column} + 0.0001",
            "double precision" => $"{column} + 0.000001",
            "boolean" => $"NOT {column}",
            "timestamp with time zone" => $"coalesce({column}, '2026-02-10 12:00:00+00') + interval '1 microsecond'",
            _ => throw new NotSupportedException($"{table}.{column} is a {type}: say how it is changed"),
        };
        yield return ("another value", other);
        yield return ("null", "NULL");
    }

    private async Task AssertFoundAsync(string table, string column, string change, string expression)
    {
        var target = table == "aos_traces" ? "trace_id = $1" : $"trace_id = $1 AND step_index = {Step}";
        var where = $"{target} AND {column} IS DISTINCT FROM ({expression})";
        var changed = await StoredEvidence.ListAsync(_admin, $"SELECT 'x' FROM {table} WHERE {where.Replace("$1", $"'{_evidence.Trace.TraceId}'")}");
        if (changed.Count == 0)
            return;
        var run = _evidence.Trace.RunId;
        await StoredEvidence.ExecuteAsync(_admin, $"UPDATE {table} SET {column} = {expression} WHERE {where}", _evidence.Trace.TraceId);
        var (status, proof) = await _verifier.GetAsync($"/api/v1/runs/{run}/proof", _key);
        var name = $"{table}.{column} → {change}";
        if (table == "aos_traces" && column == "tenant_id")
        {
            // The row is out of this tenant's sight, but its steps are not.
            Assert.True(status == 200 && Text(proof, "verification_status") == "FAILED", $"{name}: {status} {proof["verification_status"]}");
            Assert.Equal(("header", "header: is missing, though 40 of the trace's steps are there"), (Text(proof["findings"]![0]!, "place"), Text(proof, "failure_reason")));
        }
        else if (table == "aos_traces" && column == "trace_id" && change == "null")
        {
            Assert.True(Text(proof, "verification_status") == "FAILED", $"{name}: {proof["verification_status"]}");
        }
        else
        {
            Assert.True(status == 200 && Text(proof, "verification_status") == "FAILED", $"{name}: {status} {proof["verification_status"]}");
            AssertPlace(table, column, name, Text(proof["findings"]![0]!, "place"));
        }

        await RestoreAsync();
    }

    private static void AssertPlace(string table, string column, string name, string place)
    {
        var right = table == "aos_trace_steps"
            ? place == $"steps[{Step}]" || place.StartsWith($"steps[{Step}].", StringComparison.Ordinal)
            : SealColumns.Contains(column) ? place.StartsWith("seal", StringComparison.Ordinal) || place == "root_hash"
            : place.StartsWith("header", StringComparison.Ordinal);
        Assert.True(right, $"{name} is found at {place}");
        // Where a column is named it is the one: only its record can be named where what it held cannot be guessed.
        if (place.Contains('.'))
            Assert.True(Column(place).StartsWith(Word(column), StringComparison.Ordinal) || column is "step_index" or "status", $"{name} is found at {place}");
    }

    private static string Column(string place) => place[(place.LastIndexOf('.') + 1)..];

    /// <summary>A payload's text, salt and commitment are one payload: which of text and salt was changed, no one can tell.</summary>
    private static string Word(string column) => column switch
    {
        "outcome_salt" => "outcome",
        _ => column.Replace("_salt", ""),
    };

    private async Task TamperAsync(string sql)
    {
        await using var command = _admin.CreateCommand(sql);
        command.Parameters.Add(new NpgsqlParameter { Value = _evidence.Trace.TraceId });
        Assert.NotEqual(0, await command.ExecuteNonQueryAsync());
    }

    /// <summary>The seal's place in the queue of the log.</summary>
    private async Task ForgetSealAsync()
    {
        await StoredEvidence.ExecuteAsync(_admin, "ALTER TABLE runproof.log_queue DISABLE TRIGGER ALL");
        await TamperAsync("DELETE FROM runproof.log_queue WHERE trace_id = $1 AND kind = 'sealed'");
    }

    private Task<JsonObject> ProofAsync(string query = "") => _verifier.ProofAsync(_evidence.Trace.RunId, _key, query);

    private async Task DisarmAsync()
    {
        foreach (var table in (string[])["aos_trace_steps", "aos_traces", "aos_trace_steps_archive", "aos_traces_archive"])
        {
            await StoredEvidence.ExecuteAsync(_admin, $"ALTER TABLE {table} DISABLE TRIGGER ALL");
            foreach (var constraint in await StoredEvidence.ListAsync(_admin, $"SELECT conname::text FROM pg_constraint WHERE conrelid = '{table}'::regclass AND contype <> 't' ORDER BY contype = 'p'"))
                await StoredEvidence.ExecuteAsync(_admin, $"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS \"{constraint}\" CASCADE");
            foreach (var column in await StoredEvidence.ListAsync(_admin, $"SELECT attname::text FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnum > 0 AND attnotnull"))
                await StoredEvidence.ExecuteAsync(_admin, $"ALTER TABLE {table} ALTER COLUMN {column} DROP NOT NULL");
        }

        await StoredEvidence.ExecuteAsync(_admin, "CREATE TABLE kept_traces AS SELECT * FROM aos_traces");
        await StoredEvidence.ExecuteAsync(_admin, "CREATE TABLE kept_steps AS SELECT * FROM aos_trace_steps");
    }

    private async Task RestoreAsync()
    {
        await StoredEvidence.ExecuteAsync(_admin, "DELETE FROM aos_trace_steps");
        await StoredEvidence.ExecuteAsync(_admin, "DELETE FROM aos_traces");
        await StoredEvidence.ExecuteAsync(_admin, "INSERT INTO aos_traces SELECT * FROM kept_traces");
        await StoredEvidence.ExecuteAsync(_admin, "INSERT INTO aos_trace_steps SELECT * FROM kept_steps");
    }

    private static string Text(JsonNode node, string member) => node[member]!.GetValue<string>();
}
