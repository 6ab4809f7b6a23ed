using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;

namespace RunProof.Generators;

/// <summary>
/// Which facts of a compilation can reach a model: the declarations with one of our attributes (the roots), and from there whatever a name in them may
/// mean, and in that again, until nothing is added. Names are compared by their simple text and without regard to case, wherever they stand: that takes
/// in more than the compiler would find, and never less.
/// </summary>
/// <remarks>
/// Why that is enough. A model is made of what the compiler says of a root: its attributes, members, base types, constants, doc comments, and of what the
/// types in it are. The compiler gets from one declaration to another in three ways only. By a name that is written there: then the other has that simple
/// name, or is a namespace, alias or global using, or hides it by being its namesake. By structure: parts of one type share its name; the members of a
/// record and the values of an enum are facts that count as soon as their type does. By names that parsers or the compiler know without reading them:
/// <see cref="KnownNames"/>. In each case the other declaration's fact is in the closure, with its text.
/// So, where the facts in the closure, the namespaces, the references and the options are the same as before, the models are too; and where each file's
/// facts within the closure are, so is the closure: it is grown from the same roots by the same facts.
/// </remarks>
internal sealed class Closure
{
    private static readonly string[] Roots = ["Canonical", "CanonicalAttribute", "Skill", "SkillAttribute"];

    private static readonly string[] KnownNames = ["ExecuteAsync", "IJsonBound", "Nullable", "ValueTuple"];

    private readonly HashSet<string> _roots = new(Roots, StringComparer.Ordinal);
    private readonly HashSet<string> _names = new(StringComparer.OrdinalIgnoreCase);
    private readonly Queue<Place> _pending = new();
    private readonly Dictionary<string, List<Place>> _byOwner = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<string, List<Place>> _waiting = new(StringComparer.OrdinalIgnoreCase);

    private Closure()
    {
    }

    public static Closure Of(CompilationFacts facts, CancellationToken cancel)
    {
        var closure = new Closure();
        closure.FindRoots(facts.Files);
        closure.Grow(facts, cancel);
        return closure;
    }

    /// <summary>Whether the fact can reach a model.</summary>
    public bool Reaches(Fact fact) =>
        fact.Owner is null || IsRoot(fact) || (_names.Contains(fact.Owner) && (fact.Name is null || _names.Contains(fact.Name)));

    /// <summary>Whether, by its syntax, it has one of our attributes.</summary>
    public bool IsRoot(Fact fact)
    {
        foreach (var attribute in fact.Attributes)
        {
            if (_roots.Contains(attribute))
                return true;
        }

        return false;
    }

    /// <summary>Whether one of our attributes goes by that name.</summary>
    public bool NamesRoot(string name) => _roots.Contains(name);

    /// <summary>The mark of the namespaces that a name within may mean, whoever declares them and how often.</summary>
    public Mark MarkOf(IEnumerable<FileFacts> files)
    {
        var all = new HashSet<string>(StringComparer.Ordinal);
        foreach (var file in files)
            all.UnionWith(file.Namespaces);
        var marking = new Marking();
        foreach (var space in all.SelectMany(Prefixes).Distinct(StringComparer.Ordinal).Where(space => _names.Contains(space.Substring(space.LastIndexOf('.') + 1))).OrderBy(static space => space, StringComparer.Ordinal))
            marking.Add(space);
        return marking.Mark;
    }

    private static IEnumerable<string> Prefixes(string space)
    {
        for (var end = space.IndexOf('.'); end >= 0; end = space.IndexOf('.', end + 1))
            yield return space.Substring(0, end);
        yield return space;
    }

    /// <summary>An alias of an attribute names it too; an alias of an alias does where the compiler allows one.</summary>
    private void FindRoots(IReadOnlyCollection<FileFacts> files)
    {
        var aliases = files.SelectMany(static file => file.Aliases).ToList();
        while (aliases.FirstOrDefault(alias => _roots.Contains(alias.Value) && !_roots.Contains(alias.Key)) is { Key: not null } found)
        {
            _roots.Add(found.Key);
            if (found.Key.EndsWith("Attribute", StringComparison.Ordinal))
                _roots.Add(found.Key.Substring(0, found.Key.Length - "Attribute".Length));
        }
    }

    private void Grow(CompilationFacts facts, CancellationToken cancel)
    {
        for (var file = 0; file < facts.Files.Length; file++)
        {
            var names = facts.Files[file].Names;
            for (var i = 0; i < names.Length; i++)
            {
                var place = new Place(file, i, names[i].Name);
                if (names[i].Owner is not { } owner || IsRoot(names[i]))
                    _pending.Enqueue(place);
                else
                    ListOf(_byOwner, owner).Add(place);
            }
        }

        foreach (var name in KnownNames)
            Add(name);
        while (_pending.Count > 0)
        {
            cancel.ThrowIfCancellationRequested();
            var place = _pending.Dequeue();
            var fact = facts.Files[place.File].Whole(facts.Trees[place.File], cancel)[place.Index];
            foreach (var name in fact.References)
                Add(name);
            foreach (var name in fact.Around)
                Add(name);
        }

        _byOwner.Clear();
        _waiting.Clear();
    }

    private void Add(string name)
    {
        if (!_names.Add(name))
            return;
        if (_waiting.TryGetValue(name, out var members))
            members.ForEach(_pending.Enqueue);
        if (!_byOwner.TryGetValue(name, out var owned))
            return;
        foreach (var place in owned)
        {
            if (place.Name is null || _names.Contains(place.Name))
                _pending.Enqueue(place);
            else
                ListOf(_waiting, place.Name).Add(place);
        }
    }

    private static List<Place> ListOf(Dictionary<string, List<Place>> lists, string name)
    {
        if (!lists.TryGetValue(name, out var list))
            lists.Add(name, list = []);
        return list;
    }

    /// <summary>A fact that has not been reached yet.</summary>
    private readonly record struct Place(int File, int Index, string? Name);
}
