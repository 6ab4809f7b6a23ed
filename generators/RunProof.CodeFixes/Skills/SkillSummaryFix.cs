using System;
using System.Collections.Generic;
using System.Collections.Immutable;
using System.Composition;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using RunProof.Generators;

namespace RunProof.CodeFixes;

/// <summary>RP0407: writes a first summary of a skill.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(SkillSummaryFix)), Shared]
public sealed class SkillSummaryFix : RemedyProvider
{
    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = [Rules.SkillWithoutSummary.Id];

    private protected override IEnumerable<Remedy> Remedies(Fault fault)
    {
        if (SkillSyntax.Of(fault) is not { Name: { } name } skill || Edit(skill, $"<summary>{SkillSummary.Of(name, skill.Parameters, skill.Outcome)}</summary>") is not { } edit)
            yield break;
        yield return new Remedy("Begin a summary of what the skill does", "RunProof.RP0407", [edit]);
    }

    private static Edit? Edit(SkillSyntax skill, string summary)
    {
        var first = skill.Declaration.GetFirstToken();
        var comments = first.LeadingTrivia.Where(static trivia => trivia.ToFullString().TrimStart().StartsWith("///", StringComparison.Ordinal)).ToList();
        if (first.LeadingTrivia.Any(SyntaxKind.MultiLineDocumentationCommentTrivia) || comments.Any(static comment => !comment.HasStructure))
            return null;
        return comments.Count == 0 ? Above(first, summary) : Within(comments[0], (DocumentationCommentTriviaSyntax)comments[0].GetStructure()!, summary);
    }

    private static Edit Above(SyntaxToken first, string summary)
    {
        var (tree, start) = (first.SyntaxTree!, first.SpanStart);
        var text = tree.GetText();
        var line = "\n" + Lines.Indent(text, start);
        return CodeFixes.Edit.Insert(tree, start, (Lines.IsFirst(text, start) ? "" : line) + "/// " + summary + line);
    }

    /// <summary>In the place of a summary that says nothing; else as the comment's first line.</summary>
    private static Edit? Within(SyntaxTrivia comment, DocumentationCommentTriviaSyntax content, string summary)
    {
        var tree = comment.SyntaxTree!;
        foreach (var node in content.Content)
        {
            var name = (node as XmlElementSyntax)?.StartTag.Name ?? (node as XmlEmptyElementSyntax)?.Name;
            if (name?.LocalName.ValueText == "summary")
                return node.ContainsDiagnostics ? null : CodeFixes.Edit.Replace(node, summary);
        }

        return content.ContainsDiagnostics ? null : CodeFixes.Edit.Insert(tree, comment.FullSpan.Start, "/// " + summary + "\n" + Lines.Indent(tree.GetText(), comment.FullSpan.Start));
    }
}
