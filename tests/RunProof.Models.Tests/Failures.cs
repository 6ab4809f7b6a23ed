using System.IO.Compression;
using System.Text;
using RunProof.Format;
using RunProof.Testing;

namespace RunProof.Models.Tests;

/// <summary>Whatever a service does is a failure with a code, and says whether trying again may help.</summary>
public sealed class Failures
{
    [Theory]
    [InlineData(429, "rate_limit_exceeded", "rate_limited", true)]
    [InlineData(429, "insufficient_quota", "quota_exhausted", false)]
    [InlineData(500, "server_error", "model_unavailable", true)]
    [InlineData(503, "overloaded", "model_unavailable", true)]
    [InlineData(408, "timeout", "model_unavailable", true)]
    [InlineData(400, "context_length_exceeded", "request_refused", false)]
    [InlineData(400, "content_filter", "content_refused", false)]
    [InlineData(404, "model_not_found", "request_refused", false)]
    [InlineData(401, "invalid_api_key", "key_refused", false)]
    [InlineData(403, "denied", "key_refused", false)]
    public async Task A_refusal_of_the_service_has_a_code(int status, string code, string expected, bool retryable)
    {
        await using var server = await ModelServer.StartAsync(ModelTurn.Fails(status, code, "It said so."));
        var failure = await Asking.FailAsync(server);
        Assert.Equal((expected, retryable), (failure.Code, failure.Retryable));
        // The client library does not try again by itself: every attempt is evidence.
        Assert.Single(server.Requests);
    }

    [Theory]
    [InlineData("7", 7d)]
    [InlineData("0.5", 0.5)]
    [InlineData("99999", 3_600d)]
    [InlineData("soon", null)]
    [InlineData("-1", null)]
    public async Task A_service_is_left_alone_for_as_long_as_it_asks(string header, double? seconds)
    {
        await using var server = await ModelServer.StartAsync(
            ModelTurn.Fails(429, "rate_limit_exceeded", "Slow down.") with { Headers = new Dictionary<string, string> { ["Retry-After"] = header } });
        Assert.Equal(seconds, (await Asking.FailAsync(server)).RetryAfter?.TotalSeconds);
    }

    [Fact]
    public async Task A_refusal_of_the_model_keeps_the_answer_and_its_tokens()
    {
        await using var server = await ModelServer.StartAsync(ModelTurn.Refuses("I would rather not."));
        var (outcome, context) = await Asking.AskAsync(server);
        Assert.Equal(("content_refused", false), (outcome.Failure!.Code, outcome.Failure.Retryable));
        Assert.Contains("\"refusal\":\"I would rather not.\"", outcome.Outcome!.ToString(), StringComparison.Ordinal);
        Assert.True(context.Tokens > 0);
    }

