using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using RunProof.Postgres;
using RunProof.ServiceDefaults;
using RunProof.Testing;

[assembly: AssemblyFixture(typeof(PostgresFixture))]

namespace RunProof.Verifier.Tests;

/// <summary>The service itself on a free port, logged in as the verifier's role; nothing is replaced but its configuration.</summary>
internal sealed class VerifierService : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly HttpClient _client;

    private VerifierService(WebApplication app)
    {
        _app = app;
        _client = new HttpClient { BaseAddress = new Uri(app.Urls.Single()) };
    }

    /// <summary>Starts the service; with settings of logs it seals too.</summary>
    internal static async Task<VerifierService> StartAsync(string connectionString, IReadOnlyDictionary<string, string?>? logs = null)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = "Production" });
        builder.Logging.ClearProviders();
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["ConnectionStrings:runproofdb"] = connectionString,
            ["urls"] = "http://127.0.0.1:0",
        });
        builder.Configuration.AddInMemoryCollection(logs);
        builder.AddRunProofPostgres("runproofdb");
        builder.AddVerifier();
        if (logs is not null)
            Assert.Null(builder.AddSealing());
        var app = builder.Build();
        app.MapVerifier();
        await app.StartAsync();
        return new VerifierService(app);
    }

    public async ValueTask DisposeAsync()
    {
        _client.Dispose();
        await _app.StopAsync();
        await _app.DisposeAsync();
    }

    internal async Task<(int Status, JsonObject Body)> GetAsync(string path, string? key = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (key is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        using var answer = await _client.SendAsync(request);
        var text = await answer.Content.ReadAsStringAsync();
        return ((int)answer.StatusCode, JsonNode.Parse(text)!.AsObject());
    }

    internal async Task<(int Status, byte[] Body)> GetBytesAsync(string path, string? key)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (key is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        using var answer = await _client.SendAsync(request);
        return ((int)answer.StatusCode, await answer.Content.ReadAsByteArrayAsync());
    }

    internal async Task<JsonObject> ProofAsync(string run, string key, string query = "")
    {
        var (status, body) = await GetAsync($"/api/v1/runs/{run}/proof{query}", key);
        Assert.True(status == 200, $"{status}: {body.ToJsonString()}");
        return body;
    }

    internal static string NewKey() => ApiKeySecret.Create();
}
