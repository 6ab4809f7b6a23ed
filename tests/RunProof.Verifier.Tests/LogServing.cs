using System.Diagnostics;
using System.Text;
using System.Text.Json.Nodes;
using Npgsql;
using RunProof.Format;
using RunProof.Keys;
using RunProof.Ledger;
using RunProof.Postgres;
using RunProof.Testing;
using RunProof.Tiles;
using RunProof.Verification;

namespace RunProof.Verifier.Tests;

/// <summary>From the recorder through the log to whoever does not trust us: proofs, bundles and the log itself over HTTP.</summary>
public sealed class LogServing(PostgresFixture postgres, ITestOutputHelper output) : IAsyncLifetime
{
    private readonly string _keys = Path.Combine(Path.GetTempPath(), $"runproof-keys-{Guid.NewGuid():N}");
    private TestDatabase _database = null!;
    private NpgsqlDataSource _admin = null!;
    private VerifierService _verifier = null!;
    private string _key = "";

    private string VerifierKey => SigningKeyFile.Load(Path.Combine(_keys, SigningKeyFile.FileName)).Under("test.example/acme").ToString();

    public async ValueTask InitializeAsync()
    {
        _database = await postgres.CreateMigratedDatabaseAsync();
        _admin = NpgsqlDataSource.Create(_database.AdminConnectionString);
        _key = await StoredEvidence.CreateKeyAsync(_admin, "acme");
        _verifier = await StartAsync(seals: true);
    }

    public async ValueTask DisposeAsync()
    {
        await _verifier.DisposeAsync();
        await _admin.DisposeAsync();
        if (Directory.Exists(_keys))
            Directory.Delete(_keys, recursive: true);
    }

    [Fact]
    public async Task A_proof_that_waits_shows_where_the_run_stands_in_the_log()
    {
        await RecordAsync(1);
        var proof = await _verifier.ProofAsync("0", _key, "?wait=30");
        Assert.Equal("VERIFIED", Text(proof, "verification_status"));
        output.WriteLine(proof["checks"]!.ToJsonString());
        Assert.All(["LOG_INCLUSION", "CHECKPOINT_SIGNATURE", "OPENED_ENTRY"], check => Assert.Equal("passed", Check(proof, check)));
        var place = proof["log"]![0]!;
        Assert.Equal((0, 1), (place["opened_index"]!.GetValue<long>(), place["entry_index"]!.GetValue<long>()));

        // By what the answer says alone, and the log's key.
        Assert.True(SignedNote.TryParse(Encoding.UTF8.GetBytes(Text(place, "checkpoint")), out var note, out _));
        Assert.True(note.Verify([NoteVerifier.Parse(VerifierKey)], out _, out var problem), problem);
        Assert.True(Checkpoint.TryParse(note.Text, out var checkpoint, out _));
        Digest[] path = [.. place["inclusion"]!.AsArray().Select(static hash => new Digest(Convert.FromBase64String(hash!.GetValue<string>())))];
        Assert.True(MerkleProofs.VerifyInclusion(1, (ulong)checkpoint.Size, MerkleTree.LeafHash(Encoding.UTF8.GetBytes(Text(place, "entry"))), path, checkpoint.Root));
        Assert.Equal(Text(proof, "root_hash"), Text(JsonNode.Parse(Text(place, "entry"))!, "root_hash"));
    }

    [Fact]
    public async Task Before_inclusion_a_proof_says_what_is_awaited_and_a_bundle_has_no_log()
    {
        await using var idle = await StartAsync(seals: false);
        await _verifier.DisposeAsync();
        await RecordAsync(1);
        var proof = await idle.ProofAsync("0", _key, "?wait=0.2");
        Assert.Equal("VERIFIED", Text(proof, "verification_status"));
        Assert.Equal("not_done", Check(proof, "LOG_INCLUSION"));
        Assert.Contains("the sealed entry awaits inclusion in the log", proof.ToJsonString(), StringComparison.Ordinal);
        Assert.Equal("UNSUPPORTED", Verify((await idle.GetBytesAsync("/api/v1/runs/0/bundle", _key)).Body, null).Verdict.Name);
        Assert.Equal(404, (await idle.GetAsync("/log/acme/checkpoint", _key)).Status);
        _verifier = await StartAsync(seals: true);
    }

