using System.Linq;
using System.Runtime.CompilerServices;
using Microsoft.CodeAnalysis;

namespace RunProof.Generators;

/// <summary>
/// Names of types as code and as text, put together from those of their definitions: the compiler's own printing of a name is slow beside all that is asked
/// here about a member, and most members are of few types.
/// </summary>
internal static class TypeNames
{
    private static readonly SymbolDisplayFormat Full = SymbolDisplayFormat.FullyQualifiedFormat.AddMiscellaneousOptions(
        SymbolDisplayMiscellaneousOptions.IncludeNullableReferenceTypeModifier);

    private static readonly SymbolDisplayFormat WithoutArguments = Full.WithGenericsOptions(SymbolDisplayGenericsOptions.None);

    private static readonly ConditionalWeakTable<ISymbol, string> Definitions = new();
    private static readonly ConditionalWeakTable<ISymbol, string> Plain = new();

    /// <summary>The full name in C#, without an outer question mark.</summary>
    public static string FullName(this ITypeSymbol type) => type switch
    {
        INamedTypeSymbol { OriginalDefinition.SpecialType: SpecialType.System_Nullable_T } nullable => nullable.TypeArguments[0].FullName() + "?",
        INamedTypeSymbol { IsTupleType: false, ContainingType: null or { IsGenericType: false } } named => Definition(named) + Arguments(named),
        _ => type.WithNullableAnnotation(NullableAnnotation.NotAnnotated).ToDisplayString(Full),
    };

    /// <summary>The full name in C#, with its question mark.</summary>
    public static string DeclaredName(this ITypeSymbol type) =>
        type is INamedTypeSymbol { IsReferenceType: true, NullableAnnotation: NullableAnnotation.Annotated } ? type.FullName() + "?" : type is INamedTypeSymbol ? type.FullName() : type.ToDisplayString(Full);

    /// <summary>Namespace and name of the type's definition: <c>System.Collections.Generic.List</c>.</summary>
    public static string DefinitionName(this INamedTypeSymbol type) => Plain.GetValue(
        type.OriginalDefinition,
        static symbol => symbol.ContainingType is null && symbol.ContainingNamespace is { IsGlobalNamespace: false } space ? space.ToDisplayString() + "." + symbol.Name : symbol.Name);

    private static string Definition(INamedTypeSymbol type) => Definitions.GetValue(type.OriginalDefinition, static symbol => symbol.ToDisplayString(WithoutArguments));

    private static string Arguments(INamedTypeSymbol type) =>
        type.TypeArguments.IsEmpty ? "" : "<" + string.Join(", ", type.TypeArguments.Select(DeclaredName)) + ">";
}
