using System.Diagnostics;
using System.IO.Compression;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using RunProof.Ledger;
using static RunProof.BuiltinSkills.Tests.ScriptedServer;

namespace RunProof.BuiltinSkills.Tests;

/// <summary>What a server may try that is not an address: being slow, being endless, being inside out, and handing out secrets.</summary>
public sealed class HttpHostility
{
    [Theory]
    [InlineData("HTTP/1.1 200 O", "K")]
    [InlineData("HTTP/1.1 200 OK\r\nX-Slow: ", "aaaaaaaaaaaaaaaa")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n", "aaaaaaaaaaaaaaaa")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\na\r\n")]
    public async Task A_server_that_drips_is_cut_off_when_the_time_is_over_and_not_by_its_silence(string at, string drip)
    {
        // 20 ms between two drops: no wait of one read would ever be long.
        using var server = new DrippingServer(at, drip);
        var watch = Stopwatch.StartNew();

        var failure = await SkillHarness.FailAsync("http_call", $$"""{"url":"{{server.Url}}","timeout_ms":500}""");

        Assert.Equal(("timeout", true), (failure.Code, failure.Retryable));
        Assert.InRange(watch.ElapsedMilliseconds, 400, 20_000);
    }

    [Fact]
    public async Task A_body_without_end_is_cut_off_behind_the_limit()
    {
        using var server = new DrippingServer("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nTransfer-Encoding: chunked\r\n\r\n", "2000\r\n" + new string('a', 0x2000) + "\r\n", pause: 0);

        var outcome = await SkillHarness.CallAsync("http_call", $$"""{"url":"{{server.Url}}","max_response_bytes":100000}""");

        Assert.Equal("response_too_large", outcome.Failure!.Code);
        Assert.Equal(100_000, JsonElement.Parse(outcome.Outcome!.ToString()).GetProperty("text").GetString()!.Length);
    }

    [Fact]
    public async Task Interim_responses_without_end_are_cut_off()
    {
        using var server = new DrippingServer("", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n", pause: 0);

        var failure = await SkillHarness.FailAsync("http_call", $$"""{"url":"{{server.Url}}","timeout_ms":500}""");

        Assert.Contains(failure.Code, new[] { "timeout", "response_malformed", "response_too_large" });
    }

    [Fact]
    public async Task A_bomb_within_a_bomb_is_not_opened_twice()
    {
        var inner = Pack(new byte[100_000_000]);
        await using var server = new ScriptedServer(_ => Response("200 OK", Pack(inner), "Content-Encoding: gzip, gzip"));
        var before = GC.GetTotalAllocatedBytes(precise: true);

        var outcome = await SkillHarness.CallAsync("http_call", $$"""{"url":"{{server.Url()}}","max_response_bytes":1000}""");

        Assert.True(outcome.Failure is null or { Code: "response_too_large" or "response_malformed" }, outcome.Failure?.Code);
        Assert.InRange(GC.GetTotalAllocatedBytes(precise: true) - before, 0, 20_000_000);
    }

    [Theory]
    [InlineData("/x%0d%0aX-Injected:%20y")]
    [InlineData("/x\u00e9\u2028")]
    [InlineData("/x y")]
    public async Task No_path_puts_a_line_into_the_request(string path)
    {
        await using var server = new ScriptedServer(_ => Response("200 OK"));

        await SkillHarness.SucceedAsync("http_call", JsonSerializer.Serialize(new { url = server.Url(path) }));

        var lines = Assert.Single(server.Requests).Split("\r\n");
        Assert.Matches("^GET /[!-~]* HTTP/1.1$", lines[0]);
        Assert.DoesNotContain(lines, line => line.StartsWith("X-Injected", StringComparison.OrdinalIgnoreCase));
    }

    [Theory]
    [InlineData("/to\r\nX-Injected: y")]
    [InlineData("/to\nX-Injected: y")]
    [InlineData("/to%0d%0aX-Injected:%20y")]
    [InlineData("//127.0.0.1:1/\\..\\x")]
    public async Task No_redirect_puts_a_line_into_the_next_request(string location)
    {
        await using var server = new ScriptedServer(request => request.StartsWith("GET /from ", StringComparison.Ordinal) ? Response("302 Found", "", "Location: " + location) : Response("200 OK"));

        await SkillHarness.CallAsync("http_call", $$"""{"url":"{{server.Url("/from")}}"}""");

        Assert.DoesNotContain(server.Requests.SelectMany(request => request.Split('\n')), line => line.StartsWith("X-Injected", StringComparison.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task What_a_server_puts_into_headers_is_recorded_without_control_characters()
    {
        await using var server = new ScriptedServer(_ => Response("200 OK", "", "Server: a\u001b[31m\tb\u0085", "ETag: " + new string('e', 5000)));

        var headers = (await SkillHarness.SucceedAsync("http_call", $$"""{"url":"{{server.Url()}}"}""")).GetProperty("headers");

        Assert.DoesNotContain(headers.GetProperty("server").GetString()!, char.IsControl);
        Assert.Equal(2048, headers.GetProperty("etag").GetString()!.Length);
    }

    /// <summary>A failure's message is evidence as well: it names the place, not the query, where keys are put.</summary>
    [Fact]
    public async Task A_failure_says_nothing_of_the_query()
    {
        await using var server = new ScriptedServer(_ => Response("404 Not Found"));

        var failure = await SkillHarness.FailAsync("http_call", $$"""{"url":"{{server.Url("/a?key=s3cr3t")}}"}""");

        Assert.DoesNotContain("s3cr3t", failure.Message, StringComparison.Ordinal);
    }

    /// <summary>What comes back goes through the recorder's redactor before anything is hashed: here is what it is given, and what is left.</summary>
    [Theory]
    [InlineData("application/json", """{"user":"ada","password":"hunter2hunter2","nested":{"api_key":"k-123456"}}""", "hunter2hunter2", "k-123456")]
    [InlineData("text/plain", "your token is ghp_abcdefghijklmnopqrstuvwxyz0123456789 keep it", "ghp_abcdef")]
    [InlineData("text/html", "<p>AKIAIOSFODNN7EXAMPLE</p>", "AKIAIOSFODNN7EXAMPLE")]
    public async Task A_secret_in_an_answer_does_not_get_past_the_redactor(string mediaType, string body, params string[] secrets)
    {
        await using var server = new ScriptedServer(_ => Response("200 OK", body, "Content-Type: " + mediaType, "Set-Cookie: session=c00kie", "WWW-Authenticate: Basic"));
        var outcome = await SkillHarness.CallAsync("http_call", $$"""{"url":"{{server.Url()}}"}""");
        Assert.All(secrets, secret => Assert.Contains(secret, outcome.Outcome!.ToString(), StringComparison.Ordinal));
        Assert.DoesNotContain("c00kie", outcome.Outcome!.ToString(), StringComparison.Ordinal);

        var kept = new Redactor().Redact(outcome.Outcome!).Payload.ToString();

        Assert.All(secrets, secret => Assert.DoesNotContain(secret, kept, StringComparison.Ordinal));
    }

    private static byte[] Pack(byte[] content)
    {
        var packed = new MemoryStream();
        using (var pack = new GZipStream(packed, CompressionLevel.Fastest, leaveOpen: true))
            pack.Write(content);
        return packed.ToArray();
    }

    /// <summary>Answers whoever connects with a beginning, and then with the same drop again and again.</summary>
    private sealed class DrippingServer : IDisposable
    {
        private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
        private readonly CancellationTokenSource _stop = new();

        internal DrippingServer(string at, string drip, int pause = 20)
        {
            _listener.Start();
            _ = DripAsync(Encoding.ASCII.GetBytes(at), Encoding.ASCII.GetBytes(drip), pause);
        }

        internal string Url => $"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/";

        public void Dispose()
        {
            _stop.Cancel();
            _listener.Stop();
        }

        private async Task DripAsync(byte[] at, byte[] drip, int pause)
        {
            try
            {
                using var client = await _listener.AcceptTcpClientAsync(_stop.Token);
                var stream = client.GetStream();
                _ = await stream.ReadAsync(new byte[4096], _stop.Token);
                await stream.WriteAsync(at, _stop.Token);
                while (true)
                {
                    await stream.WriteAsync(drip, _stop.Token);
                    if (pause > 0)
                        await Task.Delay(pause, _stop.Token);
                }
            }
            catch (Exception e) when (e is OperationCanceledException or IOException or SocketException or ObjectDisposedException)
            {
                // Cut off, as it should be.
            }
        }
    }
}
