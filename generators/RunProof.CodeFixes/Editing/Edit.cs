using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Text;

namespace RunProof.CodeFixes;

/// <summary>One change of a source text.</summary>
/// <param name="Tree">The file.</param>
/// <param name="Span">What is replaced; empty where something is inserted.</param>
/// <param name="Text">What stands there then; its line feeds become the file's own line endings.</param>
/// <param name="HoldsNames">Whether it holds full names, to be imported and shortened.</param>
internal sealed record Edit(SyntaxTree Tree, TextSpan Span, string Text, bool HoldsNames = false)
{
    public static Edit Replace(SyntaxNode node, string text, bool holdsNames = false) => new(node.SyntaxTree, node.Span, text, holdsNames);

    public static Edit Replace(SyntaxToken token, string text) => new(token.SyntaxTree!, token.Span, text);

    public static Edit Insert(SyntaxTree tree, int position, string text, bool holdsNames = false) => new(tree, new TextSpan(position, 0), text, holdsNames);

    public static Edit InsertBefore(SyntaxToken token, string text) => Insert(token.SyntaxTree!, token.SpanStart, text);

    public static Edit InsertAfter(SyntaxToken token, string text) => Insert(token.SyntaxTree!, token.Span.End, text);
}

/// <summary>A way out of a fault.</summary>
/// <param name="Title">What an editor offers.</param>
/// <param name="Key">What remedies of many faults are taken together by: one for each way of one rule.</param>
/// <param name="Edits">The changes, which may be in several files.</param>
internal sealed record Remedy(string Title, string Key, ImmutableArray<Edit> Edits);
