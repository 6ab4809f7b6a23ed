using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Editing;
using Microsoft.CodeAnalysis.Formatting;
using Microsoft.CodeAnalysis.Simplification;
using Microsoft.CodeAnalysis.Text;

namespace RunProof.CodeFixes;

/// <summary>Carries edits out. Whatever they do not touch stays as it was, to the byte.</summary>
internal static class SolutionEdits
{
    public static async Task<Solution> Apply(Solution solution, IEnumerable<Edit> edits, CancellationToken cancel)
    {
        var changed = solution;
        foreach (var ofTree in edits.Distinct().GroupBy(static edit => edit.Tree))
        {
            // What a generator wrote is not for us to change.
            if (solution.GetDocument(ofTree.Key) is not { } document || document is SourceGeneratedDocument)
                continue;
            var text = await Apply(document, ofTree.OrderBy(static edit => edit.Span.Start), cancel).ConfigureAwait(false);
            changed = changed.WithDocumentText(document.Id, text);
        }

        return changed;
    }

    private static async Task<SourceText> Apply(Document document, IEnumerable<Edit> inOrder, CancellationToken cancel)
    {
        var before = await document.GetTextAsync(cancel).ConfigureAwait(false);
        var (changes, names) = Changes(inOrder, Lines.Ending(before));
        var after = before.WithChanges(changes);
        if (names.Count == 0)
            return after;
        return Lines.Keep(before, await Shorten(document.WithText(after), names, cancel).ConfigureAwait(false));
    }

    private static (List<TextChange> Changes, List<TextSpan> Names) Changes(IEnumerable<Edit> inOrder, string ending)
    {
        var (changes, names) = (new List<TextChange>(), new List<TextSpan>());
        var (end, moved) = (0, 0);
        foreach (var edit in inOrder)
        {
            // Of two that overlap the second waits until the first is done: the fault is found again then.
            if (edit.Span.Start < end)
                continue;
            var text = edit.Text.Replace("\n", ending);
            changes.Add(new TextChange(edit.Span, text));
            if (edit.HoldsNames)
                names.Add(new TextSpan(edit.Span.Start + moved, text.Length));
            end = edit.Span.End;
            moved += text.Length - edit.Span.Length;
        }

        return (changes, names);
    }

    /// <summary>Adds the usings that full names ask for, and takes from the names what usings then say.</summary>
    private static async Task<SourceText> Shorten(Document document, List<TextSpan> names, CancellationToken cancel)
    {
        var imported = await ImportAdder.AddImportsAsync(document, names, cancellationToken: cancel).ConfigureAwait(false);
        var simplified = await Simplifier.ReduceAsync(imported, Simplifier.Annotation, cancellationToken: cancel).ConfigureAwait(false);
        var formatted = await Formatter.FormatAsync(simplified, Formatter.Annotation, cancellationToken: cancel).ConfigureAwait(false);
        return await formatted.GetTextAsync(cancel).ConfigureAwait(false);
    }
}
