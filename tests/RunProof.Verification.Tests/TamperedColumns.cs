using RunProof.Format;

namespace RunProof.Verification.Tests;

/// <summary>Every column of the evidence, changed alone. A column without a case here fails <see cref="Every_column_has_a_case"/>.</summary>
public sealed class TamperedColumns
{
    private const int Step = 7;

    private static readonly byte[] OtherBytes = Convert.FromHexString("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");

    /// <summary>Member → change → place of the first finding.</summary>
    private static readonly Dictionary<string, (Func<RecordedTrace, RecordedTrace> Change, string Place)> TraceCases = new(StringComparer.Ordinal)
    {
        ["TenantId"] = (t => t with { TenantId = "other" }, "header"),
        ["TraceId"] = (t => t with { TraceId = "trace_other" }, "header.trace_id"),
        ["RunId"] = (t => t with { RunId = "other" }, "header.run_id"),
        ["CorrelationId"] = (t => t with { CorrelationId = "other" }, "header.correlation_id"),
        ["AgentId"] = (t => t with { AgentId = "other" }, "header"),
        ["OriginSystemId"] = (t => t with { OriginSystemId = "other" }, "header"),
        ["Planner"] = (t => t with { Planner = "other" }, "header.planner"),
        ["Seed"] = (t => t with { Seed = t.Seed + 1 }, "header"),
        ["FrozenTimestamp"] = (t => t with { FrozenTimestamp = t.StartedAt }, "header.frozen_timestamp"),
        ["IsSynthetic"] = (t => t with { IsSynthetic = !t.IsSynthetic }, "header.is_synthetic"),
        ["SyntheticScenarioId"] = (t => t with { SyntheticScenarioId = "other" }, "header.synthetic_scenario_id"),
        ["SchemaVersion"] = (t => t with { SchemaVersion = "runproof/v2" }, "header.schema_version"),
        ["StartedAt"] = (t => t with { StartedAt = t.StartedAt.AddMicroseconds(1) }, "header"),
        ["Status"] = (t => t with { Status = "completed" }, "seal.status"),
        ["CompletedAt"] = (t => t with { CompletedAt = t.CompletedAt!.Value.AddMicroseconds(1) }, "root_hash"),
        ["Goal.Commitment"] = (t => t with { Goal = t.Goal with { Commitment = OtherBytes } }, "header.goal_hash"),
        ["Goal.Salt"] = (t => t with { Goal = t.Goal with { Salt = OtherBytes[..16] } }, "header.goal"),
        ["Goal.Text"] = (t => t with { Goal = t.Goal with { Text = "\"other\"" } }, "header.goal"),
        ["Plan.Commitment"] = (t => t with { Plan = t.Plan with { Commitment = OtherBytes } }, "header.plan_hash"),
        ["Plan.Salt"] = (t => t with { Plan = t.Plan with { Salt = OtherBytes[..16] } }, "header.plan"),
        ["Plan.Text"] = (t => t with { Plan = t.Plan with { Text = "[]" } }, "header.plan"),
        ["Context.Commitment"] = (t => t with { Context = t.Context with { Commitment = OtherBytes } }, "header.context_hash"),
        ["Context.Salt"] = (t => t with { Context = t.Context with { Salt = OtherBytes[..16] } }, "header.context"),
        ["Context.Text"] = (t => t with { Context = t.Context with { Text = "{}" } }, "header.context"),
        ["Metadata.Commitment"] = (t => t with { Metadata = t.Metadata with { Commitment = OtherBytes } }, "seal.metadata_hash"),
        ["Metadata.Salt"] = (t => t with { Metadata = t.Metadata with { Salt = OtherBytes[..16] } }, "seal.metadata"),
        ["Metadata.Text"] = (t => t with { Metadata = t.Metadata with { Text = "{}" } }, "seal.metadata"),
        ["HeaderLink"] = (t => t with { HeaderLink = OtherBytes }, "header.link"),
        ["ChainLength"] = (t => t with { ChainLength = 39 }, "seal.chain_length"),
        ["StepsRoot"] = (t => t with { StepsRoot = OtherBytes }, "seal.steps_root"),
        ["RootHash"] = (t => t with { RootHash = OtherBytes }, "root_hash"),
    };

