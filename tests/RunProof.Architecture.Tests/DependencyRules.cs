using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;

namespace RunProof.Architecture.Tests;

/// <summary>Who may know whom: src/ARCHITECTURE.md, "Dependencies".</summary>
public sealed class DependencyRules
{
    /// <summary>For each product project: the projects of ours it may reference, directly.</summary>
    public static readonly IReadOnlyDictionary<string, string[]> Allowed = new SortedDictionary<string, string[]>(StringComparer.Ordinal)
    {
        ["RunProof.Format"] = [],
        ["RunProof.Skills"] = ["RunProof.Format"],
        ["RunProof.Verification"] = ["RunProof.Format"],
        ["RunProof.Keys"] = ["RunProof.Format"],
        ["RunProof.Ledger"] = ["RunProof.Format", "RunProof.Keys", "RunProof.Skills", "RunProof.Tiles", "RunProof.Verification", "RunProof.Witness"],
        ["RunProof.Policies"] = ["RunProof.Format", "RunProof.Ledger"],
        ["RunProof.Postgres"] = ["RunProof.Format", "RunProof.Ledger", "RunProof.Tiles"],
        ["RunProof.EmbeddedPostgres"] = [],
        ["RunProof.Execution"] = ["RunProof.Format", "RunProof.Ledger", "RunProof.Skills"],
        ["RunProof.BuiltinSkills"] = ["RunProof.Format", "RunProof.Skills"],
        ["RunProof.Mcp"] = ["RunProof.Format", "RunProof.Skills"],
        ["RunProof.Models"] = ["RunProof.Format", "RunProof.Skills"],
        ["RunProof.ServiceDefaults"] = ["RunProof.Format", "RunProof.Ledger"],
        ["RunProof.Tiles"] = ["RunProof.Format"],
        ["RunProof.Witness"] = ["RunProof.Format", "RunProof.Keys"],
        ["RunProof.Runner"] =
            ["RunProof.BuiltinSkills", "RunProof.Execution", "RunProof.Format", "RunProof.Ledger", "RunProof.Mcp", "RunProof.Models", "RunProof.Policies", "RunProof.Postgres", "RunProof.ServiceDefaults", "RunProof.Skills"],
        ["RunProof.Verifier"] = ["RunProof.Format", "RunProof.Keys", "RunProof.Ledger", "RunProof.Postgres", "RunProof.ServiceDefaults", "RunProof.Tiles", "RunProof.Verification", "RunProof.Witness"],
        ["RunProof.Migrator"] = ["RunProof.Format", "RunProof.Ledger", "RunProof.Postgres", "RunProof.ServiceDefaults"],
        ["RunProof.Cli"] =
            ["RunProof.EmbeddedPostgres", "RunProof.Format", "RunProof.Keys", "RunProof.Ledger", "RunProof.Policies", "RunProof.Postgres", "RunProof.Skills", "RunProof.Tiles", "RunProof.Verification", "RunProof.Witness"],
    };

    private static readonly string[] Hosts = ["RunProof.Runner", "RunProof.Verifier", "RunProof.Migrator", "RunProof.Cli", "RunProof.Console"];

    public static TheoryData<string> ProductProjects =>
        [.. Repository.ProjectFiles("src").Concat(Repository.ProjectFiles("ServiceDefaults")).Select(Repository.Relative)];

    [Theory]
    [MemberData(nameof(ProductProjects))]
    public void A_project_references_only_what_its_rule_allows(string project)
    {
        var name = Path.GetFileNameWithoutExtension(project);
        Assert.True(Allowed.ContainsKey(name), $"{name} has no rule: decide what it may reference and add it here and to src/ARCHITECTURE.md");
        var declared = Repository.References(Path.Combine(Repository.Root, project), "ProjectReference");
        Assert.Empty(declared.Except(Allowed[name], StringComparer.Ordinal));
    }

    [Theory]
    [MemberData(nameof(ProductProjects))]
    public void What_was_compiled_references_only_what_its_rule_allows(string project)
    {
        var name = Path.GetFileNameWithoutExtension(project);
        var compiled = CompiledReferences(name).Where(reference => reference.StartsWith("RunProof.", StringComparison.Ordinal));
        Assert.Empty(compiled.Except(Allowed[name].SelectMany(Closure), StringComparer.Ordinal));
    }

    [Fact]
    public void The_format_is_compiled_against_the_base_class_library_alone() =>
        Assert.All(CompiledReferences("RunProof.Format"), reference => Assert.StartsWith("System.", reference, StringComparison.Ordinal));

    [Fact]
    public void Verification_is_compiled_against_the_format_and_the_base_class_library_alone() =>
        Assert.All(
            CompiledReferences("RunProof.Verification"),
            reference => Assert.True(reference == "RunProof.Format" || reference.StartsWith("System.", StringComparison.Ordinal), reference));

    [Fact]
    public void Only_the_store_knows_the_database_driver()
    {
        var users = Allowed.Keys.Where(name => !Hosts.Contains(name) && CompiledReferences(name).Contains("Npgsql"));
        Assert.Equal(["RunProof.Postgres"], users);
    }

    [Fact]
    public void No_library_references_a_host_and_no_host_another()
    {
        foreach (var (project, references) in Allowed)
            Assert.True(!references.Intersect(Hosts).Any(), $"{project} references a host");
    }

    [Fact]
    public void The_generator_references_no_assembly_of_ours()
    {
        var generator = Path.Combine(Repository.Root, "generators/RunProof.Generators/RunProof.Generators.csproj");
        Assert.Empty(Repository.References(generator, "ProjectReference"));
    }

    [Fact]
    public void Every_product_project_was_compiled_into_this_test() =>
        Assert.All(ProductProjects, row => Assert.True(File.Exists(AssemblyPath(Path.GetFileNameWithoutExtension(row.Data)))));

    private static IEnumerable<string> Closure(string project) => Allowed[project].SelectMany(Closure).Append(project);

    private static string AssemblyPath(string name)
    {
        var path = Path.Combine(AppContext.BaseDirectory, name + ".dll");
        return File.Exists(path) ? path : Path.Combine(AppContext.BaseDirectory, name == "RunProof.Cli" ? "runproof.dll" : name + ".dll");
    }

    private static string[] CompiledReferences(string name)
    {
        using var stream = File.OpenRead(AssemblyPath(name));
        using var image = new PEReader(stream);
        var metadata = image.GetMetadataReader();
        return [.. metadata.AssemblyReferences.Select(handle => metadata.GetString(metadata.GetAssemblyReference(handle).Name)).Order(StringComparer.Ordinal)];
    }
}
