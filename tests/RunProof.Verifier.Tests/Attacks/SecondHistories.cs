using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using RunProof.Format;
using RunProof.Keys;
using RunProof.Ledger;
using RunProof.Testing;
using RunProof.Verification;
using RunProof.Verification.Tests;
using RunProof.Witness;

namespace RunProof.Verifier.Tests;

/// <summary>
/// The operator's own crime: traces changed or gone, every hash made to fit, the tree rebuilt, and its head signed with the real key. What is inside the
/// database then holds. It takes something that was outside of it before: a checkpoint that somebody saved, a bundle that somebody exported, or a witness.
/// </summary>
public sealed class SecondHistories(PostgresFixture postgres)
{
    private static readonly string[] Before = ["before", "target", "after"];

    /// <summary>Why the other three are needed.</summary>
    [Theory]
    [InlineData(Rewriting.Changed)]
    [InlineData(Rewriting.Deleted)]
    [InlineData(Rewriting.CutOff)]
    public async Task With_nothing_saved_outside_a_second_history_looks_like_the_first(Rewriting rewriting)
    {
        await using var scene = await SceneAsync();
        await RewriteAsync(scene, rewriting);
        foreach (var run in Left(rewriting))
        {
            var proof = await scene.ProofAsync(run);
            Assert.True(AttackScene.Text(proof, "verification_status") == "VERIFIED", proof.ToJsonString());
            Assert.Equal("VERIFIED", scene.Verify(await scene.BundleAsync(run)).Verdict.Name);
        }

        foreach (var gone in Before.Except(Left(rewriting)))
            Assert.Equal(404, (await scene.GetAsync($"/api/v1/runs/{gone}/proof")).Status);
        Assert.Empty(await scene.FsckAsync());
        // The log even goes on.
        await scene.RunAsync("later");
        Assert.Equal("Healthy", AttackScene.Text(await scene.HealthAsync(), "status"));
        Assert.Empty(await scene.FsckAsync());
        Assert.Empty(await scene.AuditCodesAsync());
    }

    [Theory]
    [InlineData(Rewriting.Changed, "LOG_FORKED")]
    [InlineData(Rewriting.Deleted, "LOG_ROLLED_BACK")]
    [InlineData(Rewriting.CutOff, "LOG_ROLLED_BACK")]
    public async Task An_auditor_who_was_there_before_finds_the_second_history_and_keeps_the_first(Rewriting rewriting, string code)
    {
        await using var scene = await SceneAsync();
        var remembered = (await scene.AuditAsync()).Next;
        Assert.NotNull(remembered);
        await RewriteAsync(scene, rewriting);
        var audit = await scene.AuditAsync(remembered);
        Assert.Equal([code], audit.Findings.Counts.Keys);
        Assert.Null(audit.Next);

        // However long the log goes on.
        foreach (var run in (string[])["later", "and-later"])
            await scene.RunAsync(run);
        audit = await scene.AuditAsync(remembered);
        Assert.Equal(["LOG_FORKED"], audit.Findings.Counts.Keys);
        Assert.Null(audit.Next);
    }

    [Theory]
    [InlineData(Rewriting.Changed)]
    [InlineData(Rewriting.Deleted)]
    [InlineData(Rewriting.CutOff)]
    public async Task A_saved_checkpoint_convicts_the_log_that_no_longer_begins_with_it(Rewriting rewriting)
    {
        await using var scene = await SceneAsync();
        var saved = await scene.CheckpointAsync();
        await RewriteAsync(scene, rewriting);
        await scene.RunAsync("later");
        await scene.RunAsync("and-later");
        await AssertForkAsync(scene, saved);
    }

    [Fact]
    public async Task A_saved_checkpoint_that_is_larger_than_the_log_shows_that_it_was_rolled_back()
    {
        await using var scene = await SceneAsync();
        var saved = await scene.CheckpointAsync();
        await RewriteAsync(scene, Rewriting.CutOff);
        var (before, now) = (Parse(saved), Parse(await scene.CheckpointAsync()));
        Assert.Equal((6, 4), (before.Size, now.Size));
        // A log only grows: there is no such proof to be had.
        Assert.Equal(400, (await scene.GetAsync($"/api/v1/log/consistency?from={before.Size}")).Status);
    }

    [Fact]
    public async Task An_exported_bundle_says_what_its_run_was_and_convicts_the_log_that_has_it_otherwise()
    {
        await using var scene = await SceneAsync();
        var exported = await scene.BundleAsync("target");
        await RewriteAsync(scene, Rewriting.Changed);
        await scene.RunAsync("later");

        // Both are signed by the real key and each holds by itself; of one trace there can be one root.
        var (was, says) = (scene.Verify(exported), scene.Verify(await scene.BundleAsync("target")));
        Assert.Equal(("VERIFIED", "VERIFIED"), (was.Verdict.Name, says.Verdict.Name));
        Assert.Equal(was.Bundle!.Header.TraceId, says.Bundle!.Header.TraceId);
        Assert.NotEqual(was.Bundle.RootHash, says.Bundle.RootHash);

        // Its checkpoint is one that was saved.
        Assert.True(TlogProof.TryParse(was.Bundle.Log!.Proof, out var proof, out var problem), problem);
        await AssertForkAsync(scene, proof.Checkpoint);
    }

