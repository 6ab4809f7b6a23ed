using System.Text.Json.Nodes;
using RunProof.Testing;

namespace RunProof.Verifier.Tests;

/// <summary>What is kept of approvals, held against the chain by the proof: check APPROVALS.</summary>
public sealed class ApprovalEvidence(PostgresFixture postgres) : IAsyncLifetime
{
    private SideRecordScene _scene = null!;
    private ApprovalScene _approvals = null!;

    public async ValueTask InitializeAsync()
    {
        _scene = await SideRecordScene.SetUpAsync(postgres);
        _approvals = new ApprovalScene(_scene);
        await _approvals.SetUpAsync();
    }

    public ValueTask DisposeAsync() => _scene.DisposeAsync();

    [Theory]
    [InlineData("approved", "approved", "approved")]
    [InlineData("two", "approved", "approved")]
    [InlineData("rejected", "rejected", "rejected")]
    [InlineData("expired", "expired", "expired")]
    [InlineData("late", "expired", "approved")]
    [InlineData("withdrawn", "expired", "withdrawn")]
    [InlineData("mismatch", "mismatch", "pending")]
    public async Task What_is_kept_of_an_approval_is_what_its_step_says(string what, string said, string kept)
    {
        await _approvals.RecordAsync("r", what, attempts: said == "approved" ? 2 : 1);
        Assert.Equal([$"{said} {kept}"], await StoredEvidence.ListAsync(_scene.Admin,
            "SELECT DISTINCT (s.context::json #>> '{approval,status}') || ' ' || a.status FROM aos_trace_steps s JOIN runproof.approvals a ON a.run_id = 'r' WHERE s.context LIKE '%\"approval\":%'"));
        var proof = await _scene.ProofAsync("r");
        Assert.True(Text(proof, "verification_status") == "VERIFIED", proof.ToJsonString());
        Assert.Equal(("passed", "1 approval is kept as the steps say"), Check(proof));
    }

    [Fact]
    public async Task The_approval_of_a_step_s_fallback_is_held_against_the_fallback_s_own_record()
    {
        await _approvals.RecordAsync("r", "approved", isFallback: true);
        Assert.Equal(("passed", "1 approval is kept as the steps say"), Check(await _scene.ProofAsync("r")));
        await EraseAsync(0, "params");
        Assert.Equal(("not_done", "1 approval is kept as the steps say; not compared: 1 of which what was shown is erased"), Check(await _scene.ProofAsync("r")));
        await _scene.TamperAsync("runproof.approvals", "UPDATE runproof.approvals SET plan_index = 0");
        Assert.Equal("approval apr_r: plan_index is 0, and by step 0 10000", Text(await _scene.ProofAsync("r"), "failure_reason"));
    }

    [Fact]
    public async Task Where_nobody_was_asked_there_is_no_such_check()
    {
        await _scene.PlainAsync("r");
        Assert.DoesNotContain((await _scene.ProofAsync("r"))["checks"]!.AsArray(), check => Text(check!, "name") == "APPROVALS");
    }

    /// <summary>Every column of both tables, from the database's own catalogue: one that is added later is held to this too.</summary>
    [Theory]
    [InlineData("approved")]
    [InlineData("two")]
    [InlineData("rejected")]
    [InlineData("expired")]
    public async Task Every_column_of_an_approval_changed_by_a_superuser_is_found(string what)
    {
        await _approvals.RecordAsync("r", what);
        var columns = await StoredEvidence.ListAsync(_scene.Admin,
            """
            SELECT table_name || ' ' || column_name || ' ' || data_type FROM information_schema.columns
              WHERE table_schema = 'runproof' AND table_name IN ('approvals', 'approval_decisions') ORDER BY 1
            """);
        Assert.True(columns.Count > 30);
        await DropConstraintsAsync();
        var missed = new List<string>();
        foreach (var column in columns)
        {
            var (table, name, type) = ("runproof." + column.Split(' ')[0], column.Split(' ')[1], column.Split(' ', 3)[2]);
            if (table == "runproof.approval_decisions" && what == "expired")
                continue;
            await _scene.TamperAsync(table, $"CREATE TABLE saved AS TABLE {table}; UPDATE {table} SET {name} = {Another(name, type)}");
            var proof = await _scene.ProofAsync("r");
            var isFound = proof["findings"]!.AsArray().Any(finding => Text(finding!, "code") is "APPROVAL_DIFFERS" or "APPROVAL_MISSING");
            if (Text(proof, "verification_status") != "FAILED" || !isFound || Check(proof).Status != "failed")
                missed.Add(column);
            await _scene.TamperAsync(table, $"DELETE FROM {table}; INSERT INTO {table} SELECT * FROM saved; DROP TABLE saved");
        }

        Assert.True(missed.Count == 0, string.Join("; ", missed));
        Assert.Equal("VERIFIED", Text(await _scene.ProofAsync("r"), "verification_status"));
    }

