using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Composition;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using RunProof.Generators;

namespace RunProof.CodeFixes;

/// <summary>RP0212, RP0213: gives a member a wire name that is usable and free.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(WireNameFix)), Shared]
public sealed class WireNameFix : RemedyProvider
{
    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = [Rules.BadWireName.Id, Rules.DuplicateWireName.Id];

    /// <summary>None: what is free for one of three is free for another too, and a name is worth a thought.</summary>
    public override FixAllProvider? GetFixAllProvider() => null;

    private protected override IEnumerable<Remedy> Remedies(Fault fault)
    {
        if (fault.Property(FixProperties.WireName) is not { } name || Edit(fault, name) is not { } edit)
            yield break;
        yield return new Remedy($"Call it {AttributeEdits.Literal(name)} on the wire", "RunProof." + fault.Id, [edit]);
    }

    private static Edit? Edit(Fault fault, string name)
    {
        if (fault.Around<ParameterSyntax>() is { Type: not null } parameter)
            return Edit(fault, parameter.AttributeLists, parameter.Modifiers.FirstOrDefault() is { RawKind: not 0 } modifier ? modifier : parameter.Type.GetFirstToken(), name);
        if (fault.Around<PropertyDeclarationSyntax>() is { } property)
            return Edit(fault, property.AttributeLists, property.Modifiers.FirstOrDefault() is { RawKind: not 0 } modifier ? modifier : property.Type.GetFirstToken(), name);
        return null;
    }

    private static Edit? Edit(Fault fault, SyntaxList<AttributeListSyntax> lists, SyntaxToken first, string name)
    {
        if (lists.SelectMany(static list => list.Attributes).FirstOrDefault(attribute => IsWireName(fault, attribute)) is { } given)
            return AttributeEdits.First(given, name);
        var attribute = $"[global::RunProof.Format.WireName({AttributeEdits.Literal(name)})]";
        var inserted = first.Parent?.FirstAncestorOrSelf<ParameterSyntax>() is null ? Lines.Before(fault.Tree, first.SpanStart, attribute) : attribute + " ";
        return CodeFixes.Edit.Insert(fault.Tree, first.SpanStart, inserted, holdsNames: true);
    }

    private static bool IsWireName(Fault fault, AttributeSyntax attribute) =>
        fault.Model.GetTypeInfo(attribute, fault.Cancel).Type is INamedTypeSymbol type && string.Equals(type.DefinitionName(), WireTypeParser.WireNameAttribute, StringComparison.Ordinal);
}
