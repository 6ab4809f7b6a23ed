namespace RunProof.Models;

/// <summary>What an operator decides about language models. Default: there is none.</summary>
public sealed record ModelsOptions
{
    /// <summary>The models, by the name that plans call them by.</summary>
    public IReadOnlyDictionary<string, ModelEndpoint> Models { get; init; } = new Dictionary<string, ModelEndpoint>(StringComparer.Ordinal);

    /// <summary>System prompts by name, beside <see cref="BuiltinPrompts"/> and over them. Evidence has the name and the digest, never the text.</summary>
    public IReadOnlyDictionary<string, string> Prompts { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);
}

/// <summary>One model of one service. A plan knows its name; address and key stay with the operator and are in no evidence.</summary>
public sealed record ModelEndpoint
{
    /// <summary>Where a model without an address is: <c>https://api.openai.com/v1</c>.</summary>
    public const string DefaultEndpoint = "https://api.openai.com/v1";

    /// <summary>An absolute http or https URL, up to and without <c>/chat/completions</c>. It may be private: the operator wrote it. Default: <see cref="DefaultEndpoint"/>.</summary>
    public string Endpoint { get; init; } = DefaultEndpoint;

    /// <summary>What the service calls the model.</summary>
    public required string Model { get; init; }

    /// <summary>Sent as <c>Authorization: Bearer</c>. Default: none, as local services want it.</summary>
    public string? ApiKey { get; init; }

    /// <summary>Who serves it, for evidence. Default: the endpoint's host.</summary>
    public string? Provider { get; init; }

    /// <summary>The tenants that may use it, by id; <c>*</c> for all. Default: all.</summary>
    public IReadOnlyList<string> Tenants { get; init; } = ["*"];

    /// <summary>Time for one call, 1 s to 1 h. Default: 2 minutes.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Bytes of a request, 1 KiB to 64 MiB. Default: 4 MiB.</summary>
    public int MaxRequestBytes { get; init; } = 4 << 20;

    /// <summary>Bytes of an answer, decompressed, after which the call is cut off: 1 KiB to 64 MiB. Default: 4 MiB.</summary>
    public int MaxAnswerBytes { get; init; } = 4 << 20;

    /// <summary>
    /// What the service calls the limit of an answer's tokens: <c>max_tokens</c> or <c>max_completion_tokens</c>. Default: the latter at api.openai.com, else the former.
    /// </summary>
    public string? TokenLimitMember { get; init; }

    /// <summary>Whether the service takes a seed; then a run's seed that is not 0 is sent. Default: true.</summary>
    public bool TakesSeed { get; init; } = true;

    /// <summary>What its tokens cost. Default: not known, and then no cost is recorded.</summary>
    public ModelPrice? Price { get; init; }

    /// <summary>Whether it is there to be tried and nothing else: who names it may call it, but it is not among the models that one may choose from. Default: false.</summary>
    public bool IsDemo { get; init; }
}

/// <summary>Prices, for a million tokens, in the unit whose hundredth is a cent; exact.</summary>
public sealed record ModelPrice
{
    private const decimal MillionPerHundred = 10_000m;

    /// <summary>A name for these prices that changes with them, 1 to 64 characters: evidence has it.</summary>
    public required string Version { get; init; }

    /// <summary>Of what is sent.</summary>
    public required decimal Input { get; init; }

    /// <summary>Of what is sent and was in the service's cache. Default: as <see cref="Input"/>.</summary>
    public decimal? CachedInput { get; init; }

    /// <summary>Of what comes back, reasoning included.</summary>
    public required decimal Output { get; init; }

    /// <summary>What a call costs, in cents.</summary>
    /// <param name="input">Tokens sent, cached ones included.</param>
    /// <param name="cached">Those of them that were cached.</param>
    /// <param name="output">Tokens that came back.</param>
    /// <returns>The cost; no rounding.</returns>
    public decimal CentsOf(long input, long cached, long output)
    {
        var known = Math.Clamp(cached, 0, input);
        return (((input - known) * Input) + (known * (CachedInput ?? Input)) + (output * Output)) / MillionPerHundred;
    }
}
