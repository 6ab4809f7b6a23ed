using System.Text.Json;

namespace RunProof.Cli.Tests;

public sealed class CommandLineTests
{
    public static TheoryData<string[], string> Unreadable => new()
    {
        { [], "Required command was not provided." },
        { ["run"], "Required command was not provided." },
        { ["rum", "list"], "'rum'" },
        { ["run", "list", "--nonsense"], "'--nonsense'" },
        { ["run", "create", "--agent", "a"], "Option '--goal' is required." },
        { ["run", "create", "--agent", "a", "--goal", "g", "--origin", "o", "--wait", "301"], "--wait 301 is not a number of seconds from 0 to 300." },
        { ["run", "create", "--agent", "a", "--goal", "g", "--origin", "o", "--seed", "x"], "'x'" },
        { ["run", "prove", "id", "--model", "GUESS"], "'GUESS'" },
        { ["run", "get"], "Required argument missing for command: 'get'." },
        { ["aos", "fingerprint"], "Option '--run-id' is required." },
        { ["canonical"], "Required argument missing for command: 'canonical'." },
    };

    [Theory]
    [MemberData(nameof(Unreadable))]
    public async Task Words_that_make_no_command_end_with_2_and_usage_on_standard_error(string[] args, string complaint)
    {
        var result = await CliProcess.RunAsync(args);
        Assert.Equal(2, result.ExitCode);
        Assert.Empty(result.Output);
        Assert.StartsWith("runproof: ", result.Error, StringComparison.Ordinal);
        Assert.Contains(complaint, result.Error, StringComparison.Ordinal);
        Assert.Contains("Usage:", result.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_json_a_complaint_is_one_object_on_standard_output()
    {
        var result = await CliProcess.RunAsync("aos", "fingerprint", "--json");
        Assert.Equal(2, result.ExitCode);
        Assert.Empty(result.Error);
        Snapshot.Matches("usage-error", result.Output);
    }

    [Fact]
    public async Task Help_is_a_result_and_goes_to_standard_output()
    {
        var result = await CliProcess.RunAsync("run", "create", "--help");
        Assert.Equal(0, result.ExitCode);
        Assert.Empty(result.Error);
        Assert.Contains("--idempotency-key <KEY>", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_goal_that_begins_with_an_at_sign_is_a_goal_and_no_file()
    {
        await using var service = await FakeService.StartAsync();
        service.On("POST /api/v1/runs", 202, ApiCommandTests.Run("queued"));
        var result = await CliProcess.RunAsync(["run", "create", "--agent", "a", "--goal", "@everyone", "--origin", "o"], service.Environment);
        Assert.Equal(0, result.ExitCode);
        Assert.True(service.Requests.TryPeek(out var request));
        Assert.Equal("@everyone", JsonDocument.Parse(request.Body).RootElement.GetProperty("goal").GetString());
    }

    [Fact]
    public async Task Nothing_but_text_is_printed_where_no_terminal_is()
    {
        await using var service = await FakeService.StartAsync();
        service.On("GET /api/v1/runs/r", 200, ApiCommandTests.Run("succeeded", goal: "evil\\u001b[2Jgoal\\u202e"));
        var result = await CliProcess.RunAsync(["run", "get", "r"], service.Environment);
        Assert.Equal(0, result.ExitCode);
        Assert.DoesNotContain('\u001b', result.Output);
        Assert.Contains("evil\\u001b[2Jgoal\\u202e", result.Output, StringComparison.Ordinal);
        Assert.Empty(result.Error);
    }
}
