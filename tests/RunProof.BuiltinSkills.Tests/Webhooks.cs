using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using RunProof.Skills;
using RunProof.Testing;
using static RunProof.BuiltinSkills.Tests.ScriptedServer;

namespace RunProof.BuiltinSkills.Tests;

public sealed class Webhooks
{
    private const string Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    private const string Other = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

    /// <summary>The example that the libraries of Standard Webhooks share.</summary>
    [Fact]
    public void A_message_is_signed_as_Standard_Webhooks_says()
    {
        using var endpoints = new WebhookEndpoints(One("https://example.com/hook"), new SystemNameResolver());

        var signature = endpoints.Find("shop", Format.TenantId.Parse("t"))!.Sign("msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, """{"test": 2432232314}"""u8);

        Assert.Equal("v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", signature);
    }

    [Fact]
    public async Task A_receiver_can_check_id_time_and_body()
    {
        await using var server = new ScriptedServer(_ => Response("204 No Content"));

        var outcome = await CallAsync(server.Url("/hook?token=s3cr3t"), """{"endpoint":"shop","type":"order.shipped","data":{"b":1,"a":2}}""");

        Assert.Null(outcome.Failure);
        var request = Assert.Single(server.Requests);
        Assert.StartsWith("POST /hook?token=s3cr3t HTTP/1.1\r\n", request, StringComparison.Ordinal);
        var body = request[(request.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..];
        Assert.StartsWith("""{"data":{"a":2,"b":1},"timestamp":"20""", body, StringComparison.Ordinal);
        Assert.EndsWith(""","type":"order.shipped"}""", body, StringComparison.Ordinal);
        var (id, time) = (Header(request, "webhook-id"), Header(request, "webhook-timestamp"));
        var expected = Convert.ToBase64String(HMACSHA256.HashData(Convert.FromBase64String(Secret["whsec_".Length..]), Encoding.UTF8.GetBytes($"{id}.{time}.{body}")));
        Assert.Equal("v1," + expected, Header(request, "webhook-signature"));
        Assert.Equal(
            $$"""{"endpoint":"shop","message_id":"{{id}}","status_code":204,"timestamp":"{{time}}"}""", outcome.Outcome!.ToString());
    }

    [Fact]
    public async Task Every_attempt_of_a_step_has_the_same_id_and_every_secret_signs()
    {
        await using var server = new ScriptedServer(_ => Response("503 Service Unavailable"));
        var endpoints = One(server.Url(), Secret, Other);

        foreach (var key in new[] { "run:1", "run:1", "run:2" })
            Assert.Equal(("http_503", true), Code(await CallAsync(endpoints, Message, SkillHarness.Context(idempotencyKey: key))));

        var ids = server.Requests.Select(request => Header(request, "webhook-id")).ToArray();
        Assert.Equal(ids[0], ids[1]);
        Assert.NotEqual(ids[0], ids[2]);
        Assert.All(server.Requests, request => Assert.Matches("^v1,[A-Za-z0-9+/]{43}= v1,[A-Za-z0-9+/]{43}=$", Header(request, "webhook-signature")));
    }

    [Fact]
    public async Task A_run_with_a_frozen_clock_still_signs_the_time_that_it_is()
    {
        await using var server = new ScriptedServer(_ => Response("200 OK"));
        var frozen = new ManualTimeProvider();

        await CallAsync(One(server.Url()), Message, SkillHarness.Context(frozen));

        var signed = DateTimeOffset.FromUnixTimeSeconds(long.Parse(Header(Assert.Single(server.Requests), "webhook-timestamp"), System.Globalization.CultureInfo.InvariantCulture));
        Assert.InRange(signed, DateTimeOffset.UtcNow.AddMinutes(-2), DateTimeOffset.UtcNow.AddMinutes(1));
    }

    [Fact]
    public async Task Neither_address_nor_secret_nor_the_receivers_words_are_in_what_is_recorded()
    {
        await using var server = new ScriptedServer(request => Response("400 Bad Request", request + Secret, "X-Echo: s3cr3t"));

        var outcome = await CallAsync(server.Url("/hook/s3cr3t"), Message);

        Assert.Equal("http_400", outcome.Failure!.Code);
        foreach (var secret in new[] { "s3cr3t", "MfKQ9r8", "127.0.0.1" })
            Assert.DoesNotContain(secret, outcome.Outcome + outcome.Failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("301 Moved Permanently", false)]
    [InlineData("307 Temporary Redirect", false)]
    [InlineData("410 Gone", false)]
    [InlineData("429 Too Many Requests", true)]
    public async Task What_is_not_taken_is_a_failure_and_no_redirect_is_followed(string status, bool retryable)
    {
        await using var other = new ScriptedServer(_ => Response("200 OK"));
        await using var server = new ScriptedServer(_ => Response(status, "", "Location: " + other.Url()));

        Assert.Equal(("http_" + status[..3], retryable), Code(await CallAsync(server.Url(), Message)));
        Assert.Empty(other.Requests);
    }

    [Fact]
    public async Task A_receiver_that_does_not_answer_is_a_timeout_and_one_that_talks_without_end_keeps_nobody_waiting()
    {
        await using var silent = new ScriptedServer(_ => null!);
        await using var endless = new ScriptedServer(_ => Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\nContent-Length: 999999999\r\n\r\nand so on"));

        Assert.Equal(("timeout", true), Code(await CallAsync(silent.Url(), """{"endpoint":"shop","type":"a","data":1,"timeout_ms":200}""")));
        Assert.Null((await CallAsync(endless.Url(), Message)).Failure);
    }

    [Theory]
    [InlineData("""{"endpoint":"no","type":"a","data":1}""", "unknown_endpoint")]
    [InlineData("""{"endpoint":"https://example.com/","type":"a","data":1}""", "unknown_endpoint")]
    [InlineData("""{"endpoint":"shop","type":"","data":1}""", "invalid_parameters")]
    [InlineData("""{"endpoint":"shop","type":"a..b","data":1}""", "invalid_parameters")]
    [InlineData("""{"endpoint":"shop","type":"a\r\nX: y","data":1}""", "invalid_parameters")]
    [InlineData("""{"endpoint":"shop","type":"a","data":1,"timeout_ms":0}""", "invalid_parameters")]
    public async Task What_cannot_be_sent_is_refused(string parameters, string code)
    {
        await using var server = new ScriptedServer(_ => Response("200 OK"));

        Assert.Equal(code, (await CallAsync(server.Url(), parameters)).Failure!.Code);
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task An_endpoint_of_another_tenant_is_none()
    {
        await using var server = new ScriptedServer(_ => Response("200 OK"));
        var endpoints = new Dictionary<string, WebhookEndpoint> { ["shop"] = new() { Url = server.Url(), Secrets = [Secret], Tenants = ["a"] } };

        Assert.Equal("unknown_endpoint", (await CallAsync(endpoints, Message, SkillHarness.Context(tenant: "b"))).Failure!.Code);
        Assert.Null((await CallAsync(endpoints, Message, SkillHarness.Context(tenant: "a"))).Failure);
    }

    [Theory]
    [InlineData("ftp://example.com/", Secret, "*")]
    [InlineData("https://user:word@example.com/", Secret, "*")]
    [InlineData("https://example.com/", "", "*")]
    [InlineData("https://example.com/", "whsec_short", "*")]
    [InlineData("https://example.com/", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "*")]
    [InlineData("https://example.com/", Secret, "")]
    public void An_endpoint_that_cannot_be_meant_is_refused_at_the_start_without_its_secret(string url, string secret, string tenant)
    {
        var endpoint = new WebhookEndpoint { Url = url, Secrets = secret.Length > 0 ? [secret] : [], Tenants = tenant.Length > 0 ? [tenant] : [] };

        var thrown = Assert.Throws<ArgumentException>(() => new WebhookEndpoints(new Dictionary<string, WebhookEndpoint> { ["shop"] = endpoint }, new SystemNameResolver()));

        Assert.Contains("\"shop\"", thrown.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("MfKQ9r8", thrown.Message, StringComparison.Ordinal);
    }

    private const string Message = """{"endpoint":"shop","type":"order.shipped","data":{}}""";

    private static Dictionary<string, WebhookEndpoint> One(string url, params string[] secrets) =>
        new(StringComparer.Ordinal) { ["shop"] = new() { Url = url, Secrets = secrets.Length > 0 ? secrets : [Secret], Tenants = ["*"] } };

    private static string Header(string request, string name) =>
        request.Split("\r\n").Single(line => line.StartsWith(name + ":", StringComparison.OrdinalIgnoreCase))[(name.Length + 1)..].Trim();

    private static (string, bool) Code(SkillOutcome outcome) => (outcome.Failure!.Code, outcome.Failure.Retryable);

    private static Task<SkillOutcome> CallAsync(string url, string parameters) => CallAsync(One(url), parameters);

    private static Task<SkillOutcome> CallAsync(IReadOnlyDictionary<string, WebhookEndpoint> endpoints, string parameters, SkillContext? context = null) =>
        SkillHarness.CallAsync("webhook_send", parameters, new BuiltinSkillsOptions { Webhooks = endpoints }, context);
}
