using System.Globalization;
using System.Text;
using System.Text.Json;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Skills;

namespace RunProof.Execution.Tests;

/// <summary>A growing planner without an engine: its steps are answered by a test, in order, and at each point it must say the same again.</summary>
internal sealed class Loop
{
    private readonly List<EndedStep> _history = [];

    public Loop(ModelPlannerOptions? options = null, params FakeSkill[] skills)
    {
        House = new House([new FakeSkill("llm_invoke", (_, _, _) => ValueTask.FromResult(FakeSkill.Gives("{}"))), .. skills]);
        var registry = new SkillRegistry(House.Skills);
        var planners = new PlannerOptions { Agent = options ?? new(), Llm = options ?? new() };
        Agent = new AgentPlanner(Models, registry, House.Parser, planners);
        Llm = new LlmPlanner(Models, registry, House.Parser, planners);
    }

    public House House { get; }

    public FakeModels Models { get; } = new();

    public AgentPlanner Agent { get; }

    public LlmPlanner Llm { get; }

    public IReadOnlyList<EndedStep> History => _history;

    public static PlanningRequest Request(string goal = "count the stars", params string[] tools) =>
        new(goal, null) { TenantId = House.Tenant, Choices = new PlannerChoices { Tools = tools.Length == 0 ? null : tools } };

    /// <summary>A model's answer, as the skill records it.</summary>
    public static string Says(string text) => $$"""{"content":{{Quote(text)}},"tool_calls":[]}""";

    public static string Calls(params (string Tool, string Arguments)[] calls) =>
        "{\"content\":null,\"tool_calls\":["
        + string.Join(",", calls.Select((call, i) => $$"""{"id":"c{{i.ToString(CultureInfo.InvariantCulture)}}","name":"{{call.Tool}}","arguments":{{Quote(call.Arguments)}}}"""))
        + "]}";

    public static string Quote(string text) => JsonSerializer.Serialize(text);

    /// <summary>Plans and executes to the end; each step's outcome comes from a function.</summary>
    /// <returns>The end.</returns>
    public async Task<PlanGrowth> RunAsync(IGrowingPlanner planner, PlanningRequest request, Func<PlannedStep, object> answer)
    {
        var validation = await planner.PlanAsync(request, default);
        Assert.Empty(validation.Errors);
        IReadOnlyList<PlannedStep> steps = validation.Plan!.Steps;
        while (true)
        {
            foreach (var step in steps)
                _history.Add(Ended(step, answer(step)));
            var growth = planner.Grow(new RunHistory(request.Goal, [.. _history]));
            // Whoever goes on after a crash, at whatever step, comes to the same.
            AssertSame(growth, planner.Grow(new RunHistory(request.Goal, [.. _history])));
            if (growth is not PlanGrowth.More more)
                return growth;
            Assert.True(_history.Count < 500, "the plan never ends");
            Assert.Equal(more.Steps.Count, more.Steps.Select(step => step.Id).Except(_history.Select(one => one.Step.Id)).Count());
            steps = more.Steps;
        }
    }

    /// <summary>Another process reads from the record what this one had: it must plan the very same steps.</summary>
    public void AssertRebuilt(IGrowingPlanner planner, PlannedStep first)
    {
        var rebuilt = new List<PlannedStep> { first };
        for (var i = 1; i < _history.Count; i++)
        {
            if (rebuilt.Count > i)
                continue;
            var grown = Assert.IsType<PlanGrowth.More>(planner.Grow(new RunHistory("count the stars", [.. rebuilt.Select((step, at) => _history[at] with { Step = step })])));
            rebuilt.AddRange(grown.Steps);
        }

        Assert.Equal(new Plan([.. _history.Select(one => one.Step)]).ToCanonicalJson().ToString(), new Plan(rebuilt).ToCanonicalJson().ToString());
    }

    public static JsonElement Parameters(EndedStep step) => House.Json(step.Step.Parameters.ToString());

    public static string[] Messages(EndedStep step) =>
        [.. Parameters(step).GetProperty("messages").EnumerateArray().Select(message => $"{message.GetProperty("role")}: {message.GetProperty("content")}")];

    private static EndedStep Ended(PlannedStep step, object answer) => answer switch
    {
        SkillFailure failure => new EndedStep(step, failure.Code == "policy_denied" ? StepStatus.Blocked : StepStatus.Failed, null, failure),
        string outcome => new EndedStep(step, StepStatus.Succeeded, CanonicalJson.Parse(Encoding.UTF8.GetBytes(outcome)), null),
        _ => (EndedStep)answer with { Step = step },
    };

    private static void AssertSame(PlanGrowth one, PlanGrowth other)
    {
        if (one is PlanGrowth.More { Steps: var steps })
            Assert.Equal(new Plan(steps).ToCanonicalJson(), new Plan(Assert.IsType<PlanGrowth.More>(other).Steps).ToCanonicalJson());
        else
            Assert.Equal(one, other);
    }
}

/// <summary>Models that a test names.</summary>
internal sealed class FakeModels : IModelCatalog
{
    public List<string> Names { get; } = ["small"];

    public IReadOnlyList<string> ModelsOf(TenantId tenant) => Names;

    public TimeSpan TimeoutOf(string model) => TimeSpan.FromMinutes(2);

    public string? DigestOfPrompt(string prompt) => prompt.StartsWith("no", StringComparison.Ordinal) ? null : Digest.Of(Encoding.UTF8.GetBytes(prompt)).ToString();
}
