using RunProof.Format;
using RunProof.Skills;

namespace RunProof.Execution;

/// <summary>No language model, where a host brings none.</summary>
internal sealed class NoModels : IModelCatalog
{
    public IReadOnlyList<string> ModelsOf(TenantId tenant) => [];

    public TimeSpan TimeoutOf(string model) => throw new ArgumentException($"there is no model \"{model}\"", nameof(model));

    public string? DigestOfPrompt(string prompt) => null;
}
