namespace RunProof.Verification.Tests;

/// <summary>Steps held against steps: each change makes its one difference, and none other.</summary>
public sealed class TraceComparisons
{
    public static TheoryData<string, string, string, string?> Changes => new()
    {
        { "params", DifferenceKinds.Parameters, "params", "$.a" },
        { "outcome", DifferenceKinds.Outcome, "outcome_data", "$.list[1].b" },
        { "status", DifferenceKinds.Outcome, "status", null },
        { "code", DifferenceKinds.Outcome, "outcome_code", null },
        { "version", DifferenceKinds.SkillVersion, "skill_version", null },
        { "schema", DifferenceKinds.Schema, "skill_schema", null },
        { "cost", DifferenceKinds.Cost, "cost_cents", null },
    };

    [Theory]
    [MemberData(nameof(Changes))]
    public void A_change_of_one_column_is_one_difference_at_its_place(string what, string kind, string place, string? path)
    {
        var steps = Enumerable.Range(0, 3).Select(index => Step(index)).ToList();
        var changed = steps.ToList();
        changed[1] = what switch
        {
            "params" => changed[1] with { Parameters = new("""{"a":2}""", null) },
            "outcome" => changed[1] with { Outcome = new("""{"list":[1,{"b":"y"}]}""", null) },
            "status" => changed[1] with { Status = "failed" },
            "code" => changed[1] with { OutcomeCode = "http_500" },
            "version" => changed[1] with { SkillVersion = "2.0.0" },
            "schema" => changed[1] with { Schema = "ff" },
            _ => changed[1] with { CostCents = "0.25" },
        };

        var found = Compare(steps, changed, new ComparisonOptions { Cost = true });

        var only = Assert.Single(found.Differences);
        Assert.Equal((kind, "step_1", 1, place, path), (only.Kind, only.PlanStep, only.RightStep, only.Place, only.Path));
        Assert.Equal((3, 2, 1), (found.Compared, found.Alike, found.DifferenceCount));
    }

    [Fact]
    public void Steps_in_another_order_are_told_once_and_where_branches_run_side_by_side_not_at_all()
    {
        List<ComparableStep> one = [Step(0), Step(1), Step(2)], other = [Step(0), Step(2, at: 1), Step(1, at: 2)];

        var only = Assert.Single(Compare(one, other).Differences);

        Assert.Equal(DifferenceKinds.Order, only.Kind);
        Assert.Empty(Compare(one, other, new ComparisonOptions { LeftOrder = PlanOrder.Unknown, RightOrder = PlanOrder.Unknown }).Differences);
    }

    [Theory]
    [InlineData("""[{"id":"step_0"},{"id":"step_1"},{"id":"step_2"}]""", 1, 0)]
    [InlineData("""[{"id":"step_0","depends_on":[]},{"id":"step_1"},{"id":"step_2","depends_on":["step_1"]}]""", 1, 0)]
    [InlineData("""[{"id":"step_0","depends_on":[]},{"id":"step_1"},{"id":"step_2","depends_on":["step_0"]}]""", 0, 1)]
    [InlineData("""[{"id":"step_0"}]""", 0, 1)]
    [InlineData("""{}""", 0, 1)]
    [InlineData("""[""", 0, 1)]
    public void The_order_counts_where_a_step_depends_on_the_other_and_is_told_else(string plan, int differences, int reordered)
    {
        var trace = Evidence.Bundle("forty-steps").Trace;
        var order = PlanOrder.Of(trace with { Plan = trace.Plan with { Text = plan } });

        var found = Compare([Step(0), Step(1), Step(2)], [Step(0), Step(2, at: 1), Step(1, at: 2)], new ComparisonOptions { LeftOrder = order, RightOrder = order });

        Assert.Equal((differences, reordered), (found.DifferenceCount, found.Reordered));
        Assert.Empty(Compare([Step(0), Step(2, at: 1), Step(1, at: 2)], [Step(0), Step(2, at: 1), Step(1, at: 2)], new ComparisonOptions { LeftOrder = order, RightOrder = order }).Differences);
        Assert.Equal(0, Compare([Step(0), Step(1), Step(2)], [Step(0), Step(1), Step(2)], new ComparisonOptions { LeftOrder = order, RightOrder = order }).Reordered);
    }

