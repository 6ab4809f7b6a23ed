using System.Runtime.CompilerServices;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Text;
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

    /// <summary>Edit; then the reasons of all records, each record, all skills, each skill.</summary>
    public static TheoryData<string, string, string, string> Edits() => new()
    {
        { "nothing", "", "", "Cached | Cached Cached | Cached | Cached" },
        { "another file", "Other.cs", "class Other { int now; }", "Unchanged | Cached Cached | Unchanged | Cached" },
        { "another type", "Other.cs", "class Other { } class Another { }", "Unchanged | Cached Cached | Unchanged | Cached" },
        { "a comment", "Record.cs", Record + "\n// more", "Unchanged | Cached Cached | Unchanged | Cached" },
        { "lines moved down", "Record.cs", "\n\n\n" + Record, "Unchanged | Cached Cached | Unchanged | Cached" },
        { "spaces", "Record.cs", Record.Replace("(int A)", "(  int   A )", StringComparison.Ordinal), "Unchanged | Cached Cached | Unchanged | Cached" },
        { "a description", "Record.cs", Record.Replace("Given.", "Another.", StringComparison.Ordinal), "Modified | Modified Modified | Unchanged | Cached" },
        { "a member's name", "Record.cs", Record.Replace("int A", "int B", StringComparison.Ordinal), "Modified | Modified Modified | Modified | Modified" },
        { "a member's type", "Record.cs", Record.Replace("int A", "int? A", StringComparison.Ordinal), "Modified | Modified Modified | Modified | Modified" },
        { "only the outer record", "Record.cs", Record.Replace("Given G", "Given? G", StringComparison.Ordinal), "Modified | Unchanged Modified | Modified | Modified" },
        { "what only a warning tells", "Record.cs", Record.Replace("Given(int A);", "Given(int A) { private int _unused; }", StringComparison.Ordinal), "Unchanged | Cached Cached | Unchanged | Cached" },
        { "a fault in one record", "Record.cs", Record.Replace("Given G", "Given G, object O", StringComparison.Ordinal), "Modified | Unchanged Removed | Modified | Removed" },
        { "a skill moved down", "Skill.cs", "\n\n" + Skill, "Unchanged | Cached Cached | Unchanged | Cached" },
        { "a skill's body", "Skill.cs", Skill.Replace("null!", "default!", StringComparison.Ordinal), "Unchanged | Cached Cached | Unchanged | Cached" },
        { "a skill's name", "Skill.cs", Skill.Replace("\"s\"", "\"t\"", StringComparison.Ordinal), "Unchanged | Cached Cached | Modified | Modified" },
    };

    [Theory]
    [MemberData(nameof(Edits))]
    public void An_edit_redoes_only_what_it_changes(string edit, string file, string text, string reasons)
    {
        var compilation = Compile();
        var driver = Generation.Driver(trackSteps: true).RunGenerators(compilation);
        var edited = file.Length == 0 ? compilation : Edit(compilation, file, text);
        var results = driver.RunGenerators(edited).GetRunResult().Results;
        string[] actual =
        [
            Reasons(results[0], CanonicalGenerator.ParseStep), Reasons(results[0], CanonicalGenerator.ModelStep),
            Reasons(results[1], SkillGenerator.ParseStep), Reasons(results[1], SkillGenerator.ModelStep),
        ];
        Assert.Equal(reasons, string.Join(" | ", actual));
        Assert.NotEmpty(edit);
    }

    [Theory]
    [InlineData("Other.cs", "class Other { int now; }")]
    [InlineData("Record.cs", "\n// moved down\n" + Record)]
    [InlineData("Skill.cs", "#pragma warning disable CS0169\n" + Skill)]
    public void An_edit_that_changes_no_model_prints_no_source_again(string file, string text)
    {
        var compilation = Compile();
        var results = Generation.Driver(trackSteps: true).RunGenerators(compilation).RunGenerators(Edit(compilation, file, text)).GetRunResult().Results;
        var outputs = Outputs(results);
        Assert.NotEmpty(outputs);
        Assert.All(outputs, static output => Assert.Equal(IncrementalStepRunReason.Cached, output.Reason));
    }

    [Fact]
    public void What_changes_only_a_diagnostic_prints_no_source_again()
    {
        // `set` instead of `init` is a warning, and the same bytes.
        var init = Record.Replace("Given(int A);", "Given(int A) { public int B { get; init; } }", StringComparison.Ordinal);
        var compilation = Edit(Compile(), "Record.cs", init);
        var results = Generation.Driver(trackSteps: true).RunGenerators(compilation)
            .RunGenerators(Edit(compilation, "Record.cs", init.Replace("init;", "set;", StringComparison.Ordinal))).GetRunResult().Results;
        Assert.Equal("Unchanged", Reasons(results[0], CanonicalGenerator.ParseStep));
        var outputs = Outputs(results);
        Assert.All(outputs, static output => Assert.Equal(IncrementalStepRunReason.Cached, output.Reason));
    }

    [Fact]
    public void The_steps_are_these()
    {
        var results = Generation.Driver(trackSteps: true).AddAdditionalTexts([Lock(TextInMemory.LockOfTwo)]).RunGenerators(Compile()).GetRunResult().Results;
        string[][] names = [.. results.Select(static result => result.TrackedSteps.Keys.Where(static name => name.StartsWith("RunProof.", StringComparison.Ordinal)).Order(StringComparer.Ordinal).ToArray())];
        Assert.Equal(["RunProof.Canonical.Model", "RunProof.Canonical.Parse", "RunProof.Lock.Drift", "RunProof.Lock.History", "RunProof.Lock.Shapes"], names[0]);
        Assert.Equal(["RunProof.Lock.Skills", "RunProof.Skills.Model", "RunProof.Skills.Parse"], names[1]);
    }

    [Fact]
    public void An_edit_of_the_lock_prints_only_history_again()
    {
        var (one, two) = (Lock(TextInMemory.LockOfOne), Lock(TextInMemory.LockOfTwo));
        var driver = Generation.Driver(trackSteps: true).AddAdditionalTexts([one]).RunGenerators(Compile());
        var before = Printed(driver.GetRunResult());
        var run = driver.ReplaceAdditionalText(one, two).RunGenerators(Compile()).GetRunResult();
        var after = Printed(run);
        Assert.Equal("Unchanged Modified", string.Join(' ', Reasons(run.Results[0], "RunProof.Lock.History").Split(' ').Select(static reason => reason == "New" ? "Modified" : reason == "Cached" ? "Unchanged" : reason)));
        Assert.Equal("Unchanged", Reasons(run.Results[0], CanonicalGenerator.ParseStep));
        Assert.Equal("Cached Cached", Reasons(run.Results[0], CanonicalGenerator.ModelStep));
        Assert.Equal("Cached", Reasons(run.Results[1], SkillGenerator.ModelStep));
        string[] again = [.. after.Where(pair => !before.TryGetValue(pair.Key, out var old) || !ReferenceEquals(old, pair.Value)).Select(static pair => pair.Key)];
        Assert.Equal(["CanonicalHistory.echo.parameters-1.Declared.g.cs", "CanonicalHistory.echo.parameters-1.g.cs", "GeneratedSchemas.g.cs"], again);
    }

    [Fact]
    public void A_lock_that_is_only_laid_out_otherwise_prints_nothing_again()
    {
        var (one, two) = (Lock(TextInMemory.LockOfTwo), Lock(TextInMemory.LockOfTwo.Replace("  ", "\t", StringComparison.Ordinal)));
        var compilation = Compile();
        var driver = Generation.Driver(trackSteps: true).AddAdditionalTexts([one]).RunGenerators(compilation);
        var outputs = Outputs(driver.ReplaceAdditionalText(one, two).RunGenerators(compilation).GetRunResult().Results);
        Assert.All(outputs, static output => Assert.Equal(IncrementalStepRunReason.Cached, output.Reason));
    }

    [Fact]
    public void Of_a_compilation_that_was_replaced_nothing_is_kept()
    {
        var (driver, old) = RunTwice();
        for (var i = 0; i < 10 && old.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.False(old.IsAlive);
        GC.KeepAlive(driver);
    }

    /// <summary>In a method of its own, so that no variable of the test's frame holds the first compilation.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static (GeneratorDriver Driver, WeakReference Old) RunTwice()
    {
        // References of their own: others share what is bound to those of the other tests.
        var old = Compile();
        var driver = Generation.Driver().RunGenerators(old);
        return (driver.RunGenerators(Edit(old, "Other.cs", "class Other { int now; }")), new WeakReference(old));
    }

    private static CSharpCompilation Compile() => Generation.Compile(("Record.cs", Record), ("Skill.cs", Skill), ("Other.cs", "class Other { }"));

    private static CSharpCompilation Edit(CSharpCompilation compilation, string file, string text) =>
        compilation.ReplaceSyntaxTree(compilation.SyntaxTrees.Single(tree => tree.FilePath == file), Generation.Parse(file, text));

    private static TextInMemory Lock(string text) => new("canonical.lock.json", text);

    /// <summary>What was printed: a text that was not printed again is the same object.</summary>
    private static SortedDictionary<string, SourceText> Printed(GeneratorDriverRunResult run) =>
        new(run.Results.SelectMany(static result => result.GeneratedSources).ToDictionary(static source => source.HintName, static source => source.SourceText), StringComparer.Ordinal);

    private static List<(object Value, IncrementalStepRunReason Reason)> Outputs(IEnumerable<GeneratorRunResult> results) =>
        [.. results.SelectMany(static result => result.TrackedOutputSteps.Values).SelectMany(static steps => steps).SelectMany(static step => step.Outputs)];

    private static string Reasons(GeneratorRunResult result, string step) =>
        string.Join(' ', result.TrackedSteps[step].SelectMany(static run => run.Outputs).Select(static output => output.Reason));
}
