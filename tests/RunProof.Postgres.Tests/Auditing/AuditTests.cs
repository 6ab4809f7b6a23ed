using RunProof.Format;
using RunProof.Ledger;
using RunProof.Testing;
using RunProof.Verification;

namespace RunProof.Postgres.Tests;

/// <summary>A whole log against the evidence, on PostgreSQL, as the verifier's role.</summary>
public sealed class AuditTests(PostgresFixture postgres)
{
    [Fact]
    public async Task A_log_that_nobody_touched_is_verified()
    {
        await using var desk = await AuditDesk.SetUpAsync(postgres, traces: 9);
        var report = await desk.AuditAsync();
        Assert.Empty(report.Findings.Kept);
        Assert.Equal(VerificationStatus.Verified, report.Status);
        Assert.Equal((18, 9, 9, 9, 18, 0, 0), (report.Counts.Entries, report.Counts.Opened, report.Counts.Sealed, report.Counts.Traces, report.Counts.Steps, report.Counts.Open, report.Counts.Waiting));
        // Goal, plan, context and metadata of a trace; three of each step.
        Assert.Equal(9 * (4 + (2 * 3)), report.Counts.PayloadsVerified);
        Assert.Equal(report.Root, report.Checkpoint!.Root);
        Assert.Equal(18, report.Next!.Audited!.CleanSize);
    }

