using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using RunProof.Format;
using RunProof.Skills;
using RunProof.Testing;

namespace RunProof.Models.Tests;

/// <summary>What a model answers, and what it took.</summary>
public sealed class Answers
{
    private static readonly ModelPrice Price = new() { Version = "2026-11", Input = 2.50m, CachedInput = 0.25m, Output = 10m };

    [Fact]
    public async Task What_a_call_may_use_at_most_is_its_answers_limit_and_a_token_for_each_byte_that_is_sent()
    {
        await using var server = await ModelServer.StartAsync(_ => ModelTurn.Says("Hi"));
        var endpoint = Asking.At(server.Endpoint) with { Price = new ModelPrice { Version = "1", Input = 2m, CachedInput = 3m, Output = 10m } };
        var options = Asking.One(endpoint) with { Prompts = new Dictionary<string, string>(StringComparer.Ordinal) { ["long"] = new string('x', 1_000) } };
        await using var provider = new ServiceCollection().AddModelSkills(_ => options).BuildServiceProvider();
        Assert.True(new SkillRegistry(provider.GetServices<SkillDescriptor>()).TryFind("llm_invoke", out var skill));
        UseLimit? Most(string members, string tenant = "t", string model = "m")
        {
            using var json = JsonDocument.Parse($$"""{"model":"{{model}}","messages":[{"role":"user","content":"Grüße"}]{{members}}}""");
            return skill.Bind(json.RootElement, "params").MostOf(provider, TenantId.Parse(tenant));
        }

        var most = Most(",\"max_tokens\":100")!;
        await Asking.AskAsync(options, """{"model":"m","messages":[{"role":"user","content":"Grüße"}],"max_tokens":100}""");
        var sent = Encoding.UTF8.GetByteCount(Assert.Single(server.Requests).Json.GetRawText());
        Assert.InRange(most.Tokens, sent + 100, sent + 100 + 40);
        Assert.Equal((((most.Tokens - 100) * 3m) + 1_000m) / 10_000m, most.CostCents);
        Assert.Equal(most.Tokens + 1_000, Most(",\"max_tokens\":100,\"system_prompt_ref\":\"long\"")!.Tokens - """{"role":"system","content":""},""".Length);
        Assert.Null(Most(""));
        Assert.Null(Most(",\"max_tokens\":0"));
        Assert.Null(Most(",\"max_tokens\":100", model: "none"));
    }

    [Fact]
    public async Task A_text_comes_back_with_its_tokens_and_what_they_cost()
    {
        await using var server = await ModelServer.StartAsync(ModelTurn.Says("Hello yourself") with { CachedTokens = 8, ReasoningTokens = 5 });
        var (outcome, context) = await Asking.AskAsync(server, change: endpoint => endpoint with { Price = Price });
        var answer = Asking.Json(outcome);
        Assert.Equal("Hello yourself", answer.GetProperty("content").GetString());
        Assert.Equal("stop", answer.GetProperty("finish_reason").GetString());
        Assert.Equal("test-model-2026-01-01", answer.GetProperty("model").GetString());
        Assert.StartsWith("chatcmpl-", answer.GetProperty("response_id").GetString(), StringComparison.Ordinal);

        var usage = context.Usage!;
        var sent = (server.Requests.Single().Text.Length + 3) / 4;
        Assert.Equal(("test", "test-model-2026-01-01", "2026-11"), (usage.Provider, usage.Model, usage.PriceVersion));
        Assert.Equal((sent, 9L, 8L, 5L), (usage.InputTokens, usage.OutputTokens, usage.CachedTokens, usage.ReasoningTokens));
        Assert.Equal(sent + 9, context.Tokens);
        // By hand: dollars for a million tokens, in cents.
        Assert.Equal((((sent - 8) * 250m) + (8 * 25m) + (9 * 1_000m)) / 1_000_000m, context.CostCents);
        Assert.Equal(sent, answer.GetProperty("usage").GetProperty("input_tokens").GetInt32());
    }

    [Fact]
    public async Task Without_prices_tokens_are_counted_and_nothing_costs()
    {
        await using var server = await ModelServer.StartAsync(ModelTurn.Says("Hi"));
        var (_, context) = await Asking.AskAsync(server);
        Assert.True(context.Tokens > 0);
        Assert.Equal(0m, context.CostCents);
        Assert.Null(context.Usage!.PriceVersion);
    }

    [Theory]
    [InlineData(1, 0, 0, "0.00025")]
    [InlineData(1_000_000, 0, 0, "250")]
    [InlineData(1_000_000, 1_000_000, 1, "25.001")]
    [InlineData(10, 20, 0, "0.00025")]
    public void Costs_are_exact(long input, long cached, long output, string cents) =>
        Assert.Equal(decimal.Parse(cents, System.Globalization.CultureInfo.InvariantCulture), Price.CentsOf(input, cached, output));

