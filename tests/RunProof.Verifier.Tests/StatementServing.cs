using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Npgsql;
using RunProof.Format;
using RunProof.Keys;
using RunProof.Ledger;
using RunProof.Testing;
using RunProof.Verification;

namespace RunProof.Verifier.Tests;

/// <summary>Statements over HTTP: what the log's key signs, and what it does not.</summary>
public sealed class StatementServing(PostgresFixture postgres) : IAsyncLifetime
{
    private readonly string _keys = Path.Combine(Path.GetTempPath(), $"runproof-keys-{Guid.NewGuid():N}");
    private TestDatabase _database = null!;
    private NpgsqlDataSource _admin = null!;
    private VerifierService _verifier = null!;
    private string _key = "";

    private string KeyFile => Path.Combine(_keys, SigningKeyFile.FileName);

    private string VerifierKey => SigningKeyFile.Load(KeyFile).Under("test.example/acme").ToString();

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

    [Theory]
    [InlineData(0)]
    [InlineData(5)]
    public async Task A_statement_on_a_run_is_verified_with_the_logs_key_alone_and_with_no_other(int steps)
    {
        await RecordedTraces.RecordAsync(_database, "acme", 1, steps: steps);
        var (status, bytes) = await _verifier.GetBytesAsync("/api/v1/runs/0/statement?wait=30", _key);
        Assert.True(status == 200, Encoding.UTF8.GetString(bytes));
        var report = Verify(bytes, VerifierKey);
        Assert.True(report.Verdict.Name == "VERIFIED", string.Join('\n', report.Findings));
        Assert.Equal(("0", steps), (report.Statement!.RunId.Value, report.Statement.Seal.ChainLength));
        // The subject is the trace as the database has it, read by no code of ours.
        Assert.Equal([report.Statement.RootHash.ToString()], await StoredEvidence.ListAsync(_admin, "SELECT encode(root_hash, 'hex') FROM aos_traces"));

        var stranger = NoteSigner.Create("test.example/acme", NoteAlgorithm.Ed25519, new byte[32]).Key.ToString();
        Assert.Equal("FAILED", Verify(bytes, stranger).Verdict.Name);
        Assert.Equal("FAILED", Verify(bytes, SigningKeyFile.Load(KeyFile).Under("test.example/other").ToString()).Verdict.Name);
        Assert.Equal("UNSUPPORTED", Verify(bytes).Verdict.Name);
    }

    [Fact]
    public async Task Any_letter_changed_in_what_was_signed_or_in_its_signature_is_refused()
    {
        await RecordedTraces.RecordAsync(_database, "acme", 1, steps: 1);
        var (_, bytes) = await _verifier.GetBytesAsync("/api/v1/runs/0/statement?wait=30", _key);
        var envelope = JsonNode.Parse(bytes)!;
        foreach (var (holder, name) in new[] { (envelope, "payload"), (envelope, "payloadType"), (envelope["signatures"]![0]!, "sig") })
        {
            var text = holder[name]!.GetValue<string>();
            for (var at = 0; at < text.Length; at += 3)
            {
                holder[name] = string.Concat(text.AsSpan(0, at), text[at] == 'B' ? "C" : "B", text.AsSpan(at + 1));
                var changed = Encoding.UTF8.GetBytes(envelope.ToJsonString());
                Assert.False(IsVerified(changed), $"{name} at {at}");
            }

            holder[name] = text;
        }

        Assert.True(IsVerified(Encoding.UTF8.GetBytes(envelope.ToJsonString())));
    }

