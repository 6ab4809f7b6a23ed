using System.Text;
using System.Text.Json.Nodes;
using RunProof.Format;
using RunProof.Testing;
using RunProof.Verification;
using RunProof.Verification.Tests;

namespace RunProof.Verifier.Tests;

/// <summary>
/// A sealed trace is changed and all its hashes are made to fit, so that the chain by itself holds. Its entries in the log were made from what was recorded:
/// the proof's LOG_INCLUSION says that the trace is another one, and OPENED_ENTRY where the header was changed.
/// </summary>
public sealed class ChangedTraces(PostgresFixture postgres) : IAsyncLifetime
{
    private static readonly Dictionary<string, Func<Evidence, Evidence>> Changes = new(StringComparer.Ordinal)
    {
        ["an outcome"] = evidence => evidence.With(2, step => step with { Output = ForgedTrace.Payload("""{"message":"all is well"}""") }),
        ["parameters"] = evidence => evidence.With(2, step => step with { Input = ForgedTrace.Payload("""{"message":"nothing"}""") }),
        ["a cost"] = evidence => evidence.With(1, step => step with { CostCents = "0.1" }),
        ["a step's status"] = evidence => evidence.With(1, step => step with { Status = "skipped" }),
        ["the skill of a step"] = evidence => evidence.With(0, step => step with { SkillName = "wait", SkillId = "wait" }),
        ["the seal's status"] = evidence => evidence.With(trace => trace with { Status = "aborted" }),
        ["the tail is cut"] = evidence => evidence with { Steps = evidence.Steps[..^1] },
        ["all steps are cut"] = evidence => evidence with { Steps = [] },
        ["a middle step is removed"] = evidence => evidence with { Steps = [evidence.Steps[0], .. evidence.Steps[2..]] },
        ["a step is put in"] = evidence => evidence with { Steps = [.. evidence.Steps[..2], evidence.Steps[1] with { Output = ForgedTrace.Payload("{}") }, .. evidence.Steps[2..]] },
        ["two steps change places"] = evidence => evidence with { Steps = [evidence.Steps[1], evidence.Steps[0], .. evidence.Steps[2..]] },
        ["two steps change payloads"] = evidence => evidence.With(0, step => step with { Output = evidence.Steps[3].Output }).With(3, step => step with { Output = evidence.Steps[0].Output }),
        ["the end is set back"] = evidence => evidence.With(trace => trace with { CompletedAt = trace.CompletedAt!.Value.AddDays(-1) }),
        ["a step's time is set back"] = evidence => evidence.With(3, step => step with { Timestamp = step.Timestamp.AddDays(-1) }),
    };

    private static readonly Dictionary<string, Func<RecordedTrace, RecordedTrace>> Headers = new(StringComparer.Ordinal)
    {
        ["the agent"] = trace => trace with { AgentId = "somebody-else" },
        ["the goal"] = trace => trace with { Goal = ForgedTrace.Payload("\"another goal\"") },
        ["the plan"] = trace => trace with { Plan = ForgedTrace.Payload("""["another"]""") },
        ["the origin"] = trace => trace with { OriginSystemId = "another" },
        ["a test it was"] = trace => trace with { IsSynthetic = true },
        ["the start is set back"] = trace => trace with { StartedAt = trace.StartedAt.AddDays(-1) },
    };

    private AttackScene _scene = null!;

    public static TheoryData<string> ChangeNames => [.. Changes.Keys];

    public static TheoryData<string> HeaderNames => [.. Headers.Keys];

    public async ValueTask InitializeAsync()
    {
        _scene = await AttackScene.StartAsync(postgres);
        foreach (var run in (string[])["before", "target", "after"])
            await _scene.RunAsync(run);
    }

    public ValueTask DisposeAsync() => _scene.DisposeAsync();

    [Theory]
    [MemberData(nameof(ChangeNames))]
    public async Task A_sealed_trace_changed_with_all_its_hashes_is_not_the_one_in_the_log(string change)
    {
        var exported = await _scene.BundleAsync("target");
        await ForgeAsync(Changes[change]);
        var proof = await AssertFoundAsync("target", "LOG_INCLUSION", "log.sealed");
        Assert.Equal("passed", AttackScene.Check(proof, "OPENED_ENTRY"));
        // What was exported before is what was recorded, whatever the database says now.
        Assert.Equal("VERIFIED", _scene.Verify(exported).Verdict.Name);
        Assert.Equal("VERIFIED", AttackScene.Text(await _scene.ProofAsync("before"), "verification_status"));
    }

    [Theory]
    [MemberData(nameof(HeaderNames))]
    public async Task A_header_changed_with_all_its_hashes_is_not_the_one_that_opened(string change)
    {
        await ForgeAsync(evidence => evidence.With(Headers[change]));
        await AssertFoundAsync("target", "OPENED_ENTRY", "log.opened");
        await AssertFoundAsync("target", "LOG_INCLUSION", "log.opened");
    }