    [Fact]
    public async Task What_is_asked_is_sent_as_the_protocol_says()
    {
        await using var server = await ModelServer.StartAsync(ModelTurn.Says("{\"n\":1}"));
        var (outcome, _) = await Asking.AskAsync(server, """
            {"model":"m","system_prompt":"Answer in JSON.","temperature":0.5,"max_tokens":100,"seed":7,"response_format":{"type":"json_object"},
             "tools":[{"name":"add","description":"Adds.","parameters":{"type":"object"}}],"tool_choice":"auto","labels":{"turn":"1"},
             "messages":[{"role":"user","content":"1+1?"},{"role":"assistant","content":null,"tool_calls":[{"id":"c1","name":"add","arguments":"{\"a\":1}"}]},
                         {"role":"tool","tool_call_id":"c1","content":"2"}]}
            """);
        Assert.Equal(1, Asking.Json(outcome).GetProperty("json").GetProperty("n").GetInt32());
        var request = server.Requests.Single();
        Assert.True(JsonElement.DeepEquals(JsonElement.Parse("""
            {"model":"test-model","temperature":0.5,"max_tokens":100,"seed":7,"response_format":{"type":"json_object"},"tool_choice":"auto",
             "tools":[{"type":"function","function":{"name":"add","description":"Adds.","parameters":{"type":"object"}}}],
             "messages":[{"role":"system","content":"Answer in JSON."},{"role":"user","content":"1+1?"},
                         {"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"add","arguments":"{\"a\":1}"}}]},
                         {"role":"tool","content":"2","tool_call_id":"c1"}]}
            """), request.Json), request.Text);
        Assert.Equal("r:0", request.Headers["Idempotency-Key"]);
    }

    [Fact]
    public async Task The_functions_that_a_model_calls_are_an_outcome()
    {
        await using var server = await ModelServer.StartAsync(ModelTurn.Calls(("add", """{"a":1}"""), ("add", "no json")));
        var calls = Asking.Json((await Asking.AskAsync(server)).Outcome).GetProperty("tool_calls").EnumerateArray().ToArray();
        Assert.Equal(["{\"a\":1}", "no json"], calls.Select(call => call.GetProperty("arguments").GetString()));
        Assert.Equal(2, calls.Select(call => call.GetProperty("id").GetString()).Distinct().Count());
    }

    [Fact]
    public async Task A_configured_prompt_is_sent_and_its_digest_kept()
    {
        const string prompt = "You are the clerk of Ålesund.";
        var digest = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(prompt)));
        await using var server = await ModelServer.StartAsync(_ => ModelTurn.Says("Yes"));
        var options = Asking.One(Asking.At(server.Endpoint)) with { Prompts = new Dictionary<string, string>(StringComparer.Ordinal) { ["clerk"] = prompt } };
        string Asked(string more) => $$"""{"model":"m","system_prompt_ref":"clerk",{{more}}"messages":[{"role":"user","content":"Hello"}]}""";

        var (outcome, _) = await Asking.AskAsync(options, Asked($"\"system_prompt_digest\":\"{digest}\","));
        Assert.Equal(digest, Asking.Json(outcome).GetProperty("system_prompt_digest").GetString());
        Assert.DoesNotContain("Ålesund", outcome.Outcome!.ToString(), StringComparison.Ordinal);
        Assert.Equal(prompt, server.Requests.Single().Messages[0].GetProperty("content").GetString());

        var (changed, _) = await Asking.AskAsync(options, Asked($"\"system_prompt_digest\":\"{new string('0', 64)}\","));
        Assert.Equal("prompt_changed", changed.Failure!.Code);
        var (unknown, _) = await Asking.AskAsync(options, Asked("").Replace("clerk", "cook", StringComparison.Ordinal));
        Assert.Equal("unknown_prompt", unknown.Failure!.Code);
        Assert.Single(server.Requests);
    }

    [Theory]
    [InlineData(0, true, "", null)]
    [InlineData(42, true, "", 42L)]
    [InlineData(42, true, "\"seed\":7,", 7L)]
    [InlineData(42, false, "\"seed\":7,", null)]
    public async Task The_runs_seed_is_sent_where_the_service_takes_one(long seed, bool takes, string asked, long? sent)
    {
        await using var server = await ModelServer.StartAsync(ModelTurn.Says("Hi"));
        var (outcome, _) = await Asking.AskAsync(
            Asking.One(Asking.At(server.Endpoint) with { TakesSeed = takes }), "{" + asked + Asking.Hello[1..], Asking.Step(seed));
        var json = server.Requests.Single().Json;
        Assert.Equal(sent, json.TryGetProperty("seed", out var value) ? value.GetInt64() : null);
        Assert.Equal(sent?.ToString(System.Globalization.CultureInfo.InvariantCulture), Asking.Json(outcome).GetProperty("seed").GetString());
    }

    [Fact]
    public async Task A_service_without_a_key_is_sent_none()
    {
        await using var server = await ModelServer.StartAsync(ModelTurn.Says("Hi"));
        var failure = await Asking.FailAsync(server, change: endpoint => endpoint with { ApiKey = null });
        Assert.Equal("key_refused", failure.Code);
        Assert.Equal("You didn't provide an API key.", server.Refusals.Single());
    }

    [Theory]
    [InlineData("""{"choices":[{"message":{"content":"Hi"}}]}""")]
    [InlineData("""{"choices":[{"message":{"content":[{"type":"text","text":"Hi"}]}}],"usage":null}""")]
    public async Task A_service_that_says_less_is_understood(string body)
    {
        await using var server = await ModelServer.StartAsync(ModelTurn.Sends(200, body));
        var answer = Asking.Json((await Asking.AskAsync(server)).Outcome);
        Assert.Equal(("Hi", "stop", "test-model"), (answer.GetProperty("content").GetString(), answer.GetProperty("finish_reason").GetString(), answer.GetProperty("model").GetString()));
    }
}
