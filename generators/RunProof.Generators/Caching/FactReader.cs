using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;

namespace RunProof.Generators;

/// <summary>Reads a file's facts from its syntax, without asking what any name means.</summary>
internal sealed class FactReader
{
    private readonly List<Fact> _facts = [];
    private readonly HashSet<string> _namespaces = new(StringComparer.Ordinal);
    private readonly List<KeyValuePair<string, string>> _aliases = [];
    private readonly CancellationToken _cancel;
    private readonly bool _whole;
    private readonly SyntaxTrivia[] _nullable;

    private FactReader(CompilationUnitSyntax root, bool whole, CancellationToken cancel)
    {
        _cancel = cancel;
        _whole = whole;
        _nullable = whole && root.ContainsDirectives
            ? root.DescendantTrivia(static node => node.ContainsDirectives).Where(static trivia => trivia.IsKind(SyntaxKind.NullableDirectiveTrivia)).ToArray()
            : [];
    }

    /// <summary>Facts without marks and references.</summary>
    public static FileFacts ReadNames(SyntaxTree tree, CancellationToken cancel)
    {
        var reader = Read(tree, whole: false, cancel);
        return reader is null ? new FileFacts([], [], []) : new FileFacts([.. reader._facts], [.. reader._namespaces], [.. reader._aliases]);
    }

    /// <summary>The same facts, in the same order, with all that is in them.</summary>
    public static Fact[] ReadWhole(SyntaxTree tree, CancellationToken cancel) => Read(tree, whole: true, cancel)?._facts.ToArray() ?? [];

    private static FactReader? Read(SyntaxTree tree, bool whole, CancellationToken cancel)
    {
        if (tree.GetRoot(cancel) is not CompilationUnitSyntax root)
            return null;
        var reader = new FactReader(root, whole, cancel);
        reader.File(root, tree);
        return reader;
    }

    private void File(CompilationUnitSyntax root, SyntaxTree tree)
    {
        // What a name means depends on the version of the language; and where a file counts as generated, its references are not nullable.
        var around = Surroundings.None;
        if (_whole)
        {
            var marking = new Marking();
            marking.Add((ulong)((tree.Options as CSharpParseOptions)?.LanguageVersion ?? 0));
            marking.Add(System.IO.Path.GetFileName(tree.FilePath));
            marking.Add(root.GetLeadingTrivia().ToString().IndexOf("<auto", StringComparison.Ordinal) >= 0 ? "generated" : "");
            around = new Surroundings(marking, [], "", false);
        }

        Everywhere(root.Usings.Where(static one => !one.GlobalKeyword.IsKind(SyntaxKind.None)));
        Everywhere(root.AttributeLists);
        Members(root.Members, Opened(around, root.Externs, root.Usings.Where(static one => one.GlobalKeyword.IsKind(SyntaxKind.None))), "");
    }

    /// <summary>Global usings, and the attributes of the assembly.</summary>
    private void Everywhere(IEnumerable<SyntaxNode> nodes)
    {
        foreach (var node in nodes)
        {
            Alias(node);
            var text = Begin(Surroundings.None, node);
            text?.Node(node);
            _facts.Add(text is null ? Fact.OfName(null, null, [], node.SpanStart) : new Fact(null, null, text.Mark, text.References, text.Around, [], node.SpanStart));
        }
    }

    private Surroundings Opened(Surroundings around, SyntaxList<ExternAliasDirectiveSyntax> externs, IEnumerable<UsingDirectiveSyntax> usings)
    {
        var text = _whole ? new FactText(around, [], 0) : null;
        foreach (var node in externs.Concat<SyntaxNode>(usings))
        {
            text?.Node(node);
            Alias(node);
        }

        return text?.AsSurroundings(around.Namespace, around.IsRecord) ?? around;
    }

    private void Alias(SyntaxNode node)
    {
        if (node is UsingDirectiveSyntax { Alias: { } alias, Name: { } name })
            _aliases.Add(new(alias.Name.Identifier.ValueText, FactText.LastPart(name)));
    }

