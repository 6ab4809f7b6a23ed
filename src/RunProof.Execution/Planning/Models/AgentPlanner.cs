using System.Globalization;
using System.Text.Json;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Skills;

namespace RunProof.Execution;

/// <summary>
/// A loop: the model is asked, the skills that it calls are executed as steps, their outcomes go back to it, until it answers without calling any. Each call of the model is a step with
/// its tokens and cost, and each call of a skill is one, judged by the policies like any other.
/// </summary>
/// <param name="models">The models.</param>
/// <param name="skills">The skills.</param>
/// <param name="parser">Validates the first step.</param>
/// <param name="options">What the operator allows.</param>
public sealed class AgentPlanner(IModelCatalog models, SkillRegistry skills, PlanParser parser, PlannerOptions options) : IGrowingPlanner
{
    /// <summary>Its name: <c>agent</c>.</summary>
    public const string PlannerName = "agent";

    /// <summary>The name of the system prompt that comes with RunProof.</summary>
    public const string UsualPrompt = "runproof-agent";

    /// <summary>Milliseconds that a skill which the model calls may take.</summary>
    public const int ToolTimeoutMs = 120_000;

    /// <summary>Characters of a skill's outcome that the model is told.</summary>
    public const int LongestResult = 65_536;

    private const string Turn = "turn_";
    private const string MaxConversation = "max_conversation";
    private const int LongestNameTold = 64;

    /// <inheritdoc/>
    public string Name => PlannerName;

    /// <inheritdoc/>
    public bool TakesChoices => true;