    /// <summary>The wait was for the first attempt's entry, which had long been there, and the bundle of the last came without its log.</summary>
    [Fact]
    public async Task Who_waits_for_the_bundle_of_a_run_of_two_attempts_waits_for_the_last_ones_entry()
    {
        await RecordAsync(1);
        await _verifier.ProofAsync("0", _key, "?wait=30");
        await _verifier.DisposeAsync();
        await StoredEvidence.ExecuteAsync(_admin, """
            ALTER TABLE public.runs DISABLE TRIGGER ALL;
            INSERT INTO public.runs (id, tenant_id, agent_id, goal, origin_system_id, correlation_id, planner, plan_json, plan_redacted, status, attempts, max_attempts, seed,
                is_synthetic, created_at, started_at, completed_at)
              VALUES ('0', 'acme', 'agent', 'a goal', 'tests', 'c', 'given', '[]', false, 'succeeded', 2, 2, 1, false, 'epoch', 'epoch', 'epoch');
            ALTER TABLE public.runs ENABLE TRIGGER ALL
            """);
        await RecordedTraces.RecordAsync(_database, "acme", 1, attempt: 2);
        await using (var idle = await StartAsync(seals: false))
        {
            foreach (var document in new[] { "proof", "bundle", "statement" })
            {
                var began = Stopwatch.GetTimestamp();
                await idle.GetBytesAsync($"/api/v1/runs/0/{document}?wait=1", _key);
                Assert.True(Stopwatch.GetElapsedTime(began).TotalSeconds >= 1, $"{document}: after {Stopwatch.GetElapsedTime(began).TotalSeconds} s");
            }
        }

        _verifier = await StartAsync(seals: true);
        var report = Verify((await _verifier.GetBytesAsync("/api/v1/runs/0/bundle?wait=30", _key)).Body, VerifierKey);
        Assert.True(report.Verdict.Name == "VERIFIED", string.Join('\n', report.Findings));
    }

    [Fact]
    public async Task A_bundle_is_verified_with_the_logs_key_alone_and_shows_what_was_asked_for()
    {
        await RecordAsync(3, steps: 4);
        var (status, all) = await _verifier.GetBytesAsync("/api/v1/runs/1/bundle?wait=30", _key);
        Assert.Equal(200, status);
        var report = Verify(all, VerifierKey);
        Assert.True(report.Verdict.Name == "VERIFIED", string.Join('\n', report.Findings));
        Assert.Equal(0, report.PayloadsNotShown);

        var none = Verify((await _verifier.GetBytesAsync("/api/v1/runs/1/bundle?payloads=none&wait=30", _key)).Body, VerifierKey);
        Assert.Equal(("VERIFIED", 0L), (none.Verdict.Name, none.PayloadsVerified));
        var two = Verify((await _verifier.GetBytesAsync("/api/v1/runs/1/bundle?payloads=0,3&wait=30", _key)).Body, VerifierKey);
        // Of each of the two steps parameters, outcome and context, which the recorder writes the decision into.
        Assert.Equal(("VERIFIED", 6L), (two.Verdict.Name, two.PayloadsVerified));
        Assert.Equal(400, (await _verifier.GetAsync("/api/v1/runs/1/bundle?payloads=some", _key)).Status);
        Assert.Equal(400, (await _verifier.GetAsync("/api/v1/runs/1/bundle?wait=61", _key)).Status);
        Assert.Equal(404, (await _verifier.GetAsync("/api/v1/runs/none/bundle", _key)).Status);
        Assert.Equal(401, (await _verifier.GetAsync("/api/v1/runs/1/bundle")).Status);
        Assert.Equal(404, (await _verifier.GetAsync("/api/v1/runs/1/bundle", await StoredEvidence.CreateKeyAsync(_admin, "other"))).Status);
    }