    [Theory]
    [InlineData("approved", "DELETE FROM runproof.approvals", "APPROVAL_MISSING", "step 0: context names the approval apr_r, which is not there")]
    [InlineData("approved", "UPDATE runproof.approvals SET status = 'rejected', used_at = NULL, used_attempt = NULL", "APPROVAL_DIFFERS", "approval apr_r: status is \"rejected\", and by step 0 \"approved\"")]
    [InlineData("rejected", "UPDATE runproof.approvals SET status = 'approved'", "APPROVAL_DIFFERS", "approval apr_r: status is \"approved\", and by step 0 \"rejected\"")]
    [InlineData("expired", "UPDATE runproof.approvals SET status = 'withdrawn'", "APPROVAL_DIFFERS", "approval apr_r: status is \"withdrawn\", and by step 0 \"expired\"")]
    [InlineData("late", "UPDATE runproof.approvals SET used_at = valid_until, used_attempt = 0", "APPROVAL_DIFFERS", "approval apr_r: used_at says that an attempt began under it, and no step of the trace does")]
    [InlineData("mismatch", "UPDATE runproof.approvals SET requested_at = requested_at - interval '1 day'", "APPROVAL_DIFFERS", "approval apr_r: requested_at is ")]
    [InlineData("approved", "UPDATE runproof.approvals SET action_shown = NULL, action_salt = NULL", "APPROVAL_DIFFERS", "approval apr_r: action_shown is gone, though nothing that it shows was erased")]
    [InlineData("approved", "UPDATE runproof.approvals SET action_shown = replace(action_shown, '\"amount\":5', '\"amount\":4')", "APPROVAL_DIFFERS", "approval apr_r: action_shown does not give the digest of what people were shown, ")]
    [InlineData("approved", "UPDATE runproof.approvals SET action_salt = substr(sha256('x'), 1, 16)", "APPROVAL_DIFFERS", "approval apr_r: action_salt does not give action_digest with the action that was shown")]
    [InlineData("approved", "UPDATE runproof.approvals SET used_attempt = 3", "APPROVAL_DIFFERS", "approval apr_r: used_attempt is 3, and by the steps 0")]
    [InlineData("approved", "INSERT INTO runproof.approvals SELECT (jsonb_populate_record(a, '{\"approval_id\":\"apr_x\",\"plan_index\":1}')).* FROM runproof.approvals a", "APPROVAL_DIFFERS", "approval apr_x: used_at says that an attempt began under it, and no step of the trace does")]
    [InlineData("approved", "INSERT INTO runproof.approvals SELECT (jsonb_populate_record(a, '{\"approval_id\":\"apr_x\",\"plan_index\":1,\"trace_id\":\"trace_y\"}')).* FROM runproof.approvals a", "APPROVAL_DIFFERS", "approval apr_x: trace_id is \"trace_y\", of which there is no trace")]
    [InlineData("rejected", "INSERT INTO runproof.approvals SELECT (jsonb_populate_record(a, '{\"approval_id\":\"apr_x\",\"plan_index\":1}')).* FROM runproof.approvals a", "APPROVAL_DIFFERS", "approval apr_x: status is rejected, though step 1 was executed and names no approval")]
    public async Task An_approval_changed_deleted_or_made_up_is_found_at_its_place(string what, string sql, string code, string message)
    {
        await _approvals.RecordAsync("r", what);
        await DropConstraintsAsync();
        await _scene.TamperAsync("runproof.approvals", sql);
        var proof = await _scene.ProofAsync("r");
        Assert.Equal(("FAILED", code, "failed"), (Text(proof, "verification_status"), Text(proof, "failure_code"), Check(proof).Status));
        Assert.StartsWith(message, Text(proof, "failure_reason"), StringComparison.Ordinal);
        Assert.Equal(409, (await _scene.GetAsync("/api/v1/runs/r/bundle", _scene.Key)).Status);
    }

    [Theory]
    [InlineData("DELETE FROM runproof.approval_decisions", "approval apr_r: decisions are 0, and by step 0 1")]
    [InlineData("UPDATE runproof.approval_decisions SET by_name = 'eve'", "approval apr_r: decisions[0].by_name is \"eve\", and by step 0 \"ada\"")]
    [InlineData("UPDATE runproof.approval_decisions SET reason = 'never'", "approval apr_r: decisions[0].reason is \"never\", and by step 0 \"fine\"")]
    [InlineData("INSERT INTO runproof.approval_decisions SELECT (jsonb_populate_record(d, '{\"number\":2,\"by_name\":\"eve\"}')).* FROM runproof.approval_decisions d", "approval apr_r: decisions are 2, and by step 0 1")]
    public async Task A_decision_changed_deleted_or_made_up_is_found(string sql, string message)
    {
        await _approvals.RecordAsync("r", "approved");
        await _scene.TamperAsync("runproof.approval_decisions", sql);
        var proof = await _scene.ProofAsync("r");
        Assert.Equal(("FAILED", message), (Text(proof, "verification_status"), Text(proof, "failure_reason")));
    }

