using System.Globalization;
using System.Text.RegularExpressions;

namespace RunProof.Architecture.Tests;

/// <summary><c>tests/AOS-FAULTS.md</c> says which test sees which fault of the older system; here it is held to that.</summary>
public sealed partial class AosFaults
{
    private static readonly (string Letter, int Count)[] Kinds = [("P", 11), ("D", 15), ("S", 11), ("R", 9)];

    private static readonly string[] Lines = File.ReadAllLines(Path.Combine(Repository.Root, "tests/AOS-FAULTS.md"));

    [Fact]
    public void Every_fault_has_one_row() =>
        Assert.Equal(
            Kinds.SelectMany(kind => Enumerable.Range(1, kind.Count).Select(number => string.Create(CultureInfo.InvariantCulture, $"{kind.Letter}{number}"))),
            Lines.Select(line => Row().Match(line)).Where(match => match.Success).Select(match => match.Groups["id"].Value));

    [Fact]
    public void A_fault_has_a_test_or_says_that_it_is_not_of_this_version()
    {
        foreach (var line in Lines.Where(line => Row().IsMatch(line)))
            Assert.True(Test().IsMatch(line) || line.Contains("| Not in this version: ", StringComparison.Ordinal), line);
    }

    [Fact]
    public void Every_test_that_is_named_exists()
    {
        var named = Lines.Where(line => Row().IsMatch(line)).SelectMany(line => Test().Matches(line)).ToList();
        Assert.True(named.Count > 100, $"only {named.Count} tests are named");
        Assert.Empty(named.Where(test => !Exists(test)).Select(test => test.Value));
        // The search itself can tell what is not there.
        Assert.All(
            (string[])["`Cli/PagesTests.Nothing_of_this_name`", "`Cli/NoSuchTests.Every_command_that_a_page_or_a_remedy_names_is_one`", "`Postgres/ForbiddenStatements.Is_refused` (\"no such row\")"],
            wrong => Assert.False(Exists(Test().Match(wrong)), wrong));
    }

    [Fact]
    public void Whatever_looks_like_a_test_is_read_as_one()
    {
        var ticked = Lines.Where(line => Row().IsMatch(line)).SelectMany(line => line.Split('|')[4].Split('`').Where((_, at) => at % 2 == 1));
        Assert.All(ticked, text => Assert.Matches(Test(), $"`{text}`"));
    }

    private static bool Exists(Match test)
    {
        var folder = $"tests/RunProof.{test.Groups["project"].Value}.Tests";
        return Directory.Exists(Path.Combine(Repository.Root, folder)) && Repository.SourceFiles(folder).Select(File.ReadAllText).Any(text => Declares(text, test));
    }

    private static bool Declares(string text, Match test)
    {
        var at = text.IndexOf($"class {test.Groups["class"].Value}", StringComparison.Ordinal);
        return at >= 0
            && Regex.IsMatch(text[at..], $@"\[(Fact|Theory)((?!\bpublic )[\s\S])*?public [^\n(]*\b{test.Groups["method"].Value}\(")
            && (!test.Groups["case"].Success || text.Contains($"\"{test.Groups["case"].Value}\"", StringComparison.Ordinal));
    }

    [GeneratedRegex(@"^\| (?<id>[PDSR]\d+) \|")]
    private static partial Regex Row();

    [GeneratedRegex("`(?<project>[A-Za-z]+)/(?<class>[A-Za-z]+)\\.(?<method>[A-Za-z0-9_]+)`(?: \\(\"(?<case>[^\"]+)\"\\))?")]
    private static partial Regex Test();
}
