using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;

namespace RunProof.Packages.Tests;

/// <summary><c>src/SKILLS.md</c> says nothing that is not so.</summary>
public sealed partial class SkillsPageTests
{
    // The page's lock holds one record on purpose.
    private static readonly string[] Allowed = ["RP0310"];

    public static TheoryData<int> Right => [.. Lines(block => block is { Language: "csharp", Expected: "" or "RP-none" })];

    public static TheoryData<int> Wrong => [.. Lines(block => block is { Language: "csharp", Expected: not ("" or "RP-none") })];

    public static TheoryData<int> Printing => [.. Lines(block => Prints(block) is not null)];

    [Theory]
    [MemberData(nameof(Right))]
    public async Task A_block_compiles_without_a_word(int line)
    {
        var said = await SkillsPage.DiagnoseAsync(SkillsPage.Generate(SkillsPage.Compile(At(line))));
        Assert.Empty(said.Where(diagnostic => !Allowed.Contains(diagnostic.Id)).Select(diagnostic => diagnostic.ToString()));
    }

    [Theory]
    [MemberData(nameof(Wrong))]
    public async Task A_wrong_block_breaks_the_rule_that_it_names_and_no_other(int line)
    {
        var block = At(line);
        var said = await SkillsPage.DiagnoseAsync(SkillsPage.Generate(SkillsPage.Compile(block)));
        var rules = said.Where(diagnostic => diagnostic.Id.StartsWith("RP", StringComparison.Ordinal) && !Allowed.Contains(diagnostic.Id)).ToArray();
        Assert.Equal([block.Expected], rules.Select(diagnostic => diagnostic.Id).Distinct());
        Assert.All(rules, rule => Assert.EndsWith($".{line}.cs", rule.Location.GetLineSpan().Path, StringComparison.Ordinal));
    }

    [Theory]
    [MemberData(nameof(Printing))]
    public void A_program_prints_what_the_page_shows(int line) =>
        Assert.Equal(Prints(At(line)), SkillsPage.Run(SkillsPage.Generate(SkillsPage.Compile(At(line)))));

    [Fact]
    public void There_is_something_to_compile_to_break_and_to_print() =>
        Assert.True(Right.Count >= 12 && Wrong.Count >= 3 && Printing.Count >= 5, $"{Right.Count} right, {Wrong.Count} wrong, {Printing.Count} printing");

    [Fact]
    public void Every_rule_that_the_page_names_has_its_section()
    {
        var sections = File.ReadAllText(Path.Combine(Repository.Root, "generators", "RunProof.Generators", "DIAGNOSTICS.md"));
        var named = Rule().Matches(SkillsPage.Text).Select(match => match.Value).Distinct().ToArray();
        Assert.True(named.Length >= 10, string.Join(' ', named));
        Assert.All(named, rule => Assert.Contains($"### {rule}\n", sections, StringComparison.Ordinal));
    }

    [Fact]
    public void Every_link_leads_somewhere()
    {
        foreach (var target in Link().Matches(SkillsPage.Text).Select(match => match.Groups[1].Value))
        {
            var (page, heading) = target.IndexOf('#') is var at and >= 0 ? (target[..at], target[(at + 1)..]) : (target, null);
            var file = Path.Combine(Repository.Root, "src", page.Length == 0 ? "SKILLS.md" : page);
            Assert.True(File.Exists(file) && (heading is null || HeadingsOf(File.ReadAllText(file)).Contains(heading)), $"[…]({target}) leads nowhere");
        }
    }

    private static HashSet<string> HeadingsOf(string page) =>
        Heading().Matches(page).Select(match => match.Groups[1].Value.ToLowerInvariant().Replace(' ', '-')).ToHashSet(StringComparer.Ordinal);

    [Fact]
    public void What_it_packs_is_what_the_tests_pack() =>
        Assert.Contains($"for project in {string.Join(' ', PackedPackages.Projects)}; do dotnet pack $project", SkillsPage.Text, StringComparison.Ordinal);

    [Fact]
    public void The_README_and_the_architecture_page_lead_here()
    {
        Assert.Contains("src/SKILLS.md", File.ReadAllText(Path.Combine(Repository.Root, "README.md")), StringComparison.Ordinal);
        Assert.Contains("src/SKILLS.md", File.ReadAllText(Path.Combine(Repository.Root, "src", "ARCHITECTURE.md")), StringComparison.Ordinal);
    }

    private static SkillsPage.Block At(int line) => SkillsPage.Blocks.Single(block => block.Line == line);

    private static IEnumerable<int> Lines(Func<SkillsPage.Block, bool> which) => SkillsPage.Blocks.Where(which).Select(block => block.Line);

    /// <summary>The block after it, where that shows what it prints.</summary>
    private static string? Prints(SkillsPage.Block block) =>
        block is { Language: "csharp", Expected: "", IsProgram: true } && SkillsPage.Blocks.SkipWhile(other => other != block).ElementAtOrDefault(1) is { Language: "text" } shown ? shown.Text : null;

    [GeneratedRegex(@"\bRP0\d{3}\b")]
    private static partial Regex Rule();

    [GeneratedRegex(@"^#+ (.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"\]\(([^)]+)\)")]
    private static partial Regex Link();
}
