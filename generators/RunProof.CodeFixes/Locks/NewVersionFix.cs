using System.Collections.Generic;
using System.Collections.Immutable;
using System.Composition;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using RunProof.Generators;

namespace RunProof.CodeFixes;

/// <summary>RP0301 to RP0306, the first way: what has shipped keeps its version, and the changed shape gets the next.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(NewVersionFix)), Shared]
public sealed class NewVersionFix : RemedyProvider
{
    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = DriftRules.Ids;

    private protected override IEnumerable<Remedy> Remedies(Fault fault)
    {
        if (fault.Property(FixProperties.NextVersion) is not { } version || Attribute(fault) is not { } attribute)
            yield break;
        yield return new Remedy($"It has shipped: make this version {version}", "RunProof.NewVersion", [AttributeEdits.Named(attribute, "Version", version)]);
    }

    private static AttributeSyntax? Attribute(Fault fault)
    {
        if (fault.Id == Rules.SkillDrifted.Id)
            return SkillSyntax.Of(fault)?.Attribute.ApplicationSyntaxReference?.GetSyntax(fault.Cancel) as AttributeSyntax;
        return AttributeEdits.Find(fault.Declared(fault.Around<TypeDeclarationSyntax>()), Symbols.Canonical);
    }
}