    [Theory]
    [InlineData("UPDATE aos_trace_steps SET cost_cents = 7 WHERE trace_id = 'trace_run-0001' AND step_index = 1", "STEP_LINK_MISMATCH trace_run-0001 steps[1]")]
    [InlineData("UPDATE aos_trace_steps SET params = '{}' WHERE trace_id = 'trace_run-0001' AND step_index = 0", "PAYLOAD_MISMATCH trace_run-0001 steps[0].params")]
    [InlineData("UPDATE aos_trace_steps SET params_salt = NULL WHERE trace_id = 'trace_run-0001' AND step_index = 0", "PAYLOAD_INCOMPLETE trace_run-0001 steps[0].params_salt")]
    [InlineData("UPDATE aos_traces SET goal = '\"x\"' WHERE trace_id = 'trace_run-0001'", "PAYLOAD_MISMATCH trace_run-0001 header.goal")]
    [InlineData("UPDATE aos_traces SET metadata = '{}' WHERE trace_id = 'trace_run-0001'", "PAYLOAD_MISMATCH trace_run-0001 seal.metadata")]
    [InlineData("UPDATE aos_traces SET started_at = 'infinity' WHERE trace_id = 'trace_run-0001'", "HEADER_LINK_MISMATCH trace_run-0001 header")]
    [InlineData("UPDATE aos_trace_steps SET cost_cents = 'NaN' WHERE trace_id = 'trace_run-0001' AND step_index = 1", "VALUE_OUT_OF_RANGE trace_run-0001 steps[1].cost_cents")]
    [InlineData("DELETE FROM aos_trace_steps WHERE trace_id = 'trace_run-0001' AND step_index = 0", "STEP_INDEX_GAP trace_run-0001 steps[0]|CHAIN_LENGTH_MISMATCH trace_run-0001 seal.chain_length")]
    [InlineData("DELETE FROM aos_trace_steps WHERE trace_id = 'trace_run-0001' AND step_index = 1", "CHAIN_LENGTH_MISMATCH trace_run-0001 seal.chain_length")]
    [InlineData("DELETE FROM aos_traces WHERE trace_id = 'trace_run-0001'", "HEADER_MISSING trace_run-0001 header")]
    [InlineData("DELETE FROM aos_traces WHERE trace_id = 'trace_run-0001'; DELETE FROM aos_trace_steps WHERE trace_id = 'trace_run-0001'", "TRACE_MISSING trace_run-0001 trace")]
    [InlineData("UPDATE aos_traces SET status = 'running', completed_at = NULL, chain_length = NULL, steps_root = NULL, root_hash = NULL, metadata = NULL, metadata_salt = NULL, metadata_hash = NULL WHERE trace_id = 'trace_run-0001'", "SEAL_MISSING trace_run-0001 seal")]
    [InlineData("INSERT INTO aos_traces_archive SELECT * FROM aos_traces WHERE trace_id = 'trace_run-0001'", "TRACE_TWICE trace_run-0001 trace")]
    [InlineData("INSERT INTO aos_trace_steps_archive SELECT * FROM aos_trace_steps WHERE trace_id = 'trace_run-0001'", "STEP_OUT_OF_ORDER trace_run-0001 steps[0]|STEP_OUT_OF_ORDER trace_run-0001 steps[1]|STEP_AFTER_SEAL trace_run-0001 steps[2]|CHAIN_LENGTH_MISMATCH trace_run-0001 seal.chain_length")]
    [InlineData("INSERT INTO aos_traces SELECT (jsonb_populate_record(t, '{\"trace_id\":\"trace_more\",\"run_id\":\"more\"}')).* FROM aos_traces t WHERE trace_id = 'trace_run-0001'", "LOG_ENTRY_MISSING trace_more log.opened")]
    [InlineData("INSERT INTO aos_trace_steps SELECT (jsonb_populate_record(s, '{\"trace_id\":\"trace_more\"}')).* FROM aos_trace_steps s WHERE trace_id = 'trace_run-0001'", "HEADER_MISSING trace_more header")]
    [InlineData("UPDATE runproof.log_entries SET entry = replace(entry, '\"completed\"', '\"failed\"') WHERE trace_id = 'trace_run-0001' AND kind = 'sealed'", "LOG_ENTRY_MISMATCH trace_run-0001 entries[*]|LOG_ROOT_MISMATCH - checkpoint")]
    [InlineData("UPDATE runproof.log_entries SET entry = replace(entry, '43:41', '43:42') WHERE trace_id = 'trace_run-0001' AND kind = 'opened'", "LOG_ENTRY_MISMATCH trace_run-0001 entries[*]|LOG_ROOT_MISMATCH - checkpoint")]
    [InlineData("UPDATE runproof.log_entries SET entry = ' ' || entry WHERE trace_id = 'trace_run-0001' AND kind = 'sealed'", "LOG_ENTRY_MISMATCH trace_run-0001 entries[*]|LOG_ROOT_MISMATCH - checkpoint")]
    [InlineData("UPDATE runproof.log_entries SET run_id = 'run-0002' WHERE trace_id = 'trace_run-0001' AND kind = 'sealed'", "LOG_ENTRY_MISMATCH trace_run-0001 entries[*]")]
    [InlineData("DELETE FROM runproof.log_entries WHERE trace_id = 'trace_run-0001' AND kind = 'sealed'", "LOG_POSITION_GAP - entries[*]|SEALED_ENTRY_MISSING trace_run-0001 log.sealed|LOG_ROOT_MISMATCH - checkpoint")]
    [InlineData("DELETE FROM runproof.log_entries WHERE trace_id = 'trace_run-0001' AND kind = 'opened'", "LOG_POSITION_GAP - entries[*]|OPENED_ENTRY_MISSING trace_run-0001 entries[*]|LOG_ENTRY_MISSING trace_run-0001 log.opened|LOG_ROOT_MISMATCH - checkpoint")]
    [InlineData("UPDATE runproof.logs SET checkpoint = replace(checkpoint, 'acme', 'other'), published = replace(checkpoint, 'acme', 'other')", "CHECKPOINT_REFUSED - checkpoint")]
    [InlineData("UPDATE runproof.logs SET checkpoint = 'none', published = 'none'", "CHECKPOINT_REFUSED - checkpoint")]
    [InlineData("DELETE FROM runproof.logs", "LOG_ROOT_MISMATCH - head")]
    [InlineData("UPDATE runproof.log_keys SET vkey = replace(vkey, '+', '+')", "")]
    [InlineData("INSERT INTO runproof.log_keys SELECT tenant_id, replace(vkey, 'A', 'B'), 2, NULL, now() FROM runproof.log_keys", "LOG_KEY_MISMATCH - keys")]
    public async Task A_change_is_found_where_it_was_made(string sql, string expected)
    {
        await using var desk = await AuditDesk.SetUpAsync(postgres, traces: 3);
        await desk.TamperAsync(sql);
        var report = await desk.AuditAsync();
        var found = report.Findings.Kept.Select(finding => $"{finding.Code} {finding.TraceId ?? "-"} {(finding.Place.StartsWith("entries[", StringComparison.Ordinal) ? "entries[*]" : finding.Place)}").ToList();
        // What follows from a broken chain is said besides: the roots over it.
        var follows = (string[])["STEPS_ROOT_MISMATCH trace_run-0001 seal.steps_root", "ROOT_HASH_MISMATCH trace_run-0001 root_hash", "SEAL_MISMATCH trace_run-0001 seal.chain_length"];
        Assert.Equal(expected.Split('|', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal), found.Except(follows, StringComparer.Ordinal).Order(StringComparer.Ordinal));
        Assert.Equal(expected.Length == 0 ? VerificationStatus.Verified : VerificationStatus.Failed, report.Status);
    }

    [Theory]
    [InlineData("aos_traces")]
    [InlineData("aos_trace_steps")]
    public async Task A_change_to_any_column_is_found(string table)
    {
        var columns = new List<(string Name, string Type)>();
        await using var desk = await AuditDesk.SetUpAsync(postgres, traces: 40);
        await using (var command = desk.Log.Recording.Admin.CreateCommand($"SELECT column_name, data_type FROM information_schema.columns WHERE table_schema = 'public' AND table_name = '{table}' AND column_name <> 'archived_at' ORDER BY 1"))
        await using (var reader = await command.ExecuteReaderAsync())
        {
            while (await reader.ReadAsync())
                columns.Add((reader.GetString(0), reader.GetString(1)));
        }

        Assert.InRange(columns.Count, 25, 40);
        await desk.TamperAsync(string.Join(";\n", columns.Select((column, i) => $"UPDATE {table} SET {column.Name} = {Change(column.Name, column.Type)} WHERE trace_id = '{ILogBench.TraceOf(i)}'{(table == "aos_trace_steps" ? " AND step_index = 1" : "")}")));
        var report = await desk.AuditAsync();
        Assert.Equal(columns.Select((column, i) => (column.Name, true)), columns.Select((column, i) => (column.Name, report.Findings.Kept.Any(finding => finding.TraceId == ILogBench.TraceOf(i)))));
        Assert.DoesNotContain(report.Findings.Kept, finding => finding.TraceId is { } trace && string.CompareOrdinal(trace, ILogBench.TraceOf(columns.Count - 1)) > 0 && trace.Length == ILogBench.TraceOf(0).Length);
    }

    [Fact]
    public async Task Everything_is_reported_and_counted_not_only_the_first()
    {
        await using var desk = await AuditDesk.SetUpAsync(postgres, traces: 20);
        await desk.TamperAsync(
            """
            UPDATE aos_trace_steps SET cost_cents = 7 WHERE trace_id < 'trace_run-0010' AND step_index = 0;
            DELETE FROM aos_trace_steps WHERE trace_id >= 'trace_run-0015';
            DELETE FROM aos_traces WHERE trace_id >= 'trace_run-0015'
            """);
        var report = await desk.AuditAsync(AuditDesk.Options() with { MaxFindings = 3 });
        Assert.Equal(3, report.Findings.Kept.Count);
        Assert.Equal([("ROOT_HASH_MISMATCH", 10L), ("STEPS_ROOT_MISMATCH", 10L), ("STEP_LINK_MISMATCH", 10L), ("TRACE_MISSING", 5L)], report.Findings.Counts.Select(each => (each.Key, each.Value)).OrderBy(each => each.Key, StringComparer.Ordinal));
        Assert.Equal(35, report.Findings.Count);
    }

    [Fact]
    public async Task What_was_erased_or_archived_still_holds()
    {
        await using var desk = await AuditDesk.SetUpAsync(postgres, traces: 3);
        await desk.Log.Recording.AskAsync<object>(
            "SELECT runproof.erase_payload('acme', 'trace_run-0000', 1, 'outcome_data', 'dpo', 'request'), runproof.erase_payload('acme', 'trace_run-0000', NULL, 'goal', 'dpo', 'request')");
        await desk.Log.Recording.AskAsync<int>("WITH u AS (UPDATE aos_traces SET archived_at = now() WHERE trace_id = 'trace_run-0001' RETURNING 1) SELECT 1");
        await desk.Log.Recording.AskAsync<object>("SELECT runproof.archive_trace('acme', 'trace_run-0001')");
        var report = await desk.AuditAsync();
        Assert.Empty(report.Findings.Kept);
        Assert.Equal((3, 6, 2), (report.Counts.Traces, report.Counts.Steps, report.Counts.PayloadsErased));
    }

    [Fact]
    public async Task Without_payloads_a_changed_text_is_not_seen_and_that_is_said()
    {
        await using var desk = await AuditDesk.SetUpAsync(postgres, traces: 3);
        await desk.TamperAsync("UPDATE aos_trace_steps SET params = '{}' WHERE trace_id = 'trace_run-0001'; UPDATE aos_trace_steps SET retry_count = 9 WHERE trace_id = 'trace_run-0002' AND step_index = 1");
        var report = await desk.AuditAsync(AuditDesk.Options() with { Payloads = false });
        Assert.Equal("STEP_LINK_MISMATCH trace_run-0002 steps[1].retry_count", report.Findings.Kept.Select(finding => $"{finding.Code} {finding.TraceId} {finding.Place}").First());
        Assert.DoesNotContain(report.Findings.Kept, finding => finding.TraceId == "trace_run-0001");
        Assert.Equal(CheckStatus.NotDone, report.Checks.Single(check => check.Name == "PAYLOADS").Status);
    }

    [Fact]
    public async Task An_open_trace_is_under_way_dangling_or_on_the_way_into_the_log()
    {
        await using var desk = await AuditDesk.SetUpAsync(postgres, traces: 1);
        foreach (var run in (string[])["under-way", "over", "gone", "queued"])
            await desk.Log.Recording.OpenAsync(run);
        await desk.RunAsync("under-way", "running");
        await desk.RunAsync("over", "aborted");
        await desk.SealAsync();
        var session = await desk.Log.Recording.OpenAsync("late");
        await desk.SealAsync();
        await session.SealAsync(RecordingDesk.Closing(), CancellationToken.None);
        var report = await desk.AuditAsync();
        Assert.Equal(["TRACE_DANGLING trace_gone", "TRACE_DANGLING trace_over", "TRACE_DANGLING trace_queued"], report.Findings.Kept.Select(finding => $"{finding.Code} {finding.TraceId}").Order(StringComparer.Ordinal));
        Assert.Equal((1, 1), (report.Counts.Open, report.Counts.Waiting));
        // The same seal, taken out of the queue behind everybody's back.
        await desk.ForceAsync("runproof.log_queue", "DELETE FROM runproof.log_queue WHERE trace_id = 'trace_late'");
        report = await desk.AuditAsync();
        Assert.Contains(report.Findings.Kept, finding => finding is { Code: AuditCodes.SealedMissing, TraceId: "trace_late" });
    }

    [Fact]
    public async Task A_trace_that_was_taken_out_of_the_queue_or_put_into_quarantine_is_named()
    {
        await using var desk = await AuditDesk.SetUpAsync(postgres, traces: 1);
        await desk.Log.RecordAsync(1, 3);
        await desk.ForceAsync("runproof.log_queue", "DELETE FROM runproof.log_queue WHERE trace_id = 'trace_run-0001'");
        await desk.Log.TamperAsync(2);
        await desk.SealAsync();
        var report = await desk.AuditAsync();
        Assert.Equal(
            ["LOG_ENTRY_MISSING trace_run-0001", "TRACE_QUARANTINED trace_run-0002", "TRACE_QUARANTINED trace_run-0002"],
            report.Findings.Kept.Select(finding => $"{finding.Code} {finding.TraceId}").Order(StringComparer.Ordinal));
        Assert.Equal(2, report.Quarantined);
        Assert.Equal(CheckStatus.Failed, report.Checks.Single(check => check.Name == "COMPLETENESS").Status);
    }

    [Fact]
    public async Task Runs_are_held_against_their_traces()
    {
        await using var desk = await AuditDesk.SetUpAsync(postgres, traces: 1);
        await desk.RunAsync("run-0000", "succeeded");
        foreach (var (run, status) in ((string, string)[])[("lost", "succeeded"), ("refused", "aborted"), ("waiting", "queued")])
            await desk.RunAsync(run, status);
        await (await desk.Log.Recording.OpenAsync("failed")).SealAsync(RecordingDesk.Closing(SealStatus.Failed), CancellationToken.None);
        await desk.RunAsync("failed", "succeeded");
        await desk.SealAsync();
        var report = await desk.AuditAsync();
        Assert.Equal(
            ["RUN_RECORD_MISMATCH trace_failed seal.status", "TRACE_MISSING  run lost"],
            report.Findings.Kept.Select(finding => $"{finding.Code} {finding.TraceId} {finding.Place}").Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task The_key_must_come_from_elsewhere_and_may_be_handed_over()
    {
        await using var desk = await AuditDesk.SetUpAsync(postgres, traces: 2);
        var unsupported = await desk.AuditAsync(AuditDesk.Options() with { Keys = [] });
        Assert.Equal((VerificationStatus.Unsupported, false), (unsupported.Status, unsupported.IsKeyIndependent));
        Assert.Equal(CheckStatus.NotDone, unsupported.Checks.Single(check => check.Name == "CHECKPOINT_SIGNATURE").Status);
        var refused = await desk.AuditAsync(AuditDesk.Options(SealingFaults.NextKey));
        Assert.Equal([AuditCodes.CheckpointRefused], refused.Findings.Kept.Select(finding => finding.Code));
        Assert.Null(refused.Next);

        await new KeyRotation(desk.Log.Store, SealingFaults.Options, TimeProvider.System).HandOverAsync(desk.Tenant, new CheckpointSigner(SealingFaults.Key), new CheckpointSigner(SealingFaults.NextKey), CancellationToken.None);
        await desk.Log.RecordAsync(2, 2);
        await desk.SealAsync(SealingFaults.NextKey);
        // Whoever trusts the old key is led to the new one by the hand-over in the log.
        var handedOver = await desk.AuditAsync();
        Assert.Empty(handedOver.Findings.Kept);
        Assert.Equal((VerificationStatus.Verified, 1L, SealingFaults.NextKey.Under(AuditDesk.Origin).ToString()), (handedOver.Status, handedOver.Counts.Rotated, handedOver.Key));
        // And so is who begins behind it.
        var behind = await desk.AuditAsync(AuditDesk.Options() with { From = 6 }, prior: (await desk.AuditAsync()).Next);
        Assert.Equal(VerificationStatus.Verified, behind.Status);
        await desk.TamperAsync("DELETE FROM runproof.log_keys WHERE until_size IS NOT NULL");
        Assert.Equal([AuditCodes.KeyMismatch], (await desk.AuditAsync()).Findings.Kept.Select(finding => finding.Code));
    }

    private static string Change(string column, string type) => type switch
    {
        "text" => $"coalesce({column}, '') || 'x'",
        "bytea" => $"set_byte(coalesce({column}, decode(repeat('00', 32), 'hex')), 0, (get_byte(coalesce({column}, '\\x00'), 0) + 1) % 256)",
        "boolean" => $"NOT {column}",
        "timestamp with time zone" => $"coalesce({column}, now()) + interval '1 microsecond'",
        _ => $"coalesce({column}, 0) + 1",
    };
}
