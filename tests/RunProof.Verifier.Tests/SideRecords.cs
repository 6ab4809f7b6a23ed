using System.Text.Json.Nodes;
using Npgsql;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Postgres;
using RunProof.Testing;

namespace RunProof.Verifier.Tests;

/// <summary>Side records: written by the recording's own transactions, and held against the evidence by the proof.</summary>
public sealed class SideRecords(PostgresFixture postgres) : IAsyncLifetime
{
    private static readonly string[] Tables = ["governance_records", "incidents", "integrity_evidence", "llm_run_records", "policy_evaluations"];

    private SideRecordScene _scene = null!;

    public async ValueTask InitializeAsync() => _scene = await SideRecordScene.SetUpAsync(postgres);

    public ValueTask DisposeAsync() => _scene.DisposeAsync();

    [Fact]
    public async Task A_run_that_no_rule_and_no_model_touched_has_two_rows()
    {
        await _scene.PlainAsync("plain");
        var evidence = await _scene.EvidenceAsync("plain");
        Assert.Equal(("complete", "2/2"), (Text(evidence["side_records"]!, "status"), Text(evidence["side_records"]!, "score")));
        Assert.Equal([0, 0, 1, 0, 1], Tables.Select(table => Rows(evidence, table).Count));
        Assert.All(Tables, table => Assert.True(evidence[table]!["is_there"]!.GetValue<bool>()));
        var summary = Rows(evidence, "policy_evaluations")[0]!;
        Assert.Null(summary["step_index"]);
        Assert.Equal("""{"allowed":2}""", summary["decisions"]!.ToJsonString());
        var integrity = Rows(evidence, "integrity_evidence")[0]!;
        Assert.Equal(("7/7", "COMPLETE"), (Text(integrity, "integrity_score"), Text(integrity, "integrity_status")));
        Assert.Equal(2, integrity["observed_artifacts"]!["decisions"]!.GetValue<int>());
    }

