using System.Net;

namespace RunProof.Mcp;

/// <summary>The HTTP client for one server: no redirect is followed (its headers are for this address alone), no cookie kept, nothing decompressed, every message bounded.</summary>
internal static class BoundedHttp
{
    internal static HttpClient Client(McpServerOptions options, Action<MessageTooLargeException> exceeded)
    {
        var sockets = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.None,
            MaxResponseHeadersLength = 64,
            ConnectTimeout = options.StartTimeout,
            PooledConnectionLifetime = TimeSpan.FromMinutes(5),
        };
        // Calls have their own times; a stream of events is open for as long as the connection is.
        return new HttpClient(new Handler(sockets, options.MaxMessageBytes, exceeded)) { Timeout = Timeout.InfiniteTimeSpan };
    }

    private sealed class Handler(HttpMessageHandler inner, int maxBytes, Action<MessageTooLargeException> exceeded) : DelegatingHandler(inner)
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            var response = await base.SendAsync(request, cancellationToken);
            var events = response.Content.Headers.ContentType?.MediaType is "text/event-stream";
            var bounded = new StreamContent(new BoundedStream(
                await response.Content.ReadAsStreamAsync(cancellationToken), maxBytes, events ? MessageEnd.EmptyLine : MessageEnd.Stream, exceeded));
            foreach (var (name, values) in response.Content.Headers)
                bounded.Headers.TryAddWithoutValidation(name, values);
            response.Content = bounded;
            return response;
        }
    }
}
