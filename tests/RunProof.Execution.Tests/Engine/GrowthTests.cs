using System.Globalization;
using System.Text.Json;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.Execution.Tests;

/// <summary>Plans that grow while the run goes on, and grow the same again after a crash.</summary>
public sealed class GrowthTests
{
    private readonly FakeSkill _count = new("count", (parameters, _, _) => new(FakeSkill.Gives(
        string.Create(CultureInfo.InvariantCulture, $$"""{"n":{{parameters.GetProperty("n").GetInt32() + 1}}}"""))));

    private readonly FakeSkill _fail = new("fail", (_, _, _) => new(FakeSkill.Fails("broken"))) { Idempotent = true };
    private readonly FakeSkill _safe = new("safe", (_, _, _) => new(FakeSkill.Gives("""{"n":100}"""))) { Idempotent = true };

    [Fact]
    public async Task A_plan_grows_from_what_came_back_until_its_planner_says_that_it_is_done()
    {
        var (house, planned) = Make(new CountingPlanner(3));

        var outcome = await house.DriveAsync(house.Engine.ExecuteAsync(planned, null, RunControl.Of(default)));

        Assert.Equal(RunStatus.Succeeded, outcome.Status);
        Assert.Equal(["""{"n":0}""", """{"n":1}""", """{"n":2}"""], _count.Calls);
        Assert.Equal([0, 1, 2], house.Recorder.Only.Steps.Select(PlanGraphTests.PlanIndex));
        Assert.Equal("""[{"id":"count_0","on_error":"abort","params":{"n":0},"retry":null,"skill":"count","timeout_ms":3600000}]""", house.Recorder.Only.Opening.Plan.ToString());
        Assert.Equal(SealStatus.Completed, house.Recorder.Only.Closing!.Status);
    }

    [Theory]
    [InlineData("append 1")]
    [InlineData("append 2")]
    [InlineData("append 3")]
    [InlineData("seal")]
    public async Task After_a_crash_the_same_plan_grows_again_and_nothing_recorded_is_executed_again(string lost)
    {
        var counted = new FakeSkill("count", (parameters, _, _) => new(FakeSkill.Gives(
            string.Create(CultureInfo.InvariantCulture, $$"""{"n":{{parameters.GetProperty("n").GetInt32() + 1}}}""")))) { Idempotent = true };
        var (house, planned) = Make(new CountingPlanner(4), counted);
        await DieAsync(house, planned, lost);

        await ConditionTests.RecoverAsync(house);

        var steps = house.Recorder.Only.Steps;
        Assert.Equal(["""{"n":0}""", """{"n":1}""", """{"n":2}""", """{"n":3}"""], steps.Select(step => step.Parameters.ToString()));
        Assert.Equal([0, 1, 2, 3], steps.Select(PlanGraphTests.PlanIndex));
        Assert.Equal(lost == "seal" ? 4 : 5, counted.Calls.Count);
        Assert.Equal((RunStatus.Succeeded, SealStatus.Completed), (house.Runs.Only.Status, house.Recorder.Only.Closing!.Status));
    }

    // Two rounds: the second has steps beside each other, one skipped, one saved by its fallback.
    [Theory]
    [InlineData("append 1")]
    [InlineData("append 2")]
    [InlineData("append 3")]
    [InlineData("append 4")]
    [InlineData("seal")]
    public async Task Grown_steps_may_have_conditions_and_fallbacks_and_are_gone_on_with_after_a_crash(string lost)
    {
        var (house, planned) = Make(new RoundsPlanner());
        await DieAsync(house, planned, lost);

        await ConditionTests.RecoverAsync(house);

        var steps = house.Recorder.Only.Steps;
        Assert.Equal(
            [(0, StepStatus.Succeeded), (1, StepStatus.Skipped), (2, StepStatus.Failed), (2, StepStatus.Succeeded), (3, StepStatus.Succeeded)],
            steps.OrderBy(PlanGraphTests.PlanIndex).ThenBy(step => step.RetryCount).Select(step => (PlanGraphTests.PlanIndex(step), step.Status)));
        Assert.Equal("""{"n":100}""", steps.Single(step => PlanGraphTests.PlanIndex(step) == 3).Parameters.ToString());
        Assert.Equal((RunStatus.Succeeded, SealStatus.Completed), (house.Runs.Only.Status, house.Recorder.Only.Closing!.Status));
    }

