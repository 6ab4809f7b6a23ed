using System.Collections.Generic;
using System.Collections.Immutable;
using System.Composition;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using RunProof.Generators;

namespace RunProof.CodeFixes;

/// <summary>RP0401: makes a skill's class partial. What else a skill cannot be, no keyword puts right.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(SkillShapeFix)), Shared]
public sealed class SkillShapeFix : RemedyProvider
{
    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = [Rules.SkillShape.Id];

    private protected override IEnumerable<Remedy> Remedies(Fault fault)
    {
        if (SkillSyntax.Of(fault)?.Declaration is not TypeDeclarationSyntax { Keyword.IsMissing: false } declaration
            || fault.Declared(declaration) is not INamedTypeSymbol { IsStatic: false, IsAbstract: false, TypeParameters.Length: 0 } type
            || type.IsPartial(fault.Cancel))
            yield break;
        yield return new Remedy($"Make '{type.Name}' partial", "RunProof.RP0401", [Declarations.MakePartial(declaration)]);
    }
}
