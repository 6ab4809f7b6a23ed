using System.Diagnostics;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using RunProof.Skills;

namespace RunProof.BuiltinSkills.Tests;

[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class Shells : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("runproof-shell-").FullName;

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Fact]
    public void Without_a_program_there_is_no_such_skill()
    {
        using var without = new ServiceCollection().AddBuiltinSkills().BuildServiceProvider();
        Assert.DoesNotContain(without.GetServices<SkillDescriptor>(), skill => skill.Name == "shell");
        using var with = new ServiceCollection().AddBuiltinSkills(Options(("echo", "/bin/echo"))).BuildServiceProvider();
        Assert.Contains(with.GetServices<SkillDescriptor>(), skill => skill.Name == "shell");
    }

    [Fact]
    public async Task Arguments_come_one_by_one_and_nothing_reads_them_as_a_script()
    {
        var arguments = JsonSerializer.Serialize(new[] { "$(id) `id` ; rm -rf / | cat > x && y", "*", "$HOME", "a\nb", "'\"", "é" });

        var outcome = await CallAsync($$"""{"executable":"printf","arguments":["%s|",{{arguments[1..^1]}}]}""", ("printf", "/usr/bin/printf"));

        Assert.Equal("$(id) `id` ; rm -rf / | cat > x && y|*|$HOME|a\nb|'\"|é|", Member(outcome, "output").GetString());
        Assert.Empty(Directory.GetFileSystemEntries(Path.Combine(_root, "t")));
    }

    [Fact]
    public async Task It_runs_in_the_tenants_folder_with_an_environment_of_its_own()
    {
        Environment.SetEnvironmentVariable("RUNPROOF_TEST_SECRET", "s3cr3t");
        var options = Options() with
        {
            Shell = new Dictionary<string, ShellExecutable>
            {
                ["where"] = new() { Path = "/bin/pwd", Tenants = ["*"] },
                ["environment"] = new() { Path = "/usr/bin/printenv", Tenants = ["*"], Environment = new Dictionary<string, string> { ["MINE"] = "yes" } },
            },
        };
        var folder = Path.Combine(_root, "t");

        Assert.Equal(folder + "\n", Member(await SkillHarness.CallAsync("shell", """{"executable":"where"}""", options), "output").GetString());
        var environment = Member(await SkillHarness.CallAsync("shell", """{"executable":"environment"}""", options), "output").GetString()!;

        Assert.Equal(["HOME=" + folder, "LANG=C.UTF-8", "MINE=yes", "PATH=/usr/local/bin:/usr/bin:/bin"], environment.Split('\n', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Input_is_given_and_output_that_is_no_text_is_kept_as_bytes()
    {
        Assert.Equal("caf\u00e9", Member(await CallAsync("""{"executable":"cat","input":"caf\u00e9"}""", ("cat", "/bin/cat")), "output").GetString());
        Assert.Equal("/w==", Member(await CallAsync("""{"executable":"printf","arguments":["\\377"]}""", ("printf", "/usr/bin/printf")), "output_data").GetString());
        // More than a pipe holds, read by nobody.
        Assert.Null((await CallAsync($$"""{"executable":"true","input":"{{new string('x', 300_000)}}"}""", ("true", "/bin/true"))).Failure);
    }

    [Fact]
    public async Task Another_end_than_zero_is_a_failure_that_keeps_what_was_written()
    {
        var outcome = await CallAsync("""{"executable":"ls","arguments":["/no-such-place"]}""", ("ls", "/bin/ls"));

        Assert.Equal("exit_2", outcome.Failure!.Code);
        Assert.Contains("no-such-place", JsonElement.Parse(outcome.Outcome!.ToString()).GetProperty("error").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_program_that_does_not_end_is_killed_with_all_that_it_started()
    {
        var script = Path.Combine(_root, "spawn");
        await File.WriteAllTextAsync(script, "#!/bin/sh\nsleep 4711 &\necho $!\nsleep 4711\n");
        File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var watch = Stopwatch.StartNew();

        var outcome = await CallAsync("""{"executable":"spawn","timeout_ms":700}""", ("spawn", script));

        Assert.Equal(("timeout", true), (outcome.Failure!.Code, outcome.Failure.Retryable));
        Assert.InRange(watch.ElapsedMilliseconds, 500, 20_000);
        Assert.DoesNotContain(Directory.GetDirectories("/proc"), process => CommandOf(process).Contains("sleep\u00004711", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_a_program_leaves_behind_keeps_nobody_waiting()
    {
        var script = Path.Combine(_root, "leave");
        await File.WriteAllTextAsync(script, "#!/bin/sh\nsleep 20 &\necho done\n");
        File.SetUnixFileMode(script, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var watch = Stopwatch.StartNew();

        Assert.Equal("done\n", Member(await CallAsync("""{"executable":"leave"}""", ("leave", script)), "output").GetString());
        Assert.InRange(watch.ElapsedMilliseconds, 0, 15_000);
    }

    [Fact]
    public async Task A_program_that_writes_without_end_is_killed()
    {
        var outcome = await CallAsync("""{"executable":"yes","max_output_bytes":1000}""", ("yes", "/usr/bin/yes"));

        Assert.Equal("output_too_large", outcome.Failure!.Code);
        Assert.Equal(1000, JsonElement.Parse(outcome.Outcome!.ToString()).GetProperty("output").GetString()!.Length);
    }

    [Fact]
    public async Task Arguments_of_the_operator_come_first()
    {
        var options = Options() with { Shell = new Dictionary<string, ShellExecutable> { ["say"] = new() { Path = "/bin/echo", Arguments = ["-n", "first"], Tenants = ["*"] } } };

        Assert.Equal("first second", Member(await SkillHarness.CallAsync("shell", """{"executable":"say","arguments":["second"]}""", options), "output").GetString());
    }

    [Theory]
    [InlineData("""{"executable":"/bin/echo"}""", "unknown_executable")]
    [InlineData("""{"executable":"Echo"}""", "unknown_executable")]
    [InlineData("""{"executable":"others"}""", "unknown_executable")]
    [InlineData("""{"executable":"missing"}""", "not_started")]
    [InlineData("""{"executable":"folder"}""", "not_started")]
    [InlineData("""{"executable":"echo","arguments":["a\u0000b"]}""", "invalid_parameters")]
    [InlineData("""{"executable":"echo","timeout_ms":0}""", "invalid_parameters")]
    [InlineData("""{"executable":"echo","max_output_bytes":-1}""", "invalid_parameters")]
    public async Task What_cannot_be_started_is_named(string parameters, string code)
    {
        var options = Options(("echo", "/bin/echo"), ("missing", "/no/such/program"), ("folder", "/tmp"));
        options = options with { Shell = new Dictionary<string, ShellExecutable>(options.Shell) { ["others"] = new() { Path = "/bin/echo", Tenants = ["T", "a"] } } };

        Assert.Equal(code, (await SkillHarness.CallAsync("shell", parameters, options)).Failure?.Code);
    }

    [Theory]
    [InlineData("echo")]
    [InlineData("bin/echo")]
    [InlineData("/bin/sh")]
    [InlineData("/usr/bin/env")]
    [InlineData("/bin/bash")]
    [InlineData("/opt/x/busybox")]
    public void A_program_that_is_relative_or_starts_what_it_is_told_is_refused_at_the_start(string path) =>
        Assert.Throws<ArgumentException>(() => new ShellExecutables(Options(("x", path)).Shell));

    [Fact]
    public void A_shell_under_another_name_is_a_shell_and_nobodys_program_is_refused()
    {
        var alias = Path.Combine(_root, "harmless");
        File.CreateSymbolicLink(alias, "/bin/sh");
        Assert.Throws<ArgumentException>(() => new ShellExecutables(Options(("x", alias)).Shell));
        Assert.Throws<ArgumentException>(() => new ShellExecutables(new Dictionary<string, ShellExecutable> { ["x"] = new() { Path = "/bin/echo", Tenants = [] } }));
    }

    private BuiltinSkillsOptions Options(params (string Name, string Path)[] programs) => new()
    {
        Files = new FileSkillOptions { Root = _root },
        Shell = programs.ToDictionary(program => program.Name, program => new ShellExecutable { Path = program.Path, Tenants = ["*"] }, StringComparer.Ordinal),
    };

    private Task<SkillOutcome> CallAsync(string parameters, params (string Name, string Path)[] programs) => SkillHarness.CallAsync("shell", parameters, Options(programs));

    private static JsonElement Member(SkillOutcome outcome, string name)
    {
        Assert.Null(outcome.Failure);
        return JsonElement.Parse(outcome.Outcome!.ToString()).GetProperty(name);
    }

    private static string CommandOf(string process)
    {
        try
        {
            return File.ReadAllText(Path.Combine(process, "cmdline"));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