    [Fact]
    public void A_step_that_a_crash_hid_in_a_replay_is_not_comparable_and_in_any_other_run_differs()
    {
        var hidden = Step(0) with { Status = "interrupted", OutcomeCode = "interrupted", Outcome = new(null, "interrupted") };

        Assert.Equal((0, 1), Counts(Compare([Step(0)], [hidden with { How = "interrupted" }])));
        Assert.Equal((2, 1), Counts(Compare([Step(0)], [hidden])));

        static (int, int) Counts(TraceComparison found) => (found.DifferenceCount, found.NotComparableCount);
    }

    [Fact]
    public void A_step_too_few_is_missing_and_one_too_many_is_extra()
    {
        List<ComparableStep> one = [Step(0), Step(1), Step(2)], other = [Step(0), Step(2, at: 1)];

        Assert.Equal((DifferenceKinds.MissingStep, 1, null), Told(Compare(one, other)));
        Assert.Equal((DifferenceKinds.ExtraStep, null, 1), Told(Compare(other, one)));
        Assert.Empty(Compare(one, [Step(1, at: 0), Step(2, at: 1)], new ComparisonOptions { From = 1 }).Differences);

        static (string, int?, int?) Told(TraceComparison found) => (Assert.Single(found.Differences).Kind, found.Differences[0].LeftStep, found.Differences[0].RightStep);
    }

    [Fact]
    public void Attempts_of_a_step_are_held_against_the_same_attempts()
    {
        List<ComparableStep> one = [Step(0) with { Status = "retrying" }, Step(0, at: 1) with { Attempt = 1 }], other = [Step(0)];

        var found = Compare(one, other);

        Assert.Equal([(DifferenceKinds.Outcome, 0), (DifferenceKinds.MissingStep, 1)], found.Differences.Select(each => (each.Kind, each.Attempt)));
    }

    [Theory]
    [InlineData("redacted")]
    [InlineData("erased")]
    [InlineData("interrupted")]
    public void What_is_hidden_is_neither_equal_nor_different(string why)
    {
        var found = Compare([Step(0) with { Outcome = new(null, why) }], [Step(0)]);

        Assert.Empty(found.Differences);
        Assert.Equal((0, 0, 1), (found.Alike, found.OutcomesCompared, found.NotComparableCount));
        Assert.Equal(("outcome_data", why), (found.NotComparable[0].Place, found.NotComparable[0].Why));
    }

    [Fact]
    public void A_place_of_which_the_skill_said_that_it_varies_does_not_count_and_its_neighbour_does()
    {
        var one = Step(0) with { Outcome = new("""{"headers":{"date":"Mon"},"headers2":1}""", null), Varies = ["$.headers"] };

        Assert.Equal((0, 1), Counts(Compare([one], [one with { Outcome = new("""{"headers":{"date":"Tue"},"headers2":1}""", null) }])));
        Assert.Equal((1, 0), Counts(Compare([one], [one with { Outcome = new("""{"headers":{"date":"Mon"},"headers2":2}""", null) }])));

        static (int, int) Counts(TraceComparison found) => (found.DifferenceCount, found.Varied);
    }

    [Theory]
    [InlineData("recorded", 0, 1, 0)]
    [InlineData("executed", 0, 0, 1)]
    [InlineData("checked", 1, 0, 0)]
    public void A_copied_outcome_is_not_counted_as_a_compared_one(string how, int compared, int recorded, int executed)
    {
        var found = Compare([Step(0)], [Step(0) with { How = how }]);

        Assert.Equal((compared, recorded, executed), (found.OutcomesCompared, found.OutcomesRecorded, found.OutcomesExecuted));
    }

