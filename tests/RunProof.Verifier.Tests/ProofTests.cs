using System.Text.Json.Nodes;
using Npgsql;
using RunProof.Testing;
using RunProof.Verification.Tests;

namespace RunProof.Verifier.Tests;

public sealed class ProofTests(PostgresFixture postgres) : IAsyncLifetime
{
    private static readonly string[] Order = ["seed-run", "forty-steps", "tree-2", "no-steps-aborted", "awaiting-inclusion"];

    private readonly Dictionary<string, (Evidence Evidence, string Key)> _stored = new(StringComparer.Ordinal);
    private NpgsqlDataSource _admin = null!;
    private VerifierService _verifier = null!;

    public async ValueTask InitializeAsync()
    {
        var database = await postgres.CreateMigratedDatabaseAsync();
        _admin = NpgsqlDataSource.Create(database.AdminConnectionString);
        _verifier = await VerifierService.StartAsync(database.VerifierConnectionString);
        foreach (var name in Order)
        {
            var evidence = Evidence.Bundle(name);
            _stored[name] = (evidence, await StoredEvidence.CreateKeyAsync(_admin, evidence.Trace.TenantId));
            await StoredEvidence.StoreAsync(_admin, evidence, seal: name != "tree-2");
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _verifier.DisposeAsync();
        await _admin.DisposeAsync();
    }

    [Theory]
    [InlineData("seed-run", "HASH_CHAIN")]
    [InlineData("forty-steps", "HASH_CHAIN")]
    [InlineData("forty-steps", "MERKLE_TREE")]
    [InlineData("no-steps-aborted", "HASH_CHAIN")]
    [InlineData("no-steps-aborted", "MERKLE_TREE")]
    public async Task A_recorded_run_is_verified(string name, string model)
    {
        var (evidence, _) = _stored[name];
        var proof = await ProofAsync(name, $"?model={model}");
        Assert.Equal("VERIFIED", Text(proof, "verification_status"));
        Assert.Null(proof["failure_code"]);
        Assert.Null(proof["failure_reason"]);
        Assert.Equal(model, Text(proof, "integrity_model"));
        Assert.Equal(evidence.Trace.RunId, Text(proof, "run_id"));
        Assert.Equal(evidence.Trace.TenantId, Text(proof, "tenant_id"));
        Assert.Equal(Convert.ToHexStringLower(evidence.Trace.RootHash!), Text(proof, "root_hash"));
        Assert.Equal(evidence.Steps.Count, proof["chain_length"]!.GetValue<int>());
        Assert.Equal(evidence.Steps.Count, proof["step_count"]!.GetValue<int>());
        Assert.Equal(1, proof["trace_count"]!.GetValue<int>());
        Assert.Empty(proof["findings"]!.AsArray());
        Assert.All(proof["checks"]!.AsArray(), check => Assert.Equal(Text(check!, "name") is "LOG_INCLUSION" or "CHECKPOINT_SIGNATURE" or "OPENED_ENTRY" ? "not_done" : "passed", Text(check!, "status")));
        Assert.Equal(evidence.Steps.Select(step => step.StepIndex), proof["aos_trace_steps"]!.AsArray().Select(step => step!["step_index"]!.GetValue<int>()));
        Assert.Matches("^[0-9]{4}-.*[.][0-9]{6}Z$", Text(proof, "verified_at"));
    }

    [Fact]
    public async Task The_seed_run_has_the_fingerprint_that_AOS_printed()
    {
        var proof = await ProofAsync("seed-run");
        Assert.Equal("89ceeaba-1aa4-42ad-b93e-4bdcd72d75b6", Text(proof, "run_id"));
        Assert.Equal("d4ce6cf4a8984214901e97b1635ecec3a7562e401b1015680535b18ab35b35b8", Text(proof, "aos_fingerprint"));
        Assert.NotEqual(Text(proof, "aos_fingerprint"), Text(proof, "root_hash"));
    }

    [Fact]
    public async Task Rows_are_shown_as_they_are_recorded_and_payloads_only_where_asked_for()
    {
        var (evidence, _) = _stored["forty-steps"];
        var proof = await ProofAsync("forty-steps");
        var (trace, step) = (proof["aos_traces"]![0]!, proof["aos_trace_steps"]![7]!);
        Assert.Equal(evidence.Trace.OriginSystemId, Text(trace, "origin_system_id"));
        Assert.Equal("2026-02-10T12:43:41.549430Z", Text(trace, "started_at"));
        Assert.Equal(evidence.Steps[7].CostCents, Text(step, "cost_cents"));
        Assert.Equal(evidence.Steps[7].DurationMs, step["duration_ms"]!.GetValue<double>());
        Assert.Equal(Convert.ToHexStringLower(evidence.Steps[7].Link!), Text(step, "link"));
        Assert.Null(step["payloads"]);
        Assert.Null(trace["payloads"]);
        Assert.Null(step["leaf_hash"]);

        var full = await ProofAsync("forty-steps", "?include_payloads=true&model=MERKLE_TREE");
        Assert.Equal(evidence.Trace.Goal.Text, Text(full["aos_traces"]![0]!["payloads"]!["goal"]!, "text"));
        Assert.Equal(evidence.Steps[7].Input.Text, Text(full["aos_trace_steps"]![7]!["payloads"]!["params"]!, "text"));
        Assert.Equal(Convert.ToBase64String(evidence.Steps[7].Input.Salt!), Text(full["aos_trace_steps"]![7]!["payloads"]!["params"]!, "salt"));
        Assert.Equal(64, Text(full["aos_trace_steps"]![7]!, "leaf_hash").Length);
        Assert.Equal(6, full["aos_trace_steps"]![7]!["inclusion_proof"]!.AsArray().Count);
    }

    [Fact]
    public async Task An_open_trace_is_unsupported_and_says_how_far_it_holds()
    {
        var proof = await ProofAsync("tree-2");
        Assert.Equal("UNSUPPORTED", Text(proof, "verification_status"));
        Assert.Equal("TRACE_NOT_SEALED", Text(proof, "failure_code"));
        Assert.Contains("the chain holds for steps 0 to 1", Text(proof, "failure_reason"));
        Assert.Null(proof["root_hash"]);
    }

    [Fact]
    public async Task A_run_without_a_trace_is_unsupported()
    {
        var (evidence, key) = _stored["seed-run"];
        await StoredEvidence.ExecuteAsync(_admin, "INSERT INTO agents (tenant_id, id, name, created_at) VALUES ($1, 'agent', 'agent', now())", evidence.Trace.TenantId);
        await StoredEvidence.ExecuteAsync(
            _admin,
            """
            INSERT INTO runs (id, tenant_id, agent_id, goal, origin_system_id, correlation_id, planner, plan_json, plan_redacted, status, seed, is_synthetic, created_at)
              VALUES ('traceless', $1, 'agent', '"g"', 'o', 'c', 'stub', '[]', false, 'queued', 0, false, now())
            """,
            evidence.Trace.TenantId);
        var proof = await _verifier.ProofAsync("traceless", key);
        Assert.Equal("UNSUPPORTED", Text(proof, "verification_status"));
        Assert.Equal("NO_TRACE", Text(proof, "failure_code"));
        Assert.Equal(0, proof["trace_count"]!.GetValue<int>());
        Assert.Null(proof["aos_fingerprint"]);
    }

    [Fact]
    public async Task Another_tenants_run_is_not_found_like_one_that_is_nowhere()
    {
        var (evidence, _) = _stored["forty-steps"];
        var stranger = await StoredEvidence.CreateKeyAsync(_admin, "stranger");
        var (status, theirs) = await _verifier.GetAsync($"/api/v1/runs/{evidence.Trace.RunId}/proof", stranger);
        Assert.Equal((404, "/problems/not-found"), (status, Text(theirs, "type")));
        var (unknown, nowhere) = await _verifier.GetAsync("/api/v1/runs/nowhere/proof", stranger);
        Assert.Equal((404, "/problems/not-found"), (unknown, Text(nowhere, "type")));
        Assert.Equal(Text(theirs, "detail").Replace(evidence.Trace.RunId, "nowhere"), Text(nowhere, "detail"));
    }

    [Theory]
    [InlineData("?model=hash_chain", "model")]
    [InlineData("?include_payloads=yes", "include_payloads")]
    public async Task A_malformed_query_names_the_parameter(string query, string place)
    {
        var (evidence, key) = _stored["seed-run"];
        var (status, body) = await _verifier.GetAsync($"/api/v1/runs/{evidence.Trace.RunId}/proof{query}", key);
        Assert.Equal((400, "/problems/invalid-request"), (status, Text(body, "type")));
        Assert.NotNull(body["errors"]![place]);
    }

    [Fact]
    public async Task No_key_a_wrong_key_and_a_revoked_key_are_refused()
    {
        var path = $"/api/v1/runs/{_stored["seed-run"].Evidence.Trace.RunId}/proof";
        foreach (var key in (string?[])[null, "rpk_short", VerifierService.NewKey()])
        {
            var (status, body) = await _verifier.GetAsync(path, key);
            Assert.Equal((401, "/problems/unauthorized"), (status, Text(body, "type")));
        }

        var revoked = await StoredEvidence.CreateKeyAsync(_admin, "someone");
        await StoredEvidence.ExecuteAsync(_admin, "UPDATE runproof.api_keys SET revoked_at = now() WHERE tenant_id = 'someone'");
        Assert.Equal(401, (await _verifier.GetAsync(path, revoked)).Status);
    }

    [Fact]
    public async Task Runner_keys_may_read_proofs_too()
    {
        var (evidence, _) = _stored["seed-run"];
        var key = await StoredEvidence.CreateKeyAsync(_admin, evidence.Trace.TenantId, "runner");
        Assert.Equal("VERIFIED", Text(await _verifier.ProofAsync(evidence.Trace.RunId, key), "verification_status"));
    }

    [Fact]
    public async Task An_erased_payload_is_named_and_the_run_is_still_verified()
    {
        var (evidence, _) = _stored["forty-steps"];
        await StoredEvidence.ExecuteAsync(
            _admin, "SELECT runproof.erase_payload($1, $2, 7, 'params', 'a person', 'their right')", evidence.Trace.TenantId, evidence.Trace.TraceId);
        await StoredEvidence.ExecuteAsync(
            _admin, "SELECT runproof.erase_payload($1, $2, NULL, 'goal', 'a person', 'their right')", evidence.Trace.TenantId, evidence.Trace.TraceId);
        var proof = await ProofAsync("forty-steps", "?include_payloads=true");
        Assert.Equal("VERIFIED", Text(proof, "verification_status"));
        Assert.Equal(["header.goal", "steps[7].params"], proof["erased_payloads"]!.AsArray().Select(place => place!.GetValue<string>()));
        Assert.True(proof["aos_trace_steps"]![7]!["payloads"]!.AsObject().TryGetPropertyValue("params", out var erased));
        Assert.Null(erased);
    }

    [Fact]
    public async Task An_archived_trace_is_still_verified()
    {
        var (evidence, _) = _stored["awaiting-inclusion"];
        await StoredEvidence.ExecuteAsync(_admin, "SELECT runproof.archive_trace($1, $2)", evidence.Trace.TenantId, evidence.Trace.TraceId);
        Assert.Equal(["0"], await StoredEvidence.ListAsync(_admin, $"SELECT count(*)::text FROM aos_traces WHERE trace_id = '{evidence.Trace.TraceId}'"));
        var proof = await ProofAsync("awaiting-inclusion");
        Assert.Equal("VERIFIED", Text(proof, "verification_status"));
        Assert.NotNull(proof["aos_traces"]![0]!["archived_at"]);
    }

    [Fact]
    public async Task Health_names_its_checks_and_the_document_its_routes()
    {
        var (status, health) = await _verifier.GetAsync("/health");
        Assert.Equal((200, "Healthy"), (status, Text(health, "status")));
        Assert.Equal(["PostgreSql", "schema", "self"], health["checks"]!.AsArray().Select(check => Text(check!, "name")).Order(StringComparer.Ordinal));
        Assert.Equal(["self"], (await _verifier.GetAsync("/alive")).Body["checks"]!.AsArray().Select(check => Text(check!, "name")));
        var (_, document) = await _verifier.GetAsync("/openapi/v1.json");
        Assert.Equal(
            ["/.well-known/runproof", "/api/v1/log", "/api/v1/log/consistency", "/api/v1/log/inclusion", "/api/v1/runs/{a}/diff/{b}", "/api/v1/runs/{run_id}/bundle", "/api/v1/runs/{run_id}/evidence", "/api/v1/runs/{run_id}/proof", "/api/v1/runs/{run_id}/replay-report", "/api/v1/runs/{run_id}/statement", "/log/{tenant_id}/checkpoint", "/log/{tenant_id}/tile/{path}"],
            document["paths"]!.AsObject().Select(path => path.Key).Order(StringComparer.Ordinal));
        var operation = document["paths"]!["/api/v1/runs/{run_id}/proof"]!["get"]!;
        Assert.Equal(["200", "400", "401", "403", "404", "503"], operation["responses"]!.AsObject().Select(answer => answer.Key));
        Assert.NotNull(operation["security"]);
        Assert.Equal(
            ["detail", "errors", "status", "title", "type"],
            document["components"]!["schemas"]!["Problem"]!["properties"]!.AsObject().Select(member => member.Key).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("/nowhere", 404, "/problems/not-found")]
    [InlineData("/api/v1/runs/nowhere", 404, "/problems/not-found")]
    public async Task An_unknown_route_is_a_problem(string path, int expected, string type)
    {
        var (status, body) = await _verifier.GetAsync(path);
        Assert.Equal((expected, type), (status, Text(body, "type")));
    }

    private Task<JsonObject> ProofAsync(string name, string query = "") => _verifier.ProofAsync(_stored[name].Evidence.Trace.RunId, _stored[name].Key, query);

    private static string Text(JsonNode node, string member) => node[member]!.GetValue<string>();
}
