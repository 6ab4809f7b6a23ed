using System.Collections.Generic;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace RunProof.Generators;

/// <summary>What declarations share: their file's usings, the namespaces and types around them.</summary>
/// <param name="Marking">Its text.</param>
/// <param name="References">The simple names in it.</param>
/// <param name="Namespace">The namespace, full.</param>
/// <param name="IsRecord">Whether the type around is a record.</param>
internal sealed record Surroundings(Marking Marking, string[] References, string Namespace, bool IsRecord)
{
    public static readonly Surroundings None = new(default, [], "", false);
}

/// <summary>Gathers the mark of a declaration and the names in it. Space, comments and bodies are no part of it; doc comments and nullable directives are.</summary>
internal sealed class FactText
{
    private readonly List<string> _references = [];
    private readonly string[] _around;
    private readonly SyntaxTrivia[] _nullable;
    private Marking _marking;
    private int _directive;

    public FactText(Surroundings around, SyntaxTrivia[] nullable, int start)
    {
        _marking = around.Marking;
        _around = around.References;
        _nullable = nullable;
        Directives(start);
    }

    public Mark Mark => _marking.Mark;

    public string[] References => [.. _references];

    public string[] Around => _around;

    public Surroundings AsSurroundings(string space, bool isRecord) => new(_marking, _references.Count == 0 ? _around : [.. _around, .. _references], space, isRecord);

    /// <summary>A name that is declared: it is looked for as well, for a second part of the type, or a namesake that hides it.</summary>
    public void Name(string name)
    {
        _marking.Add(name);
        _references.Add(name);
    }

    /// <summary>A declaration: of a type its head, of an enum all of it, of others what is not in their bodies.</summary>
    public void Declaration(MemberDeclarationSyntax member, bool isShape)
    {
        Docs(member);
        if (member is TypeDeclarationSyntax type)
            Head(type);
        else if (member is BaseFieldDeclarationSyntax fields && !fields.Modifiers.Any(SyntaxKind.ConstKeyword))
            FieldWithoutValues(fields);
        else if (member is PropertyDeclarationSyntax property && !isShape)
            PropertyWithoutValue(property);
        else
            Node(member);
    }

    public void Node(SyntaxNode node)
    {
        if (node is SimpleNameSyntax name)
            _references.Add(name.Identifier.ValueText);
        if (node is AttributeSyntax attribute)
            _references.Add(LastPart(attribute.Name) + "Attribute");
        foreach (var child in node.ChildNodesAndTokens())
        {
            if (child.IsToken)
                Token(child.AsToken());
            else if (child.AsNode() is BlockSyntax or ArrowExpressionClauseSyntax)
                _marking.Add("{}");
            else
                Node(child.AsNode()!);
        }
    }

    public void Token(SyntaxToken token)
    {
        Directives(token.SpanStart);
        _marking.Add((ulong)token.RawKind);
        // A token that is missing has a kind and no text, and reads otherwise than one that is there.
        _marking.Add(token.IsMissing ? "" : token.Text);
    }

    public static string LastPart(NameSyntax name) => name switch
    {
        QualifiedNameSyntax qualified => qualified.Right.Identifier.ValueText,
        AliasQualifiedNameSyntax aliased => aliased.Name.Identifier.ValueText,
        SimpleNameSyntax simple => simple.Identifier.ValueText,
        _ => "",
    };

    public static string[] Names(SyntaxList<AttributeListSyntax> lists) =>
        lists.Count == 0 ? [] : lists.SelectMany(static list => list.Attributes).Select(static attribute => LastPart(attribute.Name)).ToArray();

    private void Head(TypeDeclarationSyntax type)
    {
        foreach (var list in type.AttributeLists)
            Node(list);
        foreach (var modifier in type.Modifiers)
            Token(modifier);
        Token(type.Keyword);
        if (type is RecordDeclarationSyntax record)
            Token(record.ClassOrStructKeyword);
        if (type.TypeParameterList is { } typeParameters)
            Node(typeParameters);
        // A class's own parameters are what its container gives it, and reach no model.
        if (type.ParameterList is { } parameters && (type is RecordDeclarationSyntax || type.Identifier.RawKind == 0))
            Node(parameters);
        foreach (var ancestor in type.BaseList?.Types ?? default)
            Node(ancestor.Type);
        foreach (var constraint in type.ConstraintClauses)
            Node(constraint);
    }

    private void FieldWithoutValues(BaseFieldDeclarationSyntax fields)
    {
        foreach (var modifier in fields.Modifiers)
            Token(modifier);
        Node(fields.Declaration.Type);
    }

    private void PropertyWithoutValue(PropertyDeclarationSyntax property)
    {
        foreach (var modifier in property.Modifiers)
            Token(modifier);
        Node(property.Type);
    }

    private void Docs(SyntaxNode node)
    {
        foreach (var trivia in node.GetLeadingTrivia())
        {
            if (DocText.IsDoc(trivia))
                _marking.Add(trivia.ToFullString());
        }
    }

    /// <summary>The directives up to a place, in their order: together they are whether a reference there may be null.</summary>
    private void Directives(int place)
    {
        for (; _directive < _nullable.Length && _nullable[_directive].SpanStart <= place; _directive++)
            _marking.Add(_nullable[_directive].ToString());
    }
}