    [Theory]
    [InlineData("approved")]
    [InlineData("rejected")]
    [InlineData("expired")]
    [InlineData("mismatch")]
    public async Task What_a_step_says_of_its_approval_changed_is_found_by_the_chain(string what)
    {
        await _approvals.RecordAsync("r", what);
        await _scene.TamperAsync("aos_trace_steps", "UPDATE aos_trace_steps SET context = replace(context, '\"because\":\"ask first\"', '\"because\":\"no matter\"') WHERE step_index = 0");
        var proof = await _scene.ProofAsync("r");
        Assert.Equal(("FAILED", "step 0: context does not match its commitment"), (Text(proof, "verification_status"), Text(proof, "failure_reason")));
    }

    [Fact]
    public async Task A_step_that_its_process_did_not_live_to_record_may_have_used_its_approval_and_the_proof_says_that_nobody_knows()
    {
        await _approvals.RecordAsync("r", "lost");
        var proof = await _scene.ProofAsync("r");
        Assert.Equal("VERIFIED", Text(proof, "verification_status"));
        Assert.Equal(("not_done", "0 approvals are kept as the steps say, 1 other was asked for and no step came of it; not compared: 1 used by an attempt whose process died"), Check(proof));
    }

    [Fact]
    public async Task While_a_trace_is_open_what_is_there_of_it_is_compared()
    {
        await _approvals.RecordAsync("r", "approved", seal: false);
        Assert.Equal("passed", Check(await _scene.ProofAsync("r")).Status);
        await _scene.TamperAsync("runproof.approvals", "UPDATE runproof.approvals SET because = 'x'");
        Assert.Equal("FAILED", Text(await _scene.ProofAsync("r"), "verification_status"));
    }