    [Fact]
    public async Task An_exported_bundle_of_a_run_that_was_deleted_with_its_entries_still_proves_it()
    {
        await using var scene = await SceneAsync();
        var exported = await scene.BundleAsync("target");
        await RewriteAsync(scene, Rewriting.Deleted);
        Assert.Equal(404, (await scene.GetAsync("/api/v1/runs/target/proof")).Status);
        Assert.Equal("VERIFIED", scene.Verify(exported).Verdict.Name);
    }

    [Theory]
    [InlineData(Rewriting.Changed)]
    [InlineData(Rewriting.Deleted)]
    [InlineData(Rewriting.CutOff)]
    public async Task A_witness_cosigns_no_second_history_and_keeps_the_proof_of_it(Rewriting rewriting)
    {
        await using var witness = new Witness();
        await using var scene = await SceneAsync(witness);
        var seen = await scene.CheckpointAsync();
        Assert.True(seen.Verify([witness.Verifier], out _, out var problem), problem);

        await RewriteAsync(scene, rewriting);
        // It is signed by the log and by nobody else, which whoever has the policy sees at once.
        var options = new BundleOptions { TrustedKeys = [scene.KnownKey], Quorum = witness };
        var report = LogFiles.VerifyCheckpoint(Encoding.UTF8.GetBytes((await scene.CheckpointAsync()).ToString()), options);
        Assert.Equal(("FAILED", "QUORUM_NOT_MET"), (report.Verdict.Name, report.Findings[0].Code));
        var served = (await scene.CheckpointAsync()).ToString();

        // The log goes on, and asks: nothing of it is published any more.
        foreach (var run in (string[])["later", "and-later"])
            await scene.RecordAsync(run);
        await AttackScene.WaitAsync(() => Task.FromResult(witness.Forks.Length > 0));
        Assert.Equal(served, (await scene.CheckpointAsync()).ToString());
        var proof = await scene.ProofAsync("later");
        Assert.Equal("not_done", AttackScene.Check(proof, "LOG_INCLUSION"));

        // What the witness keeps convicts the log before anybody who knows its key.
        using var json = JsonDocument.Parse(await File.ReadAllBytesAsync(witness.Forks[0], TestContext.Current.CancellationToken));
        Assert.True(ForkProof.TryParse(json.RootElement, out var fork, out problem), problem);
        Assert.Equal(seen.Text, fork.Older.Text);
        Assert.Equal("VERIFIED", LogFiles.VerifyFork(fork.Older, fork.Newer, fork.RootAtOlderSize, fork.Path, new BundleOptions { TrustedKeys = [scene.KnownKey] }).Verdict.Name);
    }

    /// <summary>An older copy of the whole database put back is a second history as soon as it goes on, and needs no forger.</summary>
    [Fact]
    public async Task A_database_put_back_to_an_older_copy_is_seen_by_the_witness()
    {
        await using var witness = new Witness();
        await using var scene = await SceneAsync(witness);
        await RewriteAsync(scene, Rewriting.CutOff);
        var start = WireTime.Truncate(DateTimeOffset.UtcNow);
        await scene.BeginAsync("later", "acme", start);
        await using var recorder = scene.Recorder();
        var session = await AttackScene.OpenAsync(recorder, "later", "acme", start);
        // Fewer entries than the witness has seen: it names its size, and cosigns nothing.
        var log = new Postgres.PostgresLogReader(scene.Auditor);
        await AttackScene.WaitAsync(async () => (await log.FindAsync(AttackScene.Tenant, default))!.Size == 5);
        await session.SealAsync(new TraceClosing { Status = SealStatus.Completed, CompletedAt = start }, default);
        // As many, and others: that is a fork.
        await AttackScene.WaitAsync(() => Task.FromResult(witness.Forks.Length > 0));
        Assert.Equal(0, (await scene.HealthAsync())["data"]!["halted_logs"]!.GetValue<double>());
        Assert.Equal(4, Parse(await scene.CheckpointAsync()).Size);
    }

    /// <summary>Proves to a third party that the log signed two histories, from a checkpoint that was saved and from what the log itself serves.</summary>
    private static async Task AssertForkAsync(AttackScene scene, SignedNote saved)
    {
        var newer = await scene.CheckpointAsync();
        var (before, now) = (Parse(saved), Parse(newer));
        Assert.True(now.Size >= before.Size, "the log is not longer than it was");
        var (status, body) = await scene.GetAsync(string.Create(CultureInfo.InvariantCulture, $"/api/v1/log/consistency?from={before.Size}"));
        Assert.Equal(200, status);
        Digest[] path = [.. body["proof"]!.AsArray().Select(static hash => new Digest(Convert.FromBase64String(hash!.GetValue<string>())))];
        Assert.False(MerkleProofs.VerifyConsistency((ulong)before.Size, (ulong)now.Size, path, before.Root, now.Root));
        Assert.True(MerkleProofs.TryRootAt((ulong)before.Size, (ulong)now.Size, path, now.Root, out var root));
        var fork = LogFiles.VerifyFork(saved, newer, root, path, new BundleOptions { TrustedKeys = [scene.KnownKey] });
        Assert.True(fork.Verdict.Name == "VERIFIED", string.Join('\n', fork.Findings));
    }

