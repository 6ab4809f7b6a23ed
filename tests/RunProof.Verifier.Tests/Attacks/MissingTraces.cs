using System.Text.Json.Nodes;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Postgres;
using RunProof.Testing;

namespace RunProof.Verifier.Tests;

/// <summary>A trace is taken away whole, or kept from being sealed, or put in: what remembers it, from the run's record to the log, and where nothing does.</summary>
public sealed class MissingTraces(PostgresFixture postgres) : IAsyncLifetime
{
    private const string Reopen =
        """
        UPDATE aos_traces SET status = 'running', completed_at = NULL, chain_length = NULL, steps_root = NULL, root_hash = NULL, metadata = NULL, metadata_salt = NULL, metadata_hash = NULL
          WHERE trace_id = 'trace_target'
        """;

    private const string RunAgain = "UPDATE runs SET status = 'running', completed_at = NULL, duration_ms = NULL WHERE id = 'target'";

    private AttackScene _scene = null!;

    public async ValueTask InitializeAsync()
    {
        _scene = await AttackScene.StartAsync(postgres);
        await _scene.RunAsync("before");
    }

    public ValueTask DisposeAsync() => _scene.DisposeAsync();

    [Theory]
    [InlineData("the run stays", null)]
    [InlineData("the run is said to have failed", "UPDATE runs SET status = 'failed', error_code = 'evidence_unavailable' WHERE id = 'target'")]
    [InlineData("the run goes too", "DELETE FROM runs WHERE id = 'target'")]
    public async Task A_trace_deleted_whole_is_missed_by_its_entries_in_the_log(string how, string? andThen)
    {
        await _scene.RunAsync("target");
        await _scene.RunAsync("after");
        await _scene.CommitAsync(async crime =>
        {
            Assert.Equal(1, await crime.DeleteTraceAsync("acme", "trace_target"));
            if (andThen is not null)
                Assert.Equal(1, await crime.ExecuteAsync(andThen));
        });
        var proof = await _scene.ProofAsync("target");
        Assert.Equal((how, "FAILED", "TRACE_MISSING"), (how, AttackScene.Text(proof, "verification_status"), AttackScene.Text(proof, "failure_code")));
        Assert.Equal("trace: is missing, though entry 3 of its tenant's log is its seal", AttackScene.Text(proof, "failure_reason"));
        Assert.Equal("failed", AttackScene.Check(proof, "LOG_INCLUSION"));
        // The entries themselves are whole: it is not the log that was changed.
        Assert.Empty(await _scene.FsckAsync());
        Assert.Equal(["TRACE_MISSING"], await _scene.AuditCodesAsync());
    }

    [Fact]
    public async Task A_trace_deleted_while_it_waits_is_missed_by_the_queue_and_stays_in_quarantine()
    {
        await _scene.StopSealingAsync();
        await _scene.RecordAsync("target");
        await _scene.CommitAsync(async crime =>
        {
            await crime.DeleteTraceAsync("acme", "trace_target");
            await crime.ExecuteAsync("DELETE FROM runs WHERE id = 'target'");
        });
        var proof = await _scene.ProofAsync("target");
        Assert.Equal(("FAILED", "TRACE_MISSING"), (AttackScene.Text(proof, "verification_status"), AttackScene.Text(proof, "failure_code")));
        await _scene.RestartAsync();
        await AttackScene.WaitAsync(async () => (await _scene.HealthAsync())["data"]!["quarantined"]!.GetValue<double>() == 2);
        proof = await _scene.ProofAsync("target");
        Assert.Equal(("FAILED", "TRACE_MISSING"), (AttackScene.Text(proof, "verification_status"), AttackScene.Text(proof, "failure_code")));
        Assert.Contains("was not let into the log", AttackScene.Text(proof, "failure_reason"), StringComparison.Ordinal);
        Assert.Equal(["TRACE_QUARANTINED"], await _scene.AuditCodesAsync());
    }

