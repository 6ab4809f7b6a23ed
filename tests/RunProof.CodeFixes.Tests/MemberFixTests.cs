using RunProof.CodeFixes.Tests.Driving;

namespace RunProof.CodeFixes.Tests;

/// <summary>RP02xx: what a member must be. <c>A</c> is the record, <c>X</c> the member; the rest of the file stays as it is.</summary>
public sealed class MemberFixTests
{
    private const string Usings = "using System.Collections.Generic;\nusing RunProof.Format;\n\n[Canonical]\npublic sealed partial record A";

    private const string AllUsings = "using System.Collections.Concurrent;\nusing System.Collections.Frozen;\nusing System.Collections.Immutable;\nusing System.Text.Json;\nusing System.Text.Json.Nodes;\n";

    public static TheoryData<string, string, string, string> Types() => new()
    {
        { "RP0201", "(char X);", "(string X);", "string" },
        { "RP0201", "(Uri? X = null);", "(string? X = null);", "string?" },
        { "RP0201", "(Half X = default);", "(double X = default);", "double" },
        { "RP0201", "(SortedDictionary<string, int?> X);", "(IReadOnlyDictionary<string, int?> X);", "IReadOnlyDictionary<string, int?>" },
        { "RP0201", " { public SortedDictionary<string, int> X { get; init; } = new(); }", " { public IReadOnlyDictionary<string, int> X { get; init; } = new Dictionary<string, int>(); }", "IReadOnlyDictionary<string, int>" },
        { "RP0201", "(Queue<string?> X);", "(IReadOnlyList<string?> X);", "IReadOnlyList<string?>" },
        { "RP0201", "(List<Version> X);", "(List<string> X);", "List<string>" },
        { "RP0202", "(object X);", "(CanonicalJson X);", "CanonicalJson" },
        { "RP0202", "(object? X = null);", "(CanonicalJson? X = null);", "CanonicalJson?" },
        { "RP0202", "(dynamic /* any */ X);", "(CanonicalJson /* any */ X);", "CanonicalJson" },
        { "RP0202", "(List<object?> X);", "(List<CanonicalJson?> X);", "List<CanonicalJson?>" },
        { "RP0202", "(Dictionary<string, object[]> X);", "(Dictionary<string, CanonicalJson[]> X);", "Dictionary<string, CanonicalJson[]>" },
        { "RP0202", "(JsonElement X, int Y = 1);", "(CanonicalJson X, int Y = 1);", "CanonicalJson" },
        { "RP0202", "(JsonElement? X);", "(CanonicalJson? X);", "CanonicalJson?" },
        { "RP0202", " { public JsonElement X { get; init; } }", " { public required CanonicalJson X { get; init; } }", "CanonicalJson" },
        { "RP0202", " { public JsonNode? X { get; init; } }", " { public CanonicalJson? X { get; init; } }", "CanonicalJson?" },
        { "RP0202", " { public required System.Text.Json.Nodes.JsonObject X { get; init; } }", " { public required CanonicalJson X { get; init; } }", "CanonicalJson" },
        { "RP0203", "(DateTime X);", "(DateTimeOffset X);", "DateTimeOffset" },
        { "RP0203", "(System.DateTime? X = null);", "(DateTimeOffset? X = null);", "DateTimeOffset?" },
        { "RP0203", "([WireName(\"at\")] DateOnly X = default);", "([WireName(\"at\")] DateTimeOffset X = default);", "DateTimeOffset" },
        { "RP0203", "(Dictionary<string, List<TimeOnly?>> X);", "(Dictionary<string, List<DateTimeOffset?>> X);", "Dictionary<string, List<DateTimeOffset?>>" },
        { "RP0203", " { public DateTime X { get; init; } = DateTime.UnixEpoch; }", " { public DateTimeOffset X { get; init; } = DateTimeOffset.UnixEpoch; }", "DateTimeOffset" },
        { "RP0204", "(HashSet<int> X);", "(IReadOnlyList<int> X);", "IReadOnlyList<int>" },
        { "RP0204", "(ISet<string?>? X = null);", "(IReadOnlyList<string?>? X = null);", "IReadOnlyList<string?>?" },
        { "RP0204", "(IReadOnlySet<long> X);", "(IReadOnlyList<long> X);", "IReadOnlyList<long>" },
        { "RP0204", "(FrozenSet<string> X);", "(IReadOnlyList<string> X);", "IReadOnlyList<string>" },
        { "RP0204", "(List<SortedSet<string>> X);", "(List<IReadOnlyList<string>> X);", "List<IReadOnlyList<string>>" },
        { "RP0204", "(ConcurrentBag<int> X);", "(IReadOnlyList<int> X);", "IReadOnlyList<int>" },
        { "RP0204", " { public HashSet<int> X { get; init; } = new(); }", " { public IReadOnlyList<int> X { get; init; } = []; }", "IReadOnlyList<int>" },
        { "RP0204", " { public HashSet<int> X { get; init; } = [1, 2]; }", " { public IReadOnlyList<int> X { get; init; } = [1, 2]; }", "IReadOnlyList<int>" },
        { "RP0204", " { public ImmutableHashSet<string> X { get; init; } = ImmutableHashSet<string>.Empty; }", " { public IReadOnlyList<string> X { get; init; } = []; }", "IReadOnlyList<string>" },
        { "RP0205", "(Dictionary<int, string> X);", "(Dictionary<string, string> X);", "Dictionary<string, string>" },
        { "RP0205", "(IReadOnlyDictionary<Guid, int>? X);", "(IReadOnlyDictionary<string, int>? X);", "IReadOnlyDictionary<string, int>?" },
        { "RP0205", "(List<Dictionary<int, int>> X);", "(List<Dictionary<string, int>> X);", "List<Dictionary<string, int>>" },
        { "RP0205", " { public Dictionary<int, int> X { get; init; } = new Dictionary<int, int>(); }", " { public Dictionary<string, int> X { get; init; } = []; }", "Dictionary<string, int>" },
        { "RP0206", "(IEnumerable<int> X);", "(IReadOnlyList<int> X);", "IReadOnlyList<int>" },
        { "RP0206", "(IList<string> X);", "(IReadOnlyList<string> X);", "IReadOnlyList<string>" },
        { "RP0206", "(IReadOnlyCollection<decimal?>? X);", "(IReadOnlyList<decimal?>? X);", "IReadOnlyList<decimal?>?" },
        { "RP0206", "(System.Collections.Generic.ICollection<int> X);", "(IReadOnlyList<int> X);", "IReadOnlyList<int>" },
        { "RP0206", "(IDictionary<string, List<int>> X);", "(IReadOnlyDictionary<string, List<int>> X);", "IReadOnlyDictionary<string, List<int>>" },
        { "RP0206", " { public IEnumerable<int> X { get; init; } = new List<int>(); }", " { public IReadOnlyList<int> X { get; init; } = []; }", "IReadOnlyList<int>" },
        { "RP0208", "(double PriceCents);", "(decimal PriceCents);", "decimal" },
        { "RP0208", "(float? Amount = null);", "(decimal? Amount = null);", "decimal?" },
        { "RP0208", "(double Amount = 0.0);", "(decimal Amount = 0m);", "decimal" },
        { "RP0208", "(double Amount = 0);", "(decimal Amount = 0);", "decimal" },
        { "RP0208", " { public double Price { get; init; } = -1_234.50; }", " { public decimal Price { get; init; } = -1234.5m; }", "decimal" },
        { "RP0208", " { public float Fee { get; init; } = 1.5e-3f; }", " { public decimal Fee { get; init; } = 0.0015m; }", "decimal" },
        { "RP0208", " { public List<double> TotalAmount { get; init; } = []; }", " { public List<decimal> TotalAmount { get; init; } = []; }", "List<decimal>" },
    };

