using Microsoft.CodeAnalysis;
using RunProof.Generators.Tests.Driving;

namespace RunProof.Generators.Tests.Diagnostics;

/// <summary>Declarations near a fault that are none: the compiler and the analyzers say nothing, and code is written.</summary>
public sealed class SilenceTests
{
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
    [InlineData("[Canonical] public sealed partial record Aa(int X); [Canonical(Name = \"double_a\")] public sealed partial record AA(int X);")]
    [InlineData("[Canonical] public sealed partial record A(int UrlPath) { [WireName(\"other\")] public int URLPath { get; init; } }")]
    [InlineData("[Canonical(Name = \"a\")] public sealed partial record Ä(int X); [Canonical(Name = \"oe\")] public sealed partial record Ö(int X);")]
    [InlineData("namespace N { [Canonical] public sealed partial record A(CanonicalJson Json, CanonicalJson? Other); [Canonical] public sealed partial record System(int RunProof, global::System.Guid global); }")]
    [InlineData("[Canonical] public sealed partial record A(int X) { public string[] Tags { get; init; } = []; public Dictionary<string, int> Map { get; init; } = []; public E Kind { get; init; } = E.B; public enum E { A, B } }")]
    [InlineData("public class S0 { public Task<O> ExecuteAsync(P p, SkillContext c, CancellationToken t) => null!; } [Skill(\"s\")] public sealed partial class S : S0;")]
    [InlineData("[Skill(\"a-b\")] public sealed partial class S { public ValueTask<SkillResult<O>> ExecuteAsync(P p, SkillContext c, CancellationToken t) => default; public void Other() { } } public static class C { [Skill(\"a_b\")] public static Task<O> T(P p, SkillContext c, CancellationToken t) => null!; [Skill(\"A_b\")] public static Task<O> U(P p, SkillContext c, CancellationToken t) => null!; }")]
    [InlineData("/// <summary>Half a <b>comment</summary>\n[Canonical] public sealed partial record A(int X);")]
    public async Task What_is_right_compiles_in_silence(string source)
    {
        var compilation = Generation.Compile(("Right.cs", (source.StartsWith("namespace", StringComparison.Ordinal) ? Faults.Usings : Faults.Usings + Faults.Records) + source));
        var suppressed = compilation.WithOptions(compilation.Options.WithSpecificDiagnosticOptions(compilation.Options.SpecificDiagnosticOptions.Add("CS8981", ReportDiagnostic.Suppress).Add("CS1570", ReportDiagnostic.Suppress)));
        Assert.NotEmpty(Generation.Sources(suppressed));
        Assert.Empty((await Analyzing.DiagnosticsAsync(suppressed)).Where(static diagnostic => diagnostic.Id != "RP0407").Select(static diagnostic => diagnostic.ToString()));
    }