    private void Members(SyntaxList<MemberDeclarationSyntax> members, Surroundings around, string owner)
    {
        foreach (var member in members)
        {
            _cancel.ThrowIfCancellationRequested();
            switch (member)
            {
                case BaseNamespaceDeclarationSyntax space:
                    Namespace(space, around);
                    break;
                case BaseTypeDeclarationSyntax type:
                    Type(type, around, owner);
                    break;
                case DelegateDeclarationSyntax named:
                    Add(named, named.Identifier, named.Identifier.ValueText, null, around);
                    break;
                case BaseFieldDeclarationSyntax fields:
                    foreach (var variable in fields.Declaration.Variables)
                        Add(fields, variable.Identifier, owner, variable.Identifier.ValueText, around);
                    break;
                case not (GlobalStatementSyntax or IncompleteMemberSyntax):
                    var name = Identifier(member);
                    var isShape = around.IsRecord && member is PropertyDeclarationSyntax or ConstructorDeclarationSyntax;
                    Add(member, name, owner, isShape ? null : name.ValueText, around);
                    break;
            }
        }
    }

    private void Namespace(BaseNamespaceDeclarationSyntax space, Surroundings around)
    {
        var full = around.Namespace.Length == 0 ? PlainName(space.Name) : around.Namespace + "." + PlainName(space.Name);
        _namespaces.Add(full);
        var text = _whole ? new FactText(around, [], 0) : null;
        text?.Node(space.Name);
        var inner = text?.AsSurroundings(full, false) ?? new Surroundings(default, [], full, false);
        Members(space.Members, Opened(inner, space.Externs, space.Usings), "");
    }

    private void Type(BaseTypeDeclarationSyntax type, Surroundings around, string owner)
    {
        // A block of extensions has no name: what is in it belongs to the class around it.
        var name = type.Identifier.ValueText.Length == 0 ? owner : type.Identifier.ValueText;
        Add(type, type.Identifier, name, null, around);
        if (type is not TypeDeclarationSyntax { Members.Count: > 0 } container)
            return;
        var text = _whole ? new FactText(around, [], 0) : null;
        text?.Token(container.Keyword);
        text?.Name(name);
        if (container.TypeParameterList is { } parameters)
            text?.Node(parameters);
        var isRecord = container is RecordDeclarationSyntax;
        var inner = text?.AsSurroundings(around.Namespace, isRecord) ?? new Surroundings(default, [], around.Namespace, isRecord);
        Members(container.Members, inner, name);
    }

    private void Add(MemberDeclarationSyntax member, SyntaxToken identifier, string owner, string? name, Surroundings around)
    {
        var attributes = FactText.Names(member.AttributeLists);
        if (Begin(around, member) is not { } text)
        {
            _facts.Add(Fact.OfName(owner, name, attributes, identifier.SpanStart));
            return;
        }

        text.Name(name ?? owner);
        text.Declaration(member, isShape: name is null);
        _facts.Add(new Fact(owner, name, text.Mark, text.References, text.Around, attributes, identifier.SpanStart));
    }

    private FactText? Begin(Surroundings around, SyntaxNode node) => _whole ? new(around, _nullable, node.FullSpan.Start) : null;

    private static string PlainName(NameSyntax name) => string.Join(".", name.DescendantTokens().Where(static token => token.IsKind(SyntaxKind.IdentifierToken)).Select(static token => token.ValueText));

    private static SyntaxToken Identifier(MemberDeclarationSyntax member) => member switch
    {
        MethodDeclarationSyntax method => method.Identifier,
        PropertyDeclarationSyntax property => property.Identifier,
        EventDeclarationSyntax declared => declared.Identifier,
        ConstructorDeclarationSyntax constructor => constructor.Identifier,
        DestructorDeclarationSyntax destructor => destructor.Identifier,
        IndexerDeclarationSyntax indexer => indexer.ThisKeyword,
        _ => member.GetFirstToken(),
    };
}
