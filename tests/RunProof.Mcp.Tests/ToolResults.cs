using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace RunProof.Mcp.Tests;

/// <summary>What servers answer, as outcomes: nothing is lost, nothing is rounded, nothing is endless.</summary>
public sealed class ToolResults
{
    private const string Echo = "mcp:sample/echo";

    [Fact]
    public async Task Blocks_are_kept_as_they_came_also_those_that_nobody_knows()
    {
        await using var desk = await Desk.SampleAsync("odd-content");
        var called = await desk.CallAsync(Echo, """{"text":"a"}""");
        Assert.Null(called.Failure);
        using var outcome = JsonDocument.Parse(called.Outcome!);
        var blocks = outcome.RootElement.GetProperty("content");
        // Rule 2 of canonical JSON: a number that a double would round, and a name that stands there twice, are kept as text.
        Assert.Equal("""{"type":"text","text":"a","n":12345678901234567890}""", blocks[0].GetProperty("$json").GetString());
        Assert.Equal("""{"type":"text","text":"b","text":"c"}""", blocks[1].GetProperty("$json").GetString());
        Assert.Equal("""{"deep":{"x":[1]},"type":"new-kind"}""", blocks[2].GetRawText());
        Assert.Equal("""{"sum":0.1}""", outcome.RootElement.GetProperty("structured").GetRawText());
    }

    [Fact]
    public async Task A_tool_that_fails_fails_the_step_and_its_answer_is_kept()
    {
        await using var desk = await Desk.SampleAsync("error");
        var called = await desk.CallAsync(Echo, """{"text":"a"}""");
        Assert.Equal(("tool_error", "disk is full", false), (called.Failure!.Code, called.Failure.Message, called.Failure.Retryable));
        Assert.Equal("""{"content":[{"text":"disk is full","type":"text"}],"is_error":true,"structured":null}""", called.Outcome);
    }

    [Fact]
    public async Task A_large_binary_is_kept_by_its_digest_and_length()
    {
        await using var desk = await Desk.SampleAsync("binary", options => options with { MaxInlineBytes = 1_000 });
        var called = await desk.CallAsync(Echo, """{"text":"a"}""");
        var digest = Convert.ToHexStringLower(SHA256.HashData(new byte[3_000]));
        Assert.Equal(
            $$$"""{"content":[{"data_bytes":3000,"data_sha256":"{{{digest}}}","mimeType":"image/png","type":"image"},{"resource":{"blob_bytes":3000,"blob_sha256":"{{{digest}}}","uri":"x:y"},"type":"resource"},{"data":"AAAA","mimeType":"image/png","type":"image"}],"is_error":false,"structured":null}""",
            called.Outcome);
    }

    [Fact]
    public async Task An_outcome_that_is_too_large_fails_the_step_and_its_digest_is_kept()
    {
        await using var desk = await Desk.SampleAsync("large", options => options with { MaxResultBytes = 2_000 });
        var called = await desk.CallAsync(Echo, """{"text":"a"}""");
        var whole = $$$"""{"content":[{"text":"{{{new string('z', 5_000)}}}","type":"text"}],"is_error":false,"structured":null}""";
        Assert.Equal("result_too_large", called.Failure!.Code);
        Assert.Equal(
            $$$"""{"content":[{"outcome_bytes":{{{whole.Length}}},"outcome_sha256":"{{{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(whole)))}}}","type":"omitted"}],"is_error":false,"structured":null}""",
            called.Outcome);
    }

    [Theory]
    [InlineData("""{"content":[],"structuredContent":{"degrees":21.5,"place":"roof"}}""", null)]
    [InlineData("""{"structuredContent":{"degrees":21.5,"more":"is allowed"}}""", null)]
    [InlineData("""{"content":[],"structuredContent":{"degrees":"warm"}}""", "structured.degrees: expected a number, got a string")]
    [InlineData("""{"content":[],"structuredContent":{"place":"roof"}}""", "structured.degrees: missing")]
    [InlineData("""{"content":[],"structuredContent":{"degrees":1,"place":"attic"}}""", "structured.place: expected one of \"roof\", \"cellar\", got another value")]
    [InlineData("""{"content":[],"structuredContent":[21.5]}""", "structured: expected an object, got an array")]
    [InlineData("""{"content":[{"type":"text","text":"21.5"}]}""", "structured: missing")]
    [InlineData("""{"content":[],"structuredContent":null}""", "structured: missing")]
    public async Task A_structured_answer_is_held_to_the_schema_that_its_tool_was_listed_with(string answer, string? wrong)
    {
        await using var desk = await Desk.SampleAsync("measures");
        var called = await desk.CallAsync("mcp:sample/measure", $$"""{"answer":{{answer}}}""");
        Assert.Equal(wrong is null ? null : $"the tool's answer is not what its outputSchema says: {wrong}", called.Failure?.Message);
        if (called.Failure is { } failure)
            Assert.Equal(("output_mismatch", false), (failure.Code, failure.Retryable));
        // What came is kept, whatever it is worth.
        var given = JsonDocument.Parse(answer).RootElement.TryGetProperty("structuredContent", out var value) ? value : JsonElement.Parse("null");
        Assert.True(JsonElement.DeepEquals(given, JsonElement.Parse(called.Outcome!).GetProperty("structured")), called.Outcome);
    }

