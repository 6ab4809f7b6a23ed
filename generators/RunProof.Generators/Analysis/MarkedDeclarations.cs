using System;
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
/// <param name="Attribute">Which: the attribute's full name.</param>
/// <param name="Type">The type's metadata name.</param>
/// <param name="Method">The method's name; null where it is the type.</param>
/// <param name="Name">The name it takes, as <see cref="DeclaredNames"/> looks it up; null where that is no literal and has to be bound.</param>
internal sealed record MarkedDeclaration(string Attribute, string Type, string? Method, string? Name)
{
    /// <summary>What is declared there with that attribute: of a method, its overloads are looked at as well.</summary>
    public ImmutableArray<ISymbol> Symbols(Compilation compilation)
    {
        if (compilation.Assembly.GetTypeByMetadataName(Type) is not { } type)
            return [];
        var symbols = Method is null ? ImmutableArray.Create<ISymbol>(type) : type.GetMembers(Method);
        return symbols.RemoveAll(symbol => symbol.Attribute(Attribute) is null);
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
        var found = ImmutableArray.CreateBuilder<MarkedDeclaration>();
        // What another generator writes is its own business; the analyzers do not look at it either.
        if (!tree.FilePath.EndsWith(".g.cs", StringComparison.OrdinalIgnoreCase) && tree.GetRoot(cancel) is CompilationUnitSyntax root)
            Walk(root.Members, "", '.', found);
        return Known.GetValue(tree, _ => new(found.ToImmutable())).Value;
    }

    private static void Walk(SyntaxList<MemberDeclarationSyntax> members, string within, char separator, ImmutableArray<MarkedDeclaration>.Builder found)
    {
        foreach (var member in members)
        {
            if (member is BaseNamespaceDeclarationSyntax space)
                Walk(space.Members, Join(within, '.', string.Concat(space.Name.ToString().Where(static c => c is not ('@' or ' ')))), '.', found);
            else if (member is TypeDeclarationSyntax type)
                WalkType(type, within, separator, found);
            else if (member is MethodDeclarationSyntax method)
                Add(method.AttributeLists, within, method.Identifier.ValueText, found);
        }
    }

    private static void WalkType(TypeDeclarationSyntax type, string within, char separator, ImmutableArray<MarkedDeclaration>.Builder found)
    {
        var arity = type.TypeParameterList is { Parameters.Count: > 0 and var count } ? "`" + count.ToString(CultureInfo.InvariantCulture) : "";
        var name = Join(within, separator, type.Identifier.ValueText + arity);
        Add(type.AttributeLists, name, null, found);
        Walk(type.Members, name, '+', found);
    }

    private static string Join(string within, char separator, string name) => within.Length == 0 ? name : within + separator + name;

    // An attribute under an alias of one's own goes unseen here, and its duplicate with it; the registry still refuses it when the process starts.
    private static void Add(SyntaxList<AttributeListSyntax> lists, string type, string? method, ImmutableArray<MarkedDeclaration>.Builder found)
    {
        foreach (var list in lists)
        {
            foreach (var attribute in list.Attributes)
            {
                if (LastPart(attribute.Name) is "Skill" or "SkillAttribute")
                    found.Add(new MarkedDeclaration(Symbols.Skill, type, method, SkillName(attribute)));
                else if (method is null && LastPart(attribute.Name) is "Canonical" or "CanonicalAttribute")
                    found.Add(new MarkedDeclaration(Symbols.Canonical, type, null, SchemaName(attribute)));
            }
        }
    }

    private static string? SkillName(AttributeSyntax attribute) => attribute.ArgumentList?.Arguments.FirstOrDefault() is { NameEquals: null } name ? Literal(name) : null;

    private static string? SchemaName(AttributeSyntax attribute)
    {
        string? name = SnakeCase.Of(((TypeDeclarationSyntax)attribute.Parent!.Parent!).Identifier.ValueText), version = "1";
        foreach (var argument in attribute.ArgumentList?.Arguments ?? default)
        {
            if (argument.NameEquals?.Name.Identifier.ValueText == "Name")
                name = Literal(argument);
            else if (argument.NameEquals?.Name.Identifier.ValueText == "Version")
                version = Literal(argument);
        }

        return name is null || version is null ? null : DeclaredNames.Schema(name, version);
    }

    private static string? Literal(AttributeArgumentSyntax argument) =>
        argument.Expression is LiteralExpressionSyntax { RawKind: (int)SyntaxKind.StringLiteralExpression } literal ? literal.Token.ValueText : null;

    private static string LastPart(NameSyntax name) => name switch
    {
        QualifiedNameSyntax qualified => qualified.Right.Identifier.ValueText,
        AliasQualifiedNameSyntax aliased => aliased.Name.Identifier.ValueText,
        SimpleNameSyntax simple => simple.Identifier.ValueText,
        _ => "",
    };
}
