using System.Collections.Generic;
using System.Collections.Immutable;
using System.Composition;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using RunProof.Generators;

namespace RunProof.CodeFixes;

/// <summary>RP0107, RP0405: gives the second of two a name that is free.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(FreeNameFix)), Shared]
public sealed class FreeNameFix : RemedyProvider
{
    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = [Rules.DuplicateSchema.Id, Rules.DuplicateSkill.Id];

    /// <summary>None: what is free for one of three is free for another too, and a name is worth a thought.</summary>
    public override FixAllProvider? GetFixAllProvider() => null;

    private protected override IEnumerable<Remedy> Remedies(Fault fault)
    {
        if (fault.Property(FixProperties.FreeName) is not { } name || fault.Around<MemberDeclarationSyntax>() is not { } declaration)
            yield break;
        var isSkill = fault.Id == Rules.DuplicateSkill.Id;
        if (AttributeEdits.Find(fault.Declared(declaration), isSkill ? Symbols.Skill : Symbols.Canonical) is not { } attribute || attribute.SyntaxTree != fault.Tree)
            yield break;
        if ((isSkill ? AttributeEdits.First(attribute, name) : AttributeEdits.Named(attribute, "Name", name)) is { } edit)
            yield return new Remedy($"Call this one {SymbolDisplay.FormatLiteral(name, quote: true)}", "RunProof." + fault.Id, [edit]);
    }
}
