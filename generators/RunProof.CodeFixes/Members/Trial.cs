using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace RunProof.CodeFixes;

/// <summary>Tries a change of one member out before it is offered: the compiler knows best what a default can become.</summary>
internal static class Trial
{
    /// <summary>Whether the member compiles as it did, and its default is no conversion of somebody's: that from DateTime depends on the machine's time zone.</summary>
    public static bool Compiles(Fault fault, MemberSyntax member, IReadOnlyList<Edit> edits)
    {
        var declaration = member.Type.Parent!;
        var changes = edits.OrderBy(static edit => edit.Span.Start).Select(static edit => new TextChange(edit.Span, edit.Text)).ToList();
        var tree = fault.Tree.WithChangedText(fault.Tree.GetText(fault.Cancel).WithChanges(changes));
        var span = new TextSpan(declaration.SpanStart, declaration.Span.Length + changes.Sum(static change => change.NewText!.Length - change.Span.Length));
        var model = fault.Compilation.ReplaceSyntaxTree(fault.Tree, tree).GetSemanticModel(tree);
        return Warnings(model, span, fault.Cancel) <= Warnings(fault.Model, declaration.Span, fault.Cancel) && !IsConverted(model, tree, span, fault.Cancel);
    }

    private static int Warnings(SemanticModel model, TextSpan span, CancellationToken cancel) =>
        model.GetDiagnostics(span, cancel).Count(diagnostic => diagnostic.Severity >= DiagnosticSeverity.Warning && span.Contains(diagnostic.Location.SourceSpan));

    private static bool IsConverted(SemanticModel model, SyntaxTree tree, TextSpan span, CancellationToken cancel)
    {
        var values = tree.GetRoot(cancel).FindNode(span).DescendantNodes().OfType<EqualsValueClauseSyntax>().Where(clause => span.Contains(clause.Span));
        return values.Any(clause => Microsoft.CodeAnalysis.CSharp.CSharpExtensions.GetConversion(model, clause.Value, cancel).IsUserDefined);
    }
}
