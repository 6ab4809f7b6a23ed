using RunProof.CodeFixes.Tests.Driving;

namespace RunProof.CodeFixes.Tests;

/// <summary>RP01xx: what a canonical record must be.</summary>
public sealed class RecordFixTests
{
    [Theory]
    [InlineData("public sealed record A(int X);", "public sealed partial record A(int X);", "Make 'A' partial")]
    [InlineData("record A(int X);", "partial record A(int X);", "Make 'A' partial")]
    [InlineData("/// <summary>An A.</summary>\npublic record struct A { public int X { get; init; } }", "/// <summary>An A.</summary>\npublic partial record struct A { public int X { get; init; } }", "Make 'A' partial")]
    [InlineData("public readonly record struct A(int X);", "public readonly partial record struct A(int X);", "Make 'A' partial")]
    [InlineData("public sealed class A // why\n{\n\tpublic int X { get; init; }\n}", "public sealed partial record A // why\n{\n\tpublic int X { get; init; }\n}", "Make 'A' a partial record")]
    [InlineData("public sealed partial class A\n{\n}\n\npublic partial class A { public int X { get; init; } }", "public sealed partial record A\n{\n}\n\npublic partial record A { public int X { get; init; } }", "Make 'A' a partial record")]
    [InlineData("public readonly struct A { public int X { get; init; } }", "public readonly partial record struct A { public int X { get; init; } }", "Make 'A' a partial record struct")]
    [InlineData("public partial struct A { public int X { get; init; } }", "public partial record struct A { public int X { get; init; } }", "Make 'A' a partial record struct")]
    public Task A_canonical_type_becomes_a_partial_record(string before, string after, string title) =>
        Fixed.Is("RP0101", title, "using RunProof.Format;\n\n[Canonical]\n" + before + "\n", "using RunProof.Format;\n\n[Canonical]\n" + after + "\n");

    [Fact]
    public async Task All_parts_in_all_files_become_records()
    {
        var project = Scene.Of((Fixed.File, "[RunProof.Format.Canonical] public partial class A { }\n"), ("Other.cs", "partial class A\r\n{\r\n    public int X { get; init; }\r\n}\r\n"));
        project = await Fixed.Applied("RP0101", "Make 'A' a partial record", project);
        Assert.Equal("[RunProof.Format.Canonical] public partial record A { }\n", await Fixed.Text(project));
        Assert.Equal("partial record A\r\n{\r\n    public int X { get; init; }\r\n}\r\n", await Fixed.Text(project, "Other.cs"));
        await Fixed.IsWell(project);
    }

    [Theory]
    [InlineData("public sealed class ⟦A⟧(int x) { public int X => x; }")]
    [InlineData("public sealed class A : Exception { }")]
    [InlineData("public sealed class A { public int X { get; init; } public override bool Equals(object? other) => true; public override int GetHashCode() => 1; }")]
    [InlineData("public static class A { }")]
    [InlineData("public ref struct A { }")]
    [InlineData("public class A { public int X { get; init; } } public sealed class B : A { }")]
    public Task What_a_record_could_not_be_is_left_alone(string source) =>
        Fixed.IsNotOffered("RP0101", "[RunProof.Format.Canonical] " + source.Replace("⟦", "", StringComparison.Ordinal).Replace("⟧", "", StringComparison.Ordinal));

    [Fact]
    public Task Every_container_becomes_partial() => Fixed.Is(
        "RP0102",
        "Make 'Outer' and 'Inner' partial",
        """
        using RunProof.Format;

        public static class Outer
        {
            public partial interface I
            {
                // A comment.
                struct Inner
                {
                    [Canonical] public sealed partial record A(int X);
                }
            }
        }
        """,
        """
        using RunProof.Format;

        public static partial class Outer
        {
            public partial interface I
            {
                // A comment.
                partial struct Inner
                {
                    [Canonical] public sealed partial record A(int X);
                }
            }
        }
        """);

    [Theory]
    [InlineData("public class Outer<T> { [RunProof.Format.Canonical] public sealed partial record A(int X); }")]
    [InlineData("public partial class Outer<T> { class Inner { [RunProof.Format.Canonical] public sealed partial record A(int X); } }")]
    public Task A_generic_container_is_left_alone(string source) => Fixed.IsNotOffered("RP0102", source);

    [Fact]
    public Task Containers_of_several_become_partial_once() => Fixed.AllAre(
        "RP0102",
        "RunProof.RP0102",
        "using RunProof.Format;\npublic class Outer\n{\n    [Canonical] public sealed partial record A(int X);\n    public class Inner { [Canonical] public sealed partial record B(int X); }\n}\n",
        "using RunProof.Format;\npublic partial class Outer\n{\n    [Canonical] public sealed partial record A(int X);\n    public partial class Inner { [Canonical] public sealed partial record B(int X); }\n}\n");

    [Theory]
    [InlineData("public sealed partial record A { public int X { get; set; } = 5; }", "public sealed partial record A { public int X { get; init; } = 5; }", "Make 'set' of 'X' 'init'")]
    [InlineData("public sealed partial record A { private int _x; public int X { get => _x; set { _x = value; } } }", "public sealed partial record A { private int _x; public int X { get => _x; init { _x = value; } } }", "Make 'set' of 'X' 'init'")]
    [InlineData("public partial record struct A(int X, int Y);", "public readonly partial record struct A(int X, int Y);", "Make 'A' a readonly record struct")]
    [InlineData("public partial record struct A(int X) { internal int Z { get; set; } }", "public readonly partial record struct A(int X) { internal int Z { get; init; } }", "Make 'A' a readonly record struct")]
    public Task State_becomes_fixed(string before, string after, string title) =>
        Fixed.Is("RP0106", title, "[RunProof.Format.Canonical]\n" + before, "[RunProof.Format.Canonical]\n" + after);

    [Fact]
    public Task A_struct_with_a_field_that_changes_stays_as_it_is() =>
        Fixed.IsNotOffered("RP0106", "[RunProof.Format.Canonical] public partial record struct A(int X) { private int _calls; public void Call() => _calls++; }");

    [Fact]
    public Task All_setters_become_init_at_once() => Fixed.AllAre(
        "RP0106",
        "RunProof.RP0106.init",
        "using RunProof.Format;\r\n[Canonical]\r\npublic sealed partial record A\r\n{\r\n    public int X { get; set; }\r\n    public int Y { get; set; }\r\n}\r\n[Canonical]\r\npublic sealed partial record B { public int X { get; set; } }\r\n",
        "using RunProof.Format;\r\n[Canonical]\r\npublic sealed partial record A\r\n{\r\n    public int X { get; init; }\r\n    public int Y { get; init; }\r\n}\r\n[Canonical]\r\npublic sealed partial record B { public int X { get; init; } }\r\n");

    [Fact]
    public Task The_second_of_two_schemas_gets_a_free_name() => Fixed.Is(
        "RP0107",
        "Call this one \"order_2\"",
        "using RunProof.Format;\nnamespace N { [Canonical] public sealed partial record Order(int X); }\nnamespace O { [Canonical(Version = \"1\")] public sealed partial record Order(int X); }\n",
        "using RunProof.Format;\nnamespace N { [Canonical] public sealed partial record Order(int X); }\nnamespace O { [Canonical(Version = \"1\", Name = \"order_2\")] public sealed partial record Order(int X); }\n");
}