    [Theory]
    [MemberData(nameof(Types))]
    public Task A_type_with_a_canonical_form_stands_in_its_place(string id, string before, string after, string type) =>
        Fixed.Is(id, $"Use '{type}'", AllUsings + Usings + before + "\n", AllUsings + Usings + after + "\n");

    /// <summary>What would be another value, no value, or no code, is not written by a machine.</summary>
    [Theory]
    [InlineData("RP0201", "(Dictionary<string, (int, int)> X);")]
    [InlineData("RP0201", "(Action X);")]
    [InlineData("RP0202", " { public object X { get; init; } = new(); }")]
    [InlineData("RP0202", "(JsonElement X = default);")]
    [InlineData("RP0202", " { public object X { get; init; } = \"text\"; }")]
    [InlineData("RP0203", " { public DateTime X { get; init; } = new(2026, 1, 1); }")]
    [InlineData("RP0203", " { public DateTime X { get; init; } = new DateTime(2026, 1, 1); }")]
    [InlineData("RP0203", " { public DateOnly X { get; init; } = DateOnly.MinValue; }")]
    [InlineData("RP0204", " { public HashSet<string> X { get; init; } = new(StringComparer.Ordinal); }")]
    [InlineData("RP0204", " { public HashSet<string> X { get; init; } = new() { \"a\" }; }")]
    [InlineData("RP0205", " { public Dictionary<int, string> X { get; init; } = new() { [1] = \"a\" }; }")]
    [InlineData("RP0206", "(IComparable X);")]
    [InlineData("RP0206", "(System.Collections.IEnumerable X);")]
    [InlineData("RP0206", " { public IEnumerable<int> X { get; init; } = new[] { 1 }.Where(n => n > 0); }")]
    [InlineData("RP0208", " { public double Amount { get; init; } = double.NaN; }")]
    [InlineData("RP0208", " { public double Amount { get; init; } = 1e300; }")]
    [InlineData("RP0208", "(double Amount = A.Least) { public const double Least = 1.5; }")]
    public Task Where_a_default_would_not_survive_nothing_is_offered(string id, string source) =>
        Fixed.IsNotOffered(id, "using System.Linq;\n" + AllUsings + Usings + source);

