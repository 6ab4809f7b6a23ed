namespace RunProof.Skills;

/// <summary>Which model a step called, and what that took: the step's context has it as <c>usage</c>.</summary>
public sealed record ModelUsage
{
    /// <summary>Who serves the model, a name of the operator's or the service's host.</summary>
    public required string Provider { get; init; }

    /// <summary>The model, as the service calls the one that answered.</summary>
    public required string Model { get; init; }

    /// <summary>Tokens of what was sent, cached ones included.</summary>
    public required long InputTokens { get; init; }

    /// <summary>Tokens of what came back, those of reasoning included.</summary>
    public required long OutputTokens { get; init; }

    /// <summary>Input tokens that the service had in its cache.</summary>
    public long CachedTokens { get; init; }

    /// <summary>Output tokens that only the model saw.</summary>
    public long ReasoningTokens { get; init; }

    /// <summary>The version of the prices that the cost was made with; null where no prices are known, and then the cost is 0.</summary>
    public string? PriceVersion { get; init; }

    /// <summary>What it cost, in cents, exact.</summary>
    public decimal CostCents { get; init; }

    /// <summary>The service's own id of its last answer; null where it gave none.</summary>
    public string? ResponseId { get; init; }

    internal ModelUsage Checked()
    {
        ArgumentOutOfRangeException.ThrowIfNegative(InputTokens);
        ArgumentOutOfRangeException.ThrowIfNegative(OutputTokens);
        ArgumentOutOfRangeException.ThrowIfNegative(CachedTokens);
        ArgumentOutOfRangeException.ThrowIfNegative(ReasoningTokens);
        ArgumentOutOfRangeException.ThrowIfNegative(CostCents);
        return this;
    }

    internal ModelUsage Plus(ModelUsage other)
    {
        if (other.Provider != Provider || other.Model != Model || other.PriceVersion != PriceVersion)
            throw new ArgumentException($"a step calls one model: {Provider}/{Model} and {other.Provider}/{other.Model} are two", nameof(other));
        return other with
        {
            InputTokens = InputTokens + other.InputTokens,
            OutputTokens = OutputTokens + other.OutputTokens,
            CachedTokens = CachedTokens + other.CachedTokens,
            ReasoningTokens = ReasoningTokens + other.ReasoningTokens,
            CostCents = CostCents + other.CostCents,
        };
    }
}
