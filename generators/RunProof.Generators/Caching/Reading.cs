using System;
using System.Collections.Generic;
using System.Threading;
using Microsoft.CodeAnalysis;

namespace RunProof.Generators;

/// <summary>
/// Reads models from a compilation, and reads none where nothing that could reach one has changed since the last time.
/// </summary>
/// <remarks>
/// ForAttributeWithMetadataName binds every attributed declaration again whenever any file of the compilation changes: for 600 declarations that is far
/// more than the time between two keystrokes. What is kept here from one pass to the next is the models, marks of what they were made from, and the
/// compilation's options; no compilation, tree or symbol. It is one entry, and wrong for no compilation: a pass whose marks differ reads anew.
/// </remarks>
internal sealed class Reading<T>(Func<CompilationFacts, Compilation, CancellationToken, IEnumerable<T>> read)
    where T : class, IEquatable<T>
{
    private Entry? _last;

    public EquatableArray<T> Of(Compilation compilation, CancellationToken cancel)
    {
        var facts = CompilationFacts.Of(compilation, cancel);
        if (_last is { } last && last.Basis.Still(compilation, facts, cancel) is { } still)
        {
            _last = last with { Basis = still };
            return last.Models;
        }

        var models = read(facts, compilation, cancel).ToEquatable();
        _last = new Entry(new Basis(compilation, facts, cancel), models);
        return models;
    }

    private sealed record Entry(Basis Basis, EquatableArray<T> Models);
}
