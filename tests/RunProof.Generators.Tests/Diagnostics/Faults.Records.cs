namespace RunProof.Generators.Tests.Diagnostics;

internal static partial class Faults
{
    private static readonly (string Id, string Source, string Message)[] OfRecords =
    [
        ("RP0101", "[Canonical] public sealed record ⟦A⟧(int X);", "'A' has [Canonical] and is no partial record, so its serializer has no place: declare it 'partial record'"),
        ("RP0101", "[Canonical] public sealed partial class ⟦A⟧ { public int X { get; init; } }", "'A' has [Canonical] and is no partial record, so its serializer has no place: declare it 'partial record'"),
        ("RP0101", "[Canonical] public readonly record struct ⟦A⟧(int X);", "'A' has [Canonical] and is no partial record, so its serializer has no place: declare it 'partial record struct'"),
        ("RP0101", "[Canonical] public sealed partial class ⟦A⟧ { public double Price { get; set; } }", "'A' has [Canonical] and is no partial record, so its serializer has no place: declare it 'partial record'"),
        ("RP0102", "public class Outer { [Canonical] public sealed partial record ⟦A⟧(int X); }", "'A' cannot be canonical inside 'Outer', which is not partial, so its serializer has no place: declare that 'partial'"),
        ("RP0102", "public partial class Outer<T> { [Canonical] public sealed partial record ⟦A⟧(int X); }", "'A' cannot be canonical inside 'Outer', which is generic, and a schema has one fixed set of members: move it out"),
        ("RP0103", "[Canonical] public sealed partial record ⟦A⟧<T>(int X);", "'A' cannot be canonical: it is generic, and a schema has one fixed set of members: declare one for each type argument"),
        ("RP0103", "[Canonical] public abstract partial record ⟦A⟧(int X);", "'A' cannot be canonical: it is abstract, and a schema has one fixed set of members: give [Canonical] to the records that derive from it"),
        ("RP0103", "[Canonical] file sealed partial record ⟦A⟧(int X);", "'A' cannot be canonical: it is local to its file, and a schema has one fixed set of members: declare it internal"),
        ("RP0104", "[Canonical] public sealed partial record ⟦A⟧ { public A(int x) { X = x; } public A(int x, int y) { X = x + y; } public int X { get; init; } }", "'A' cannot be read back: it has several constructors and no primary one: give it a primary constructor, or one without parameters"),
        ("RP0104", "[Canonical] public sealed partial record ⟦A⟧ { public A(int other) { X = other; } public int X { get; init; } }", "'A' cannot be read back: its constructor's parameter 'other' is no public property: give it a primary constructor, or one without parameters"),
        ("RP0105", "[Canonical(Name = \"two words\")] public sealed partial record ⟦A⟧(int X);", "\"two words\" cannot be the schema name of 'A': it is hashed and printed; use 1 to 128 printable ASCII characters without space"),
        ("RP0105", "[Canonical(Version = \"\")] public sealed partial record ⟦A⟧(int X);", "\"\" cannot be the schema version of 'A': it is hashed and printed; use 1 to 128 printable ASCII characters without space"),
        ("RP0106", "[Canonical] public sealed partial record A { public int ⟦X⟧ { get; set; } }", "'A.X' can be set after it was hashed, and the evidence would not show it: use 'init' for 'set'"),
        ("RP0106", "[Canonical] public sealed partial record A { public int ⟦X⟧ { get; private set; } }", "'A.X' can be set after it was hashed, and the evidence would not show it: use 'init' for 'set'"),
        ("RP0106", "[Canonical] public partial record struct ⟦A⟧(int X, int Y);", "'A' can be set after it was hashed, and the evidence would not show it: declare the struct 'readonly'"),
        ("RP0106", "public record B { public int X { get; set; } } [Canonical] public sealed partial record ⟦A⟧ : B;", "'A.X' can be set after it was hashed, and the evidence would not show it: use 'init' for 'set'"),
        ("RP0106", "[Canonical] public sealed partial record A(int X) { public int ⟦Y⟧; }", "'A.Y' can be set after it was hashed, and the evidence would not show it: it is a field, which is not hashed at all; make it a property with 'init', or not public"),
        ("RP0107", "[Canonical(Name = \"p\")] public sealed partial record ⟦A⟧(int X);", "'A' (Fault.cs:3) is schema \"p\" version \"1\", and so is 'P' (Fault.cs:2): evidence could not tell them apart; give one of them another [Canonical(Name = …)]"),
        ("RP0107", "namespace N { public static partial class Outer { [RunProof.Format.CanonicalAttribute(Version = \"1\")] public sealed partial record ⟦O⟧(int X); } }", "'Outer.O' (Fault.cs:3) is schema \"o\" version \"1\", and so is 'O' (Fault.cs:2): evidence could not tell them apart; give one of them another [Canonical(Name = …)]"),
    ];
}