    private static readonly Dictionary<string, (Func<RecordedStep, RecordedStep> Change, string Column)> StepCases = new(StringComparer.Ordinal)
    {
        ["StepIndex"] = (s => s with { StepIndex = 8 }, "step_index"),
        ["SkillId"] = (s => s with { SkillId = "other" }, "skill_id"),
        ["SkillName"] = (s => s with { SkillName = "other" }, "skill_name"),
        ["SkillVersion"] = (s => s with { SkillVersion = "other" }, "skill_version"),
        ["Schema"] = (s => s with { Schema = OtherBytes }, ""),
        ["Status"] = (s => s with { Status = "succeeded" }, "status"),
        ["Level"] = (s => s with { Level = "INFO" }, "level"),
        ["OutcomeCategory"] = (s => s with { OutcomeCategory = "other" }, ""),
        ["OutcomeCode"] = (s => s with { OutcomeCode = "other" }, ""),
        ["CostCents"] = (s => s with { CostCents = "0.2501" }, ""),
        ["DurationMs"] = (s => s with { DurationMs = double.BitIncrement(s.DurationMs) }, ""),
        ["RetryCount"] = (s => s with { RetryCount = 3 }, "retry_count"),
        ["IdempotencyKey"] = (s => s with { IdempotencyKey = "other" }, "idempotency_key"),
        ["ReplayBehavior"] = (s => s with { ReplayBehavior = "execute" }, "replay_behavior"),
        ["RngStateBefore"] = (s => s with { RngStateBefore = "other" }, ""),
        ["Source"] = (s => s with { Source = "mcp" }, "source"),
        ["Timestamp"] = (s => s with { Timestamp = s.Timestamp.AddMicroseconds(1) }, ""),
        ["Input.Commitment"] = (s => s with { Input = s.Input with { Commitment = OtherBytes } }, "input_hash"),
        ["Input.Salt"] = (s => s with { Input = s.Input with { Salt = OtherBytes[..16] } }, "params"),
        ["Input.Text"] = (s => s with { Input = s.Input with { Text = "{\"a\":1}" } }, "params"),
        ["Output.Commitment"] = (s => s with { Output = s.Output with { Commitment = OtherBytes } }, "output_hash"),
        ["Output.Salt"] = (s => s with { Output = s.Output with { Salt = OtherBytes[..16] } }, "outcome_data"),
        ["Output.Text"] = (s => s with { Output = s.Output with { Text = "{\"a\":1}" } }, "outcome_data"),
        ["Context.Commitment"] = (s => s with { Context = s.Context with { Commitment = OtherBytes } }, "context_hash"),
        ["Context.Salt"] = (s => s with { Context = s.Context with { Salt = OtherBytes[..16] } }, "context"),
        ["Context.Text"] = (s => s with { Context = s.Context with { Text = "{\"a\":1}" } }, "context"),
        ["Link"] = (s => s with { Link = OtherBytes }, "link"),
    };

    public static TheoryData<string> TraceColumns => [.. TraceCases.Keys];

    public static TheoryData<string> StepColumns => [.. StepCases.Keys];

    [Theory]
    [MemberData(nameof(TraceColumns))]
    public void A_changed_column_of_the_trace_is_found_at_its_place(string column)
    {
        var (change, place) = TraceCases[column];
        AssertFailsAt(place, Evidence.Bundle("forty-steps").With(change));
    }

    [Theory]
    [MemberData(nameof(StepColumns))]
    public void A_changed_column_of_a_step_is_found_at_its_place(string column)
    {
        var (change, name) = StepCases[column];
        foreach (var step in (int[])[0, Step, 39])
        {
            var evidence = Evidence.Bundle("forty-steps");
            var place = $"steps[{step}]" + (name.Length == 0 ? "" : "." + name);
            if (NothingToChange(column, evidence.Steps[step]) || change(evidence.Steps[step]) == evidence.Steps[step])
                continue;
            AssertFailsAtStep(place, step, column, evidence.With(step, change));
        }
    }