    [Fact]
    public async Task A_trace_deleted_with_its_rows_in_the_queue_is_missed_by_its_run()
    {
        await _scene.StopSealingAsync();
        await _scene.RecordAsync("target");
        await _scene.CommitAsync(async crime =>
        {
            await crime.DeleteTraceAsync("acme", "trace_target");
            Assert.Equal(2, await crime.ExecuteAsync("DELETE FROM runproof.log_queue WHERE trace_id = 'trace_target'"));
        });
        var proof = await _scene.ProofAsync("target");
        Assert.Equal(("FAILED", "TRACE_MISSING"), (AttackScene.Text(proof, "verification_status"), AttackScene.Text(proof, "failure_code")));
        Assert.Contains("the run's record says that the run succeeded", AttackScene.Text(proof, "failure_reason"), StringComparison.Ordinal);
        Assert.Equal(["TRACE_MISSING"], await _scene.AuditCodesAsync());
    }

    /// <summary>The limit, said as it is: what is wiped out in the moment before it enters the log was never anywhere else.</summary>
    [Fact]
    public async Task A_run_wiped_out_before_anything_of_it_entered_the_log_leaves_nothing_behind()
    {
        await _scene.StopSealingAsync();
        await _scene.RecordAsync("target");
        await _scene.CommitAsync(async crime =>
        {
            await crime.DeleteTraceAsync("acme", "trace_target");
            await crime.ExecuteAsync("DELETE FROM runproof.log_queue WHERE trace_id = 'trace_target'");
            await crime.ExecuteAsync("DELETE FROM runs WHERE id = 'target'");
        });
        Assert.Equal(404, (await _scene.GetAsync("/api/v1/runs/target/proof")).Status);
        Assert.Empty(await _scene.FsckAsync());
        Assert.Empty(await _scene.AuditCodesAsync());
    }

    [Fact]
    public async Task A_trace_deleted_with_its_entries_leaves_a_gap_in_the_log()
    {
        await _scene.RunAsync("target");
        await _scene.RunAsync("after");
        await _scene.CommitAsync(async crime =>
        {
            await crime.DeleteTraceAsync("acme", "trace_target");
            await crime.ExecuteAsync("DELETE FROM runs WHERE id = 'target'");
            Assert.Equal(2, await crime.ExecuteAsync("DELETE FROM runproof.log_entries WHERE trace_id = 'trace_target'"));
        });
        var found = (await _scene.FsckAsync()).Select(finding => finding.Code).ToList();
        Assert.Contains("LOG_POSITION_GAP", found);
        Assert.Contains("LOG_TILE_MISMATCH", found);
        Assert.Contains("LOG_HEAD_MISMATCH", found);
        Assert.Equal(["LOG_POSITION_GAP", "LOG_ROOT_MISMATCH"], await _scene.AuditCodesAsync());
    }

    [Theory]
    [InlineData("the run is said to go on", RunAgain)]
    [InlineData("the run goes", "DELETE FROM runs WHERE id = 'target'")]
    public async Task A_trace_whose_seal_was_taken_off_is_convicted_by_the_log_which_has_it(string how, string andThen)
    {
        await _scene.RunAsync("target");
        await _scene.CommitAsync(async crime =>
        {
            await crime.ExecuteAsync(Reopen);
            // And its tail, which no seal counts any more.
            await crime.ExecuteAsync("DELETE FROM aos_trace_steps WHERE trace_id = 'trace_target' AND step_index = 3");
            await crime.ExecuteAsync(andThen);
        });
        var proof = await _scene.ProofAsync("target");
        Assert.Equal((how, "FAILED", "SEAL_MISSING"), (how, AttackScene.Text(proof, "verification_status"), AttackScene.Text(proof, "failure_code")));
        Assert.StartsWith("seal: is missing, though entry 3 of its tenant's log is its seal", AttackScene.Text(proof, "failure_reason"), StringComparison.Ordinal);
        Assert.Equal(("failed", "passed"), (AttackScene.Check(proof, "LOG_INCLUSION"), AttackScene.Check(proof, "OPENED_ENTRY")));
        Assert.Equal(409, (await _scene.GetAsync("/api/v1/runs/target/bundle")).Status);
        Assert.Equal(["SEAL_MISSING"], await _scene.AuditCodesAsync());
    }

