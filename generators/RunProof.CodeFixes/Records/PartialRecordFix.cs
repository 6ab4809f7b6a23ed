using System.Collections.Generic;
using System.Collections.Immutable;
using System.Composition;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using RunProof.Generators;

namespace RunProof.CodeFixes;

/// <summary>RP0101, RP0102: makes a canonical type a partial record, and what it is nested in partial.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(PartialRecordFix)), Shared]
public sealed class PartialRecordFix : RemedyProvider
{
    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = [Rules.NotPartialRecord.Id, Rules.ContainerNotPartial.Id];

    private protected override IEnumerable<Remedy> Remedies(Fault fault)
    {
        if (fault.Around<TypeDeclarationSyntax>() is not { } declaration || fault.Declared(declaration) is not INamedTypeSymbol type)
            yield break;
        var isContainer = fault.Id == Rules.ContainerNotPartial.Id;
        var edits = isContainer ? Declarations.MakeContainersPartial(declaration) : Declarations.MakePartialRecord(type, fault.Compilation, fault.Cancel);
        if (edits is not { Count: > 0 })
            yield break;
        yield return new Remedy(isContainer ? Containers(declaration) : Record(type), "RunProof." + fault.Id, edits.ToImmutableArray());
    }

    private static string Record(INamedTypeSymbol type) =>
        type.IsRecord ? $"Make '{type.Name}' partial" : $"Make '{type.Name}' a partial record{(type.TypeKind == TypeKind.Struct ? " struct" : "")}";

    private static string Containers(TypeDeclarationSyntax declaration)
    {
        var names = declaration.Ancestors().OfType<TypeDeclarationSyntax>().Where(static outer => !Declarations.IsPartial(outer)).Select(static outer => $"'{outer.Identifier.ValueText}'");
        return $"Make {string.Join(" and ", names.Reverse())} partial";
    }
}
