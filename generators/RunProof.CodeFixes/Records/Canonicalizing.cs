using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Threading;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using RunProof.Generators;

namespace RunProof.CodeFixes;

/// <summary>Gives <c>[Canonical]</c> to a type that is held by what is canonical, and all that it needs for it.</summary>
internal static class Canonicalizing
{
    /// <summary>Null where the type is of another assembly, or cannot be one closed record as it stands.</summary>
    public static Remedy? Of(ITypeSymbol? symbol, string key, Compilation compilation, CancellationToken cancel)
    {
        if (symbol is not INamedTypeSymbol { TypeParameters.Length: 0, IsAbstract: false, IsFileLocal: false, TypeKind: TypeKind.Class or TypeKind.Struct } type
            || type.Attribute(Symbols.Canonical) is not null
            || Declarations.Of(type, cancel).FirstOrDefault() is not { } first
            || Declarations.MakePartialRecord(type, compilation, cancel) is not { } record
            || Declarations.MakeContainersPartial(first) is not { } containers)
            return null;
        var edits = new List<Edit> { Attribute(first) };
        return new Remedy($"Make '{type.Name}' a canonical record", key, edits.Concat(record).Concat(containers).ToImmutableArray());
    }

    private static Edit Attribute(TypeDeclarationSyntax declaration)
    {
        var start = declaration.GetFirstToken().SpanStart;
        return Edit.Insert(declaration.SyntaxTree, start, Lines.Before(declaration.SyntaxTree, start, "[global::RunProof.Format.Canonical]"), holdsNames: true);
    }
}
