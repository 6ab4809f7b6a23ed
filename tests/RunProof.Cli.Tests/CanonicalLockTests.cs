using System.Text.Json;
using RunProof.Generators;
using static RunProof.Cli.Tests.ShapedAssembly;

namespace RunProof.Cli.Tests;

/// <summary><c>canonical lock</c> on built assemblies; the tests of the packages call it on a project.</summary>
public sealed class CanonicalLockTests : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("runproof-lock-");

    private string Assembly => Path.Combine(_folder.FullName, "Shaped.dll");

    private string Lock => Path.Combine(_folder.FullName, "canonical.lock.json");

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task The_first_time_every_shape_is_written_down_and_the_second_time_nothing_changes()
    {
        ShapedAssembly.Write(Assembly, Order, Item, Skill);
        var first = await RunAsync();
        Assert.Equal((0, ""), (first.ExitCode, first.Error));
        Assert.Equal($"added  record order/1\nadded  record order_item/1\nadded  skill place_order/1.0.0\n{Lock} holds 3 more: all 3 shapes of the build\n", first.Output);
        var text = File.ReadAllText(Lock);
        Assert.Equal(Expected(), text);

        var second = await RunAsync();
        Assert.Equal((0, $"{Lock} holds all 3 shapes of the build\n"), (second.ExitCode, second.Output));
        Assert.Equal(text, File.ReadAllText(Lock));
        Assert.Equal([Assembly, Lock], Directory.GetFiles(_folder.FullName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task What_has_shipped_stays_when_the_build_has_a_new_version_of_it()
    {
        ShapedAssembly.Write(Assembly, Order, Item);
        await RunAsync();
        ShapedAssembly.Write(Assembly, LockRecord.Of("order", "10", [Member("note", "text")]), LockRecord.Of("order", "2", [Member("note", "text?")]));
        var result = await RunAsync();
        Assert.Equal($"added  record order/2\nadded  record order/10\n{Lock} holds 2 more: all 2 shapes of the build\n", result.Output);
        Assert.Equal(["order/1", "order/2", "order/10", "order_item/1"], LockReading.Of(File.ReadAllText(Lock)).File!.Records.Select(record => record.Label));
    }

    [Fact]
    public async Task A_shape_that_changed_under_its_version_is_refused_with_its_members_and_the_lock_is_left_alone()
    {
        ShapedAssembly.Write(Assembly, Item);
        await RunAsync();
        var shipped = File.ReadAllBytes(Lock);
        ShapedAssembly.Write(Assembly, LockRecord.Of("order_item", "1", [Member("count", "decimal"), Member("colour", "text")]), LockRecord.Of("new", "1", []));
        var result = await RunAsync();
        Assert.Equal((1, ""), (result.ExitCode, result.Output));
        Assert.Equal(
            "runproof: record order_item/1 has another shape than the lock's: Colour: it is new, as \"colour\" of type text; Count: its type was int32 and is decimal; "
            + "Sku: \"sku\" of type text is gone. Give it another Version, or, where order_item/1 never shipped, accept it: runproof canonical lock --never-shipped order_item/1\n"
            + $"  {Lock} was left as it was\n",
            result.Error);
        Assert.Equal(shipped, File.ReadAllBytes(Lock));
    }

    [Fact]
    public async Task A_shape_that_never_shipped_is_replaced_where_it_is_named()
    {
        ShapedAssembly.Write(Assembly, Item);
        await RunAsync();
        var now = LockRecord.Of("order_item", "1", [Member("count", "int64")]);
        ShapedAssembly.Write(Assembly, now);
        var result = await RunAsync("--never-shipped", "order_item/1");
        Assert.Equal((0, $"replaced  record order_item/1\n{Lock} holds the one shape of the build\n"), (result.ExitCode, result.Output));
        Assert.Equal(LockPrinter.Print(LockFile.Of([now], [])), File.ReadAllText(Lock));
    }

    [Fact]
    public async Task A_name_that_is_not_in_the_lock_cannot_be_taken_back()
    {
        ShapedAssembly.Write(Assembly, Item);
        var result = await RunAsync("--never-shipped", "order_item/2");
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("order_item/2 is not in the lock", result.Error, StringComparison.Ordinal);
        Assert.False(File.Exists(Lock));
    }

    [Fact]
    public async Task Check_says_what_is_missing_and_what_has_changed_and_writes_nothing()
    {
        ShapedAssembly.Write(Assembly, Item);
        var missing = await RunAsync("--check");
        Assert.Equal((1, $"missing  record order_item/1\n{Lock} lacks 1 of the one shape of the build\n"), (missing.ExitCode, missing.Output));
        Assert.Equal("  take them in: runproof canonical lock\n", missing.Error);
        Assert.False(File.Exists(Lock));

        await RunAsync();
        Assert.Equal(0, (await RunAsync("--check")).ExitCode);

        ShapedAssembly.Write(Assembly, LockRecord.Of("order_item", "1", [Member("count", "int32?"), Member("sku", "text")]));
        var drifted = await RunAsync("--check", "--json");
        Assert.Equal(1, drifted.ExitCode);
        var problem = Assert.Single(JsonDocument.Parse(drifted.Output).RootElement.GetProperty("problems").EnumerateArray());
        Assert.Contains("Count: it may be null now and never was", problem.GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_skill_that_takes_another_record_under_its_version_is_refused()
    {
        ShapedAssembly.Write(Assembly, Order, Item, Skill);
        await RunAsync();
        ShapedAssembly.Write(Assembly, Order, Item, LockSkill.Of("place_order", "1.0.0", Item.Fingerprint, Item.Fingerprint));
        var result = await RunAsync();
        Assert.Equal(1, result.ExitCode);
        Assert.StartsWith("runproof: skill place_order/1.0.0 takes or returns another record than in the lock.", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_lock_edited_by_hand_ends_with_2_and_its_line()
    {
        ShapedAssembly.Write(Assembly, Item);
        await RunAsync();
        File.WriteAllText(Lock, File.ReadAllText(Lock).Replace("int32", "int64", StringComparison.Ordinal));
        var result = await RunAsync();
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("line 5: the fingerprint of record order_item/1 is not that of its members", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_assembly_without_shapes_gets_no_lock()
    {
        ShapedAssembly.Write(Assembly);
        var result = await RunAsync();
        Assert.Equal((0, "the build has no canonical record and no skill\n"), (result.ExitCode, result.Output));
        Assert.False(File.Exists(Lock));
    }

    [Fact]
    public async Task A_shape_of_a_newer_generator_is_an_error_and_no_entry()
    {
        ShapedAssembly.WriteEntries(Assembly, """{"name": "x", "version": "1", "wings": "2"}""");
        var result = await RunAsync();
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("update runproof", result.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("nowhere", "there is no nowhere")]
    [InlineData(".", "there is no project in .")]
    [InlineData("Some.dll", "--output canonical.lock.json")]
    public async Task What_is_no_project_and_no_assembly_ends_with_2(string target, string complaint)
    {
        File.WriteAllText(Path.Combine(_folder.FullName, "Some.dll"), "no assembly");
        var result = await CliProcess.RunAsync("canonical", "lock", target == "." ? _folder.FullName : target.EndsWith(".dll", StringComparison.Ordinal) ? Path.Combine(_folder.FullName, target) : target);
        Assert.Equal(2, result.ExitCode);
        Assert.Contains(complaint.Replace(" .", " " + _folder.FullName, StringComparison.Ordinal), result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_no_assembly_ends_with_2()
    {
        File.WriteAllText(Assembly, "no assembly");
        var result = await RunAsync();
        Assert.Equal(2, result.ExitCode);
        Assert.Contains("Shaped.dll", result.Error, StringComparison.Ordinal);
    }

    private Task<CliResult> RunAsync(params string[] options) => CliProcess.RunAsync(["canonical", "lock", Assembly, "--output", Lock, .. options]);

    private static string Expected() => $$"""
        {
          "format": "runproof-canonical-lock/v1",
          "records": [
            {
              "name": "order", "version": "1", "fingerprint": "{{Hex($$"""{"members":{"items":"{{ItemHash}}[]","note":"string?"},"name":"order","version":"1"}""")}}",
              "members": [
                {"wire": "items", "property": "Items", "type": "record(order_item/1 {{ItemHash}})[]"},
                {"wire": "note", "property": "Note", "type": "text?"}
              ]
            },
            {
              "name": "order_item", "version": "1", "fingerprint": "{{ItemHash}}",
              "members": [
                {"wire": "count", "property": "Count", "type": "int32"},
                {"wire": "sku", "property": "Sku", "type": "text"}
              ]
            }
          ],
          "skills": [
            {"name": "place_order", "version": "1.0.0", "parameters": "{{Skill.Parameters}}", "outcome": "{{ItemHash}}", "schema": "{{Skill.Schema}}"}
          ]
        }

        """;

    private static string ItemHash => Hex("""{"members":{"count":"integer","sku":"string"},"name":"order_item","version":"1"}""");

    private static string Hex(string schema) => Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(schema)));
}