    [Fact]
    public void One_changed_step_is_one_finding_and_its_roots()
    {
        var report = Evidence.Bundle("forty-steps").With(Step, step => step with { Timestamp = step.Timestamp.AddDays(1) }).Verify();
        Assert.Equal(["steps[7]", "seal.steps_root", "root_hash"], report.Findings.Select(finding => finding.Place));
        Assert.Equal("step 7: does not match its link", report.Findings[0].Message);
        Assert.Equal(7, report.StepsThatHold);
    }

    [Fact]
    public void A_changed_text_is_one_finding()
    {
        var finding = Assert.Single(Evidence.Bundle("forty-steps").With(3, step => step with { Output = step.Output with { Text = "{}" } }).Verify().Findings);
        Assert.Equal(new Finding(FindingCodes.PayloadMismatch, "steps[3].outcome_data", "step 3: outcome_data does not match its commitment"), finding);
    }

    [Fact]
    public void A_changed_link_alone_is_told_from_a_changed_step()
    {
        foreach (var step in (int[])[0, 12, 39])
        {
            var finding = Assert.Single(Evidence.Bundle("forty-steps").With(step, recorded => recorded with { Link = OtherBytes }).Verify().Findings);
            Assert.Equal((FindingCodes.LinkChanged, $"steps[{step}].link"), (finding.Code, finding.Place));
            Assert.Equal($"step {step}: link was changed; the step itself holds", finding.Message);
        }
    }

    [Fact]
    public void Several_changes_are_all_found_in_the_order_of_the_chain()
    {
        var report = Evidence.Bundle("forty-steps")
            .With(trace => trace with { OriginSystemId = "other", CompletedAt = trace.CompletedAt!.Value.AddDays(1) })
            .With(5, step => step with { Link = OtherBytes })
            .With(9, step => step with { Input = step.Input with { Text = "1" } })
            .With(20, step => step with { DurationMs = 1.5 })
            .Verify();
        Assert.Equal(["header", "steps[5].link", "steps[9].params", "steps[20]", "seal.steps_root", "root_hash"], report.Findings.Select(finding => finding.Place));
    }

    [Fact]
    public void Every_column_has_a_case()
    {
        Assert.Equal(Columns(typeof(RecordedTrace)).Except(["ArchivedAt"]).Order(StringComparer.Ordinal), TraceCases.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(Columns(typeof(RecordedStep)).Order(StringComparer.Ordinal), StepCases.Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void Archiving_changes_nothing() =>
        Assert.Equal("VERIFIED", Evidence.Bundle("forty-steps").With(trace => trace with { ArchivedAt = trace.StartedAt }).Verify().Verdict.Name);

    private static IEnumerable<string> Columns(Type record) => record.GetProperties().Where(property => property.Name != "EqualityContract").SelectMany(property =>
        property.PropertyType == typeof(RecordedPayload) ? new[] { "Commitment", "Salt", "Text" }.Select(part => $"{property.Name}.{part}") : [property.Name]);

    private static bool NothingToChange(string column, RecordedStep step) =>
        (column.StartsWith("Output.", StringComparison.Ordinal) && step.Output.Text is null)
        || (column.StartsWith("Context.", StringComparison.Ordinal) && step.Context.Text is null)
        || (column.StartsWith("Input.", StringComparison.Ordinal) && step.Input.Text is null);

    private static void AssertFailsAt(string place, Evidence changed)
    {
        var report = changed.Verify();
        Assert.Equal("FAILED", report.Verdict.Name);
        Assert.Equal(place, report.Findings[0].Place);
        Assert.Equal("FAILED", changed.Verify(new VerificationOptions { Model = IntegrityModel.MerkleTree }).Verdict.Name);
    }

    /// <summary>Where a column's former value cannot be guessed, the step is named; where it was null or a word, the column itself.</summary>
    private static void AssertFailsAtStep(string place, int step, string column, Evidence changed)
    {
        var report = changed.Verify();
        Assert.Equal("FAILED", report.Verdict.Name);
        Assert.StartsWith($"steps[{step}]", report.Findings[0].Place, StringComparison.Ordinal);
        if (step == Step)
            Assert.Equal(place, report.Findings[0].Place);
        Assert.Contains(report.Checks, check => check.Status is CheckStatus.Failed);
        Assert.NotEqual(column, report.Findings[0].Place);
    }
}