    [Theory]
    [InlineData("length", "answer_truncated")]
    [InlineData("content_filter", "content_refused")]
    public async Task An_answer_that_was_cut_off_is_no_answer(string finish, string code)
    {
        await using var server = await ModelServer.StartAsync(ModelTurn.Says("Once upon a") with { FinishReason = finish });
        var (outcome, _) = await Asking.AskAsync(server);
        Assert.Equal(code, outcome.Failure!.Code);
        Assert.Contains("Once upon a", outcome.Outcome!.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_answer_that_should_be_JSON_and_is_not_may_be_asked_for_again()
    {
        await using var server = await ModelServer.StartAsync(ModelTurn.Says("Sure! Here is your json: {"));
        var (outcome, _) = await Asking.AskAsync(server, """{"model":"m","response_format":{"type":"json_object"},"messages":[{"role":"user","content":"json please"}]}""");
        Assert.Equal(("answer_not_json", true), (outcome.Failure!.Code, outcome.Failure.Retryable));
    }

    [Theory]
    [InlineData("")]
    [InlineData("<html>Bad gateway</html>")]
    [InlineData("[]")]
    [InlineData("""{"choices":[]}""")]
    [InlineData("""{"choices":[{"message":"hi"}]}""")]
    [InlineData("""{"choices":[{"message":{"content":7}}]}""")]
    [InlineData("""{"choices":[{"message":{"content":"\ud800"}}]}""")]
    [InlineData("""{"choices":[{"message":{"tool_calls":{}}}]}""")]
    [InlineData("""{"choices":[{"message":{"tool_calls":[{"id":"a"}]}}]}""")]
    [InlineData("""{"choices":[{"message":{"tool_calls":[{"id":"a","function":{"name":"x"}},{"id":"a","function":{"name":"x"}}]}}]}""")]
    [InlineData("""{"choices":[{"message":{"content":"x"}}],"usage":{"prompt_tokens":-1}}""")]
    [InlineData("""{"choices":[{"message":{"content":"x"}}],"usage":{"prompt_tokens":"many"}}""")]
    public async Task What_is_no_answer_of_the_protocol_is_malformed(string body)
    {
        await using var server = await ModelServer.StartAsync(ModelTurn.Sends(200, body));
        var failure = await Asking.FailAsync(server);
        Assert.Equal(("answer_malformed", true), (failure.Code, failure.Retryable));
    }

    [Fact]
    public async Task A_redirect_is_not_followed()
    {
        await using var elsewhere = await ModelServer.StartAsync(ModelTurn.Says("Gotcha"));
        await using var server = await ModelServer.StartAsync(
            ModelTurn.Sends(307, "") with { Headers = new Dictionary<string, string> { ["Location"] = elsewhere.Endpoint + "/chat/completions" } });
        Assert.Equal("redirect_refused", (await Asking.FailAsync(server)).Code);
        Assert.Empty(elsewhere.Requests);
    }

    [Theory]
    [InlineData(301)]
    [InlineData(302)]
    [InlineData(303)]
    [InlineData(308)]
    public async Task No_redirect_leads_to_an_address_that_the_operator_did_not_write(int status)
    {
        await using var server = await ModelServer.StartAsync(
            ModelTurn.Sends(status, "") with { Headers = new Dictionary<string, string> { ["Location"] = "http://169.254.169.254/latest/meta-data/iam" } });
        var failure = await Asking.FailAsync(server);
        Assert.Equal(("redirect_refused", false), (failure.Code, failure.Retryable));
        Assert.DoesNotContain("169.254", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"choices":[{"message":{"content":"x"}}]}""", 0, "text/event-stream", null)]
    [InlineData("data: {\"choices\":[]}\n\ndata: [DONE]\n\n", 0, "text/event-stream", "answer_malformed")]
    [InlineData("""{"choices":[{"message":{"content":"x"}}]""", 30, "application/json", "connect_failed")]
    [InlineData("", 30, "application/json", "connect_failed")]
    public async Task A_body_that_ends_early_or_is_a_stream_is_told_for_what_it_is(string body, int missing, string type, string? code)
    {
        await using var server = new RawServer($"HTTP/1.1 200 OK\r\nContent-Type: {type}\r\nContent-Length: {body.Length + missing}\r\n\r\n{body}", null);
        var (outcome, context) = await Asking.AskAsync(Asking.One(Asking.At(server.Endpoint)), Asking.Hello);
        Assert.Equal(code, outcome.Failure?.Code);
        Assert.Equal(0, context.Tokens);
    }

    [Fact]
    public async Task A_service_that_sends_its_answer_drop_by_drop_is_left_when_the_time_is_over()
    {
        await using var server = new RawServer("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n", "1\r\n \r\n");
        var (outcome, _) = await Asking.AskAsync(Asking.One(Asking.At(server.Endpoint) with { Timeout = TimeSpan.FromSeconds(1) }), Asking.Hello);
        Assert.Equal(("timeout", true), (outcome.Failure!.Code, outcome.Failure.Retryable));
    }

    [Theory]
    [InlineData("0")]
    [InlineData("[[[[")]
    [InlineData("null")]
    public async Task An_error_that_is_none_of_the_protocol_is_one_all_the_same(string body)
    {
        await using var server = await ModelServer.StartAsync(ModelTurn.Sends(500, body));
        Assert.Equal(("model_unavailable", true), (await Asking.FailAsync(server)) is var failure ? (failure.Code, failure.Retryable) : default);
    }

    [Fact]
    public async Task An_answer_of_ten_thousand_levels_is_malformed_and_does_no_harm()
    {
        await using var server = await ModelServer.StartAsync(ModelTurn.Sends(200, string.Concat(Enumerable.Repeat("[", 10_000)) + string.Concat(Enumerable.Repeat("]", 10_000))));
        Assert.Equal("answer_malformed", (await Asking.FailAsync(server)).Code);
    }

    [Fact]
    public async Task An_answer_larger_than_it_may_be_is_cut_off_before_it_is_held()
    {
        await using var server = await ModelServer.StartAsync(ModelTurn.Says(new string('x', 100_000)));
        Assert.Equal("answer_too_large", (await Asking.FailAsync(server, change: endpoint => endpoint with { MaxAnswerBytes = 10_000 })).Code);
    }

    [Fact]
    public async Task A_compressed_answer_counts_as_what_it_becomes()
    {
        using var packed = new MemoryStream();
        await using (var gzip = new GZipStream(packed, CompressionLevel.Optimal, leaveOpen: true))
            await gzip.WriteAsync(new byte[50_000_000], TestContext.Current.CancellationToken);
        await using var server = await ModelServer.StartAsync(
            ModelTurn.Sends(200, packed.ToArray()) with { Headers = new Dictionary<string, string> { ["Content-Encoding"] = "gzip" } });
        Assert.Equal("answer_too_large", (await Asking.FailAsync(server)).Code);
    }

    [Fact]
    public async Task A_request_larger_than_it_may_be_is_not_sent()
    {
        await using var server = await ModelServer.StartAsync(ModelTurn.Says("Hi"));
        var failure = await Asking.FailAsync(server, Asking.Hello.Replace("Hello", new string('x', 2_000), StringComparison.Ordinal), endpoint => endpoint with { MaxRequestBytes = 1_024 });
        Assert.Equal("request_too_large", failure.Code);
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task A_service_that_takes_too_long_is_left()
    {
        await using var server = await ModelServer.StartAsync(ModelTurn.Says("Hi") with { Delay = TimeSpan.FromMinutes(1) });
        var failure = await Asking.FailAsync(server, change: endpoint => endpoint with { Timeout = TimeSpan.FromSeconds(1) });
        Assert.Equal(("timeout", true), (failure.Code, failure.Retryable));
    }

    [Fact]
    public async Task A_step_that_is_stopped_is_stopped()
    {
        await using var server = await ModelServer.StartAsync(ModelTurn.Says("Hi") with { Delay = TimeSpan.FromMinutes(1) });
        using var stop = new CancellationTokenSource(TimeSpan.FromMilliseconds(300));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Asking.AskAsync(Asking.One(Asking.At(server.Endpoint)), Asking.Hello, cancellationToken: stop.Token));
    }

    [Fact]
    public async Task Nobody_at_the_address_is_a_failure_that_may_pass()
    {
        var (outcome, _) = await Asking.AskAsync(Asking.One(Asking.At("http://127.0.0.1:1/v1")), Asking.Hello);
        Assert.Equal(("connect_failed", true), (outcome.Failure!.Code, outcome.Failure.Retryable));
        Assert.DoesNotContain("127.0.0.1", outcome.Failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(400)]
    [InlineData(401)]
    [InlineData(500)]
    public async Task The_key_is_in_nothing_that_comes_back(int status)
    {
        await using var server = await ModelServer.StartAsync(ModelTurn.Fails(status, "x", $"Incorrect API key provided: {ModelServer.ApiKey}."));
        var (outcome, _) = await Asking.AskAsync(server);
        Assert.DoesNotContain("4f1c2a9be07d", outcome.Failure!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_key_that_a_service_says_back_in_an_answer_is_taken_out_of_it()
    {
        await using var server = await ModelServer.StartAsync(ModelTurn.Sends(200, $$$"""
            {"id":"{{{ModelServer.ApiKey}}}","model":"{{{ModelServer.ApiKey}}}","choices":[{"finish_reason":"tool_calls","message":{"content":"your key is {{{ModelServer.ApiKey}}}.",
             "tool_calls":[{"id":"{{{ModelServer.ApiKey}}}","function":{"name":"tell","arguments":"{\"k\":\"{{{ModelServer.ApiKey}}}\"}"}}]}}],"usage":{"prompt_tokens":1,"completion_tokens":1}}
            """));
        var (outcome, context) = await Asking.AskAsync(server);
        Assert.Equal("your key is [masked].", Asking.Json(outcome).GetProperty("content").GetString());
        Assert.DoesNotContain(ModelServer.ApiKey, outcome.Outcome!.ToString(), StringComparison.Ordinal);
        Assert.Equal(("[masked]", "[masked]"), (context.Usage!.Model, context.Usage.ResponseId));
    }

    [Fact]
    public async Task What_a_service_calls_itself_is_a_name_and_not_a_novel()
    {
        await using var server = await ModelServer.StartAsync(ModelTurn.Sends(200, $$$"""
            {"id":"a\u0000b","model":"{{{new string('m', 300)}}}","choices":[{"finish_reason":"st\nop","message":{"content":"x\u0000y"}}]}
            """));
        var (outcome, context) = await Asking.AskAsync(server);
        Assert.Equal((new string('m', 256), "a?b"), (context.Usage!.Model, context.Usage.ResponseId));
        Assert.Equal(("st?op", "x\0y"), (Asking.Json(outcome).GetProperty("finish_reason").GetString(), Asking.Json(outcome).GetProperty("content").GetString()));
    }

    [Theory]
    [InlineData("""{"model":"m","messages":[]}""", "messages must not be empty")]
    [InlineData("""{"model":"m","messages":[{"role":"user"}]}""", "messages[0].content is missing")]
    [InlineData("""{"model":"m","messages":[{"role":"tool","content":"x"}]}""", "messages[0].tool_call_id belongs")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"x","tool_calls":[{"id":"a","name":"b","arguments":"{}"}]}]}""", "messages[0].tool_calls belong")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"x"}],"temperature":3}""", "temperature must be")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"x"}],"max_tokens":0}""", "max_tokens must be")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"x"}],"tool_choice":"required"}""", "tool_choice is required, and")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"name":"a b","parameters":{}}]}""", "tools[0].name must be")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"x"}],"tools":[{"name":"a","parameters":[]}]}""", "tools[0].parameters must be")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"x"}],"response_format":"json"}""", "response_format must be")]
    [InlineData("""{"model":"m","messages":[{"role":"user","content":"x"}],"system_prompt":"a","system_prompt_ref":"b"}""", "system_prompt and")]
    public async Task What_no_service_would_take_is_not_sent(string parameters, string message)
    {
        await using var server = await ModelServer.StartAsync(ModelTurn.Says("Hi"));
        var failure = await Asking.FailAsync(server, parameters);
        Assert.Equal("invalid_parameters", failure.Code);
        Assert.StartsWith(message, failure.Message, StringComparison.Ordinal);
        Assert.Empty(server.Requests);
        Assert.Empty(server.Refusals);
    }

    [Fact]
    public async Task Without_a_model_the_failure_says_what_to_set()
    {
        var (outcome, _) = await Asking.AskAsync(new ModelsOptions(), Asking.Hello);
        Assert.Equal(("unknown_model", ModelCatalog.HowTo), (outcome.Failure!.Code, outcome.Failure.Message));
    }

    [Fact]
    public async Task A_model_of_another_tenant_is_none()
    {
        await using var server = await ModelServer.StartAsync(ModelTurn.Says("Hi"));
        var failure = await Asking.FailAsync(server, change: endpoint => endpoint with { Tenants = ["other"] });
        Assert.Equal("unknown_model", failure.Code);
        using var catalog = new ModelCatalog(Asking.One(Asking.At(server.Endpoint) with { Tenants = ["other"] }));
        Assert.Empty(catalog.ModelsOf(TenantId.Parse("t")));
        Assert.Equal(["m"], catalog.ModelsOf(TenantId.Parse("other")));
    }

    [Theory]
    [InlineData("ftp://x/v1", "needs an Endpoint")]
    [InlineData("http://user:pass@x/v1", "needs an Endpoint")]
    [InlineData("x", "needs an Endpoint")]
    public void An_endpoint_that_cannot_be_meant_is_named(string endpoint, string message)
    {
        var fault = Assert.Throws<ArgumentException>(() => new ModelCatalog(Asking.One(Asking.At(endpoint))));
        Assert.Contains($"the model \"m\" {message}", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_key_that_is_no_header_value_is_refused_and_not_told()
    {
        var fault = Assert.Throws<ArgumentException>(() => new ModelCatalog(Asking.One(Asking.At("http://x/v1") with { ApiKey = "s3cr\r\net" })));
        Assert.DoesNotContain("s3cr", fault.Message, StringComparison.Ordinal);
    }
}
