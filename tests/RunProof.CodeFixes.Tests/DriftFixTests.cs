using RunProof.CodeFixes.Tests.Driving;

namespace RunProof.CodeFixes.Tests;

/// <summary>RP0301 to RP0306: what has shipped and changed, and the two ways on.</summary>
public sealed class DriftFixTests
{
    private const string Usings = "using System.Collections.Generic;\nusing System.Threading;\nusing System.Threading.Tasks;\nusing RunProof.Format;\nusing RunProof.Skills;\n\n";

    private const string Attribute = "[Canonical]";

    private const string Item = Attribute + "\npublic sealed partial record Item(int Count, string Name);\n";

    private const string Pack = "/// <summary>Packs.</summary>\n[Skill(\"pack\")]\npublic sealed partial class Pack { public Task<Packed> ExecuteAsync(Item i, SkillContext c, CancellationToken t) => null!; }\n[Canonical] public sealed partial record Packed(int Boxes);\n";

    public static TheoryData<string, string, string> Drifts() => new()
    {
        { "RP0301", "Name);", "Name, bool IsNew);" },
        { "RP0302", "int Count, ", "" },
        { "RP0303", "int Count", "[WireName(\"number\")] int Count" },
        { "RP0304", "int Count", "long Count" },
        { "RP0305", "string Name", "string? Name" },
    };

    [Theory]
    [MemberData(nameof(Drifts))]
    public async Task What_has_shipped_keeps_its_version(string id, string was, string now)
    {
        var drifted = Usings + Item.Replace(was, now, StringComparison.Ordinal);
        var project = await LockScene.Since(Usings + Item, drifted);
        var shipped = await LockScene.Lock(project);
        project = await Fixed.Applied(id, "It has shipped: make this version 2", project);
        Assert.Equal(drifted.Replace(Attribute, "[Canonical(Version = \"2\")]", StringComparison.Ordinal), await Fixed.Text(project));
        Assert.Equal(shipped, await LockScene.Lock(project));
        // The new version is not in the lock yet: it has not shipped.
        Assert.Equal(["RP0310"], (await Scene.Faults(project)).Select(static fault => fault.Id));
        project = await Fixed.Applied("RP0310", "Accept item/2 into canonical.lock.json", project);
        await Fixed.IsWell(project);
    }

    [Theory]
    [MemberData(nameof(Drifts))]
    public async Task What_never_shipped_is_replaced(string id, string was, string now)
    {
        var drifted = Usings + Item.Replace(was, now, StringComparison.Ordinal);
        var project = await Fixed.Applied(id, "It never shipped: accept the new shape of item/1 into canonical.lock.json", await LockScene.Since(Usings + Item, drifted));
        Assert.Equal(drifted, await Fixed.Text(project));
        Assert.Equal(await LockScene.LockOf(drifted), await LockScene.Lock(project));
        await Fixed.IsWell(project);
    }

    [Theory]
    [InlineData("Version = \"1\"", "Version = \"1\"", "Version = \"2\"", "2")]
    [InlineData("Version = \"9\", Name = \"thing\"", "Version = \"9\", Name = \"thing\"", "Version = \"10\", Name = \"thing\"", "10")]
    [InlineData("Version = \"1.9\"", "Version = \"1.9\"", "Version = \"1.10\"", "1.10")]
    [InlineData("Name = \"item\"", "Name = \"item\"", "Name = \"item\", Version = \"2\"", "2")]
    [InlineData("", "", "Version = \"2\"", "2")]
    [InlineData("Version = \"beta\"", "Version = \"beta\"", "Version = \"beta.1\"", "beta.1")]
    public async Task The_next_version_stands_where_the_last_one_stood(string shipped, string before, string after, string version)
    {
        var project = await LockScene.Since(Source(shipped, "int"), Source(before, "long"));
        project = await Fixed.Applied("RP0304", "It has shipped: make this version " + version, project);
        Assert.Equal(Source(after, "long"), await Fixed.Text(project));

        static string Source(string arguments, string type) => $"[RunProof.Format.Canonical({arguments})] public sealed partial record Item({type} Count);\r\n";
    }

    [Fact]
    public async Task A_version_that_the_lock_has_is_not_free()
    {
        var shipped = "using RunProof.Format;\nnamespace A { [Canonical] public sealed partial record Item(int X); }\nnamespace B { [Canonical(Version = \"2\")] public sealed partial record Item(int X, int Y); }\n";
        var project = await LockScene.Since(shipped, shipped.Replace("Item(int X);", "Item(long X);", StringComparison.Ordinal));
        Assert.Contains("It has shipped: make this version 3", await LockScene.Titles(project, "RP0304"));
    }

