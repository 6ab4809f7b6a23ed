using System.Security.Cryptography;
using System.Text;
using RunProof.Format;
using RunProof.Keys;
using RunProof.Ledger;
using RunProof.Testing;
using RunProof.Verification.Tests;

namespace RunProof.Verifier.Tests;

/// <summary>
/// The log itself is changed by somebody who has no key of it. How far the forger goes decides which check it is; whoever signs goes no further with such a log.
/// </summary>
public sealed class ChangedLogs(PostgresFixture postgres) : IAsyncLifetime
{
    private AttackScene _scene = null!;

    public async ValueTask InitializeAsync()
    {
        _scene = await AttackScene.StartAsync(postgres);
        foreach (var run in (string[])["before", "target", "after"])
            await _scene.RunAsync(run);
    }

    public ValueTask DisposeAsync() => _scene.DisposeAsync();

    [Fact]
    public async Task An_entry_replaced_to_fit_a_forged_trace_does_not_lead_to_the_signed_root()
    {
        await ForgeAsync(ForgedParts.Entries);
        await AssertProofAsync("LOG_INCLUSION", "LOG_INCLUSION_MISMATCH");
        Assert.Contains(await _scene.FsckAsync(), finding => finding is { Code: "LOG_TILE_MISMATCH", Place: "tile/0/000.p/6" });
        Assert.Contains(await _scene.FsckAsync(), finding => finding is { Code: "LOG_HEAD_MISMATCH", Place: "head.checkpoint" });
        Assert.Equal(["LOG_ROOT_MISMATCH"], await _scene.AuditCodesAsync());
    }

    [Fact]
    public async Task An_entry_replaced_and_all_tiles_rebuilt_does_not_lead_to_the_signed_root()
    {
        await ForgeAsync(ForgedParts.Entries | ForgedParts.Tiles);
        await AssertProofAsync("LOG_INCLUSION", "LOG_INCLUSION_MISMATCH");
        // Tiles and entries agree; the checkpoint is of another tree.
        Assert.Equal(["head.checkpoint LOG_HEAD_MISMATCH"], (await _scene.FsckAsync()).Select(finding => finding.Place + " " + finding.Code));
        Assert.Equal(["LOG_ROOT_MISMATCH"], await _scene.AuditCodesAsync());
    }

    [Fact]
    public async Task A_tree_rebuilt_and_signed_with_a_key_of_the_attacker_s_own_is_refused_although_the_database_names_it()
    {
        var own = NoteSigner.Create(_scene.RealKey.Key.Name, NoteAlgorithm.Ed25519, RandomNumberGenerator.GetBytes(32));
        await ForgeAsync(ForgedParts.All, own);
        await _scene.CommitAsync(crime => crime.ExecuteAsync("UPDATE runproof.log_keys SET vkey = $1", own.ToString()));
        await AssertProofAsync("CHECKPOINT_SIGNATURE", "CHECKPOINT_REFUSED");
        Assert.Contains(await _scene.FsckAsync(), finding => finding is { Code: "CHECKPOINT_REFUSED", Place: "head.checkpoint" });
        Assert.Contains("CHECKPOINT_REFUSED", await _scene.AuditCodesAsync());
        await AssertHaltedAsync();
    }

    /// <summary>A service that serves and holds no key believes the database's; whoever knows the key from elsewhere does not.</summary>
    [Fact]
    public async Task Where_no_key_is_at_hand_the_attacker_s_key_is_caught_by_whoever_knows_the_real_one()
    {
        var own = NoteSigner.Create(_scene.RealKey.Key.Name, NoteAlgorithm.Ed25519, RandomNumberGenerator.GetBytes(32));
        await ForgeAsync(ForgedParts.All, own);
        await _scene.CommitAsync(crime => crime.ExecuteAsync("UPDATE runproof.log_keys SET vkey = $1", own.ToString()));
        await _scene.StopSealingAsync();
        Assert.Equal("VERIFIED", AttackScene.Text(await _scene.ProofAsync("target"), "verification_status"));
        var bundle = await _scene.BundleAsync("target");
        var report = _scene.Verify(bundle);
        Assert.Equal(("FAILED", "CHECKPOINT_REFUSED"), (report.Verdict.Name, report.Findings[0].Code));
        // And with no key given it is no proof at all.
        Assert.Equal("UNSUPPORTED", Verification.BundleVerifier.Verify(bundle, new Verification.BundleOptions { VerifierOf = key => NoteVerifier.TryCreate(key, out var verifier, out _) ? verifier : null }).Verdict.Name);
    }

    [Fact]
    public async Task A_head_that_does_not_give_its_signed_root_is_not_continued()
    {
        await _scene.CommitAsync(crime => crime.ExecuteAsync("UPDATE runproof.logs SET edge = overlay(edge placing sha256('x') from 1 for 32)"));
        await AssertHaltedAsync();
    }

