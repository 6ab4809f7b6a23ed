using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Threading;
using Microsoft.CodeAnalysis;

namespace RunProof.Generators;

/// <summary>
/// What a file declares. It is found once for each version of a file and kept beside its tree, for as long as the compiler keeps that: a keystroke costs
/// the walk of one file. Nothing in it refers back to the tree.
/// </summary>
internal sealed class FileFacts(Fact[] names, string[] namespaces, KeyValuePair<string, string>[] aliases)
{
    private static readonly ConditionalWeakTable<SyntaxTree, FileFacts> Known = new();
    private Fact[]? _whole;
    private Tuple<Closure, Mark>? _last;

    /// <summary>What is declared, in the order of the file, by name alone: in most files nothing more is ever asked.</summary>
    public Fact[] Names { get; } = names;

    /// <summary>The namespaces that the file is in or opens, full.</summary>
    public string[] Namespaces { get; } = namespaces;

    /// <summary>Names that the file gives by <c>using</c>, and the last part of what each stands for.</summary>
    public KeyValuePair<string, string>[] Aliases { get; } = aliases;

    public static FileFacts Of(SyntaxTree tree, CancellationToken cancel) =>
        Known.TryGetValue(tree, out var known) ? known : Known.GetValue(tree, tree => FactReader.ReadNames(tree, cancel));

    /// <summary>The same facts with their text.</summary>
    /// <param name="tree">The file's.</param>
    /// <param name="cancel">Stops the walk.</param>
    public Fact[] Whole(SyntaxTree tree, CancellationToken cancel) => _whole ??= FactReader.ReadWhole(tree, cancel);

    /// <summary>The mark of what in this file can reach a model; the default where nothing can.</summary>
    /// <param name="closure">What can.</param>
    /// <param name="tree">The file's.</param>
    /// <param name="cancel">Stops the walk.</param>
    public Mark MarkWithin(Closure closure, SyntaxTree tree, CancellationToken cancel)
    {
        if (_last is { } last && ReferenceEquals(last.Item1, closure))
            return last.Item2;
        var (marking, any) = (new Marking(), false);
        for (var i = 0; i < Names.Length; i++)
        {
            if (!closure.Reaches(Names[i]))
                continue;
            marking.Add(Whole(tree, cancel)[i].Mark);
            any = true;
        }

        foreach (var alias in Aliases)
        {
            if (!closure.NamesRoot(alias.Value))
                continue;
            marking.Add(alias.Key);
            any = true;
        }

        var mark = any ? marking.Mark : default;
        _last = Tuple.Create(closure, mark);
        return mark;
    }
}