    [Fact]
    public async Task What_was_shown_goes_with_the_parameters_that_it_shows_and_the_proof_says_what_it_no_longer_compares()
    {
        await _approvals.RecordAsync("r", "approved");
        await EraseAsync(0, "params");
        Assert.Equal(["true true"], await StoredEvidence.ListAsync(_scene.Admin, "SELECT (action_shown IS NULL) || ' ' || (action_salt IS NULL) FROM runproof.approvals"));
        var proof = await _scene.ProofAsync("r");
        Assert.Equal("VERIFIED", Text(proof, "verification_status"));
        Assert.Equal(("not_done", "1 approval is kept as the steps say; not compared: 1 of which what was shown is erased"), Check(proof));
        // What the step says is compared still.
        await _scene.TamperAsync("runproof.approvals", "UPDATE runproof.approvals SET status = 'withdrawn', used_at = NULL, used_attempt = NULL");
        Assert.Equal("APPROVAL_DIFFERS", Text(await _scene.ProofAsync("r"), "failure_code"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_person_s_words_go_with_the_contexts_that_hold_them_and_the_proof_says_so(bool archived)
    {
        await _approvals.RecordAsync("r", "two", attempts: 2);
        await _approvals.RecordAsync("other", "approved");
        if (archived)
            await StoredEvidence.ExecuteAsync(_scene.Admin, "SELECT runproof.archive_trace('acme', 'trace_r')");
        await EraseAsync(0, "context");
        Assert.Equal(["fine"], await ReasonsAsync());
        Assert.Equal("passed", Check(await _scene.ProofAsync("r")).Status);
        await EraseAsync(1, "context");
        Assert.Empty(await ReasonsAsync());
        var proof = await _scene.ProofAsync("r");
        Assert.Equal("VERIFIED", Text(proof, "verification_status"));
        Assert.Equal(("not_done", "0 approvals are kept as the steps say; not compared: 1 whose step's context is erased"), Check(proof));
        // Parameters that are erased after the context take what was shown with them all the same.
        await EraseAsync(0, "params");
        Assert.Equal(["apr_other", "apr_r gone"], await StoredEvidence.ListAsync(_scene.Admin,
            "SELECT approval_id || CASE WHEN action_shown IS NULL THEN ' gone' ELSE '' END FROM runproof.approvals ORDER BY 1"));
        Assert.Equal("VERIFIED", Text(await _scene.ProofAsync("r"), "verification_status"));
        Assert.Equal("passed", Check(await _scene.ProofAsync("other")).Status);
    }

    [Fact]
    public async Task A_person_s_words_go_with_no_context_that_is_still_there()
    {
        await _approvals.RecordAsync("r", "approved");
        var refused = await Assert.ThrowsAsync<Npgsql.PostgresException>(() => StoredEvidence.ExecuteAsync(_scene.Admin, "UPDATE runproof.approval_decisions SET reason = NULL"));
        Assert.Equal("S6000", refused.SqlState);
        await EraseAsync(0, "context");
        refused = await Assert.ThrowsAsync<Npgsql.PostgresException>(() => StoredEvidence.ExecuteAsync(_scene.Admin, "UPDATE runproof.approval_decisions SET by_name = 'eve'"));
        Assert.Equal("S6000", refused.SqlState);
    }

    [Fact]
    public async Task An_action_with_a_secret_in_it_is_compared_but_for_its_exact_digest_and_the_proof_says_so()
    {
        await _approvals.RecordAsync("r", "approved", """{"amount":5,"password":"hunter2"}""");
        Assert.Equal([], await StoredEvidence.ListAsync(_scene.Admin, "SELECT approval_id FROM runproof.approvals WHERE action_shown LIKE '%hunter2%'"));
        var proof = await _scene.ProofAsync("r");
        Assert.Equal("VERIFIED", Text(proof, "verification_status"));
        Assert.Equal(("not_done", "1 approval is kept as the steps say; not compared: 1 whose exact action is redacted"), Check(proof));
        await _scene.TamperAsync("runproof.approvals", "UPDATE runproof.approvals SET needed = 2");
        Assert.Equal("approval apr_r: needed is 2, and by what was shown 1", Text(await _scene.ProofAsync("r"), "failure_reason"));
    }

    [Fact]
    public async Task Whether_an_action_holds_is_told_of_one_s_own_tenant_only_and_the_salt_to_nobody()
    {
        await _approvals.RecordAsync("r", "approved");
        foreach (var (tenant, said) in ((string, string)[])[("acme", "holds"), ("other", "erased"), ("", "erased")])
        {
            Assert.Equal([said], await StoredEvidence.ListAsync(_scene.Admin,
                $"BEGIN; SET LOCAL ROLE runproof_verifier; SET LOCAL runproof.tenant_id = '{tenant}'; SELECT runproof.approval_action('acme', 'apr_r'); COMMIT"));
        }

        var refused = await Assert.ThrowsAsync<Npgsql.PostgresException>(() => StoredEvidence.ExecuteAsync(
            _scene.Admin, "BEGIN; SET LOCAL ROLE runproof_verifier; SET LOCAL runproof.tenant_id = 'acme'; SELECT action_salt FROM runproof.approvals; COMMIT"));
        Assert.Equal("42501", refused.SqlState);
    }

    private Task EraseAsync(int step, string payload) =>
        StoredEvidence.ExecuteAsync(_scene.Admin, $"SELECT runproof.erase_payload('acme', 'trace_r', {step}, '{payload}', 'dpo', 'asked for')");

    private Task<List<string>> ReasonsAsync() =>
        StoredEvidence.ListAsync(_scene.Admin, "SELECT reason FROM runproof.approval_decisions WHERE approval_id = 'apr_r' AND reason IS NOT NULL");

    private async Task DropConstraintsAsync()
    {
        foreach (var table in (string[])["runproof.approval_decisions", "runproof.approvals"])
        {
            foreach (var name in await StoredEvidence.ListAsync(_scene.Admin, $"SELECT conname::text FROM pg_constraint WHERE conrelid = '{table}'::regclass ORDER BY contype"))
                await StoredEvidence.ExecuteAsync(_scene.Admin, $"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name} CASCADE");
            foreach (var column in await StoredEvidence.ListAsync(_scene.Admin, $"SELECT attname::text FROM pg_attribute WHERE attrelid = '{table}'::regclass AND attnotnull AND attnum > 0"))
                await StoredEvidence.ExecuteAsync(_scene.Admin, $"ALTER TABLE {table} ALTER COLUMN {column} DROP NOT NULL");
        }
    }

    private static string Another(string column, string type) => type switch
    {
        "text" => $"coalesce({column}, '') || 'x'",
        "integer" or "smallint" => $"coalesce({column}, 0) + 1",
        "bytea" => "substr(sha256('other'), 1, 16)",
        "ARRAY" => $"array_append({column}, 'x')",
        "timestamp with time zone" => $"coalesce({column}, now()) + interval '1 microsecond'",
        _ => throw new InvalidOperationException($"{column} is a {type}"),
    };

    private static (string? Status, string? Detail) Check(JsonObject proof) =>
        proof["checks"]!.AsArray().SingleOrDefault(check => Text(check!, "name") == "APPROVALS") is { } check ? (Text(check, "status"), Text(check, "detail")) : default;

    private static string Text(JsonNode node, string member) => node[member]!.GetValue<string>();
}
