using Microsoft.CodeAnalysis;
using RunProof.Generators.Tests.Driving;

namespace RunProof.Generators.Tests.Lock;

/// <summary>Where analyzers are off nobody else would tell a drift: the generator itself writes it as an error, and only then.</summary>
public sealed class DriftWithoutAnalyzersTests
{
    private const string Shipped = """
        [Canonical] public sealed partial record Ask(string Q);
        /// <summary>Answers.</summary>
        [Skill("ask")] public sealed partial class AskSkill { public Task<Ask> ExecuteAsync(Ask ask, SkillContext context, CancellationToken cancellationToken) => throw new Exception(); }
        """;

    private static readonly string Drifted = Shipped.Replace("string Q", "string? Q", StringComparison.Ordinal);

    [Theory]
    [InlineData("RunAnalyzers", "false")]
    [InlineData("RunAnalyzers", "False")]
    [InlineData("RunAnalyzersDuringBuild", "false")]
    public void Drift_is_an_error_of_the_compiler(string property, string value) => Assert.Equal(
        [
            "#error: 'RP0305: 'Ask.Q' has another nullability than record ask/1 has shipped with: it may be null now and never was: its type was text and is text?; give record ask/1 another Version, or, where that version never shipped, accept it with: runproof canonical lock --never-shipped ask/1'",
            "#error: 'RP0306: skill ask/1.0.0 takes or returns another record than it has shipped with: the record of its parameters, ask/1, has changed (its fingerprint was 4b6f1c77 and is cf125344), and the record of its outcome, ask/1, has changed (its fingerprint was 4b6f1c77 and is cf125344); give skill ask/1.0.0 another Version, or, where that version never shipped, accept it with: runproof canonical lock --never-shipped ask/1.0.0'",
        ],
        Errors(Drifted, LockPrinter.Print(Locking.Shipped(Shipped)), (property, value)));

    [Theory]
    [InlineData("")]
    [InlineData("RunAnalyzers=true")]
    [InlineData("RunAnalyzers=")]
    [InlineData("RunAnalyzers=false;RunProofCanonicalLock=off")]
    [InlineData("RunAnalyzers=false;RunProofCanonicalLock=accept")]
    public void Otherwise_it_is_left_to_the_analyzer(string properties) => Assert.Empty(Errors(
        Drifted, LockPrinter.Print(Locking.Shipped(Shipped)),
        [.. properties.Split(';', StringSplitOptions.RemoveEmptyEntries).Select(static property => property.Split('=')).Select(static parts => (parts[0], parts[1]))]));

    [Fact]
    public void What_has_not_drifted_is_not_told() => Assert.Empty(Errors(Shipped, LockPrinter.Print(Locking.Shipped(Shipped)), ("RunAnalyzers", "false")));

    [Fact]
    public void What_is_not_in_the_lock_is_a_warning_and_goes_untold() => Assert.Empty(Errors(Shipped, LockPrinter.Print(LockFile.Empty), ("RunAnalyzers", "false")));

    [Fact]
    public void A_lock_that_cannot_be_read_is_told() => Assert.Equal(
        ["#error: 'RP0313: canonical.lock.json line 1: the text ends too early: ',' or '}' is expected'"],
        Errors(Shipped, "{\"format\": \"\"", ("RunAnalyzers", "false")));

    [Fact]
    public void A_line_s_end_in_a_wire_name_does_not_end_the_error()
    {
        var file = Locking.Shipped("[Canonical] public sealed partial record Ask(string Q);");
        var error = Assert.Single(Errors("[Canonical] public sealed partial record Ask(string Q, [WireName(\"a\\nclass X;\\u2028\")] int N);", LockPrinter.Print(file), ("RunAnalyzers", "false")));
        Assert.Contains("it is new, as \"a class X; \" of type int32; give record ask/1", error, StringComparison.Ordinal);
    }

    private static string[] Errors(string source, string text, params (string Name, string Value)[] properties)
    {
        Locking.Driver(text, false, properties).RunGeneratorsAndUpdateCompilation(Generation.Compile(("Now.cs", Locking.Usings + source)), out var built, out var diagnostics, TestContext.Current.CancellationToken);
        Assert.Empty(diagnostics);
        return [.. built.GetDiagnostics(TestContext.Current.CancellationToken).Where(static diagnostic => diagnostic.Severity == DiagnosticSeverity.Error).OrderBy(static diagnostic => diagnostic.Location.SourceTree?.FilePath, StringComparer.Ordinal).Select(static diagnostic => diagnostic.GetMessage())];
    }
}