    /// <summary>Close by each rule, and none: its id says which it must not be.</summary>
    public static TheoryData<string, string> Near() => new()
    {
        { "RP0101", "[Canonical] public sealed partial record A(int X); public sealed partial record A { public int Twice() => 2 * X; } public sealed record B(int X); public sealed class C { public object? X { get; set; } }" },
        { "RP0102", "public partial class Outer { public class Other<T> { } [Canonical] public sealed partial record A(int X); }" },
        { "RP0103", "public abstract record B<T>(T X); [Canonical] public sealed partial record A(int X) : B<int>(X); file sealed record F(int X);" },
        { "RP0104", "[Canonical] public sealed partial record A { public A() { } public A(int x) { X = x; } public int X { get; init; } } [Canonical] public sealed partial record B { private B(int x) { X = x; } public int X { get; } public static B Of(int x) => new(x); }" },
        { "RP0105", "[Canonical(Name = \"a/b:c\", Version = \"2026-02-10\")] public sealed partial record A(int X);" },
        { "RP0106", "[Canonical] public readonly partial record struct A(int X); [Canonical] public sealed partial record B { public int X { get; init; } internal int Cache { get; set; } public static int Made { get; set; } private int _seen; public int Seen() => ++_seen; public readonly int Field = 1; } public record struct Other(int X);" },
        { "RP0107", "[Canonical(Name = \"p\", Version = \"2\")] public sealed partial record A(int X); [Canonical(Name = \"P\")] public sealed partial record B(int X); public sealed record C(int X); [Canonical(Name = \"q\")] public sealed partial record D(int X); public sealed partial record D { }" },
        { "RP0201", "[Canonical] public sealed partial record A(TenantId X, ImmutableArray<int> Y, ReadOnlyMemory<byte> Z, Int128 W) { internal Uri? Link { get; init; } private char C { get; init; } public char Initial() => C; }" },
        { "RP0202", "[Canonical] public sealed partial record A(CanonicalJson X, CanonicalJson? Y, List<CanonicalJson> Z) { internal object? Tag { get; init; } }" },
        { "RP0203", "[Canonical] public sealed partial record A(DateTimeOffset X, TimeSpan? Y) { public DateTime Local() => X.LocalDateTime; }" },
        { "RP0204", "[Canonical] public sealed partial record A(IReadOnlyList<string> X) { internal HashSet<string>? Cache { get; init; } }" },
        { "RP0205", "[Canonical] public sealed partial record A(Dictionary<string, int> X, IReadOnlyDictionary<string, Dictionary<string, int>> Y, ImmutableSortedDictionary<string, int> Z);" },
        { "RP0206", "public interface IThing { int X { get; } } [Canonical] public sealed partial record A(int X, IReadOnlyList<int> Y, IReadOnlyDictionary<string, int> Z) : IThing;" },
        { "RP0207", "[Canonical] public sealed partial record A(B X, B Y, C Z); [Canonical] public sealed partial record B(C X); [Canonical] public sealed partial record C(int X) { public static A? Around { get; } }" },
        { "RP0208", "[Canonical] public sealed partial record A(decimal Amount, int PriceCents, double FeeRate, Money Price, float Count); [Canonical] public sealed partial record Money(decimal Value);" },
        { "RP0209", "public record B { public int P { get; protected init; } } [Canonical] public sealed partial record C : B; [Canonical] public sealed partial record D { public int X { get; private init; } } [Canonical] public sealed partial record A(int X) { internal int Twice => 2 * X; public static int Zero => 0; public int this[int i] => i; public int Y { get; init; } }" },
        { "RP0210", "#nullable disable\n[Canonical] public sealed partial record A(int X, Guid Y, int? Z);\n#nullable enable" },
        { "RP0211", "public enum E { [WireName(\"1\")] One = 1, Two = 2 } [Flags] public enum F { A = 1, B = 2 } [Canonical] public sealed partial record A(E X, E? Y, List<E> Z) { internal F Flags { get; init; } }" },
        { "RP0212", "[Canonical] public sealed partial record A([WireName(\" \")] int X, [WireName(\"\\ud83d\\ude00\")] int Y, [WireName(\"$json\")] int Z);" },
        { "RP0213", "[Canonical] public sealed partial record A(int UrlPath, [WireName(\"URL_PATH\")] int Other, [WireName(\"x\")] int Y, [WireName(\"y\")] int X);" },
        { "RP0214", "[Canonical] public sealed partial record A(Digest X, TenantId Y, SafeInteger Z);" },
        { "RP0401", "public partial class Outer { /// <summary>S.</summary>\n[Skill(\"s\")] internal sealed partial class S { public Task<O> ExecuteAsync(P p, SkillContext c, CancellationToken t) => null!; } }" },
        { "RP0402", "/// <summary>S.</summary>\n[Skill(\"s\")] public sealed partial class S { public Task<O> ExecuteAsync(P p, SkillContext c, CancellationToken t) => null!; private Task<O> ExecuteAsync(P p) => null!; internal static void ExecuteAsync<T>(T p) { } }" },
        { "RP0403", "public static class C { /// <summary>S.</summary>\n[Skill(\"s\")] public static ValueTask<SkillResult<O>> S(P p, SkillContext c, CancellationToken t) => default; /// <summary>T.</summary>\n[Skill(\"t\")] public static async Task<O> T(P p, SkillContext c, CancellationToken t) { await Task.Yield(); return new O(1); } }" },
        { "RP0404", "[Canonical] internal readonly partial record struct Q(int A); internal static class C { /// <summary>S.</summary>\n[Skill(\"s\")] internal static Task<Q> S(Q p, SkillContext c, CancellationToken t) => null!; }" },
        { "RP0405", "public static class C { /// <summary>S.</summary>\n[Skill(\"s\")] public static Task<O> S(P p, SkillContext c, CancellationToken t) => null!; /// <summary>T.</summary>\n[Skill(\"S\")] public static Task<O> T(P p, SkillContext c, CancellationToken t) => null!; }" },
        { "RP0406", "public static class C { /// <summary>S.</summary>\n[Skill(\"9:a/b.c-d_E\", Version = \"~!\")] public static Task<O> S(P p, SkillContext c, CancellationToken t) => null!; }" },
        { "RP0407", "[Skill(\"s\")] public sealed partial class S { /// <summary>On the method.</summary>\npublic Task<O> ExecuteAsync(P p, SkillContext c, CancellationToken t) => null!; } public sealed class NoSkill { }" },
    };

    [Theory]
    [MemberData(nameof(Near))]
    public async Task A_rule_is_silent_close_by(string id, string source)
    {
        var compilation = Generation.Compile(("Near.cs", Faults.Usings + Faults.Records + source));
        Assert.NotEmpty(Generation.Sources(compilation.WithOptions(compilation.Options.WithSpecificDiagnosticOptions(
            compilation.Options.SpecificDiagnosticOptions.Add("CS8981", ReportDiagnostic.Suppress)))));
        Assert.Empty((await Analyzing.DiagnosticsAsync(compilation)).Select(static diagnostic => diagnostic.ToString()));
        Assert.Contains(RuleTests.Rules, rule => rule.Id == id);
    }

    [Fact]
    public void Every_rule_outside_the_lock_is_silent_somewhere() => Assert.Equal(
        RuleTests.Rules.Select(static rule => rule.Id).Where(static id => !id.StartsWith("RP03", StringComparison.Ordinal)),
        Near().Select(static near => near.Data.Item1));

    [Fact]
    public async Task A_type_of_another_file_alone_may_have_the_name()
    {
        var compilation = Generation.Compile(("A.cs", Faults.Usings + "[Canonical] public sealed partial record A(int X);"), ("B.cs", "file sealed record A(string Y); public static class B { public static object Of() => new A(\"\"); }"));
        Assert.Contains("A.Canonical.g.cs", Generation.Sources(compilation).Keys);
        Assert.Empty(await Analyzing.DiagnosticsAsync(compilation));
    }

    [Fact]
    public void Without_RunProof_Skills_a_record_gets_no_binder()
    {
        var source = Generation.Sources(Generation.CompileWithoutSkills(("A.cs", "[RunProof.Format.Canonical] public sealed partial record A(int X, RunProof.Format.TraceSeal Seal);")))["A.Canonical.g.cs"];
        Assert.DoesNotContain("BindJson", source, StringComparison.Ordinal);
        Assert.Contains("ICanonical", source, StringComparison.Ordinal);
    }
}
