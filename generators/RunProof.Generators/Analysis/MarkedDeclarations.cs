using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Globalization;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Threading;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace RunProof.Generators;

/// <summary>A type or method that looks, by its syntax alone, as if it had one of our attributes.</summary>
/// <param name="Type">The type's metadata name.</param>
/// <param name="Method">The method's name; null where it is the type.</param>
internal readonly record struct MarkedDeclaration(string Type, string? Method)
{
    public IEnumerable<ISymbol> Symbols(Compilation compilation)
    {
        if (compilation.Assembly.GetTypeByMetadataName(Type) is not { } type)
            return [];
        return Method is null ? [type] : type.GetMembers(Method);
    }
}

/// <summary>The marked declarations of a file. They are kept with the tree, which lives on while other files are typed in: a keystroke costs one file's walk.</summary>
internal static class MarkedDeclarations
{
    private static readonly ConditionalWeakTable<SyntaxTree, StrongBox<ImmutableArray<MarkedDeclaration>>> Known = new();

    public static ImmutableArray<MarkedDeclaration> Of(SyntaxTree tree, CancellationToken cancel)
    {
        if (Known.TryGetValue(tree, out var known))
            return known.Value;
        var found = new HashSet<MarkedDeclaration>();
        // What another generator writes is its own business; the analyzers do not look at it either.
        if (!tree.FilePath.EndsWith(".g.cs", StringComparison.OrdinalIgnoreCase) && tree.GetRoot(cancel) is CompilationUnitSyntax root)
            Walk(root.Members, "", '.', found);
        return Known.GetValue(tree, _ => new(found.ToImmutableArray())).Value;
    }

    private static void Walk(SyntaxList<MemberDeclarationSyntax> members, string within, char separator, HashSet<MarkedDeclaration> found)
    {
        foreach (var member in members)
        {
            if (member is BaseNamespaceDeclarationSyntax space)
                Walk(space.Members, Join(within, '.', string.Concat(space.Name.ToString().Where(static c => c is not ('@' or ' ')))), '.', found);
            else if (member is TypeDeclarationSyntax type)
                WalkType(type, within, separator, found);
            else if (member is MethodDeclarationSyntax method && IsMarked(method.AttributeLists))
                found.Add(new MarkedDeclaration(within, method.Identifier.ValueText));
        }
    }

    private static void WalkType(TypeDeclarationSyntax type, string within, char separator, HashSet<MarkedDeclaration> found)
    {
        var arity = type.TypeParameterList is { Parameters.Count: > 0 and var count } ? "`" + count.ToString(CultureInfo.InvariantCulture) : "";
        var name = Join(within, separator, type.Identifier.ValueText + arity);
        if (IsMarked(type.AttributeLists))
            found.Add(new MarkedDeclaration(name, null));
        Walk(type.Members, name, '+', found);
    }

    private static string Join(string within, char separator, string name) => within.Length == 0 ? name : within + separator + name;

    // An attribute under an alias of one's own goes unseen here, and its duplicate with it; the registry still refuses it when the process starts.
    private static bool IsMarked(SyntaxList<AttributeListSyntax> lists)
    {
        foreach (var list in lists)
        {
            foreach (var attribute in list.Attributes)
            {
                if (LastPart(attribute.Name) is "Canonical" or "CanonicalAttribute" or "Skill" or "SkillAttribute")
                    return true;
            }
        }

        return false;
    }

    private static string LastPart(NameSyntax name) => name switch
    {
        QualifiedNameSyntax qualified => qualified.Right.Identifier.ValueText,
        AliasQualifiedNameSyntax aliased => aliased.Name.Identifier.ValueText,
        SimpleNameSyntax simple => simple.Identifier.ValueText,
        _ => "",
    };
}