    /// <summary>The second implementation, where it is at hand: a folder <c>shared</c> beside the repository, and Python.</summary>
    [Fact]
    public async Task The_second_implementation_accepts_a_bundle_and_refuses_it_after_a_change_of_one_byte()
    {
        if (Reference() is not { } reference)
        {
            Assert.Skip("no second implementation beside the repository, or no python3 with cryptography");
            return;
        }

        await RecordAsync(2, steps: 3);
        var file = Path.Combine(_keys, "bundle.json");
        var bundle = (await _verifier.GetBytesAsync("/api/v1/runs/1/bundle?wait=30", _key)).Body;
        await File.WriteAllBytesAsync(file, bundle, TestContext.Current.CancellationToken);
        Assert.Equal(0, await PythonAsync(reference, "verify", file, "--key", VerifierKey));
        var random = new Random(11);
        for (var round = 0; round < 12; round++)
        {
            var changed = bundle.ToArray();
            // A digit or letter for another: the change is in what is said, not in how it is laid out.
            var at = Enumerable.Range(0, int.MaxValue).Select(_ => random.Next(changed.Length)).First(i => char.IsAsciiLetterOrDigit((char)changed[i]));
            changed[at] = (byte)(changed[at] == (byte)'1' ? '2' : '1');
            await File.WriteAllBytesAsync(file, changed, TestContext.Current.CancellationToken);
            Assert.NotEqual(0, await PythonAsync(reference, "verify", file, "--key", VerifierKey));
            Assert.Equal("FAILED", Verify(changed, VerifierKey).Verdict.Name);
        }
    }

    [Fact]
    public async Task An_outsider_rebuilds_the_tree_from_tiles_and_entries_alone()
    {
        await RecordAsync(150);
        await _verifier.ProofAsync("149", _key, "?wait=30");
        var (_, note) = await _verifier.GetBytesAsync("/log/acme/checkpoint", _key);
        Assert.True(SignedNote.TryParse(note, out var signed, out _) && signed.Verify([NoteVerifier.Parse(VerifierKey)], out _, out _));
        Assert.True(Checkpoint.TryParse(signed.Text, out var checkpoint, out _));
        Assert.Equal(300, checkpoint.Size);
        var tree = new MerkleTree();
        var leaves = new List<Digest>();
        foreach (var address in TileAddress.Grown(0, checkpoint.Size).Where(static tile => tile.Kind is TileKind.Entries))
        {
            Assert.True(EntryBundle.TryParse((await _verifier.GetBytesAsync("/log/acme/" + address.Path, _key)).Body, address.Width, out var entries));
            foreach (var entry in entries)
            {
                leaves.Add(MerkleTree.LeafHash(entry.Span));
                tree.AppendLeafHash(leaves[^1]);
            }
        }

        Assert.Equal(checkpoint.Root, tree.Root());
        var (status, tile) = await _verifier.GetBytesAsync("/log/acme/tile/0/000", _key);
        Assert.Equal(200, status);
        Assert.Equal(HashTile.Format([.. leaves.Take(256)]), tile);
        Assert.Equal(HashTile.Format([.. leaves.Skip(256)]), (await _verifier.GetBytesAsync("/log/acme/tile/0/001.p/44", _key)).Body);
        Assert.Equal(32, (await _verifier.GetBytesAsync("/log/acme/tile/1/000.p/1", _key)).Body.Length);
        Assert.Equal(HashTile.Format([.. leaves.Take(7)]), (await _verifier.GetBytesAsync("/log/acme/tile/0/000.p/7", _key)).Body);
        foreach (var path in new[] { "tile/0/001", "tile/0/001.p/45", "tile/0/002.p/1", "tile/1/000.p/2", "tile/2/000.p/1", "tile/0/1", "tile/entries/001", "tile/0/x000/000" })
            Assert.Equal(404, (await _verifier.GetAsync("/log/acme/" + path, _key)).Status);

        var consistency = (await _verifier.GetAsync("/api/v1/log/consistency?from=100", _key)).Body;
        Digest[] proof = [.. consistency["proof"]!.AsArray().Select(static hash => new Digest(Convert.FromBase64String(hash!.GetValue<string>())))];
        var older = new MerkleTree();
        foreach (var leaf in leaves.Take(100))
            older.AppendLeafHash(leaf);
        Assert.True(MerkleProofs.VerifyConsistency(100, 300, proof, older.Root(), checkpoint.Root));
        var inclusion = (await _verifier.GetAsync("/api/v1/log/inclusion?index=17&size=100", _key)).Body;
        Digest[] path17 = [.. inclusion["proof"]!.AsArray().Select(static hash => new Digest(Convert.FromBase64String(hash!.GetValue<string>())))];
        Assert.True(MerkleProofs.VerifyInclusion(17, 100, leaves[17], path17, older.Root()));
        Assert.Equal(400, (await _verifier.GetAsync("/api/v1/log/inclusion?index=300", _key)).Status);
        Assert.Equal(400, (await _verifier.GetAsync("/api/v1/log/consistency?from=-1", _key)).Status);
        Assert.Equal(300, (await _verifier.GetAsync("/api/v1/log", _key)).Body["size"]!.GetValue<long>());
    }

