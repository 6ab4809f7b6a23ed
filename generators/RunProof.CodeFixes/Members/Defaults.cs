using System;
using System.Globalization;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace RunProof.CodeFixes;

/// <summary>What a member is by default, written for another type: the same value.</summary>
internal static class Defaults
{
    /// <summary>What to write in the place of a default; null where it is to stay as it is, if it can.</summary>
    public static string? Carried(Fault fault, ExpressionSyntax value, ITypeSymbol type) => Number(value, type) ?? Empty(fault, value, type) ?? Moment(fault, value, type);

    /// <summary><c>0.50</c> is <c>0.5m</c>: trailing zeros are part of a decimal, and no double has any.</summary>
    private static string? Number(ExpressionSyntax value, ITypeSymbol type)
    {
        if (Bare(type).SpecialType != SpecialType.System_Decimal)
            return null;
        if (value is PrefixUnaryExpressionSyntax { RawKind: (int)SyntaxKind.UnaryMinusExpression } minus)
            return Number(minus.Operand, type) is { } number ? "-" + number : null;
        if (value is not LiteralExpressionSyntax { Token: { RawKind: (int)SyntaxKind.NumericLiteralToken, Value: double or float } token })
            return null;
        var digits = token.Text.Replace("_", "").TrimEnd('d', 'D', 'f', 'F');
        return decimal.TryParse(digits, NumberStyles.Float, CultureInfo.InvariantCulture, out var exact) && (exact != 0 || Convert.ToDouble(token.Value, CultureInfo.InvariantCulture) == 0)
            ? exact.ToString("0.############################", CultureInfo.InvariantCulture) + "m"
            : null;
    }

    /// <summary>A collection without items stays one, whatever type made it.</summary>
    private static string? Empty(Fault fault, ExpressionSyntax value, ITypeSymbol type)
    {
        if (!IsEmpty(value) || Bare(type) is not INamedTypeSymbol collection)
            return null;
        // Classes that can be made with 'new()' are; interfaces of lists take '[]', interfaces of maps do not.
        if (collection.TypeArguments.Length == 2)
            return collection.TypeKind == TypeKind.Interface ? "new global::System.Collections.Generic.Dictionary<" + Arguments(collection) + ">()" : "[]";
        return collection.TypeArguments.Length == 1 && fault.Compilation.GetTypeByMetadataName("System.Collections.Generic.IReadOnlyList`1") is { } list
            && SymbolEqualityComparer.Default.Equals(list, collection.OriginalDefinition) ? "[]" : null;
    }

    private static bool IsEmpty(ExpressionSyntax value) => value switch
    {
        CollectionExpressionSyntax { Elements.Count: 0 } => true,
        BaseObjectCreationExpressionSyntax { ArgumentList: null or { Arguments.Count: 0 }, Initializer: null or { Expressions.Count: 0 } } => true,
        MemberAccessExpressionSyntax { Name: IdentifierNameSyntax { Identifier.ValueText: "Empty" } } => true,
        InvocationExpressionSyntax { ArgumentList.Arguments.Count: 0, Expression: MemberAccessExpressionSyntax { Name: GenericNameSyntax { Identifier.ValueText: "Empty" } } } => true,
        _ => false,
    };

    /// <summary>The moments that both types know by one name.</summary>
    private static string? Moment(Fault fault, ExpressionSyntax value, ITypeSymbol type)
    {
        if (value is not MemberAccessExpressionSyntax { Name.Identifier.ValueText: "MinValue" or "MaxValue" or "UnixEpoch" or "Now" or "UtcNow" } moment
            || fault.Model.GetTypeInfo(value, fault.Cancel).Type?.SpecialType != SpecialType.System_DateTime
            || fault.Model.GetSymbolInfo(moment.Expression, fault.Cancel).Symbol is not INamedTypeSymbol { SpecialType: SpecialType.System_DateTime }
            || Bare(type).Name != "DateTimeOffset")
            return null;
        return "global::System.DateTimeOffset." + moment.Name.Identifier.ValueText;
    }

    private static ITypeSymbol Bare(ITypeSymbol type) =>
        type is INamedTypeSymbol { OriginalDefinition.SpecialType: SpecialType.System_Nullable_T } nullable ? nullable.TypeArguments[0] : type;

    private static string Arguments(INamedTypeSymbol type) =>
        string.Join(", ", type.TypeArguments.Select(static argument => argument.ToDisplayString(
            SymbolDisplayFormat.FullyQualifiedFormat.AddMiscellaneousOptions(SymbolDisplayMiscellaneousOptions.IncludeNullableReferenceTypeModifier))));
}
