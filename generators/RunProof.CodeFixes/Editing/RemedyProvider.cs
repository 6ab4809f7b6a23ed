using System.Collections.Generic;
using System.Threading.Tasks;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;

namespace RunProof.CodeFixes;

/// <summary>Offers what a rule's faults can be put right with by changing source text.</summary>
public abstract class RemedyProvider : CodeFixProvider
{
    /// <inheritdoc/>
    public override FixAllProvider? GetFixAllProvider() => RemedyFixAll.Instance;

    /// <inheritdoc/>
    public sealed override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        foreach (var diagnostic in context.Diagnostics)
        {
            if (await Fault.Of(context.Document, diagnostic, context.CancellationToken).ConfigureAwait(false) is not { } fault)
                continue;
            foreach (var remedy in Remedies(fault))
            {
                var solution = context.Document.Project.Solution;
                context.RegisterCodeFix(CodeAction.Create(remedy.Title, cancel => SolutionEdits.Apply(solution, remedy.Edits, cancel), remedy.Key), diagnostic);
            }
        }
    }

    /// <summary>The ways out; none where nothing is obvious. Code may be half-typed: whatever is missing means that nothing is offered.</summary>
    private protected abstract IEnumerable<Remedy> Remedies(Fault fault);

    /// <summary>The same for the fix of many at once.</summary>
    internal IEnumerable<Remedy> RemediesOf(Fault fault) => Remedies(fault);
}
