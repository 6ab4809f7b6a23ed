using System.Globalization;
using RunProof.Generators.Tests.Driving;

namespace RunProof.Generators.Tests.Diagnostics;

/// <summary>RP0207 names the whole way back, at each member that begins it.</summary>
public sealed class CycleTests
{
    [Theory]
    [InlineData(
        "[Canonical] public sealed partial record A(B b); [Canonical] public sealed partial record B(List<C?> C); [Canonical] public sealed partial record C(Dictionary<string, A[]> X);",
        "A.b → B.C → C.X → A", "B.C → C.X → A.b → B", "C.X → A.b → B.C → C")]
    [InlineData(
        "[Canonical] public sealed partial record A(B One, B Two, int Three); [Canonical] public sealed partial record B(A? Back);",
        "A.One → B.Back → A", "A.Two → B.Back → A", "B.Back → A.One → B")]
    [InlineData(
        "[Canonical] public sealed partial record Outside(A First); [Canonical] public sealed partial record A(A? Self, B Other); [Canonical] public sealed partial record B(int X);",
        "A.Self → A")]
    [InlineData("[Canonical] public partial record Base(int X); [Canonical] public sealed partial record A(int X, A? Next) : Base(X);", "A.Next → A")]
    [InlineData("[Canonical] public partial record Base(int X) { public Derived? Leaf { get; init; } } [Canonical] public sealed partial record Derived(int X) : Base(X);", "Derived.Leaf → Derived")]
    public async Task The_whole_way_is_named(string source, params string[] ways)
    {
        var told = await Analyzing.DiagnosticsAsync(Generation.Compile(("A.cs", Faults.Usings + source)));
        Assert.All(told, static diagnostic => Assert.Equal("RP0207", diagnostic.Id));
        Assert.Equal(ways, told.Select(static diagnostic => diagnostic.GetMessage(CultureInfo.InvariantCulture)).Select(static message => message[(message.IndexOf(" (", StringComparison.Ordinal) + 2)..message.IndexOf("),", StringComparison.Ordinal)]));
    }
}
