namespace RunProof.Execution;

/// <summary>What a caller chooses for a planner that asks a language model. Default: everything as the operator has configured it.</summary>
public sealed record PlannerChoices
{
    /// <summary>The model, by its configured name.</summary>
    public string? Model { get; init; }

    /// <summary>The skills that may be used: names, in which <c>*</c> stands for any characters. Never more than the operator allows.</summary>
    public IReadOnlyList<string>? Tools { get; init; }

    /// <summary>The system prompt, by its configured name.</summary>
    public string? SystemPromptRef { get; init; }

    /// <summary>Answers of the model at most; never more than the operator allows.</summary>
    public int? MaxTurns { get; init; }

    /// <summary>Steps at most; never more than the operator allows.</summary>
    public int? MaxSteps { get; init; }

    /// <summary>The members that are given, by their names in a request.</summary>
    internal IEnumerable<string> Given()
    {
        if (Model is not null)
            yield return "model";
        if (Tools is not null)
            yield return "tools";
        if (SystemPromptRef is not null)
            yield return "system_prompt_ref";
        if (MaxTurns is not null)
            yield return "max_turns";
        if (MaxSteps is not null)
            yield return "max_steps";
    }
}

/// <summary>What an operator decides about a planner that asks a language model.</summary>
public sealed record ModelPlannerOptions
{
    /// <summary>The model where the caller names none. Default: the tenant's only one.</summary>
    public string? Model { get; init; }

    /// <summary>The skills that may be used: names, in which <c>*</c> stands for any characters. Default: those that the caller names.</summary>
    public IReadOnlyList<string> Skills { get; init; } = [];

    /// <summary>The system prompt where the caller names none, by its configured name. Default: the one that comes with RunProof.</summary>
    public string? Prompt { get; init; }

    /// <summary>Answers of the model at most, 1 to 1,000. Default: 16.</summary>
    public int MaxTurns { get; init; } = 16;

    /// <summary>Steps of a run at most, 2 to 10,000. Default: 100.</summary>
    public int MaxSteps { get; init; } = 100;

    /// <summary>Tokens of one answer of the model at most, 1 to 10,000,000: what each call may use is known then, and reserved of budgets. Default: the service's.</summary>
    public int? MaxTokens { get; init; }

    /// <summary>How often a plan that is not valid is sent back to the model, 0 to 10; the planner <c>llm</c> alone. Default: 2.</summary>
    public int MaxRepairs { get; init; } = 2;

    /// <summary>
    /// Characters of a conversation at most, as it is sent and recorded, 16,384 to 4,000,000; the planner <c>agent</c> alone. Default: 524,288, some 130,000 tokens. Beyond it the oldest answers of
    /// tools give way to their digests.
    /// </summary>
    public int MaxConversation { get; init; } = 524_288;

    /// <summary>Refuses values out of their range.</summary>
    /// <exception cref="ArgumentException">One is; it is named.</exception>
    /// <returns>These options.</returns>
    public ModelPlannerOptions Validated()
    {
        InRange(MaxTurns, 1, 1_000, nameof(MaxTurns));
        InRange(MaxSteps, 2, 10_000, nameof(MaxSteps));
        InRange(MaxRepairs, 0, 10, nameof(MaxRepairs));
        InRange(MaxConversation, 16_384, 4_000_000, nameof(MaxConversation));
        InRange(MaxTokens ?? 1, 1, 10_000_000, nameof(MaxTokens));
        return this;
    }

    private static void InRange(int value, int least, int most, string name)
    {
        if (value < least || value > most)
            throw new ArgumentException(string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{name} must be from {least} to {most}"));
    }
}

/// <summary>What an operator decides about planners that ask a language model, and the rules of the planner that asks none.</summary>
public sealed record PlannerOptions
{
    /// <summary>The planner <c>agent</c>.</summary>
    public ModelPlannerOptions Agent { get; init; } = new();

    /// <summary>The planner <c>llm</c>.</summary>
    public ModelPlannerOptions Llm { get; init; } = new();

    /// <summary>The document of the planner <c>rules</c>; null where there is none.</summary>
    public RulesDocument? Rules { get; init; }
}
