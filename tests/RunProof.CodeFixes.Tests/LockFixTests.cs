using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CodeFixes;
using RunProof.CodeFixes.Tests.Driving;

namespace RunProof.CodeFixes.Tests;

/// <summary>RP0310, RP0311: shapes that are not in the lock.</summary>
public sealed class LockFixTests
{
    private const string Usings = "using System.Collections.Generic;\nusing System.Threading;\nusing System.Threading.Tasks;\nusing RunProof.Format;\nusing RunProof.Skills;\n\n";

    private const string Records = "[Canonical] public sealed partial record Item(int Count);\n[Canonical] public sealed partial record Order(IReadOnlyList<Item> Items, [WireName(\"text\")] string? Note);\n";

    private const string Skill = "/// <summary>Packs.</summary>\n[Skill(\"pack\")] public sealed partial class Pack { public Task<Item> ExecuteAsync(Order o, SkillContext c, CancellationToken t) => null!; }\n";

    private static readonly string ItemPrint = LockScene.Sha256("""{"members":{"count":"integer"},"name":"item","version":"1"}""");

    private static readonly string OrderPrint = LockScene.Sha256($$"""{"members":{"items":"{{ItemPrint}}[]","text":"string?"},"name":"order","version":"1"}""");

    private static readonly string PackPrint = LockScene.Sha256($"runproof/v1/skill\n[\"pack\",\"1.0.0\",\"{OrderPrint}\",\"{ItemPrint}\"]");

    private static readonly string ItemEntry = $$"""
            {
              "name": "item", "version": "1", "fingerprint": "{{ItemPrint}}",
              "members": [
                {"wire": "count", "property": "Count", "type": "int32"}
              ]
            }
        """;

    private static readonly string OrderEntry = $$"""
            {
              "name": "order", "version": "1", "fingerprint": "{{OrderPrint}}",
              "members": [
                {"wire": "items", "property": "Items", "type": "record(item/1 {{ItemPrint}})[]"},
                {"wire": "text", "property": "Note", "type": "text?"}
              ]
            }
        """;

    private static readonly string PackEntry =
        $$"""    {"name": "pack", "version": "1.0.0", "parameters": "{{OrderPrint}}", "outcome": "{{ItemPrint}}", "schema": "{{PackPrint}}"}""";

    private static string LockOf(string[] records, params string[] skills) =>
        "{\n  \"format\": \"runproof-canonical-lock/v1\",\n  \"records\": [" + Items(records) + "],\n  \"skills\": [" + Items(skills) + "]\n}\n";

    private static string Items(string[] items) => items.Length == 0 ? "" : "\n" + string.Join(",\n", items).ReplaceLineEndings("\n") + "\n  ";

    [Fact]
    public async Task A_project_without_a_lock_gets_one_beside_its_project_file()
    {
        var project = Scene.Locked((Fixed.File, Usings + Records + Skill));
        project = await Fixed.Applied("RP0311", LockScene.Create, project);
        Assert.Equal(LockOf([ItemEntry, OrderEntry], PackEntry), await LockScene.Lock(project));
        var document = Assert.Single(project.AdditionalDocuments);
        Assert.Equal(Path.Combine("/fixed", "canonical.lock.json"), document.FilePath);
        Assert.Empty((await document.GetTextAsync()).Encoding!.GetPreamble());
        await Fixed.IsWell(project);
    }

    [Fact]
    public async Task One_shape_is_accepted_with_all_that_is_in_it()
    {
        var project = Scene.Locked((Fixed.File, Usings + Records + Skill), (LockScene.File, LockOf([])));
        project = await Fixed.Applied("RP0310", "Accept order/1 into canonical.lock.json", project);
        Assert.Equal(LockOf([ItemEntry, OrderEntry]), await LockScene.Lock(project));
        Assert.Equal(["RP0310"], (await Scene.Faults(project)).Select(static fault => fault.Id));
        project = await Fixed.Applied("RP0310", "Accept pack/1.0.0 into canonical.lock.json", project);
        Assert.Equal(LockOf([ItemEntry, OrderEntry], PackEntry), await LockScene.Lock(project));
        await Fixed.IsWell(project);
    }

