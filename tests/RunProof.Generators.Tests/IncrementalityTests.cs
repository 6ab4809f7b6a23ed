using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using RunProof.Generators.Tests.Driving;

namespace RunProof.Generators.Tests;

/// <summary>What is done again after an edit: the reason of each step's output, by the steps' pinned names.</summary>
public sealed class IncrementalityTests
{
    private const string Record = """
        using RunProof.Format;
        namespace N;
        /// <summary>Given.</summary>
        [Canonical] public sealed partial record Given(int A);
        [Canonical] public sealed partial record Taken(Given G);
        """;

    private const string Skill = """
        using System.Threading;
        using System.Threading.Tasks;
        using RunProof.Skills;
        namespace N;
        public static class Skills
        {
            [Skill("s")] public static Task<Taken> S(Given given, SkillContext context, CancellationToken cancellationToken) => null!;
        }
        """;

    /// <summary>Edit; then the reasons of parse and model, of records and of skills.</summary>
    public static TheoryData<string, string, string, string[]> Edits() => new()
    {
        { "nothing", "", "", ["Cached Cached", "Cached Cached", "Cached", "Cached"] },
        { "another file", "Other.cs", "class Other { int now; }", ["Unchanged Unchanged", "Cached Cached", "Unchanged", "Cached"] },
        { "a comment", "Record.cs", Record + "\n// more", ["Unchanged Unchanged", "Cached Cached", "Unchanged", "Cached"] },
        { "lines moved down", "Record.cs", "\n\n\n" + Record, ["Unchanged Unchanged", "Cached Cached", "Unchanged", "Cached"] },
        { "a description", "Record.cs", Record.Replace("Given.", "Another.", StringComparison.Ordinal), ["Modified Modified", "Modified Modified", "Unchanged", "Cached"] },
        { "a member's name", "Record.cs", Record.Replace("int A", "int B", StringComparison.Ordinal), ["Modified Modified", "Modified Modified", "Modified", "Modified"] },
        { "a member's type", "Record.cs", Record.Replace("int A", "int? A", StringComparison.Ordinal), ["Modified Modified", "Modified Modified", "Modified", "Modified"] },
        { "only the outer record", "Record.cs", Record.Replace("Given G", "Given? G", StringComparison.Ordinal), ["Unchanged Modified", "Cached Modified", "Modified", "Modified"] },
        { "a skill moved down", "Skill.cs", "\n\n" + Skill, ["Unchanged Unchanged", "Cached Cached", "Unchanged", "Cached"] },
        { "a skill's body", "Skill.cs", Skill.Replace("null!", "default!", StringComparison.Ordinal), ["Unchanged Unchanged", "Cached Cached", "Unchanged", "Cached"] },
        { "a skill's name", "Skill.cs", Skill.Replace("\"s\"", "\"t\"", StringComparison.Ordinal), ["Unchanged Unchanged", "Cached Cached", "Modified", "Modified"] },
    };

    [Theory]
    [MemberData(nameof(Edits))]
    public void An_edit_redoes_only_what_it_changes(string edit, string file, string text, string[] reasons)
    {
        var compilation = Generation.Compile(("Record.cs", Record), ("Skill.cs", Skill), ("Other.cs", "class Other { }"));
        var driver = Generation.Driver(trackSteps: true).RunGenerators(compilation);
        var edited = file.Length == 0 ? compilation : Edit(compilation, file, text);
        var results = driver.RunGenerators(edited).GetRunResult().Results;
        string[] actual =
        [
            Reasons(results[0], CanonicalGenerator.ParseStep), Reasons(results[0], CanonicalGenerator.ModelStep),
            Reasons(results[1], SkillGenerator.ParseStep), Reasons(results[1], SkillGenerator.ModelStep),
        ];
        Assert.Equal(string.Join(" | ", reasons), string.Join(" | ", actual));
        Assert.NotEmpty(edit);
    }

    [Fact]
    public void An_unrelated_edit_prints_no_source_again()
    {
        var compilation = Generation.Compile(("Record.cs", Record), ("Skill.cs", Skill), ("Other.cs", "class Other { }"));
        var results = Generation.Driver(trackSteps: true).RunGenerators(compilation)
            .RunGenerators(Edit(compilation, "Other.cs", "class Other { int now; }")).GetRunResult().Results;
        var outputs = results.SelectMany(static result => result.TrackedOutputSteps.Values).SelectMany(static steps => steps).SelectMany(static step => step.Outputs).ToList();
        Assert.NotEmpty(outputs);
        Assert.All(outputs, static output => Assert.Equal(IncrementalStepRunReason.Cached, output.Reason));
    }

    private static CSharpCompilation Edit(CSharpCompilation compilation, string file, string text) =>
        compilation.ReplaceSyntaxTree(compilation.SyntaxTrees.Single(tree => tree.FilePath == file), Generation.Parse(file, text));

    private static string Reasons(GeneratorRunResult result, string step) =>
        string.Join(' ', result.TrackedSteps[step].SelectMany(static run => run.Outputs).Select(static output => output.Reason));
}
