using System.Diagnostics.CodeAnalysis;
using RunProof.Format;

namespace RunProof.Skills;

/// <summary>The skills of a process, by name. Generated registrations put <see cref="SkillDescriptor"/> singletons into the container; an <see cref="ISkillSource"/> brings more at run time.</summary>
public sealed class SkillRegistry
{
    private readonly SortedDictionary<string, SkillDescriptor> _byName = new(StringComparer.Ordinal);
    private readonly ISkillSource[] _sources;
    private volatile Known? _known;

    /// <summary>Takes all registered skills.</summary>
    /// <param name="skills">The skills of every assembly.</param>
    /// <param name="assemblies">The files of those that were loaded while the process began. Default: none.</param>
    /// <param name="sources">Where more come from at run time. Default: nowhere.</param>
    /// <exception cref="InvalidOperationException">Two skills share a name; both places are named.</exception>
    public SkillRegistry(IEnumerable<SkillDescriptor> skills, IEnumerable<SkillAssembly>? assemblies = null, IEnumerable<ISkillSource>? sources = null)
    {
        Assemblies = [.. (assemblies ?? []).OrderBy(assembly => assembly.File, StringComparer.Ordinal)];
        _sources = [.. sources ?? []];
        foreach (var skill in skills)
        {
            if (!_byName.TryAdd(skill.Name, skill))
                throw new InvalidOperationException($"two skills are called \"{skill.Name}\": {_byName[skill.Name].DeclaredAt} and {skill.DeclaredAt}");
        }
    }

    /// <summary>All skills, ordered by name.</summary>
    public IReadOnlyCollection<SkillDescriptor> All => Now().Values;

    /// <summary>The files that skills were loaded from, and those that these needed, ordered by name.</summary>
    public IReadOnlyList<SkillAssembly> Assemblies { get; }

    /// <summary>What pins the skills of the sources now, by the source's name.</summary>
    public IReadOnlyDictionary<string, CanonicalJson> Pins =>
        _sources.Select(source => (source.Name, source.Current.Pin)).Where(one => one.Pin is not null).ToDictionary(one => one.Name, one => one.Pin!, StringComparer.Ordinal);

    /// <summary>Finds a skill.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="skill">The skill.</param>
    /// <returns>Whether there is one.</returns>
    public bool TryFind(string name, [NotNullWhen(true)] out SkillDescriptor? skill) => Now().TryGetValue(name, out skill);

    /// <summary>Finds a skill that a source had, for a plan that names it since: executing it says what became of it.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="skill">The skill.</param>
    /// <returns>Whether there was one.</returns>
    public bool TryFindFormer(string name, [NotNullWhen(true)] out SkillDescriptor? skill)
    {
        skill = null;
        foreach (var source in _sources)
        {
            if (source.Current.Former.TryGetValue(name, out skill))
                return true;
        }

        return false;
    }

    private SortedDictionary<string, SkillDescriptor> Now()
    {
        if (_sources.Length == 0)
            return _byName;
        var known = _known;
        if (known is not null && known.Is(_sources))
            return known.ByName;
        SkillSnapshot[] snapshots = [.. _sources.Select(source => source.Current)];
        var byName = new SortedDictionary<string, SkillDescriptor>(_byName, StringComparer.Ordinal);
        foreach (var (name, skill) in snapshots.SelectMany(snapshot => snapshot.Skills))
            byName.TryAdd(name, skill);
        _known = new Known(snapshots, byName);
        return byName;
    }

    private sealed record Known(SkillSnapshot[] Snapshots, SortedDictionary<string, SkillDescriptor> ByName)
    {
        public bool Is(ISkillSource[] sources)
        {
            for (var i = 0; i < sources.Length; i++)
            {
                if (!ReferenceEquals(sources[i].Current, Snapshots[i]))
                    return false;
            }

            return true;
        }
    }
}
