using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace RunProof.CodeFixes;

/// <summary>Declarations, and how they become what a canonical record must be.</summary>
internal static class Declarations
{
    // A record writes these itself, and refuses some of them.
    private static readonly HashSet<string> OfRecords = new(StringComparer.Ordinal)
    {
        "Equals", "op_Equality", "op_Inequality", "Clone", "PrintMembers", "EqualityContract", "Deconstruct",
    };

    public static IEnumerable<TypeDeclarationSyntax> Of(INamedTypeSymbol type, CancellationToken cancel) =>
        type.DeclaringSyntaxReferences.Select(reference => reference.GetSyntax(cancel)).OfType<TypeDeclarationSyntax>();

    public static bool IsPartial(TypeDeclarationSyntax declaration) => declaration.Modifiers.Any(SyntaxKind.PartialKeyword);

    public static Edit MakePartial(TypeDeclarationSyntax declaration) => Edit.InsertBefore(declaration.Keyword, "partial ");

    /// <summary>Makes every part of a class, struct or record a partial record; null where it cannot be one as it stands.</summary>
    public static IReadOnlyList<Edit>? MakePartialRecord(INamedTypeSymbol type, Compilation compilation, CancellationToken cancel)
    {
        var parts = Of(type, cancel).ToList();
        if (parts.Count == 0 || parts.Any(static part => part.Keyword.IsMissing) || (!type.IsRecord && !CanBeRecord(type, parts, compilation)))
            return null;
        return parts.Where(part => !IsPartial(part) || part is not RecordDeclarationSyntax).Select(MakePartialRecord).ToList();
    }

    /// <summary>Makes the types around a declaration partial; null where one is generic, which no keyword puts right.</summary>
    public static IReadOnlyList<Edit>? MakeContainersPartial(TypeDeclarationSyntax declaration)
    {
        var around = declaration.Ancestors().OfType<TypeDeclarationSyntax>().ToList();
        if (around.Any(static outer => outer.TypeParameterList is not null || outer.Keyword.IsMissing))
            return null;
        return around.Where(static outer => !IsPartial(outer)).Select(MakePartial).ToList();
    }

    private static Edit MakePartialRecord(TypeDeclarationSyntax part)
    {
        var partial = IsPartial(part) ? "" : "partial ";
        return part switch
        {
            RecordDeclarationSyntax => MakePartial(part),
            StructDeclarationSyntax => Edit.InsertBefore(part.Keyword, partial + "record "),
            _ => Edit.Replace(part.Keyword, partial + "record"),
        };
    }

    /// <summary>A primary constructor's parameters would become members; who compares in a way of its own would lose it; who derives from it would not compile.</summary>
    private static bool CanBeRecord(INamedTypeSymbol type, List<TypeDeclarationSyntax> parts, Compilation compilation) =>
        type.TypeKind is TypeKind.Class or TypeKind.Struct
        && !type.IsStatic
        && !type.IsRefLikeType
        && type.BaseType is { } above && (above.IsRecord || above.SpecialType is SpecialType.System_Object or SpecialType.System_ValueType)
        && parts.All(static part => part.ParameterList is null)
        && !type.GetMembers().Any(static member => OfRecords.Contains(member.Name))
        && (type.IsSealed || !Types(compilation.Assembly.GlobalNamespace).Any(other => SymbolEqualityComparer.Default.Equals(other.BaseType?.OriginalDefinition, type)));

    /// <summary>Every type in a namespace or type.</summary>
    public static IEnumerable<INamedTypeSymbol> Types(INamespaceOrTypeSymbol within)
    {
        foreach (var member in within.GetMembers().OfType<INamespaceOrTypeSymbol>())
        {
            if (member is INamedTypeSymbol type)
                yield return type;
            foreach (var inner in Types(member))
                yield return inner;
        }
    }
}
