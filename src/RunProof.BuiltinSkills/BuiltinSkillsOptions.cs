namespace RunProof.BuiltinSkills;

/// <summary>What an operator decides about the skills that come with RunProof. Without a word each of them reaches nothing.</summary>
public sealed record BuiltinSkillsOptions
{
    /// <summary>Makes the options of <c>http_call</c>, once, at the first call: a host learns its own address late. Default: only the public internet.</summary>
    public Func<IServiceProvider, HttpCallOptions> Http { get; init; } = static _ => new HttpCallOptions();

    /// <summary>The file skills. Default: no tenant has a folder.</summary>
    public FileSkillOptions Files { get; init; } = new();

    /// <summary>Where <c>webhook_send</c> may send to, by name. Default: nowhere.</summary>
    public IReadOnlyDictionary<string, WebhookEndpoint> Webhooks { get; init; } = new Dictionary<string, WebhookEndpoint>(StringComparer.Ordinal);

    /// <summary>What <c>shell</c> may start, by name. Default: nothing, and then there is no such skill.</summary>
    public IReadOnlyDictionary<string, ShellExecutable> Shell { get; init; } = new Dictionary<string, ShellExecutable>(StringComparer.Ordinal);
}
