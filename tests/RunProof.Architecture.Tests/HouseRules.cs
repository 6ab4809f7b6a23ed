using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace RunProof.Architecture.Tests;

/// <summary>What a reader may rely on when finding their way about.</summary>
public sealed partial class HouseRules
{
    /// <summary>Lines of code: what is neither blank nor comment. The comments are there to make them quicker to read, so they do not count against them.</summary>
    [Fact]
    public void What_an_auditor_must_read_to_trust_a_proof_is_at_most_2500_lines_of_code()
    {
        var lines = Repository.SourceFiles("src/RunProof.Format").SelectMany(File.ReadLines).Select(line => line.TrimStart());
        Assert.InRange(lines.Count(line => line.Length > 0 && !line.StartsWith("//", StringComparison.Ordinal)), 1, 2500);
    }

    [Fact]
    public void The_graph_is_a_sentence_of_at_most_60_lines() =>
        Assert.InRange(File.ReadLines(Path.Combine(Repository.Root, "AppHost/AppHost.cs")).Count(), 5, 60);

    [Fact]
    public void No_project_is_called_by_a_word_that_says_nothing()
    {
        var names = new[] { "src", "tests", "generators", "AppHost", "ServiceDefaults" }.SelectMany(Repository.ProjectFiles).Select(Path.GetFileNameWithoutExtension);
        Assert.DoesNotContain(names, name => name!.Split('.').Any(part => part is "Core" or "Common" or "Shared" or "Utils"));
    }

    [Fact]
    public void No_type_is_called_by_a_word_that_says_nothing()
    {
        var offenders = ProductTypes().Where(type => VagueName().IsMatch(type.Name)).Select(type => type.FullName);
        Assert.Empty(offenders);
    }

    [Fact]
    public void Product_classes_are_sealed_or_meant_as_a_base()
    {
        var open = ProductTypes().Where(type =>
            type is { IsClass: true, IsSealed: false, IsAbstract: false, IsNested: false } && !type.Name.Contains('<', StringComparison.Ordinal));
        Assert.Empty(open.Select(type => type.FullName));
    }

    [Fact]
    public void No_public_signature_of_a_library_takes_an_identity_as_a_string()
    {
        var offenders = ProductTypes().Where(type => type.IsPublic)
            .SelectMany(type => type.GetMethods(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly))
            .Where(method => method.GetParameters().Any(parameter =>
                parameter.ParameterType == typeof(string) && parameter.Name is "runId" or "tenantId" or "traceId" or "agentId"))
            .Select(method => $"{method.DeclaringType!.FullName}.{method.Name}");
        Assert.Empty(offenders);
    }

    [Fact]
    public void Every_pinned_package_has_a_reason_in_the_architecture_page()
    {
        var page = File.ReadAllText(Path.Combine(Repository.Root, "src/ARCHITECTURE.md"));
        var packages = XDocument.Load(Path.Combine(Repository.Root, "Directory.Packages.props")).Descendants("PackageVersion").Select(p => (string)p.Attribute("Include")!);
        Assert.All(packages, package => Assert.Contains($"`{package}`", page, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_project_is_in_the_solution()
    {
        var solution = File.ReadAllText(Path.Combine(Repository.Root, "RunProof.sln")).Replace('\\', '/');
        var projects = new[] { "src", "tests", "generators", "AppHost", "ServiceDefaults" }.SelectMany(Repository.ProjectFiles).Select(Repository.Relative);
        Assert.All(projects, project => Assert.Contains(project, solution, StringComparison.Ordinal));
    }

    [Fact]
    public void Versions_stand_in_one_place_only()
    {
        var projects = new[] { "src", "tests", "generators", "AppHost", "ServiceDefaults" }.SelectMany(Repository.ProjectFiles);
        var offenders = projects.Where(file => XDocument.Load(file).Descendants("PackageReference").Any(reference => reference.Attribute("Version") is not null));
        Assert.Empty(offenders.Select(Repository.Relative));
    }

    [Fact]
    public void Nothing_unfinished_is_left_in_product_code()
    {
        var files = new[] { "src", "generators", "AppHost", "ServiceDefaults" }.SelectMany(folder => Repository.SourceFiles(folder));
        var offenders = files.Where(file => Unfinished().IsMatch(File.ReadAllText(file)));
        Assert.Empty(offenders.Select(Repository.Relative));
    }

    /// <summary>The older system shipped a database URL with its password as a default, and printed one in a published report.</summary>
    [Fact]
    public void No_password_or_key_is_written_in_the_product_or_its_pages()
    {
        var files = new[] { "src", "generators", "AppHost", "ServiceDefaults", ".ci" }.SelectMany(folder => Repository.SourceFiles(folder, "*.*"))
            .Append(Path.Combine(Repository.Root, "README.md"));
        var offenders = files.SelectMany(file => Secret().Matches(File.ReadAllText(file)).Select(match => $"{Repository.Relative(file)}: {match.Value}"));
        Assert.Empty(offenders);
        Assert.All(
            (string[])["postgresql://nova:hunter2@db:6432/x", "Host=db;Password=hunter2", "KEY=rpk_" + new string('a', 43)],
            planted => Assert.Matches(Secret(), planted));
    }

    private static IEnumerable<Type> ProductTypes() =>
        DependencyRules.Allowed.Keys
            .Select(name => Assembly.Load(name == "RunProof.Cli" ? "runproof" : name))
            .SelectMany(assembly => assembly.GetTypes())
            .Where(type => type.Namespace?.StartsWith("RunProof", StringComparison.Ordinal) == true && !type.Name.StartsWith('<'));

    [GeneratedRegex(@"(?i)\bpassword=[^\s;""'…{<$]+|://[\w.%-]+:[^\s/@""'{}…<]+@|rpk_[A-Za-z0-9_-]{43}")]
    private static partial Regex Secret();

    [GeneratedRegex("(Manager|Helper|Helpers|Util|Utils|Utility)$")]
    private static partial Regex VagueName();

    [GeneratedRegex(@"\b(TO" + "DO|FIX" + "ME|HA" + @"CK)\b|NotImplemented" + "Exception")]
    private static partial Regex Unfinished();
}
