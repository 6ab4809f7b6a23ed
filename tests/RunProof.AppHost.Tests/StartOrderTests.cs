using System.Diagnostics;
using System.Text.Json;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using RunProof.EmbeddedPostgres;

namespace RunProof.AppHost.Tests;

public sealed class StartOrderTests
{
    [Fact]
    public async Task Each_resource_starts_when_what_it_waits_for_is_true()
    {
        await using var model = new LocalModel();
        var migrator = model.Add("migrator", "once", "0");
        var runner = model.AddWeb("runner", "700").WaitForCompletion(migrator);
        model.Add("validate", "once", "0", "VERDICT PASS", "REPORT /tmp/report.md").WithReference(runner).WaitFor(runner);
        await model.StartAsync();
        Assert.Equal(["migrator begins", "migrator ends", "runner begins", "validate begins", "validate ends"], model.Events);
        Assert.Contains("verdict PASS after", model.Table, StringComparison.Ordinal);
        Assert.Contains("report /tmp/report.md", model.Table, StringComparison.Ordinal);
        Assert.Equal(0, await model.StopAsync());
        Assert.Equal("runner ends", model.Events[^1]);
    }

    [Fact]
    public async Task What_depends_on_a_failed_resource_is_not_started_and_says_why()
    {
        await using var model = new LocalModel();
        var migrator = model.Add("migrator", "once", "3", "the schema is newer");
        var runner = model.AddWeb("runner").WaitForCompletion(migrator);
        model.Add("validate", "once", "0").WaitFor(runner);
        Assert.Equal(1, await model.RunToEndAsync());
        Assert.Equal(["migrator begins", "migrator ends"], model.Events);
        Assert.Contains("was not started, because migrator ended with exit code 3, not 0", model.Shown, StringComparison.Ordinal);
        Assert.Contains("the schema is newer", model.Shown, StringComparison.Ordinal);
        Assert.Contains("was not started, because runner did not start", model.Shown, StringComparison.Ordinal);
        Assert.DoesNotContain("RunProof is up", model.Shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_service_that_dies_before_it_is_healthy_ends_the_start_with_its_last_lines()
    {
        await using var model = new LocalModel();
        model.AddWeb("runner", "60000", "die-after-ms", "300");
        model.AddWeb("verifier");
        Assert.Equal(1, await model.RunToEndAsync());
        Assert.Contains("ended with exit code 7 before it was healthy", model.Shown, StringComparison.Ordinal);
        Assert.Contains("A warning of two lines.", model.Shown, StringComparison.Ordinal);
        Assert.Contains("verifier ends", model.Events);
    }

    [Fact]
    public async Task A_service_that_never_becomes_healthy_is_told_with_what_it_answers()
    {
        await using var model = new LocalModel(change: options => options with { HealthTimeout = TimeSpan.FromSeconds(4) });
        model.AddWeb("runner", "600000");
        Assert.Equal(1, await model.RunToEndAsync());
        Assert.Contains("not healthy after 4 s", model.Shown, StringComparison.Ordinal);
        Assert.Contains("says 503", model.Shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_service_that_dies_later_is_told_and_the_rest_stays_up()
    {
        await using var model = new LocalModel();
        model.AddWeb("runner", "0", "die-after-ms", "4000");
        model.AddWeb("verifier");
        await model.StartAsync();
        await LocalModel.UntilAsync(() => model.Shown.Contains("ended by itself with exit code 7", StringComparison.Ordinal));
        Assert.DoesNotContain("verifier ends", model.Events);
        Assert.Equal(0, await model.StopAsync());
    }

    [Fact]
    public async Task A_child_that_ignores_the_signal_is_killed_and_nothing_is_left()
    {
        await using var model = new LocalModel(change: options => options with { StopTimeout = TimeSpan.FromSeconds(1) });
        model.AddWeb("stubborn", "0", "stubborn");
        await model.StartAsync();
        // The child, and the shell that watches over it.
        Assert.Equal(OperatingSystem.IsLinux() ? 2 : 0, ChildrenNamed("RunProof.AppHost.Sample.dll", model.Folder).Length);
        await model.StopAsync();
        Assert.Contains("did not end in 1 s and was killed", model.Shown, StringComparison.Ordinal);
        await LocalModel.UntilAsync(() => ChildrenNamed("RunProof.AppHost.Sample.dll", model.Folder).Length == 0);
    }

    [Fact]
    public async Task Quiet_lines_stay_in_the_file_and_warnings_come_to_the_screen()
    {
        await using var model = new LocalModel();
        model.AddWeb("runner");
        await model.StartAsync();
        Assert.DoesNotContain("Listening quietly", model.Shown, StringComparison.Ordinal);
        Assert.Contains("A warning of two lines.", model.Shown, StringComparison.Ordinal);
        await model.StopAsync();
        Assert.Contains("Listening quietly", await File.ReadAllTextAsync(Path.Combine(model.Folder, "data", "logs", "runner.log")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("0", "VERDICT PASS", 0, "verdict PASS after")]
    [InlineData("10", "VERDICT FAIL", 10, "verdict FAIL after")]
    [InlineData("0", "VERDICT FAIL", 10, "verdict FAIL after")]
    [InlineData("10", "VERDICT PASS", 10, "verdict FAIL after")]
    [InlineData("0", "nothing at all", 2, "verdict none: validate ended with exit code 0")]
    [InlineData("1", "VERDICT PASS", 2, "verdict none: validate ended with exit code 1")]
    public async Task The_verdict_is_a_pass_only_when_exit_code_and_words_agree(string code, string line, int expected, string shown)
    {
        await using var model = new LocalModel();
        model.Add("validate", "once", code, line);
        await model.StartAsync();
        Assert.Contains(shown, model.Table, StringComparison.Ordinal);
        Assert.Equal(expected, await model.StopAsync());
    }

    [Fact]
    public async Task A_holder_that_is_killed_takes_its_PostgreSQL_with_it()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "There is no watcher on Windows.");
        await using var model = new LocalModel();
        var start = Tool.Describe("dotnet", [new SampleProject().AssemblyPath, "hold", Path.Combine(model.Folder, "cluster")], user: null, model.Folder);
        using var holder = Process.Start(start)!;
        var line = (await holder.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken))!.Split(' ');
        var postgres = int.Parse(line[0]);
        Assert.True(Unix.Exists(postgres));
        Unix.Signal(holder.Id, Unix.SigKill);
        await LocalModel.UntilAsync(() => !Unix.Exists(postgres));
        // A clean shutdown takes the file away; a killed server leaves it.
        Assert.False(File.Exists(Path.Combine(model.Folder, "cluster", "data", "postmaster.pid")));
    }

    private static int[] ChildrenNamed(string dll, string folder)
    {
        if (!OperatingSystem.IsLinux())
            return [];
        return [.. Process.GetProcesses().Where(process => Says(process.Id, "cmdline", dll) && Says(process.Id, "environ", folder)).Select(process => process.Id)];
    }

    private static bool Says(int process, string file, string text)
    {
        try
        {
            return File.ReadAllText($"/proc/{process}/{file}").Contains(text, StringComparison.Ordinal);
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return false;
        }
    }
}
