using System;
using System.Globalization;
using System.Linq;
using System.Threading;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace RunProof.Generators;

/// <summary>What a member is where a caller's JSON does not have it.</summary>
/// <param name="Exists">Whether it may be left out.</param>
/// <param name="Json">Its value then, where it is a constant.</param>
internal readonly record struct MemberDefault(bool Exists, string? Json)
{
    public static MemberDefault Of(IPropertySymbol property, IParameterSymbol? parameter, WireType type, Compilation compilation, CancellationToken cancel)
    {
        if (parameter is not null)
            return parameter.HasExplicitDefaultValue ? new(true, OfConstant(parameter.ExplicitDefaultValue, type, parameter.Type)) : default;
        if (property.IsRequired || Initializer(property) is not { } initializer)
            return default;
        if (initializer is CollectionExpressionSyntax { Elements.Count: 0 })
            return new(true, type.Kind == WireKind.Map ? "{}" : "[]");
        var constant = Constant(initializer, compilation, cancel);
        return new(true, constant.HasValue ? OfConstant(constant.Value, type, property.Type) : null);
    }

    /// <summary>What the syntax alone decides is not asked of the compiler, which would bind the whole call.</summary>
    private static Optional<object?> Constant(ExpressionSyntax initializer, Compilation compilation, CancellationToken cancel) => initializer switch
    {
        LiteralExpressionSyntax { RawKind: not ((int)SyntaxKind.DefaultLiteralExpression or (int)SyntaxKind.Utf8StringLiteralExpression) } literal => new(literal.Token.Value),
        InvocationExpressionSyntax { Expression: not IdentifierNameSyntax { Identifier.ValueText: "nameof" } } or CollectionExpressionSyntax => default,
        _ => compilation.ContainsSyntaxTree(initializer.SyntaxTree) ? compilation.GetSemanticModel(initializer.SyntaxTree).GetConstantValue(initializer, cancel) : default,
    };

    public static bool HasInitializer(IPropertySymbol property) => Initializer(property) is not null;

    /// <summary>A parameter's default as an expression.</summary>
    public static string CSharp(IParameterSymbol parameter, WireType type)
    {
        var value = parameter.ExplicitDefaultValue;
        return value switch
        {
            null => "default(" + type.Declared + ")",
            string text => Literal.Text(text),
            bool flag => flag ? "true" : "false",
            double number => Floating(number.ToString("R", CultureInfo.InvariantCulture), "double", "d"),
            float number => Floating(number.ToString("R", CultureInfo.InvariantCulture), "float", "f"),
            decimal number => number.ToString(CultureInfo.InvariantCulture) + "m",
            _ => "(" + type.CSharp + ")(" + Convert.ToString(value, CultureInfo.InvariantCulture) + ")",
        };
    }

    private static string Floating(string digits, string keyword, string suffix) => digits switch
    {
        "NaN" => keyword + ".NaN",
        "Infinity" => keyword + ".PositiveInfinity",
        "-Infinity" => keyword + ".NegativeInfinity",
        _ => digits + suffix,
    };

    private static string? OfConstant(object? value, WireType type, ITypeSymbol declared)
    {
        if (value is null)
            return type.IsNullable ? "null" : null;
        return type.Kind switch
        {
            WireKind.Text => value is string text ? JsonText.Quote(text) : null,
            WireKind.Boolean => value is bool flag ? (flag ? "true" : "false") : null,
            WireKind.Enum => Word(value, declared, type),
            WireKind.SignedNumber or WireKind.UnsignedNumber or WireKind.Single or WireKind.Double => Number(value),
            WireKind.WideInteger or WireKind.Decimal => Number(value) is { } number ? JsonText.Quote(number) : null,
            _ => null,
        };
    }

    /// <summary>A constant as JSON's number; null where it has none, or is of a type that only half-typed code can put there.</summary>
    private static string? Number(object value) => value switch
    {
        char c => ((int)c).ToString(CultureInfo.InvariantCulture),
        double number => double.IsNaN(number) || double.IsInfinity(number) ? null : number.ToString("R", CultureInfo.InvariantCulture),
        float number => float.IsNaN(number) || float.IsInfinity(number) ? null : ((double)number).ToString("R", CultureInfo.InvariantCulture),
        string or bool => null,
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => null,
    };

    private static string? Word(object value, ITypeSymbol declared, WireType type)
    {
        var bare = declared is INamedTypeSymbol { OriginalDefinition.SpecialType: SpecialType.System_Nullable_T } nullable ? nullable.TypeArguments[0] : declared;
        var field = bare.GetMembers().OfType<IFieldSymbol>().FirstOrDefault(field => field.HasConstantValue && Equals(field.ConstantValue, value));
        var word = field is null ? null : type.Words.FirstOrDefault(word => word.Constant.EndsWith("." + Symbols.Escaped(field.Name), StringComparison.Ordinal));
        return word is null ? null : JsonText.Quote(word.Wire);
    }

    private static ExpressionSyntax? Initializer(IPropertySymbol property) => property.DeclaringSyntaxReferences
        .Select(static reference => (reference.GetSyntax() as PropertyDeclarationSyntax)?.Initializer?.Value)
        .FirstOrDefault(static value => value is not null);
}
