using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using RunProof.Models;

namespace RunProof.Runner;

/// <summary>
/// Something real for <c>llm_invoke</c> to call, without a network or a key: a service of the chat-completions protocol whose one model always says the same sentence. It is a model
/// named <c>runproof-demo</c>, which no planner is offered. <c>RunProof__Runner__DemoModel=false</c> takes it away.
/// </summary>
internal static class DemoModelEndpoint
{
    /// <summary>What plans call the model.</summary>
    public const string Name = "runproof-demo";

    private const string Path = "/demo/v1";
    private const string Model = "zen-1";
    private const string Sentence = "Responsive is better than fast.";
    private const int MaxRequestBytes = 64 * 1024;

    /// <summary>The configured models and, where this host's address is known before it listens, this one.</summary>
    /// <param name="models">The configured ones.</param>
    /// <param name="configuration">The host's.</param>
    public static ModelsOptions WithDemo(this ModelsOptions models, IConfiguration configuration)
    {
        if (!configuration.GetValue("RunProof:Runner:DemoModel", true) || models.Models.ContainsKey(Name) || OwnAddress(configuration) is not { } own)
            return models;
        var demo = new ModelEndpoint
        {
            Model = Model,
            Endpoint = new Uri(own, Path).ToString(),
            Provider = Name,
            MaxRequestBytes = MaxRequestBytes,
            Timeout = TimeSpan.FromSeconds(10),
            Price = new ModelPrice { Version = "demo-1", Input = 1, Output = 2 },
            IsDemo = true,
        };
        return models with { Models = new Dictionary<string, ModelEndpoint>(models.Models, StringComparer.Ordinal) { [Name] = demo } };
    }

    public static void MapDemoModel(this IEndpointRouteBuilder app) =>
        app.MapPost(Path + "/chat/completions", AnswerAsync).AllowAnonymous()
            .ExcludeFromDescription()
            .WithMetadata(new Microsoft.AspNetCore.Mvc.RequestSizeLimitAttribute(MaxRequestBytes));

    private static async Task<IResult> AnswerAsync(HttpContext context, CancellationToken cancellationToken)
    {
        JsonObject? request;
        try
        {
            request = await JsonNode.ParseAsync(context.Request.Body, documentOptions: new JsonDocumentOptions { MaxDepth = 32 }, cancellationToken: cancellationToken) as JsonObject;
        }
        catch (JsonException)
        {
            request = null;
        }

        if (request is null || request["messages"] is not JsonArray { Count: > 0 } messages)
            return Refusal("'messages' must be an array that is not empty");
        if (request["model"]?.ToString() != Model)
            return Refusal($"the one model here is {Model}");
        var (prompt, completion) = (messages.Sum(message => Words(message?["content"]?.ToString())), Words(Sentence));
        return Results.Text(Completion(prompt, completion).ToJsonString(), "application/json");
    }

    private static JsonObject Completion(int prompt, int completion) => new()
    {
        ["id"] = "chatcmpl-demo",
        ["object"] = "chat.completion",
        ["created"] = 0,
        ["model"] = Model,
        ["choices"] = new JsonArray(new JsonObject
        {
            ["index"] = 0,
            ["message"] = new JsonObject { ["role"] = "assistant", ["content"] = Sentence, ["refusal"] = null },
            ["logprobs"] = null,
            ["finish_reason"] = "stop",
        }),
        ["usage"] = new JsonObject { ["prompt_tokens"] = prompt, ["completion_tokens"] = completion, ["total_tokens"] = prompt + completion },
    };

    private static IResult Refusal(string message) => Results.Text(
        new JsonObject { ["error"] = new JsonObject { ["message"] = message, ["type"] = "invalid_request_error", ["param"] = null, ["code"] = null } }.ToJsonString(),
        "application/json", statusCode: StatusCodes.Status400BadRequest);

    // Not what a tokenizer counts, and the same each time.
    private static int Words(string? text) => text?.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length ?? 0;

    private static Uri? OwnAddress(IConfiguration configuration)
    {
        foreach (var url in (configuration["urls"] ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (url.StartsWith("http://", StringComparison.Ordinal) && RunnerHost.AddressOf(url) is { Port: not 0 } address)
                return address;
        }

        return null;
    }
}
