using System.Text;
using RunProof.Mcp;

namespace RunProof.Runner;

/// <summary>What the configuration says about MCP servers: <c>src/MCP.md</c> lists the keys.</summary>
internal static class McpSettings
{
    internal static readonly string[] Members =
    [
        "Command", "Args", "WorkingDirectory", "Env", "Url", "Headers", "Tenant", "Tenants", "Tool", "Tools", "TrustAnnotations", "CheckOutput", "ListBeforeCall",
        "StartSeconds", "ListSeconds", "CallSeconds", "MaxCalls", "MaxMessageBytes", "MaxResultBytes", "MaxInlineBytes", "MaxTools",
    ];

    /// <summary>Reads all servers.</summary>
    /// <exception cref="ArgumentException">A value is none of its kind, or refers to one that is not there; the message names the key and no value.</exception>
    public static IReadOnlyList<McpServerOptions> Read(IConfiguration configuration) =>
        [.. ModelSettings.RefuseText(configuration.GetSection("RunProof:Mcp"), "a section for each server").GetChildren().Select(server => ServerOf(server, configuration).Validated())];

    /// <summary>Whether there are any.</summary>
    public static bool Any(IConfiguration configuration) => configuration.GetSection("RunProof:Mcp") is var servers && (servers.Value is { Length: > 0 } || servers.GetChildren().Any());

    private static McpServerOptions ServerOf(IConfigurationSection server, IConfiguration configuration)
    {
        ModelSettings.RefuseOthers(server, Members);
        var secrets = new List<string>();
        var usual = new McpServerOptions { Name = server.Key, Tenants = SkillSettings.ListOf(server, "Tenant", "Tenants") };
        var env = ValuesOf(server.GetSection("Env"), configuration, secrets);
        var headers = ValuesOf(server.GetSection("Headers"), configuration, secrets);
        // Whatever a header says is between the operator and the server; so is the token in it without its scheme.
        secrets.AddRange(headers.Values.Concat(headers.Values.Select(value => value[(value.LastIndexOf(' ') + 1)..])));
        return usual with
        {
            Command = server["Command"] is { Length: > 0 } command ? command : null,
            Args = [.. server.GetSection("Args").GetChildren().Select(argument => argument.Value ?? "")],
            Env = env,
            WorkingDirectory = server["WorkingDirectory"] is { Length: > 0 } folder ? folder : null,
            Url = server["Url"] is { Length: > 0 } url ? UrlOf(server, url) : null,
            Headers = headers,
            Tools = SkillSettings.ListOf(server, "Tool", "Tools"),
            Secrets = secrets,
            TrustAnnotations = Value(server, "TrustAnnotations", usual.TrustAnnotations),
            ListBeforeCall = Value(server, "ListBeforeCall", usual.ListBeforeCall),
            StartTimeout = TimeSpan.FromSeconds(Value(server, "StartSeconds", usual.StartTimeout.TotalSeconds)),
            ListTimeout = TimeSpan.FromSeconds(Value(server, "ListSeconds", usual.ListTimeout.TotalSeconds)),
            CallTimeout = TimeSpan.FromSeconds(Value(server, "CallSeconds", usual.CallTimeout.TotalSeconds)),
            MaxCalls = Value(server, "MaxCalls", usual.MaxCalls),
            CheckOutput = Value(server, "CheckOutput", usual.CheckOutput),
            MaxMessageBytes = Value(server, "MaxMessageBytes", usual.MaxMessageBytes),
            MaxResultBytes = Value(server, "MaxResultBytes", usual.MaxResultBytes),
            MaxInlineBytes = Value(server, "MaxInlineBytes", usual.MaxInlineBytes),
            MaxTools = Value(server, "MaxTools", usual.MaxTools),
        };
    }

    private static Uri UrlOf(IConfigurationSection server, string url) =>
        Uri.TryCreate(url, UriKind.Absolute, out var parsed) ? parsed : throw new ArgumentException($"RunProof:Mcp:{server.Key}:Url: must be an absolute http or https address");

    private static T Value<T>(IConfigurationSection server, string key, T usual)
    {
        try
        {
            return server.GetValue(key, usual)!;
        }
        catch (InvalidOperationException)
        {
            throw new ArgumentException($"RunProof:Mcp:{server.Key}:{key}: is no {(typeof(T) == typeof(bool) ? "true or false" : "number")}");
        }
    }

    private static Dictionary<string, string> ValuesOf(IConfigurationSection section, IConfiguration configuration, List<string> secrets) =>
        section.GetChildren().ToDictionary(each => each.Key, each => Filled(each, configuration, secrets), StringComparer.Ordinal);

    /// <summary>A value in which <c>${NAME}</c> stands for the configuration's own value of that name, an environment variable for one: a secret, wherever it comes from.</summary>
    private static string Filled(IConfigurationSection each, IConfiguration configuration, List<string> secrets)
    {
        var text = each.Value ?? "";
        var filled = new StringBuilder();
        for (var at = 0; at < text.Length;)
        {
            var open = text.IndexOf("${", at, StringComparison.Ordinal);
            var close = open < 0 ? -1 : text.IndexOf('}', open);
            if (close < 0)
            {
                filled.Append(text, at, text.Length - at);
                break;
            }

            var name = text[(open + 2)..close];
            if (configuration[name.Replace("__", ":", StringComparison.Ordinal)] is not { Length: > 0 } value)
                throw new ArgumentException($"{each.Path}: refers to {name}, which is not there");
            secrets.Add(value);
            filled.Append(text, at, open - at).Append(value);
            at = close + 1;
        }

        return filled.ToString();
    }
}
