using System.Collections.Generic;
using System.Collections.Immutable;
using System.Composition;
using System.Linq;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;
using RunProof.Generators;

namespace RunProof.CodeFixes;

/// <summary>RP0210: turns nullable reference types on where a member is declared.</summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(NullableFix)), Shared]
public sealed class NullableFix : RemedyProvider
{
    private const string Directive = "#nullable enable";

    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = [Rules.Oblivious.Id];

    private protected override IEnumerable<Remedy> Remedies(Fault fault)
    {
        // A member that is inherited is declared elsewhere: a directive here would change nothing.
        if (fault.Around<PropertyDeclarationSyntax>() is null && fault.Around<ParameterSyntax>() is null)
            yield break;
        yield return new Remedy("Write '#nullable enable'", "RunProof.RP0210", [Enable(fault)]);
    }

    /// <summary>In the place of the directive that turned them off; else at the top of the file, below its header.</summary>
    private static Edit Enable(Fault fault)
    {
        var off = fault.Root.DescendantNodes(descendIntoTrivia: true).OfType<NullableDirectiveTriviaSyntax>()
            .LastOrDefault(directive => directive.IsActive && directive.Span.End <= fault.Diagnostic.Location.SourceSpan.Start);
        return off is null
            ? Edit.Insert(fault.Tree, Top(fault.Root), Directive + "\n")
            : new Edit(fault.Tree, TextSpan.FromBounds(off.HashToken.SpanStart, (off.TargetToken.RawKind == 0 ? off.SettingToken : off.TargetToken).Span.End), Directive);
    }

    private static int Top(SyntaxNode root)
    {
        var top = 0;
        foreach (var trivia in root.GetFirstToken(includeZeroWidth: true).LeadingTrivia)
        {
            if (trivia.Kind() is SyntaxKind.SingleLineCommentTrivia or SyntaxKind.MultiLineCommentTrivia or SyntaxKind.ShebangDirectiveTrivia)
                top = EndOfLine(root, trivia.FullSpan.End);
            else if (trivia.Kind() is not (SyntaxKind.EndOfLineTrivia or SyntaxKind.WhitespaceTrivia))
                break;
        }

        return top;
    }

    private static int EndOfLine(SyntaxNode root, int position)
    {
        var line = root.SyntaxTree.GetText().Lines.GetLineFromPosition(position);
        return line.Start == position ? position : line.EndIncludingLineBreak;
    }
}
