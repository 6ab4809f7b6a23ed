using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;
using RunProof.Generators;

namespace RunProof.CodeFixes;

/// <summary>Takes all shapes of a document, project or solution into their locks: one change of each lock.</summary>
internal sealed class AcceptAllShapes : FixAllProvider
{
    public static readonly AcceptAllShapes Instance = new();

    public override IEnumerable<FixAllScope> GetSupportedFixAllScopes() => [FixAllScope.Document, FixAllScope.Project, FixAllScope.Solution];

    public override Task<CodeAction?> GetFixAsync(FixAllContext fixAllContext)
    {
        var title = fixAllContext.CodeActionEquivalenceKey == AcceptShapeFix.Key(Rules.NotLocked.Id) ? "Accept all shapes into " : "None of them ever shipped: accept all new shapes into ";
        return Task.FromResult<CodeAction?>(CodeAction.Create(title + LockFile.FileName, cancel => AcceptAll(fixAllContext, cancel), fixAllContext.CodeActionEquivalenceKey));
    }

    private static async Task<Solution> AcceptAll(FixAllContext context, CancellationToken cancel)
    {
        var solution = context.Solution;
        foreach (var project in context.Scope == FixAllScope.Solution ? context.Solution.Projects.Where(static project => project.Language == LanguageNames.CSharp) : [context.Project])
        {
            var found = await Diagnostics(context, project).ConfigureAwait(false);
            var accepted = found.Where(diagnostic => context.DiagnosticIds.Contains(diagnostic.Id) && AcceptShapeFix.Key(diagnostic.Id) == context.CodeActionEquivalenceKey)
                .OrderBy(static diagnostic => diagnostic.Location.SourceTree?.FilePath, StringComparer.Ordinal).ThenBy(static diagnostic => diagnostic.Location.SourceSpan.Start).ToList();
            if (await AcceptShapeFix.Of(project, accepted, cancel).ConfigureAwait(false) is { } acceptance)
                solution = LockDocument.Write(solution.GetProject(project.Id)!, acceptance.File);
        }

        return solution;
    }

    private static async Task<IEnumerable<Diagnostic>> Diagnostics(FixAllContext context, Project project) => context is { Scope: FixAllScope.Document, Document: { } document }
        ? await context.GetDocumentDiagnosticsAsync(document).ConfigureAwait(false)
        : await context.GetAllDiagnosticsAsync(project).ConfigureAwait(false);
}