    /// <inheritdoc/>
    public ValueTask<PlanValidation> PlanAsync(PlanningRequest request, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(request);
        var errors = new List<PlanError>();
        if (ModelSetup.Settle("Agent", UsualPrompt, request, options.Agent, models, skills, errors) is not { } setup)
            return ValueTask.FromResult(new PlanValidation(null, errors));
        var tools = ToolNames.Of(setup.Skills);
        var labels = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["planner"] = PlannerName,
            [MaxConversation] = options.Agent.MaxConversation.ToString(CultureInfo.InvariantCulture),
            ["max_turns"] = setup.MaxTurns.ToString(CultureInfo.InvariantCulture),
            ["max_steps"] = setup.MaxSteps.ToString(CultureInfo.InvariantCulture),
        };
        foreach (var (tool, skill) in tools.Where(one => one.Tool != one.Skill.Name))
            labels[ToolNames.Label + tool] = skill.Name;
        var first = ModelCallStep.First(Turn + "1", setup, labels, writer => Offer(writer, tools), request.Goal);
        return ValueTask.FromResult(ModelCallStep.Validate(first, parser));
    }

    /// <inheritdoc/>
    public PlanGrowth Grow(RunHistory history)
    {
        ArgumentNullException.ThrowIfNull(history);
        try
        {
            return GoOn(history.Steps);
        }
        catch (Exception e) when (e is FormatException or CanonicalFormatException or JsonException or InvalidOperationException or KeyNotFoundException)
        {
            return new PlanGrowth.Impossible("no_answer", $"how the agent goes on cannot be told from what is recorded: {e.Message}");
        }
    }

    private static PlanGrowth GoOn(IReadOnlyList<EndedStep> steps)
    {
        var (at, number) = LastTurn(steps);
        var turn = steps[at];
        if (turn.Failure is { } failure || turn.Outcome is null)
            return new PlanGrowth.Impossible(turn.Failure?.Code ?? "no_answer", $"step \"{turn.Step.Id}\": {turn.Failure?.Message ?? "the model's answer is erased"}");
        if (!turn.OutcomeIsKnown)
            return new PlanGrowth.Impossible("redacted_reference", $"step \"{turn.Step.Id}\": the model's answer was redacted before it was stored, and the process that knew it is gone");
        var answer = ModelAnswer.Of(turn.Outcome);
        if (answer.Calls.Count == 0)
            return string.IsNullOrWhiteSpace(answer.Content) ? new PlanGrowth.Impossible("no_answer", $"step \"{turn.Step.Id}\": the model says nothing and calls nothing") : new PlanGrowth.Done();

        using var first = steps[0].Step.Parameters.ToDocument();
        var (mostTurns, mostSteps) = (ModelCallStep.Limit(first.RootElement, "max_turns"), ModelCallStep.Limit(first.RootElement, "max_steps"));
        if (number >= mostTurns)
            return new PlanGrowth.Impossible("turn_limit", string.Create(CultureInfo.InvariantCulture, $"the model still calls tools in its answer {number}, and it may give {mostTurns}"));
        if (at + 1 >= mostSteps)
            return new PlanGrowth.Impossible("step_limit", string.Create(CultureInfo.InvariantCulture, $"the model still calls tools, and the run may have {mostSteps} steps"));
        var planned = PlanOf(answer, number, Offered(first.RootElement), room: mostSteps - at - 2);
        var calls = planned.Select(one => one.Step).OfType<PlannedStep>().ToList();
        if (calls.Count > 0 && steps.Count == at + 1)
            return new PlanGrowth.More(calls);
        // The last answer that there is room for may call nothing any more.
        var isLast = number + 1 == mostTurns || at + calls.Count + 4 > mostSteps;
        var ended = steps.Skip(at + 1).ToDictionary(step => step.Step.Id, StringComparer.Ordinal);
        var most = first.RootElement.GetProperty("labels").TryGetProperty(MaxConversation, out _) ? ModelCallStep.Limit(first.RootElement, MaxConversation) : new ModelPlannerOptions().MaxConversation;
        var next = ModelCallStep.Next(Id(number + 1), turn.Step, writer =>
        {
            answer.WriteTo(writer);
            foreach (var (call, step, refusal) in planned)
                ToolResult.Write(writer, call, refusal ?? ToolResult.Of(ended[step!.Id]));
        }, isLast, most);
        return next is null
            ? new PlanGrowth.Impossible("conversation_limit", string.Create(CultureInfo.InvariantCulture, $"the conversation is longer than {most} characters, also without what the tools answered"))
            : new PlanGrowth.More([next]);
    }

    private static (int At, int Number) LastTurn(IReadOnlyList<EndedStep> steps)
    {
        for (var i = steps.Count - 1; i >= 0; i--)
        {
            var id = steps[i].Step.Id;
            if (id.StartsWith(Turn, StringComparison.Ordinal) && int.TryParse(id.AsSpan(Turn.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number))
                return (i, number);
        }

        throw new FormatException("it has no call of the model");
    }

    // A call that cannot be a step is answered all the same: the service insists on an answer to each.
    private static List<(ModelAnswer.Call Call, PlannedStep? Step, string? Refusal)> PlanOf(ModelAnswer answer, int number, Dictionary<string, string> offered, int room)
    {
        var planned = new List<(ModelAnswer.Call, PlannedStep?, string?)>();
        var names = $"; there are: {string.Join(", ", offered.Keys)}";
        for (var i = 0; i < answer.Calls.Count; i++)
        {
            var call = answer.Calls[i];
            var arguments = ModelCallStep.ArgumentsOf(call.Arguments);
            if (!offered.TryGetValue(call.Tool, out var skill))
            {
                // The names once: an answer may be full of tools that nobody has.
                planned.Add((call, null, ToolResult.Error("unknown_tool", $"there is no tool \"{Shown(call.Tool)}\"{names}")));
                names = "";
            }
            else if (arguments is null)
                planned.Add((call, null, ToolResult.Error("invalid_arguments", "the arguments are not a JSON object; nothing was done")));
            else if (room-- <= 0)
                planned.Add((call, null, ToolResult.Error("step_limit", "no more steps may be taken; nothing was done")));
            else
                planned.Add((call, CallStep(string.Create(CultureInfo.InvariantCulture, $"{Id(number)}_call_{i + 1}"), skill, arguments), null));
        }

        return planned;
    }

    private static string Shown(string tool) =>
        tool.Length <= LongestNameTold ? tool : tool[..(char.IsHighSurrogate(tool[LongestNameTold - 1]) ? LongestNameTold - 1 : LongestNameTold)] + "…";

    private static PlannedStep CallStep(string id, string skill, CanonicalJson arguments) => new()
    {
        // Calls of one answer were made without knowing of each other's results: none waits for another.
        Id = id, Skill = skill, Parameters = arguments, DependsOn = [], OnError = OnError.Continue, TimeoutMs = ToolTimeoutMs,
    };

    private static string Id(int number) => string.Create(CultureInfo.InvariantCulture, $"{Turn}{number}");

    /// <summary>The skills that were offered, by the names of their tools.</summary>
    private static Dictionary<string, string> Offered(JsonElement parameters)
    {
        var labels = parameters.GetProperty("labels");
        return parameters.GetProperty("tools").EnumerateArray().Select(tool => tool.GetProperty("name").GetString()!)
            .ToDictionary(tool => tool, tool => labels.TryGetProperty(ToolNames.Label + tool, out var skill) ? skill.GetString()! : tool, StringComparer.Ordinal);
    }

    private static void Offer(Utf8JsonWriter writer, IReadOnlyList<(string Tool, SkillDescriptor Skill)> tools)
    {
        foreach (var (tool, skill) in tools)
        {
            writer.WriteStartObject();
            writer.WriteString("name", tool);
            writer.WriteString("description", SkillText.Harmless(skill.Description));
            writer.WritePropertyName("parameters");
            writer.WriteRawValue(SkillText.Harmless(skill.ParametersSchema));
            writer.WriteEndObject();
        }
    }
}

/// <summary>What skills say about themselves, where a plan quotes it.</summary>
internal static class SkillText
{
    /// <summary>The text without what a plan would take for a reference to a step.</summary>
    public static string Harmless(string text) => text.Replace("{{", "{ {", StringComparison.Ordinal);
}
