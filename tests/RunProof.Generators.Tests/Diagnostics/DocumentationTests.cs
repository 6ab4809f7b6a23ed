using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using RunProof.Generators.Tests.Driving;

namespace RunProof.Generators.Tests.Diagnostics;

/// <summary>DIAGNOSTICS.md is true: every rule has its section where its help link leads, and the examples do what the page says.</summary>
public sealed partial class DocumentationTests
{
    /// <summary>As the page says.</summary>
    private const string Usings =
        "using System; using System.Collections.Generic; using System.Threading; using System.Threading.Tasks; using RunProof.Format; using RunProof.Skills;\n";

    private const string Page = "https://github.com/runproof/runproof/blob/main/generators/RunProof.Generators/DIAGNOSTICS.md#";

    private static readonly string Text = File.ReadAllText(Path.Combine(Repository.Root, "generators", "RunProof.Generators", "DIAGNOSTICS.md"));

    private static readonly Dictionary<string, string> Sections = SectionStart().Split(Text).Skip(1)
        .ToDictionary(static section => section[..6], static section => GroupStart().Split(section)[0], StringComparer.Ordinal);

    /// <summary>The rules whose examples are C# alone. Those of the lock are tested where the lock is.</summary>
    public static TheoryData<string> Examples() => [.. Sections.Keys.Where(static id => !id.StartsWith("RP03", StringComparison.Ordinal))];

    [Fact]
    public void Every_rule_has_a_section_and_every_section_a_rule() => Assert.Equal(RuleTests.Rules.Select(static rule => rule.Id), Sections.Keys);

    [Fact]
    public void Every_help_link_leads_to_the_section() =>
        Assert.All(RuleTests.Rules, static rule => Assert.Equal(Page + rule.Id.ToLowerInvariant(), rule.HelpLinkUri));

    [Fact]
    public void Every_section_has_the_rules_title_severity_and_key() => Assert.All(RuleTests.Rules, static rule =>
    {
        var section = Sections[rule.Id];
        Assert.Contains($"**{rule.Title}.** {rule.DefaultSeverity}", section, StringComparison.Ordinal);
        Assert.Contains($"`dotnet_diagnostic.{rule.Id}.severity`", section, StringComparison.Ordinal);
    });

    [Fact]
    public void The_links_within_the_page_lead_somewhere()
    {
        var anchors = Heading().Matches(Text).Select(static heading => Anchor(heading.Groups[1].Value)).ToHashSet(StringComparer.Ordinal);
        Assert.All(Link().Matches(Text).Select(static link => link.Groups[1].Value), link => Assert.Contains(link, anchors));
    }

    [Theory]
    [MemberData(nameof(Examples))]
    public async Task The_wrong_example_breaks_the_rule_and_no_other(string id)
    {
        var told = await Analyzing.DiagnosticsAsync(Generation.Compile(("Example.cs", Usings + Code(id, "Wrong"))));
        Assert.NotEmpty(told);
        Assert.All(told, diagnostic => Assert.Equal(id, diagnostic.Id));
    }

    [Theory]
    [MemberData(nameof(Examples))]
    public async Task The_right_example_compiles_in_silence(string id)
    {
        var compilation = Generation.Compile(("Example.cs", Usings + Code(id, "Right")));
        Assert.NotEmpty(Generation.Sources(compilation));
        Assert.Empty((await Analyzing.DiagnosticsAsync(compilation)).Select(static diagnostic => diagnostic.ToString()));
    }

    private static string Code(string id, string kind)
    {
        var match = Regex.Match(Sections[id], kind + ":\n\n```csharp\n(.*?)```", RegexOptions.Singleline | RegexOptions.CultureInvariant);
        Assert.True(match.Success, $"{id} has no example that is called {kind}");
        return match.Groups[1].Value;
    }

    /// <summary>As GitHub makes it of a heading.</summary>
    private static string Anchor(string heading) => Regex.Replace(heading.ToLowerInvariant(), "[^a-z0-9 -]", "", RegexOptions.CultureInvariant).Replace(' ', '-');

    [GeneratedRegex("^### (?=RP[0-9]{4}$)", RegexOptions.Multiline)]
    private static partial Regex SectionStart();

    [GeneratedRegex("^## ", RegexOptions.Multiline)]
    private static partial Regex GroupStart();

    [GeneratedRegex("^#+ (.*)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"\]\(#([^)]*)\)")]
    private static partial Regex Link();
}