    [Fact]
    public async Task With_nothing_changed_nothing_is_found()
    {
        Assert.Empty(await _scene.AuditCodesAsync());
        Assert.Empty(await _scene.FsckAsync());
        foreach (var run in (string[])["before", "target", "after"])
            Assert.Equal("VERIFIED", AttackScene.Text(await _scene.ProofAsync(run), "verification_status"));
    }

    [Fact]
    public async Task A_payload_swapped_between_two_runs_is_found_in_both()
    {
        var (one, two) = (await _scene.ReadAsync("target"), await _scene.ReadAsync("after"));
        await ForgeAsync(evidence => evidence.With(1, step => step with { Output = two.Steps[1].Output }));
        await ForgeAsync(evidence => evidence.With(1, step => step with { Output = one.Steps[1].Output }), "after");
        await AssertFoundAsync("target", "LOG_INCLUSION", "log.sealed");
        await AssertFoundAsync("after", "LOG_INCLUSION", "log.sealed");
    }

    [Fact]
    public async Task A_payload_swapped_between_two_tenants_is_found_by_both()
    {
        await _scene.RunAsync("theirs", tenant: "other");
        var (ours, theirs) = (await _scene.ReadAsync("target"), await _scene.ReadAsync("theirs", "other"));
        await ForgeAsync(evidence => evidence.With(1, step => step with { Input = theirs.Steps[1].Input, Output = theirs.Steps[1].Output }));
        await ForgeAsync(evidence => evidence.With(1, step => step with { Input = ours.Steps[1].Input, Output = ours.Steps[1].Output }), "theirs", "other");
        await AssertFoundAsync("target", "LOG_INCLUSION", "log.sealed");
        await AssertFoundAsync("theirs", "LOG_INCLUSION", "log.sealed", "other");
    }

    /// <summary>Without the hashes made to fit, the chain says it already, and where.</summary>
    [Fact]
    public async Task A_payload_swapped_with_its_commitment_but_not_its_link_is_found_by_the_chain()
    {
        await _scene.RunAsync("theirs", tenant: "other");
        var theirs = await _scene.ReadAsync("theirs", "other");
        await _scene.CommitAsync(crime => crime.ExecuteAsync(
            "UPDATE aos_trace_steps SET outcome_data = $1, outcome_salt = $2, output_hash = $3 WHERE tenant_id = 'acme' AND trace_id = 'trace_target' AND step_index = 1",
            theirs.Steps[1].Output.Text, theirs.Steps[1].Output.Salt, theirs.Steps[1].Output.Commitment));
        var proof = await _scene.ProofAsync("target");
        Assert.Equal(("FAILED", "failed"), (AttackScene.Text(proof, "verification_status"), AttackScene.Check(proof, "HASH_CHAIN")));
        Assert.StartsWith("steps[1]", AttackScene.Text(proof["findings"]![0]!, "place"), StringComparison.Ordinal);
        Assert.Contains((await _scene.AuditAsync()).Findings.Kept, finding => finding is { Code: "STEP_LINK_MISMATCH", TraceId: "trace_target" });
    }

    /// <summary>The trace as somebody would have liked it to be; by the chain alone nothing is wrong with it.</summary>
    private async Task ForgeAsync(Func<Evidence, Evidence> change, string run = "target", string tenant = "acme")
    {
        var forged = change(await _scene.ReadAsync(run, tenant)).Relink();
        var alone = forged.Verify();
        Assert.True(alone.Verdict.Status is VerificationStatus.Verified, string.Join('\n', alone.Findings));
        await _scene.CommitAsync(async crime =>
        {
            await crime.ReplaceAsync(forged);
            if (forged.Trace.Status != "completed")
                await crime.ExecuteAsync("UPDATE runs SET status = $3, error_code = 'stopped' WHERE tenant_id = $1 AND id = $2", tenant, run, forged.Trace.Status);
        });
    }

    private async Task<JsonObject> AssertFoundAsync(string run, string check, string place, string tenant = "acme")
    {
        var proof = await _scene.ProofAsync(run, tenant);
        Assert.Equal(("FAILED", "failed"), (AttackScene.Text(proof, "verification_status"), AttackScene.Check(proof, check)));
        Assert.Equal(("LOG_ENTRY_MISMATCH", place), (AttackScene.Text(proof, "failure_code"), AttackScene.Text(proof["findings"]![0]!, "place")));
        Assert.Equal("passed", AttackScene.Check(proof, "HASH_CHAIN"));
        Assert.Equal("passed", AttackScene.Check(proof, "ROOT_HASH"));
        Assert.Contains((await _scene.AuditAsync(tenant: tenant)).Findings.Kept, finding => finding.Code == "LOG_ENTRY_MISMATCH" && finding.TraceId == "trace_" + run);
        var (status, body) = await _scene.GetBytesAsync($"/api/v1/runs/{run}/bundle", tenant);
        Assert.True(status == 409 && Encoding.UTF8.GetString(body).Contains("LOG_ENTRY_MISMATCH", StringComparison.Ordinal), Encoding.UTF8.GetString(body));
        return proof;
    }
}
