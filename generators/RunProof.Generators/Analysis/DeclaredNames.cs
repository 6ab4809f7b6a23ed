using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading;
using Microsoft.CodeAnalysis;

namespace RunProof.Generators;

/// <summary>A declaration that takes a name, and where it stands.</summary>
internal sealed record DeclaredName(ISymbol Symbol, Location? Place)
{
    /// <summary>File and line, as short as a message needs: <c>Skills.cs:12</c>.</summary>
    public string ForPeople
    {
        get
        {
            var span = Place?.GetLineSpan() ?? default;
            return Path.GetFileName(span.Path) + ":" + (span.StartLinePosition.Line + 1).ToString(CultureInfo.InvariantCulture);
        }
    }

    public static DeclaredName Of(ISymbol symbol, string attribute) => new(symbol, symbol.Place(attribute));

    public bool Is(ISymbol symbol) => SymbolEqualityComparer.Default.Equals(Symbol, symbol);
}

/// <summary>
/// The names that a compilation's records or skills take, found when the first is asked for. So a duplicate is told while it is typed, at the second
/// of the two; an analysis at the compilation's end would tell it only in a build. Names are read from syntax: only where two look alike are symbols asked.
/// </summary>
internal sealed class DeclaredNames(Compilation compilation, string attribute)
{
    private Dictionary<string, List<MarkedDeclaration>>? _byName;

    /// <summary>A schema's name and version as one name.</summary>
    public static string Schema(string name, string version) => name + " " + version;

    /// <summary>The first declaration of that name, in the order of files and lines; null where there are no two.</summary>
    public DeclaredName? FirstOfSeveral(string name, CancellationToken cancel)
    {
        if (!Read(cancel).TryGetValue(name, out var alike) || alike.Count < 2)
            return null;
        return alike
            .SelectMany(marked => marked.Symbols(compilation))
            .Where(symbol => NameOf(symbol) == name)
            .Select(symbol => DeclaredName.Of(symbol, attribute))
            .OrderBy(static declared => declared.Place?.SourceTree?.FilePath, StringComparer.Ordinal)
            .ThenBy(static declared => declared.Place?.SourceSpan.Start)
            .FirstOrDefault();
    }

    /// <summary>A name like it that nothing has.</summary>
    /// <param name="name">What it should be like.</param>
    /// <param name="whole">From a name to the one that is looked up.</param>
    /// <param name="cancel">Ends it.</param>
    public string Free(string name, Func<string, string> whole, CancellationToken cancel)
    {
        for (var i = 2; ; i++)
        {
            var candidate = name + "_" + i.ToString(CultureInfo.InvariantCulture);
            if (!Read(cancel).ContainsKey(whole(candidate)))
                return candidate;
        }
    }

    private string? NameOf(ISymbol symbol) => attribute == Symbols.Skill
        ? symbol.Attribute(attribute)?.Argument(0)
        : symbol is INamedTypeSymbol type ? Schema(RecordParser.SchemaName(type), RecordParser.SchemaVersion(type)) : null;

    // Two threads may both read; what they find is equal, and a lock would let one wait for the other's cancellation.
    private Dictionary<string, List<MarkedDeclaration>> Read(CancellationToken cancel) => _byName ??= ReadNew(cancel);

    private Dictionary<string, List<MarkedDeclaration>> ReadNew(CancellationToken cancel)
    {
        var byName = new Dictionary<string, List<MarkedDeclaration>>(StringComparer.Ordinal);
        foreach (var tree in compilation.SyntaxTrees)
        {
            foreach (var marked in MarkedDeclarations.Of(tree, cancel))
            {
                if (marked.Attribute != attribute)
                    continue;
                var names = marked.Name is null ? marked.Symbols(compilation).Select(NameOf) : [marked.Name];
                foreach (var name in names.OfType<string>())
                    Add(byName, name, marked);
            }
        }

        return byName;
    }

    private static void Add(Dictionary<string, List<MarkedDeclaration>> byName, string name, MarkedDeclaration marked)
    {
        if (!byName.TryGetValue(name, out var alike))
            byName.Add(name, alike = []);
        alike.Add(marked);
    }
}
