using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;

namespace RunProof.CodeFixes;

/// <summary>Puts right every fault of a rule in a document, project or solution, in one change.</summary>
internal sealed class RemedyFixAll : FixAllProvider
{
    public static readonly RemedyFixAll Instance = new();

    public override IEnumerable<FixAllScope> GetSupportedFixAllScopes() => [FixAllScope.Document, FixAllScope.Project, FixAllScope.Solution];

    public override Task<CodeAction?> GetFixAsync(FixAllContext fixAllContext)
    {
        var title = "Fix all " + string.Join(", ", fixAllContext.DiagnosticIds);
        return Task.FromResult<CodeAction?>(CodeAction.Create(title, cancel => FixAll(fixAllContext, cancel), fixAllContext.CodeActionEquivalenceKey));
    }

    private static async Task<Solution> FixAll(FixAllContext context, CancellationToken cancel)
    {
        var edits = new List<Edit>();
        foreach (var document in Documents(context))
        {
            foreach (var diagnostic in await context.GetDocumentDiagnosticsAsync(document).ConfigureAwait(false))
            {
                if (context.DiagnosticIds.Contains(diagnostic.Id) && await Fault.Of(document, diagnostic, cancel).ConfigureAwait(false) is { } fault)
                    edits.AddRange(Edits((RemedyProvider)context.CodeFixProvider, fault, context.CodeActionEquivalenceKey));
            }
        }

        return await SolutionEdits.Apply(context.Solution, edits, cancel).ConfigureAwait(false);
    }

    private static IEnumerable<Edit> Edits(RemedyProvider provider, Fault fault, string? key) =>
        provider.RemediesOf(fault).FirstOrDefault(remedy => remedy.Key == key)?.Edits ?? [];

    private static IEnumerable<Document> Documents(FixAllContext context) => context.Scope switch
    {
        FixAllScope.Document => context.Document is { } document ? [document] : [],
        FixAllScope.Project => context.Project.Documents,
        _ => context.Solution.Projects.Where(static project => project.Language == LanguageNames.CSharp).SelectMany(static project => project.Documents),
    };
}