    [Fact]
    public async Task A_lock_that_was_saved_with_other_line_endings_is_printed_as_it_should_be()
    {
        var project = Scene.Locked((Fixed.File, Usings + Records), (LockScene.File, LockOf([ItemEntry]).Replace("\n", "\r\n", StringComparison.Ordinal)));
        project = await Fixed.Applied("RP0310", "Accept order/1 into canonical.lock.json", project);
        Assert.Equal(LockOf([ItemEntry, OrderEntry]), await LockScene.Lock(project));
    }

    [Theory]
    [InlineData(FixAllScope.Project)]
    [InlineData(FixAllScope.Solution)]
    public async Task All_shapes_of_a_project_are_accepted_in_one_change(FixAllScope scope)
    {
        var project = Scene.Locked((Fixed.File, Usings + Records), ("Skill.cs", Usings + Skill), (LockScene.File, LockOf([])));
        Assert.Equal(3, (await Scene.Faults(project)).Count(static fault => fault.Id == "RP0310"));
        project = await Offer.TakeAll(project, "RP0310", "RunProof.Accept", scope);
        Assert.Equal(LockOf([ItemEntry, OrderEntry], PackEntry), await LockScene.Lock(project));
        await Fixed.IsWell(project);
    }

    [Fact]
    public async Task All_shapes_of_a_document_are_no_more_than_that()
    {
        var project = Scene.Locked((Fixed.File, Usings + Records), ("Skill.cs", Usings + Skill), (LockScene.File, LockOf([])));
        project = await Offer.TakeAll(project, "RP0310", "RunProof.Accept", FixAllScope.Document);
        Assert.Equal(LockOf([ItemEntry, OrderEntry]), await LockScene.Lock(project));
    }

    [Fact]
    public async Task Each_project_of_a_solution_has_a_lock_of_its_own()
    {
        var first = Scene.Locked((Fixed.File, Usings + Records), (LockScene.File, LockOf([])));
        var id = ProjectId.CreateNewId();
        var solution = first.Solution.AddProject(ProjectInfo.Create(
                id, VersionStamp.Default, "Second", "Second", LanguageNames.CSharp, "/second/Second.csproj", compilationOptions: first.CompilationOptions, parseOptions: first.ParseOptions,
                metadataReferences: first.MetadataReferences, analyzerReferences: first.AnalyzerReferences))
            .AddDocument(DocumentId.CreateNewId(id), "S.cs", "[RunProof.Format.Canonical] public sealed partial record Item(int Count);\n", filePath: "/second/S.cs")
            .AddAdditionalDocument(DocumentId.CreateNewId(id), LockScene.File, LockOf([]), filePath: "/second/canonical.lock.json");
        var project = await Offer.TakeAll(solution.GetProject(first.Id)!, "RP0310", "RunProof.Accept", FixAllScope.Solution);
        Assert.Equal(LockOf([ItemEntry, OrderEntry]), await LockScene.Lock(project));
        Assert.Equal(LockOf([ItemEntry]), await LockScene.Lock(project.Solution.GetProject(id)!));
    }

    [Fact]
    public async Task A_shape_that_holds_what_has_drifted_waits_for_that()
    {
        var lockText = LockOf([ItemEntry]);
        var project = Scene.Locked((Fixed.File, Usings + Records.Replace("int Count", "long Count", StringComparison.Ordinal)), (LockScene.File, lockText));
        Assert.Equal(["RP0304", "RP0310"], (await Scene.Faults(project)).Select(static fault => fault.Id));
        Assert.Empty(await LockScene.Titles(project, "RP0310"));
    }

    [Theory]
    [InlineData("\"count\"", "\"number\"")]
    [InlineData("\"records\"", "\"record\"")]
    public async Task A_lock_that_cannot_be_read_is_not_written_over(string was, string now)
    {
        var project = Scene.Locked((Fixed.File, Usings + Records), (LockScene.File, LockOf([ItemEntry]).Replace(was, now, StringComparison.Ordinal)));
        var faults = await Scene.Faults(project);
        Assert.All(faults, static fault => Assert.Contains(fault.Id, new[] { "RP0312", "RP0313" }));
        Assert.NotEmpty(faults);
        foreach (var fault in faults)
            Assert.Empty(await Offer.For(project, fault));
    }
}
