using System.IO.Compression;
using System.Reflection;
using System.Xml.Linq;

namespace RunProof.Packages.Tests;

/// <summary>The packages as <c>dotnet pack</c> makes them, from sources to files, in folders of their own: no output of another build is used or touched.</summary>
public sealed class PackedPackages : IAsyncLifetime
{
    internal static readonly string[] Projects = ["src/RunProof.Format", "src/RunProof.Skills", "generators/RunProof.Generators"];

    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("runproof-packages-");

    /// <summary>No package of this version is in anybody's cache.</summary>
    internal const string Version = "0.0.0-test.1";

    /// <summary>Where the repository's own restore put what it needs: whatever these tests need is there.</summary>
    internal static string Restored { get; } =
        typeof(PackedPackages).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(item => item.Key == "NuGetPackageRoot").Value!.TrimEnd('/', '\\');

    internal string Folder => Path.Combine(_folder.FullName, "packages");

    /// <summary>What packing said, project by project.</summary>
    internal Dictionary<string, string> Said { get; } = [];

    public async ValueTask InitializeAsync()
    {
        foreach (var project in Projects)
            Said.Add(project, (await PackAsync(project, "a", Folder)).Output);
    }

    /// <summary>Packs a project with outputs of its own.</summary>
    internal async Task<DotNet.Result> PackAsync(string project, string artifacts, string target) => (await DotNet.RunAsync(
        Repository.Root, Restored, "pack", Path.Combine(Repository.Root, project), "--output", target, "--artifacts-path", Path.Combine(_folder.FullName, artifacts),
        "-p:Version=" + Version, "-p:RunAnalyzers=false", "--nologo")).Succeeds();

    internal string Scratch(string name) => Path.Combine(_folder.FullName, name);

    internal static XElement Nuspec(ZipArchive package)
    {
        using var nuspec = package.Entries.Single(entry => entry.FullName.EndsWith(".nuspec", StringComparison.Ordinal)).Open();
        var root = XElement.Load(nuspec);
        // Its namespace changes with what it says.
        foreach (var element in root.DescendantsAndSelf())
            element.Name = element.Name.LocalName;
        return root.Element("metadata")!;
    }

    internal ZipArchive Open(string id, string extension = "nupkg") => Open(Folder, id, extension);

    internal static ZipArchive Open(string folder, string id, string extension = "nupkg") => ZipFile.OpenRead(Path.Combine(folder, $"{id}.{Version}.{extension}"));

    internal static byte[] Read(ZipArchive package, string entry)
    {
        using var content = package.GetEntry(entry)!.Open();
        using var bytes = new MemoryStream();
        content.CopyTo(bytes);
        return bytes.ToArray();
    }

    public ValueTask DisposeAsync()
    {
        _folder.Delete(recursive: true);
        return ValueTask.CompletedTask;
    }
}
