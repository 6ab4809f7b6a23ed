using System.CommandLine;
using System.Text.Json.Nodes;

namespace RunProof.Cli;

/// <summary>The options of <c>run create</c> for planners that ask a language model.</summary>
internal static class RunChoices
{
    private static readonly Option<string?> Model = new("--model") { HelpName = "NAME", Description = "The language model, by its configured name, for the planners agent and llm. Default: the only one." };

    private static readonly Option<string[]> Tool = new("--tool")
    {
        HelpName = "SKILL",
        Description = "A skill that the model may use, * for any characters; again for each. Default: what the operator has configured.",
    };

    private static readonly Option<string?> Prompt = new("--prompt") { HelpName = "NAME", Description = "The system prompt, by its configured name. Default: the planner's own." };
    private static readonly Option<int?> MaxTurns = new("--max-turns") { HelpName = "N", Description = "Answers of the model at most." };
    private static readonly Option<int?> MaxSteps = new("--max-steps") { HelpName = "N", Description = "Steps at most." };

    internal static Command WithChoices(this Command command)
    {
        foreach (var option in new Option[] { Model, Tool, Prompt, MaxTurns, MaxSteps })
            command.Add(option);
        return command;
    }

    internal static void Write(Invocation invocation, JsonObject body)
    {
        if (invocation.Get(Model) is { } model)
            body["model"] = model;
        if (invocation.Get(Tool) is { Length: > 0 } tools)
            body["tools"] = new JsonArray([.. tools.Select(tool => (JsonNode)tool)]);
        if (invocation.Get(Prompt) is { } prompt)
            body["system_prompt_ref"] = prompt;
        if (invocation.Get(MaxTurns) is { } turns)
            body["max_turns"] = turns;
        if (invocation.Get(MaxSteps) is { } steps)
            body["max_steps"] = steps;
    }
}