    [Fact]
    public async Task A_seal_that_waits_in_the_queue_convicts_a_trace_whose_seal_was_taken_off()
    {
        await SealUnseenAsync();
        await _scene.CommitAsync(async crime =>
        {
            await crime.ExecuteAsync(Reopen);
            await crime.ExecuteAsync(RunAgain);
        });
        var proof = await _scene.ProofAsync("target");
        Assert.Equal(("FAILED", "SEAL_MISSING"), (AttackScene.Text(proof, "verification_status"), AttackScene.Text(proof, "failure_code")));
        await _scene.RestartAsync();
        await AttackScene.WaitAsync(async () => (await _scene.HealthAsync())["data"]!["quarantined"]!.GetValue<double>() == 1);
        proof = await _scene.ProofAsync("target");
        Assert.Equal(("FAILED", "SEAL_MISSING"), (AttackScene.Text(proof, "verification_status"), AttackScene.Text(proof, "failure_code")));
        Assert.Equal(["TRACE_QUARANTINED"], await _scene.AuditCodesAsync());
    }

    [Fact]
    public async Task A_trace_that_opened_and_whose_seal_was_kept_from_the_log_is_never_verified()
    {
        await SealUnseenAsync();
        await _scene.CommitAsync(async crime =>
        {
            await crime.ExecuteAsync(Reopen);
            Assert.Equal(1, await crime.ExecuteAsync("DELETE FROM runproof.log_queue WHERE trace_id = 'trace_target'"));
        });
        // The run's record says that it ended; without that nothing tells it from a run that goes on, but that it never ends.
        var proof = await _scene.ProofAsync("target");
        Assert.Equal(("FAILED", "SEAL_MISSING"), (AttackScene.Text(proof, "verification_status"), AttackScene.Text(proof, "failure_code")));
        Assert.Equal(["TRACE_DANGLING"], await _scene.AuditCodesAsync());
        await _scene.CommitAsync(crime => crime.ExecuteAsync(RunAgain));
        proof = await _scene.ProofAsync("target");
        Assert.Equal(("UNSUPPORTED", "TRACE_NOT_SEALED"), (AttackScene.Text(proof, "verification_status"), AttackScene.Text(proof, "failure_code")));
        var audit = await _scene.AuditAsync();
        Assert.Equal((0, 1), (audit.Findings.Count, audit.Counts.Open));
        await _scene.CommitAsync(crime => crime.ExecuteAsync("DELETE FROM runs WHERE id = 'target'"));
        Assert.Equal(["TRACE_DANGLING"], await _scene.AuditCodesAsync());
    }

    [Fact]
    public async Task A_sealed_trace_taken_out_of_the_queue_is_missed_in_the_log()
    {
        await SealUnseenAsync();
        await _scene.CommitAsync(async crime => Assert.Equal(1, await crime.ExecuteAsync("DELETE FROM runproof.log_queue WHERE trace_id = 'trace_target'")));
        var proof = await _scene.ProofAsync("target");
        Assert.Equal(("FAILED", "LOG_ENTRY_MISSING"), (AttackScene.Text(proof, "verification_status"), AttackScene.Text(proof, "failure_code")));
        Assert.Equal("log.sealed", AttackScene.Text(proof["findings"]![0]!, "place"));
        Assert.Equal(["SEALED_ENTRY_MISSING"], await _scene.AuditCodesAsync());
    }

    /// <summary>The one who could say that the trace never verified is believed as little: whatever is in quarantine is a finding.</summary>
    [Fact]
    public async Task A_trace_put_into_quarantine_by_hand_is_told()
    {
        await SealUnseenAsync();
        await _scene.CommitAsync(async crime =>
        {
            await crime.ExecuteAsync("DELETE FROM runproof.log_queue WHERE trace_id = 'trace_target'");
            await crime.ExecuteAsync(
                "INSERT INTO runproof.log_quarantine (tenant_id, trace_id, kind, code, place, message, quarantined_at) VALUES ('acme', 'trace_target', 'sealed', 'NOT_VERIFIED', 'trace', 'trace: never mind', now())");
        });
        var proof = await _scene.ProofAsync("target");
        Assert.Equal(("FAILED", "LOG_ENTRY_MISMATCH"), (AttackScene.Text(proof, "verification_status"), AttackScene.Text(proof, "failure_code")));
        Assert.Contains("never mind", AttackScene.Text(proof, "failure_reason"), StringComparison.Ordinal);
        Assert.Equal(["TRACE_QUARANTINED"], await _scene.AuditCodesAsync());
    }

