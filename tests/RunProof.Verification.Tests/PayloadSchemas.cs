using System.Text;
using RunProof.Format;

namespace RunProof.Verification.Tests;

/// <summary>Check PAYLOAD_SCHEMA alone: a published trace whose steps are given another schema or none, so its chain does not hold here. The evolution tests have whole ones.</summary>
public sealed class PayloadSchemas
{
    private static readonly byte[] Schema = [.. Enumerable.Repeat((byte)7, Digest.Length)];

    private static readonly Evidence Published = Evidence.Bundle("forty-steps");

    private static readonly Evidence Forty = Published with { Steps = [.. Published.Steps.Select(step => step with { Schema = null })] };

    private static readonly int Good = Forty.Steps.FindIndex(step => step is { Status: "succeeded", Output.Text: not null, Input.Text: not null, Context.Commitment: null });

    [Fact]
    public void Without_shapes_there_is_no_such_check() =>
        Assert.DoesNotContain(Published.Verify().Checks, check => check.Name == "PAYLOAD_SCHEMA");

    [Fact]
    public void Steps_that_name_no_schema_are_not_asked_about()
    {
        var (report, check) = Judge(Forty, new Shapes());
        Assert.Equal((CheckStatus.Passed, "0 payloads conform to the schemas of their steps"), (check.Status, check.Detail));
        Assert.Equal("PAYLOADS", report.Checks[report.Checks.ToList().IndexOf(check) - 1].Name);
    }

    [Fact]
    public void Both_payloads_of_a_step_that_succeeded_are_read_as_they_were_recorded()
    {
        var shapes = new Shapes();
        var (_, check) = Judge(With(Good), shapes);
        Assert.Equal((CheckStatus.Passed, "2 payloads conform to the schemas of their steps"), (check.Status, check.Detail));
        Assert.Equal([(StepPayload.Parameters, Forty.Steps[Good].Input.Text), (StepPayload.Outcome, Forty.Steps[Good].Output.Text)], shapes.Asked);
    }

    [Fact]
    public void One_that_is_not_of_the_shape_is_a_finding_at_its_place()
    {
        var (report, check) = Judge(With(Good), new Shapes { Refuses = StepPayload.Outcome });
        Assert.Equal(CheckStatus.Failed, check.Status);
        var finding = Assert.Single(report.Findings, finding => finding.Code == FindingCodes.PayloadSchemaMismatch);
        Assert.Equal(
            ($"steps[{Good}].outcome_data", $"step {Good}: outcome_data does not conform to the schema that the step names: byte 3, no such member"), (finding.Place, finding.Message));
    }

    [Fact]
    public void A_schema_that_nobody_knows_is_counted_and_fails_nothing()
    {
        var (report, check) = Judge(With(Good), new Shapes { Knows = false });
        Assert.Equal(
            (CheckStatus.NotDone, "0 payloads conform to the schemas of their steps; 1 schema is not known here, 0 payloads are redacted or may be"), (check.Status, check.Detail));
        Assert.DoesNotContain(report.Findings, finding => finding.Code == FindingCodes.PayloadSchemaMismatch);
    }

    [Fact]
    public void The_parameters_of_a_step_that_failed_may_fit_no_shape()
    {
        var failed = Forty.Steps.FindIndex(step => step is { Status: "failed", Output.Text: not null, Input.Text: not null });
        var shapes = new Shapes();
        Judge(With(failed, step => step with { Context = default }), shapes);
        Assert.Equal([StepPayload.Outcome], shapes.Asked.Select(asked => asked.Payload));
    }

    [Theory]
    [InlineData("""{"redactions":[{"place":"params.url","rule":"name:token"}]}""", 1, 1)]
    [InlineData("""{"redactions":[{"place":"params","rule":"x"},{"place":"outcome_data[0]","rule":"x"}]}""", 0, 2)]
    [InlineData("""{"redactions":[]}""", 2, 0)]
    [InlineData("""{"redactions":[{"place":7},"x",{"place":"context.params"}]}""", 2, 0)]
    [InlineData("not json", 2, 0)]
    [InlineData("""{"\ud800":1}""", 2, 0)]
    [InlineData("""{"redactions":[{"\ud800":1}]}""", 2, 0)]
    [InlineData(null, 0, 2)]
    public void What_was_redacted_is_not_of_its_shape_any_more_and_is_counted(string? context, int conforming, int redacted)
    {
        var (_, check) = Judge(With(Good, step => step with { Context = new RecordedPayload(new byte[32], new byte[16], context, Loaded: true) }), new Shapes());
        Assert.StartsWith($"{conforming} payload", check.Detail, StringComparison.Ordinal);
        Assert.Equal(redacted == 0 ? CheckStatus.Passed : CheckStatus.NotDone, check.Status);
        Assert.True(redacted == 0 || check.Detail.Contains($" {redacted} payload", StringComparison.Ordinal), check.Detail);
    }

    [Fact]
    public void What_does_not_match_its_commitment_is_not_read_by_any_shape()
    {
        var shapes = new Shapes { Refuses = StepPayload.Parameters };
        var (report, _) = Judge(With(Good, step => step with { Input = step.Input with { Text = step.Input.Text + " " } }), shapes);
        Assert.Equal([StepPayload.Outcome], shapes.Asked.Select(asked => asked.Payload));
        Assert.Contains(report.Findings, finding => finding.Code == FindingCodes.PayloadMismatch);
    }

    private static Evidence With(int index, Func<RecordedStep, RecordedStep>? change = null) =>
        Forty.With(index, step => (change?.Invoke(step) ?? step) with { Schema = Schema });

    private static (TraceReport Report, Check Check) Judge(Evidence evidence, IPayloadSchemas shapes)
    {
        var report = evidence.Verify(new VerificationOptions { Schemas = shapes });
        return (report, report.Checks.Single(check => check.Name == "PAYLOAD_SCHEMA"));
    }

    private sealed class Shapes : IPayloadSchemas
    {
        public bool Knows { get; init; } = true;

        public StepPayload? Refuses { get; init; }

        public List<(StepPayload Payload, string? Text)> Asked { get; } = [];

        public PayloadConformance Judge(Digest schema, StepPayload payload, ReadOnlySpan<byte> recorded, out ReadFault fault)
        {
            Assert.Equal(new Digest(Schema), schema);
            Asked.Add((payload, Encoding.UTF8.GetString(recorded)));
            fault = new ReadFault(ReadFaultCode.UnexpectedBytes, 3, "no such member");
            return !Knows ? PayloadConformance.Unknown : payload == Refuses ? PayloadConformance.Refused : PayloadConformance.Conforms;
        }
    }
}
