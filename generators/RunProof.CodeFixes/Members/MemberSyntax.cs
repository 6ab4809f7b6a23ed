using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace RunProof.CodeFixes;

/// <summary>A member as it is declared: a property, or a parameter of the primary constructor.</summary>
/// <param name="Type">Its type.</param>
/// <param name="Value">What it is where nobody says otherwise; null where nothing is declared.</param>
/// <param name="MayBeRequired">Whether <c>required</c> may stand before its type, and does not yet.</param>
internal sealed record MemberSyntax(TypeSyntax Type, ExpressionSyntax? Value, bool MayBeRequired)
{
    /// <summary>Null where the diagnostic is at no member: what a record inherits is told at the record.</summary>
    public static MemberSyntax? Of(Fault fault)
    {
        if (fault.Around<ParameterSyntax>() is { Type: { } type } parameter)
            return new MemberSyntax(type, parameter.Default?.Value, false);
        return fault.Around<PropertyDeclarationSyntax>() is { } property ? new MemberSyntax(property.Type, property.Initializer?.Value ?? property.ExpressionBody?.Expression, MayBe(property)) : null;
    }

    private static bool MayBe(PropertyDeclarationSyntax property)
    {
        if (property.Modifiers.Any(SyntaxKind.RequiredKeyword) || !property.Modifiers.Any(SyntaxKind.PublicKeyword) || property.AccessorList is not { } accessors)
            return false;
        foreach (var accessor in accessors.Accessors)
        {
            if (accessor.Keyword.Kind() is SyntaxKind.InitKeyword or SyntaxKind.SetKeyword)
                return accessor.Modifiers.Count == 0;
        }

        return false;
    }
}
