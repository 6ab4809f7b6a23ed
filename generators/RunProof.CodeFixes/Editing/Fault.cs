using System.Threading;
using System.Threading.Tasks;
using Microsoft.CodeAnalysis;

namespace RunProof.CodeFixes;

/// <summary>A diagnostic in the document where it was found.</summary>
internal sealed class Fault
{
    private readonly SyntaxToken _token;

    private Fault(Document document, Diagnostic diagnostic, SyntaxNode root, SemanticModel model, CancellationToken cancel)
    {
        Document = document;
        Diagnostic = diagnostic;
        Root = root;
        Model = model;
        Cancel = cancel;
        _token = root.FindToken(diagnostic.Location.SourceSpan.Start);
    }

    public Document Document { get; }

    public Diagnostic Diagnostic { get; }

    public string Id => Diagnostic.Id;

    public SyntaxNode Root { get; }

    public SyntaxTree Tree => Root.SyntaxTree;

    public SemanticModel Model { get; }

    public Compilation Compilation => Model.Compilation;

    public CancellationToken Cancel { get; }

    /// <summary>Null where the document is not C# or has changed so much that the diagnostic lies outside of it.</summary>
    public static async Task<Fault?> Of(Document document, Diagnostic diagnostic, CancellationToken cancel)
    {
        var root = await document.GetSyntaxRootAsync(cancel).ConfigureAwait(false);
        var model = await document.GetSemanticModelAsync(cancel).ConfigureAwait(false);
        if (root is null || model is null || !diagnostic.Location.IsInSource || !root.FullSpan.Contains(diagnostic.Location.SourceSpan))
            return null;
        return new Fault(document, diagnostic, root, model, cancel);
    }

    /// <summary>The innermost node of a kind that the diagnostic lies in, or null.</summary>
    public T? Around<T>()
        where T : SyntaxNode => _token.Parent?.FirstAncestorOrSelf<T>();

    /// <summary>What the analyzer left for a fix, or null.</summary>
    public string? Property(string key) => Diagnostic.Properties.TryGetValue(key, out var value) ? value : null;

    /// <summary>The symbol that a node declares, or null.</summary>
    public ISymbol? Declared(SyntaxNode? node) => node is null ? null : Model.GetDeclaredSymbol(node, Cancel);

    /// <summary>The model of any tree of the compilation.</summary>
    public SemanticModel ModelOf(SyntaxTree tree) => tree == Tree ? Model : Compilation.GetSemanticModel(tree);
}
