using System.Security.Cryptography;
using System.Text;
using RunProof.Format;

namespace RunProof.Verification.Tests;

/// <summary>Check TOOL_LISTS alone: a published trace is given contexts that name lists of tools, so its chain does not hold here. The end-to-end tests have whole ones.</summary>
public sealed class ToolLists
{
    private const string Pins = """{"mcp":{"fs":{"digest":"d1","name":"x","protocol":"p","version":"1"}}}""";
    private const string Called = """{"mcp":{"digest":"d1","server":"fs","tool":"read"}}""";

    private static readonly Evidence Forty = Evidence.Bundle("forty-steps");

    [Fact]
    public void Where_no_tool_is_pinned_or_called_there_is_no_such_check() => Assert.DoesNotContain(Forty.Verify().Checks, check => check.Name == "TOOL_LISTS");

    [Fact]
    public void A_call_under_the_pinned_list_passes()
    {
        var (check, findings) = Judge(Pins, Called);
        Assert.Equal((CheckStatus.Passed, "1 step of MCP tools, each under the list that the header's context pins; 0 refused because it was another"), (check!.Status, check.Detail));
        Assert.Empty(findings);
    }

    [Fact]
    public void A_call_under_another_list_fails()
    {
        var (check, findings) = Judge(Pins, Called.Replace("d1", "d2", StringComparison.Ordinal));
        Assert.Equal(CheckStatus.Failed, check!.Status);
        Assert.Equal((FindingCodes.ToolListMismatch, "steps[3].context", "step 3: context says that the list of MCP server \"fs\" was d2, but the header's context pins d1"),
            (findings[0].Code, findings[0].Place, findings[0].Message));
    }

    [Theory]
    [InlineData("""{"agent_name":"a"}""")]
    [InlineData("""{"mcp":{"web":{"digest":"d1"}}}""")]
    [InlineData("not json")]
    public void A_call_of_a_server_that_is_not_pinned_fails(string header) =>
        Assert.Equal(FindingCodes.ToolListMismatch, Assert.Single(Judge(header, Called).Findings).Code);

    [Fact]
    public void A_step_that_was_refused_because_the_list_had_changed_is_told_of_and_fails_nothing()
    {
        var (check, findings) = Judge(Pins, """{"mcp":{"digest":"d2","pinned":"d1","server":"fs","tool":"read"}}""", "tools_changed");
        Assert.Equal((CheckStatus.Passed, "0 steps of MCP tools, each under the list that the header's context pins; 1 refused because it was another"), (check!.Status, check.Detail));
        Assert.Equal((FindingCodes.ToolsChanged, "step 3: context says that MCP server \"fs\" was not what the header's context pins (list d1, found d2): nothing was called"),
            (findings[0].Code, findings[0].Message));
    }

    [Fact]
    public void A_refusal_that_names_another_pin_fails() => Assert.Equal(
        FindingCodes.ToolListMismatch, Assert.Single(Judge(Pins, """{"mcp":{"digest":"d2","pinned":"d3","server":"fs","tool":"read"}}""", "tools_changed").Findings).Code);

    [Fact]
    public void What_the_header_pins_and_does_not_reveal_is_not_checked_and_that_is_said()
    {
        var evidence = With(Pins, Called, null);
        var (check, _) = Of(evidence.With(trace => trace with { Context = trace.Context with { Salt = null, Text = null } }));
        Assert.Equal((CheckStatus.NotDone, "1 step of MCP tools: the trace's context, which pins their lists, is withheld or erased"), (check!.Status, check.Detail));
    }

    [Theory]
    [InlineData("""{"mcp":7}""")]
    [InlineData("""{"mcp":{"server":7,"digest":[]}}""")]
    [InlineData("""{"mcp":{"server":"\ud800","digest":"d1"}}""")]
    [InlineData("""["mcp":""")]
    public void What_no_runner_of_ours_wrote_is_passed_over(string step) => Assert.Empty(Judge(Pins, step).Findings);

    private static (Check? Check, IReadOnlyList<Finding> Findings) Judge(string header, string step, string? code = null) => Of(With(header, step, code));

    private static (Check? Check, IReadOnlyList<Finding> Findings) Of(Evidence evidence)
    {
        var report = evidence.Verify();
        return (report.Checks.SingleOrDefault(check => check.Name == "TOOL_LISTS"), [.. report.Findings.Where(finding => finding.Code is FindingCodes.ToolListMismatch or FindingCodes.ToolsChanged)]);
    }

    private static Evidence With(string header, string step, string? code) => Forty.With(trace => trace with { Context = Payload(header) })
        .With(3, recorded => recorded with { Context = Payload(step), OutcomeCode = code, Status = code is null ? "succeeded" : "failed", Level = code is null ? "INFO" : "ERROR" });

    // The commitment as proof-format.md section 2 says it, by plain SHA-256.
    private static RecordedPayload Payload(string text)
    {
        var salt = new byte[16];
        return new RecordedPayload(SHA256.HashData([.. "runproof/v1/payload\n"u8, .. salt, .. Encoding.UTF8.GetBytes(text)]), salt, text, Loaded: true);
    }
}
