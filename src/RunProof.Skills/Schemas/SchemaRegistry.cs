using System.Diagnostics.CodeAnalysis;
using RunProof.Format;

namespace RunProof.Skills;

/// <summary>
/// Everything whose recorded bytes a process can read and write again: records by fingerprint, skills by the <c>schema</c> of their steps, those of the present
/// build and those that its assemblies' locks have kept. Immutable; safe for any number of threads.
/// </summary>
public sealed class SchemaRegistry
{
    private readonly Dictionary<string, CanonicalSchema> _schemas = new(StringComparer.Ordinal);
    private readonly Dictionary<Digest, RecordedSkill> _skills = [];

    /// <summary>Takes what the assemblies have.</summary>
    /// <param name="assemblies">Of each assembly, its shapes and skills. Where two have the same shape, the first is taken.</param>
    public SchemaRegistry(IEnumerable<RecordedSchemas> assemblies)
    {
        foreach (var assembly in assemblies)
        {
            foreach (var schema in assembly.Schemas)
                _schemas.TryAdd(schema.Fingerprint, schema);
            foreach (var skill in assembly.Skills)
                _skills.TryAdd(skill.Schema, skill);
        }
    }

    /// <summary>All shapes, in no order.</summary>
    public IReadOnlyCollection<CanonicalSchema> Schemas => _schemas.Values;

    /// <summary>All skills, in no order; one name may stand there with several versions.</summary>
    public IReadOnlyCollection<RecordedSkill> Skills => _skills.Values;

    /// <summary>Finds a shape.</summary>
    /// <param name="fingerprint">Its fingerprint, 64 lower-case hex digits.</param>
    /// <param name="schema">The shape.</param>
    /// <returns>Whether it is known.</returns>
    public bool TryFind(string fingerprint, [NotNullWhen(true)] out CanonicalSchema? schema) => _schemas.TryGetValue(fingerprint, out schema);

    /// <summary>Finds what a step's <c>schema</c> stands for.</summary>
    /// <param name="schema">The <c>schema</c> of a recorded step.</param>
    /// <param name="skill">The skill, in the version that ran.</param>
    /// <returns>Whether it is known.</returns>
    public bool TryFindSkill(Digest schema, [NotNullWhen(true)] out RecordedSkill? skill) => _skills.TryGetValue(schema, out skill);

    /// <summary>Finds the shapes of a step's payloads.</summary>
    /// <param name="schema">The <c>schema</c> of a recorded step.</param>
    /// <param name="parameters">The shape of its parameters.</param>
    /// <param name="outcome">The shape of its outcome.</param>
    /// <returns>Whether the skill and both shapes are known.</returns>
    public bool TryFindPayloads(Digest schema, [NotNullWhen(true)] out CanonicalSchema? parameters, [NotNullWhen(true)] out CanonicalSchema? outcome)
    {
        (parameters, outcome) = (null, null);
        return TryFindSkill(schema, out var skill) && TryFind(skill.ParametersFingerprint, out parameters) && TryFind(skill.OutcomeFingerprint, out outcome);
    }
}
