using System.Globalization;
using RunProof.Models;

namespace RunProof.Runner;

/// <summary>What the configuration says about language models and prompts: <c>src/SKILLS.md</c> lists the keys.</summary>
internal static class ModelSettings
{
    private static readonly string[] Members =
    [
        "Endpoint", "Model", "ApiKey", "ApiKeyFile", "Provider", "Tenant", "Tenants", "TimeoutSeconds", "MaxRequestBytes", "MaxAnswerBytes", "TokenLimitMember", "TakesSeed", "Price",
    ];

    private static readonly string[] PriceMembers = ["Version", "Input", "CachedInput", "Output"];
    private static readonly string[] PromptMembers = ["Text", "File"];

    /// <summary>Reads them.</summary>
    /// <param name="configuration">The host's.</param>
    /// <exception cref="ArgumentException">Something cannot be meant; it is named, keys are not.</exception>
    public static ModelsOptions Read(IConfiguration configuration) => new()
    {
        Models = RefuseText(configuration.GetSection("RunProof:Models"), "a section for each model").GetChildren().ToDictionary(model => model.Key, EndpointOf, StringComparer.Ordinal),
        Prompts = RefuseText(configuration.GetSection("RunProof:Prompts"), "a section for each prompt").GetChildren().ToDictionary(prompt => prompt.Key, PromptOf, StringComparer.Ordinal),
    };

    private static ModelEndpoint EndpointOf(IConfigurationSection model)
    {
        RefuseText(model, "a section: its name is RunProof:Models:NAME:Model");
        RefuseOthers(model, Members);
        var usual = new ModelEndpoint { Model = model["Model"] ?? "" };
        var tenants = SkillSettings.ListOf(model, "Tenant", "Tenants");
        return usual with
        {
            Endpoint = model["Endpoint"] is { Length: > 0 } endpoint ? endpoint : usual.Endpoint,
            ApiKey = KeyOf(model),
            Provider = model["Provider"] is { Length: > 0 } provider ? provider : null,
            Tenants = tenants.Length > 0 ? tenants : usual.Tenants,
            Timeout = TimeSpan.FromSeconds(Number(model, "TimeoutSeconds") is { } seconds ? (double)seconds : usual.Timeout.TotalSeconds),
            MaxRequestBytes = Count(model, "MaxRequestBytes") ?? usual.MaxRequestBytes,
            MaxAnswerBytes = Count(model, "MaxAnswerBytes") ?? usual.MaxAnswerBytes,
            TokenLimitMember = model["TokenLimitMember"] is { Length: > 0 } member ? member : null,
            TakesSeed = model["TakesSeed"] is not { Length: > 0 } takes ? usual.TakesSeed : bool.TryParse(takes, out var does) ? does : throw Wrong(model, "TakesSeed", "true or false"),
            Price = model.GetSection("Price") is var price && price.GetChildren().Any() ? PriceOf(price) : null,
        };
    }

    private static ModelPrice PriceOf(IConfigurationSection price)
    {
        RefuseOthers(price, PriceMembers);
        return new ModelPrice
        {
            Version = price["Version"] ?? "",
            Input = Number(price, "Input") ?? throw Wrong(price, "Input", "a price for a million tokens"),
            CachedInput = Number(price, "CachedInput"),
            Output = Number(price, "Output") ?? throw Wrong(price, "Output", "a price for a million tokens"),
        };
    }

    // A file is how orchestrators hand secrets over; what an editor puts at its end is no part of it.
    private static string? KeyOf(IConfigurationSection model)
    {
        if (model["ApiKeyFile"] is not { Length: > 0 } file)
            return model["ApiKey"] is { Length: > 0 } key ? key : null;
        if (model["ApiKey"] is { Length: > 0 })
            throw Wrong(model, "ApiKeyFile", "given alone, not beside ApiKey");
        var read = ReadFile(model, "ApiKeyFile", file).Trim();
        return read.Length > 0 && !read.Any(char.IsWhiteSpace) ? read : throw Wrong(model, "ApiKeyFile", "a file with one key in it");
    }

    private static string PromptOf(IConfigurationSection prompt)
    {
        RefuseOthers(prompt, PromptMembers);
        var text = prompt.Value ?? prompt["Text"];
        return prompt["File"] is not { Length: > 0 } file ? text ?? ""
            : text is null ? ReadFile(prompt, "File", file)
            : throw Wrong(prompt, "File", "given alone, not beside a text");
    }

    internal static string ReadFile(IConfigurationSection section, string name, string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw Wrong(section, name, $"a file that can be read: {e.Message}");
        }
    }

    internal static int? Count(IConfigurationSection section, string name) =>
        section[name] is not { Length: > 0 } text ? null
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number
        : throw Wrong(section, name, "a whole number");

    // Exact, and only digits with a full stop: what a machine's language makes of a comma decides no price.
    private static decimal? Number(IConfigurationSection section, string name) =>
        section[name] is not { Length: > 0 } text ? null
        : decimal.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number) ? number
        : throw Wrong(section, name, "a number of digits with a full stop at most");

    /// <summary>A text where settings belong would be passed over.</summary>
    internal static IConfigurationSection RefuseText(IConfigurationSection section, string what) =>
        section.Value is { Length: > 0 } ? throw new ArgumentException($"{section.Path} must be {what}") : section;

    internal static void RefuseOthers(IConfigurationSection section, string[] known)
    {
        foreach (var member in section.GetChildren().Where(member => !known.Contains(member.Key, StringComparer.OrdinalIgnoreCase)))
            throw new ArgumentException($"{member.Path} is no setting; there are: {string.Join(", ", known)}");
    }

    private static ArgumentException Wrong(IConfigurationSection section, string name, string what) => new($"{section.Path}:{name} must be {what}");
}
