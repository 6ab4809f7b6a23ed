using System.Reflection;
using RunProof.Format;

namespace RunProof.Cli.Tests;

/// <summary>The negative checks of <c>validate</c>: that they change everything, that a good verification finds each, and that a bad one is found out.</summary>
public sealed class TamperingTests
{
    private static readonly VerificationJudge Real = new();

    [Theory]
    [InlineData("seed-run")]
    [InlineData("forty-steps")]
    [InlineData("tree-3")]
    [InlineData("no-steps-aborted")]
    public void Verification_finds_each_change_where_it_was_made(string bundle)
    {
        var (tenant, run, evidence) = Load(bundle);
        Assert.Equal("VERIFIED", Real.Judge(tenant, run, evidence.Trace, evidence.Steps).Verdict);
        var missed = NegativeChecks.Make(Real, tenant, run, evidence).Where(check => !check.Holds);
        Assert.Empty(missed);
    }

    [Fact]
    public void Every_column_of_trace_and_step_is_changed_by_some_check()
    {
        var (_, _, evidence) = Load("forty-steps");
        var copies = Tampering.Of(evidence).Select(tampering => tampering.Apply(evidence)).ToArray();
        foreach (var column in typeof(RecordedTrace).GetProperties().Where(column => column.Name is not (nameof(RecordedTrace.ArchivedAt) or "EqualityContract")))
            Assert.True(copies.Any(copy => !Equals(column.GetValue(copy.Trace), column.GetValue(evidence.Trace))), $"no check changes {column.Name}");
        foreach (var column in typeof(RecordedStep).GetProperties().Where(column => column.Name != "EqualityContract"))
            Assert.True(copies.Any(copy => Changes(column, copy, evidence)), $"no check changes {column.Name} of a step");
    }

    [Fact]
    public void Every_check_changes_something()
    {
        var (_, _, evidence) = Load("forty-steps");
        Assert.All(Tampering.Of(evidence), tampering =>
        {
            var copy = tampering.Apply(evidence);
            Assert.True(copy.Trace != evidence.Trace || !copy.Steps.SequenceEqual(evidence.Steps), tampering.Change);
        });
    }

    [Fact]
    public void Every_part_of_every_payload_is_changed()
    {
        var (_, _, evidence) = Load("forty-steps");
        var changes = Tampering.Of(evidence).Select(tampering => tampering.Change).ToHashSet();
        foreach (var part in (string[])["params", "params_salt", "input_hash", "outcome_data", "outcome_salt", "output_hash"])
            Assert.Contains($"steps[0].{part}", changes);
        foreach (var part in (string[])["goal", "goal_salt", "goal_hash", "plan", "plan_salt", "plan_hash"])
            Assert.Contains($"header.{part}", changes);
    }

    [Fact]
    public void A_verification_that_is_always_content_passes_no_check()
    {
        var (tenant, run, evidence) = Load("seed-run");
        Assert.All(NegativeChecks.Make(new ContentJudge(), tenant, run, evidence), check => Assert.False(check.Holds));
    }

    [Fact]
    public void A_verification_that_names_no_place_passes_no_check()
    {
        var (tenant, run, evidence) = Load("seed-run");
        Assert.All(NegativeChecks.Make(new VagueJudge(), tenant, run, evidence), check => Assert.False(check.Holds));
    }

    [Fact]
    public void A_verification_that_overlooks_one_column_fails_the_check_of_that_column()
    {
        var (tenant, run, evidence) = Load("seed-run");
        var forgiving = new ForgivingJudge(evidence.Steps[0].DurationMs);
        var missed = NegativeChecks.Make(forgiving, tenant, run, evidence).Where(check => !check.Holds);
        Assert.Equal(["steps[0].duration_ms"], missed.Select(check => check.Change));
    }

    internal static (TenantId Tenant, RunId Run, Evidence Evidence) Load(string bundle)
    {
        var read = Verification.Tests.Evidence.Bundle(bundle);
        return (TenantId.Parse(read.Trace.TenantId), RunId.Parse(read.Trace.RunId), new Evidence(read.Trace, read.Steps));
    }

    private static bool Changes(PropertyInfo column, Evidence copy, Evidence evidence) =>
        copy.Steps.Count == evidence.Steps.Count && copy.Steps.Zip(evidence.Steps).Any(pair => !Equals(column.GetValue(pair.First), column.GetValue(pair.Second)));

    internal sealed class ContentJudge : IEvidenceJudge
    {
        public Judgement Judge(TenantId tenant, RunId run, RecordedTrace trace, IReadOnlyList<RecordedStep> steps) => new("VERIFIED", []);
    }

    private sealed class VagueJudge : IEvidenceJudge
    {
        public Judgement Judge(TenantId tenant, RunId run, RecordedTrace trace, IReadOnlyList<RecordedStep> steps) => new("FAILED", [("trace", "something is wrong")]);
    }

    private sealed class ForgivingJudge(double duration) : IEvidenceJudge
    {
        public Judgement Judge(TenantId tenant, RunId run, RecordedTrace trace, IReadOnlyList<RecordedStep> steps) =>
            Real.Judge(tenant, run, trace, [.. steps.Select(step => step with { DurationMs = duration })]);
    }
}