    [Fact]
    public async Task A_skill_gets_its_next_version()
    {
        var now = Usings + Item + Pack.Replace("Item i", "Packed i", StringComparison.Ordinal);
        var project = await Fixed.Applied("RP0306", "It has shipped: make this version 1.0.1", await LockScene.Since(Usings + Item + Pack, now));
        Assert.Equal(now.Replace("[Skill(\"pack\")]", "[Skill(\"pack\", Version = \"1.0.1\")]", StringComparison.Ordinal), await Fixed.Text(project));
        Assert.Equal(["RP0310"], (await Scene.Faults(project)).Select(static fault => fault.Id));
    }

    [Fact]
    public async Task A_skill_that_never_shipped_is_replaced()
    {
        var now = Usings + Item + Pack.Replace("Item i", "Packed i", StringComparison.Ordinal);
        var project = await Fixed.Applied("RP0306", "It never shipped: accept the new shape of pack/1.0.0 into canonical.lock.json", await LockScene.Since(Usings + Item + Pack, now));
        Assert.Equal(await LockScene.LockOf(now), await LockScene.Lock(project));
        await Fixed.IsWell(project);
    }

    /// <summary>What holds a changed record has changed itself, and a skill that takes it too: no one of them can be accepted without the others.</summary>
    [Theory]
    [InlineData("RP0304", "They never shipped: accept the new shapes of item/1, order/1 and pack/1.0.0 into canonical.lock.json")]
    [InlineData("RP0306", "They never shipped: accept the new shapes of pack/1.0.0, item/1 and order/1 into canonical.lock.json")]
    public async Task What_is_tied_together_is_accepted_together(string id, string title)
    {
        const string Order = "[Canonical] public sealed partial record Order(IReadOnlyList<Item> Items);\n";
        var now = Usings + Item.Replace("int", "long", StringComparison.Ordinal) + Order + Pack;
        var project = await LockScene.Since(Usings + Item + Order + Pack, now);
        Assert.Equal(["RP0304", "RP0304", "RP0306"], (await Scene.Faults(project)).Select(static fault => fault.Id).Order());
        project = await Fixed.Applied(id, title, project);
        Assert.Equal(await LockScene.LockOf(now), await LockScene.Lock(project));
        await Fixed.IsWell(project);
    }

    /// <summary>Version 1 of what holds the record is only in the lock any more: it has shipped, and the record's shape in it.</summary>
    [Fact]
    public async Task What_history_holds_has_shipped()
    {
        const string Order = "[Canonical] public sealed partial record Order(IReadOnlyList<Item> Items);\n";
        var now = Usings + Item.Replace("int", "long", StringComparison.Ordinal) + Order.Replace(Attribute, "[Canonical(Version = \"2\")]", StringComparison.Ordinal);
        var project = await LockScene.Since(Usings + Item + Order, now);
        Assert.Equal(["It has shipped: make this version 2"], await LockScene.Titles(project, "RP0304"));
    }

    [Fact]
    public async Task All_that_drifted_is_replaced_in_one_change()
    {
        const string Other = "[Canonical] public sealed partial record Other(int A, int B);\n";
        var now = Usings + Item.Replace("int", "long", StringComparison.Ordinal) + Other.Replace("int", "long", StringComparison.Ordinal);
        var project = await Offer.TakeAll(await LockScene.Since(Usings + Item + Other, now), "RP0304", "RunProof.NeverShipped");
        Assert.Equal(await LockScene.LockOf(now), await LockScene.Lock(project));
        await Fixed.IsWell(project);
    }

    [Fact]
    public async Task All_that_drifted_gets_new_versions_at_once()
    {
        const string Other = "[Canonical(Version = \"3\")] public sealed partial record Other(int A, int B);\n";
        var now = Usings + Item.Replace("int", "long", StringComparison.Ordinal) + Other.Replace("int", "long", StringComparison.Ordinal);
        var project = await Offer.TakeAll(await LockScene.Since(Usings + Item + Other, now), "RP0304", "RunProof.NewVersion");
        Assert.Equal(now.Replace(Attribute, "[Canonical(Version = \"2\")]", StringComparison.Ordinal).Replace("\"3\"", "\"4\"", StringComparison.Ordinal), await Fixed.Text(project));
    }
}
