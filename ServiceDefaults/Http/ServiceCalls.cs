using System.Net;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Polly;
using Polly.Retry;
using Polly.Timeout;

namespace RunProof.ServiceDefaults;

/// <summary>Calls from one of our services to another.</summary>
public static class ServiceCalls
{
    /// <summary>
    /// In place of Microsoft.Extensions.Http.Resilience and Microsoft.Extensions.ServiceDiscovery, for one named client: hosts that are resource
    /// names are resolved; each attempt has 10 s; GET, HEAD and OPTIONS are tried up to four times, on connection errors, 408, 429, 502, 503 and 504.
    /// </summary>
    /// <param name="client">The client.</param>
    /// <returns>The client.</returns>
    public static IHttpClientBuilder AddServiceCallDefaults(this IHttpClientBuilder client)
    {
        client.AddHttpMessageHandler(services => new ServiceAddressHandler(services.GetRequiredService<IConfiguration>()));
        return client.AddHttpMessageHandler(services => new RetryingHandler(services.GetService<TimeProvider>() ?? TimeProvider.System));
    }
}

/// <summary>Resolves a resource's name in a request's host.</summary>
internal sealed class ServiceAddressHandler(IConfiguration configuration) : DelegatingHandler
{
    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.RequestUri is { } url)
            request.RequestUri = ServiceAddresses.Resolve(configuration, url);
        return base.SendAsync(request, cancellationToken);
    }
}

/// <summary>Tries calls again that have no effect. A call with an effect is sent once: whether it arrived is for its caller to find out.</summary>
internal sealed class RetryingHandler(TimeProvider clock) : DelegatingHandler
{
    private static readonly TimeSpan AttemptTimeout = TimeSpan.FromSeconds(10);

    private readonly ResiliencePipeline<HttpResponseMessage> _reads = new ResiliencePipelineBuilder<HttpResponseMessage> { TimeProvider = clock }
        .AddRetry(new RetryStrategyOptions<HttpResponseMessage>
        {
            MaxRetryAttempts = 3,
            Delay = TimeSpan.FromMilliseconds(200),
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
            ShouldHandle = new PredicateBuilder<HttpResponseMessage>()
                .Handle<HttpRequestException>()
                .Handle<TimeoutRejectedException>()
                .HandleResult(answer => IsTransient(answer.StatusCode)),
            OnRetry = retry =>
            {
                retry.Outcome.Result?.Dispose();
                return default;
            },
        })
        .AddTimeout(AttemptTimeout)
        .Build();

    protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        if (request.Method != HttpMethod.Get && request.Method != HttpMethod.Head && request.Method != HttpMethod.Options)
            return base.SendAsync(request, cancellationToken);
        return _reads.ExecuteAsync(async token => await base.SendAsync(request, token), cancellationToken).AsTask();
    }

    private static bool IsTransient(HttpStatusCode status) =>
        status is HttpStatusCode.RequestTimeout or HttpStatusCode.TooManyRequests
            or HttpStatusCode.BadGateway or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout;
}
