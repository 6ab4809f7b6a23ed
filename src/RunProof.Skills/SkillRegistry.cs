using System.Diagnostics.CodeAnalysis;

namespace RunProof.Skills;

/// <summary>The skills of a process, by name. Generated registrations put <see cref="SkillDescriptor"/> singletons into the container.</summary>
public sealed class SkillRegistry
{
    private readonly SortedDictionary<string, SkillDescriptor> _byName = new(StringComparer.Ordinal);

    /// <summary>Takes all registered skills.</summary>
    /// <param name="skills">The skills of every assembly.</param>
    /// <param name="assemblies">The files of those that were loaded while the process began. Default: none.</param>
    /// <exception cref="InvalidOperationException">Two skills share a name; both places are named.</exception>
    public SkillRegistry(IEnumerable<SkillDescriptor> skills, IEnumerable<SkillAssembly>? assemblies = null)
    {
        Assemblies = [.. (assemblies ?? []).OrderBy(assembly => assembly.File, StringComparer.Ordinal)];
        foreach (var skill in skills)
        {
            if (!_byName.TryAdd(skill.Name, skill))
                throw new InvalidOperationException($"two skills are called \"{skill.Name}\": {_byName[skill.Name].DeclaredAt} and {skill.DeclaredAt}");
        }
    }

    /// <summary>All skills, ordered by name.</summary>
    public IReadOnlyCollection<SkillDescriptor> All => _byName.Values;

    /// <summary>The files that skills were loaded from, and those that these needed, ordered by name.</summary>
    public IReadOnlyList<SkillAssembly> Assemblies { get; }

    /// <summary>Finds a skill.</summary>
    /// <param name="name">Its name.</param>
    /// <param name="skill">The skill.</param>
    /// <returns>Whether there is one.</returns>
    public bool TryFind(string name, [NotNullWhen(true)] out SkillDescriptor? skill) => _byName.TryGetValue(name, out skill);
}
