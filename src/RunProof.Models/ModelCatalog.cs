using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using RunProof.Format;
using RunProof.Skills;

namespace RunProof.Models;

/// <summary>The configured models and prompts, checked, and the connections to them.</summary>
public sealed class ModelCatalog : IModelCatalog, IDisposable
{
    /// <summary>What to set where no model is configured.</summary>
    public const string HowTo = "no model is configured: set RunProof__Models__<name>__Model, and __Endpoint and __ApiKey as the service wants";

    private readonly ImmutableSortedDictionary<string, ModelConnection> _models;
    private readonly ImmutableSortedDictionary<string, Prompt> _prompts;

    /// <summary>Takes the models; nothing is connected to yet.</summary>
    /// <param name="options">What the operator decides.</param>
    /// <exception cref="ArgumentException">Something cannot be meant; it is named, keys are not.</exception>
    public ModelCatalog(ModelsOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        foreach (var name in options.Models.Keys.Concat(options.Prompts.Keys).Where(name => !IsName(name)))
            throw new ArgumentException($"\"{name}\" is no name of a model or prompt: 1 to 64 of A-Z a-z 0-9 . _ -");
        _prompts = BuiltinPrompts.All.SetItems(options.Prompts).ToImmutableSortedDictionary(pair => pair.Key, pair => Prompt.Of(pair.Key, pair.Value), StringComparer.Ordinal);
        _models = options.Models.ToImmutableSortedDictionary(pair => pair.Key, pair => new ModelConnection(pair.Key, pair.Value), StringComparer.Ordinal);
    }

    /// <summary>The models that one may choose from, of whichever tenant.</summary>
    public IReadOnlyList<string> Names => [.. _models.Values.Where(model => !model.Endpoint.IsDemo).Select(model => model.Name)];

    /// <inheritdoc/>
    public IReadOnlyList<string> ModelsOf(TenantId tenant) => [.. _models.Values.Where(model => model.Admits(tenant) && !model.Endpoint.IsDemo).Select(model => model.Name)];

    /// <inheritdoc/>
    public TimeSpan TimeoutOf(string model) =>
        _models.TryGetValue(model, out var known) ? known.Endpoint.Timeout : throw new ArgumentException($"there is no model \"{model}\"", nameof(model));

    /// <inheritdoc/>
    public string? DigestOfPrompt(string prompt) => FindPrompt(prompt)?.Digest;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var model in _models.Values)
            model.Dispose();
    }

    /// <summary>A model that a tenant may use; one that it may not is none.</summary>
    internal ModelConnection? Find(string name, TenantId tenant) => _models.TryGetValue(name, out var known) && known.Admits(tenant) ? known : null;

    internal Prompt? FindPrompt(string name) => _prompts.GetValueOrDefault(name);

    private static bool IsName(string name) => name.Length is >= 1 and <= 64 && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');

    /// <summary>A system prompt.</summary>
    internal sealed record Prompt(string Text, string Digest)
    {
        internal static Prompt Of(string name, string text)
        {
            if (string.IsNullOrWhiteSpace(text))
                throw new ArgumentException($"the prompt \"{name}\" is empty");
            return new Prompt(text, Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text))));
        }
    }
}
