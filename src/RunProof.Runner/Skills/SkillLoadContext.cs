using System.Reflection;
using System.Runtime.Loader;
using RunProof.Format;
using RunProof.Skills;

namespace RunProof.Runner;

/// <summary>
/// The assemblies of one package, apart from every other's: two packages may need two versions of a library. What they share with this process is its contract
/// (RunProof.Skills, RunProof.Format, the abstractions of Microsoft.Extensions) and the framework. Every file is read once, before the first is loaded: what is told to be loaded is what was.
/// </summary>
internal sealed class SkillLoadContext : AssemblyLoadContext
{
    private readonly AssemblyDependencyResolver _resolver;
    private readonly Dictionary<string, (byte[] Bytes, Digest Digest)> _files;
    private readonly Dictionary<string, IReadOnlyList<string>> _brought = new(StringComparer.Ordinal);
    private readonly SkillPackage _package;

    public SkillLoadContext(SkillPackage package)
        : base("skills " + Path.GetFileName(package.Folder))
    {
        _package = package;
        _resolver = new AssemblyDependencyResolver(package.Mains[0]);
        _files = package.Files.ToDictionary(file => file, Read, StringComparer.Ordinal);
    }

    /// <summary>Every file of the package that is not this process's own.</summary>
    public IEnumerable<SkillAssembly> Files =>
        from file in _package.Files
        where !IsShared(Path.GetFileNameWithoutExtension(file))
        select new SkillAssembly(Path.GetRelativePath(_package.Root, file).Replace('\\', '/'), _files[file].Digest, _brought.GetValueOrDefault(file) ?? []);

    public Assembly LoadMain(string file) => LoadFrom(file);

    public void Brought(string file, IReadOnlyList<string> skills) => _brought[file] = skills;

    protected override Assembly? Load(AssemblyName assemblyName)
    {
        // Null leaves it to the process. Types of the contract must be the process's own, or no skill would be one.
        if (assemblyName.Name is not { } name || IsShared(name))
            return null;
        var file = Path.Combine(_package.Folder, name + ".dll");
        if (_files.ContainsKey(file))
            return LoadFrom(file);
        return _resolver.ResolveAssemblyToPath(assemblyName) is { } resolved && File.Exists(resolved) ? LoadFromAssemblyPath(resolved) : null;
    }

    protected override nint LoadUnmanagedDll(string unmanagedDllName) =>
        _resolver.ResolveUnmanagedDllToPath(unmanagedDllName) is { } path ? LoadUnmanagedDllFromPath(path) : 0;

    private Assembly LoadFrom(string file)
    {
        using var stream = new MemoryStream(_files[file].Bytes);
        return LoadFromStream(stream);
    }

    private static bool IsShared(string name) =>
        name is "RunProof.Skills" or "RunProof.Format"
        || (name.StartsWith("Microsoft.Extensions.", StringComparison.Ordinal) && name.EndsWith(".Abstractions", StringComparison.Ordinal));

    private static (byte[] Bytes, Digest Digest) Read(string file)
    {
        var bytes = File.ReadAllBytes(file);
        return (bytes, Digest.Of(bytes));
    }
}
