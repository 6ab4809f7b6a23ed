using System.Diagnostics;
using System.Text;
using System.Text.Json;
using RunProof.Skills;

namespace RunProof.BuiltinSkills.Tests;

/// <summary>Files in a tenant's folder, and the walls around it.</summary>
public sealed class FileSkills : IDisposable
{
    private readonly string _base = Directory.CreateTempSubdirectory("runproof-files-").FullName;

    public FileSkills()
    {
        Directory.CreateDirectory(Root);
        Directory.CreateDirectory(Tenant);
        File.WriteAllText(Path.Combine(_base, "outside.txt"), "SECRET");
        Directory.CreateDirectory(Path.Combine(_base, "outside"));
        File.WriteAllText(Path.Combine(_base, "outside", "a.txt"), "SECRET");
    }

    private string Root => Path.Combine(_base, "root");

    private string Tenant => Path.Combine(Root, "t");

    public void Dispose() => Directory.Delete(_base, recursive: true);

    [Fact]
    public async Task What_was_written_is_read_and_listed()
    {
        Assert.Equal("""{"path":"a/b/c.txt","size":6}""", Text(await CallAsync("file_write", """{"path":"a/b/c.txt","text":"caf\u00e9\n","make_folders":true}""")));
        Assert.Equal("caf\u00e9\n", await File.ReadAllTextAsync(Path.Combine(Tenant, "a/b/c.txt")));
        Assert.Equal("""{"data":null,"json":null,"path":"a/b/c.txt","size":6,"text":"café\n"}""", Text(await CallAsync("file_read", """{"path":"a/b/c.txt"}""")));
        Assert.Equal("""{"count":1,"entries":[{"kind":"file","name":"c.txt","size":"6"}],"path":"a/b"}""", Text(await CallAsync("file_list", """{"path":"a/b"}""")));
        Assert.Equal("""{"count":1,"entries":[{"kind":"folder","name":"a","size":null}],"path":""}""", Text(await CallAsync("file_list", "{}")));
    }

    [Theory]
    [InlineData("auto", "{\"b\": 1}", "text", "\"{\\\"b\\\": 1}\"")]
    [InlineData("text", "x", "text", "\"x\"")]
    [InlineData("json", "{\"b\": 1, \"a\": 2.50}", "json", "{\"a\":2.5,\"b\":1}")]
    [InlineData("bytes", "x", "data", "\"eA==\"")]
    [InlineData("auto", "\u00ff", "data", "\"/w==\"")]
    [InlineData("auto", "", "text", "\"\"")]
    public async Task Content_is_recorded_as_what_it_is_asked_for(string kind, string latin1, string member, string value)
    {
        await File.WriteAllBytesAsync(Path.Combine(Tenant, "f"), Encoding.Latin1.GetBytes(latin1));

        var outcome = JsonElement.Parse(Text(await CallAsync("file_read", $$"""{"path":"f","as":"{{kind}}"}""")));

        foreach (var one in new[] { "text", "json", "data" })
            Assert.Equal(one == member ? value : "null", outcome.GetProperty(one).GetRawText());
    }

    [Theory]
    [InlineData("""{"path":"f","text":"x"}""", "x")]
    [InlineData("""{"path":"f","json":{"b":1,"a":[]}}""", """{"a":[],"b":1}""")]
    [InlineData("""{"path":"f","data":"AP8="}""", "\0\u00ff")]
    public async Task Content_is_written_as_it_is_given(string parameters, string latin1)
    {
        Assert.Null((await CallAsync("file_write", parameters)).Failure);
        Assert.Equal(Encoding.Latin1.GetBytes(latin1), await File.ReadAllBytesAsync(Path.Combine(Tenant, "f")));
    }

    [Fact]
    public async Task Create_keeps_what_is_there_and_is_the_same_when_it_is_done_twice()
    {
        Assert.Null((await CallAsync("file_write", """{"path":"f","text":"one"}""")).Failure);
        Assert.Null((await CallAsync("file_write", """{"path":"f","text":"one"}""")).Failure);
        Assert.Equal("already_exists", (await CallAsync("file_write", """{"path":"f","text":"two"}""")).Failure!.Code);
        Assert.Equal("already_exists", (await CallAsync("file_write", """{"path":"f","text":"o"}""")).Failure!.Code);
        Assert.Equal("one", await File.ReadAllTextAsync(Path.Combine(Tenant, "f")));

        Assert.Null((await CallAsync("file_write", """{"path":"f","text":"two","mode":"replace"}""")).Failure);
        Assert.Equal("two", await File.ReadAllTextAsync(Path.Combine(Tenant, "f")));
        Assert.Equal(["f"], Directory.GetFileSystemEntries(Tenant).Select(Path.GetFileName));
    }

