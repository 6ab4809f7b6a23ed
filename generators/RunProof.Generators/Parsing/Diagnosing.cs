using System.Collections.Generic;
using System.Collections.Immutable;
using Microsoft.CodeAnalysis;

namespace RunProof.Generators;

/// <summary>
/// Collects what is wrong with one declaration, each once. A generator looks only at <see cref="Any"/>, and then writes nothing for it;
/// an analyzer runs the same parser and reports what was found.
/// </summary>
internal sealed class Diagnosing
{
    private readonly List<Diagnostic> _found = [];

    public bool Any => _found.Count > 0;

    public IReadOnlyList<Diagnostic> All => _found;

    public void Report(DiagnosticDescriptor rule, Location? location, params string[] arguments) => Report(rule, location, FixProperties.Of(), arguments);

    public void Report(DiagnosticDescriptor rule, Location? location, ImmutableDictionary<string, string?> fix, params string[] arguments)
    {
        var diagnostic = Diagnostic.Create(rule, location, fix, arguments);
        if (!_found.Contains(diagnostic))
            _found.Add(diagnostic);
    }
}