    [Fact]
    public Task A_record_without_the_attribute_gets_it() => Fixed.Is(
        "RP0201",
        "Make 'Item' a canonical record",
        "using System.Collections.Generic;\n\nnamespace N\n{\n    public static class Outer\n    {\n        /// <summary>An item.</summary>\n        public sealed record Item(int Count);\n    }\n\n    [RunProof.Format.Canonical]\n    public sealed partial record Order(IReadOnlyList<Outer.Item> Items);\n}\n",
        "using System.Collections.Generic;\nusing RunProof.Format;\n\nnamespace N\n{\n    public static partial class Outer\n    {\n        /// <summary>An item.</summary>\n        [Canonical]\n        public sealed partial record Item(int Count);\n    }\n\n    [RunProof.Format.Canonical]\n    public sealed partial record Order(IReadOnlyList<Outer.Item> Items);\n}\n");

    [Theory]
    [InlineData("public sealed record B<T>(T Item); [RunProof.Format.Canonical] public sealed partial record A(B<int> X);")]
    [InlineData("public abstract record B; [RunProof.Format.Canonical] public sealed partial record A(B X);")]
    [InlineData("public class Outer<T> { public sealed record B; } [RunProof.Format.Canonical] public sealed partial record A(Outer<int>.B X);")]
    public Task An_open_record_is_left_alone(string source) => Fixed.IsNotOffered("RP0201", source);

    [Fact]
    public Task A_using_is_added_where_it_belongs_and_lines_end_as_they_did() => Fixed.Is(
        "RP0204",
        "Use 'IReadOnlyList<int>'",
        "// Licence.\r\nusing System.Collections.Immutable;\r\nusing RunProof.Format;\r\n\r\nnamespace N;\r\n\r\n[Canonical]\r\npublic sealed partial record A(\r\n    ImmutableHashSet<int> X, // unordered\r\n    int Y);\r\n",
        "// Licence.\r\nusing System.Collections.Generic;\r\nusing System.Collections.Immutable;\r\nusing RunProof.Format;\r\n\r\nnamespace N;\r\n\r\n[Canonical]\r\npublic sealed partial record A(\r\n    IReadOnlyList<int> X, // unordered\r\n    int Y);\r\n");

    [Fact]
    public Task Without_any_using_the_first_is_added() => Fixed.Is(
        "RP0202",
        "Use 'CanonicalJson'",
        "[RunProof.Format.Canonical] public sealed partial record A(object X);\n",
        "using RunProof.Format;\n\n[RunProof.Format.Canonical] public sealed partial record A(object X);\n".Replace("object", "CanonicalJson", StringComparison.Ordinal));

    [Fact]
    public Task All_of_a_file_at_once_with_one_using() => Fixed.AllAre(
        "RP0204",
        "RunProof.RP0204",
        "using System.Collections.Immutable;\nusing RunProof.Format;\n\n[Canonical] public sealed partial record A(ImmutableHashSet<int> X, ImmutableHashSet<string> Y);\n[Canonical] public sealed partial record B(int X, ImmutableSortedSet<string> Y);\n",
        "using System.Collections.Generic;\nusing System.Collections.Immutable;\nusing RunProof.Format;\n\n[Canonical] public sealed partial record A(IReadOnlyList<int> X, IReadOnlyList<string> Y);\n[Canonical] public sealed partial record B(int X, IReadOnlyList<string> Y);\n");

    [Theory]
    [InlineData("{ public int X { get; } }", "{ public int X { get; init; } }")]
    [InlineData("{ public int X { get; } = 5; }", "{ public int X { get; init; } = 5; }")]
    [InlineData("\n{\n    public int X\n    {\n        get; // read\n    }\n}", "\n{\n    public int X\n    {\n        get; init; // read\n    }\n}")]
    public Task A_member_that_is_only_read_gets_init(string before, string after) =>
        Fixed.Is("RP0209", "Give 'X' an init accessor", Usings + before, Usings + after);

