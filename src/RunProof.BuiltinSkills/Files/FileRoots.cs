using RunProof.Format;

namespace RunProof.BuiltinSkills;

/// <summary>The folders of the tenants: one each, and no way from one into another.</summary>
public sealed class FileRoots
{
    private readonly FileSkillOptions _options;

    /// <summary>Takes the operator's word for where they are; nothing is opened yet.</summary>
    /// <param name="options">What the operator decides.</param>
    /// <exception cref="ArgumentException">A path is not absolute, one root lies in another, or a number is out of its range.</exception>
    public FileRoots(FileSkillOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options.Validated();
    }

    /// <summary>Bytes of the largest file.</summary>
    internal int MaxBytes => _options.MaxBytes;

    /// <summary>Opens the folder that holds a path's last name.</summary>
    /// <param name="tenant">Whose path it is.</param>
    /// <param name="path">The path; of the tenant's folder itself, that folder is opened.</param>
    /// <param name="make">Whether folders on the way are made where there are none.</param>
    /// <exception cref="Skills.SkillException">There is none, or it is not to be reached.</exception>
    internal Folder OpenParent(TenantId tenant, FilePath path, bool make) => Walk(tenant, path, path.Names.Length == 0 ? 0 : path.Names.Length - 1, make);

    /// <summary>Opens the folder of a path.</summary>
    internal Folder OpenFolder(TenantId tenant, FilePath path) => Walk(tenant, path, path.Names.Length, make: false);

    /// <summary>Makes the tenant's own folder where it has none yet; whether there is one for this tenant at all.</summary>
    internal void Ensure(TenantId tenant) => OpenRoot(tenant, make: true).Dispose();

    /// <summary>The tenant's own folder, made where there is none yet, for programs that run in it.</summary>
    internal string PathOf(TenantId tenant)
    {
        Ensure(tenant);
        return _options.Roots.TryGetValue(tenant.Value, out var own) ? own : Path.Combine(_options.Root!, tenant.Value);
    }

    private Folder Walk(TenantId tenant, FilePath path, int depth, bool make)
    {
        var folder = OpenRoot(tenant, make);
        for (var i = 0; i < depth; i++)
        {
            using var outer = folder;
            folder = outer.Enter(path.Names[i], make, path.Text);
        }

        return folder;
    }

    private Folder OpenRoot(TenantId tenant, bool make)
    {
        if (!Posix.IsSupported)
            throw FileFault.Of("not_supported", "the file skills work on Linux (x64, arm64): elsewhere no call opens a file without the chance of following a link");
        if (_options.Roots.TryGetValue(tenant.Value, out var own))
            return Open(own);
        // A tenant may be called "..": no folder may.
        if (_options.Root is not { } root || tenant.Value.All(c => c == '.'))
            throw FileFault.Of("not_configured", "this runner has no folder for the tenant's files (RunProof:Files:Root)");
        using var all = Open(root);
        return all.Enter(tenant.Value, make, ".");
    }

    private static Folder Open(string root)
    {
        try
        {
            return Folder.OpenRoot(root);
        }
        catch (Skills.SkillException e)
        {
            throw FileFault.Of("not_configured", $"the tenant's folder cannot be opened ({e.Failure.Code})");
        }
    }
}
