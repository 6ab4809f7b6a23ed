using System.Buffers;
using System.Reflection;
using System.Text;
using Microsoft.CodeAnalysis;
using RunProof.Format;
using RunProof.Generators.Tests.Driving;
using RunProof.Generators.Tests.Samples;
using RunProof.Skills;

namespace RunProof.Generators.Tests.Lock;

/// <summary>What has shipped stays readable from the lock alone: the class may have moved on, or be gone.</summary>
public sealed class HistoryTests
{
    private const string First = """
        [Canonical] public sealed partial record Order(Line[] Items, string? Note);
        [Canonical] public sealed partial record Line(string Sku, int Count);
        """;

    private const string Third = """
        [Canonical(Version = "3")] public sealed partial record Order(Dictionary<string, Line> Items, DateTimeOffset At);
        [Canonical] public sealed partial record Line(string Sku, int Count);
        """;

    /// <summary>Everything that this assembly declares, as its own lock would have it.</summary>
    private static readonly LockFile Samples = Locking.Of(typeof(Scalars).Assembly.GetCustomAttributes<CanonicalShapeAttribute>().Select(static shape => shape.Entry));

    public static TheoryData<string, byte[]> Values() => new()
    {
        { Scalars.CanonicalFingerprint, CanonicalBytes.Of(Generators.Tests.Samples.Values.Scalars) },
        { Absent.CanonicalFingerprint, CanonicalBytes.Of(Generators.Tests.Samples.Values.Absent) },
        { Order.CanonicalFingerprint, CanonicalBytes.Of(Generators.Tests.Samples.Values.Order) },
        { Collections.CanonicalFingerprint, CanonicalBytes.Of(Generators.Tests.Samples.Values.Collections) },
        { Dog.CanonicalFingerprint, CanonicalBytes.Of(Generators.Tests.Samples.Values.Dog) },
        { Nothing.CanonicalFingerprint, "{}"u8.ToArray() },
    };

    private static readonly Lazy<IReadOnlyList<CanonicalSchema>> History =
        new(static () => Locking.Load(Locking.Build(Generation.Compile(("Empty.cs", "")), LockPrinter.Print(Samples)).Built).All);

    [Fact]
    public void Every_shape_of_a_lock_is_there_without_any_class() =>
        Assert.Equal(Samples.Records.Select(static record => (record.Name, record.Version, record.Fingerprint, record.Schema)), History.Value.Select(static schema => (schema.Name, schema.Version, schema.Fingerprint, schema.SchemaJson)));

    [Theory]
    [MemberData(nameof(Values))]
    public void What_was_recorded_is_read_and_written_again_to_the_byte(string fingerprint, byte[] recorded)
    {
        var output = new ArrayBufferWriter<byte>();
        Assert.True(Schema(fingerprint).TryReserialize(recorded, output, out var fault), fault.Message);
        Assert.Equal(Encoding.UTF8.GetString(recorded), Encoding.UTF8.GetString(output.WrittenSpan));
    }

    [Theory]
    [MemberData(nameof(Values))]
    public void Any_byte_changed_is_refused_or_another_value(string fingerprint, byte[] recorded)
    {
        for (var i = 0; i < recorded.Length; i++)
        {
            var changed = recorded.ToArray();
            changed[i] ^= 1;
            var output = new ArrayBufferWriter<byte>();
            if (Schema(fingerprint).TryReserialize(changed, output, out var fault))
                Assert.Equal(changed, output.WrittenSpan);
            else
                Assert.NotEqual(ReadFaultCode.None, fault.Code);
        }
    }

