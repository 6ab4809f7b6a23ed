using RunProof.Format;

namespace RunProof.Skills;

/// <summary>The language models and prompts that an operator has configured, as far as a planner must know them: by name, never address or key.</summary>
public interface IModelCatalog
{
    /// <summary>The names of the models that a tenant may use.</summary>
    /// <param name="tenant">Whose.</param>
    /// <returns>In order; empty where there is none.</returns>
    IReadOnlyList<string> ModelsOf(TenantId tenant);

    /// <summary>The longest time that a call of a model may take.</summary>
    /// <param name="model">A name of <see cref="ModelsOf"/>.</param>
    /// <exception cref="ArgumentException">There is no such model.</exception>
    /// <returns>The time.</returns>
    TimeSpan TimeoutOf(string model);

    /// <summary>The SHA-256 of a configured prompt's UTF-8 text.</summary>
    /// <param name="prompt">The prompt's name.</param>
    /// <returns>Lower-case hex; null where there is no such prompt.</returns>
    string? DigestOfPrompt(string prompt);
}