    [Theory]
    [InlineData("UPDATE aos_trace_steps SET outcome_data = '{\"text\":\"other\"}' WHERE step_index = 1", "steps[1].outcome_data", "PAYLOAD_MISMATCH")]
    [InlineData("DELETE FROM aos_trace_steps WHERE step_index = 2", "seal.chain_length", null)]
    [InlineData("UPDATE aos_traces SET origin_system_id = 'elsewhere'", "header", null)]
    public async Task Of_evidence_that_does_not_hold_nothing_is_signed_and_the_refusal_says_where(string change, string place, string? code)
    {
        await RecordedTraces.RecordAsync(_database, "acme", 1, steps: 3);
        Assert.Equal(200, (await _verifier.GetBytesAsync("/api/v1/runs/0/statement?wait=30", _key)).Status);
        foreach (var table in new[] { "aos_traces", "aos_trace_steps" })
            await StoredEvidence.ExecuteAsync(_admin, $"ALTER TABLE {table} DISABLE TRIGGER ALL");
        await StoredEvidence.ExecuteAsync(_admin, change);
        foreach (var form in new[] { "statement", "bundle" })
        {
            var (status, problem) = await _verifier.GetAsync($"/api/v1/runs/0/{form}", _key);
            Assert.Equal((409, "/problems/not-verified"), (status, problem["type"]!.GetValue<string>()));
            var first = problem["findings"]![0]!;
            Assert.StartsWith(place, first["place"]!.GetValue<string>(), StringComparison.Ordinal);
            Assert.Contains(first["message"]!.GetValue<string>(), problem["detail"]!.GetValue<string>(), StringComparison.Ordinal);
            if (code is not null)
                Assert.Equal(code, first["code"]!.GetValue<string>());
        }
    }

    [Fact]
    public async Task Before_the_log_holds_a_trace_nothing_is_signed()
    {
        await _verifier.DisposeAsync();
        await using var idle = await StartAsync(seals: false);
        await RecordedTraces.RecordAsync(_database, "acme", 1);
        await RecordedTraces.RecordAsync(_database, "acme", 1, from: 1, seal: false);
        foreach (var run in new[] { "0", "1" })
        {
            var (status, problem) = await idle.GetAsync($"/api/v1/runs/{run}/statement?wait=0.2", _key);
            Assert.Equal((409, "/problems/not-proven-yet"), (status, problem["type"]!.GetValue<string>()));
        }

        // A log that another service seals: this one has no key, and signs nothing.
        _verifier = await StartAsync(seals: true);
        Assert.Equal(200, (await _verifier.GetBytesAsync("/api/v1/runs/0/statement?wait=30", _key)).Status);
        var (unavailable, why) = await idle.GetAsync("/api/v1/runs/0/statement", _key);
        Assert.Equal((503, "/problems/unavailable"), (unavailable, why["type"]!.GetValue<string>()));
        Assert.Contains("no signing key", why["detail"]!.GetValue<string>(), StringComparison.Ordinal);
        // Its bundles need none.
        Assert.Equal(200, (await idle.GetBytesAsync("/api/v1/runs/0/bundle", _key)).Status);
    }

    [Fact]
    public async Task Who_may_not_read_a_run_gets_no_statement_on_it()
    {
        await RecordedTraces.RecordAsync(_database, "acme", 1);
        Assert.Equal(401, (await _verifier.GetAsync("/api/v1/runs/0/statement")).Status);
        Assert.Equal(404, (await _verifier.GetAsync("/api/v1/runs/0/statement", await StoredEvidence.CreateKeyAsync(_admin, "other"))).Status);
        Assert.Equal(404, (await _verifier.GetAsync("/api/v1/runs/none/statement", _key)).Status);
        Assert.Equal(404, (await _verifier.GetAsync("/api/v1/runs/0/statement?trace=none", _key)).Status);
        Assert.Equal(400, (await _verifier.GetAsync("/api/v1/runs/0/statement?wait=61", _key)).Status);
    }

    private bool IsVerified(byte[] envelope)
    {
        using var document = JsonDocument.Parse(envelope);
        return DsseEnvelope.TryParse(document.RootElement, out _, out _) && Verify(envelope, VerifierKey).Verdict.Status is VerificationStatus.Verified;
    }

    private static StatementReport Verify(byte[] bytes, string? key = null)
    {
        using var document = JsonDocument.Parse(bytes);
        Assert.True(DsseEnvelope.TryParse(document.RootElement, out var envelope, out var problem), problem);
        INoteVerifier[] keys = key is null ? [] : [NoteVerifier.Parse(key)];
        return StatementVerifier.Verify(envelope.PayloadType, envelope.Payload, new EnvelopeSigners(envelope.SignersOf(keys)), new BundleOptions { TrustedKeys = keys });
    }

    private Task<VerifierService> StartAsync(bool seals) => VerifierService.StartAsync(_database.VerifierConnectionString, seals
        ? new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["RunProof:Log:Name"] = "test.example",
            ["RunProof:Log:KeyFolder"] = _keys,
            ["RunProof:Log:Interval"] = "00:00:00.02",
        }
        : null);
}