    /// <summary>The very audit of <c>log audit --url</c>, over the service's own HTTP.</summary>
    [Fact]
    public async Task An_outsider_s_audit_verifies_the_served_log_and_goes_on_over_a_rotation()
    {
        await RecordAsync(200);
        await _verifier.ProofAsync("199", _key, "?wait=30");
        var given = VerifierKey;
        var first = await AuditFromOutsideAsync(given, null);
        Assert.True(first.Status is VerificationStatus.Verified, string.Join('\n', first.Findings.Kept));
        Assert.Equal((400L, 200L, 200L), (first.Counts.Entries, first.Counts.Opened, first.Counts.Sealed));
        await using (var source = NpgsqlDataSource.Create(_database.VerifierConnectionString))
        {
            await new KeyRotation(new PostgresLogStore(source), new LogOptions { Name = "test.example" }, TimeProvider.System)
                .RotateAsync(Path.Combine(_keys, SigningKeyFile.FileName), [], null, TestContext.Current.CancellationToken);
        }

        var second = await AuditFromOutsideAsync(given, first.Next);
        Assert.True(second.Status is VerificationStatus.Verified, string.Join('\n', second.Findings.Kept));
        Assert.Equal((401L, 1L, VerifierKey), (second.Counts.Entries, second.Counts.Rotated, second.Key));
        Assert.Equal(VerificationStatus.Unsupported, (await AuditFromOutsideAsync(null, null)).Status);

        await StoredEvidence.ExecuteAsync(_admin, "ALTER TABLE runproof.log_entries DISABLE TRIGGER ALL");
        await StoredEvidence.ExecuteAsync(_admin, "UPDATE runproof.log_entries SET entry = replace(entry, 'completed\"', 'aborted\"') WHERE position = 77");
        var changed = await AuditFromOutsideAsync(given, second.Next);
        Assert.Equal(["LOG_TILE_MISMATCH", "LOG_TILE_MISMATCH", "LOG_ROOT_MISMATCH"], changed.Findings.Kept.Select(static finding => finding.Code));
        Assert.Null(changed.Next);
    }

    private async Task<OutsideReport> AuditFromOutsideAsync(string? key, AuditState? prior)
    {
        var log = new ServedOverHttp(_verifier, _key);
        var options = new OutsideOptions { Keys = key is null ? [] : [NoteVerifier.Parse(key)], VerifierOf = static key => NoteVerifier.TryCreate(key, out var verifier, out _) ? verifier : null };
        return await OutsideAudit.RunAsync(
            log, await OutsideAudit.ReadHeadAsync(log, default), prior ?? new AuditState { Origin = "test.example/acme" }, options, TimeProvider.System, null, null, TestContext.Current.CancellationToken);
    }

