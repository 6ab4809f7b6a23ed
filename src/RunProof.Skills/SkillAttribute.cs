namespace RunProof.Skills;

/// <summary>
/// Makes a partial class with one <c>ExecuteAsync(TParameters, SkillContext, CancellationToken)</c>, or a static method of that shape,
/// a skill. The generator writes its <see cref="SkillDescriptor"/> and registers it in the assembly's <c>AddGeneratedSkills</c>.
/// </summary>
/// <remarks>
/// The method returns <c>Task</c> or <c>ValueTask</c> of the outcome or of <see cref="SkillResult{TOutcome}"/>; parameters and outcome are
/// <see cref="Format.CanonicalAttribute"/> records. A class is created by dependency injection for each call.
/// </remarks>
/// <param name="name">The skill's name in plans and evidence: <c>http_call</c>.</param>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method, Inherited = false)]
public sealed class SkillAttribute(string name) : Attribute
{
    /// <summary>The skill's name.</summary>
    public string Name { get; } = name;

    /// <summary>The skill's version. Default: <c>"1.0.0"</c>.</summary>
    public string Version { get; init; } = "1.0.0";

    /// <summary>What a replay does with its steps. Default: execute.</summary>
    public Format.ReplayBehavior Replay { get; init; } = Format.ReplayBehavior.Execute;

    /// <summary>
    /// Whether executing it twice under one <see cref="SkillContext.IdempotencyKey"/> does no more than executing it once. Such a step is executed again
    /// when its process died while it was under way; any other is recorded <c>interrupted</c>. No part of the skill's fingerprint. Default: false;
    /// a class of which it holds for some calls only implements <see cref="IRepeatable{TParameters}"/>.
    /// </summary>
    public bool Idempotent { get; init; }
}
