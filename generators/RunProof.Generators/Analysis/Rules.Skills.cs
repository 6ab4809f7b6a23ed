using System.Collections.Immutable;
using Microsoft.CodeAnalysis;

namespace RunProof.Generators;

/// <summary>RP04xx: a skill.</summary>
internal static partial class Rules
{
    public static readonly DiagnosticDescriptor SkillShape = Error(
        "RP0401", "A skill is a partial class or a static method", "'{0}' cannot be a skill: {1}");

    public static readonly DiagnosticDescriptor SkillMethod = Error(
        "RP0402", "A skill has one ExecuteAsync", "'{0}' needs exactly {1}: {2}");

    public static readonly DiagnosticDescriptor SkillReturn = Error(
        "RP0403", "A skill returns its outcome", "'{0}' returns '{1}', and a step needs an outcome: return Task or ValueTask of it, or of SkillResult<TOutcome>");

    public static readonly DiagnosticDescriptor SkillRecord = Error(
        "RP0404", "Parameters and outcome are canonical records", "'{0}', the {1} of skill \"{2}\", {3}");

    public static readonly DiagnosticDescriptor DuplicateSkill = Error(
        "RP0405", "Skill names are unique", "skill \"{0}\" is declared by '{1}' ({2}) and by '{3}' ({4}), and a plan names one: give one of them another name");

    public static readonly DiagnosticDescriptor BadSkillName = Error(
        "RP0406", "A skill's name and version are words", "\"{0}\" cannot be the {1} of skill '{2}', which stands in plans and evidence: use {3}");

    public static readonly DiagnosticDescriptor SkillWithoutSummary = Warning(
        "RP0407", "A skill says what it does", "skill \"{0}\" has no doc comment, and planners choose by it: give '{1}' a <summary>");

    /// <summary>RP04xx.</summary>
    public static readonly ImmutableArray<DiagnosticDescriptor> OfSkills =
        [SkillShape, SkillMethod, SkillReturn, SkillRecord, DuplicateSkill, BadSkillName, SkillWithoutSummary];
}
