using RunProof.Policies;

namespace RunProof.Execution.Tests;

/// <summary>Plans from an operator's rules.</summary>
public sealed class RulesPlannerTests
{
    private const string Yaml =
        """
        planner: rules
        version: "3"
        rules:
          - id: fetch
            goal: { regex: '(?i)fetch (?<url>https?://\S+)( twice)?' }
            plan:
              - { id: get, skill: look, params: { url: "{{goal.url}}" } }
              - { skill: tell, params: { text: "{{steps.get.stars}} for {{goal}}" } }
          - id: greet
            goal: { glob: "greet {name}, please*" }
            plan: [{ skill: tell, params: { text: "Hello, {{ goal.name }}!" } }]
        """;

    [Fact]
    public async Task A_goal_that_fits_a_rule_becomes_its_plan()
    {
        var plan = (await PlanAsync("FETCH https://example.com/a?b=\"c\"")).Plan!;
        Assert.Equal(["get", "step_1"], plan.Steps.Select(step => step.Id));
        Assert.Equal("""{"url":"https://example.com/a?b=\"c\""}""", plan.Steps[0].Parameters.ToString());
        Assert.Equal("""{"text":"{{steps.get.stars}} for FETCH https://example.com/a?b=\"c\""}""", plan.Steps[1].Parameters.ToString());
        Assert.True(plan.Steps[1].HasReferences);
    }

    [Theory]
    [InlineData("greet Ada, please", "Hello, Ada!")]
    [InlineData("greet Ada and\nBob, please, now", "Hello, Ada and\nBob!")]
    public async Task A_glob_keeps_what_stands_for_its_names(string goal, string text) =>
        Assert.Equal(text, House.Json((await PlanAsync(goal)).Plan!.Steps[0].Parameters.ToString()).GetProperty("text").GetString());

    [Theory]
    [InlineData("dance", "goal: fits no rule; there are: fetch, greet")]
    [InlineData("greet {{steps.get.secret}}, please", "goal: must not hold {{")]
    [InlineData("please fetch https://example.com/", "goal: fits no rule; there are: fetch, greet")]
    public async Task What_fits_none_or_could_be_taken_for_more_is_refused(string goal, string message)
    {
        var error = Assert.Single((await PlanAsync(goal)).Errors);
        Assert.StartsWith(message, $"{error.Place}: {error.Message}", StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_rules_it_says_what_to_set()
    {
        var house = TheHouse();
        var planner = new RulesPlanner(house.Parser, new PlannerOptions());
        var error = Assert.Single((await planner.PlanAsync(new PlanningRequest("dance", null), default)).Errors);
        Assert.Contains("RunProof__Planners__Rules", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_made_a_plan_is_told_of_the_plan_and_of_no_other()
    {
        var house = TheHouse();
        var rules = RulesDocument.Read(DataDocument.Read(Yaml));
        var planner = new RulesPlanner(house.Parser, new PlannerOptions { Rules = rules });
        var plan = (await planner.PlanAsync(new PlanningRequest("greet Ada, please", null), default)).Plan!;
        Assert.Equal($$"""{"digest":"{{rules.Digest}}","rule":"greet","version":"3"}""", planner.Describe("greet Ada, please", plan)!.ToString());
        Assert.Null(planner.Describe("greet Bob, please", plan));
        Assert.Null(planner.Describe("dance", plan));
    }

    [Fact]
    public void YAML_and_JSON_of_one_meaning_have_one_digest()
    {
        var json = DataDocument.Read(Yaml);
        Assert.Equal(RulesDocument.Read(json).Digest, RulesDocument.Read(DataDocument.Read(json.ToString())).Digest);
        Assert.NotEqual(RulesDocument.Read(json).Digest, RulesDocument.Read(DataDocument.Read(Yaml.Replace("Hello", "Good day", StringComparison.Ordinal))).Digest);
    }

    [Theory]
    [InlineData("[]", "is an object")]
    [InlineData("planner: other\nversion: '1'\nrules: []", "planner must be \"rules\"; rules must be an array of at least one rule")]
    [InlineData("planner: rules\nversion: '1'\nrules: [{id: a, goal: {regex: '('}, plan: [{}]}]", "rules[0].goal.regex cannot be used")]
    [InlineData("planner: rules\nversion: '1'\nrules: [{id: a, goal: {regex: '(.)\\1'}, plan: [{}]}]", "rules[0].goal.regex cannot be used")]
    [InlineData("planner: rules\nversion: '1'\nrules: [{id: a, goal: {regex: a, glob: b}, plan: [{}]}]", "rules[0].goal must have a regex or a glob, and not both")]
    [InlineData("planner: rules\nversion: '1'\nrules: [{id: a, goal: {glob: a}, plan: [{params: {x: '{{goal.y}}'}}]}]", "rules[0].plan[0].params.x {{goal.y}}: the goal's pattern has no group of that name")]
    [InlineData("planner: rules\nversion: '1'\nrules: [{id: a, goal: {glob: a}, plan: [{}]}, {id: a, goal: {glob: a}, paln: []}]", "rules[1].paln is not a member here")]
    public void A_document_that_cannot_be_meant_is_refused_with_its_places(string yaml, string message) =>
        Assert.Contains(message, Assert.Throws<FormatException>(() => RulesDocument.Read(DataDocument.Read(yaml))).Message, StringComparison.Ordinal);

    [Fact]
    public void What_is_neither_YAML_nor_JSON_is_refused_with_its_line() =>
        Assert.Contains("line 3", Assert.Throws<FormatException>(() => DataDocument.Read("planner: rules\nrules: [")).Message, StringComparison.Ordinal);

    private static House TheHouse() => new(
        new FakeSkill("look", (_, _, _) => ValueTask.FromResult(FakeSkill.Gives("{}"))), new FakeSkill("tell", (_, _, _) => ValueTask.FromResult(FakeSkill.Gives("{}"))) { Required = "text" });

    private static async Task<PlanValidation> PlanAsync(string goal) =>
        await new RulesPlanner(TheHouse().Parser, new PlannerOptions { Rules = RulesDocument.Read(DataDocument.Read(Yaml)) }).PlanAsync(new PlanningRequest(goal, null), default);
}
