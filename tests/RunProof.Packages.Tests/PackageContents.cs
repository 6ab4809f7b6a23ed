using System.Text;
using System.Xml.Linq;

namespace RunProof.Packages.Tests;

/// <summary>What is in the packages, and what is not.</summary>
public sealed class PackageContents(PackedPackages packages)
{
    public static TheoryData<string> Ids => ["RunProof.Format", "RunProof.Skills", "RunProof.Generators"];

    [Fact]
    public void Packing_says_no_warning() =>
        Assert.All(packages.Said, said => Assert.DoesNotContain("warning", said.Value, StringComparison.OrdinalIgnoreCase));

    [Theory]
    [MemberData(nameof(Ids))]
    public void A_package_says_what_it_is_under_which_licence_and_how_it_is_used(string id)
    {
        using var package = packages.Open(id);
        var nuspec = PackedPackages.Nuspec(package);
        Assert.Equal((id, PackedPackages.Version), (nuspec.Element("id")?.Value, nuspec.Element("version")?.Value));
        Assert.Equal("Apache-2.0", nuspec.Element("license")?.Value);
        Assert.NotEmpty(nuspec.Element("description")!.Value);
        Assert.NotEmpty(nuspec.Element("authors")!.Value);
        Assert.Equal("README.md", nuspec.Element("readme")?.Value);
        Assert.StartsWith($"# {id}\n", Encoding.UTF8.GetString(PackedPackages.Read(package, "README.md")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("RunProof.Format", "lib/net10.0/RunProof.Format.dll", "lib/net10.0/RunProof.Format.xml")]
    [InlineData("RunProof.Skills", "lib/net10.0/RunProof.Skills.dll", "lib/net10.0/RunProof.Skills.xml")]
    [InlineData("RunProof.Generators", "analyzers/dotnet/cs/RunProof.CodeFixes.dll", "analyzers/dotnet/cs/RunProof.Generators.dll", "build/RunProof.Generators.props", "buildTransitive/RunProof.Generators.props")]
    public void A_package_holds_its_files_and_nothing_besides(string id, params string[] files)
    {
        using var package = packages.Open(id);
        var held = package.Entries.Select(entry => entry.FullName)
            .Where(name => !name.StartsWith("_rels/", StringComparison.Ordinal) && !name.StartsWith("package/", StringComparison.Ordinal) && name != "[Content_Types].xml")
            .Where(name => name != "README.md" && name != id + ".nuspec");
        Assert.Equal(files.Order(StringComparer.Ordinal), held.Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("RunProof.Format")]
    [InlineData("RunProof.Skills")]
    public void The_symbols_are_in_a_package_beside_it(string id)
    {
        using var symbols = packages.Open(id, "snupkg");
        Assert.Equal("BSJB", Encoding.ASCII.GetString(PackedPackages.Read(symbols, $"lib/net10.0/{id}.pdb"), 0, 4));
    }

    [Theory]
    [InlineData("RunProof.Format", "type:RunProof.Format.CanonicalAttribute")]
    [InlineData("RunProof.Skills", "type:RunProof.Skills.SkillAttribute")]
    public void The_documentation_that_editors_show_is_in_it(string id, string member)
    {
        using var package = packages.Open(id);
        var documentation = XElement.Parse(Encoding.UTF8.GetString(PackedPackages.Read(package, $"lib/net10.0/{id}.xml")).TrimStart('\uFEFF'));
        Assert.Contains(documentation.Descendants("member"), one => (string?)one.Attribute("name") == member.Replace("type:", "T:", StringComparison.Ordinal));
    }

    [Fact]
    public void The_format_depends_on_nothing()
    {
        using var package = packages.Open("RunProof.Format");
        Assert.Empty(PackedPackages.Nuspec(package).Descendants("dependency"));
    }

    [Fact]
    public void The_generators_depend_on_nothing_and_are_of_the_build_alone()
    {
        using var package = packages.Open("RunProof.Generators");
        var nuspec = PackedPackages.Nuspec(package);
        Assert.Empty(nuspec.Descendants("dependency"));
        Assert.Equal("true", nuspec.Element("developmentDependency")?.Value);
    }

    [Fact]
    public void Skills_bring_the_format_and_the_whole_generator_in_the_same_version()
    {
        using var package = packages.Open("RunProof.Skills");
        var dependencies = PackedPackages.Nuspec(package).Descendants("dependency").ToDictionary(one => (string)one.Attribute("id")!);
        Assert.Equal(
            ["Microsoft.Extensions.DependencyInjection.Abstractions", "RunProof.Format", "RunProof.Generators"], dependencies.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(PackedPackages.Version, (string?)dependencies["RunProof.Format"].Attribute("version"));
        Assert.Equal(PackedPackages.Version, (string?)dependencies["RunProof.Generators"].Attribute("version"));
        // Without this, analyzers and props would stop at RunProof.Skills.
        Assert.Equal("all", (string?)dependencies["RunProof.Generators"].Attribute("include"));
        var central = XElement.Load(Path.Combine(Repository.Root, "Directory.Packages.props")).Descendants("PackageVersion");
        var pinned = central.Single(one => (string?)one.Attribute("Include") == "Microsoft.Extensions.DependencyInjection.Abstractions");
        Assert.Equal((string?)pinned.Attribute("Version"), (string?)dependencies["Microsoft.Extensions.DependencyInjection.Abstractions"].Attribute("version"));
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public void No_file_names_a_folder_of_the_machine_that_packed_it(string id)
    {
        using var package = packages.Open(id);
        string[] folders = [Repository.Root, packages.Scratch("")];
        foreach (var entry in package.Entries)
        {
            var bytes = PackedPackages.Read(package, entry.FullName);
            foreach (var folder in folders.Select(folder => folder.TrimEnd(Path.DirectorySeparatorChar)))
            {
                Assert.True(bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(folder)) < 0, $"{entry.FullName} names {folder}");
                Assert.True(bytes.AsSpan().IndexOf(Encoding.Unicode.GetBytes(folder)) < 0, $"{entry.FullName} names {folder}");
            }
        }
    }

    [Fact]
    public async Task Packed_again_elsewhere_the_assemblies_are_the_same_to_the_byte()
    {
        var target = packages.Scratch("again");
        await packages.PackAsync("src/RunProof.Skills", "b", target);
        using var first = packages.Open("RunProof.Skills");
        using var second = PackedPackages.Open(target, "RunProof.Skills");
        Assert.Equal(PackedPackages.Read(first, "lib/net10.0/RunProof.Skills.dll"), PackedPackages.Read(second, "lib/net10.0/RunProof.Skills.dll"));
        Assert.Equal(PackedPackages.Read(first, "lib/net10.0/RunProof.Skills.xml"), PackedPackages.Read(second, "lib/net10.0/RunProof.Skills.xml"));
    }
}