    private sealed class ServedOverHttp(VerifierService service, string key) : ITiledLog
    {
        public Task<TiledAnswer> ReadCheckpointAsync(CancellationToken cancellationToken) => ReadAsync("/log/acme/checkpoint");

        public Task<TiledAnswer> ReadTileAsync(TileAddress tile, CancellationToken cancellationToken) => ReadAsync("/log/acme/" + tile.Path);

        public async Task<IReadOnlyList<string>> ReadKeysAsync(string origin, CancellationToken cancellationToken) =>
            [.. (await service.GetAsync("/.well-known/runproof", key)).Body["logs"]![0]!["keys"]!.AsArray().Select(static each => Text(each!, "verifier_key"))];

        private async Task<TiledAnswer> ReadAsync(string path)
        {
            var (status, body) = await service.GetBytesAsync(path, key);
            return status == 200 ? new TiledAnswer(body, null) : TiledAnswer.Wrong("is not served");
        }
    }

    [Fact]
    public async Task A_log_is_read_with_a_key_of_its_tenant_or_by_anybody_where_the_tenant_made_it_public()
    {
        await RecordAsync(1);
        await _verifier.ProofAsync("0", _key, "?wait=30");
        var stranger = await StoredEvidence.CreateKeyAsync(_admin, "other");
        Assert.Equal(401, (await _verifier.GetAsync("/log/acme/checkpoint")).Status);
        Assert.Equal(404, (await _verifier.GetAsync("/log/acme/checkpoint", stranger)).Status);
        Assert.Equal(404, (await _verifier.GetAsync("/log/a%20b/checkpoint", _key)).Status);
        Assert.Empty((await _verifier.GetAsync("/.well-known/runproof")).Body["logs"]!.AsArray());
        Assert.Equal(VerifierKey, Text((await _verifier.GetAsync("/.well-known/runproof", _key)).Body["logs"]![0]!["keys"]![0]!, "verifier_key"));
        await StoredEvidence.ExecuteAsync(_admin, "UPDATE runproof.logs SET is_public = true WHERE tenant_id = 'acme'");
        Assert.Equal(200, (await _verifier.GetBytesAsync("/log/acme/checkpoint", null)).Status);
        Assert.Equal(200, (await _verifier.GetBytesAsync("/log/acme/tile/entries/000.p/2", stranger)).Status);
        Assert.Equal("test.example/acme", Text((await _verifier.GetAsync("/.well-known/runproof")).Body["logs"]![0]!, "origin"));
    }