    [Fact]
    public async Task A_reader_of_a_file_that_is_being_replaced_sees_all_of_one_version()
    {
        var (a, b) = (new string('a', 300_000), new string('b', 300_000));
        await CallAsync("file_write", $$"""{"path":"f","text":"{{a}}"}""");
        using var stop = new CancellationTokenSource();
        var writer = Task.Run(async () =>
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
                Assert.Null((await CallAsync("file_write", $$"""{"path":"f","text":"{{(i % 2 == 0 ? b : a)}}","mode":"replace"}""")).Failure);
        });
        for (var i = 0; i < 50; i++)
        {
            var text = JsonElement.Parse(Text(await CallAsync("file_read", """{"path":"f"}"""))).GetProperty("text").GetString();
            Assert.True(text == a || text == b);
        }

        await stop.CancelAsync();
        await writer;
    }

    [Theory]
    [InlineData("../outside.txt")]
    [InlineData("a/../../outside.txt")]
    [InlineData("..")]
    [InlineData("a/..")]
    [InlineData("./a")]
    [InlineData("/etc/passwd")]
    [InlineData("//etc/passwd")]
    [InlineData("a//b")]
    [InlineData("a/")]
    [InlineData("..\\outside.txt")]
    [InlineData("a\u0000b")]
    [InlineData("a\nb")]
    [InlineData(".runproof-1-1")]
    [InlineData("a/.runproof-x/b")]
    public async Task A_path_that_leads_elsewhere_is_refused_before_anything_is_opened(string path)
    {
        var text = JsonSerializer.Serialize(path);
        foreach (var (skill, more) in new[] { ("file_read", ""), ("file_write", ",\"text\":\"x\",\"make_folders\":true"), ("file_list", "") })
            Assert.Equal("path_refused", (await CallAsync(skill, $$"""{"path":{{text}}{{more}}}""")).Failure?.Code);
        Assert.Equal("SECRET", await File.ReadAllTextAsync(Path.Combine(_base, "outside.txt")));
    }

    [Fact]
    public async Task A_path_that_is_too_long_or_too_deep_is_refused()
    {
        foreach (var path in new[] { new string('a', 256), string.Join('/', Enumerable.Repeat(new string('b', 200), 30)), string.Join('/', Enumerable.Repeat("c", 65)) })
            Assert.Equal("path_refused", (await CallAsync("file_read", $$"""{"path":"{{path}}"}""")).Failure!.Code);
    }

    [Theory]
    [InlineData("link.txt", "../../outside.txt", "file_read")]
    [InlineData("link.txt", "inside.txt", "file_read")]
    [InlineData("link.txt", "../../outside.txt", "file_write")]
    [InlineData("link.txt", "../../new.txt", "file_write")]
    [InlineData("dir", "../../outside", "file_read", "dir/a.txt")]
    [InlineData("dir", "../../outside", "file_write", "dir/new.txt")]
    [InlineData("dir", "../../outside", "file_write", "dir/deep/new.txt")]
    [InlineData("dir", "../../outside", "file_list", "dir")]
    [InlineData("dir", "/", "file_list", "dir")]
    public async Task No_link_is_followed(string name, string target, string skill, string? path = null)
    {
        await File.WriteAllTextAsync(Path.Combine(Tenant, "inside.txt"), "x");
        File.CreateSymbolicLink(Path.Combine(Tenant, name), target);

        var outcome = await CallAsync(skill, $$"""{"path":"{{path ?? name}}"{{(skill == "file_write" ? ",\"text\":\"EVIL\",\"mode\":\"replace\",\"make_folders\":true" : "")}}}""");

        Assert.Equal("path_refused", outcome.Failure?.Code);
        Assert.Equal(["a.txt"], Directory.GetFileSystemEntries(Path.Combine(_base, "outside")).Select(Path.GetFileName));
        Assert.False(File.Exists(Path.Combine(_base, "new.txt")));
        Assert.Equal("SECRET", await File.ReadAllTextAsync(Path.Combine(_base, "outside.txt")));
        Assert.Contains("""{"kind":"link","name":""", Text(await CallAsync("file_list", "{}")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_tenants_folder_that_is_a_link_is_not_followed()
    {
        File.CreateSymbolicLink(Path.Combine(Root, "evil"), "../outside");

        Assert.Equal("path_refused", (await CallAsync("file_read", """{"path":"a.txt"}""", tenant: "evil")).Failure!.Code);
    }

    /// <summary>A folder on the way is swapped for a link and back, as fast as it goes, while files are read and written through it.</summary>
    [Fact]
    public async Task A_folder_that_becomes_a_link_between_check_and_use_leads_nowhere()
    {
        var (real, name) = (Path.Combine(_base, "real"), Path.Combine(Tenant, "d"));
        Directory.CreateDirectory(name);
        await File.WriteAllTextAsync(Path.Combine(name, "a.txt"), "mine");
        using var stop = new CancellationTokenSource();
        var swaps = 0;
        var swapper = Task.Run(() =>
        {
            while (!stop.IsCancellationRequested)
            {
                Directory.Move(name, real);
                File.CreateSymbolicLink(name, Path.Combine(_base, "outside"));
                File.Delete(name);
                Directory.Move(real, name);
                swaps++;
            }
        });
        var (read, refused) = (0, 0);
        for (var i = 0; i < 400 && !swapper.IsCompleted; i++)
        {
            var outcome = await CallAsync("file_read", """{"path":"d/a.txt"}""");
            if (outcome.Failure is { } failure)
            {
                Assert.Contains(failure.Code, new[] { "path_refused", "not_found" });
                refused++;
            }
            else
            {
                Assert.Contains("\"text\":\"mine\"", Text(outcome), StringComparison.Ordinal);
                read++;
            }

            var written = await CallAsync("file_write", $$"""{"path":"d/w{{i}}.txt","text":"x"}""");
            Assert.Contains(written.Failure?.Code, new[] { null, "path_refused", "not_found" });
        }

        await stop.CancelAsync();
        await swapper;
        Assert.Equal(["a.txt"], Directory.GetFileSystemEntries(Path.Combine(_base, "outside")).Select(Path.GetFileName));
        Assert.Equal("SECRET", await File.ReadAllTextAsync(Path.Combine(_base, "outside", "a.txt")));
        TestContext.Current.SendDiagnosticMessage($"{swaps} swaps, {read} read, {refused} refused");
        Assert.True(swaps > 10);
    }

    [Fact]
    public async Task A_pipe_keeps_no_step_waiting_and_is_no_file()
    {
        using (var make = Process.Start("mkfifo", [Path.Combine(Tenant, "pipe")]))
            await make.WaitForExitAsync();

        Assert.Equal("not_a_file", (await CallAsync("file_read", """{"path":"pipe"}""")).Failure!.Code);
        Assert.Equal("not_a_file", (await CallAsync("file_write", """{"path":"pipe","text":"x","mode":"replace"}""")).Failure!.Code);
        Assert.Contains("""{"kind":"other","name":"pipe","size":null}""", Text(await CallAsync("file_list", "{}")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("file_read", """{"path":"folder"}""", "not_a_file")]
    [InlineData("file_read", """{"path":"no"}""", "not_found")]
    [InlineData("file_read", """{"path":"f/x"}""", "not_found")]
    [InlineData("file_read", """{"path":"f","max_bytes":3}""", "too_large")]
    [InlineData("file_read", """{"path":"f","max_bytes":-1}""", "invalid_parameters")]
    [InlineData("file_read", """{"path":"f","as":"json"}""", "not_json")]
    [InlineData("file_read", """{"path":"bytes","as":"text"}""", "not_text")]
    [InlineData("file_write", """{"path":"folder","text":"x","mode":"replace"}""", "not_a_file")]
    [InlineData("file_write", """{"path":"no/x","text":"x"}""", "not_found")]
    [InlineData("file_write", """{"path":"x"}""", "invalid_parameters")]
    [InlineData("file_write", """{"path":"x","text":"a","json":1}""", "invalid_parameters")]
    [InlineData("file_write", """{"path":"x","text":"123456789"}""", "too_large")]
    [InlineData("file_list", """{"path":"f"}""", "not_found")]
    [InlineData("file_list", """{"path":"no"}""", "not_found")]
    [InlineData("file_list", """{"limit":0}""", "invalid_parameters")]
    public async Task What_cannot_be_done_is_named(string skill, string parameters, string code)
    {
        Directory.CreateDirectory(Path.Combine(Tenant, "folder"));
        await File.WriteAllTextAsync(Path.Combine(Tenant, "f"), "four");
        await File.WriteAllBytesAsync(Path.Combine(Tenant, "bytes"), [0xff]);

        Assert.Equal(code, (await CallAsync(skill, parameters, maxBytes: 8)).Failure?.Code);
        Assert.Equal(["bytes", "f", "folder"], Directory.GetFileSystemEntries(Tenant).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_file_of_exactly_the_limit_is_read_and_a_larger_one_costs_no_memory()
    {
        await File.WriteAllTextAsync(Path.Combine(Tenant, "f"), new string('x', 100));
        Assert.Null((await CallAsync("file_read", """{"path":"f","max_bytes":100}""")).Failure);

        await using (var sparse = new FileStream(Path.Combine(Tenant, "huge"), FileMode.Create))
            sparse.SetLength(10_000_000_000);
        var before = GC.GetTotalAllocatedBytes(precise: true);
        Assert.Equal("too_large", (await CallAsync("file_read", """{"path":"huge"}""")).Failure!.Code);
        Assert.InRange(GC.GetTotalAllocatedBytes(precise: true) - before, 0, 20_000_000);
    }

    /// <summary>Files of /proc say that they are empty and are not: they grow while they are read, as any file may.</summary>
    [Fact]
    public async Task A_file_that_holds_more_than_it_says_is_read_whole_or_refused_for_its_size()
    {
        var options = new BuiltinSkillsOptions { Files = new FileSkillOptions { Roots = new Dictionary<string, string> { ["t"] = "/proc" } } };

        var read = await SkillHarness.CallAsync("file_read", """{"path":"version"}""", options);
        Assert.Contains("Linux version", Text(read), StringComparison.Ordinal);
        Assert.Equal("too_large", (await SkillHarness.CallAsync("file_read", """{"path":"version","max_bytes":5}""", options)).Failure!.Code);
    }

    [Fact]
    public async Task A_folder_is_listed_in_order_up_to_the_limit()
    {
        foreach (var name in new[] { "b", "a", "B", "é", ".hidden", ".runproof-1-1" })
            await File.WriteAllTextAsync(Path.Combine(Tenant, name), "");

        var listed = JsonElement.Parse(Text(await CallAsync("file_list", """{"limit":3}""")));

        Assert.Equal([".hidden", "B", "a"], listed.GetProperty("entries").EnumerateArray().Select(e => e.GetProperty("name").GetString()));
        Assert.Equal(5, listed.GetProperty("count").GetInt32());
    }

    [Fact]
    public async Task Tenants_have_folders_of_their_own()
    {
        Assert.Null((await CallAsync("file_write", """{"path":"f","text":"mine"}""", tenant: "a")).Failure);

        Assert.Equal("not_found", (await CallAsync("file_read", """{"path":"f"}""", tenant: "b")).Failure!.Code);
        Assert.True(File.Exists(Path.Combine(Root, "a", "f")));
        foreach (var dots in new[] { ".", "..", "..." })
            Assert.Equal("not_configured", (await CallAsync("file_list", "{}", tenant: dots)).Failure!.Code);
    }

    [Fact]
    public async Task A_tenant_without_a_folder_reaches_none()
    {
        foreach (var files in new[] { new FileSkillOptions(), new FileSkillOptions { Roots = new Dictionary<string, string> { ["T"] = Root } }, new FileSkillOptions { Root = Path.Combine(_base, "no") } })
            Assert.Equal("not_configured", (await SkillHarness.CallAsync("file_list", "{}", new BuiltinSkillsOptions { Files = files })).Failure!.Code);
    }

    [Fact]
    public void Roots_that_are_relative_or_lie_in_each_other_are_refused()
    {
        FileSkillOptions[] wrong =
        [
            new() { Root = "files" },
            new() { Root = "/srv/files", Roots = new Dictionary<string, string> { ["a"] = "/srv/files/b" } },
            new() { Roots = new Dictionary<string, string> { ["a"] = "/srv/x", ["b"] = "/srv/x/" } },
            new() { MaxBytes = 0 },
        ];
        Assert.All(wrong, options => Assert.Throws<ArgumentException>(() => new FileRoots(options)));
        _ = new FileRoots(new FileSkillOptions { Root = "/srv/files", Roots = new Dictionary<string, string> { ["a"] = "/srv/files2" } });
    }

    private static string Text(SkillOutcome outcome)
    {
        Assert.Null(outcome.Failure);
        return outcome.Outcome!.ToString();
    }

    private Task<SkillOutcome> CallAsync(string skill, string parameters, string tenant = "t", int maxBytes = 16_777_216) => SkillHarness.CallAsync(
        skill, parameters, new BuiltinSkillsOptions { Files = new FileSkillOptions { Root = Root, MaxBytes = maxBytes } }, SkillHarness.Context(tenant: tenant));
}
