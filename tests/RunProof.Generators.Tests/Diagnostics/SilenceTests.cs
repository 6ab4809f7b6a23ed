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

    [Fact]
    public void Without_RunProof_Skills_a_record_gets_no_binder()
    {
        var source = Generation.Sources(Generation.CompileWithoutSkills(("A.cs", "[RunProof.Format.Canonical] public sealed partial record A(int X, RunProof.Format.TraceSeal Seal);")))["A.Canonical.g.cs"];
        Assert.DoesNotContain("BindJson", source, StringComparison.Ordinal);
        Assert.Contains("ICanonical", source, StringComparison.Ordinal);
    }
}
