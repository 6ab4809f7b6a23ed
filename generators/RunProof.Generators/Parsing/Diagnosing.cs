using System.Collections.Generic;
using System.Linq;
using Microsoft.CodeAnalysis;

namespace RunProof.Generators;

/// <summary>Collects what is wrong, each once.</summary>
internal sealed class Diagnosing
{
    private readonly List<DiagnosticModel> _found = [];

    public bool Any => _found.Count > 0;

    public EquatableArray<DiagnosticModel> All => _found.Distinct().ToEquatable();

    public void Report(DiagnosticDescriptor rule, Location? location, params string[] arguments) =>
        _found.Add(new DiagnosticModel(rule.Id, Place(location), arguments.ToEquatable()));

    public static SourcePlace Place(Location? location)
    {
        if (location is not { IsInSource: true })
            return new SourcePlace("", 0, 0, 0, 0, 0, 0);
        var lines = location.GetLineSpan();
        return new SourcePlace(
            location.SourceTree!.FilePath, location.SourceSpan.Start, location.SourceSpan.Length,
            lines.StartLinePosition.Line, lines.StartLinePosition.Character, lines.EndLinePosition.Line, lines.EndLinePosition.Character);
    }
}
