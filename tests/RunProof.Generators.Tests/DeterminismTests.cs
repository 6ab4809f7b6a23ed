using System.Globalization;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using RunProof.Generators.Tests.Driving;

namespace RunProof.Generators.Tests;

/// <summary>The same declarations give the same text, wherever and however they are compiled.</summary>
public sealed class DeterminismTests
{
    private static readonly SortedDictionary<string, string> Expected = Generation.Sources(Repository.Samples());

    [Theory]
    [InlineData("tr-TR")]
    [InlineData("de-DE")]
    [InlineData("fa-IR")]
    public void A_culture_changes_nothing(string culture)
    {
        var before = CultureInfo.CurrentCulture;
        try
        {
            CultureInfo.CurrentCulture = CultureInfo.CurrentUICulture = new CultureInfo(culture);
            Assert.Equal(Expected, Generation.Sources(Repository.Samples()));
        }
        finally
        {
            CultureInfo.CurrentCulture = CultureInfo.CurrentUICulture = before;
        }
    }

    [Fact]
    public void Line_endings_change_nothing() => Assert.Equal(Expected, Generation.Sources(
        [.. Repository.Samples().Select(static file => (file.Path, file.Text.Replace("\n", "\r\n", StringComparison.Ordinal)))]));

    [Fact]
    public void The_order_of_files_changes_nothing() => Assert.Equal(Expected, Generation.Sources([.. Repository.Samples().Reverse()]));

    [Theory]
    [InlineData(OptimizationLevel.Debug, "DEBUG")]
    [InlineData(OptimizationLevel.Release, "RELEASE")]
    public void The_configuration_changes_nothing(OptimizationLevel level, string symbol)
    {
        var parsing = new CSharpParseOptions(LanguageVersion.CSharp14, DocumentationMode.Parse, preprocessorSymbols: [symbol, "TRACE", "NET10_0"]);
        var files = Repository.Samples().Append(("Usings.cs", "global using System;\n")).Select(file => CSharpSyntaxTree.ParseText(file.Item2, parsing, file.Item1));
        var compilation = Generation.Compile([]).RemoveAllSyntaxTrees().AddSyntaxTrees(files);
        var run = Generation.Driver().WithUpdatedParseOptions(parsing)
            .RunGenerators(compilation.WithOptions(compilation.Options.WithOptimizationLevel(level).WithOverflowChecks(level == OptimizationLevel.Debug).WithConcurrentBuild(level == OptimizationLevel.Release))).GetRunResult();
        Assert.Equal(Expected, new SortedDictionary<string, string>(
            run.Results.SelectMany(static result => result.GeneratedSources).ToDictionary(static source => source.HintName, static source => source.SourceText.ToString()), StringComparer.Ordinal));
    }

    [Fact]
    public void The_order_of_members_changes_no_byte_and_no_fingerprint()
    {
        var one = Generation.Sources(("A.cs", "[RunProof.Format.Canonical] public sealed partial record A { public required int X { get; init; } public required string? Y { get; init; } }"));
        var two = Generation.Sources(("A.cs", "[RunProof.Format.Canonical] public sealed partial record A { public required string? Y { get; init; } public required int X { get; init; } }"));
        Assert.Equal(one, two);
    }

    [Fact]
    public void Only_line_feeds_are_written() => Assert.All(Expected.Values, static text => Assert.DoesNotContain('\r', text));

    [Theory]
    [InlineData(DocumentationMode.None)]
    [InlineData(DocumentationMode.Parse)]
    [InlineData(DocumentationMode.Diagnose)]
    public void Descriptions_do_not_depend_on_the_documentation_mode(DocumentationMode mode)
    {
        var files = Repository.Samples();
        var compilation = Generation.Compile([]).AddSyntaxTrees(files.Select(file => Generation.Parse(file.Path, file.Text, mode)));
        var sources = Generation.Driver().WithUpdatedParseOptions(new Microsoft.CodeAnalysis.CSharp.CSharpParseOptions(
            Microsoft.CodeAnalysis.CSharp.LanguageVersion.CSharp14, mode)).RunGenerators(Same(compilation, mode)).GetRunResult().Results
            .SelectMany(static result => result.GeneratedSources).ToDictionary(static source => source.HintName, static source => source.SourceText.ToString());
        Assert.Equal(Expected, new SortedDictionary<string, string>(sources, StringComparer.Ordinal));
    }

    private static Compilation Same(Compilation compilation, DocumentationMode mode)
    {
        var usings = compilation.SyntaxTrees.Single(static tree => tree.FilePath == "Usings.cs");
        return compilation.ReplaceSyntaxTree(usings, Generation.Parse(usings.FilePath, usings.ToString(), mode));
    }
}