    [Fact]
    public void A_version_of_the_past_stands_beside_the_present_one()
    {
        var (built, sources) = Locking.Build(Generation.Compile(("Now.cs", Locking.Usings + Third)), LockPrinter.Print(Locking.Shipped(First)));
        var all = Locking.Load(built).All;
        Assert.Equal(["line/1", "order/3", "order/1"], all.Select(static schema => schema.Name + "/" + schema.Version));
        Assert.Equal("{\"items\":[{\"count\":2,\"sku\":\"a\"}],\"note\":null}", Again(all[2], "{\"items\":[{\"count\":2,\"sku\":\"a\"}],\"note\":null}"));
        Assert.Equal("byte 36: ", Again(all[2], "{\"items\":[{\"count\":2,\"sku\":\"a\"}],\"nope\":null}")[..9]);
        Assert.Equal("{\"at\":\"2026-02-10T12:43:41.549430Z\",\"items\":{}}", Again(all[1], "{\"at\":\"2026-02-10T12:43:41.549430Z\",\"items\":{}}"));
        Assert.Contains("CanonicalHistory.order-1.g.cs", sources.Keys);
    }

    [Fact]
    public void A_record_within_the_past_is_of_the_past_too_and_does_not_move_on_with_its_class()
    {
        var text = LockPrinter.Print(Locking.Shipped(First));
        var before = Locking.Build(Generation.Compile(("Now.cs", Locking.Usings + Third)), text).Sources;
        var after = Locking.Build(Generation.Compile(("Now.cs", Locking.Usings + Third.Replace("[Canonical] public sealed partial record Line(", "[Canonical(Version = \"2\")] public sealed partial record Line(long More, ", StringComparison.Ordinal))), text).Sources;
        Assert.Contains("public required global::System.Collections.Generic.IReadOnlyList<global::Generated.Test.CanonicalHistory.LineV1> Items { get; init; }", before["CanonicalHistory.order-1.Declared.g.cs"], StringComparison.Ordinal);
        Assert.All(before.Where(static source => source.Key.StartsWith("CanonicalHistory.", StringComparison.Ordinal)), source => Assert.Equal(source.Value, after[source.Key]));
    }

    [Fact]
    public void What_the_code_still_declares_has_no_history()
    {
        var sources = Locking.Build(Generation.Compile(("Now.cs", Locking.Usings + First)), LockPrinter.Print(Locking.Shipped(First))).Sources;
        Assert.DoesNotContain(sources.Keys, static name => name.StartsWith("CanonicalHistory.", StringComparison.Ordinal));
    }

    [Fact]
    public void The_source_of_the_past_is_as_committed()
    {
        var file = LockFile.Of([LockRecord.Of("order_item", "1", []), LockComparisonTests.Record("class:class:enum(1|DARK|light_grey) note:Note:text? seed:Seed:scalar(integer) shades:Shades:map(enum(a|b)?[])", "shop.order", "1.0.2")], []);
        var sources = Locking.Build(Generation.Compile(("Empty.cs", "")), LockPrinter.Print(file)).Sources;
        Assert.Equal(
            ["CanonicalHistory.order_item-1.Declared.g.cs", "CanonicalHistory.order_item-1.g.cs", "CanonicalHistory.shop.order-1.0.2.Declared.g.cs", "CanonicalHistory.shop.order-1.0.2.g.cs", "GeneratedSchemas.g.cs"],
            sources.Keys);
        Snapshot.Matches("History.Declared", "cs", sources["CanonicalHistory.shop.order-1.0.2.Declared.g.cs"]);
        Snapshot.Matches("History.Canonical", "cs", sources["CanonicalHistory.shop.order-1.0.2.g.cs"]);
    }

    [Fact]
    public void Names_that_C_sharp_does_not_allow_are_mapped_and_none_meets_another()
    {
        string[] names = ["a_b", "ab", "a.b", "a__b", "aB", "AB", "A_b", "a-b", "a/b", "1", "_", ".", "a.", "a.1", "class", "object", "order_v1", "order", "(", "\"\\"];
        string[] versions = ["1", "2", "1.0", "1_0", "1-0", "x", "V1"];
        var file = LockFile.Of(names.SelectMany(name => versions.Select(version => LockComparisonTests.Record("m:M:int32", name, version))), []);
        var (built, _) = Locking.Build(Generation.Compile(("Empty.cs", "")), LockPrinter.Print(file));
        Assert.Equal(file.Records.Select(static record => record.Fingerprint), Locking.Load(built).All.Select(static schema => schema.Fingerprint));
    }