    [Theory]
    [InlineData("(int Y) { public int X => 2 * Y; }")]
    [InlineData("(int Y) { public int X { get { return 2 * Y; } } }")]
    [InlineData("(int Y) { public int X { get => 2 * Y; } }")]
    public Task What_is_computed_cannot_be_set(string source) => Fixed.IsNotOffered("RP0209", Usings + source);

    [Theory]
    [InlineData("#nullable disable\nusing RunProof.Format;\n", "#nullable enable\nusing RunProof.Format;\n")]
    [InlineData("using RunProof.Format;\n  #nullable disable annotations // old\n", "using RunProof.Format;\n  #nullable enable // old\n")]
    public Task Nullable_reference_types_are_turned_on(string before, string after) =>
        Fixed.Is("RP0210", "Write '#nullable enable'", before + "[Canonical] public sealed partial record A(string X);\n", after + "[Canonical] public sealed partial record A(string X);\n");

    [Theory]
    [InlineData("", "#nullable enable\r\n")]
    [InlineData("// Licence.\r\n// Of many lines.\r\n\r\n", "// Licence.\r\n// Of many lines.\r\n#nullable enable\r\n\r\n")]
    public async Task A_project_without_nullable_gets_the_directive_on_top(string before, string after)
    {
        const string Rest = "using RunProof.Format;\r\n[Canonical] public sealed partial record A(string X, string? Y);\r\n";
        var project = Scene.Of(Microsoft.CodeAnalysis.NullableContextOptions.Disable, (Fixed.File, before + Rest));
        project = await Fixed.Applied("RP0210", "Write '#nullable enable'", project);
        Assert.Equal(after + Rest, await Fixed.Text(project));
        await Fixed.IsWell(project);
    }

    [Fact]
    public Task All_members_at_once_need_one_directive() => Fixed.AllAre(
        "RP0210",
        "RunProof.RP0210",
        "#nullable disable\n[RunProof.Format.Canonical] public sealed partial record A(string X, string Y);\n",
        "#nullable enable\n[RunProof.Format.Canonical] public sealed partial record A(string X, string Y);\n");

    [Fact]
    public Task What_another_file_declares_is_not_turned_on_here() => Fixed.IsNotOffered(
        "RP0210",
        "#nullable disable\npublic record B { public string X { get; init; } }\n#nullable enable\n[RunProof.Format.Canonical] public sealed partial record A : B;\n");

    [Theory]
    [InlineData("RP0212", "([WireName(\"\")] int X);", "([WireName(\"x\")] int X);", "x")]
    [InlineData("RP0212", "(int X) { [property: WireName(name: \"\\ud800\")] public int Zip { get; init; } }", "(int X) { [property: WireName(name: \"zip\")] public int Zip { get; init; } }", "zip")]
    [InlineData("RP0213", "(int UrlPath, [WireName(\"url_path\")] int Other);", "(int UrlPath, [WireName(\"other\")] int Other);", "other")]
    [InlineData("RP0213", "(int UrlPath, int URLPath);", "(int UrlPath, [WireName(\"url_path_2\")] int URLPath);", "url_path_2")]
    [InlineData("RP0213", "(int UrlPath, [WireName(\"url_path_2\")] int X, [System.Diagnostics.CodeAnalysis.NotNull] int URLPath);", "(int UrlPath, [WireName(\"url_path_2\")] int X, [System.Diagnostics.CodeAnalysis.NotNull] [WireName(\"url_path_3\")] int URLPath);", "url_path_3")]
    [InlineData("RP0213", "(int UrlPath)\n{\n    /// <summary>A path.</summary>\n    public int URLPath { get; init; }\n}", "(int UrlPath)\n{\n    /// <summary>A path.</summary>\n    [WireName(\"url_path_2\")]\n    public int URLPath { get; init; }\n}", "url_path_2")]
    [InlineData("RP0213", "(int UrlPath) { public int URLPath { get; init; } }", "(int UrlPath) { [WireName(\"url_path_2\")] public int URLPath { get; init; } }", "url_path_2")]
    public Task A_member_gets_a_free_wire_name(string id, string before, string after, string name) =>
        Fixed.Is(id, $"Call it \"{name}\" on the wire", Usings + before, Usings + after);

    [Fact]
    public Task An_inherited_member_is_not_renamed_where_it_is_not_declared() => Fixed.IsNotOffered(
        "RP0213",
        "using RunProof.Format; public record B { public int URLPath { get; init; } } [Canonical] public sealed partial record A(int UrlPath) : B;");
}
