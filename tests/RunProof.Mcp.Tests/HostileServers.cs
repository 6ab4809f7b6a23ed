using System.Diagnostics;
using System.Text.Json;
using RunProof.Format;

namespace RunProof.Mcp.Tests;

/// <summary>A server is a stranger: it may hang, lie, flood and die, and nothing but its own steps may suffer.</summary>
public sealed class HostileServers
{
    private const string Echo = "mcp:sample/echo";
    private const string Hello = """{"text":"hello"}""";

    [Fact]
    public async Task A_server_that_ends_at_once_is_told_of_and_started_again()
    {
        await using var desk = await Desk.SampleAsync("never-starts");
        Assert.Equal("it ended with exit code 3", desk.State.Problem);
        Assert.Contains("missing configuration: SECRET_THING", desk.Logged, StringComparison.Ordinal);
        Assert.Empty(desk.Names);
        Assert.Null(desk.Pin);
        await Desk.UntilAsync(() => desk.Logged.Split("is not there").Length > 2, "a second start");
    }

    [Fact]
    public async Task A_program_that_is_not_there_is_told_of()
    {
        await using var desk = await Desk.SampleAsync("good", options => options with { Command = "/no/such/program" });
        Assert.StartsWith("\"/no/such/program\" cannot be started: ", desk.State.Problem, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_never_answers_keeps_nobody_waiting_longer_than_it_may()
    {
        var began = Stopwatch.GetTimestamp();
        await using var desk = await Desk.SampleAsync("never-answers", options => options with { StartTimeout = TimeSpan.FromSeconds(2) });
        Assert.True(Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(15));
        Assert.NotNull(desk.State.Problem);
    }

    [Fact]
    public async Task A_call_that_hangs_ends_with_its_step_and_the_server_is_told_so()
    {
        var told = Path.GetTempFileName();
        await using var desk = await Desk.SampleAsync("hangs", options => options with { Env = new Dictionary<string, string> { ["TOLD"] = told } });
        using var step = new CancellationTokenSource(TimeSpan.FromMilliseconds(500));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => desk.CallAsync(Echo, Hello, cancel: step.Token));
        await Desk.UntilAsync(() => File.ReadAllText(told).Contains("notifications/cancelled", StringComparison.Ordinal), "the server is told");
        Assert.Contains("\"runproof/idempotency_key\":\"run-1:0\"", File.ReadAllText(told), StringComparison.Ordinal);
        Assert.Null(desk.State.Problem);
        File.Delete(told);
    }

    [Fact]
    public async Task A_call_that_hangs_ends_when_the_operator_says_so()
    {
        await using var desk = await Desk.SampleAsync("hangs", options => options with { CallTimeout = TimeSpan.FromSeconds(1) });
        Assert.Equal("mcp_timeout", (await desk.CallAsync(Echo, Hello)).Failure!.Code);
    }

    [Fact]
    public async Task A_server_that_dies_in_the_call_fails_the_step_and_is_started_again()
    {
        await using var desk = await Desk.SampleAsync("dies");
        var pin = desk.Pin;
        var called = await desk.CallAsync(Echo, Hello);
        Assert.Equal(("mcp_died", "the connection to the server ended during the call: it ended with exit code 7", false), (called.Failure!.Code, called.Failure.Message, called.Failure.Retryable));
        await Desk.UntilAsync(() => desk.State.Problem is null, "it is there again");
        Assert.Equal(pin, desk.Pin);
        Assert.Equal("mcp_died", (await desk.CallAsync(Echo, Hello, pin)).Failure!.Code);
    }

    [Fact]
    public async Task Garbage_between_answers_is_passed_over()
    {
        await using var desk = await Desk.SampleAsync("prints-garbage");
        Assert.Contains("hello", (await desk.CallAsync(Echo, Hello)).Outcome, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Of_two_answers_one_counts_and_the_other_is_no_other_calls()
    {
        await using var desk = await Desk.SampleAsync("answers-twice");
        for (var i = 0; i < 20; i++)
            Assert.Matches($"\"call-{i} (one|two)\"", (await desk.CallAsync(Echo, $$"""{"text":"call-{{i}}"}""")).Outcome!);
    }

    [Fact]
    public async Task A_flood_on_standard_error_stops_nothing_and_fills_nothing()
    {
        await using var desk = await Desk.SampleAsync("floods-stderr");
        var before = GC.GetTotalMemory(forceFullCollection: true);
        for (var i = 0; i < 20; i++)
            Assert.Contains("hello", (await desk.CallAsync(Echo, Hello)).Outcome, StringComparison.Ordinal);
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 8 << 20);
    }

    [Fact]
    public async Task An_answer_without_an_end_ends_the_connection()
    {
        await using var desk = await Desk.SampleAsync("huge-line", options => options with { MaxMessageBytes = 1 << 20 });
        var called = await desk.CallAsync(Echo, Hello);
        Assert.Equal(("mcp_died", "the connection to the server ended during the call: it sent a message of more than 1048576 bytes"), (called.Failure!.Code, called.Failure.Message));
    }

    [Fact]
    public async Task A_refused_call_fails_the_step_with_the_servers_code()
    {
        await using var desk = await Desk.SampleAsync("refuses");
        var called = await desk.CallAsync(Echo, Hello);
        Assert.Equal("mcp_error", called.Failure!.Code);
        Assert.StartsWith("the server refused the call with error -32602: ", called.Failure.Message, StringComparison.Ordinal);
        Assert.Contains("not like this", called.Failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("endless-pages", "the pages of its list of tools do not end")]
    [InlineData("two-of-one-name", "it lists two tools of one name")]
    public async Task A_list_that_cannot_be_worked_with_is_told_of(string mode, string problem)
    {
        await using var desk = await Desk.SampleAsync(mode);
        Assert.Equal(problem, desk.State.Problem);
        Assert.Empty(desk.Names);
    }

    [Fact]
    public async Task Tools_that_can_be_no_skills_are_left_out_and_the_pin_has_them_all_the_same()
    {
        await using var odd = await Desk.SampleAsync("odd-tools");
        await using var good = await Desk.SampleAsync("good");
        Assert.Equal(good.Names, odd.Names);
        Assert.NotEqual(good.Pin, odd.Pin);
        Assert.Contains("no skill is made of tool \"bad name\"", odd.Logged, StringComparison.Ordinal);
        Assert.Contains("\"no-schema\": it has no inputSchema", odd.Logged, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_program_sees_nothing_of_the_runners_environment()
    {
        Environment.SetEnvironmentVariable("RUNPROOF_TEST_SECRET", "do-not-show");
        await using var desk = await Desk.SampleAsync("environment", options => options with { Env = new Dictionary<string, string> { ["OWN"] = "value", ["TOKEN"] = "s3cr3t-token" }, Secrets = ["s3cr3t-token"] });
        var called = await desk.CallAsync(Echo, Hello);
        using var outcome = JsonDocument.Parse(called.Outcome!);
        var names = outcome.RootElement.GetProperty("structured").EnumerateObject().Select(one => one.Name).ToArray();
        string[] expected = ["HOME", "OWN", "PATH", "TOKEN", "SystemRoot", "TEMP", "USERPROFILE"];
        // What the .NET host sets for itself is none of the runner's.
        Assert.DoesNotContain(names, name => !expected.Contains(name) && !name.StartsWith("DOTNET", StringComparison.Ordinal) && name != "MSBuildSDKsPath");
        Assert.Equal("[masked]", outcome.RootElement.GetProperty("structured").GetProperty("TOKEN").GetString());
        Assert.DoesNotContain("s3cr3t", called.Outcome, StringComparison.Ordinal);
        Assert.Contains("\"masked\":true", called.Evidence, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_says_all_the_time_that_it_changed_does_not_keep_the_runner_busy()
    {
        await using var desk = await Desk.SampleAsync("says-changes-for-ever");
        await desk.CallAsync(Echo, Hello);
        await Desk.UntilAsync(() => desk.Logged.Contains("all the time", StringComparison.Ordinal) || desk.State.Problem is null, "it settles");
    }
}
