using System.ComponentModel;
using RunProof.Format;

namespace RunProof.Skills;

/// <summary>A skill of some version, the present or one that has shipped: what the <c>schema</c> of its recorded steps stands for.</summary>
/// <param name="Name">The name in plans and evidence.</param>
/// <param name="Version">The version.</param>
/// <param name="Schema">The skill's schema (proof-format.md section 6), as its steps carry it.</param>
/// <param name="ParametersFingerprint">Fingerprint of the parameters' record, hex.</param>
/// <param name="OutcomeFingerprint">Fingerprint of the outcome's record, hex.</param>
public sealed record RecordedSkill(string Name, string Version, Digest Schema, string ParametersFingerprint, string OutcomeFingerprint);

/// <summary>
/// What one assembly can read of recorded evidence. The generator derives one for each assembly that has skills, and <c>AddGeneratedSkills</c> registers it;
/// <see cref="SchemaRegistry"/> takes them all.
/// </summary>
public abstract class RecordedSchemas
{
    /// <summary>The shapes that it declares, that its records hold, and that its lock keeps.</summary>
    public abstract IReadOnlyList<CanonicalSchema> Schemas { get; }

    /// <summary>The skills that it declares and that its lock keeps.</summary>
    public abstract IReadOnlyList<RecordedSkill> Skills { get; }
}

/// <summary>What generated code refers to in an assembly that has skills and declares no record: there is none to read.</summary>
[EditorBrowsable(EditorBrowsableState.Never)]
public static class NoRecords
{
    /// <summary>Empty.</summary>
    public static IReadOnlyList<CanonicalSchema> SchemasOfRecords => [];
}
