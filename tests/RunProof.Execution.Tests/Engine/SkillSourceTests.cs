using System.Text;
using System.Text.Json;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Skills;

namespace RunProof.Execution.Tests;

/// <summary>Skills that become known while the process runs, and may change while it runs.</summary>
public sealed class SkillSourceTests
{
    private const string Pin = """{"a":{"digest":"d1"}}""";

    private readonly FakeSource _source = new();

    [Fact]
    public async Task The_trace_pins_what_the_skills_of_a_source_are_and_each_step_says_what_they_were()
    {
        CanonicalJson? asked = null;
        var house = House(Tool(pin => Passes(asked = pin)));
        await house.ExecuteAsync("{\"skill\":\"tool\"}");
        using var header = house.Recorder.Only.Opening.Context!.ToDocument();
        Assert.Equal(Pin, header.RootElement.GetProperty("tools").GetRawText());
        Assert.Equal(Pin, asked!.ToString());
        Assert.Equal(["agent_name", "policies", "runproof_version", "skills", "tools", "worker"], header.RootElement.EnumerateObject().Select(member => member.Name));
        Assert.True(header.RootElement.GetProperty("skills").TryGetProperty("tool", out _));
        Assert.Contains("\"plan_step\":\"step_0\",\"tools\":{\"seen\":\"d1\"},\"worker\"", house.Recorder.Only.Steps[0].Context!.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_step_whose_skill_is_not_what_was_pinned_fails_and_is_not_executed()
    {
        var tool = Tool(_ => new SkillCheck(new SkillFailure("tools_changed", "they are others"), Json("""{"now":"d2","pinned":"d1"}""")));
        var house = House(tool);
        var outcome = await house.ExecuteAsync("{\"skill\":\"tool\"}");
        Assert.Equal(("tools_changed", "step \"step_0\": they are others"), (outcome.ErrorCode, outcome.ErrorMessage));
        Assert.Empty(tool.Calls);
        var step = house.Recorder.Only.Steps[0];
        Assert.Equal((StepStatus.Failed, "tools_changed"), (step.Status, step.OutcomeCode));
        Assert.Contains("\"tools\":{\"now\":\"d2\",\"pinned\":\"d1\"}", step.Context!.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_skill_that_is_gone_says_what_became_of_it_and_no_new_plan_may_name_it()
    {
        var former = Tool(_ => new SkillCheck(new SkillFailure("tools_changed", "it is gone"), null));
        var house = House(Tool(Passes));
        var planned = house.Planned("{\"skill\":\"tool\"}");
        _source.Current = new SkillSnapshot(new Dictionary<string, SkillDescriptor>(), new Dictionary<string, SkillDescriptor> { ["tool"] = former }, Json(Pin));
        var outcome = await house.DriveAsync(house.Engine.ExecuteAsync(planned, null, RunControl.Of(CancellationToken.None)));
        Assert.Equal("tools_changed", outcome.ErrorCode);
        Assert.Contains("there is no skill \"tool\"", Assert.Single(house.Parser.Parse(Execution.Tests.House.Json("""[{"skill":"tool"}]"""), "plan").Errors).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_compiled_skill_keeps_its_name_and_a_change_is_seen_at_once()
    {
        var compiled = new FakeSkill("tool", (_, _, _) => new(FakeSkill.Gives("{}")));
        var registry = new SkillRegistry([compiled], sources: [_source]);
        _source.Bring(Tool(Passes), new FakeSkill("another", (_, _, _) => new(FakeSkill.Gives("{}"))) { Check = Passes });
        Assert.True(registry.TryFind("tool", out var found));
        Assert.Same(compiled, found);
        Assert.Equal(["another", "tool"], registry.All.Select(skill => skill.Name));
        _source.Bring();
        Assert.Equal(["tool"], registry.All.Select(skill => skill.Name));
    }

    [Fact]
    public async Task Who_goes_on_with_a_run_holds_to_what_its_trace_pinned()
    {
        List<string?> asked = [];
        var house = House(Tool(pin =>
        {
            asked.Add(pin?.ToString());
            return Passes(pin);
        }));
        var planned = house.Planned("{\"skill\":\"tool\"}");
        house.Recorder.Fail("append 0", Fault.Fenced);
        await house.DriveAsync(house.Engine.ExecuteAsync(planned, null, RunControl.Of(CancellationToken.None)));
        house.Recorder.Heal();
        _source.Current = _source.Current with { Pin = Json("""{"a":{"digest":"d2"}}""") };
        var next = house.Next("worker-2");

        var where = await next.Resumption.FindAsync(planned with { Resumes = true }, CancellationToken.None);
        await next.DriveAsync(next.Engine.ExecuteAsync(planned, where with { IsBetweenSteps = true }, RunControl.Of(CancellationToken.None)));

        Assert.Equal([Pin, Pin], asked);
    }

    private static CanonicalJson Json(string json) => CanonicalJson.Parse(Encoding.UTF8.GetBytes(json));

    private static SkillCheck Passes(CanonicalJson? pin) => new(null, Json("""{"seen":"d1"}"""));

    private static FakeSkill Tool(Func<CanonicalJson?, SkillCheck> check) => new("tool", (_, _, _) => new(FakeSkill.Gives("{}"))) { Check = check };

    private House House(FakeSkill tool)
    {
        _source.Bring(tool);
        return new House { Source = _source };
    }

    private sealed class FakeSource : ISkillSource
    {
        public string Name => "tools";

        public SkillSnapshot Current { get; set; } = null!;

        public void Bring(params FakeSkill[] skills) => Current = new SkillSnapshot(
            skills.ToDictionary(skill => skill.Name, SkillDescriptor (skill) => skill), new Dictionary<string, SkillDescriptor>(), Json(Pin));
    }
}
