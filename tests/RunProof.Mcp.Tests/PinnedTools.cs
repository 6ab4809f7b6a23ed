using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using RunProof.Format;

namespace RunProof.Mcp.Tests;

/// <summary>What a trace pins of a server holds for its whole run.</summary>
public sealed class PinnedTools
{
    private const string Echo = "mcp:sample/echo";

    [Fact]
    public async Task The_pin_is_the_digest_of_the_whole_list_sorted_by_name_whatever_its_pages()
    {
        await using var desk = await Desk.SampleAsync("good");
        await using var pages = await Desk.SampleAsync("pages", options => options with { Tools = ["echo"] });
        // Written down by hand: canonical JSON of both definitions, in the order of their names.
        const string List = """[{"description":"Says it back.","inputSchema":{"additionalProperties":false,"properties":{"text":{"type":"string"}},"required":["text"],"type":"object"},"name":"echo"},{"annotations":{"readOnlyHint":true},"inputSchema":{"type":"object"},"name":"other"}]""";
        var digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes("runproof/v1/mcp-tools\n" + List)));
        Assert.StartsWith($$"""{"sample":{"digest":"{{digest}}","name":"sample","protocol":"20""", desk.Pin!.ToString(), StringComparison.Ordinal);
        Assert.EndsWith("\"version\":\"1.0.0\"}}", desk.Pin.ToString(), StringComparison.Ordinal);
        Assert.Equal(desk.Pin, pages.Pin);
        Assert.Equal([Echo, "mcp:sample/other"], desk.Names);
        Assert.Equal([Echo], pages.Names);
    }

    [Fact]
    public async Task A_skills_schema_is_of_its_name_version_definition_and_outcome()
    {
        await using var desk = await Desk.SampleAsync("good");
        var skill = desk.Skill("mcp:sample/other");
        const string Definition = """{"annotations":{"readOnlyHint":true},"inputSchema":{"type":"object"},"name":"other"}""";
        const string Outcome = """{"members":{"content":"json[]","is_error":"boolean","structured":"json?"},"name":"mcp.outcome","version":"1"}""";
        var parameters = Hex("runproof/v1/mcp-tool\n" + Definition);
        Assert.Equal((parameters, Hex(Outcome)), (skill.ParametersFingerprint, skill.OutcomeFingerprint));
        Assert.Equal(Hex($$"""
            runproof/v1/skill
            ["mcp:sample/other","1.0.0","{{parameters}}","{{Hex(Outcome)}}"]
            """), skill.Schema.ToString());
        Assert.Equal(("1.0.0", "mcp", ReplayBehavior.Skip, false), (skill.Version, skill.Source, skill.Replay, skill.IsIdempotent));
    }

    [Fact]
    public async Task What_a_server_says_of_its_tools_counts_only_where_the_operator_trusts_it()
    {
        await using var desk = await Desk.SampleAsync("good", options => options with { TrustAnnotations = true });
        Assert.Equal((ReplayBehavior.Check, true), (desk.Skill("mcp:sample/other").Replay, desk.Skill("mcp:sample/other").IsIdempotent));
        Assert.Equal((ReplayBehavior.Skip, false), (desk.Skill(Echo).Replay, desk.Skill(Echo).IsIdempotent));
    }

    [Fact]
    public async Task A_change_that_the_server_tells_of_keeps_the_run_from_its_next_call()
    {
        await using var desk = await Desk.SampleAsync("changes");
        var pin = desk.Pin!;
        Assert.Null((await desk.CallAsync(Echo, """{"text":"a"}""", pin)).Failure);
        await Desk.UntilAsync(() => !pin.Equals(desk.Pin), "the new list is there");

        var called = await desk.CallAsync(Echo, """{"text":"b"}""", pin);

        Assert.Equal(("tools_changed", false), (called.Failure!.Code, called.Failure.Retryable));
        var (before, now) = (DigestIn(pin), DigestIn(desk.Pin!));
        Assert.NotEqual(before, now);
        Assert.Equal($$"""{"digest":"{{now}}","pinned":"{{before}}","server":"sample","tool":"echo"}""", called.Evidence);
        Assert.Equal($"MCP server \"sample\" is not what the run's trace pinned: tools {before}, now {now}", called.Failure.Message);
        // A run that begins now has the new tools.
        Assert.Null((await desk.CallAsync(Echo, """{"words":"c"}""", desk.Pin)).Failure);
    }

    [Fact]
    public async Task A_change_that_the_server_keeps_to_itself_is_found_before_the_next_call()
    {
        await using var desk = await Desk.SampleAsync("says-nothing");
        var pin = desk.Pin!;
        Assert.Null((await desk.CallAsync(Echo, """{"text":"a"}""", pin)).Failure);
        Assert.Equal("tools_changed", (await desk.CallAsync(Echo, """{"text":"b"}""", pin)).Failure!.Code);
    }

    [Fact]
    public async Task A_tool_that_is_gone_says_so_to_the_runs_that_knew_it()
    {
        await using var desk = await Desk.SampleAsync("loses-tool");
        var pin = desk.Pin!;
        await desk.CallAsync(Echo, """{"text":"a"}""", pin);
        await Desk.UntilAsync(() => !desk.Servers.Current.Skills.ContainsKey(Echo), "the tool is gone");
        Assert.True(desk.Servers.Current.Former.ContainsKey(Echo));
        Assert.Equal("tools_changed", (await desk.CallAsync(Echo, """{"text":"b"}""", pin)).Failure!.Code);
    }

    [Fact]
    public async Task A_server_of_another_version_is_another_server()
    {
        await using var old = await Desk.SampleAsync("good");
        await using var desk = await Desk.SampleAsync("good", options => options with { Env = new Dictionary<string, string> { ["SERVER_VERSION"] = "2.0.0" } });
        var called = await desk.CallAsync(Echo, """{"text":"a"}""", old.Pin);
        Assert.Equal(("tools_changed", "MCP server \"sample\" is not what the run's trace pinned: version 1.0.0, now 2.0.0"), (called.Failure!.Code, called.Failure.Message));
    }

    [Fact]
    public async Task A_run_whose_trace_pinned_nothing_of_a_server_may_not_call_it()
    {
        await using var desk = await Desk.SampleAsync("good");
        Assert.Equal("tools_not_pinned", (await desk.CallAsync(Echo, """{"text":"a"}""", CanonicalJson.Parse("{}"u8))).Failure!.Code);
    }

    [Fact]
    public async Task A_tenant_that_is_not_named_may_not_call()
    {
        await using var desk = await Desk.SampleAsync("good", options => options with { Tenants = ["other"] });
        Assert.Equal("unknown_server", (await desk.CallAsync(Echo, """{"text":"a"}""")).Failure!.Code);
        Assert.Null((await desk.CallAsync(Echo, """{"text":"a"}""", tenant: "other")).Failure);
    }

    private static string Hex(string text) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text)));

    private static string DigestIn(CanonicalJson pin)
    {
        using var document = pin.ToDocument();
        return document.RootElement.GetProperty("sample").GetProperty("digest").GetString()!;
    }
}
