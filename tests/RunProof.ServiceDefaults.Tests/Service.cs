using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using RunProof.Ledger;
using RunProof.Testing;

namespace RunProof.ServiceDefaults.Tests;

/// <summary>A small service with the defaults, on a free port.</summary>
internal sealed class Service : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly HttpClient _client;

    private Service(WebApplication app, FakeKeys keys, ManualTimeProvider clock)
    {
        (_app, Keys, Clock) = (app, keys, clock);
        _client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
    }

    internal FakeKeys Keys { get; }

    internal ManualTimeProvider Clock { get; }

    internal sealed record Order(string Name, IReadOnlyList<Line> Lines);

    internal sealed record Line(int Count, string? Note = null);

    internal static async Task<Service> StartAsync(string environment = "Production", Action<WebApplicationBuilder>? configure = null, params (string Name, string Value)[] settings)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = environment, ApplicationName = "orders" });
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Name, (string?)setting.Value)).Append(new("urls", "http://127.0.0.1:0")));
        var (keys, clock) = (new FakeKeys(), new ManualTimeProvider());
        builder.Services.AddSingleton<TimeProvider>(clock).AddSingleton<IApiKeyStore>(keys);
        builder.AddServiceDefaults();
        builder.Services.AddApiKeyAuthentication().AddRunProofProblems();
        configure?.Invoke(builder);
        var app = builder.Build();
        app.UseRunProofProblems();
        app.MapDefaultEndpoints();
        app.MapPost("/orders", (Order order) => Results.Json(order));
        app.MapGet("/tenant", (HttpContext context) => $"{context.GetTenant()} {context.GetApiKeyId()}").RequireScope(ApiKeyAuthentication.AuditorScope);
        app.MapPost("/write", () => "written").RequireScope(ApiKeyAuthentication.RunnerScope);
        app.MapGet("/broken", string () => throw new InvalidOperationException("a secret of ours"));
        app.MapGet("/conflict", () => new Problem(ProblemTypes.Duplicate, "Duplicate", 409, "There is one."));
        await app.StartAsync();
        return new Service(app, keys, clock);
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    internal async Task<(int Status, string Body, HttpResponseMessage Answer)> SendAsync(HttpMethod method, string path, string? body = null, string? media = "application/json", params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
            request.Content = new StringContent(body, Encoding.UTF8, media!);
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        var answer = await _client.SendAsync(request);
        return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(), answer);
    }

    internal async Task<JsonObject> ProblemAsync(int expected, HttpMethod method, string path, string? body = null, string media = "application/json", params (string Name, string Value)[] headers)
    {
        var (status, text, answer) = await SendAsync(method, path, body, media, headers);
        Assert.Equal(expected, status);
        Assert.Equal("application/problem+json", answer.Content.Headers.ContentType!.MediaType);
        var problem = JsonNode.Parse(text)!.AsObject();
        Assert.Equal(expected, problem["status"]!.GetValue<int>());
        Assert.NotEqual("", problem["title"]!.GetValue<string>());
        Assert.NotEqual("", problem["detail"]!.GetValue<string>());
        return problem;
    }
}
