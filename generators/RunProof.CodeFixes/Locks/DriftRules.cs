using System.Collections.Immutable;
using RunProof.Generators;

namespace RunProof.CodeFixes;

/// <summary>The rules of what has shipped and changed.</summary>
internal static class DriftRules
{
    public static readonly ImmutableArray<string> Ids =
    [
        Rules.MemberAdded.Id, Rules.MemberRemoved.Id, Rules.MemberRenamed.Id, Rules.MemberRetyped.Id, Rules.MemberNullability.Id, Rules.SkillDrifted.Id,
    ];
}
