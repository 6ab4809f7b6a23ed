using Microsoft.CodeAnalysis;
using RunProof.Generators.Tests.Driving;

namespace RunProof.Generators.Tests.Diagnostics;

/// <summary>The author decides how loud a rule is, by the means that every analyzer offers, and not what is generated.</summary>
public sealed class SeverityTests
{
    private const string Clock = "[Canonical] public sealed partial record A(DateTime X);";

    public static TheoryData<string> Ids() => [.. Faults.All.Select(static fault => fault.Id).Distinct()];

    [Theory]
    [MemberData(nameof(Ids))]
    public async Task A_pragma_silences_it(string id)
    {
        var text = Text(id).Replace(Faults.Records, Faults.Records + "#pragma warning disable " + id + "\n", StringComparison.Ordinal);
        Assert.Empty(await Analyzing.DiagnosticsAsync(Generation.Compile(("Fault.cs", text))));
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public async Task A_pragma_for_another_rule_does_not(string id)
    {
        var text = Text(id).Replace(Faults.Records, Faults.Records + "#pragma warning disable RP0199\n", StringComparison.Ordinal);
        Assert.Equal(id, Assert.Single(await Analyzing.DiagnosticsAsync(Generation.Compile(("Fault.cs", text)))).Id);
    }

    [Theory]
    [MemberData(nameof(Ids))]
    public async Task An_editorconfig_sets_its_severity(string id)
    {
        var compilation = Generation.Compile(("Fault.cs", Text(id)));
        foreach (var (word, severity) in new[] { ("error", DiagnosticSeverity.Error), ("warning", DiagnosticSeverity.Warning), ("suggestion", DiagnosticSeverity.Info), ("silent", DiagnosticSeverity.Hidden) })
            Assert.Equal(severity, Assert.Single(await Analyzing.DiagnosticsAsync(compilation, $"[*.cs]\ndotnet_diagnostic.{id}.severity = {word}\n")).Severity);
        Assert.Empty(await Analyzing.DiagnosticsAsync(compilation, $"[*.cs]\ndotnet_diagnostic.{id}.severity = none\n"));
        Assert.Single(await Analyzing.DiagnosticsAsync(compilation, $"[Other.cs]\ndotnet_diagnostic.{id}.severity = none\n"));
    }

    [Fact]
    public async Task A_suppression_attribute_silences_it_on_one_declaration()
    {
        var source = Faults.Usings + "[System.Diagnostics.CodeAnalysis.SuppressMessage(\"RunProof\", \"RP0208\")] [Canonical] public sealed partial record A(double Price); [Canonical] public sealed partial record B(double Price);";
        var diagnostic = Assert.Single(await Analyzing.DiagnosticsAsync(Generation.Compile(("Fault.cs", source))));
        Assert.Contains("'B.Price'", diagnostic.GetMessage(System.Globalization.CultureInfo.InvariantCulture), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("#pragma warning disable RP0203\n")]
    public void An_error_that_is_silenced_generates_nothing_all_the_same(string pragma)
    {
        const string use = "public static class Use { public static byte[] Bytes(A a) => CanonicalBytes.Of(a); public static string Name => A.CanonicalFingerprint; }";
        Generation.Driver().RunGeneratorsAndUpdateCompilation(
            Generation.Compile(("Fault.cs", Faults.Usings + "[Canonical] public sealed partial record B(int X);\n" + pragma + Clock + use)), out var output, out var diagnostics);
        Assert.Empty(diagnostics);
        Assert.Equal(["B.Canonical.g.cs"], output.SyntaxTrees.Select(static tree => Path.GetFileName(tree.FilePath)).Where(static name => name.EndsWith(".Canonical.g.cs", StringComparison.Ordinal)));
        var compilers = output.GetDiagnostics().Where(static diagnostic => diagnostic.Severity == DiagnosticSeverity.Error).Select(static diagnostic => diagnostic.Id).Order(StringComparer.Ordinal);
        Assert.Equal(["CS0117", "CS0315"], compilers.Select(static id => id is "CS0311" ? "CS0315" : id));
    }

    /// <summary>Of a warning code is generated: it is advice.</summary>
    [Theory]
    [InlineData("[Canonical] public sealed partial record A(double Price);")]
    [InlineData("[Canonical] public sealed partial record A { public int X { get; set; } }")]
    public void A_warning_does_not_keep_code_from_being_generated(string source) =>
        Assert.Contains("A.Canonical.g.cs", Generation.Sources(("A.cs", "using RunProof.Format;\n" + source)).Keys);

    private static string Text(string id) => Faults.Read(Faults.All.First(fault => fault.Id == id).Source).Text;
}