    [Fact]
    public async Task A_trace_made_up_behind_the_queue_is_not_in_the_log()
    {
        var made = await _scene.ReadAsync("before");
        made = made.With(trace => trace with { TraceId = "trace_target", RunId = "target", CorrelationId = "target" }).Relink();
        await _scene.CommitAsync(crime => StoredEvidence.StoreAsync((sql, values) => crime.ExecuteAsync(sql, values), made, seal: true));
        var proof = await _scene.ProofAsync("target");
        Assert.Equal(("FAILED", "LOG_ENTRY_MISSING"), (AttackScene.Text(proof, "verification_status"), AttackScene.Text(proof, "failure_code")));
        Assert.Equal(["LOG_ENTRY_MISSING"], await _scene.AuditCodesAsync());
    }

    /// <summary>A run of today that is to look like one of last month: recorded while the machines' clock was set back, so that every hash and both entries are right.</summary>
    [Fact]
    public async Task A_run_recorded_under_a_clock_that_was_set_back_is_out_of_order_in_the_log()
    {
        await _scene.RunAsync("target", at: DateTimeOffset.UtcNow.AddDays(-30));
        await _scene.RunAsync("after");
        Assert.Equal("VERIFIED", AttackScene.Text(await _scene.ProofAsync("target"), "verification_status"));
        Assert.Equal(["LOG_CLOCK_BACKWARDS"], await _scene.AuditCodesAsync());
        Assert.Equal("trace_target", Assert.Single((await _scene.AuditAsync()).Findings.Kept).TraceId);
    }

    /// <summary>The whole log under a clock that was set back: within itself it is in order, but an auditor was there before.</summary>
    [Fact]
    public async Task A_clock_that_was_set_back_for_good_is_noticed_by_whoever_audited_before()
    {
        var remembered = (await _scene.AuditAsync()).Next;
        for (var run = 0; run < 70; run++)
            await _scene.RecordAsync($"late-{run}", steps: 0, at: DateTimeOffset.UtcNow.AddDays(-30).AddSeconds(run));
        await _scene.IncludedAsync("late-69");
        var audit = await _scene.AuditAsync(remembered);
        Assert.Contains(audit.Findings.Kept, finding => finding is { Code: "LOG_CLOCK_BACKWARDS", TraceId: "trace_late-69" });
    }

    /// <summary>Between a trace's opening and its seal its steps are in no log; but whoever writes them remembers where it stands.</summary>
    [Fact]
    public async Task The_tail_of_an_open_trace_cannot_be_cut_under_its_writer()
    {
        var start = WireTime.Truncate(DateTimeOffset.UtcNow);
        await _scene.BeginAsync("target", "acme", start);
        await using var recorder = _scene.Recorder();
        var session = await AttackScene.OpenAsync(recorder, "target", "acme", start);
        await session.AppendAsync(AttackScene.Step("target", 0, start), null, default);
        var first = await _scene.ReadAsync("target");
        await session.AppendAsync(AttackScene.Step("target", 1, start), null, default);
        await _scene.CommitAsync(async crime =>
        {
            Assert.Equal(1, await crime.ExecuteAsync("DELETE FROM aos_trace_steps WHERE trace_id = 'trace_target' AND step_index = 1"));
            Assert.Equal(1, await crime.ExecuteAsync("UPDATE runproof.trace_heads SET next_index = 1, last_link = $1 WHERE trace_id = 'trace_target'", first.Steps[0].Link));
        });
        var refusal = await Assert.ThrowsAsync<RecordingException>(async () => await session.AppendAsync(AttackScene.Step("target", 2, start), null, default));
        Assert.False(refusal.IsTransient);
    }

    /// <summary>A run that is over, its opening in the log and its seal in the queue, while nobody seals.</summary>
    private async Task SealUnseenAsync()
    {
        var start = WireTime.Truncate(DateTimeOffset.UtcNow);
        await _scene.BeginAsync("target", "acme", start);
        await using var recorder = _scene.Recorder();
        var session = await AttackScene.OpenAsync(recorder, "target", "acme", start);
        await AttackScene.WaitAsync(async () => AttackScene.Check(await _scene.ProofAsync("target"), "OPENED_ENTRY") == "passed");
        await _scene.StopSealingAsync();
        await session.AppendAsync(AttackScene.Step("target", 0, start), null, default);
        await session.SealAsync(new TraceClosing { Status = SealStatus.Completed, CompletedAt = start.AddMilliseconds(30) }, default);
        await _scene.FinishAsync("target", start.AddMilliseconds(40));
    }
}