    [Fact]
    public void Members_and_words_that_C_sharp_does_not_allow_are_mapped_too()
    {
        string[] properties =
        [
            "Clone", "Equals", "GetHashCode", "ToString", "EqualityContract", "PrintMembers", "Finalize", "GetType", "MemberwiseClone", "ReferenceEquals", "CanonicalSchema", "TryReadCanonical",
            "OddV1", "class", "record", "value", "reader", "writer", "System", "global", "1st", "a b", "a-b", "a<b>&", "Größe", "\ud83d\ude00", "", "x\u2028y", "Kind", "KindWord", "Deconstruct", "field", "required",
        ];
        var members = properties.Where(static name => name.Length > 0).Select((name, i) => new LockMember("w\n\u0085\ufffe" + i, name, LockType.Leaf("int32"))).ToList();
        members.Add(new LockMember("kind", "Kinds", LockType.Enum(["a", "A", "b_c", "bC", "BC", "1", "-", "\u00e9", "class", "value__", "\n", "\ud83d\ude00", "<&>"])));
        members.Add(new LockMember("kinds", "KindsWord", LockType.List(LockType.Enum(["a"]))));
        var file = LockFile.Of([LockRecord.Of("odd", "1", members)], []);
        var (built, _) = Locking.Build(Generation.Compile(("Empty.cs", "")), LockPrinter.Print(file));
        Assert.Empty(Undocumented(built));
        Assert.Equal(file.Records[0].Fingerprint, Assert.Single(Locking.Load(built).All).Fingerprint);
    }

    [Fact]
    public void A_record_may_be_called_like_what_is_around_it()
    {
        var file = LockFile.Of([LockComparisonTests.Record("all:All:text skills:Skills:text", "all"), LockComparisonTests.Record("", "generated_schemas"), LockComparisonTests.Record("", "canonical_history")], []);
        var now = "namespace Generated.Test { [Canonical] public sealed partial record All(int A); } namespace Generated.Test.System { class String; }";
        Assert.Equal(4, Locking.Load(Locking.Build(Generation.Compile(("Now.cs", Locking.Usings + now.Replace("[Canonical]", "[Canonical(Version = \"2\")]", StringComparison.Ordinal))), LockPrinter.Print(file)).Built).All.Count);
    }

    [Fact]
    public void Skills_of_the_past_are_known_by_their_schema()
    {
        const string shipped = """
            [Canonical] public sealed partial record Ask(string Q);
            [Canonical] public sealed partial record Answer(string A);
            /// <summary>Answers.</summary>
            [Skill("ask")] public sealed partial class AskSkill { public Task<Answer> ExecuteAsync(Ask ask, SkillContext context, CancellationToken cancellationToken) => throw new Exception(); }
            """;
        var file = Locking.Shipped(shipped);
        var now = shipped.Replace("[Skill(\"ask\")]", "[Skill(\"ask\", Version = \"2.0.0\")]", StringComparison.Ordinal).Replace("[Canonical] public sealed partial record Answer(string A)", "[Canonical(Version = \"2\")] public sealed partial record Answer(int A)", StringComparison.Ordinal);
        var (_, skills) = Locking.Load(Locking.Build(Generation.Compile(("Now.cs", Locking.Usings + now)), LockPrinter.Print(file)).Built);
        Assert.Equal(["ask 2.0.0", "ask 1.0.0"], skills.Select(static skill => skill.Name + " " + skill.Version));
        Assert.Equal((file.Skills[0].Schema, file.Skills[0].Parameters, file.Skills[0].Outcome), (skills[1].Schema.ToString(), skills[1].ParametersFingerprint, skills[1].OutcomeFingerprint));
        var (all, gone) = Locking.Load(Locking.Build(Generation.Compile(("Empty.cs", "")), LockPrinter.Print(file)).Built);
        Assert.Equal(["ask 1.0.0"], gone.Select(static skill => skill.Name + " " + skill.Version));
        Assert.Equal(2, all.Count);
    }

