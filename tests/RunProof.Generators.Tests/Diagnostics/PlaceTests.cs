using System.Globalization;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.Diagnostics;
using RunProof.Generators.Tests.Driving;

namespace RunProof.Generators.Tests.Diagnostics;

/// <summary>An editor asks for the diagnostics of one file, and drops what a symbol's analysis tells elsewhere.</summary>
public sealed class PlaceTests
{
    private const string Usings = Faults.Usings;

    [Fact]
    public async Task Every_fault_is_told_to_an_editor_that_asks_for_its_file()
    {
        foreach (var (id, source, _) in Faults.All)
        {
            var told = await OfFileAsync("Fault.cs", ("Fault.cs", Faults.Read(source).Text), ("Other.cs", "public sealed class Other;"));
            Assert.Equal(id, Assert.Single(told).Id);
        }
    }

    [Fact]
    public async Task A_partial_record_is_told_in_the_part_that_has_the_fault()
    {
        (string, string)[] files =
        [
            ("A.cs", Usings + "public sealed partial record A { public DateTime X { get; init; } }"),
            ("B.cs", Usings + "[Canonical(Version = \"\")] public sealed partial record A { public object Y { get; init; } = 1; }"),
            ("C.cs", Usings + "public sealed partial record A { public int Z { get; set; } }"),
        ];
        Assert.Equal(["RP0203"], Ids(await OfFileAsync("A.cs", files)));
        Assert.Equal(["RP0105", "RP0202"], Ids(await OfFileAsync("B.cs", files)));
        Assert.Equal(["RP0106"], Ids(await OfFileAsync("C.cs", files)));
        Assert.Equal(["RP0203", "RP0105", "RP0202", "RP0106"], Ids(await Analyzing.DiagnosticsAsync(Generation.Compile(files))));
    }

    [Fact]
    public async Task What_a_record_inherits_is_told_at_the_record()
    {
        (string, string)[] files =
        [
            ("A.cs", Usings + "public record Base(DateTime X, double Price);"),
            ("B.cs", Usings + "[Canonical] public sealed partial record A(DateTime X, double Price) : Base(X, Price);"),
            ("C.cs", Usings + "[Canonical] public sealed partial record C() : Base(default, 0);"),
        ];
        Assert.Empty(await OfFileAsync("A.cs", files));
        Assert.Equal(["RP0203", "RP0208"], Ids(await OfFileAsync("C.cs", files)));
        Assert.All(await OfFileAsync("C.cs", files), static diagnostic => Assert.Equal("C", diagnostic.Location.SourceTree!.ToString().Substring(diagnostic.Location.SourceSpan.Start, diagnostic.Location.SourceSpan.Length)));
    }

    [Fact]
    public async Task A_canonical_base_tells_its_own_members_once() => Assert.Equal(
        ["Fault.cs:2 RP0203", "Fault.cs:2 RP0208", "Fault.cs:2 RP0106"],
        Lines(await Analyzing.DiagnosticsAsync(Generation.Compile(("Fault.cs", Usings + "[Canonical] public partial record B(DateTime X, double Price) { public int Y { get; set; } }\n[Canonical] public sealed partial record A(DateTime X, double Price) : B(X, Price);")))));

    [Fact]
    public async Task A_fault_of_a_nested_record_is_told_there_alone() => Assert.Equal(
        ["Fault.cs:3 RP0203"],
        Lines(await Analyzing.DiagnosticsAsync(Generation.Compile(("Fault.cs", Usings + "[Canonical] public sealed partial record A(List<B> X, B? Y);\n[Canonical] public sealed partial record B(DateTime X);")))));

    [Fact]
    public async Task An_inherited_method_of_a_skill_is_told_at_the_skill()
    {
        (string, string)[] files =
        [
            ("A.cs", Usings + Faults.Records + "public class Base { public Task<string> ExecuteAsync(P p, SkillContext c, CancellationToken t) => null!; }"),
            ("B.cs", Usings + "[Skill(\"s\")] public sealed partial class S : Base;"),
        ];
        Assert.Empty(await OfFileAsync("A.cs", files));
        Assert.Equal(["RP0404"], Ids(await OfFileAsync("B.cs", files)));
    }

