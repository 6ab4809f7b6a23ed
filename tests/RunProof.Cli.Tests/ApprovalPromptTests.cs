using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace RunProof.Cli.Tests;

/// <summary>A person at a terminal who is shown an action and asked; and a decision where there is no such person.</summary>
public sealed class ApprovalPromptTests
{
    private const string Shown = """{"action_digest":"aaaa","params":{"amount":5},"skill":"pay"}""";

    [Theory]
    [InlineData("approve", "approved")]
    [InlineData("reject", "rejected")]
    public async Task Who_types_yes_decides_of_what_was_shown_by_both_digests(string decision, string status)
    {
        await using var service = await ServiceAsync(Shown, decision, status);
        var result = await RunAsync(service, "yes\n", "approval", decision, "apr_1", "--reason", "as agreed", "--json");
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Contains($"{decision} this action? Type yes: ", result.Error, StringComparison.Ordinal);
        using var sent = JsonDocument.Parse(Assert.Single(service.Requests, request => request.Line.StartsWith("POST", StringComparison.Ordinal)).Body);
        Assert.Equal(
            (new string('a', 64), DigestOf(Shown), "as agreed"),
            (sent.RootElement.GetProperty("action_digest").GetString(), sent.RootElement.GetProperty("shown_digest").GetString(), sent.RootElement.GetProperty("reason").GetString()));
    }

    [Fact]
    public async Task The_action_is_shown_before_it_is_decided_of()
    {
        await using var service = await ServiceAsync(Shown, "approve", "approved");
        var result = await RunAsync(service, "yes\n", "approval", "approve", "apr_1");
        Assert.True(result.ExitCode == 0, result.Error);
        Assert.Matches("(?s)\"amount\": 5.*approved", result.Output);
        Assert.Contains("approve this action? Type yes: ", result.Error, StringComparison.Ordinal);
        Assert.Contains("approved", result.Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("no\n")]
    [InlineData("y\n")]
    [InlineData("Yes\n")]
    [InlineData("yes please\n")]
    [InlineData("\n")]
    [InlineData("")]
    public async Task Whatever_else_is_typed_decides_nothing(string typed)
    {
        await using var service = await ServiceAsync(Shown, "approve", "approved");
        var result = await RunAsync(service, typed, "approval", "approve", "apr_1");
        Assert.Equal(1, result.ExitCode);
        Assert.Contains("nothing was decided", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(service.Requests, request => request.Line.StartsWith("POST", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Without_a_terminal_nobody_is_asked_and_the_digest_must_be_given()
    {
        await using var service = await ServiceAsync(Shown, "approve", "approved");
        var refused = await CliInside.RunAsync(["approval", "approve", "apr_1"], Encoding.UTF8.GetBytes("yes\n"), environment: service.Environment);
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("--digest", refused.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(service.Requests, request => request.Line.StartsWith("POST", StringComparison.Ordinal));
        var given = await CliInside.RunAsync(["approval", "approve", "apr_1", "--digest", DigestOf(Shown)], environment: service.Environment);
        Assert.True(given.ExitCode == 0, given.Error);
    }

    [Fact]
    public async Task Nobody_is_asked_of_a_text_that_is_not_the_one_that_was_asked()
    {
        await using var service = await ServiceAsync(Shown, "approve", "approved", shown: Shown.Replace("5", "4", StringComparison.Ordinal));
        var result = await RunAsync(service, "yes\n", "approval", "approve", "apr_1");
        Assert.Equal(10, result.ExitCode);
        Assert.DoesNotContain("Type yes", result.Error, StringComparison.Ordinal);
        Assert.DoesNotContain(service.Requests, request => request.Line.StartsWith("POST", StringComparison.Ordinal));
    }

    private static Task<CliResult> RunAsync(FakeService service, string typed, params string[] args) =>
        CliInside.RunAsync(args, Encoding.UTF8.GetBytes(typed), environment: service.Environment, errorIsTerminal: true);

    private static string DigestOf(string shown) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes("runproof/v1/approval\n" + shown)));

    private static async Task<FakeService> ServiceAsync(string asked, string decision, string status, string? shown = null)
    {
        string View(string now) => $$"""
            {"id":"apr_1","run_id":"run-1","trace_id":"trace_run-1","plan_step":"buy","plan_index":0,"attempt":0,"skill":"pay","policy":"guard","rule":"ask","status":"{{now}}",
            "action":{{shown ?? asked}},"shown":{{JsonSerializer.Serialize(shown ?? asked)}},"action_digest":"{{new string('a', 64)}}","shown_digest":"{{DigestOf(asked)}}",
            "approvers":null,"needed":1,"requested_at":"2026-02-10T12:00:00.000000Z","valid_until":"2026-02-11T12:00:00.000000Z","decided_at":null,"used_at":null,"decisions":[]}
            """;
        return (await FakeService.StartAsync()).On("GET /api/v1/approvals/apr_1", 200, View("pending")).On($"POST /api/v1/approvals/apr_1/{decision}", 200, View(status));
    }
}
