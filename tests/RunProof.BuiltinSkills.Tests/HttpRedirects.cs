using System.Text.Json;
using static RunProof.BuiltinSkills.Tests.ScriptedServer;

namespace RunProof.BuiltinSkills.Tests;

public sealed class HttpRedirects
{
    [Theory]
    [InlineData("301 Moved Permanently", "GET")]
    [InlineData("302 Found", "GET")]
    [InlineData("303 See Other", "GET")]
    [InlineData("307 Temporary Redirect", "POST")]
    [InlineData("308 Permanent Redirect", "POST")]
    public async Task A_redirect_is_followed_and_recorded(string status, string method)
    {
        await using var server = new ScriptedServer(request =>
            request.Contains(" /from ", StringComparison.Ordinal) ? Response(status, "", "Location: /to?x=1") : Response("200 OK", "{}", "Content-Type: application/json"));

        var outcome = await SkillHarness.SucceedAsync("http_call", $$"""{"url":"{{server.Url("/from")}}","method":"POST","json":{"a":1},"headers":{"authorization":"Bearer x"} }""");

        Assert.Equal(server.Url("/to?x=1"), outcome.GetProperty("url").GetString());
        Assert.Equal([server.Url("/from")], outcome.GetProperty("redirects").EnumerateArray().Select(e => e.GetString()));
        var second = server.Requests.Last();
        Assert.StartsWith(method + " /to?x=1 HTTP/1.1\r\n", second, StringComparison.Ordinal);
        Assert.Equal(method == "POST", second.EndsWith("{\"a\":1}", StringComparison.Ordinal));
        Assert.Equal(method == "POST", second.Contains("Idempotency-Key", StringComparison.Ordinal));

        // The same origin may see what was meant for it.
        Assert.Contains("authorization: Bearer x", second, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task On_another_origin_only_harmless_headers_go_along()
    {
        await using var other = new ScriptedServer(_ => Response("200 OK"));
        await using var first = new ScriptedServer(_ => Response("307 Temporary Redirect", "", $"Location: {other.Url("/x")}"));

        await SkillHarness.SucceedAsync("http_call", $$"""{"url":"{{first.Url()}}","headers":{"authorization":"Bearer x","cookie":"a=b","x-api-key":"k","accept":"text/plain"} }""");

        var request = Assert.Single(other.Requests);
        Assert.Contains("accept: text/plain", request, StringComparison.OrdinalIgnoreCase);
        foreach (var secret in new[] { "authorization", "cookie", "x-api-key" })
            Assert.DoesNotContain(secret, request, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("authorization", Assert.Single(first.Requests), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Five_redirects_are_followed_and_a_sixth_is_not()
    {
        await using var server = new ScriptedServer(request =>
        {
            var n = int.Parse(request.Split(' ')[1][1..], System.Globalization.CultureInfo.InvariantCulture);
            return n == 0 ? Response("200 OK") : Response("302 Found", "", $"Location: /{n - 1}");
        });

        Assert.Equal(5, (await SkillHarness.SucceedAsync("http_call", $$"""{"url":"{{server.Url("/5")}}"}""")).GetProperty("redirects").GetArrayLength());
        Assert.Equal("too_many_redirects", (await SkillHarness.FailAsync("http_call", $$"""{"url":"{{server.Url("/6")}}"}""")).Code);
    }

    [Theory]
    [InlineData("ftp://example.com/")]
    [InlineData("file:///etc/passwd")]
    [InlineData("http://user:pass@127.0.0.1/")]
    public async Task Where_no_request_may_go_no_redirect_leads(string location)
    {
        await using var server = new ScriptedServer(_ => Response("302 Found", "", "Location: " + location));

        Assert.Equal("redirect_refused", (await SkillHarness.FailAsync("http_call", $$"""{"url":"{{server.Url()}}"}""")).Code);
    }

    [Theory]
    [InlineData("http://10.0.0.1/")]
    [InlineData("http://169.254.169.254/latest/meta-data/")]
    [InlineData("http://[::1]/")]
    [InlineData("http://inside.example/")]
    public async Task A_redirect_to_a_private_address_is_blocked(string location)
    {
        await using var server = new ScriptedServer(_ => Response("302 Found", "", "Location: " + location));

        var failure = await SkillHarness.FailAsync(
            "http_call", $$"""{"url":"{{server.Url()}}"}""", new HttpCallOptions { Allow = [$"127.0.0.1:{server.Port}"] }, new ScriptedResolver(("inside.example", ["192.168.1.7"])));

        Assert.Equal(("address_blocked", false), (failure.Code, failure.Retryable));
    }

    [Fact]
    public async Task A_status_of_300_without_a_place_is_a_response()
    {
        await using var server = new ScriptedServer(_ => Response("304 Not Modified"));

        Assert.Equal(304, (await SkillHarness.SucceedAsync("http_call", $$"""{"url":"{{server.Url()}}"}""")).GetProperty("status_code").GetInt32());
    }
}