    [Fact]
    public async Task Duplicates_are_told_in_the_order_of_files_at_each_but_the_first()
    {
        var skill = (string name) => Usings + $"public static class {name} {{\n/// <summary>{name}.</summary>\n[Skill(\"s\")] public static Task<O> Run(P p, SkillContext c, CancellationToken t) => null!; }}";
        var record = (string space) => $"\nnamespace {space} {{ [Canonical(Name = \"x\")] public sealed partial record A(int X); }}";
        var files = new[]
        {
            ("C.cs", skill("C") + record("N3")), ("A.cs", skill("A") + record("N1")), ("B.cs", skill("B") + record("N2")), ("Records.cs", Usings + Faults.Records),
        };
        var told = await Analyzing.DiagnosticsAsync(Generation.Compile(files));
        Assert.Equal(["B.cs:4 RP0405", "B.cs:5 RP0107", "C.cs:4 RP0405", "C.cs:5 RP0107"], Lines(told));
        Assert.Equal("skill \"s\" is declared by 'C.Run' (C.cs:4) and by 'A.Run' (A.cs:4), and a plan names one: give one of them another name", told[2].GetMessage(CultureInfo.InvariantCulture));
        Assert.Equal(Lines(told), Lines(await Analyzing.DiagnosticsAsync(Generation.Compile([.. files.Reverse()]))));
        Assert.Equal(["RP0405", "RP0107"], Ids(await OfFileAsync("B.cs", files)));
    }

    [Theory]
    [InlineData("public static class C { private const string Name = \"s\"; /// <summary>1</summary>\n[Skill(Name)] public static Task<O> One(P p, SkillContext c, CancellationToken t) => null!; /// <summary>2</summary>\n[Skill(\"s\")] public static Task<O> Two(P p, SkillContext c, CancellationToken t) => null!; }", "RP0405")]
    [InlineData("public static class C { /// <summary>1</summary>\n[Skill(\"s\")] public static Task<O> Run(P p, SkillContext c, CancellationToken t) => null!; /// <summary>2</summary>\n[Skill(\"s\")] public static Task<P> Run(O p, SkillContext c, CancellationToken t) => null!; }", "RP0405")]
    [InlineData("namespace N.@class { public partial class C<T> { public static partial class D { /// <summary>1</summary>\n[RunProof.Skills.Skill(name: \"s\")] public static Task<O> One(P p, SkillContext c, CancellationToken t) => null!; } } }\n/// <summary>2</summary>\n[global::RunProof.Skills.SkillAttribute(\"s\")] public partial class E { public Task<O> ExecuteAsync(P p, SkillContext c, CancellationToken t) => null!; }", "RP0401 RP0405")]
    [InlineData("namespace N { public sealed class SkillAttribute(string name) : Attribute { public string Name => name; } public static class C { [N.Skill(\"s\")] public static void One() { } /// <summary>2</summary>\n[RunProof.Skills.Skill(\"s\")] public static Task<O> Two(P p, SkillContext c, CancellationToken t) => null!; } }", "")]
    [InlineData("public static class K { public const string V = \"1\"; } [Canonical(Name = nameof(A) + \"1\", Version = K.V)] public sealed partial record A(int X); [Canonical(Name = \"A1\")] public sealed partial record B(int X);", "RP0107")]
    [InlineData("[Canonical(Name = @\"a\")] public sealed partial record A(int X); [Canonical(Name = \"\"\"a\"\"\", Version = \"2\")] public sealed partial record B(int X); [Canonical(Version = \"\\u0032\")] public sealed partial record @a(int X);", "RP0107")]
    public async Task A_duplicate_is_found_however_it_is_written(string source, string ids) => Assert.Equal(
        ids,
        string.Join(' ', Ids(await Analyzing.DiagnosticsAsync(Generation.Compile(("A.cs", Usings + source), ("B.cs", Usings + Faults.Records))))));

    [Fact]
    public async Task What_another_generator_wrote_is_not_looked_at()
    {
        const string fault = Usings + "[Canonical] public sealed partial record A(DateTime X);";
        Assert.Empty(await Analyzing.DiagnosticsAsync(Generation.Compile(("Fault.g.cs", fault))));
        Assert.Empty(await Analyzing.DiagnosticsAsync(Generation.Compile(("Fault.cs", "// <auto-generated/>\n" + fault))));
    }

    private static async Task<IReadOnlyList<Diagnostic>> OfFileAsync(string file, params (string Path, string Text)[] files)
    {
        var compilation = Generation.Compile(files);
        var analysis = Analyzing.Over(compilation);
        var tree = analysis.Compilation.SyntaxTrees.Single(tree => tree.FilePath == file);
        var told = await analysis.GetAnalyzerSemanticDiagnosticsAsync(analysis.Compilation.GetSemanticModel(tree), filterSpan: null, TestContext.Current.CancellationToken);
        return [.. told.OrderBy(static diagnostic => diagnostic.Location.SourceSpan.Start)];
    }

    private static IEnumerable<string> Ids(IEnumerable<Diagnostic> diagnostics) => diagnostics.Select(static diagnostic => diagnostic.Id);

    private static IEnumerable<string> Lines(IEnumerable<Diagnostic> diagnostics) => diagnostics.Select(static diagnostic =>
        diagnostic.Location.SourceTree!.FilePath + ":" + (diagnostic.Location.GetLineSpan().StartLinePosition.Line + 1).ToString(CultureInfo.InvariantCulture) + " " + diagnostic.Id);
}
