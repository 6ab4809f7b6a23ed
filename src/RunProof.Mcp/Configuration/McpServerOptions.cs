using System.Globalization;

namespace RunProof.Mcp;

/// <summary>One server of the operator's, as the configuration has it: <c>src/MCP.md</c> lists the keys.</summary>
public sealed record McpServerOptions
{
    /// <summary>The server's name in the names of its skills, <c>mcp:NAME/TOOL</c>: 1 to 32 of a-z 0-9 _ -.</summary>
    public required string Name { get; init; }

    /// <summary>The program that speaks the protocol on its standard streams; null for a server that is reached at an address.</summary>
    public string? Command { get; init; }

    /// <summary>The program's arguments, one by one: nothing is split or expanded. Default: none.</summary>
    public IReadOnlyList<string> Args { get; init; } = [];

    /// <summary>The program's environment beside PATH and HOME: it sees nothing else of the runner's. Default: nothing.</summary>
    public IReadOnlyDictionary<string, string> Env { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>The folder in which the program starts; null for the runner's.</summary>
    public string? WorkingDirectory { get; init; }

    /// <summary>The address at which the server speaks streamable HTTP; null for one that is a program.</summary>
    public Uri? Url { get; init; }

    /// <summary>Headers of every request to <see cref="Url"/>. Default: none.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>The tenants that may call it, letter by letter, or <c>*</c> for all. No default: one at least.</summary>
    public required IReadOnlyList<string> Tenants { get; init; }

    /// <summary>The tools that are skills, letter by letter; empty for all. Default: all. The pinned list always is the whole one.</summary>
    public IReadOnlyList<string> Tools { get; init; } = [];

    /// <summary>Values that never stand in evidence or logs: where a server says them back, <c>[masked]</c> stands there. Those shorter than 6 characters are not looked for.</summary>
    public IReadOnlyList<string> Secrets { get; init; } = [];

    /// <summary>Whether what a server says of its tools (read-only, idempotent) decides about repeating their calls. Default: no, for it is the server's word alone.</summary>
    public bool TrustAnnotations { get; init; }

    /// <summary>Whether the list of tools is asked for before every call. Default: only where the server does not promise to say when it changes.</summary>
    public bool ListBeforeCall { get; init; }

    /// <summary>Time to start, shake hands and list the tools, 1 s to 10 min. Default: 30 s.</summary>
    public TimeSpan StartTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Time to list the tools again, 1 s to 10 min. Default: 10 s.</summary>
    public TimeSpan ListTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Time that a call may take, whatever the plan allows, 1 s to 1 h. Default: 10 min.</summary>
    public TimeSpan CallTimeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Calls under way at once, of all runs of this process, 1 to 1,000; more wait their turn within their steps' time. Default: 4 for a <see cref="Command"/>, 16 for a <see cref="Url"/>.</summary>
    public int? MaxCalls { get; init; }

    /// <summary>Whether a structured answer must fit the <c>outputSchema</c> that its tool was listed with. Default: yes; one that does not fails the step, and is kept.</summary>
    public bool CheckOutput { get; init; } = true;

    /// <summary>The largest message that is read from the server, 64 KiB to 64 MiB. Default: 8 MiB. A larger one ends the connection.</summary>
    public int MaxMessageBytes { get; init; } = 8 << 20;

    /// <summary>The largest outcome that is recorded whole, 1 KiB to 16 MiB. Default: 1 MiB.</summary>
    public int MaxResultBytes { get; init; } = 1 << 20;

    /// <summary>The largest image, sound or embedded binary that is recorded itself, in base64 characters; a larger one by digest and length. 0 to 16 MiB. Default: 64 KiB.</summary>
    public int MaxInlineBytes { get; init; } = 64 << 10;

    /// <summary>The most tools that a server may list, 1 to 2,000. Default: 500.</summary>
    public int MaxTools { get; init; } = 500;

    internal int CallsAtOnce => MaxCalls ?? (Url is null ? 4 : 16);

    /// <summary>Whether a tenant may call it.</summary>
    /// <param name="tenant">The tenant.</param>
    public bool Allows(string tenant) => Tenants.Contains("*", StringComparer.Ordinal) || Tenants.Contains(tenant, StringComparer.Ordinal);

    /// <summary>Refuses what cannot work.</summary>
    /// <exception cref="ArgumentException">Something cannot; the message names the key.</exception>
    /// <returns>These options.</returns>
    public McpServerOptions Validated()
    {
        if (Name is not { Length: >= 1 and <= 32 } || !Name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '_' or '-'))
            throw new ArgumentException($"RunProof:Mcp:{Name}: a server's name has 1 to 32 of a-z 0-9 _ -");
        if (string.IsNullOrWhiteSpace(Command) == (Url is null))
            throw Wrong("Command", "give either Command, for a program, or Url, for a server that runs elsewhere");
        if (Url is not null && (Args.Count > 0 || Env.Count > 0 || WorkingDirectory is not null))
            throw Wrong("Url", "Args, Env and WorkingDirectory are for a Command");
        if (Command is not null && Headers.Count > 0)
            throw Wrong("Headers", "are for a Url");
        if (Url is not null && (!Url.IsAbsoluteUri || Url.Scheme is not ("http" or "https")))
            throw Wrong("Url", "must be an absolute http or https address");
        if (Url is { UserInfo.Length: > 0 })
            throw Wrong("Url", "must not hold a user or password: use Headers");
        if (WorkingDirectory is not null && !Directory.Exists(WorkingDirectory))
            throw Wrong("WorkingDirectory", $"there is no folder \"{WorkingDirectory}\"");
        if (Tenants.Count == 0)
            throw Wrong("Tenants", "name the tenants that may call it, or * for all");
        foreach (var (header, value) in Headers)
            CheckHeader(header, value);
        CheckLimits();
        return this;
    }

    private void CheckHeader(string header, string value)
    {
        if (header.Length == 0 || !header.All(c => char.IsAsciiLetterOrDigit(c) || "!#$%&'*+-.^_`|~".Contains(c, StringComparison.Ordinal)))
            throw Wrong($"Headers:{header}", "is no name of a header");
        if (value.Any(c => char.IsControl(c) || c > '\u007e'))
            throw Wrong($"Headers:{header}", "holds characters that no header may hold");
    }

    private void CheckLimits()
    {
        Range("StartSeconds", StartTimeout.TotalSeconds, 1, 600);
        Range("ListSeconds", ListTimeout.TotalSeconds, 1, 600);
        Range("CallSeconds", CallTimeout.TotalSeconds, 1, 3_600);
        Range("MaxCalls", CallsAtOnce, 1, 1_000);
        Range("MaxMessageBytes", MaxMessageBytes, 64 << 10, 64 << 20);
        Range("MaxResultBytes", MaxResultBytes, 1 << 10, 16 << 20);
        Range("MaxInlineBytes", MaxInlineBytes, 0, 16 << 20);
        Range("MaxTools", MaxTools, 1, 2_000);
    }

    private void Range(string key, double value, double least, double most)
    {
        if (!(value >= least && value <= most))
            throw Wrong(key, string.Create(CultureInfo.InvariantCulture, $"must be from {least} to {most}"));
    }

    private ArgumentException Wrong(string key, string what) => new($"RunProof:Mcp:{Name}:{key}: {what}");
}
