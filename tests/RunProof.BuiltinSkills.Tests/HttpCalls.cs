using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using RunProof.Testing;
using static RunProof.BuiltinSkills.Tests.ScriptedServer;

namespace RunProof.BuiltinSkills.Tests;

public sealed class HttpCalls
{
    [Theory]
    [InlineData(null, true)]
    [InlineData("head", true)]
    [InlineData("PUT", true)]
    [InlineData("DELETE", true)]
    [InlineData("POST", false)]
    [InlineData("patch", false)]
    [InlineData("CONNECT", false)]
    public void A_call_that_a_crash_hid_may_be_made_again_where_HTTP_calls_its_method_idempotent(string? method, bool may)
    {
        const string url = "https://example.org";
        Assert.Equal(may, HttpCallSkill.MayRepeat(method is null ? new() { Url = url } : new() { Url = url, Method = method }));
    }

    [Fact]
    public async Task A_response_is_recorded_with_its_status_headers_body_and_URL()
    {
        await using var server = new ScriptedServer(_ => Response("200 OK", """{ "b": 1, "a": 1.50 }""", "Content-Type: application/json", "Set-Cookie: id=secret", "ETag: \"x\"", "X-Secret: s"));

        var outcome = await SkillHarness.CallAsync("http_call", $$"""{"url":"{{server.Url("/a?q=1#f")}}"}""");

        Assert.Null(outcome.Failure);
        Assert.Equal(
            $$"""{"body":{"a":1.5,"b":1},"headers":{"content-length":"21","content-type":"application/json","etag":"\"x\""},"redirects":[],"status_code":200,"text":null,"url":"{{server.Url("/a?q=1")}}"}""",
            outcome.Outcome!.ToString());
        var request = Assert.Single(server.Requests);
        Assert.StartsWith($"GET /a?q=1 HTTP/1.1\r\nHost: 127.0.0.1:{server.Port}\r\n", request, StringComparison.Ordinal);
        Assert.Contains("User-Agent: runproof-http_call/1.0.0\r\n", request, StringComparison.Ordinal);
        Assert.DoesNotContain("Idempotency-Key", request, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("text/plain; charset=utf-8", "Responsive is better than fast.")]
    [InlineData("text/html", "<p>caf\u00e9</p>")]
    [InlineData("application/atom+xml", "<feed/>")]
    public async Task A_body_declared_as_text_is_recorded_as_text(string mediaType, string text)
    {
        await using var server = new ScriptedServer(_ => Response("200 OK", text, "Content-Type: " + mediaType));

        var outcome = await SkillHarness.SucceedAsync("http_call", $$"""{"url":"{{server.Url()}}"}""");

        Assert.Equal(text, outcome.GetProperty("text").GetString());
        Assert.Equal(JsonValueKind.Null, outcome.GetProperty("body").ValueKind);
    }

    [Theory]
    [InlineData("application/octet-stream", "Responsive is better than fast.")]
    [InlineData("text/plain; charset=iso-8859-1", "plain")]
    [InlineData("text/plain", "\u00ff\u00fe no UTF-8")]
    [InlineData("not a media type", "plain")]
    public async Task Any_other_body_that_is_no_JSON_is_recorded_byte_for_byte(string mediaType, string bytes)
    {
        await using var server = new ScriptedServer(_ => Response("200 OK", Encoding.Latin1.GetBytes(bytes), "Content-Type: " + mediaType));

        var outcome = await SkillHarness.SucceedAsync("http_call", $$"""{"url":"{{server.Url()}}"}""");

        var body = outcome.GetProperty("body");
        Assert.Equal(Encoding.Latin1.GetBytes(bytes), body.GetProperty("$base64").GetBytesFromBase64());
        Assert.Equal(mediaType, body.GetProperty("$mediaType").GetString());
        Assert.Equal(JsonValueKind.Null, outcome.GetProperty("text").ValueKind);
    }

    [Theory]
    [InlineData("body", "\"plain é\"", "text/plain; charset=utf-8", "plain Ã©")]
    [InlineData("json", "{\"b\":1,\"a\":[]}", "application/json", "{\"a\":[],\"b\":1}")]
    public async Task A_body_is_sent(string member, string value, string mediaType, string sent)
    {
        await using var server = new ScriptedServer(_ => Response("201 Created"));

        await SkillHarness.SucceedAsync("http_call", $$"""{"url":"{{server.Url()}}","method":"post","headers":{"x-a":"1"},"{{member}}":{{value}}}""");

        var request = Assert.Single(server.Requests);
        Assert.StartsWith("POST / HTTP/1.1\r\n", request, StringComparison.Ordinal);
        Assert.Contains($"Content-Type: {mediaType}\r\n", request, StringComparison.Ordinal);
        Assert.Contains("x-a: 1\r\n", request, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("Idempotency-Key: r:0\r\n", request, StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\n" + sent, request, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_callers_own_headers_win()
    {
        await using var server = new ScriptedServer(_ => Response("200 OK"));

        await SkillHarness.SucceedAsync("http_call", $$"""{"url":"{{server.Url()}}","method":"PATCH","headers":{"content-type":"text/x","user-agent":"me","idempotency-key":"mine"},"body":"b"}""");

        var request = Assert.Single(server.Requests);
        Assert.Contains("Content-Type: text/x\r\n", request, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("user-agent: me\r\n", request, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("idempotency-key: mine\r\n", request, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("runproof", request, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("400 Bad Request", "http_400", false)]
    [InlineData("404 Not Found", "http_404", false)]
    [InlineData("408 Request Timeout", "http_408", true)]
    [InlineData("425 Too Early", "http_425", true)]
    [InlineData("429 Too Many Requests", "http_429", true)]
    [InlineData("500 Internal Server Error", "http_500", true)]
    [InlineData("503 Service Unavailable", "http_503", true)]
    public async Task A_status_of_400_or_more_is_a_failure_that_keeps_the_response(string status, string code, bool retryable)
    {
        await using var server = new ScriptedServer(_ => Response(status, """{"why":"because"}""", "Content-Type: application/json"));

        var outcome = await SkillHarness.CallAsync("http_call", $$"""{"url":"{{server.Url("/x?token=secret")}}"}""");

        Assert.Equal(code, outcome.Failure!.Code);
        Assert.Equal(retryable, outcome.Failure.Retryable);
        Assert.DoesNotContain("secret", outcome.Failure.Message, StringComparison.Ordinal);
        Assert.Equal("""{"why":"because"}""", JsonElement.Parse(outcome.Outcome!.ToString()).GetProperty("body").GetRawText());
    }

    [Theory]
    [InlineData("\"url\":\"ftp://example.com/\"")]
    [InlineData("\"url\":\"file:///etc/passwd\"")]
    [InlineData("\"url\":\"/relative\"")]
    [InlineData("\"url\":\"\"")]
    [InlineData("\"url\":\"http://user:pass@example.com/\"")]
    [InlineData("\"url\":\"http://user@example.com/\"")]
    [InlineData("\"url\":\"http://example.com/\",\"method\":\"TRACE\"")]
    [InlineData("\"url\":\"http://example.com/\",\"method\":\"CONNECT\"")]
    [InlineData("\"url\":\"http://example.com/\",\"method\":\"GET / HTTP/1.1\\r\\nX: y\"")]
    [InlineData("\"url\":\"http://example.com/\",\"headers\":{\"x\":\"a\\r\\nHost: evil\"}")]
    [InlineData("\"url\":\"http://example.com/\",\"headers\":{\"x\":\"a\\nb\"}")]
    [InlineData("\"url\":\"http://example.com/\",\"headers\":{\"x\":\"a\\u0000b\"}")]
    [InlineData("\"url\":\"http://example.com/\",\"headers\":{\"x\\r\\ny\":\"a\"}")]
    [InlineData("\"url\":\"http://example.com/\",\"headers\":{\"\":\"a\"}")]
    [InlineData("\"url\":\"http://example.com/\",\"headers\":{\"Host\":\"other\"}")]
    [InlineData("\"url\":\"http://example.com/\",\"headers\":{\"content-length\":\"5\"}")]
    [InlineData("\"url\":\"http://example.com/\",\"headers\":{\"Transfer-Encoding\":\"chunked\"}")]
    [InlineData("\"url\":\"http://example.com/\",\"body\":\"a\",\"json\":1")]
    [InlineData("\"url\":\"http://example.com/\",\"timeout_ms\":0")]
    [InlineData("\"url\":\"http://example.com/\",\"timeout_ms\":300001")]
    [InlineData("\"url\":\"http://example.com/\",\"max_response_bytes\":-1")]
    [InlineData("\"url\":\"http://example.com/\",\"max_response_bytes\":16777217")]
    public async Task What_cannot_be_a_request_is_refused_before_anything_is_sent(string parameters)
    {
        var resolver = new ScriptedResolver(("example.com", ["127.0.0.1"]));

        Assert.Equal("invalid_parameters", (await SkillHarness.FailAsync("http_call", "{" + parameters + "}", resolver: resolver)).Code);
        Assert.Equal(0, resolver.Asked);
    }

    [Fact]
    public async Task A_server_that_does_not_answer_is_a_timeout_on_the_steps_clock()
    {
        await using var server = new ScriptedServer(_ => null!);
        var clock = new ManualTimeProvider();
        var call = SkillHarness.CallAsync("http_call", $$"""{"url":"{{server.Url()}}","timeout_ms":1500}""", clock: clock);
        await clock.WaitForTimersAsync();

        clock.Advance(TimeSpan.FromMilliseconds(1500));

        Assert.Equal(new Skills.SkillFailure("timeout", "no complete response within 1500 ms", Retryable: true), (await call).Failure);
    }

    [Fact]
    public async Task A_steps_cancellation_is_no_failure_of_the_skill()
    {
        await using var server = new ScriptedServer(_ => null!);
        using var cancel = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => SkillHarness.CallAsync("http_call", $$"""{"url":"{{server.Url()}}"}""", cancellationToken: cancel.Token));
    }

    [Theory]
    [InlineData(99, "response_too_large")]
    [InlineData(0, "response_too_large")]
    [InlineData(100, null)]
    public async Task A_body_is_cut_off_behind_the_limit(int limit, string? code)
    {
        await using var server = new ScriptedServer(_ => Response("200 OK", new string('x', 100), "Content-Type: text/plain"));

        var outcome = await SkillHarness.CallAsync("http_call", $$"""{"url":"{{server.Url()}}","max_response_bytes":{{limit}}}""");

        Assert.Equal(code, outcome.Failure?.Code);
        Assert.Equal(limit, JsonElement.Parse(outcome.Outcome!.ToString()).GetProperty("text").GetString()!.Length);
    }

    [Theory]
    [InlineData("gzip")]
    [InlineData("br")]
    [InlineData("deflate")]
    public async Task A_decompression_bomb_is_cut_off_at_the_limit(string encoding)
    {
        // 200 MB of zeros in a few hundred kilobytes or less.
        var packed = new MemoryStream();
        using (Stream pack = encoding switch { "gzip" => new GZipStream(packed, CompressionLevel.Fastest, true), "br" => new BrotliStream(packed, CompressionLevel.Fastest, true), _ => new ZLibStream(packed, CompressionLevel.Fastest, true) })
        {
            for (var i = 0; i < 200; i++)
                pack.Write(new byte[1_000_000]);
        }

        await using var server = new ScriptedServer(_ => Response("200 OK", packed.ToArray(), "Content-Encoding: " + encoding));
        var before = GC.GetTotalAllocatedBytes(precise: true);

        var outcome = await SkillHarness.CallAsync("http_call", $$"""{"url":"{{server.Url()}}","max_response_bytes":1000}""");

        Assert.Equal("response_too_large", outcome.Failure!.Code);
        Assert.InRange(GC.GetTotalAllocatedBytes(precise: true) - before, 0, 50_000_000);
    }

    [Fact]
    public async Task A_compressed_body_is_recorded_decompressed()
    {
        var packed = new MemoryStream();
        using (var pack = new GZipStream(packed, CompressionLevel.Fastest, true))
            pack.Write("[1,2]"u8);
        await using var server = new ScriptedServer(_ => Response("200 OK", packed.ToArray(), "Content-Encoding: gzip", "Content-Type: application/json"));

        Assert.Equal("[1,2]", (await SkillHarness.SucceedAsync("http_call", $$"""{"url":"{{server.Url()}}"}""")).GetProperty("body").GetRawText());
    }

    [Theory]
    [InlineData("nonsense\r\n\r\n", "response_malformed")]
    [InlineData("", "response_malformed")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", "response_malformed")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 5\r\nConnection: close\r\n\r\nplain", "response_malformed")]
    public async Task What_is_no_response_is_a_failure(string answer, string code)
    {
        await using var server = new ScriptedServer(_ => Encoding.Latin1.GetBytes(answer));

        var failure = await SkillHarness.FailAsync("http_call", $$"""{"url":"{{server.Url()}}"}""");

        Assert.Equal((code, true), (failure.Code, failure.Retryable));
    }

    [Fact]
    public async Task Endless_headers_are_cut_off()
    {
        await using var server = new ScriptedServer(_ => Response("200 OK", "", [.. Enumerable.Range(0, 2000).Select(i => $"X-{i}: {new string('y', 100)}")]));

        Assert.Equal("response_too_large", (await SkillHarness.FailAsync("http_call", $$"""{"url":"{{server.Url()}}"}""")).Code);
    }

    [Fact]
    public async Task A_closed_port_is_connect_failed()
    {
        int port;
        await using (var server = new ScriptedServer(_ => []))
            port = server.Port;

        var failure = await SkillHarness.FailAsync("http_call", $$"""{"url":"http://127.0.0.1:{{port}}/"}""");

        Assert.Equal(("connect_failed", true), (failure.Code, failure.Retryable));
    }

    [Fact]
    public async Task An_unknown_name_is_name_not_resolved()
    {
        var failure = await SkillHarness.FailAsync("http_call", """{"url":"http://nowhere.example/"}""", resolver: new ScriptedResolver());

        Assert.Equal(("name_not_resolved", true), (failure.Code, failure.Retryable));
    }

    [Fact]
    public async Task TLS_against_what_speaks_none_is_tls_failed()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var call = SkillHarness.FailAsync("http_call", $$"""{"url":"https://127.0.0.1:{{((IPEndPoint)listener.LocalEndpoint).Port}}/"}""");
        using var client = await listener.AcceptTcpClientAsync();
        await client.GetStream().WriteAsync("HTTP/1.1 400 Bad Request\r\n\r\n"u8.ToArray());

        Assert.Equal("tls_failed", (await call).Code);
    }
}
