using RunProof.Generators.Tests.Driving;

namespace RunProof.Generators.Tests.Diagnostics;

/// <summary>What a diagnostic carries for its code fix.</summary>
public sealed class FixPropertyTests
{
    [Theory]
    [InlineData("[Canonical] public sealed partial class A;", "Declare=partial record")]
    [InlineData("[Canonical] public struct A;", "Declare=partial record struct")]
    [InlineData("public class Outer { [Canonical] public sealed partial record A(int X); }", "Container=Outer")]
    [InlineData("[Canonical] public sealed partial record A { public int X { get; set; } }", "Declare=init Member=X")]
    [InlineData("[Canonical] public partial record struct A(int X);", "Declare=readonly")]
    [InlineData("[Canonical(Name = \"p\")] public sealed partial record A(int X); [Canonical] public sealed partial record P2(int X);", "FreeName=p_2")]
    [InlineData("[Canonical(Name = \"p\")] public sealed partial record A(int X); [Canonical(Name = \"p_2\")] public sealed partial record B(int X);", "FreeName=p_3")]
    [InlineData("[Canonical] public sealed partial record A(List<object?> X);", "Member=X Replacement=global::RunProof.Format.CanonicalJson Type=object")]
    [InlineData("[Canonical] public sealed partial record A(DateTime? X);", "Member=X Replacement=global::System.DateTimeOffset Type=global::System.DateTime")]
    [InlineData("[Canonical] public sealed partial record A(HashSet<string?>? X);", "Member=X Replacement=global::System.Collections.Generic.IReadOnlyList<string?> Type=global::System.Collections.Generic.HashSet<string?>")]
    [InlineData("public sealed class Words : HashSet<string>; [Canonical] public sealed partial record A(Words X);", "Member=X Replacement=global::System.Collections.Generic.IReadOnlyList<string> Type=global::Words")]
    [InlineData("[Canonical] public sealed partial record A(Dictionary<int, string> X);", "Member=X Replacement=string Type=int")]
    [InlineData("[Canonical] public sealed partial record A(IDictionary<string, P> X);", "Member=X Replacement=global::System.Collections.Generic.IReadOnlyDictionary<string, global::P> Type=global::System.Collections.Generic.IDictionary<string, global::P>")]
    [InlineData("public interface I; [Canonical] public sealed partial record A(I X);", "Member=X Type=global::I")]
    [InlineData("[Canonical] public sealed partial record A(List<float?> Fees);", "Member=Fees Replacement=decimal Type=float")]
    [InlineData("[Canonical] public sealed partial record A() { public int X { get; } }", "Declare=init Member=X")]
    [InlineData("[Canonical] public sealed partial record A() { public int X => 1; }", "Member=X")]
    [InlineData("[Canonical] public sealed partial record A(int X, [WireName(\"x\")] int Y, int YX);", "Member=Y WireName=y")]
    [InlineData("[Canonical] public sealed partial record A([WireName(\"b\")] int X, [WireName(\"\")] int B);", "Member=B WireName=b_2")]
    [InlineData("[Canonical] public sealed partial record A([WireName(\"q\")] int Ab, [WireName(\"q\")] int AB, [WireName(\"ab\")] int Z);", "Member=AB WireName=ab_2")]
    [InlineData("public static class C { [Skill(\"s\")] public static Task<O> S(string p, SkillContext c, CancellationToken t) => null!; }", "Type=string")]
    public async Task A_fix_is_told_what_it_needs(string source, string properties)
    {
        var told = (await Analyzing.DiagnosticsAsync(Generation.Compile(("A.cs", Faults.Usings + Faults.Records + source)))).First();
        Assert.Equal(properties, string.Join(' ', told.Properties.OrderBy(static pair => pair.Key, StringComparer.Ordinal).Select(static pair => pair.Key + "=" + pair.Value)));
    }
}
