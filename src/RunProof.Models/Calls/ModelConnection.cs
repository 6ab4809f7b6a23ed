using System.Buffers;
using System.ClientModel;
using System.ClientModel.Primitives;
using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using OpenAI;
using OpenAI.Chat;
using RunProof.Format;

namespace RunProof.Models;

/// <summary>
/// One model behind its configured endpoint, and nothing else: no redirect is followed, no proxy or cookie of the machine is used, nothing is tried again behind the
/// engine's back, for every attempt is evidence of its own.
/// </summary>
internal sealed class ModelConnection : IDisposable
{
    private readonly ImmutableHashSet<string> _tenants;
    private readonly HttpClient _http;
    private readonly ChatClient _chat;
    private readonly Uri _url;

    /// <param name="name">The name that plans use.</param>
    /// <param name="endpoint">What the operator wrote.</param>
    /// <exception cref="ArgumentException">It cannot be meant; the model is named, its key is not.</exception>
    internal ModelConnection(string name, ModelEndpoint endpoint)
    {
        (Name, Endpoint) = (name, endpoint);
        _url = Check(name, endpoint);
        _tenants = [.. endpoint.Tenants];
        Provider = endpoint.Provider ?? _url.IdnHost;
        TokenLimitMember = endpoint.TokenLimitMember ?? (_url.IdnHost == "api.openai.com" ? "max_completion_tokens" : "max_tokens");
        var handler = new SocketsHttpHandler
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            AutomaticDecompression = DecompressionMethods.All,
            ConnectTimeout = TimeSpan.FromSeconds(10),
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),
            MaxResponseHeadersLength = 64,
        };
        _http = new HttpClient(endpoint.ApiKey is null ? new WithoutKey(handler) : handler) { Timeout = System.Threading.Timeout.InfiniteTimeSpan };
        _chat = new ChatClient(endpoint.Model, new ApiKeyCredential(endpoint.ApiKey ?? "none"), new OpenAIClientOptions
        {
            Endpoint = _url,
            Transport = new HttpClientPipelineTransport(_http),
            RetryPolicy = new ClientRetryPolicy(0),
            NetworkTimeout = endpoint.Timeout + TimeSpan.FromSeconds(5),
            UserAgentApplicationId = "runproof-llm_invoke",
        });
    }

    internal string Name { get; }

    internal ModelEndpoint Endpoint { get; }

    internal string Provider { get; }

    internal string TokenLimitMember { get; }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    internal bool Admits(TenantId tenant) => _tenants.Contains("*") || _tenants.Contains(tenant.Value);

    /// <summary>Sends a request and reads the answer up to the endpoint's limit, and no further.</summary>
    /// <exception cref="ClientResultException">There was no answer; the inner exception says why.</exception>
    internal async Task<ModelReply> SendAsync(ReadOnlyMemory<byte> request, string idempotencyKey, CancellationToken cancellationToken)
    {
        var options = new RequestOptions { CancellationToken = cancellationToken, ErrorOptions = ClientErrorBehaviors.NoThrow, BufferResponse = false };
        options.SetHeader("Idempotency-Key", idempotencyKey);
        using var content = BinaryContent.Create(BinaryData.FromBytes(request));
        var result = await _chat.CompleteChatAsync(content, options).ConfigureAwait(false);
        using var response = result.GetRawResponse();
        var body = await ReadAsync(response.ContentStream ?? Stream.Null, cancellationToken).ConfigureAwait(false);
        response.Headers.TryGetValue("retry-after", out var retryAfter);
        return new ModelReply(response.Status, body, retryAfter);
    }

    private async Task<ReadOnlyMemory<byte>?> ReadAsync(Stream stream, CancellationToken cancellationToken)
    {
        var most = Endpoint.MaxAnswerBytes;
        var body = new ArrayBufferWriter<byte>(16_384);
        int read;
        while ((read = await stream.ReadAsync(body.GetMemory(4_096), cancellationToken).ConfigureAwait(false)) > 0)
        {
            body.Advance(read);
            if (body.WrittenCount > most)
                return null;
        }

        return body.WrittenMemory;
    }

    private static Uri Check(string name, ModelEndpoint endpoint)
    {
        ArgumentException Wrong(string what, params string[] settings) =>
            new($"the model \"{name}\" {what} ({string.Join(", ", settings.Select(setting => $"RunProof__Models__{name}__{setting}"))})");
        if (!Uri.TryCreate(endpoint.Endpoint, UriKind.Absolute, out var url) || url.Scheme is not ("http" or "https") || url.UserInfo.Length > 0 || url.Query.Length > 0)
            throw Wrong("needs an Endpoint that is an http or https URL without user information and query", "Endpoint");
        if (!IsText(endpoint.Model, 256))
            throw Wrong("needs a Model: what the service calls it, at most 256 characters", "Model");
        if (endpoint.Provider is { } provider && !IsText(provider, 128))
            throw Wrong("needs a Provider of at most 128 characters, or none", "Provider");
        if (endpoint.ApiKey is null && url.IdnHost == "api.openai.com")
            throw Wrong("needs an ApiKey: api.openai.com takes no call without one. For another service, say its Endpoint", "ApiKey", "ApiKeyFile", "Endpoint");
        if (endpoint.ApiKey is { } key && (key.Length == 0 || key.AsSpan().ContainsAnyExceptInRange('!', '~')))
            throw Wrong("has an ApiKey that is no header value: printable ASCII without space", "ApiKey", "ApiKeyFile");
        if (endpoint.Tenants.Count == 0)
            throw Wrong("needs the Tenants that may use it (* for all)", "Tenants");
        if (endpoint.Timeout < TimeSpan.FromSeconds(1) || endpoint.Timeout > TimeSpan.FromHours(1))
            throw Wrong("needs a TimeoutSeconds from 1 to 3600", "TimeoutSeconds");
        if (endpoint.MaxRequestBytes is < 1_024 or > 64 << 20)
            throw Wrong("needs MaxRequestBytes from 1024 to 67108864", "MaxRequestBytes");
        if (endpoint.MaxAnswerBytes is < 1_024 or > 64 << 20)
            throw Wrong("needs MaxAnswerBytes from 1024 to 67108864", "MaxAnswerBytes");
        if (endpoint.TokenLimitMember is not (null or "max_tokens" or "max_completion_tokens"))
            throw Wrong("needs a TokenLimitMember that is max_tokens or max_completion_tokens", "TokenLimitMember");
        if (endpoint.Price is { } price)
        {
            if (!IsText(price.Version, 64))
                throw Wrong("needs a Price with a Version of 1 to 64 characters, which changes with the prices", "Price__Version");
            if (price.Input < 0 || price.Output < 0 || price.CachedInput < 0)
                throw Wrong("needs a Price whose Input, Output and CachedInput are not negative", "Price");
        }

        return url;
    }

    private static bool IsText(string text, int most) => !string.IsNullOrWhiteSpace(text) && text.Length <= most && !text.Any(char.IsControl);

    /// <summary>The client library sends a key always; a service without one gets none.</summary>
    private sealed class WithoutKey(HttpMessageHandler inner) : DelegatingHandler(inner)
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            request.Headers.Authorization = null;
            return base.SendAsync(request, cancellationToken);
        }
    }
}

/// <summary>What a service answered.</summary>
/// <param name="Status">The HTTP status.</param>
/// <param name="Body">The body; null where it was larger than it may be.</param>
/// <param name="RetryAfter">The header of that name, or null.</param>
internal sealed record ModelReply(int Status, ReadOnlyMemory<byte>? Body, string? RetryAfter)
{
    /// <summary>How long the service wants to be left alone, an hour at most; null where it does not say.</summary>
    internal TimeSpan? Pause(DateTimeOffset now)
    {
        if (RetryAfter is not { } text)
            return null;
        var pause = double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) ? TimeSpan.FromSeconds(Math.Min(seconds, 3_600))
            : DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time - now
            : TimeSpan.Zero;
        return pause <= TimeSpan.Zero ? null : pause > TimeSpan.FromHours(1) ? TimeSpan.FromHours(1) : pause;
    }
}
