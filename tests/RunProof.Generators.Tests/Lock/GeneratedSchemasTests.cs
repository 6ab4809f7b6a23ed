using System.Buffers;
using System.Reflection;
using Microsoft.CodeAnalysis;
using Microsoft.Extensions.DependencyInjection;
using RunProof.Format;
using RunProof.Generators.Tests.Driving;
using RunProof.Generators.Tests.Samples;
using RunProof.Skills;

namespace RunProof.Generators.Tests.Lock;

/// <summary>What an assembly knows of its own shapes, and the registry over all of them.</summary>
public sealed class GeneratedSchemasTests
{
    private const string Library = """
        using RunProof.Format;
        namespace L;
        [Canonical] public sealed partial record Ask(Inner I);
        [Canonical] public sealed partial record Inner(int N);
        """;

    private const string OnlySkills = """
        /// <summary>Answers.</summary>
        [Skill("ask")] public sealed partial class AskSkill { public Task<L.Inner> ExecuteAsync(L.Ask ask, SkillContext context, CancellationToken cancellationToken) => throw new Exception(); }
        """;

    [Fact]
    public void Every_record_of_this_assembly_is_there()
    {
        var all = GeneratedSchemas.All.ToDictionary(static schema => schema.Name + "/" + schema.Version);
        Assert.Equal((Scalars.CanonicalFingerprint, Scalars.CanonicalSchema), (all["sample.scalars/2"].Fingerprint, all["sample.scalars/2"].SchemaJson));
        Assert.Equal(Order.CanonicalFingerprint, all["order/1"].Fingerprint);
        var declared = typeof(Scalars).Assembly.GetTypes().Where(static type => type.GetCustomAttributes(typeof(CanonicalAttribute), inherit: false).Length > 0)
            .Select(static type => (string)type.GetProperty("CanonicalFingerprint", BindingFlags.Public | BindingFlags.Static | BindingFlags.DeclaredOnly)!.GetValue(null)!).ToList();
        Assert.NotEmpty(declared);
        Assert.Empty(declared.Except(all.Values.Select(static schema => schema.Fingerprint)));
        Assert.Distinct(all.Values.Select(static schema => schema.Fingerprint));
    }

    [Fact]
    public void A_schema_knows_its_name_from_its_record()
    {
        var schema = CanonicalSchema.Of<Scalars>();
        Assert.Equal(("sample.scalars", "2", Scalars.CanonicalFingerprint, Scalars.CanonicalSchema), (schema.Name, schema.Version, schema.Fingerprint, schema.SchemaJson));
    }

    [Fact]
    public void Bytes_are_written_again_and_others_refused_with_nothing_written()
    {
        var (recorded, output) = (CanonicalBytes.Of(Values.Order), new ArrayBufferWriter<byte>());
        Assert.True(CanonicalSchema.Of<Order>().TryReserialize(recorded, output, out _));
        Assert.Equal(recorded, output.WrittenSpan);
        output.ResetWrittenCount();
        Assert.False(CanonicalSchema.Of<Order>().TryReserialize([.. recorded, (byte)' '], output, out var fault));
        Assert.Equal((ReadFaultCode.TrailingBytes, recorded.Length, 0), (fault.Code, fault.Offset, output.WrittenCount));
    }

    [Fact]
    public void The_registration_of_skills_brings_a_registry_of_what_they_recorded()
    {
        using var services = new ServiceCollection().AddGeneratedSkills().AddGeneratedSkills().BuildServiceProvider();
        Assert.Single(services.GetServices<RecordedSchemas>());
        var registry = services.GetRequiredService<SchemaRegistry>();
        var echo = services.GetServices<SkillDescriptor>().Single(static skill => skill.Name == "echo");
        Assert.True(registry.TryFindSkill(echo.Schema, out var skill));
        Assert.Equal(new RecordedSkill("echo", "1.2.0", echo.Schema, EchoParameters.CanonicalFingerprint, EchoOutcome.CanonicalFingerprint), skill);
        Assert.True(registry.TryFindPayloads(echo.Schema, out var parameters, out var outcome));
        Assert.Equal(("echo_parameters", "echo_outcome"), (parameters.Name, outcome.Name));
        Assert.True(registry.TryFind(Order.CanonicalFingerprint, out _));
        Assert.Equal(GeneratedSchemas.All.Count, registry.Schemas.Count);
        Assert.Equal(GeneratedSchemas.Skills.Count, registry.Skills.Count);
    }