    /// <summary>Three runs as they happened, and whoever should have seen the log has seen it.</summary>
    private async Task<AttackScene> SceneAsync(Witness? witness = null)
    {
        var scene = await AttackScene.StartAsync(postgres, witness is null ? null : new Dictionary<string, string?>(StringComparer.Ordinal) { ["RunProof:Log:WitnessPolicyFile"] = witness.PolicyFile });
        if (witness is not null)
        {
            // The key is made at the start; the witness learns it before there is anything to cosign.
            await AttackScene.WaitAsync(() => Task.FromResult(File.Exists(scene.FileNamed(SigningKeyFile.FileName))));
            witness.Watch(scene.KnownKey);
        }

        foreach (var run in Before)
            await scene.RunAsync(run);
        return scene;
    }

    private static string[] Left(Rewriting rewriting) => rewriting switch
    {
        Rewriting.Changed => Before,
        Rewriting.Deleted => ["before", "after"],
        _ => ["before", "target"],
    };

    private static async Task RewriteAsync(AttackScene scene, Rewriting rewriting)
    {
        var entries = await ForgedLog.ReadAsync(scene.Admin, AttackScene.Tenant);
        var forged = (await scene.ReadAsync("target")).With(2, step => step with { Output = ForgedTrace.Payload("""{"message":"all is well"}""") }).Relink();
        var gone = Before.Except(Left(rewriting)).ToList();
        await scene.CommitAsync(async crime =>
        {
            if (rewriting is Rewriting.Changed)
            {
                await crime.ReplaceAsync(forged);
                entries = [.. entries.With(forged)];
            }

            foreach (var run in gone)
            {
                await crime.DeleteTraceAsync("acme", "trace_" + run);
                await crime.ExecuteAsync("DELETE FROM runs WHERE id = $1", run);
            }

            await crime.RewriteLogAsync(AttackScene.Tenant, entries.Where(entry => !gone.Contains(entry.RunId!)), scene.RealKey);
        });
    }

    private static Checkpoint Parse(SignedNote note) => Checkpoint.TryParse(note.Text, out var checkpoint, out var problem) ? checkpoint : throw new FormatException(problem);

    /// <summary>How history is rewritten.</summary>
    public enum Rewriting
    {
        /// <summary>A trace is another one.</summary>
        Changed,

        /// <summary>A trace in the middle was never there.</summary>
        Deleted,

        /// <summary>The last trace was never there: as in an older copy.</summary>
        CutOff,
    }

    /// <summary>A witness on another machine, and the policy that asks for it.</summary>
    private sealed class Witness : IAsyncDisposable, IWitnessQuorum
    {
        private readonly DirectoryInfo _data = Directory.CreateTempSubdirectory("runproof-witness");
        private readonly NoteSigner _signer = NoteSigner.Create("witness.example/w1", NoteAlgorithm.CosignatureV1, [.. Enumerable.Repeat((byte)9, 32)]);
        private readonly CancellationTokenSource _stop = new();
        private readonly Dictionary<string, IReadOnlyList<INoteVerifier>> _logs = new(StringComparer.Ordinal);
        private readonly string _prefix;
        private WitnessServer? _server;
        private Task _running = Task.CompletedTask;

        internal Witness()
        {
            _prefix = LocalPort.FreeUrl() + "/";
            PolicyFile = Path.Combine(_data.FullName, "policy.txt");
            File.WriteAllText(PolicyFile, $"witness w1 {_signer} {_prefix}\nquorum w1\n");
        }

        internal string PolicyFile { get; }

        internal INoteVerifier Verifier => NoteVerifier.Parse(_signer.ToString());

        internal string[] Forks => Directory.GetFiles(Path.Combine(_data.FullName, "seen", "forks"), "*.json");

        public bool IsMet(SignedNote checkpoint, out IReadOnlyList<string> cosigners, out string problem)
        {
            var isCosigned = checkpoint.Verify([Verifier], out var signers, out problem);
            cosigners = [.. signers.Select(signer => signer.Name)];
            return isCosigned;
        }

        public async ValueTask DisposeAsync()
        {
            await _stop.CancelAsync();
            await _running;
            _server?.Dispose();
            _stop.Dispose();
            _data.Delete(recursive: true);
        }

        internal void Watch(INoteVerifier log)
        {
            _logs.Add(log.Key.Name, [log]);
            var folder = new WitnessFolder(Path.Combine(_data.FullName, "seen"), TimeProvider.System);
            _server = new WitnessServer(new LogWitness(_logs, _signer, folder, TimeProvider.System), folder, _prefix, TimeProvider.System, static _ => { });
            _running = _server.RunAsync(_stop.Token);
        }
    }
}
