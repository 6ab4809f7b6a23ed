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
/// The names that a compilation's records and skills take, found when the first is asked for. So a duplicate is told while it is typed, at the second
/// of the two; an analysis at the compilation's end would tell it only in a build.
/// </summary>
internal sealed class DeclaredNames(Compilation compilation)
{
    private Index? _index;

    /// <summary>The first skill of that name, in the order of files and lines.</summary>
    public DeclaredName? FirstSkill(string name, CancellationToken cancel) => First(Read(cancel).Skills, name);

    /// <summary>The first record of that schema name and version.</summary>
    public DeclaredName? FirstSchema(string name, string version, CancellationToken cancel) => First(Read(cancel).Schemas, Schema(name, version));

    /// <summary>A name like it that no skill has.</summary>
    public string FreeSkill(string name, CancellationToken cancel) => Free(name, candidate => FirstSkill(candidate, cancel) is null);

    /// <summary>A name like it that no record of that version has.</summary>
    public string FreeSchema(string name, string version, CancellationToken cancel) => Free(name, candidate => FirstSchema(candidate, version, cancel) is null);

    private static string Free(string name, Func<string, bool> isFree)
    {
        for (var i = 2; ; i++)
        {
            var candidate = name + "_" + i.ToString(CultureInfo.InvariantCulture);
            if (isFree(candidate))
                return candidate;
        }
    }

    private static DeclaredName? First(Dictionary<string, DeclaredName> names, string name) => names.TryGetValue(name, out var first) ? first : null;

    private static string Schema(string name, string version) => name + " " + version;

    // Two threads may both read; what they find is equal, and a lock would let one wait for the other's cancellation.
    private Index Read(CancellationToken cancel) => _index ??= ReadNew(cancel);

    private Index ReadNew(CancellationToken cancel)
    {
        var (skills, records) = (new List<DeclaredName>(), new List<DeclaredName>());
        foreach (var tree in compilation.SyntaxTrees)
        {
            foreach (var marked in MarkedDeclarations.Of(tree, cancel).SelectMany(marked => marked.Symbols(compilation)))
            {
                if (marked.Attribute(Symbols.Skill) is not null)
                    skills.Add(DeclaredName.Of(marked, Symbols.Skill));
                if (marked.Attribute(Symbols.Canonical) is not null)
                    records.Add(DeclaredName.Of(marked, Symbols.Canonical));
            }
        }

        return new Index(
            FirstOfEach(skills, static skill => skill.Symbol.Attribute(Symbols.Skill)!.Argument(0)),
            FirstOfEach(records, static record => record.Symbol is INamedTypeSymbol type ? Schema(RecordParser.SchemaName(type), RecordParser.SchemaVersion(type)) : null));
    }

    private static Dictionary<string, DeclaredName> FirstOfEach(List<DeclaredName> all, Func<DeclaredName, string?> name) => all
        .Where(declared => name(declared) is not null)
        .OrderBy(static declared => declared.Place?.SourceTree?.FilePath, StringComparer.Ordinal)
        .ThenBy(static declared => declared.Place?.SourceSpan.Start)
        .GroupBy(declared => name(declared)!, StringComparer.Ordinal)
        .ToDictionary(static same => same.Key, static same => same.First(), StringComparer.Ordinal);

    private sealed record Index(Dictionary<string, DeclaredName> Skills, Dictionary<string, DeclaredName> Schemas);
}
