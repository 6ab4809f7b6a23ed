using System.Collections.Generic;
using System.Collections.Immutable;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Threading;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;

namespace RunProof.Generators;

/// <summary>The facts of one compilation, shared by all that read it, and gone with it.</summary>
internal sealed class CompilationFacts
{
    private static readonly ConditionalWeakTable<Compilation, CompilationFacts> Known = new();
    private Closure? _closure;
    private IReadOnlyList<ISymbol>? _roots;

    private CompilationFacts(ImmutableArray<SyntaxTree> trees, FileFacts[] files) => (Trees, Files) = (trees, files);

    public ImmutableArray<SyntaxTree> Trees { get; }

    /// <summary>What each tree declares.</summary>
    public FileFacts[] Files { get; }

    /// <summary>Records that have been parsed already.</summary>
    public Shapes Shapes { get; } = new();

    public Closure Closure(CancellationToken cancel) => _closure ??= RunProof.Generators.Closure.Of(this, cancel);

    public static CompilationFacts Of(Compilation compilation, CancellationToken cancel) =>
        Known.TryGetValue(compilation, out var known) ? known : Known.GetValue(compilation, compilation => New(compilation, cancel));

    /// <summary>What has one of our attributes by its syntax, each symbol once, in the order of the files. Whether the attribute is ours only the symbol can tell.</summary>
    public IReadOnlyList<ISymbol> Roots(Compilation compilation, CancellationToken cancel) => _roots ??= FindRoots(compilation, cancel).Distinct<ISymbol>(SymbolEqualityComparer.Default).ToList();

    private static CompilationFacts New(Compilation compilation, CancellationToken cancel)
    {
        var trees = compilation is CSharpCompilation { SyntaxTrees: var all } ? all : compilation.SyntaxTrees.ToImmutableArray();
        var files = new FileFacts[trees.Length];
        for (var i = 0; i < files.Length; i++)
            files[i] = FileFacts.Of(trees[i], cancel);
        return new CompilationFacts(trees, files);
    }

    private IEnumerable<ISymbol> FindRoots(Compilation compilation, CancellationToken cancel)
    {
        var closure = Closure(cancel);
        for (var i = 0; i < Files.Length; i++)
        {
            SemanticModel? model = null;
            foreach (var fact in Files[i].Names.Where(closure.IsRoot))
            {
                cancel.ThrowIfCancellationRequested();
                var declaration = Trees[i].GetRoot(cancel).FindToken(fact.Position).Parent;
                model ??= compilation.GetSemanticModel(Trees[i]);
                if (declaration is not null && model.GetDeclaredSymbol(declaration, cancel) is { } symbol)
                    yield return symbol;
            }
        }
    }
}
