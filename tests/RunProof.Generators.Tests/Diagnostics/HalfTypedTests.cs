using System.Text.RegularExpressions;
using RunProof.Generators.Tests.Driving;

namespace RunProof.Generators.Tests.Diagnostics;

/// <summary>Code that is being typed: the compiler has its own words for it, and neither generators nor analyzers may fail over it.</summary>
public sealed class HalfTypedTests
{
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
    public async Task Half_typed_code_breaks_nothing(string source) =>
        await Analyzing.DiagnosticsAsync(Generation.Compile(("Half.cs", Faults.Usings + Faults.Records + source)));

    /// <summary>Every source that has a fault, with the place of the fault gone.</summary>
    [Fact]
    public async Task A_fault_that_is_being_typed_breaks_nothing()
    {
        foreach (var (_, source, _) in Faults.All)
            await Analyzing.DiagnosticsAsync(Generation.Compile(("Half.cs", Faults.Usings + Faults.Records + Regex.Replace(source, "⟦.*?⟧", "", RegexOptions.CultureInvariant))));
    }

    /// <summary>Whole files, cut off after every seventh word: one cut costs milliseconds, and seven is prime to what repeats in them.</summary>
    [Fact]
    public async Task A_file_that_ends_anywhere_breaks_nothing()
    {
        var text = Repository.Samples().Single(static file => file.Path == "Samples/Defaults.cs").Text + Repository.Samples().Single(static file => file.Path == "Samples/Skills.cs").Text;
        foreach (var end in Regex.Matches(text, @"\W\w", RegexOptions.CultureInvariant).Where(static (_, word) => word % 7 == 0))
            await Analyzing.DiagnosticsAsync(Generation.Compile(("Half.cs", text[..end.Index])));
    }
}
