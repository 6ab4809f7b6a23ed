using System.CommandLine;
using System.Text.RegularExpressions;

namespace RunProof.Cli.Tests;

/// <summary>What the pages and the program's own remedies tell people to type.</summary>
public sealed partial class PagesTests
{
    private static readonly RootCommand Root = CommandTree.Create(World.OfThisProcess());

    [Fact]
    public void Every_command_line_that_the_pages_show_can_be_parsed()
    {
        var lines = Pages().SelectMany(static page => File.ReadAllText(page).Replace("\\\n", "", StringComparison.Ordinal).Split('\n')).Select(line => CommandLineOnAPage().Match(line)).Where(match => match.Success).Select(match => match.Groups["words"].Value).ToList();
        Assert.True(lines.Count >= 4, $"only {lines.Count} command lines found");
        Assert.All(lines, line => Assert.Empty(Root.Parse([.. Words(line)]).Errors.Select(error => $"{line}: {error.Message}")));
    }

    [Fact]
    public void Every_command_that_a_page_or_a_remedy_names_is_one()
    {
        var texts = Pages().Concat(Directory.EnumerateFiles(Path.Combine(Vectors.Root, "src", "RunProof.Cli"), "*.cs", SearchOption.AllDirectories).Where(file => !file.Contains("obj", StringComparison.Ordinal)));
        var named = texts.SelectMany(file => CommandInWords().Matches(File.ReadAllText(file))).Select(match => (Noun: match.Groups["noun"].Value, Verb: match.Groups["verb"].Value)).Distinct().ToList();
        Assert.True(named.Count >= 5, $"only {named.Count} commands found");
        Assert.All(named, command =>
        {
            var noun = Root.Subcommands.SingleOrDefault(candidate => candidate.Name == command.Noun);
            Assert.True(noun is not null, $"runproof {command.Noun}");
            Assert.True(noun.Subcommands.Count == 0 || noun.Subcommands.Any(candidate => candidate.Name == command.Verb), $"runproof {command.Noun} {command.Verb}");
        });
    }

    private static IEnumerable<string> Pages() => [Path.Combine(Vectors.Root, "README.md"), .. Directory.EnumerateFiles(Path.Combine(Vectors.Root, "src"), "*.md")];

    private static IEnumerable<string> Words(string line) => Word().Matches(line).Select(word => word.Value.Trim('"'));

    [GeneratedRegex(@"(src/RunProof\.Cli --|^runproof) (?<words>[^#`]+)")]
    private static partial Regex CommandLineOnAPage();

    // In a remedy the words of the sentence go on; only noun and verb are the command.
    [GeneratedRegex("(?<=[`\"; ])runproof (?<noun>run|agent|skill|keys|db|validate|doctor|canonical|aos|verify|witness|[a-z]+(?=`))(?: (?<verb>[a-z]+))?")]
    private static partial Regex CommandInWords();

    [GeneratedRegex("\"[^\"]*\"|[^ ]+")]
    private static partial Regex Word();
}
