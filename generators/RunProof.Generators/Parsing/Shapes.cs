using System.Collections.Concurrent;
using Microsoft.CodeAnalysis;

namespace RunProof.Generators;

/// <summary>The shapes of one compilation's records, so that a record that many hold is parsed once.</summary>
internal sealed class Shapes
{
    private readonly ConcurrentDictionary<INamedTypeSymbol, RecordShape> _all = new(SymbolEqualityComparer.Default);

    public RecordShape? Of(INamedTypeSymbol type) => _all.TryGetValue(type, out var shape) ? shape : null;

    public void Add(INamedTypeSymbol type, RecordShape shape) => _all[type] = shape;
}
