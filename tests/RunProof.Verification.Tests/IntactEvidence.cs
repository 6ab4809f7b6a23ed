using RunProof.Format;

namespace RunProof.Verification.Tests;

public sealed class IntactEvidence
{
    public static TheoryData<string, IntegrityModel> Bundles
    {
        get
        {
            var data = new TheoryData<string, IntegrityModel>();
            foreach (var file in Directory.GetFiles(Path.Combine(Evidence.Vectors, "bundles"), "*.json").Order(StringComparer.Ordinal))
            {
                data.Add(Path.GetFileNameWithoutExtension(file), IntegrityModel.HashChain);
                data.Add(Path.GetFileNameWithoutExtension(file), IntegrityModel.MerkleTree);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(Bundles))]
    public void Every_bundle_of_the_independent_implementation_is_verified(string name, IntegrityModel model)
    {
        var evidence = Evidence.Bundle(name);
        var report = evidence.Verify(new VerificationOptions { Model = model });
        Assert.Empty(report.Findings);
        Assert.Equal("VERIFIED", report.Verdict.Name);
        Assert.Equal(Evidence.Load("bundles", name)["root_hash"]!.GetValue<string>(), report.RecomputedRootHash!.Value.ToString());
        Assert.Equal(evidence.Steps.Count, report.StepCount);
        Assert.Equal(evidence.Steps.Count, report.StepsThatHold);
    }

    [Fact]
    public void A_verified_report_lists_every_check_and_that_the_log_was_not_one()
    {
        var report = Evidence.Bundle("forty-steps").Verify(new VerificationOptions { Model = IntegrityModel.MerkleTree });
        Assert.Equal(
            ["HEADER", "STEP_SEQUENCE", "LEVELS", "HASH_CHAIN", "PAYLOADS", "SEAL", "STEPS_ROOT", "STEP_INCLUSION", "ROOT_HASH", "LOG_INCLUSION"],
            report.Checks.Select(check => check.Name));
        Assert.All(report.Checks.SkipLast(1), check => Assert.Equal(CheckStatus.Passed, check.Status));
        Assert.Equal(CheckStatus.NotDone, report.Checks[^1].Status);
        Assert.Contains("was not checked", report.Checks[^1].Detail);
    }

    [Fact]
    public void Withheld_payloads_are_reported_as_erased_and_the_trace_is_verified()
    {
        var report = Evidence.Bundle("withheld-payloads").Verify();
        Assert.Equal("VERIFIED", report.Verdict.Name);
        Assert.True(report.ErasedPayloadCount > 0);
        Assert.Equal(report.ErasedPayloadCount, report.ErasedPayloads.Count);
        Assert.Contains("erased", report.Checks.Single(check => check.Name == "PAYLOADS").Detail);
    }

    [Fact]
    public void An_erased_outcome_is_named()
    {
        var report = Evidence.Bundle("forty-steps")
            .With(3, step => step with { Input = step.Input with { Salt = null, Text = null } })
            .Verify();
        Assert.Equal("VERIFIED", report.Verdict.Name);
        Assert.Equal(["steps[3].params"], report.ErasedPayloads);
    }

    [Fact]
    public void Payloads_that_were_not_read_leave_the_trace_unsupported()
    {
        var report = Evidence.Bundle("seed-run").With(0, step => step with { Input = new RecordedPayload(step.Input.Commitment, null, null, Loaded: false) }).Verify();
        Assert.Equal("UNSUPPORTED", report.Verdict.Name);
        Assert.Equal(FindingCodes.PayloadsNotRead, report.Findings.Single().Code);
    }

    [Fact]
    public void An_open_trace_is_unsupported_and_says_how_far_the_chain_holds()
    {
        var report = Open(Evidence.Bundle("forty-steps")).Verify();
        Assert.Equal("UNSUPPORTED", report.Verdict.Name);
        var finding = Assert.Single(report.Findings);
        Assert.Equal(FindingCodes.TraceNotSealed, finding.Code);
        Assert.Equal("seal: the trace is not sealed; the chain holds for steps 0 to 39", finding.Message);
    }

    [Fact]
    public void A_broken_open_trace_is_failed()
    {
        var report = Open(Evidence.Bundle("forty-steps")).With(3, step => step with { DurationMs = 1 }).Verify();
        Assert.Equal("FAILED", report.Verdict.Name);
        Assert.Equal("step 3: does not match its link", report.Findings[0].Message);
        Assert.Contains("the chain holds for steps 0 to 2", report.Findings[^1].Message);
    }

    [Fact]
    public void A_run_without_a_trace_is_unsupported()
    {
        var report = RunReport.Of(IntegrityModel.HashChain, []);
        Assert.Equal("UNSUPPORTED", report.Verdict.Name);
        Assert.Equal(FindingCodes.NoTrace, report.Failure!.Code);
        Assert.All(report.Checks, check => Assert.Equal(CheckStatus.NotDone, check.Status));
    }

    [Fact]
    public void A_run_is_as_bad_as_its_worst_trace()
    {
        var (good, bad, open) = (Evidence.Bundle("seed-run"), Evidence.Bundle("forty-steps").With(0, step => step with { DurationMs = 1 }), Open(Evidence.Bundle("tree-2")));
        Assert.Equal("VERIFIED", Verdict(good, good));
        Assert.Equal("UNSUPPORTED", Verdict(good, open));
        Assert.Equal("FAILED", Verdict(good, open, bad));
        var report = RunReport.Of(IntegrityModel.HashChain, [good.Verify(), open.Verify(), bad.Verify()]);
        Assert.Equal("step 0: does not match its link", report.Failure!.Message);
        Assert.Equal(CheckStatus.Failed, report.Checks.Single(check => check.Name == "HASH_CHAIN").Status);
        Assert.Equal(CheckStatus.NotDone, report.Checks.Single(check => check.Name == "SEAL").Status);
    }

    [Fact]
    public void Evidence_of_another_run_or_tenant_than_asked_for_is_failed()
    {
        var evidence = Evidence.Bundle("seed-run");
        var otherRun = evidence.Verify(new VerificationOptions { Run = RunId.Parse("another") });
        Assert.Equal(("FAILED", "header.run_id"), (otherRun.Verdict.Name, otherRun.Findings[0].Place));
        var otherTenant = evidence.Verify(new VerificationOptions { Tenant = TenantId.Parse("another") });
        Assert.Equal(("FAILED", "header.tenant_id"), (otherTenant.Verdict.Name, otherTenant.Findings[0].Place));
        var same = evidence.Verify(new VerificationOptions { Run = RunId.Parse(evidence.Trace.RunId), Tenant = TenantId.Parse(evidence.Trace.TenantId) });
        Assert.Equal("VERIFIED", same.Verdict.Name);
    }

    [Fact]
    public void Step_proofs_lead_to_the_root_and_wrong_ones_do_not()
    {
        var evidence = Evidence.Bundle("forty-steps");
        var proofs = evidence.Verify(new VerificationOptions { Model = IntegrityModel.MerkleTree }).StepProofs!;
        var root = new Digest(evidence.Trace.StepsRoot);
        for (var step = 0; step < 40; step++)
        {
            Assert.Equal(root, StepProofs.RootFrom(proofs.LeafOf(step), step, 40, proofs.PathOf(step)));
            Assert.NotEqual(root, StepProofs.RootFrom(proofs.LeafOf(step), (step + 1) % 40, 40, proofs.PathOf(step)));
            Assert.Null(StepProofs.RootFrom(proofs.LeafOf(step), step, 40, [.. proofs.PathOf(step).Skip(1)]));
        }
    }

    internal static Evidence Open(Evidence evidence) => evidence.With(trace => trace with
    {
        Status = "running",
        CompletedAt = null,
        ChainLength = null,
        StepsRoot = null,
        RootHash = null,
        Metadata = new RecordedPayload(null, null, null, Loaded: true),
    });

    private static string Verdict(params Evidence[] traces) => RunReport.Of(IntegrityModel.HashChain, [.. traces.Select(trace => trace.Verify())]).Verdict.Name;
}