    [Fact]
    public void A_recorded_outcome_that_is_not_the_origins_is_told()
    {
        var found = Compare([Step(0)], [Step(0) with { How = "recorded", Outcome = new("{}", null) }]);

        Assert.All(found.Differences, each => Assert.Equal(DifferenceKinds.RecordedOutcome, each.Kind));
        Assert.NotEmpty(found.Differences);
    }

    [Fact]
    public void The_first_difference_is_the_first_in_the_chain_however_late_it_is_known()
    {
        var found = Compare([Step(0), Step(1), Step(2)], [Step(1, at: 0), Step(2, at: 1) with { Status = "failed" }]);

        Assert.Equal(DifferenceKinds.MissingStep, found.First!.Kind);
    }

    [Fact]
    public void Two_long_traces_that_have_nothing_in_common_are_compared_within_the_window()
    {
        var comparison = new TraceComparison(new ComparisonOptions { MaxWaiting = 16, MaxDifferences = 10 });
        for (var i = 0; i < 50_000; i++)
        {
            comparison.AddLeft(Step(i));
            comparison.AddRight(Step(i + 1_000_000, at: i));
        }

        comparison.Finish();

        Assert.Equal((100_000, 10, 50_000, 50_000), (comparison.DifferenceCount, comparison.Differences.Count, comparison.OnlyLeft, comparison.OnlyRight));
    }

    [Theory]
    [InlineData("""{"a":[1,2]}""", """{"a":[1]}""", "$.a[1]", "2", null)]
    [InlineData("""{"a":1}""", """{"a":1,"b-c":{"d":1}}""", "$['b-c']", null, """{"d":1}""")]
    [InlineData("1", "1.0", "$", "1", "1.0")]
    [InlineData("""{"it's":1}""", """{"it's":2}""", "$['it\\'s']", "1", "2")]
    [InlineData("{", "{}", "$", "{", "{}")]
    [InlineData("""{"a":null}""", "{}", "$.a", "null", null)]
    public void Two_texts_differ_at_a_json_path(string left, string right, string path, string? there, string? here)
    {
        var only = Assert.Single(JsonDifferences.Between(left, right, 10));

        Assert.Equal((path, there, here), (only.Path, only.Left, only.Right));
    }

    [Fact]
    public async Task A_bundles_trace_is_alike_to_itself_and_is_not_once_a_payload_is_changed()
    {
        var evidence = Evidence.Bundle("forty-steps");
        var forged = evidence.With(0, step => step with { Output = step.Output with { Text = step.Output.Text + " " } });

        var same = await TraceDiff.OfAsync(Source(evidence), Source(evidence), TestContext.Current.CancellationToken);
        var other = await TraceDiff.OfAsync(Source(evidence), Source(forged), TestContext.Current.CancellationToken);

        Assert.False(same.Differs);
        Assert.Equal(("VERIFIED", "FAILED", false), (same.A.VerificationStatus, other.B.VerificationStatus, other.Alike));
    }

    private static TraceSource Source(Evidence evidence) => new(evidence.Trace, evidence.Steps.ToAsyncEnumerable(), null, new VerificationOptions());

    private static TraceComparison Compare(IReadOnlyList<ComparableStep> left, IReadOnlyList<ComparableStep> right, ComparisonOptions? options = null)
    {
        var comparison = new TraceComparison(options ?? new ComparisonOptions());
        for (var i = 0; i < Math.Max(left.Count, right.Count); i++)
        {
            if (i < left.Count)
                comparison.AddLeft(left[i]);
            if (i < right.Count)
                comparison.AddRight(right[i]);
        }

        comparison.Finish();
        return comparison;
    }

    private static ComparableStep Step(int planIndex, int? at = null) => new()
    {
        StepIndex = at ?? planIndex,
        PlanStep = $"step_{planIndex}",
        PlanIndex = planIndex,
        Attempt = 0,
        Skill = "echo",
        SkillVersion = "1.0.0",
        Schema = "aa",
        Status = "succeeded",
        OutcomeCode = null,
        Parameters = new("""{"a":1}""", null),
        Outcome = new("""{"list":[1,{"b":"x"}]}""", null),
    };
}
