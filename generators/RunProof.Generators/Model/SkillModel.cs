namespace RunProof.Generators;

/// <summary>A skill to write a descriptor for.</summary>
/// <param name="Name">Its name in plans and evidence.</param>
/// <param name="Version">Its version.</param>
/// <param name="Description">The summary of its doc comment, or an empty text.</param>
/// <param name="Replay">The constant of what a replay does, full.</param>
/// <param name="IsIdempotent">Whether it may be executed again after a crash.</param>
/// <param name="Repeats">The class that says it of each call, full; null where none does.</param>
/// <param name="Limits">The class that says of each call what it may use at most, full; null where none does.</param>
/// <param name="DeclaredAt">Where it is declared, for people.</param>
/// <param name="Instance">The class that the container makes for each call; null where the method is static.</param>
/// <param name="Method">What is called: of an instance its method, else the full name.</param>
/// <param name="Parameters">The parameters' record, full.</param>
/// <param name="Outcome">The outcome's record, full.</param>
/// <param name="Result">How the method gives the outcome back.</param>
/// <param name="Recorded">What a lock keeps of it, its schema included.</param>
/// <param name="ParametersLabel">Name and version of the parameters' record.</param>
/// <param name="OutcomeLabel">Name and version of the outcome's record.</param>
/// <param name="Shapes">These two, and the records in them.</param>
internal sealed record SkillModel(
    string Name,
    string Version,
    string Description,
    string Replay,
    bool IsIdempotent,
    string? Repeats,
    string? Limits,
    string DeclaredAt,
    string? Instance,
    string Method,
    string Parameters,
    string Outcome,
    ResultForm Result,
    LockSkill Recorded,
    string ParametersLabel,
    string OutcomeLabel,
    EquatableArray<DeclaredShape> Shapes)
{
    /// <summary>Name and version of its record with some fingerprint.</summary>
    public string? Labels(string fingerprint) => fingerprint == Recorded.Parameters ? ParametersLabel : fingerprint == Recorded.Outcome ? OutcomeLabel : null;
}

/// <summary>What a skill's task holds.</summary>
internal enum ResultForm
{
    /// <summary>The outcome, a class.</summary>
    Reference,

    /// <summary>The outcome, a struct.</summary>
    Value,

    /// <summary>A SkillResult of it.</summary>
    SkillResult,
}
