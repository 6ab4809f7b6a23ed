using System;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Threading;
using Microsoft.CodeAnalysis;

namespace RunProof.Generators;

/// <summary>All that models were made of, as marks: while another compilation has the same, the models are the same.</summary>
internal sealed class Basis
{
    // A reference may hold the compilation of another project: what stands for it here holds nothing.
    private static readonly ConditionalWeakTable<MetadataReference, object> Identities = new();

    private readonly Closure _closure;
    private readonly string? _assembly;
    private readonly CompilationOptions _options;
    private readonly object[] _references;
    private readonly FileFacts[] _files;
    private readonly Mark[] _marks;

    public Basis(Compilation compilation, CompilationFacts facts, CancellationToken cancel)
    {
        _closure = facts.Closure(cancel);
        _assembly = compilation.AssemblyName;
        _options = compilation.Options;
        _references = compilation.ExternalReferences.Select(Identities.GetOrCreateValue).ToArray();
        _files = facts.Files;
        _marks = Marks(facts, cancel);
    }

    private Basis(Basis before, FileFacts[] files, Mark[] marks) =>
        (_closure, _assembly, _options, _references, _files, _marks) = (before._closure, before._assembly, before._options, before._references, files, marks);

    /// <summary>What the next compilation is to be compared with, where nothing in this one is otherwise; else null.</summary>
    public Basis? Still(Compilation compilation, CompilationFacts facts, CancellationToken cancel)
    {
        if (_assembly != compilation.AssemblyName || !IsReferenced(compilation) || !_options.Equals(compilation.Options))
            return null;
        var marks = Marks(facts, cancel);
        return IsDeclared(facts, marks) ? new Basis(this, facts.Files, marks) : null;
    }

    private bool IsReferenced(Compilation compilation)
    {
        var references = compilation.ExternalReferences;
        if (references.Length != _references.Length)
            return false;
        for (var i = 0; i < references.Length; i++)
        {
            if (!Identities.TryGetValue(references[i], out var identity) || !ReferenceEquals(identity, _references[i]))
                return false;
        }

        return true;
    }

    private Mark[] Marks(CompilationFacts facts, CancellationToken cancel)
    {
        var marks = new Mark[facts.Files.Length];
        for (var i = 0; i < marks.Length; i++)
            marks[i] = facts.Files[i].MarkWithin(_closure, facts.Trees[i], cancel);
        return marks;
    }

    /// <summary>Files in which nothing can reach a model may come, go and change places.</summary>
    private bool IsDeclared(CompilationFacts facts, Mark[] marks) =>
        marks.Where(static mark => mark != default).SequenceEqual(_marks.Where(static mark => mark != default))
        && (HaveSameNamespaces(facts.Files) || _closure.MarkOf(facts.Files) == _closure.MarkOf(_files));

    /// <summary>Whether they have them file by file, as after every keystroke but the few that name a namespace.</summary>
    private bool HaveSameNamespaces(FileFacts[] files)
    {
        if (files.Length != _files.Length)
            return false;
        for (var i = 0; i < files.Length; i++)
        {
            if (!ReferenceEquals(files[i], _files[i]) && !files[i].Namespaces.SequenceEqual(_files[i].Namespaces, StringComparer.Ordinal))
                return false;
        }

        return true;
    }
}
