using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Composition;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using RunProof.Generators;

namespace RunProof.CodeFixes;

/// <summary>RP0404: makes what a skill takes or returns a canonical record, where it is declared in this project.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(SkillRecordFix)), Shared]
public sealed class SkillRecordFix : RemedyProvider
{
    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = [Rules.SkillRecord.Id];

    private protected override IEnumerable<Remedy> Remedies(Fault fault)
    {
        if (SkillSyntax.Of(fault) is not { } skill || fault.Property(FixProperties.Type) is not { } wrong)
            yield break;
        var type = new[] { skill.Parameters, skill.Outcome }.FirstOrDefault(type => type is not null && string.Equals(type.FullName(), wrong, StringComparison.Ordinal));
        // What the descriptor cannot reach needs more than an attribute.
        if (type is INamedTypeSymbol named && named.IsSeenInAssembly() && Canonicalizing.Of(type, "RunProof.RP0404", fault.Compilation, fault.Cancel) is { } remedy)
            yield return remedy;
    }
}
