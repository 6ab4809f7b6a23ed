using RunProof.Format;

namespace RunProof.Cli;

/// <summary>Chapter 4.1: what the verifier says, under both models.</summary>
internal static class ProofChapter
{
    internal static async Task LookAsync(Scene scene, CancellationToken cancellationToken)
    {
        var chapter = scene.Begin(4, "The proof");
        foreach (var model in (string[])["HASH_CHAIN", "MERKLE_TREE"])
        {
            await scene.MustAsync($"the verifier says {model} and VERIFIED, and every check of the evidence passed", async () =>
            {
                var proof = await ReadAsync(scene, NotSeenException.Need(scene.Run, "run"), model, cancellationToken);
                Write(chapter, proof);
                scene.Proof ??= proof;
                scene.Tenant ??= scene.NamedTenant ?? (TenantId.TryParse(proof.TenantId, out var tenant) ? tenant : null);
                return Decide(scene, proof, model);
            });
        }

        scene.Tenant ??= scene.NamedTenant;
        await scene.MustAsync("the verifier says VERIFIED of the run of three steps", async () =>
        {
            var proof = await ReadAsync(scene, NotSeenException.Need(scene.LongRun, "run of three steps"), "HASH_CHAIN", cancellationToken);
            return (proof is { VerificationStatus: "VERIFIED", ChainLength: 3, StepCount: 3 }, $"{proof.VerificationStatus}, chain_length {Listing.Text(proof.ChainLength)}");
        });
        await scene.MustAsync("a run that does not exist has no proof", async () =>
        {
            var missing = Guid.CreateVersion7(scene.Clock.GetUtcNow()).ToString("D");
            try
            {
                await scene.Verifier.GetAsync(RunCommands.PathOf(missing) + "/proof", cancellationToken);
                return (false, $"there is a proof of {missing}");
            }
            catch (CommandException refusal) when (refusal.HttpStatus == 404)
            {
                return (true, $"404 for run {missing}");
            }
        });
    }

    private static async Task<ProofView> ReadAsync(Scene scene, RunView run, string model, CancellationToken cancellationToken)
    {
        var document = await scene.Verifier.GetAsync(RunCommands.PathOf(run.RunId) + "/proof" + Listing.Query(("model", model), ("wait", "30")), cancellationToken, TimeSpan.FromSeconds(30));
        return scene.Verifier.View(document, WireContext.Default.ProofView);
    }

    private static (bool, string) Decide(Scene scene, ProofView proof, string model)
    {
        foreach (var undone in proof.Checks.Where(check => check.Status == "not_done" && model == "HASH_CHAIN"))
            scene.Warn($"the verifier did not check {undone.Name}: {undone.Detail}");
        var failed = proof.Checks.Where(check => check.Status is not ("passed" or "not_done")).Select(check => check.Name).ToArray();
        var passed = proof.Checks.Count(check => check.Status == "passed");
        var tenants = scene.NamedTenant is not { } named || proof.TenantId == named.Value;
        var holds = proof.VerificationStatus == "VERIFIED" && proof.IntegrityModel == model && failed.Length == 0 && passed > 0 && proof.Findings.Count == 0 && tenants;
        return (holds, $"{proof.IntegrityModel} {proof.VerificationStatus} for tenant {proof.TenantId}: {Listing.Text(passed)} checks passed, failed: {(failed.Length == 0 ? "none" : string.Join(", ", failed))}"
            + (proof.FailureReason is { } reason ? $"; {reason}" : ""));
    }

    private static void Write(Chapter chapter, ProofView proof)
    {
        chapter.Facts(
            $"GET /api/v1/runs/{proof.RunId}/proof?model={proof.IntegrityModel}",
            ("tenant_id", proof.TenantId),
            ("integrity_model", proof.IntegrityModel),
            ("verification_status", proof.VerificationStatus),
            ("failure_code", proof.FailureCode),
            ("failure_reason", proof.FailureReason),
            ("chain_length", Listing.Text(proof.ChainLength)),
            ("root_hash", proof.RootHash),
            ("trace_count", Listing.Text(proof.TraceCount)),
            ("step_count", Listing.Text(proof.StepCount)),
            ("verified_at", proof.VerifiedAt));
        chapter.Table("its checks", ["check", "status", "detail"], [.. proof.Checks.Select(check => new[] { check.Name, check.Status, check.Detail })]);
        if (proof.Findings.Count > 0)
            chapter.Table("its findings", ["code", "place", "message"], [.. proof.Findings.Select(finding => new[] { finding.Code, finding.Place, finding.Message })]);
    }
}
