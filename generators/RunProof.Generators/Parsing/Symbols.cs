using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Threading;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace RunProof.Generators;

/// <summary>Questions that parsers ask of symbols.</summary>
internal static class Symbols
{
    public const string Canonical = "RunProof.Format.CanonicalAttribute";
    public const string JsonBound = "RunProof.Skills.IJsonBound`1";
    public const string Skill = "RunProof.Skills.SkillAttribute";

    private static readonly ConditionalWeakTable<INamespaceOrTypeSymbol, HashSet<string>> Lookalikes = new();

    /// <summary>The full name for messages.</summary>
    public static string ShortName(this ISymbol symbol) => symbol.ToDisplayString(SymbolDisplayFormat.CSharpShortErrorMessageFormat);

    public static AttributeData? Attribute(this ISymbol symbol, string name)
    {
        foreach (var attribute in symbol.GetAttributes())
        {
            if (attribute.AttributeClass is { } type && type.IsNamed(name))
                return attribute;
        }

        return null;
    }

    /// <summary>Whether the type, or its definition, has this namespace and name: without a text being made of it, since this is asked of every attribute.</summary>
    public static bool IsNamed(this INamedTypeSymbol type, string full)
    {
        if (type.ContainingType is not null)
            return false;
        var end = full.Length;
        for (ISymbol part = type; part is not INamespaceSymbol { IsGlobalNamespace: true }; part = part.ContainingNamespace)
        {
            var start = end - part.Name.Length;
            if (start < 0 || string.CompareOrdinal(full, start, part.Name, 0, part.Name.Length) != 0 || (start > 0 && full[start - 1] != '.'))
                return false;
            if (part.ContainingNamespace is null)
                return start == 0;
            end = start - 1;
        }

        return end < 0;
    }

    /// <summary>Where an attribute makes a symbol what it is: the name, in the declaration that carries it.</summary>
    public static Location? Place(this ISymbol symbol, string attribute) =>
        symbol.Attribute(attribute)?.ApplicationSyntaxReference?.GetSyntax().Parent?.Parent switch
        {
            BaseTypeDeclarationSyntax type => type.Identifier.GetLocation(),
            MethodDeclarationSyntax method => method.Identifier.GetLocation(),
            _ => symbol.Locations.FirstOrDefault(),
        };

    /// <summary>Whether a place lies in one of a symbol's declarations. An editor asks for a symbol's diagnostics there, and drops what lies elsewhere.</summary>
    public static bool Declares(this ISymbol symbol, Location place)
    {
        foreach (var reference in symbol.DeclaringSyntaxReferences)
        {
            if (reference.SyntaxTree == place.SourceTree && reference.Span.Contains(place.SourceSpan))
                return true;
        }

        return false;
    }

    public static string? Argument(this AttributeData attribute, int position) =>
        attribute.ConstructorArguments.Length > position && attribute.ConstructorArguments[position] is { Kind: TypedConstantKind.Primitive, Value: string text } ? text : null;

    public static string? Named(this AttributeData attribute, string name) =>
        attribute.NamedArguments.FirstOrDefault(argument => argument.Key == name).Value is { Kind: TypedConstantKind.Primitive, Value: string text } ? text : null;

    /// <summary>A name as C# code, with <c>@</c> where it is a keyword.</summary>
    public static string Escaped(string name) =>
        SyntaxFacts.GetKeywordKind(name) != SyntaxKind.None || SyntaxFacts.GetContextualKeywordKind(name) != SyntaxKind.None ? "@" + name : name;

    public static bool IsPartial(this INamedTypeSymbol type, CancellationToken cancel) => type.DeclaringSyntaxReferences
        .Any(reference => reference.GetSyntax(cancel) is TypeDeclarationSyntax declaration && declaration.Modifiers.Any(SyntaxKind.PartialKeyword));

    /// <summary>The types around a type, outermost first.</summary>
    public static IEnumerable<INamedTypeSymbol> Containers(this ISymbol symbol)
    {
        var containers = new Stack<INamedTypeSymbol>();
        for (var outer = symbol.ContainingType; outer is not null; outer = outer.ContainingType)
            containers.Push(outer);
        return containers;
    }

    /// <summary>How a part of the type is declared in another file: <c>partial record struct Pair</c>.</summary>
    public static string PartialDeclaration(this INamedTypeSymbol type)
    {
        var kind = type.TypeKind switch
        {
            TypeKind.Interface => "interface",
            TypeKind.Struct => type.IsRecord ? "record struct" : "struct",
            _ => type.IsRecord ? "record" : "class",
        };
        return "partial " + kind + " " + Escaped(type.Name);
    }

    /// <summary>Whether code elsewhere in the assembly can name it.</summary>
    public static bool IsSeenInAssembly(this ISymbol symbol) =>
        symbol.DeclaredAccessibility is not (Accessibility.Private or Accessibility.Protected or Accessibility.ProtectedAndInternal)
        && (symbol.ContainingType is null || symbol.ContainingType.IsSeenInAssembly())
        && symbol is not INamedTypeSymbol { IsFileLocal: true };

    public static bool IsWord(string text) => text.Length is >= 1 and <= 128 && text.All(static c => c is > ' ' and <= '~');

    /// <summary>A file name that no other type of the assembly has: file names are compared without regard to case.</summary>
    public static string HintName(this INamedTypeSymbol type, string suffix)
    {
        var space = type.ContainingNamespace.IsGlobalNamespace ? "" : type.ContainingNamespace.ToDisplayString() + ".";
        var name = space + string.Join("+", type.Containers().Append(type).Select(static part => part.Name));
        var safe = new string(name.Select(static c => c is '.' or '+' or '_' or (>= '0' and <= '9') or (>= 'a' and <= 'z') or (>= 'A' and <= 'Z') ? c : '_').ToArray());
        return safe == name && !HasLookalike(type) ? name + suffix : safe + "_" + Literal.Digits(name) + suffix;
    }

    /// <summary>Whether another type is declared under the very same name, or one around it: half-typed code, and two files of one name.</summary>
    public static bool HasTwin(this INamedTypeSymbol type)
    {
        for (var part = type; part is not null; part = part.ContainingType)
        {
            var alike = ((INamespaceOrTypeSymbol?)part.ContainingType ?? part.ContainingNamespace).GetTypeMembers(part.Name, part.Arity);
            if (alike.Length > 1 && alike.Count(static type => !type.IsFileLocal) > 1)
                return true;
        }

        return false;
    }

    private static bool HasLookalike(INamespaceOrTypeSymbol symbol)
    {
        for (INamespaceOrTypeSymbol? part = symbol; part is not (null or INamespaceSymbol { IsGlobalNamespace: true }); part = (INamespaceOrTypeSymbol?)part.ContainingType ?? part.ContainingNamespace)
        {
            if (Lookalikes.GetValue((INamespaceOrTypeSymbol?)part.ContainingType ?? part.ContainingNamespace, FindLookalikes).Contains(part.Name))
                return true;
        }

        return false;
    }

    /// <summary>The names in a namespace or type that another name there differs from by case alone.</summary>
    private static HashSet<string> FindLookalikes(INamespaceOrTypeSymbol around) => new(
        around.GetMembers().Select(static member => member.Name).Distinct(StringComparer.Ordinal).GroupBy(static name => name, StringComparer.OrdinalIgnoreCase).Where(static same => same.Skip(1).Any()).SelectMany(static same => same),
        StringComparer.Ordinal);
}
