using System.Collections.Generic;
using System.Collections.Immutable;
using System.Composition;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeActions;
using Microsoft.CodeAnalysis.CodeFixes;
using RunProof.Generators;

namespace RunProof.CodeFixes;

/// <summary>
/// RP0310, RP0311: takes shapes into <c>canonical.lock.json</c>. RP0301 to RP0306, the second way: what is in the lock never shipped, and the
/// new shape takes its place.
/// </summary>
[ExportCodeFixProvider(LanguageNames.CSharp, Name = nameof(AcceptShapeFix)), Shared]
public sealed class AcceptShapeFix : CodeFixProvider
{
    /// <inheritdoc/>
    public override ImmutableArray<string> FixableDiagnosticIds { get; } = [.. DriftRules.Ids, Rules.NotLocked.Id, Rules.NoLock.Id];

    /// <inheritdoc/>
    public override FixAllProvider GetFixAllProvider() => AcceptAllShapes.Instance;

    /// <inheritdoc/>
    public override async Task RegisterCodeFixesAsync(CodeFixContext context)
    {
        var project = context.Document.Project;
        foreach (var diagnostic in context.Diagnostics)
        {
            if (await Of(project, [diagnostic], context.CancellationToken).ConfigureAwait(false) is not { } acceptance)
                continue;
            var action = CodeAction.Create(Title(diagnostic.Id, acceptance.Labels), _ => Task.FromResult(LockDocument.Write(project, acceptance.File)), Key(diagnostic.Id));
            context.RegisterCodeFix(action, diagnostic);
        }
    }

    /// <summary>What the lock of a project is once the shapes that some diagnostics of one rule tell of are in it; null where it stays as it is.</summary>
    internal static async Task<Acceptance?> Of(Project project, IReadOnlyCollection<Diagnostic> diagnostics, CancellationToken cancel)
    {
        if (diagnostics.Count == 0 || LockDocument.Read(project, cancel) is not { } file)
            return null;
        if (diagnostics.All(static diagnostic => diagnostic.Id == Rules.NotLocked.Id))
            return Acceptance.OfNew(file, diagnostics.Select(static diagnostic => (Label(diagnostic) ?? "", DeclaredEntries.Read(Property(diagnostic, FixProperties.Entries)))));
        if (await project.GetCompilationAsync(cancel).ConfigureAwait(false) is not { } compilation)
            return null;
        var declared = DeclaredEntries.Of(compilation, cancel);
        return diagnostics.All(static diagnostic => diagnostic.Id == Rules.NoLock.Id)
            ? Acceptance.OfNew(file, [("", declared)])
            : Acceptance.OfDrifted(file, declared, diagnostics.Select(Label).OfType<string>().Distinct());
    }

    /// <summary>One for each way on, not for each rule: an added and a removed member of one record are accepted by one change.</summary>
    internal static string Key(string id) => id == Rules.NoLock.Id ? "RunProof.CreateLock" : id == Rules.NotLocked.Id ? "RunProof.Accept" : "RunProof.NeverShipped";

    private static string Title(string id, IReadOnlyList<string> labels)
    {
        if (id == Rules.NoLock.Id)
            return $"Create {LockFile.FileName} with the shapes of this project";
        if (id == Rules.NotLocked.Id)
            return $"Accept {labels[0]} into {LockFile.FileName}";
        return labels.Count == 1
            ? $"It never shipped: accept the new shape of {labels[0]} into {LockFile.FileName}"
            : $"They never shipped: accept the new shapes of {string.Join(", ", labels.Take(labels.Count - 1))} and {labels[labels.Count - 1]} into {LockFile.FileName}";
    }

    private static string? Label(Diagnostic diagnostic) => Property(diagnostic, FixProperties.Label);

    private static string? Property(Diagnostic diagnostic, string key) => diagnostic.Properties.TryGetValue(key, out var value) ? value : null;
}
