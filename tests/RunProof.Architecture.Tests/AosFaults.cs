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
            Assert.True(NamedTests.In(line).Any() || line.Contains("| Not in this version: ", StringComparison.Ordinal), line);
    }

    [Fact]
    public void Every_test_that_is_named_exists()
    {
        var named = Lines.Where(line => Row().IsMatch(line)).SelectMany(NamedTests.In).ToList();
        Assert.True(named.Count > 100, $"only {named.Count} tests are named");
        Assert.Empty(named.Where(test => !NamedTests.Exists(test)).Select(test => test.Value));
        // The search itself can tell what is not there.
        Assert.All(
            (string[])["`Cli/PagesTests.Nothing_of_this_name`", "`Cli/NoSuchTests.Every_command_that_a_page_or_a_remedy_names_is_one`", "`Postgres/ForbiddenStatements.Is_refused` (\"no such row\")"],
            wrong => Assert.False(NamedTests.Exists(NamedTests.In(wrong).Single()), wrong));
    }

    [Fact]
    public void Whatever_looks_like_a_test_is_read_as_one()
    {
        var ticked = Lines.Where(line => Row().IsMatch(line)).SelectMany(line => line.Split('|')[4].Split('`').Where((_, at) => at % 2 == 1));
        Assert.All(ticked, text => Assert.True(NamedTests.IsOne(text), text));
    }

    [GeneratedRegex(@"^\| (?<id>[PDSR]\d+) \|")]
    private static partial Regex Row();
}
