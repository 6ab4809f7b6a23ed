using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace RunProof.Cli.Tests;

/// <summary>A runner and verifier that answers what a test tells it to, and keeps what it was asked.</summary>
internal sealed class FakeService : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentDictionary<string, Func<HttpContext, Reply>> _replies = new(StringComparer.Ordinal);

    private FakeService(WebApplication app) => _app = app;

    internal const string Key = "rpk_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    /// <summary>What is answered where a test said nothing.</summary>
    internal Func<HttpContext, Reply> Otherwise { get; set; } = _ => new Reply(404, "nothing here", "text/plain");

    internal ConcurrentQueue<Request> Requests { get; } = [];

    internal string Url => _app.Urls.First();

    internal Dictionary<string, string?> Environment => new() { ["RUNPROOF_RUNNER_URL"] = Url, ["services__verifier__http__0"] = Url, ["RUNPROOF_API_KEY"] = Key };

    internal static async Task<FakeService> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var service = new FakeService(builder.Build());
        service._app.Run(service.AnswerAsync);
        await service._app.StartAsync();
        return service;
    }

    internal FakeService On(string methodAndPath, int status, string body, string type = "application/json") =>
        On(methodAndPath, _ => new Reply(status, body, type));

    internal FakeService On(string methodAndPath, Func<HttpContext, Reply> reply)
    {
        _replies[methodAndPath] = reply;
        return this;
    }

    internal FakeService Refuses(string methodAndPath, int status, string kind, string detail, string errors = "null") =>
        On(methodAndPath, status, $$"""{"type":"/problems/{{kind}}","title":"t","status":{{status}},"detail":"{{detail}}","errors":{{errors}}}""", "application/problem+json");

    internal static Reply Problem(int status, string kind, string detail) =>
        new(status, $$"""{"type":"/problems/{{kind}}","title":"t","status":{{status}},"detail":"{{detail}}"}""", "application/problem+json");

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task AnswerAsync(HttpContext context)
    {
        using var reader = new StreamReader(context.Request.Body);
        var body = await reader.ReadToEndAsync();
        context.Items["body"] = body;
        Requests.Enqueue(new Request(
            $"{context.Request.Method} {context.Request.Path}{context.Request.QueryString}", body, context.Request.Headers.Authorization.ToString()));
        var reply = _replies.TryGetValue($"{context.Request.Method} {context.Request.Path}", out var found)
            ? found(context)
            : Otherwise(context);
        context.Response.StatusCode = reply.Status;
        context.Response.ContentType = reply.Type;
        await context.Response.WriteAsync(reply.Body);
    }

    internal sealed record Reply(int Status, string Body, string Type = "application/json");

    internal sealed record Request(string Line, string Body, string Authorization);
}
