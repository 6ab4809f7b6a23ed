using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace RunProof.Runner.Tests;

/// <summary>An answer of the API.</summary>
internal sealed record Answer(HttpStatusCode Status, JsonElement Body, string? MediaType, HttpResponseHeaders Headers)
{
    /// <summary>A member's text.</summary>
    public string? this[string member] => Body.GetProperty(member).ValueKind is JsonValueKind.Null ? null : Body.GetProperty(member).ToString();

    /// <summary>The answer must be this problem.</summary>
    public Answer IsProblem(int status, string type)
    {
        Assert.Equal((status, "application/problem+json", type), ((int)Status, MediaType, Body.TryGetProperty("type", out var given) ? given.GetString() : Body.ToString()));
        Assert.Equal(status, Body.GetProperty("status").GetInt32());
        Assert.NotEqual("", this["title"]);
        Assert.NotEqual("", this["detail"]);
        return this;
    }

    /// <summary>The problem must name a place.</summary>
    public Answer Names(string place, string? message = null)
    {
        var errors = Body.GetProperty("errors");
        Assert.True(errors.TryGetProperty(place, out var messages), $"{place} is not in {errors}");
        if (message is not null)
            Assert.Contains(message, messages[0].GetString());
        return this;
    }
}

/// <summary>A caller of the API.</summary>
internal sealed class ApiClient(HttpClient http)
{
    public HttpClient Http { get; } = http;

    public Task<Answer> GetAsync(string path) => SendAsync(HttpMethod.Get, path);

    public Task<Answer> PostAsync(string path, string json, params (string Name, string Value)[] headers) => SendAsync(HttpMethod.Post, path, json, "application/json", headers);

    public async Task<Answer> SendAsync(HttpMethod method, string path, string? body = null, string mediaType = "application/json", params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, path);
        if (body is not null)
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body)) { Headers = { ContentType = MediaTypeHeaderValue.Parse(mediaType) } };
        foreach (var (name, value) in headers)
            request.Headers.Add(name, value);
        using var response = await Http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        var isJson = response.Content.Headers.ContentType?.MediaType?.EndsWith("json", StringComparison.Ordinal) is true;
        using var document = JsonDocument.Parse(isJson ? text : JsonSerializer.Serialize(text));
        return new Answer(response.StatusCode, document.RootElement.Clone(), response.Content.Headers.ContentType?.MediaType, response.Headers);
    }

    /// <summary>Makes an agent of a fresh id.</summary>
    public async Task<string> CreateAgentAsync()
    {
        var answer = await PostAsync("/api/v1/agents", """{"name":"Ada"}""");
        Assert.Equal(HttpStatusCode.Created, answer.Status);
        return answer["id"]!;
    }

    /// <summary>The body of a request for a run.</summary>
    public static string Run(string agent, string plan, string more = "") =>
        $$"""{"agent_id":"{{agent}}","goal":"do it","origin_system_id":"tests","plan":{{plan}}{{more}}}""";
}
