using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis;
using RunProof.Generators.Tests.Driving;

namespace RunProof.Generators.Tests;

/// <summary>Every rule: what breaks it, where that is told, and in which words. <c>⟦…⟧</c> marks the place.</summary>
public sealed class DiagnosticTests
{
    private const string Usings = "using System.Collections.Generic; using System.Collections.Immutable; using System.Threading; using System.Threading.Tasks; using RunProof.Format; using RunProof.Skills;\n";

    private const string Records = "[Canonical] public sealed partial record P(int A); [Canonical] public sealed partial record O(int B);\n";

    public static TheoryData<string, string, string> Faults() => new()
    {
        { "RP0001", "[Canonical] public sealed record ⟦A⟧(int X);", "'A' has [Canonical] and is no partial record: declare it 'partial record' or 'partial record struct'" },
        { "RP0001", "[Canonical] public sealed partial class ⟦A⟧ { public int X { get; init; } }", "'A' has [Canonical] and is no partial record: declare it 'partial record' or 'partial record struct'" },
        { "RP0002", "public class Outer { [Canonical] public sealed partial record ⟦A⟧(int X); }", "'A' cannot be canonical inside 'Outer': containing types must be partial and not generic" },
        { "RP0002", "public partial class Outer<T> { [Canonical] public sealed partial record ⟦A⟧(int X); }", "'A' cannot be canonical inside 'Outer': containing types must be partial and not generic" },
        { "RP0003", "[Canonical] public sealed partial record ⟦A⟧<T>(int X);", "'A' cannot be canonical: it is generic, and a schema has one fixed set of members" },
        { "RP0003", "[Canonical] public abstract partial record ⟦A⟧(int X);", "'A' cannot be canonical: it is abstract, and a schema has one fixed set of members" },
        { "RP0003", "[Canonical] file sealed partial record ⟦A⟧(int X);", "'A' cannot be canonical: it is local to its file, and a schema has one fixed set of members" },
        { "RP0004", "[Canonical] public sealed partial record A(DateTime ⟦X⟧);", "'A.X' is of type 'DateTime', which has no canonical form: use DateTimeOffset, which names one instant" },
        { "RP0004", "[Canonical] public sealed partial record A(object ⟦X⟧);", "'A.X' is of type 'object', which has no canonical form: use CanonicalJson, which keeps JSON from outside whole" },
        { "RP0004", "[Canonical] public sealed partial record A(char ⟦X⟧);", "'A.X' is of type 'char', which has no canonical form: use string" },
        { "RP0004", "[Canonical] public sealed partial record A { public required IEnumerable<int> ⟦X⟧ { get; init; } }", "'A.X' is of type 'IEnumerable<int>', which has no canonical form: use IReadOnlyList<T>, an array, List<T> or ImmutableArray<T>" },
        { "RP0004", "[Canonical] public sealed partial record A(IDictionary<string, int> ⟦X⟧);", "'A.X' is of type 'IDictionary<string, int>', which has no canonical form: use IReadOnlyDictionary<string, T>, Dictionary<string, T> or ImmutableSortedDictionary<string, T>" },
        { "RP0004", "[Canonical] public sealed partial record A(Dictionary<int, int> ⟦X⟧);", "'A.X' is of type 'Dictionary<int, int>', which has no canonical form: the keys of a map are strings" },
        { "RP0004", "[Canonical] public sealed partial record A(int[,] ⟦X⟧);", "'A.X' is of type 'int[*,*]', which has no canonical form: use an array of arrays" },
        { "RP0004", "public sealed record B; [Canonical] public sealed partial record A(List<B?> ⟦X⟧);", "'A.X' is of type 'B?', which has no canonical form: give the record [Canonical]" },
        { "RP0004", "[Canonical] public sealed partial record A((int, int) ⟦X⟧);", "'A.X' is of type '(int, int)', which has no canonical form: use a [Canonical] record, a [CanonicalScalar] struct, or one of the types of the proof format's section 1" },
        { "RP0004", "[CanonicalScalar(\"number\")] public struct S; [Canonical] public sealed partial record A(S ⟦X⟧);", "'A.X' is of type 'S', which has no canonical form: a [CanonicalScalar] struct is not generic and spells \"string\" or \"integer\"" },
        { "RP0005", "[Canonical] public sealed partial record A(int UrlPath, [WireName(\"url_path\")] int ⟦Other⟧);", "'UrlPath' and 'Other' are both \"url_path\" on the wire: give one another [WireName]" },
        { "RP0006", "[Canonical] public sealed partial record A([WireName(\"\")] int ⟦X⟧);", "\"\" cannot be the wire name of 'A.X': it is empty" },
        { "RP0006", "[Canonical] public sealed partial record A([WireName(\"\\ud800\")] int ⟦X⟧);", "\"\\ud800\" cannot be the wire name of 'A.X': it holds a lone surrogate, which has no canonical form" },
        { "RP0007", "[Canonical] public sealed partial record A(int X) { public int ⟦Twice⟧ => 2 * X; }", "'A.Twice' cannot be bound: give it an init accessor or a constructor parameter, or make it a method or not public" },
        { "RP0008", "[Canonical] public sealed partial record A(List<A> ⟦Children⟧);", "'A.Children' leads back to 'A', and the fingerprint of a schema cannot contain itself: use CanonicalJson there" },
        { "RP0009", "[Flags] public enum E { A = 1, B = 2 } [Canonical] public sealed partial record A(E ⟦X⟧);", "'A.X' is of enum 'E', which has no wire form: flags combine, and a combination has no name" },
        { "RP0009", "public enum E { } [Canonical] public sealed partial record A(E ⟦X⟧);", "'A.X' is of enum 'E', which has no wire form: it has no values" },
        { "RP0009", "public enum E { One, First = 0 } [Canonical] public sealed partial record A(E ⟦X⟧);", "'A.X' is of enum 'E', which has no wire form: One and First are the same value" },
        { "RP0009", "public enum E { One, [WireName(\"one\")] Two } [Canonical] public sealed partial record A(E ⟦X⟧);", "'A.X' is of enum 'E', which has no wire form: two values are called \"one\" on the wire" },
        { "RP0009", "public enum E { [WireName(\"a|b\")] One } [Canonical] public sealed partial record A(E ⟦X⟧);", "'A.X' is of enum 'E', which has no wire form: \"a|b\" cannot be a wire name: it must not be empty, nor hold a lone surrogate or one of | ( )" },
        { "RP0010", "#nullable disable\n[Canonical] public sealed partial record A(string ⟦X⟧);", "'A.X' is declared where nullable reference types are off, and whether it may be null is part of its schema: write '#nullable enable'" },
        { "RP0011", "[Canonical] public sealed partial record ⟦A⟧ { public A(int x) { X = x; } public A(int x, int y) { X = x + y; } public int X { get; init; } }", "'A' cannot be bound: it has several constructors and no primary one" },
        { "RP0011", "[Canonical] public sealed partial record ⟦A⟧ { public A(int other) { X = other; } public int X { get; init; } }", "'A' cannot be bound: its constructor's parameter 'other' is no public property" },
        { "RP0012", "[Canonical(Name = \"two words\")] public sealed partial record ⟦A⟧(int X);", "\"two words\" cannot be the schema name of 'A': 1 to 128 printable ASCII characters without space" },
        { "RP0012", "[Canonical(Version = \"\")] public sealed partial record ⟦A⟧(int X);", "\"\" cannot be the schema version of 'A': 1 to 128 printable ASCII characters without space" },
        { "RP0013", "[Canonical] public sealed partial record A(TraceSeal ⟦X⟧);", "'A.X' holds 'TraceSeal', which callers cannot give as JSON: its assembly was built without RunProof.Skills" },
        { "RP0020", "[Skill(\"s\")] public sealed class ⟦S⟧ { }", "'S' cannot be a skill: it is not partial" },
        { "RP0020", "[Skill(\"s\")] public static partial class ⟦S⟧ { }", "'S' cannot be a skill: it is a static class: put [Skill] on its method" },
        { "RP0020", "[Skill(\"s\")] public abstract partial class ⟦S⟧ { }", "'S' cannot be a skill: it is abstract" },
        { "RP0020", "[Skill(\"s\")] public partial class ⟦S⟧<T> { }", "'S' cannot be a skill: it is generic" },
        { "RP0020", "public partial class Outer { [Skill(\"s\")] private partial class ⟦S⟧ { } }", "'S' cannot be a skill: its descriptor cannot reach it: make it, and what it is in, at least internal" },
        { "RP0020", "public class Outer<T> { [Skill(\"s\")] public partial class ⟦S⟧ { } }", "'S' cannot be a skill: it is inside a generic type" },
        { "RP0020", "public class C { [Skill(\"s\")] public Task<O> ⟦S⟧(P p, SkillContext c, CancellationToken t) => null!; }", "'S' cannot be a skill: it is a method and not static: put [Skill] on its class" },
        { "RP0020", "public partial class C { [Canonical] private sealed partial record Q(int A); [Skill(\"s\")] public partial class S { public Task<O> ExecuteAsync(P p, SkillContext c, CancellationToken t) => null!; } [Skill(\"t\")] internal static Task<O> ⟦T⟧(Q p, SkillContext c, CancellationToken t) => null!; }", "'T' cannot be a skill: its descriptor cannot reach 'Q': make it, and what it is in, at least internal" },
        { "RP0021", "[Skill(\"s\")] public partial class ⟦S⟧ { }", "'S' needs exactly one public method ExecuteAsync(TParameters, SkillContext, CancellationToken): it has none" },
        { "RP0021", "[Skill(\"s\")] public partial class ⟦S⟧ { public Task<O> ExecuteAsync(P p, SkillContext c, CancellationToken t) => null!; public Task<O> ExecuteAsync(O p, SkillContext c, CancellationToken t) => null!; }", "'S' needs exactly one public method ExecuteAsync(TParameters, SkillContext, CancellationToken): it has several" },
        { "RP0021", "[Skill(\"s\")] public partial class ⟦S⟧ { public static Task<O> ExecuteAsync(P p, SkillContext c, CancellationToken t) => null!; }", "'S' needs exactly one public method ExecuteAsync(TParameters, SkillContext, CancellationToken): it is static or generic" },
        { "RP0021", "[Skill(\"s\")] public partial class S { public Task<O> ⟦ExecuteAsync⟧(P p, CancellationToken t) => null!; }", "'S' needs exactly one public method ExecuteAsync(TParameters, SkillContext, CancellationToken): its parameters are others" },
        { "RP0022", "[Skill(\"s\")] public partial class S { public O ⟦ExecuteAsync⟧(P p, SkillContext c, CancellationToken t) => null!; }", "'S' returns 'O': a skill returns Task or ValueTask of its outcome or of SkillResult<TOutcome>" },
        { "RP0022", "[Skill(\"s\")] public partial class S { public Task<O?> ⟦ExecuteAsync⟧(P p, SkillContext c, CancellationToken t) => null!; }", "'S' returns 'Task<O?>': a skill returns Task or ValueTask of its outcome or of SkillResult<TOutcome>" },
        { "RP0023", "[Skill(\"s\")] public partial class ⟦S⟧ { public Task<O> ExecuteAsync(string p, SkillContext c, CancellationToken t) => null!; }", "'string', the parameters of skill \"s\", is no [Canonical] record: a step's evidence needs its canonical bytes" },
        { "RP0023", "public sealed record Q; [Skill(\"s\")] public partial class ⟦S⟧ { public Task<SkillResult<Q>> ExecuteAsync(P p, SkillContext c, CancellationToken t) => null!; }", "'Q', the outcome of skill \"s\", is no [Canonical] record: a step's evidence needs its canonical bytes" },
        { "RP0024", "public static class C { [Skill(\"s\")] public static Task<O> One(P p, SkillContext c, CancellationToken t) => null!; [Skill(\"s\", Version = \"2\")] public static Task<O> ⟦Two⟧(P p, SkillContext c, CancellationToken t) => null!; }", "skill \"s\" is also declared by 'C.One, Generated.Test': give one of them another name" },
        { "RP0025", "[Skill(\"a skill\")] public partial class ⟦S⟧ { }", "\"a skill\" cannot be the name of skill 'S': 1 to 128 of A-Z a-z 0-9 . _ - : / beginning with a letter or digit" },
        { "RP0025", "[Skill(\"s\", Version = \"1 0\")] public partial class ⟦S⟧ { }", "\"1 0\" cannot be the version of skill 'S': 1 to 128 printable ASCII characters without space" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public void A_fault_is_told_once_at_its_place(string id, string source, string message)
    {
        var marked = Usings + Records + source;
        var start = marked.IndexOf('⟦', StringComparison.Ordinal);
        var length = marked.IndexOf('⟧', StringComparison.Ordinal) - start - 1;
        var result = Generation.Run(Generation.Compile(("Fault.cs", marked.Replace("⟦", "", StringComparison.Ordinal).Replace("⟧", "", StringComparison.Ordinal))));
        var diagnostic = Assert.Single(result.Diagnostics);
        Assert.Equal((id, message), (diagnostic.Id, diagnostic.GetMessage(System.Globalization.CultureInfo.InvariantCulture)));
        Assert.Equal(DiagnosticSeverity.Error, diagnostic.Severity);
        Assert.Equal((start, length), (diagnostic.Location.SourceSpan.Start, diagnostic.Location.SourceSpan.Length));
        Assert.Equal("Fault.cs", diagnostic.Location.GetLineSpan().Path);
    }

    [Fact]
    public void Every_rule_is_released_documented_and_tested()
    {
        var rules = typeof(CanonicalGenerator).Assembly.GetType("RunProof.Generators.Rules")!
            .GetFields(BindingFlags.Public | BindingFlags.Static).Select(static field => (DiagnosticDescriptor)field.GetValue(null)!).ToList();
        var released = File.ReadAllLines(Path.Combine(Repository.Root, "generators", "RunProof.Generators", "AnalyzerReleases.Unshipped.md"))
            .Where(static line => line.StartsWith("RP", StringComparison.Ordinal)).ToList();
        Assert.Equal(rules.Select(static rule => $"{rule.Id} | RunProof | Error | {rule.Title}").Order(StringComparer.Ordinal), released.Order(StringComparer.Ordinal));
        Assert.Equal(rules.Select(static rule => rule.Id).Order(StringComparer.Ordinal), Faults().Select(static fault => fault.Data.Item1).Distinct().Order(StringComparer.Ordinal));
    }

    /// <summary>Declarations near a fault that are none.</summary>
    [Theory]
    [InlineData("[Canonical] internal readonly partial record struct A(int X);")]
    [InlineData("public static partial class Outer { [Canonical] private sealed partial record A(int X); }")]
    [InlineData("public partial interface I { public partial struct S { [Canonical] public sealed partial record A(int X); } }")]
    [InlineData("[Canonical] public sealed partial record A { private string? Secret { get; init; } internal int Also { get; init; } public static int Shared => 1; public int this[int i] => i; public int X { get; init; } }")]
    [InlineData("[Canonical] public sealed partial record A { public A(int x, string note = \"\") { X = x; _ = note; } public int X { get; } }")]
    [InlineData("[Canonical] public sealed partial record A(int X, int? Y = null, string? Z = \"\\0\\u2028\\ud83d\\ude00\", float F = 0.1f, double D = double.NaN, float G = float.PositiveInfinity, uint U = 4000000000, sbyte S = -1, ulong L = 1, Guid I = default, TimeSpan T = default);")]
    [InlineData("[Canonical] public partial record B(int X); [Canonical] public sealed partial record A(int X, int Y) : B(X);")]
    [InlineData("[Canonical] public sealed partial record A(Dictionary<string, ImmutableArray<List<int?[]>>?>? X);")]
    [InlineData("[Canonical] public sealed partial record A(int @int, string json, string place, int member0, int property, int writer, int value, int name, int initial);")]
    [InlineData("[Canonical] public sealed partial record A(A.Inner X) { [Canonical] public sealed partial record Inner(int Y); }")]
    [InlineData("namespace @namespace { public partial class @class { [Canonical] public sealed partial record @record(E @enum); public enum E { @this, Base } } }")]
    [InlineData("[Canonical] public sealed partial record Aa(int X); [Canonical] public sealed partial record AA(int X);")]
    [InlineData("[Canonical(Name = \"a\")] public sealed partial record Ä(int X); [Canonical(Name = \"o\")] public sealed partial record Ö(int X);")]
    [InlineData("namespace N { [Canonical] public sealed partial record A(CanonicalJson Json, CanonicalJson? Other); [Canonical] public sealed partial record System(int RunProof, global::System.Guid global); }")]
    [InlineData("[Canonical] public sealed partial record A(int X) { public string[] Tags { get; init; } = []; public Dictionary<string, int> Map { get; init; } = []; public E Kind { get; init; } = E.B; public enum E { A, B } }")]
    [InlineData("public class S0 { public Task<O> ExecuteAsync(P p, SkillContext c, CancellationToken t) => null!; } [Skill(\"s\")] public sealed partial class S : S0;")]
    [InlineData("[Skill(\"a-b\")] public sealed partial class S { public ValueTask<SkillResult<O>> ExecuteAsync(P p, SkillContext c, CancellationToken t) => default; public void Other() { } } public static class C { [Skill(\"a_b\")] public static Task<O> T(P p, SkillContext c, CancellationToken t) => null!; [Skill(\"A_b\")] public static Task<O> U(P p, SkillContext c, CancellationToken t) => null!; }")]
    [InlineData("/// <summary>Half a <b>comment</summary>\n[Canonical] public sealed partial record A(int X);")]
    public void What_is_right_compiles_in_silence(string source)
    {
        var compilation = Generation.Compile(("Right.cs", (source.StartsWith("namespace", StringComparison.Ordinal) ? Usings : Usings + Records) + source));
        var suppressed = compilation.WithOptions(compilation.Options.WithSpecificDiagnosticOptions(compilation.Options.SpecificDiagnosticOptions.Add("CS8981", ReportDiagnostic.Suppress).Add("CS1570", ReportDiagnostic.Suppress)));
        Assert.NotEmpty(Generation.Sources(suppressed));
    }

    /// <summary>Code that is being typed: the compiler has its own words for it, and the generators must not fail over it.</summary>
    [Theory]
    [InlineData("[Canonical] public partial record")]
    [InlineData("[Canonical] public partial record A(")]
    [InlineData("[Canonical] public partial record A(int);")]
    [InlineData("[Canonical] public partial record A(int X, int X);")]
    [InlineData("[Canonical] public partial record A(Missing X, List<Missing> Y, Missing[] Z, Dictionary<string> W);")]
    [InlineData("[Canonical(Name = )] public partial record A(int X);")]
    [InlineData("[Canonical(Name = null, Version = 5)] public partial record A(int X);")]
    [InlineData("[Canonical, Canonical] public partial record A(int X);")]
    [InlineData("[Canonical] public partial record A(int X); [Canonical] public partial record A(int X);")]
    [InlineData("[Canonical] public partial record A(int X); [Canonical] public partial record A { }")]
    [InlineData("[Canonical] public partial record A { public string X { get; init; } = 5; public int Y { get; init; } = \"a\"; public double Z { get; init; } = 'c'; public E K { get; init; } = 7; public bool F { get; init; } = }")]
    [InlineData("[Canonical] public partial record A(string X = 5, int Y = \"a\", decimal Z = , E K = 9);")]
    [InlineData("[Canonical] public partial record A([WireName] int X, [WireName(null)] int Y, [WireName(5)] int Z);")]
    [InlineData("[Canonical] public partial record A : A;")]
    [InlineData("[Canonical] public partial record A(B X); [Canonical] public partial record B(C X); [Canonical] public partial record C(A X);")]
    [InlineData("[Canonical] public partial record A : Missing { public int X { get; init; } public override int Y { get; init; } }")]
    [InlineData("public enum E { A = , B } [Canonical] public partial record A(E X);")]
    [InlineData("[CanonicalScalar] public struct S; [Canonical] public partial record A(S X);")]
    [InlineData("[Canonical] public partial class A<T { }")]
    [InlineData("namespace N { [Canonical] public partial record A(int X); } public partial class N { [Canonical] public partial record A(int X); }")]
    [InlineData("[Skill] public partial class S { }")]
    [InlineData("[Skill()] public partial class S { }")]
    [InlineData("[Skill(null)] public partial class S { }")]
    [InlineData("[Skill(\"s\", Replay = )] public partial class S { public Task<O> ExecuteAsync(P p, SkillContext c, CancellationToken t) => null!; }")]
    [InlineData("[Skill(\"s\")] public partial class S { public ExecuteAsync(P p, SkillContext c, CancellationToken t) }")]
    [InlineData("[Skill(\"s\")] public partial class S { public Task<Missing> ExecuteAsync(Missing p, SkillContext c, CancellationToken t) => null!; }")]
    [InlineData("[Skill(\"s\")] public partial class S { public Task<> ExecuteAsync(P p, SkillContext c, CancellationToken t) => null!; }")]
    [InlineData("[Skill(\"s\")] public partial class S { public Task<O> ExecuteAsync(P p, SkillContext c, CancellationToken t) => null!; } [Skill(\"s\")] public partial class S { }")]
    [InlineData("public static class C { [Skill(\"s\")] public static Task<O> (P p, SkillContext c, CancellationToken t) => null!; }")]
    [InlineData("[Skill(\"s\")] public partial class S { public Task<O> ExecuteAsync(P p, SkillContext c, CancellationToken t) => null!; } [Skill(\"s\")] public partial class T { public Task<O> ExecuteAsync(P p, SkillContext c, CancellationToken t) => null!; }")]
    public void Half_typed_code_never_breaks_a_generator(string source)
    {
        var result = Generation.Run(Generation.Compile(("Half.cs", Usings + Records + source)));
        Assert.All(result.Diagnostics, static diagnostic => Assert.Matches("^RP00[0-9]{2}$", diagnostic.Id));
    }

    /// <summary>Whole files, cut off after every seventh word: one cut costs milliseconds, and seven is prime to what repeats in them.</summary>
    [Fact]
    public void A_file_that_ends_anywhere_never_breaks_a_generator()
    {
        var text = Repository.Samples().Single(static file => file.Path == "Samples/Defaults.cs").Text + Repository.Samples().Single(static file => file.Path == "Samples/Skills.cs").Text;
        foreach (var end in Regex.Matches(text, @"\W\w", RegexOptions.CultureInvariant).Where(static (_, word) => word % 7 == 0))
            Generation.Run(Generation.Compile(("Half.cs", text[..end.Index])));
    }

    [Fact]
    public void Without_RunProof_Skills_a_record_gets_no_binder()
    {
        var source = Generation.Sources(Generation.CompileWithoutSkills(("A.cs", "[RunProof.Format.Canonical] public sealed partial record A(int X, RunProof.Format.TraceSeal Seal);")))["A.Canonical.g.cs"];
        Assert.DoesNotContain("BindJson", source, StringComparison.Ordinal);
        Assert.Contains("ICanonical", source, StringComparison.Ordinal);
    }
}
