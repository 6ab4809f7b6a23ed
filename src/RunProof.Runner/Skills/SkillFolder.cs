using System.Reflection;
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using RunProof.Skills;

namespace RunProof.Runner;

/// <summary>
/// Skills from assemblies that the operator put into a folder: <c>Acme.Skills.dll</c> beside what it needs, or each package in a sub-folder of its name
/// (<c>Acme.Skills/Acme.Skills.dll</c>). They are part of the process, with all its rights: the folder is the operator's, as the program is.
/// </summary>
internal static class SkillFolder
{
    private const string Registration = "GeneratedSkills";
    private const string Method = "AddGeneratedSkills";

    /// <summary>Loads every package and registers its skills, and every file as a <see cref="SkillAssembly"/>.</summary>
    /// <param name="folder">The folder; read once.</param>
    /// <param name="services">Where the skills are registered.</param>
    /// <exception cref="SkillFolderException">The folder, or a package, will not do; the message names the file and says why.</exception>
    public static void AddSkillsFrom(this IServiceCollection services, string folder)
    {
        if (!Directory.Exists(folder))
            throw new SkillFolderException($"the folder of skills \"{folder}\" does not exist (RunProof:Runner:SkillFolder)");
        foreach (var package in PackagesIn(Path.GetFullPath(folder)))
            Add(services, package);
    }

    private static IEnumerable<SkillPackage> PackagesIn(string folder)
    {
        var loose = Directory.GetFiles(folder, "*.dll").Order(StringComparer.Ordinal).ToArray();
        if (loose.Length > 0)
        {
            var mains = loose.Where(BringsSkills).ToArray();
            if (mains.Length == 0)
                throw new SkillFolderException($"no assembly in \"{folder}\" has skills: one has a {Registration} class where a project with [Skill]s references RunProof.Skills");
            yield return new SkillPackage(folder, mains, loose, folder);
        }

        foreach (var inner in Directory.GetDirectories(folder).Order(StringComparer.Ordinal))
        {
            var main = Path.Combine(inner, Path.GetFileName(inner) + ".dll");
            if (!File.Exists(main))
                throw new SkillFolderException($"\"{inner}\" is no package of skills: it has no {Path.GetFileName(main)}");
            if (!BringsSkills(main))
                throw new SkillFolderException($"\"{main}\" has no skills: the generator makes a {Registration} class where a project with [Skill]s references RunProof.Skills");
            yield return new SkillPackage(inner, [main], [.. Directory.GetFiles(inner, "*.dll").Order(StringComparer.Ordinal)], folder);
        }
    }

    private static void Add(IServiceCollection services, SkillPackage package)
    {
        var context = new SkillLoadContext(package);
        foreach (var main in package.Mains)
        {
            try
            {
                RefuseAnother(main);
                var before = services.Count;
                RegistrationOf(context.LoadMain(main)).Invoke(null, [services]);
                context.Brought(main, [.. services.Skip(before).Where(service => service.ServiceType == typeof(SkillDescriptor)).Select(service => ((SkillDescriptor)service.ImplementationInstance!).Name)]);
            }
            catch (Exception e) when (e is BadImageFormatException or FileLoadException or FileNotFoundException or TypeLoadException or MissingMemberException or TargetInvocationException or InvalidCastException)
            {
                var reason = e is TargetInvocationException { InnerException: { } inner } ? inner : e;
                throw new SkillFolderException($"\"{main}\" cannot be loaded: {reason.Message}");
            }
        }

        foreach (var assembly in context.Files)
            services.AddSingleton(assembly);
    }

    private static MethodInfo RegistrationOf(Assembly assembly) =>
        assembly.GetTypes().Where(type => type is { Name: Registration, IsPublic: true })
            .Select(type => type.GetMethod(Method, BindingFlags.Public | BindingFlags.Static, [typeof(IServiceCollection)]))
            .OfType<MethodInfo>().FirstOrDefault()
        ?? throw new MissingMethodException($"it has no {Registration}.{Method}(IServiceCollection)");

    /// <summary>Looks without loading: whether the generator was at work in an assembly.</summary>
    private static bool BringsSkills(string file)
    {
        try
        {
            using var stream = File.OpenRead(file);
            using var image = new PEReader(stream);
            if (!image.HasMetadata)
                return false;
            var metadata = image.GetMetadataReader();
            return metadata.TypeDefinitions.Select(metadata.GetTypeDefinition).Any(type =>
                metadata.StringComparer.Equals(type.Name, Registration)
                && (type.Attributes & TypeAttributes.VisibilityMask) is TypeAttributes.Public
                && type.GetMethods().Any(method => metadata.StringComparer.Equals(metadata.GetMethodDefinition(method).Name, Method)));
        }
        catch (Exception e) when (e is BadImageFormatException or IOException or UnauthorizedAccessException)
        {
            throw new SkillFolderException($"\"{file}\" is no assembly that can be read: {e.Message}");
        }
    }

    /// <summary>Skills are built against this process's own contract: a newer one has what is not here.</summary>
    private static void RefuseAnother(string main)
    {
        using var stream = File.OpenRead(main);
        using var image = new PEReader(stream);
        var metadata = image.GetMetadataReader();
        foreach (var reference in metadata.AssemblyReferences.Select(metadata.GetAssemblyReference))
        {
            var name = metadata.GetString(reference.Name);
            var here = name is "RunProof.Skills" ? typeof(SkillDescriptor).Assembly.GetName().Version : name is "RunProof.Format" ? typeof(Format.Digest).Assembly.GetName().Version : null;
            if (here is not null && (reference.Version.Major != here.Major || reference.Version > here))
                throw new SkillFolderException($"\"{main}\" was built against {name} {reference.Version}, this runner has {here}: build it against that");
        }
    }
}

/// <summary>The folder of skills will not do.</summary>
internal sealed class SkillFolderException(string message) : InvalidOperationException(message);

/// <summary>Assemblies that belong together.</summary>
/// <param name="Folder">Where they are.</param>
/// <param name="Mains">Those with skills.</param>
/// <param name="Files">All of them.</param>
/// <param name="Root">The folder of skills, that their names are told from.</param>
internal sealed record SkillPackage(string Folder, IReadOnlyList<string> Mains, IReadOnlyList<string> Files, string Root);