    /// <summary>The superuser with every trigger disabled: what each change is found by.</summary>
    [Theory]
    [InlineData("UPDATE runproof.log_entries SET entry = replace(entry, '\"completed\"', '\"failed\"') WHERE position = 1", "LOG_INCLUSION", "LOG_ENTRY_MISMATCH")]
    [InlineData("UPDATE runproof.log_entries SET entry = replace(entry, '1970', '1971') WHERE position = 0", "OPENED_ENTRY", "LOG_ENTRY_MISMATCH")]
    [InlineData("DELETE FROM runproof.log_entries WHERE position = 1", "LOG_INCLUSION", "LOG_ENTRY_MISSING")]
    [InlineData("UPDATE runproof.log_tiles SET bytes = set_byte(bytes, 0, get_byte(bytes, 0) # 1)", "LOG_INCLUSION", "LOG_INCLUSION_MISMATCH")]
    [InlineData("DELETE FROM runproof.log_tiles", "LOG_INCLUSION", "LOG_INCLUSION_MISMATCH")]
    [InlineData("UPDATE runproof.logs SET published = replace(published, E'\\n4\\n', E'\\n5\\n')", "CHECKPOINT_SIGNATURE", "CHECKPOINT_REFUSED")]
    [InlineData("UPDATE runproof.logs SET published = replace(published, 'test.example/acme', 'test.example/other')", "CHECKPOINT_SIGNATURE", "CHECKPOINT_REFUSED")]
    public async Task A_change_of_the_log_by_its_owner_is_found(string change, string check, string code)
    {
        await RecordAsync(2);
        Assert.Equal("VERIFIED", Text(await _verifier.ProofAsync("0", _key, "?wait=30"), "verification_status"));
        Assert.Equal("passed", Check(await _verifier.ProofAsync("1", _key, "?wait=30"), "LOG_INCLUSION"));
        // A sealer that runs would publish the right checkpoint again, and stop at the rest.
        await _verifier.DisposeAsync();
        _verifier = await StartAsync(seals: false);
        foreach (var table in new[] { "logs", "log_entries", "log_tiles" })
            await StoredEvidence.ExecuteAsync(_admin, $"ALTER TABLE runproof.{table} DISABLE TRIGGER ALL");
        await StoredEvidence.ExecuteAsync(_admin, change);
        var proof = await _verifier.ProofAsync("0", _key);
        Assert.Equal(("FAILED", "failed"), (Text(proof, "verification_status"), Check(proof, check)));
        Assert.Contains(proof["findings"]!.AsArray(), finding => Text(finding!, "code") == code);
        Assert.Equal(409, (await _verifier.GetAsync("/api/v1/runs/0/bundle", _key)).Status);
    }

    [Fact]
    public async Task A_trace_taken_out_of_the_queue_and_never_entered_is_found()
    {
        await using var idle = await StartAsync(seals: false);
        await _verifier.DisposeAsync();
        await RecordAsync(1);
        await StoredEvidence.ExecuteAsync(_admin, "ALTER TABLE runproof.log_queue DISABLE TRIGGER ALL");
        await StoredEvidence.ExecuteAsync(_admin, "DELETE FROM runproof.log_queue");
        var proof = await idle.ProofAsync("0", _key);
        Assert.Equal(("FAILED", "LOG_ENTRY_MISSING"), (Text(proof, "verification_status"), Text(proof, "failure_code")));
        _verifier = await StartAsync(seals: true);
    }

    private static BundleReport Verify(byte[] bundle, string? key) =>
        BundleVerifier.Verify(bundle, key is null ? new BundleOptions() : new BundleOptions { TrustedKeys = [NoteVerifier.Parse(key)] });

    private static string Text(JsonNode node, string name) => node[name]!.GetValue<string>();

    private static string Check(JsonObject proof, string name) => Text(proof["checks"]!.AsArray().Single(check => Text(check!, "name") == name)!, "status");

    private static string? Reference()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            var tool = Path.Combine(folder.FullName, "shared", "tools", "runproof_ref.py");
            if (File.Exists(tool))
                return PythonAsync("-c", "import cryptography").GetAwaiter().GetResult() == 0 ? tool : null;
        }

        return null;
    }

    private static async Task<int> PythonAsync(params string[] arguments)
    {
        try
        {
            using var python = Process.Start(new ProcessStartInfo("python3", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
            await Task.WhenAll(python.StandardOutput.ReadToEndAsync(), python.StandardError.ReadToEndAsync());
            await python.WaitForExitAsync();
            return python.ExitCode;
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return -1;
        }
    }

    private Task<VerifierService> StartAsync(bool seals) => VerifierService.StartAsync(_database.VerifierConnectionString, seals
        ? new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["RunProof:Log:Name"] = "test.example",
            ["RunProof:Log:KeyFolder"] = _keys,
            ["RunProof:Log:Interval"] = "00:00:00.02",
        }
        : null);

    private Task RecordAsync(int count, int steps = 0) => RecordedTraces.RecordAsync(_database, "acme", count, steps: steps);
}