    [Fact]
    public void What_nobody_registered_is_not_found()
    {
        var registry = new SchemaRegistry([]);
        Assert.False(registry.TryFind(Order.CanonicalFingerprint, out _));
        Assert.False(registry.TryFindSkill(default, out _));
        Assert.False(registry.TryFindPayloads(default, out _, out _));
    }

    [Fact]
    public void A_skill_whose_shapes_are_missing_has_no_payloads()
    {
        var skill = new RecordedSkill("s", "1", Digest.Of("s"u8), Order.CanonicalFingerprint, Dog.CanonicalFingerprint);
        Assert.False(new SchemaRegistry([new Known([CanonicalSchema.Of<Order>()], [skill])]).TryFindPayloads(skill.Schema, out _, out _));
        Assert.True(new SchemaRegistry([new Known([CanonicalSchema.Of<Order>()], [skill]), new Known([CanonicalSchema.Of<Dog>(), CanonicalSchema.Of<Order>()], [skill])]).TryFindPayloads(skill.Schema, out _, out _));
    }

    [Fact]
    public void An_assembly_of_skills_alone_knows_the_records_that_they_take_from_elsewhere()
    {
        var compilation = Generation.Compile(("Now.cs", Locking.Usings + OnlySkills)).AddReferences(Generation.Library("L", Library));
        var file = Locking.Shipped(compilation);
        Assert.Equal(["ask/1", "inner/1"], file.Records.Select(static record => record.Label));
        Assert.Equal(["ask/1.0.0"], file.Skills.Select(static skill => skill.Label));
        var source = Locking.Build(compilation, LockPrinter.Print(file)).Sources["GeneratedSchemas.Skills.g.cs"];
        Assert.Contains("CanonicalSchema.Of<global::L.Ask>(\"ask\", \"1\"),", source, StringComparison.Ordinal);
        Assert.Contains("CanonicalSchema.Of<global::L.Inner>(\"inner\", \"1\"),", source, StringComparison.Ordinal);
    }

    [Fact]
    public void A_record_that_no_other_code_can_name_is_locked_and_not_listed()
    {
        const string hidden = "public partial class Outer { [Canonical] private sealed partial record Hidden(int A); }";
        Assert.Equal(["hidden/1"], Locking.Shipped(hidden).Records.Select(static record => record.Label));
        Assert.Empty(Locking.Load(Locking.Build(Generation.Compile(("Now.cs", Locking.Usings + hidden)), LockPrinter.Print(LockFile.Empty)).Built).All);
    }

    [Fact]
    public void An_assembly_without_shapes_gets_nothing() =>
        Assert.Empty(Locking.Build(Generation.Compile(("Now.cs", "class Nothing;")), LockPrinter.Print(LockFile.Empty)).Sources);

    [Fact]
    public void The_entry_of_a_record_has_the_fingerprint_that_its_code_has() =>
        Assert.All(
            Locking.Of(typeof(Scalars).Assembly.GetCustomAttributes(typeof(CanonicalShapeAttribute), inherit: false).Select(static shape => ((CanonicalShapeAttribute)shape).Entry)).Records,
            static record => Assert.Equal((record.Fingerprint, record.Schema), GeneratedSchemas.All.Where(schema => schema.Name == record.Name).Select(static schema => (schema.Fingerprint, schema.SchemaJson)).Single()));

    private sealed class Known(IReadOnlyList<CanonicalSchema> schemas, IReadOnlyList<RecordedSkill> skills) : RecordedSchemas
    {
        public override IReadOnlyList<CanonicalSchema> Schemas => schemas;

        public override IReadOnlyList<RecordedSkill> Skills => skills;
    }
}
