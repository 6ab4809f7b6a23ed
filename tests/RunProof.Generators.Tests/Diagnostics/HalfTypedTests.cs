using System.Text.RegularExpressions;
using Microsoft.CodeAnalysis.CSharp;
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
    [InlineData("[Canonical] public partial record A { public int X { get; set } public int Y { set; } public int Z { get; public set; } public int ; public Z; }")]
    [InlineData("[Canonical] public partial record struct A(int X, int")]
    [InlineData("[Canonical] public partial record struct (int X);")]
    [InlineData("[Canonical(Name = \"p\")] public partial record [Canonical(Name = \"p\")] public partial record A")]
    [InlineData("[Canonical(Name = \"p\", Version = )] public partial record A(int X); [Canonical(Name = nameof(), Version = \"1\")] public partial record B(int X);")]
    [InlineData("namespace { [Canonical] public partial record P(int X); } namespace N. { [Canonical] public partial record P(int X); } namespace .M; [Canonical] public partial record P(int X);")]
    [InlineData("[Canonical] public partial record A(HashSet<> X, ISet<Missing> Y, IEnumerable<> Z, IDictionary<string> W, Dictionary<Missing, int> V, ImmutableHashSet X2);")]
    [InlineData("[Canonical] public partial record A(double Price, double , double Amounts = , List<double Cost, Dictionary<,> Fees, double? Totals")]
    [InlineData("[Canonical] public partial record A(double _, double __, double 価格, [WireName()] double Fee, [WireName(\"\")] double Tax);")]
    [InlineData("[Canonical] public partial record A(A, B b); [Canonical] public partial record B(A a, C); [Canonical] public partial record C(B")]
    [InlineData("[Canonical] public partial record A : B { public A Self { get; init; } } [Canonical] public partial record B : A { public B Self { get; init; } }")]
    [InlineData("[Canonical] public partial enum A { } [Canonical] public interface I { int X { get; } } [Canonical] public delegate void D(); [Canonical] public partial class { }")]
    [InlineData("[Skill(\"s\")] public partial record struct S; [Skill(\"s\")] public interface I { } [Skill(\"s\")] public enum E { } [Skill(\"s\")] public delegate void D();")]
    [InlineData("[Skill(\"s\")] /// <summary>Half")]
    [InlineData("/// <summary>Half\n[Skill(\"s\")] public partial class S { public Task<O> ExecuteAsync(P, SkillContext c, CancellationToken t) => null!; }")]
    [InlineData("/// <summary>&nbsp;</summary>\n[Skill(\"s\")] public partial class S { public Task<O> ExecuteAsync(, , ) => null!; }")]
    [InlineData("[Skill(\"s\")] public partial class S { public Task<Q> ExecuteAsync(Q p, SkillContext c, CancellationToken t) => null!; private record Q; Q { }")]
    [InlineData("[Skill(\"s\")] static Task<O> Run(P p, SkillContext c, CancellationToken t) => null!; [Skill(\"s\")] static Task<O> Run(P p, SkillContext c, CancellationToken t) => null!;")]
    [InlineData("public static class C { void M() { [Skill(\"s\")] static Task<O> Local(P p, SkillContext c, CancellationToken t) => null!; } [Skill(\"s\")] C() { } [Skill(\"s\")] public static C operator +(C a, C b) => a; [Skill(\"s\")] ~C() { } }")]
    [InlineData("using Canonical = RunProof.Format.CanonicalAttribute; [Canonical] [global::RunProof.Format.Canonical] [RunProof.Format.] [] public partial record A(int X);")]
    [InlineData("[Canonical] public partial record struct A(int X); [Canonical] public partial record A(int Y);")]
    [InlineData("public partial class C { [Canonical] public partial record A(int X); } public partial struct C { [Canonical] public partial record A(int Y); }")]
    [InlineData("public class C { [Skill(\"s\")] public int X { get; set; } [Skill(\"s\")] int f; [Skill(\"s\")] event Action E; [Canonical] int g; [Canonical] void M() { } int N { [Skill(\"s\")] get => 1; } }")]
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

    /// <summary>Words taken out, put twice, or taken from elsewhere: always the same ones, so that what failed once fails again.</summary>
    [Fact]
    public async Task Shuffled_code_breaks_nothing()
    {
        var sources = Faults.All.Select(static fault => fault.Source).Concat(SilenceTests.Near().Select(static near => near.Data.Item2))
            .Select(static source => source.Replace("⟦", "", StringComparison.Ordinal).Replace("⟧", "", StringComparison.Ordinal))
            .Select(static source => CSharpSyntaxTree.ParseText(source).GetRoot().DescendantTokens().Select(static token => token.ToFullString()).ToList())
            .ToList();
        var random = new Random(3);
        for (var i = 0; i < 150; i++)
        {
            List<string> words = [.. Any(sources), .. random.Next(3) == 0 ? Any(sources) : []];
            for (var change = random.Next(1, 5); change > 0; change--)
                Shuffle(words, Any(Any(sources)));
            await Analyzing.DiagnosticsAsync(Generation.Compile(("Half.cs", Faults.Usings + Faults.Records + string.Concat(words))));
        }

        T Any<T>(List<T> all) => all[random.Next(all.Count)];

        void Shuffle(List<string> words, string other)
        {
            var at = random.Next(words.Count);
            switch (random.Next(4))
            {
                case 0:
                    words[at] = other;
                    break;
                case 1:
                    words.Insert(at, Any(words));
                    break;
                case 2:
                    words[at] = "";
                    break;
                default:
                    words.RemoveRange(at + 1, Math.Min(words.Count - at - 1, random.Next(1, 6)));
                    break;
            }
        }
    }
}