    [Fact]
    public void Without_RunProof_Skills_the_past_is_there_as_types()
    {
        var (built, sources) = Locking.Build(Generation.CompileWithoutSkills(("Empty.cs", "")), LockPrinter.Print(Locking.Shipped(First)));
        Assert.DoesNotContain("class GeneratedSchemas", sources["GeneratedSchemas.g.cs"], StringComparison.Ordinal);
        Assert.NotNull(Locking.Assembly(built).GetType("Generated.Test.CanonicalHistory.OrderV1"));
    }

    [Theory]
    [InlineData("off", false)]
    [InlineData("accept", true)]
    [InlineData("", true)]
    public void Where_the_lock_is_off_there_is_no_history(string mode, bool isThere)
    {
        var sources = Locking.Build(Generation.Compile(("Now.cs", Locking.Usings + Third)), LockPrinter.Print(Locking.Shipped(First)), ("RunProofCanonicalLock", mode)).Sources;
        Assert.Equal(isThere, sources.ContainsKey("CanonicalHistory.order-1.g.cs"));
    }

    [Theory]
    [InlineData("{")]
    [InlineData("")]
    public void Of_a_lock_that_cannot_be_read_there_is_no_history(string text)
    {
        var damaged = text.Length > 0 ? text : LockPrinter.Print(Locking.Shipped(First)).Replace("text?", "text", StringComparison.Ordinal);
        Assert.DoesNotContain(Locking.Build(Generation.Compile(("Now.cs", Locking.Usings + Third)), damaged).Sources.Keys, static name => name.StartsWith("CanonicalHistory.", StringComparison.Ordinal));
    }

    [Fact]
    public void A_shape_that_drifted_is_generated_as_it_is_and_its_past_is_not_lost_to_who_holds_it()
    {
        var held = Third.Replace("record Line(string Sku", "record Line(string? Sku", StringComparison.Ordinal);
        var all = Locking.Load(Locking.Build(Generation.Compile(("Now.cs", Locking.Usings + held)), LockPrinter.Print(Locking.Shipped(First)), ("RunProofCanonicalLock", "accept")).Built).All;
        Assert.Equal("{\"items\":[{\"count\":2,\"sku\":\"a\"}],\"note\":null}", Again(all.Single(static schema => schema.Name + schema.Version == "order1"), "{\"items\":[{\"count\":2,\"sku\":\"a\"}],\"note\":null}"));
        Assert.Equal(2, all.Count(static schema => schema.Name == "line"));
    }

    private static CanonicalSchema Schema(string fingerprint) => History.Value.Single(schema => schema.Fingerprint == fingerprint);

    private static string Again(CanonicalSchema schema, string recorded)
    {
        var output = new ArrayBufferWriter<byte>();
        return schema.TryReserialize(Encoding.UTF8.GetBytes(recorded), output, out var fault) ? Encoding.UTF8.GetString(output.WrittenSpan) : $"byte {fault.Offset}: {fault.Message}";
    }

    /// <summary>What is said where a library documents every public member.</summary>
    private static IEnumerable<string> Undocumented(Compilation built)
    {
        var trees = built.SyntaxTrees.Select(static tree => Generation.Parse(tree.FilePath, tree.ToString(), DocumentationMode.Diagnose));
        var strict = built.Options.WithSpecificDiagnosticOptions([new("CS1591", ReportDiagnostic.Error), new("CS8019", ReportDiagnostic.Suppress), new("CS8933", ReportDiagnostic.Suppress)]);
        return Locking.Problems(built.RemoveAllSyntaxTrees().AddSyntaxTrees(trees).WithOptions(strict));
    }
}
