using RunProof.Skills;

namespace RunProof.Execution.Tests;

/// <summary>A plan that a model writes.</summary>
public sealed class LlmPlannerTests
{
    private static readonly FakeSkill Look = new("look", (_, _, _) => ValueTask.FromResult(FakeSkill.Gives("{}"))) { Shape = """{"type":"object","properties":{"stars":{"type":"integer"}},"additionalProperties":false}""" };
    private static readonly FakeSkill Tell = new("tell", (_, _, _) => ValueTask.FromResult(FakeSkill.Gives("{}"))) { Required = "text" };

    private const string Good = """[{"id":"see","skill":"look","params":{}},{"id":"say","skill":"tell","params":{"text":"{{steps.see.stars}}"}}]""";

    [Fact]
    public async Task The_model_is_told_the_goal_and_the_skills_and_its_plan_is_executed()
    {
        var loop = new Loop(skills: [Look, Tell]);
        var end = await loop.RunAsync(loop.Llm, Loop.Request(tools: ["look", "tell"]), step => step.Id switch
        {
            "plan_1" => Loop.Says(Good),
            "see" => """{"stars":7}""",
            _ => "{}",
        });
        Assert.IsType<PlanGrowth.Done>(end);
        Assert.Equal(["plan_1:llm_invoke", "see:look", "say:tell"], loop.History.Select(one => $"{one.Step.Id}:{one.Step.Skill}"));
        Assert.True(loop.History[2].Step.HasReferences);
        var asked = Assert.Single(Loop.Messages(loop.History[0]));
        Assert.StartsWith("user: Goal:\ncount the stars\n\nSkills:\n\n## look\nA fake.\nparams: {\"type\":\"object\"}\noutcome: {\"type\":\"object\",\"properties\":{\"stars\"", asked, StringComparison.Ordinal);
        Assert.DoesNotContain("llm_invoke", asked, StringComparison.Ordinal);
        loop.AssertRebuilt(loop.Llm, loop.History[0].Step);
    }

    [Theory]
    [InlineData("```json\n" + Good + "\n```")]
    [InlineData("  {\"plan\":" + Good + "}\n")]
    public async Task A_plan_in_a_fence_or_an_object_is_a_plan(string answer)
    {
        var loop = new Loop(skills: [Look, Tell]);
        Assert.IsType<PlanGrowth.Done>(await loop.RunAsync(loop.Llm, Loop.Request(tools: "*"), step => step.Skill == "llm_invoke" ? Loop.Says(answer) : "{}"));
        Assert.Equal(3, loop.History.Count);
    }

    [Fact]
    public async Task A_plan_that_is_not_valid_goes_back_with_all_its_errors_and_their_places()
    {
        var loop = new Loop(skills: [Look, Tell]);
        var end = await loop.RunAsync(loop.Llm, Loop.Request(tools: ["look", "tell"]), step => step.Id switch
        {
            "plan_1" => Loop.Says("""[{"skill":"look","on_error":"panic"},{"skill":"tell","params":{"text":"{{steps.see.moons}}"}},{"id":"plan_9","skill":"fly"}]"""),
            "plan_2" => Loop.Says(Good),
            _ => "{}",
        });
        Assert.IsType<PlanGrowth.Done>(end);
        Assert.Equal(["plan_1", "plan_2", "see", "say"], loop.History.Select(one => one.Step.Id));
        var messages = Loop.Messages(loop.History[1]);
        Assert.Equal(3, messages.Length);
        Assert.StartsWith("assistant: [{\"skill\":\"look\"", messages[1], StringComparison.Ordinal);
        Assert.Contains("- plan[0].on_error: must be one of abort, continue, retry", messages[2], StringComparison.Ordinal);
        Assert.Contains("- plan[1].params.text: {{steps.see.moons}}: there is no step \"see\"", messages[2], StringComparison.Ordinal);
        Assert.Contains("- plan[2].skill: there is no skill \"fly\"", messages[2], StringComparison.Ordinal);
        loop.AssertRebuilt(loop.Llm, loop.History[0].Step);
    }

    [Theory]
    [InlineData("I would rather write a poem.", "plan: is not JSON")]
    [InlineData("""[{"skill":"look","fallback":{"skill":"llm_invoke","params":{}}}]""", "plan[0].fallback.skill: \"llm_invoke\" may not be used; there are: look, tell")]
    [InlineData("""[{"skill":"llm_invoke","params":{}}]""", "plan[0].skill: \"llm_invoke\" may not be used; there are: look, tell")]
    [InlineData("""[{"id":"plan_2","skill":"look"}]""", "plan[0].id: must not begin with plan_")]
    [InlineData("[]", "plan: must have 1 to")]
    public async Task After_so_many_repairs_the_run_fails_and_says_why(string answer, string why)
    {
        var loop = new Loop(new ModelPlannerOptions { MaxRepairs = 2 }, Look, Tell);
        var end = Assert.IsType<PlanGrowth.Impossible>(await loop.RunAsync(loop.Llm, Loop.Request(tools: ["look", "tell"]), _ => Loop.Says(answer)));
        Assert.Equal("invalid_plan", end.Code);
        Assert.Contains("no valid plan in 3 answers", end.Message, StringComparison.Ordinal);
        Assert.Contains(why, end.Message, StringComparison.Ordinal);
        Assert.Equal(["plan_1", "plan_2", "plan_3"], loop.History.Select(one => one.Step.Id));
    }

    [Fact]
    public async Task A_plan_has_no_more_steps_than_the_run_may()
    {
        var loop = new Loop(new ModelPlannerOptions { MaxSteps = 2, MaxRepairs = 0 }, Look, Tell);
        var end = Assert.IsType<PlanGrowth.Impossible>(await loop.RunAsync(loop.Llm, Loop.Request(tools: "*"), _ => Loop.Says(Good)));
        Assert.Contains("plan: has 2 steps, and 1 are left of the 2", end.Message, StringComparison.Ordinal);
    }
}
