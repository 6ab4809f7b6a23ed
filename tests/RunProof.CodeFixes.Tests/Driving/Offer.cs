using System.Collections.Immutable;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;

namespace RunProof.CodeFixes.Tests.Driving;

/// <summary>What an editor would offer, and what comes of taking it.</summary>
internal static class Offer
{
    /// <summary>All that is offered for one diagnostic.</summary>
    public static async Task<ImmutableArray<(CodeFixProvider Provider, CodeAction Action)>> For(Project project, Diagnostic diagnostic)
    {
        var document = Document(project, diagnostic);
        var offered = new List<(CodeFixProvider, CodeAction)>();
        foreach (var provider in Scene.Providers.Where(provider => provider.FixableDiagnosticIds.Contains(diagnostic.Id)))
        {
            var context = new CodeFixContext(document, diagnostic, (action, _) => offered.Add((provider, action)), CancellationToken.None);
            await provider.RegisterCodeFixesAsync(context);
        }

        return [.. offered];
    }

    /// <summary>The project after an action.</summary>
    public static async Task<Project> Take(Project project, CodeAction action)
    {
        var operations = await action.GetOperationsAsync(CancellationToken.None);
        return Assert.IsType<ApplyChangesOperation>(Assert.Single(operations)).ChangedSolution.GetProject(project.Id)!;
    }

    /// <summary>The project after every diagnostic of a rule has been put right at once.</summary>
    public static async Task<Project> TakeAll(Project project, string id, string key, FixAllScope scope = FixAllScope.Project)
    {
        var faults = await Scene.Faults(project);
        var first = faults.First(fault => fault.Id == id);
        var provider = (await For(project, first)).First(offer => offer.Action.EquivalenceKey == key).Provider;
        var context = new FixAllContext(Document(project, first), provider, scope, key, [id], new Found(), CancellationToken.None);
        return await Take(project, (await provider.GetFixAllProvider()!.GetFixAsync(context))!);
    }

    /// <summary>Where a diagnostic is put right from: of one without a place in the sources, as in an editor, any document.</summary>
    private static Document Document(Project project, Diagnostic diagnostic) =>
        project.GetDocument(diagnostic.Location.SourceTree) ?? project.Documents.First();

    private sealed class Found : FixAllContext.DiagnosticProvider
    {
        public override async Task<IEnumerable<Diagnostic>> GetAllDiagnosticsAsync(Project project, CancellationToken cancellationToken) => await Scene.Faults(project);

        public override async Task<IEnumerable<Diagnostic>> GetDocumentDiagnosticsAsync(Document document, CancellationToken cancellationToken)
        {
            var tree = await document.GetSyntaxTreeAsync(cancellationToken);
            return (await Scene.Faults(document.Project)).Where(fault => fault.Location.SourceTree == tree);
        }

        public override async Task<IEnumerable<Diagnostic>> GetProjectDiagnosticsAsync(Project project, CancellationToken cancellationToken) =>
            (await Scene.Faults(project)).Where(static fault => !fault.Location.IsInSource);
    }
}