    [Theory]
    [InlineData("twice", "the id \"count_0\" is another step's already")]
    [InlineData("unknown", "step \"odd\" depends on \"nobody\", which is no step")]
    [InlineData("none", "it has no step")]
    public async Task A_planner_that_goes_on_with_what_is_no_plan_fails_the_run(string how, string why)
    {
        var (house, planned) = Make(new OddPlanner(how));

        var outcome = await house.DriveAsync(house.Engine.ExecuteAsync(planned, null, RunControl.Of(default)));

        Assert.Equal((RunStatus.Failed, "invalid_plan"), (outcome.Status, outcome.ErrorCode));
        Assert.EndsWith(why, outcome.ErrorMessage, StringComparison.Ordinal);
        Assert.Single(house.Recorder.Only.Steps);
    }

    private (House House, PlannedRun Planned) Make(IGrowingPlanner planner, FakeSkill? count = null)
    {
        var house = new House(count ?? _count, _fail, _safe) { Growing = planner };
        var planned = house.Planned("""{"id":"count_0","skill":"count","params":{"n":0}}""");
        return (house, planned with { Run = planned.Run with { Planner = planner.Name } });
    }

    private static async Task DieAsync(House house, PlannedRun planned, string write)
    {
        house.Recorder.Fail(write, Fault.Lost);
        await house.DriveAsync(house.Engine.ExecuteAsync(planned, null, RunControl.Of(default)));
        house.Recorder.Heal();
        house.Runs.Put(planned.Run with { Worker = "dead", LeaseUntil = house.Clock.GetUtcNow() - TimeSpan.FromSeconds(1) });
    }

    private static PlannedStep Step(string id, string skill, string parameters = "{}") =>
        new() { Id = id, Skill = skill, Parameters = CanonicalJson.Parse(System.Text.Encoding.UTF8.GetBytes(parameters)), HasReferences = parameters.Contains("{{", StringComparison.Ordinal), TimeoutMs = 3_600_000 };

    private abstract class FakePlanner : IGrowingPlanner
    {
        public string Name => "fake";

        public ValueTask<PlanValidation> PlanAsync(PlanningRequest request, CancellationToken cancellationToken) => throw new NotSupportedException();

        public abstract PlanGrowth Grow(RunHistory history);
    }

    /// <summary>One more step each time, with what the last one gave.</summary>
    private sealed class CountingPlanner(int steps) : FakePlanner
    {
        public override PlanGrowth Grow(RunHistory history)
        {
            if (history.Steps.Count == steps)
                return new PlanGrowth.Done();
            using var last = JsonDocument.Parse(history.Steps[^1].Outcome!.Bytes);
            var n = last.RootElement.GetProperty("n").GetInt32();
            return new PlanGrowth.More([Step(string.Create(CultureInfo.InvariantCulture, $"count_{n}"), "count", string.Create(CultureInfo.InvariantCulture, $$"""{"n":{{n}}}"""))]);
        }
    }

    private sealed class RoundsPlanner : FakePlanner
    {
        public override PlanGrowth Grow(RunHistory history) => history.Steps.Count switch
        {
            1 => new PlanGrowth.More(
            [
                Step("never", "count", """{"n":5}""") with { DependsOn = [], Condition = Condition.Parse("""{"value":"{{steps.count_0.n}}","equals":2}""") },
                Step("saved", "fail") with { DependsOn = [], Fallback = new PlannedFallback { Skill = "safe", Parameters = CanonicalJson.Parse("{}"u8) } },
            ]),
            // What was skipped is history, too.
            3 when history.Steps[1].Status is StepStatus.Skipped && history.Steps[2].Status is StepStatus.Succeeded => new PlanGrowth.More([Step("last", "safe", """{"n":"{{steps.saved.n}}"}""")]),
            _ => new PlanGrowth.Done(),
        };
    }

    private sealed class OddPlanner(string how) : FakePlanner
    {
        public override PlanGrowth Grow(RunHistory history) => new PlanGrowth.More(how switch
        {
            "twice" => [Step("count_0", "safe")],
            "unknown" => [Step("odd", "safe") with { DependsOn = ["nobody"] }],
            _ => [],
        });
    }
}