    [Fact]
    public async Task A_run_that_failed_has_its_incident_its_model_s_use_and_what_policies_decided()
    {
        await _scene.FailedAsync("failed");
        var proof = await _scene.ProofAsync("failed");
        Assert.Equal("VERIFIED", Text(proof, "verification_status"));
        var side = proof["side_records"]!;
        Assert.True(Text(side, "status") == "complete", side.ToJsonString());
        Assert.Equal("6/6", Text(side, "score"));
        Assert.Empty(side["missing"]!.AsArray());

        var evidence = await _scene.EvidenceAsync("failed");
        var incident = Assert.Single(Rows(evidence, "incidents"))!;
        Assert.Equal(
            ("run failed at step 2: http_500", "HIGH", "STEP_FAILURE", "EXECUTION_FAILURE", "http_500", "trace_failed"),
            (Text(incident, "title"), Text(incident, "severity"), Text(incident, "trigger_type"), Text(incident, "category"), Text(incident, "error_code"), Text(incident, "trace_id")));
        Assert.Equal(Text(proof["aos_trace_steps"]![2]!, "link"), Text(incident, "step_link"));

        var model = Assert.Single(Rows(evidence, "llm_run_records"))!;
        Assert.Equal(("local", "m-1", "2026-01", "0.125"), (Text(model, "provider"), Text(model, "model"), Text(model, "price_version"), Text(model, "cost_cents")));
        Assert.Equal((1200, 3, 40, 0), (Number(model, "input_tokens"), Number(model, "cached_tokens"), Number(model, "output_tokens"), Number(model, "reasoning_tokens")));
        Assert.Equal(Text(proof["aos_trace_steps"]![1]!, "input_hash"), Text(model, "prompt_hash"));

        var limited = Rows(evidence, "policy_evaluations").Single(row => row!["step_index"] is not null)!;
        Assert.Equal(
            ("limited", "file:guard", "7", "some-fetch", 0),
            (Text(limited, "decision"), Text(limited, "policy_id"), Text(limited, "policy_version"), Text(limited, "rule_id"), Number(limited, "step_index")));
        var summary = Rows(evidence, "policy_evaluations").Single(row => row!["step_index"] is null)!;
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse("""{"allowed":2,"limited":1}"""), summary["decisions"]));
        var governance = Assert.Single(Rows(evidence, "governance_records"))!;
        Assert.Equal(("FAILURE", "step_failure", "inc_trace_failed", 1), (Text(governance, "outcome"), Text(governance, "termination_reason"), Text(governance, "incident"), Number(governance, "policy_decisions")));
    }

    [Fact]
    public async Task A_denied_step_is_in_the_governance_record_by_policy_and_rule()
    {
        await _scene.BlockedAsync("blocked");
        var evidence = await _scene.EvidenceAsync("blocked");
        Assert.True(Text(evidence["side_records"]!, "status") == "complete", evidence.ToJsonString());
        var governance = Assert.Single(Rows(evidence, "governance_records"))!;
        Assert.Equal(
            ("BLOCKED", "policy_block", "file:guard", "7", "no-echo", 1),
            (Text(governance, "outcome"), Text(governance, "termination_reason"), Text(governance, "policy_id"), Text(governance, "policy_version"), Text(governance, "rule_id"), Number(governance, "stopped_at_step")));
        Assert.Equal(64, Text(governance, "policy_digest").Length);
        Assert.Equal(("BLOCKED", "MEDIUM", "POLICY"), (Text(Rows(evidence, "incidents")[0]!, "outcome"), Text(Rows(evidence, "incidents")[0]!, "severity"), Text(Rows(evidence, "incidents")[0]!, "category")));
    }

    /// <summary>Every column of the five tables, from the database's own catalogue: one that is added later is held to this too.</summary>
    [Fact]
    public async Task Every_column_of_every_side_record_changed_by_a_superuser_is_found_and_the_evidence_stays_VERIFIED()
    {
        await _scene.BlockedAsync("run-a");
        await _scene.FailedAsync("run-b");
        var columns = await StoredEvidence.ListAsync(_scene.Admin,
            $"""
            SELECT table_name || ' ' || column_name || ' ' || data_type FROM information_schema.columns
              WHERE table_schema = 'public' AND table_name IN ({string.Join(", ", Tables.Select(table => $"'{table}'"))}) ORDER BY 1
            """);
        Assert.True(columns.Count > 60);
        await DropConstraintsAsync();
        var missed = new List<string>();
        foreach (var column in columns)
        {
            var (table, name, type) = (column.Split(' ')[0], column.Split(' ')[1], column.Split(' ', 3)[2]);
            var (run, of) = table is "governance_records" or "incidents" ? ("run-a", $"{(table == "incidents" ? "source_run_id" : "run_id")} = 'run-a'")
                : table == "policy_evaluations" ? ("run-b", name == "decisions" ? "run_id = 'run-b' AND step_index IS NULL" : "run_id = 'run-b' AND step_index IS NOT NULL")
                : ("run-b", "run_id = 'run-b'");
            await _scene.TamperAsync(table, $"CREATE TABLE saved AS TABLE {table}; UPDATE {table} SET {name} = {Another(name, type)} WHERE {of}");
            var proof = await _scene.ProofAsync(run);
            var findings = proof["side_records"]!["findings"]!.AsArray();
            if (Text(proof, "verification_status") != "VERIFIED" || !findings.Any(finding => Text(finding!, "place").StartsWith(table, StringComparison.Ordinal)) || Text(proof["side_records"]!, "status") is not ("differs" or "missing"))
                missed.Add(column);
            await _scene.TamperAsync(table, $"DELETE FROM {table}; INSERT INTO {table} SELECT * FROM saved; DROP TABLE saved");
        }

        Assert.True(missed.Count == 0, string.Join("; ", missed));
        Assert.Equal("complete", Text((await _scene.ProofAsync("run-b"))["side_records"]!, "status"));
    }

    [Theory]
    [InlineData("governance_records", "run_id", "governance_records[gov_trace_r]")]
    [InlineData("incidents", "source_run_id", "incidents[inc_trace_r]")]
    [InlineData("integrity_evidence", "run_id", "integrity_evidence[trace_r]")]
    [InlineData("llm_run_records", "run_id", "llm_run_records[trace_r].steps[1]")]
    [InlineData("policy_evaluations", "run_id", "policy_evaluations[trace_r].steps[0]")]
    public async Task A_side_record_that_was_deleted_is_named_as_missing(string table, string run, string place)
    {
        await _scene.FailedAsync("r");
        await _scene.TamperAsync(table, $"DELETE FROM {table} WHERE {run} = 'r'");
        var proof = await _scene.ProofAsync("r");
        Assert.Equal("VERIFIED", Text(proof, "verification_status"));
        var side = proof["side_records"]!;
        Assert.Equal("missing", Text(side, "status"));
        Assert.Contains(place, side["missing"]!.AsArray().Select(each => each!.GetValue<string>()));
        Assert.Equal(0, side["observed"]![table]!.GetValue<int>());
        Assert.Contains(side["findings"]!.AsArray(), finding => Text(finding!, "code") == "SIDE_RECORD_MISSING" && Text(finding!, "place") == place);
        var evidence = await _scene.EvidenceAsync("r");
        Assert.False(evidence[table]!["is_there"]!.GetValue<bool>());
        Assert.All(Tables.Where(other => other != table), other => Assert.True(evidence[other]!["is_there"]!.GetValue<bool>()));
    }

    [Fact]
    public async Task A_side_record_that_was_made_up_is_found()
    {
        await _scene.PlainAsync("r");
        await _scene.FailedAsync("other");
        await _scene.TamperAsync("incidents", "INSERT INTO incidents SELECT (jsonb_populate_record(i, '{\"source_run_id\":\"r\"}')).* FROM incidents i");
        var finding = Assert.Single((await _scene.ProofAsync("r"))["side_records"]!["findings"]!.AsArray())!;
        Assert.Equal(("SIDE_RECORD_DIFFERS", "incidents[inc_trace_other]: is of the trace trace_other, which is not there"), (Text(finding, "code"), Text(finding, "message")));
    }

    [Fact]
    public async Task A_trigger_that_was_switched_off_while_a_run_was_recorded_is_found()
    {
        await StoredEvidence.ExecuteAsync(_scene.Admin, "ALTER TABLE aos_trace_steps DISABLE TRIGGER side_records");
        await _scene.FailedAsync("r");
        await StoredEvidence.ExecuteAsync(_scene.Admin, "ALTER TABLE aos_trace_steps ENABLE ALWAYS TRIGGER side_records");
        var side = (await _scene.ProofAsync("r"))["side_records"]!;
        Assert.Equal(["llm_run_records[trace_r].steps[1]", "policy_evaluations[trace_r].steps[0]"], side["missing"]!.AsArray().Select(each => each!.GetValue<string>()).Order());
        // The seal had counted them already.
        var integrity = Rows(await _scene.EvidenceAsync("r"), "integrity_evidence")[0]!;
        Assert.Equal(("INCOMPLETE", """["llm_run_records","policy_evaluations"]"""), (Text(integrity, "integrity_status"), integrity["missing_artifacts"]!.ToJsonString()));
    }

    [Fact]
    public async Task No_role_changes_or_deletes_one()
    {
        await _scene.FailedAsync("r");
        foreach (var table in Tables)
        {
            foreach (var sql in new[] { $"UPDATE {table} SET tenant_id = 'x'", $"DELETE FROM {table}", $"TRUNCATE {table}" })
            {
                foreach (var (role, states) in new[] { ("postgres", "S6000 S6001 S6002"), ("runproof_owner", "S6000 S6001 S6002"), ("runproof_runner", "42501"), ("runproof_verifier", "42501"), ("runproof_auditor", "42501") })
                {
                    var refused = await Assert.ThrowsAsync<PostgresException>(() => StoredEvidence.ExecuteAsync(_scene.Admin, role == "postgres" ? sql : $"BEGIN; SET LOCAL ROLE {role}; SET LOCAL runproof.tenant_id = 'acme'; {sql}; COMMIT"));
                    Assert.True(states.Contains(refused.SqlState, StringComparison.Ordinal), $"{role}: {sql}: {refused.SqlState}");
                }
            }
        }
    }

    [Fact]
    public async Task A_tenant_sees_its_own_and_no_other()
    {
        await _scene.FailedAsync("shared-id");
        await _scene.FailedAsync("shared-id", SideRecordScene.Other);
        foreach (var role in new[] { "runproof_verifier", "runproof_auditor" })
        {
            foreach (var table in Tables)
            {
                var counts = await StoredEvidence.ListAsync(_scene.Admin,
                    $"""
                    BEGIN; SET LOCAL ROLE {role}; SET LOCAL runproof.tenant_id = 'acme';
                    SELECT count(*) FILTER (WHERE tenant_id = 'acme') || ' ' || count(*) FILTER (WHERE tenant_id <> 'acme') FROM {table}; COMMIT
                    """);
                Assert.Matches("^[12] 0$", counts.Single());
            }
        }

        var evidence = await _scene.EvidenceAsync("shared-id");
        Assert.All(Tables, table => Assert.All(Rows(evidence, table), row => Assert.Equal("acme", Text(row!, "tenant_id"))));
        await _scene.PlainAsync("mine");
        Assert.Equal(404, (await _scene.GetAsync("/api/v1/runs/mine/evidence", _scene.OtherKey)).Status);
        Assert.Equal(404, (await _scene.GetAsync("/api/v1/runs/none/evidence", _scene.Key)).Status);
        Assert.Equal(401, (await _scene.GetAsync("/api/v1/runs/mine/evidence", null)).Status);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_write_that_is_lost_or_persisted_and_reported_failed_leaves_each_record_once(bool persisted)
    {
        await using var scene = await SideRecordScene.SetUpAsync(postgres, store => new FailingOnce(store, persisted));
        await scene.FailedAsync("r");
        await scene.BlockedAsync("b");
        foreach (var run in new[] { "r", "b" })
        {
            var proof = await scene.ProofAsync(run);
            Assert.Equal(("VERIFIED", "complete"), (Text(proof, "verification_status"), Text(proof["side_records"]!, "status")));
        }

        Assert.Equal(2L, await scene.CountAsync("SELECT count(*) FROM incidents"));
        Assert.Equal(4L, await scene.CountAsync("SELECT count(*) FROM policy_evaluations"));
    }

    [Fact]
    public async Task A_batch_that_the_database_takes_back_leaves_no_side_record()
    {
        var session = await _scene.OpenAsync("r");
        await StoredEvidence.ExecuteAsync(_scene.Admin, "ALTER TABLE llm_run_records ADD CONSTRAINT broken CHECK (input_tokens < 10)");
        await Assert.ThrowsAsync<RecordingException>(async () => await session.AppendAsync(_scene.Step(0, Decisions.Allowed) with { Context = SideRecordScene.Json(SideRecordScene.Usage) }, null, default));
        Assert.Equal(0L, await _scene.CountAsync("SELECT count(*) FROM aos_trace_steps"));
        Assert.Equal(0L, await _scene.CountAsync("SELECT count(*) FROM llm_run_records"));
    }

    [Fact]
    public async Task A_run_that_ends_without_a_trace_has_its_incident()
    {
        await _scene.StoreRunAsync("never-began", started: false);
        Assert.Equal("done", await CancelAsync("never-began"));
        await _scene.StoreRunAsync("broke", started: true);
        Assert.True(await _scene.Runs.FinishAsync(SideRecordScene.Tenant, RunId.Parse("broke"), "w", new RunEnd(RunStatus.Failed, _scene.Start.AddSeconds(1), 1, 1, "engine_error", "x"), default));

        var cancelled = await _scene.EvidenceAsync("never-began");
        Assert.True(Text(cancelled["side_records"]!, "score") == "2/2", cancelled.ToJsonString());
        var incident = Assert.Single(Rows(cancelled, "incidents"))!;
        Assert.Equal(("CANCELLED", "LOW", "MANUAL", "inc_run_never-began.1"), (Text(incident, "outcome"), Text(incident, "severity"), Text(incident, "category"), Text(incident, "id")));
        Assert.Equal("user_abort", Text(Assert.Single(Rows(cancelled, "governance_records"))!, "termination_reason"));

        var broke = await _scene.EvidenceAsync("broke");
        Assert.Equal(("CRITICAL", "EVIDENCE_FAILURE"), (Text(Rows(broke, "incidents")[0]!, "severity"), Text(Rows(broke, "incidents")[0]!, "trigger_type")));
        await _scene.TamperAsync("incidents", "DELETE FROM incidents WHERE source_run_id = 'broke'");
        Assert.Equal("missing", Text((await _scene.EvidenceAsync("broke"))["side_records"]!, "status"));
        await _scene.TamperAsync("incidents", "UPDATE incidents SET severity = 'HIGH' WHERE source_run_id = 'never-began'");
        Assert.Equal("differs", Text((await _scene.EvidenceAsync("never-began"))["side_records"]!, "status"));
    }

    [Fact]
    public async Task A_run_whose_trace_says_how_it_ended_has_one_incident_and_each_attempt_its_own()
    {
        await _scene.StoreRunAsync("r", started: true);
        await _scene.FailedAsync("r");
        Assert.True(await _scene.Runs.FinishAsync(SideRecordScene.Tenant, RunId.Parse("r"), "w", new RunEnd(RunStatus.Failed, _scene.Start.AddSeconds(3), 1, 1, "http_500", "x"), default));
        Assert.Single(Rows(await _scene.EvidenceAsync("r"), "incidents"));

        var second = await _scene.OpenAsync("r", attempt: 2);
        await second.AppendAsync(_scene.Step(0, Decisions.Allowed, status: StepStatus.Interrupted, code: "interrupted"), null, default);
        await _scene.SealAsync(second, SealStatus.Aborted, """{"error":{"code":"worker_lost","message":"x"}}""");
        var evidence = await _scene.EvidenceAsync("r");
        Assert.True(Text(evidence["side_records"]!, "status") == "complete", evidence.ToJsonString());
        Assert.Equal(["HIGH", "CRITICAL"], Rows(evidence, "incidents").OrderBy(row => Text(row!, "id"), StringComparer.Ordinal).Select(row => Text(row!, "severity")));
        Assert.Equal("run aborted at step 0: worker_lost", Text(Rows(evidence, "incidents").Single(row => Text(row!, "id") == "inc_trace_r.2")!, "title"));
    }

    [Fact]
    public async Task What_followed_from_erased_evidence_is_not_compared_and_not_missed()
    {
        await _scene.FailedAsync("r");
        await StoredEvidence.ExecuteAsync(_scene.Admin, "SELECT runproof.erase_payload('acme', 'trace_r', s, 'context', 'tests', 'asked to') FROM generate_series(0, 2) s; SELECT runproof.erase_payload('acme', 'trace_r', NULL, 'metadata', 'tests', 'asked to')");
        var proof = await _scene.ProofAsync("r");
        Assert.Equal("VERIFIED", Text(proof, "verification_status"));
        var side = proof["side_records"]!;
        Assert.True(side["findings"]!.AsArray().Count == 0, side.ToJsonString());
        Assert.True(Number(side, "not_compared") > 10);
    }

    [Fact]
    public async Task Side_records_stay_when_their_trace_is_archived()
    {
        await _scene.FailedAsync("r");
        await StoredEvidence.ExecuteAsync(_scene.Admin, "SELECT runproof.archive_trace('acme', 'trace_r')");
        Assert.Equal("6/6", Text((await _scene.ProofAsync("r"))["side_records"]!, "score"));
    }

    [Fact]
    public async Task Evidence_that_does_not_hold_vouches_for_no_side_record()
    {
        await _scene.PlainAsync("r");
        await StoredEvidence.ExecuteAsync(_scene.Admin, "ALTER TABLE aos_trace_steps DISABLE TRIGGER ALL; UPDATE aos_trace_steps SET duration_ms = 1; ALTER TABLE aos_trace_steps ENABLE TRIGGER ALL");
        var proof = await _scene.ProofAsync("r");
        Assert.Equal(("FAILED", "not_compared"), (Text(proof, "verification_status"), Text(proof["side_records"]!, "status")));
    }

    [Fact]
    public async Task A_trace_from_before_there_were_side_records_is_not_asked_for_any()
    {
        await _scene.PlainAsync("r");
        await _scene.TamperAsync("policy_evaluations", "DELETE FROM policy_evaluations");
        await StoredEvidence.ExecuteAsync(_scene.Admin, "UPDATE runproof.schema_migrations SET applied_at = now() + interval '1 hour' WHERE name LIKE '%side_records.sql'");
        var side = (await _scene.ProofAsync("r"))["side_records"]!;
        Assert.Equal(("complete", "1/1"), (Text(side, "status"), Text(side, "score")));
    }

    [Fact]
    public async Task A_context_that_no_JSON_of_the_server_can_hold_loses_no_step()
    {
        var session = await _scene.OpenAsync("r");
        await session.AppendAsync(_scene.Step(0, await SideRecordScene.DecideAsync("fetch"), "fetch") with { Context = SideRecordScene.Json("""{"note":"\u0000 \\u0000 1"}""") }, null, default);
        await session.AppendAsync(_scene.Step(1, Decisions.Allowed) with { Context = SideRecordScene.Json("""{"usage":{"cached_tokens":-1,"cost_cents":"x","input_tokens":1.5,"model":{"a":1},"output_tokens":9007199254740991}}""") }, null, default);
        await _scene.SealAsync(session, SealStatus.Completed);
        var evidence = await _scene.EvidenceAsync("r");
        Assert.Single(Rows(evidence, "policy_evaluations"), row => row!["step_index"] is not null);
        var model = Assert.Single(Rows(evidence, "llm_run_records"))!;
        Assert.Equal((null, null, null), (model["cached_tokens"], model["cost_cents"], model["input_tokens"]));
        Assert.Equal(9007199254740991, model["output_tokens"]!.GetValue<long>());
        Assert.True(Text(evidence["side_records"]!, "status") == "complete" || evidence["side_records"]!["findings"]!.AsArray().All(finding => Text(finding!, "place").EndsWith(".model", StringComparison.Ordinal)), evidence.ToJsonString());
    }

    [Fact]
    public async Task The_database_classifies_an_end_as_the_verifier_does()
    {
        string?[] codes =
        [
            null, "cancelled", "stopped", "killed", "kill_switch", "worker_lost", "interrupted", "engine_error", "fenced", "evidence_unavailable", "evidence_refused",
            "policy_denied", "approval_required", "approval_rejected", "approval_expired", "approval_mismatch", "approval", "policy_unavailable", "budget_unavailable", "budget_exceeded", "rate_limited",
            "http_429", "timeout", "http_408", "http_504", "output_too_large", "response_too_large", "http_500", "evidence", "x",
        ];
        foreach (var code in codes)
        {
            var said = await StoredEvidence.ListAsync(_scene.Admin,
                $"SELECT trigger_type || ' ' || severity || ' ' || category || ' ' || termination_reason FROM runproof.incident_class({(code is null ? "NULL" : $"'{code}'")})");
            var expected = IncidentClass.Of(code);
            Assert.Equal((code, $"{expected.Trigger} {expected.Severity} {expected.Category} {expected.Reason}"), (code, Assert.Single(said)));
        }
    }

    private async Task DropConstraintsAsync()
    {
        foreach (var table in Tables)
        {
            var names = await StoredEvidence.ListAsync(_scene.Admin, $"SELECT conname::text FROM pg_constraint WHERE conrelid = '{table}'::regclass");
            foreach (var name in names)
                await StoredEvidence.ExecuteAsync(_scene.Admin, $"ALTER TABLE {table} DROP CONSTRAINT {name}");
            var columns = await StoredEvidence.ListAsync(_scene.Admin, $"SELECT attname::text FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnotnull AND attnum > 0");
            foreach (var column in columns)
                await StoredEvidence.ExecuteAsync(_scene.Admin, $"ALTER TABLE {table} ALTER COLUMN {column} DROP NOT NULL");
        }
    }

    private static string Another(string column, string type) => type switch
    {
        "text" => $"coalesce({column}, '') || 'x'",
        "integer" or "bigint" or "numeric" or "double precision" => $"coalesce({column}, 0) + 1",
        "bytea" => "sha256('other')",
        "boolean" => $"NOT coalesce({column}, false)",
        "jsonb" => $"coalesce({column}, '{{}}') || '{{\"extra\":1}}'",
        "ARRAY" => $"array_append({column}, 'x')",
        "timestamp with time zone" => $"{column} + interval '1 microsecond'",
        _ => throw new InvalidOperationException($"{column} is a {type}"),
    };

    private async Task<string> CancelAsync(string run)
    {
        await using var command = _scene.Runner.CreateCommand("SELECT runproof.cancel_run('acme', $1, 'someone', 'no need', $2)");
        command.Parameters.AddWithValue(run);
        command.Parameters.AddWithValue(_scene.Start.AddSeconds(1));
        return (string)(await command.ExecuteScalarAsync())!;
    }

    private static JsonArray Rows(JsonObject evidence, string table) => evidence[table]!["rows"]!.AsArray();

    private static string Text(JsonNode node, string member) => node[member]!.GetValue<string>();

    private static int Number(JsonNode node, string member) => node[member]!.GetValue<int>();

    /// <summary>Reports every batch failed the first time, before or after it was written.</summary>
    private sealed class FailingOnce(IRecordingStore inner, bool persisted) : IRecordingStore
    {
        private int _calls;

        public async Task<IReadOnlyList<RecordingResult>> RecordAsync(IReadOnlyList<RecordingEntry> batch, CancellationToken cancellationToken)
        {
            var fails = Interlocked.Increment(ref _calls) % 2 == 1;
            if (fails && !persisted)
                throw new RecordingStoreException(true, "lost");
            var results = await inner.RecordAsync(batch, cancellationToken);
            return fails ? throw new RecordingStoreException(true, "persisted, and reported failed") : results;
        }

        public Task<TakeOverResult> TakeOverAsync(TenantId tenant, TraceId trace, CancellationToken cancellationToken) => inner.TakeOverAsync(tenant, trace, cancellationToken);

        public Task<RecordingResult> AnnounceAsync(TenantId tenant, TraceId trace, long epoch, Digest last, StepIntents intents, CancellationToken cancellationToken) =>
            inner.AnnounceAsync(tenant, trace, epoch, last, intents, cancellationToken);
    }
}
