using System.Net;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using RunProof.Testing;

namespace RunProof.ServiceDefaults.Tests;

public sealed class ServiceCallTests
{
    private static readonly IConfiguration Configuration = new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>(StringComparer.Ordinal)
    {
        ["services:runner:http:0"] = "http://localhost:5001",
        ["services:verifier:http:0"] = "http://localhost:5002",
        ["services:verifier:https:0"] = "https://localhost:5003",
        ["services:broken:http:0"] = "not a url",
    }).Build();

    [Theory]
    [InlineData("http://runner/api/v1/runs?limit=1", "http://localhost:5001/api/v1/runs?limit=1")]
    [InlineData("https+http://verifier/x", "https://localhost:5003/x")]
    [InlineData("https+http://runner/x", "http://localhost:5001/x")]
    [InlineData("http://verifier/x", "http://localhost:5002/x")]
    [InlineData("http://example.org/x", "http://example.org/x")]
    [InlineData("http://runner:8080/x", "http://runner:8080/x")]
    [InlineData("http://broken/x", "http://broken/x")]
    public void A_resources_name_becomes_its_address(string url, string expected) =>
        Assert.Equal(expected, ServiceAddresses.Resolve(Configuration, new Uri(url)).AbsoluteUri);

    [Fact]
    public void A_service_is_found_by_name_https_first()
    {
        Assert.Equal("https://localhost:5003/", ServiceAddresses.Find(Configuration, "verifier")!.AbsoluteUri);
        Assert.Equal("http://localhost:5001/", ServiceAddresses.Find(Configuration, "runner")!.AbsoluteUri);
        Assert.Null(ServiceAddresses.Find(Configuration, "nowhere"));
        Assert.Null(ServiceAddresses.Find(Configuration, "broken"));
    }

    [Fact]
    public async Task A_read_is_tried_again_and_a_write_is_not()
    {
        var clock = new ManualTimeProvider();
        var server = new Flaky(HttpStatusCode.ServiceUnavailable, HttpStatusCode.BadGateway, HttpStatusCode.OK);
        using var provider = Client(clock, server);
        var client = provider.GetRequiredService<IHttpClientFactory>().CreateClient("calls");
        var reading = client.GetAsync("http://runner/x");
        while (!reading.IsCompleted)
        {
            await clock.WaitForTimersAsync();
            clock.Advance(TimeSpan.FromSeconds(1));
            await Task.Delay(1);
        }

        Assert.Equal(HttpStatusCode.OK, (await reading).StatusCode);
        Assert.Equal(["GET http://localhost:5001/x", "GET http://localhost:5001/x", "GET http://localhost:5001/x"], server.Seen);

        var failing = new Flaky(HttpStatusCode.ServiceUnavailable, HttpStatusCode.OK);
        using var other = Client(clock, failing);
        var answer = await other.GetRequiredService<IHttpClientFactory>().CreateClient("calls").PostAsync("http://runner/x", null);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, answer.StatusCode);
        Assert.Single(failing.Seen);
    }

    private static ServiceProvider Client(TimeProvider clock, HttpMessageHandler server)
    {
        var services = new ServiceCollection().AddSingleton(clock).AddSingleton(Configuration);
        services.AddHttpClient("calls").AddServiceCallDefaults().ConfigurePrimaryHttpMessageHandler(() => server);
        return services.BuildServiceProvider();
    }

    private sealed class Flaky(params HttpStatusCode[] answers) : HttpMessageHandler
    {
        internal List<string> Seen { get; } = [];

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Seen.Add($"{request.Method} {request.RequestUri}");
            return Task.FromResult(new HttpResponseMessage(answers[Math.Min(Seen.Count, answers.Length) - 1]));
        }
    }
}