    [Fact]
    public async Task An_entry_bound_to_another_trace_is_found()
    {
        await _scene.CommitAsync(async crime =>
        {
            foreach (var (run, other) in ((string, string)[])[("target", "between"), ("after", "target"), ("between", "after")])
                await crime.ExecuteAsync("UPDATE runproof.log_entries SET trace_id = 'trace_' || $2, run_id = $2 WHERE run_id = $1", run, other);
        });
        await AssertProofAsync("LOG_INCLUSION", "LOG_ENTRY_MISMATCH");
        Assert.Equal(4, (await _scene.FsckAsync()).Count(finding => finding.Code == "LOG_ENTRY_MISMATCH"));
        Assert.Contains("LOG_ENTRY_MISMATCH", await _scene.AuditCodesAsync());
    }

    [Theory]
    [InlineData("a hash", "UPDATE runproof.log_tiles SET bytes = overlay(bytes placing '\\x00000000'::bytea from 65 for 4)")]
    [InlineData("its end", "UPDATE runproof.log_tiles SET bytes = substr(bytes, 1, 64)")]
    [InlineData("all of it", "DELETE FROM runproof.log_tiles")]
    public async Task A_tile_changed_leads_no_proof_to_the_root(string what, string sql)
    {
        await _scene.CommitAsync(async crime => Assert.True(await crime.ExecuteAsync(sql) > 0, what));
        await AssertProofAsync("LOG_INCLUSION", "LOG_INCLUSION_MISMATCH");
        Assert.Contains(await _scene.FsckAsync(), finding => finding.Code == "LOG_TILE_MISMATCH");
    }

    /// <summary>Proofs of late entries need no early tile: what no proof meets is found by whoever rebuilds all.</summary>
    [Fact]
    public async Task A_tile_that_a_run_s_proof_does_not_need_is_found_by_rebuilding_all_of_them()
    {
        for (var run = 0; run < 126; run++)
            await _scene.RecordAsync($"run-{run}", steps: 0);
        await _scene.IncludedAsync("run-125");
        await _scene.CommitAsync(async crime => Assert.Equal(1, await crime.ExecuteAsync("UPDATE runproof.log_tiles SET bytes = overlay(bytes placing sha256('x') from 1 for 32) WHERE level = 0 AND tile_index = 0")));
        Assert.Equal("VERIFIED", AttackScene.Text(await _scene.ProofAsync("run-125"), "verification_status"));
        Assert.Equal("FAILED", AttackScene.Text(await _scene.ProofAsync("before"), "verification_status"));
        Assert.Equal(["tile/0/000 LOG_TILE_MISMATCH"], (await _scene.FsckAsync()).Select(finding => finding.Place + " " + finding.Code));
    }

    /// <summary>The trace as somebody would have liked it, and as much of the log as the forger gets to.</summary>
    private async Task ForgeAsync(ForgedParts parts, NoteSigner? key = null)
    {
        var forged = (await _scene.ReadAsync("target")).With(2, step => step with { Output = ForgedTrace.Payload("""{"message":"all is well"}""") }).Relink();
        var entries = await ForgedLog.ReadAsync(_scene.Admin, AttackScene.Tenant);
        await _scene.CommitAsync(async crime =>
        {
            await crime.ReplaceAsync(forged);
            await crime.RewriteLogAsync(AttackScene.Tenant, entries.With(forged), key ?? _scene.RealKey, parts);
        });
    }

    private async Task AssertProofAsync(string check, string code)
    {
        var proof = await _scene.ProofAsync("target");
        Assert.Equal(("FAILED", "failed"), (AttackScene.Text(proof, "verification_status"), AttackScene.Check(proof, check)));
        Assert.Contains(proof["findings"]!.AsArray(), finding => AttackScene.Text(finding!, "code") == code);
        var (status, body) = await _scene.GetBytesAsync("/api/v1/runs/target/bundle");
        Assert.True(status == 409 && Encoding.UTF8.GetString(body).Contains(code, StringComparison.Ordinal), Encoding.UTF8.GetString(body));
    }

    /// <summary>The sealer builds nothing on a head that its own signature does not vouch for, and says so.</summary>
    private async Task AssertHaltedAsync()
    {
        var before = (await new Postgres.PostgresLogReader(_scene.Auditor).FindAsync(AttackScene.Tenant, default))!.Size;
        await _scene.RecordAsync("later");
        await AttackScene.WaitAsync(async () => (await _scene.HealthAsync())["data"]!["halted_logs"]!.GetValue<double>() == 1);
        Assert.Equal("Degraded", AttackScene.Text(await _scene.HealthAsync(), "status"));
        Assert.Equal(before, (await new Postgres.PostgresLogReader(_scene.Auditor).FindAsync(AttackScene.Tenant, default))!.Size);
    }
}