    [Fact]
    public async Task A_tool_that_says_that_it_failed_owes_no_structured_answer_and_an_operator_may_ask_for_none()
    {
        await using var desk = await Desk.SampleAsync("measures");
        Assert.Equal("tool_error", (await desk.CallAsync("mcp:sample/measure", """{"answer":{"content":[{"type":"text","text":"no sensor"}],"isError":true}}""")).Failure!.Code);
        await using var lenient = await Desk.SampleAsync("measures", options => options with { CheckOutput = false });
        Assert.Null((await lenient.CallAsync("mcp:sample/measure", """{"answer":{"content":[],"structuredContent":{"degrees":"warm"}}}""")).Failure);
    }

    [Fact]
    public void An_answer_that_does_not_fit_is_kept_and_masked_and_so_is_what_is_said_of_it()
    {
        using var schema = JsonDocument.Parse("""{"additionalProperties":{"type":"number"}}""");
        ToolResult Of(string answer) => ToolResult.Of(Encoding.UTF8.GetBytes(answer), Options(), new SecretMask(["t0p-s3cr3t"]), mayRepeat: true, new ToolSchema(schema.RootElement));
        var result = Of("""{"structuredContent":{"t0p-s3cr3t":"t0p-s3cr3t"}}""");
        Assert.Equal(("output_mismatch", "the tool's answer is not what its outputSchema says: structured.[masked]: expected a number, got a string"), (result.Failure!.Code, result.Failure.Message));
        Assert.Equal("""{"[masked]":"[masked]"}""", result.Outcome!.Structured!.ToString());
        Assert.Equal("result_too_large", Of($$$"""{"structuredContent":{"a":"{{{new string('x', 2 << 20)}}}"}}""").Failure!.Code);
    }

    [Fact]
    public async Task An_answer_without_content_is_none()
    {
        await using var desk = await Desk.SampleAsync("no-content");
        Assert.Equal("bad_result", (await desk.CallAsync(Echo, """{"text":"a"}""")).Failure!.Code);
    }

    [Theory]
    [InlineData("[1]")]
    [InlineData("\"x\"")]
    [InlineData("not json")]
    [InlineData("""{"content":{}}""")]
    [InlineData("null")]
    public void What_is_no_result_is_told_of(string answer) =>
        Assert.Equal("bad_result", ToolResult.Of(Encoding.UTF8.GetBytes(answer), Options(), new SecretMask([]), mayRepeat: false).Failure!.Code);

    [Fact]
    public void A_secret_is_taken_out_of_names_and_texts_however_it_is_escaped_and_what_is_left_is_json()
    {
        var mask = new SecretMask(["n\"secret", "12345678", "short"]);
        var result = ToolResult.Of(
            """{"content":[{"type":"text","text":"it is \u006e\"secret, and \n\"secret","number":12345678,"n\"secret":"12345678"},{"type":"text","text":"short"}],"isError":true}"""u8.ToArray(), Options(), mask, mayRepeat: false);
        Assert.True(result.Masked);
        Assert.Equal("""{"[masked]":"[masked]","number":12345678,"text":"it is [masked], and \n\"secret","type":"text"}""", result.Outcome!.Content[0].ToString());
        Assert.Equal("it is [masked], and \n\"secret", result.Failure!.Message);
        // Too short to be looked for: it would be found where it is none.
        Assert.Contains("short", result.Outcome.Content[1].ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("abcdef\nabcdef\n", 7, true)]
    [InlineData("abcdefgh\n", 7, false)]
    public async Task A_stream_of_lines_is_bounded_line_by_line(string text, int most, bool passes)
    {
        MessageTooLargeException? told = null;
        await using var stream = new BoundedStream(new MemoryStream(Encoding.UTF8.GetBytes(text)), most, MessageEnd.Line, too => told = too);
        var reading = new StreamReader(stream).ReadToEndAsync(Desk.Cancel);
        if (passes)
            Assert.Equal(text, await reading);
        else
            Assert.Same(await Assert.ThrowsAsync<MessageTooLargeException>(() => reading), told);
    }

    [Theory]
    [InlineData("data: abc\r\n\r\ndata: abc\r\n\r\n", 14, true)]
    [InlineData("data: abc\r\ndata: abc\r\n\r\n", 14, false)]
    public async Task A_stream_of_events_is_bounded_event_by_event(string text, int most, bool passes)
    {
        await using var stream = new BoundedStream(new MemoryStream(Encoding.UTF8.GetBytes(text)), most, MessageEnd.EmptyLine, _ => { });
        var reading = new StreamReader(stream).ReadToEndAsync(Desk.Cancel);
        if (passes)
            Assert.Equal(text, await reading);
        else
            await Assert.ThrowsAsync<MessageTooLargeException>(() => reading);
    }

    private static McpServerOptions Options() => new() { Name = "sample", Command = "x", Tenants = ["*"] };
}
