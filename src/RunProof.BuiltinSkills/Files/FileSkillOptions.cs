namespace RunProof.BuiltinSkills;

/// <summary>What an operator decides about <c>file_read</c>, <c>file_write</c> and <c>file_list</c>.</summary>
public sealed record FileSkillOptions
{
    /// <summary>An absolute path under which every tenant has a folder of its own, named by its id and made when it is first written to. Default: none.</summary>
    public string? Root { get; init; }

    /// <summary>Absolute paths of existing folders by tenant id, letter case included; such a tenant has none under <see cref="Root"/>. Default: none.</summary>
    public IReadOnlyDictionary<string, string> Roots { get; init; } = new Dictionary<string, string>(StringComparer.Ordinal);

    /// <summary>Bytes of the largest file that is read or written, 1 to 67108864. Default: 16777216.</summary>
    public int MaxBytes { get; init; } = 16_777_216;

    /// <summary>Refuses what cannot be meant.</summary>
    /// <exception cref="ArgumentException">A path is not absolute, one root lies in another, or a number is out of its range.</exception>
    /// <returns>These options.</returns>
    public FileSkillOptions Validated()
    {
        if (MaxBytes is < 1 or > 67_108_864)
            throw new ArgumentException("the largest file must be from 1 to 67108864 bytes");
        string[] all = [.. Roots.Values.Concat(Root is null ? [] : [Root])];
        foreach (var path in all)
        {
            if (!Path.IsPathFullyQualified(path))
                throw new ArgumentException($"the folder \"{path}\" of the file skills must be an absolute path");
        }

        for (var i = 0; i < all.Length; i++)
        {
            if (all.Where((_, j) => j != i).Any(other => Holds(other, all[i])))
                throw new ArgumentException($"the folder \"{all[i]}\" of the file skills lies in another tenant's, or is the same");
        }

        return this;
    }

    private static bool Holds(string outer, string inner) => Ended(inner).StartsWith(Ended(outer), StringComparison.Ordinal);

    private static string Ended(string path) => Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)) + "/";
}
