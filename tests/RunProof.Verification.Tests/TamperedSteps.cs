namespace RunProof.Verification.Tests;

/// <summary>Steps taken away, added, moved and repeated.</summary>
public sealed class TamperedSteps
{
    private readonly Evidence _intact = Evidence.Bundle("forty-steps");

    [Theory]
    [InlineData(0)]
    [InlineData(20)]
    public void A_deleted_step_is_named(int step)
    {
        var report = Changed(steps => steps.RemoveAt(step));
        AssertFirst(report, FindingCodes.StepIndexGap, $"steps[{step}]", $"step {step}: is missing; the next one recorded is step {step + 1}");
        Assert.DoesNotContain(report.Findings, finding => finding.Code == FindingCodes.StepLinkMismatch);
    }

    [Fact]
    public void A_deleted_last_step_is_missed_by_the_seal()
    {
        var report = Changed(steps => steps.RemoveAt(39));
        AssertFirst(report, FindingCodes.ChainLengthMismatch, "seal.chain_length", "seal: chain_length is 40, but 39 steps are recorded");
    }

    [Fact]
    public void All_steps_deleted_is_missed_by_the_seal()
    {
        var report = Changed(steps => steps.Clear());
        AssertFirst(report, FindingCodes.ChainLengthMismatch, "seal.chain_length", "seal: chain_length is 40, but 0 steps are recorded");
    }

    [Fact]
    public void An_appended_step_without_a_fitting_link_is_named()
    {
        var report = Changed(steps => steps.Add(steps[39] with { StepIndex = 40 }));
        AssertFirst(report, FindingCodes.StepLinkMismatch, "steps[40]", "step 40: does not match its link");
    }

    [Fact]
    public void An_appended_step_with_a_fitting_link_is_one_too_many()
    {
        // The link that a careful forger computes, by the bytes of another bundle: forty-one steps of which the first forty are these.
        var report = Changed(steps => steps.Add(Forged.Append(steps[39])));
        AssertFirst(report, FindingCodes.StepAfterSeal, "steps[40]", "step 40: is there, but the seal counts 40 steps");
    }

    [Fact]
    public void Reordering_two_steps_fails_at_the_first_of_them()
    {
        var moved = Changed(steps => (steps[3], steps[4]) = (steps[4], steps[3]));
        AssertFirst(moved, FindingCodes.StepIndexGap, "steps[3]", "step 3: is missing; the next one recorded is step 4");
        var renumbered = Changed(steps => (steps[3], steps[4]) = (steps[4] with { StepIndex = 3 }, steps[3] with { StepIndex = 4 }));
        AssertFirst(renumbered, FindingCodes.StepLinkMismatch, "steps[3]", "step 3: does not match its link");
        Assert.All(renumbered.Findings.Take(2), finding => Assert.StartsWith("steps[", finding.Place, StringComparison.Ordinal));
    }

    [Fact]
    public void A_repeated_step_is_named()
    {
        var report = Changed(steps => steps.Insert(11, steps[10]));
        AssertFirst(report, FindingCodes.StepOutOfOrder, "steps[10]", "step 10: comes again, or after a step that follows it");
    }

    [Fact]
    public void A_step_moved_to_another_trace_fails_both()
    {
        var other = Evidence.Bundle("tree-9");
        var into = TraceVerifier.Verify(other.Trace, [.. other.Steps, _intact.Steps[39] with { StepIndex = other.Steps.Count }]);
        Assert.Equal($"steps[{other.Steps.Count}]", into.Findings[0].Place);
        Assert.Equal("FAILED", into.Verdict.Name);
        Assert.Equal("FAILED", Changed(steps => steps.RemoveAt(39)).Verdict.Name);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(int.MinValue)]
    [InlineData(int.MaxValue)]
    public void An_index_beyond_all_reason_is_a_finding(int index)
    {
        var report = Changed(steps => steps[39] = steps[39] with { StepIndex = index });
        AssertFirst(report, FindingCodes.StepIndexGap, "steps[39].step_index", $"step 39: step_index is {index}, but its link holds with 39");
        report = Changed(steps => steps[39] = steps[39] with { StepIndex = index, DurationMs = 3 });
        Assert.Equal("FAILED", report.Verdict.Name);
    }

    [Fact]
    public void Findings_are_bounded_and_the_rest_counted()
    {
        var hostile = _intact with { Steps = [.. Enumerable.Range(0, 100).Select(index => _intact.Steps[0] with { StepIndex = index * 2, Status = "banana" })] };
        var report = hostile.Verify(new VerificationOptions { MaxFindings = 5 });
        Assert.Equal(5, report.Findings.Count);
        Assert.True(report.FindingsOmitted > 90);
        Assert.Equal("FAILED", report.Verdict.Name);
    }

    private TraceReport Changed(Action<List<Format.RecordedStep>> change)
    {
        List<Format.RecordedStep> steps = [.. _intact.Steps];
        change(steps);
        var report = TraceVerifier.Verify(_intact.Trace, steps);
        Assert.Equal("FAILED", report.Verdict.Name);
        Assert.Equal("FAILED", TraceVerifier.Verify(_intact.Trace, steps, new VerificationOptions { Model = IntegrityModel.MerkleTree }).Verdict.Name);
        return report;
    }

    private static void AssertFirst(TraceReport report, string code, string place, string message) => Assert.Equal(new Finding(code, place, message), report.Findings[0]);
}
