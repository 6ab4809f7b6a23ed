using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using RunProof.Generators;

namespace RunProof.CodeFixes;

/// <summary>What an attribute says, found and changed.</summary>
internal static class AttributeEdits
{
    /// <summary>A text as C# writes it.</summary>
    public static string Literal(string text) => SymbolDisplay.FormatLiteral(text, quote: true);

    /// <summary>Where a symbol carries an attribute, in source; null where it does not.</summary>
    public static AttributeSyntax? Find(ISymbol? symbol, string attribute) => symbol?.Attribute(attribute)?.ApplicationSyntaxReference?.GetSyntax() as AttributeSyntax;

    /// <summary>Sets <c>Name = "value"</c>, in the place of what the attribute said or behind all else.</summary>
    public static Edit Named(AttributeSyntax attribute, string name, string value)
    {
        var given = name + " = " + Literal(value);
        if (attribute.ArgumentList is not { } list)
            return Edit.Insert(attribute.SyntaxTree, attribute.Name.Span.End, "(" + given + ")");
        if (list.Arguments.FirstOrDefault(argument => argument.NameEquals?.Name.Identifier.ValueText == name) is { } old)
            return Edit.Replace(old.Expression, Literal(value));
        return list.Arguments.Count == 0
            ? Edit.InsertAfter(list.OpenParenToken, given)
            : Edit.Insert(attribute.SyntaxTree, list.Arguments[list.Arguments.Count - 1].Span.End, ", " + given);
    }

    /// <summary>Sets the first argument of the constructor.</summary>
    public static Edit? First(AttributeSyntax attribute, string value)
    {
        if (attribute.ArgumentList is not { } list)
            return Edit.Insert(attribute.SyntaxTree, attribute.Name.Span.End, "(" + Literal(value) + ")");
        var given = list.Arguments.FirstOrDefault(static argument => argument.NameEquals is null);
        return given is null ? null : Edit.Replace(given.Expression, Literal(value));
    }
}
