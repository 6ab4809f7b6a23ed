using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using RunProof.Generators.Tests.Driving;

namespace RunProof.Generators.Tests.Lock;

/// <summary>What is printed again after an edit, of the code or of the lock.</summary>
public sealed class LockCachingTests
{
    private const string Code = """
        /// <summary>Asks.</summary>
        [Canonical(Version = "2")] public sealed partial record Ask(string Q);
        /// <summary>Answers.</summary>
        [Skill("ask")] public sealed partial class AskSkill { public Task<Ask> ExecuteAsync(Ask ask, SkillContext context, CancellationToken cancellationToken) => throw new Exception(); }
        """;

    private static readonly LockFile File = LockFile.Of([LockComparisonTests.Record("q:Q:text", "ask"), LockComparisonTests.Record("q:Q:text", "old")], []);

    private static readonly CSharpCompilation Compilation = Generation.Compile(("Now.cs", Locking.Usings + Code), ("Other.cs", "class Other { }"));

    /// <summary>The names are part of the tests of others, and of who reads a trace of the compiler.</summary>
    [Fact]
    public void The_steps_names_are_pinned() => Assert.Equal(
        ["RunProof.Lock.History", "RunProof.Lock.Shapes", "RunProof.Lock.Skills", "RunProof.Lock.Drift"],
        [LockOutputs.HistoryStep, LockOutputs.ShapesStep, LockOutputs.SkillsStep, LockOutputs.DriftStep]);

    [Theory]
    [InlineData("class Other { int now; }")]
    [InlineData("class Another;")]
    public void An_edit_elsewhere_prints_nothing_again(string other)
    {
        var edited = Compilation.ReplaceSyntaxTree(Compilation.SyntaxTrees.Single(static tree => tree.FilePath == "Other.cs"), Generation.Parse("Other.cs", other));
        Assert.Empty(Printed(static driver => driver, edited));
    }

    [Fact]
    public void A_comment_in_the_record_prints_nothing_again() => Assert.Empty(Printed(static driver => driver, Edited("(string Q)", "(/* a question */ string Q)")));

    [Fact]
    public void A_description_prints_neither_the_past_nor_the_schemas() => Assert.Equal(["Ask.Canonical.g.cs"], Printed(static driver => driver, Edited("Asks.", "Asks again.")));

    [Fact]
    public void A_member_prints_its_record_and_the_schemas_and_no_past() =>
        Assert.Equal(["Ask.Canonical.g.cs", "GeneratedSchemas.Skills.g.cs", "GeneratedSchemas.g.cs", "GeneratedSkills.Skill_ask.g.cs", "GeneratedSkills.g.cs"], Printed(static driver => driver, Edited("string Q", "string? Q")));

    [Fact]
    public void The_same_lock_in_another_layout_prints_nothing_again() => Assert.Empty(Printed(static driver => WithLock(driver, LockPrinter.Print(File).Replace("\n", "\r\n\r\n", StringComparison.Ordinal)), Compilation));

    [Fact]
    public void A_line_that_the_code_has_too_prints_nothing_again()
    {
        var accepted = LockAcceptance.Of(File, Locking.Shipped(Code).Records.ToArray(), [], []).File!;
        Assert.Empty(Printed(driver => WithLock(driver, LockPrinter.Print(accepted)), Compilation));
    }

    [Fact]
    public void One_entry_more_prints_it_and_the_schemas()
    {
        var more = LockFile.Of([.. File.Records, LockComparisonTests.Record("q:Q:text", "older")], []);
        Assert.Equal(["CanonicalHistory.older-1.Declared.g.cs", "CanonicalHistory.older-1.g.cs", "GeneratedSchemas.g.cs"], Printed(driver => WithLock(driver, LockPrinter.Print(more)), Compilation));
    }

    private static CSharpCompilation Edited(string old, string now) =>
        Compilation.ReplaceSyntaxTree(Compilation.SyntaxTrees.Single(static tree => tree.FilePath == "Now.cs"), Generation.Parse("Now.cs", Locking.Usings + Code.Replace(old, now, StringComparison.Ordinal)));

    private static GeneratorDriver WithLock(GeneratorDriver driver, string text) =>
        driver.ReplaceAdditionalTexts([new Locking.TextFile("/project/" + LockFile.FileName, text)]);

    /// <summary>The files whose text is another object than before: what was not printed again is the same one.</summary>
    private static string[] Printed(Func<GeneratorDriver, GeneratorDriver> change, CSharpCompilation edited)
    {
        var before = Locking.Driver(LockPrinter.Print(File), trackSteps: true).RunGenerators(Compilation);
        var old = Sources(before);
        var now = Sources(change(before).RunGenerators(edited));
        return [.. now.Where(source => !old.TryGetValue(source.Key, out var same) || !ReferenceEquals(same, source.Value)).Select(static source => source.Key).Order(StringComparer.Ordinal)];
    }

    private static Dictionary<string, object> Sources(GeneratorDriver driver) => driver.GetRunResult().Results
        .SelectMany(static result => result.GeneratedSources).ToDictionary(static source => source.HintName, static source => (object)source.SourceText);
}
