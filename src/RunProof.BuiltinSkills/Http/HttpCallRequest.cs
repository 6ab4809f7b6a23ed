using System.Collections.Immutable;
using System.Net;
using System.Text;

namespace RunProof.BuiltinSkills;

/// <summary>A request that was checked; it changes as redirects are followed.</summary>
internal sealed class HttpCallRequest
{
    private static readonly ImmutableArray<string> Methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

    private static readonly ImmutableHashSet<string> OfTheConnection = ImmutableHashSet.Create(
        StringComparer.OrdinalIgnoreCase,
        "Host", "Content-Length", "Transfer-Encoding", "Connection", "Keep-Alive", "Upgrade", "TE", "Trailer", "Expect", "Proxy-Authorization", "Proxy-Connection", "HTTP2-Settings");

    // On another origin every other header may be a secret meant for the first: x-api-key as well as authorization and cookie.
    private static readonly ImmutableHashSet<string> Harmless = ImmutableHashSet.Create(
        StringComparer.OrdinalIgnoreCase,
        "Accept", "Accept-Charset", "Accept-Language", "Cache-Control", "Content-Encoding", "Content-Language", "Content-Type", "Range", "User-Agent");

    private Uri _uri;
    private HttpMethod _method;
    private ImmutableSortedDictionary<string, string> _headers;
    private byte[]? _body;

    private HttpCallRequest(Uri uri, string method, ImmutableSortedDictionary<string, string> headers, byte[]? body)
    {
        _uri = uri;
        _method = new HttpMethod(method);
        _headers = headers;
        _body = body;
    }

    /// <summary>The URL that is called, without fragment.</summary>
    internal string Url => _uri.GetComponents(UriComponents.HttpRequestUrl, UriFormat.UriEscaped);

    /// <summary>The URL that redirected last.</summary>
    internal string? Previous { get; private set; }

    /// <summary>Whether it asks for something and changes nothing (RFC 9110, section 9.2.1).</summary>
    internal bool IsSafe => _method == HttpMethod.Get || _method == HttpMethod.Head || _method == HttpMethod.Options;

    /// <summary>Method, origin and path, for messages: a query may hold what is no one's business.</summary>
    internal string Place => $"{_method} {_uri.GetLeftPart(UriPartial.Path)}";

    /// <summary>Checks the parameters and makes the first request of them.</summary>
    /// <returns>What is wrong, in a sentence; null where nothing is.</returns>
    internal static string? TryMake(HttpCallParameters parameters, string idempotencyKey, out HttpCallRequest? request)
    {
        request = null;
        if (!Uri.TryCreate(parameters.Url, UriKind.Absolute, out var uri))
            return "url is no absolute URL";
        if (Refusal(uri) is { } refusal)
            return "url " + refusal;
        var method = parameters.Method.ToUpperInvariant();
        if (!Methods.Contains(method, StringComparer.Ordinal))
            return $"method must be one of {string.Join(", ", Methods)}";
        if (parameters.TimeoutMs is < 1 or > 300_000)
            return "timeout_ms must be from 1 to 300000";
        if (parameters.MaxResponseBytes is < 0 or > 16_777_216)
            return "max_response_bytes must be from 0 to 16777216";
        if (parameters.Body is not null && parameters.Json is not null)
            return "body and json exclude each other";
        foreach (var (name, value) in parameters.Headers)
        {
            if (RefusalOfHeader(name, value) is { } wrong)
                return wrong;
        }

        var headers = parameters.Headers.ToImmutableSortedDictionary(StringComparer.OrdinalIgnoreCase);
        var body = parameters.Json?.Bytes.ToArray() ?? (parameters.Body is { } text ? Encoding.UTF8.GetBytes(text) : null);
        if (body is not null && !headers.ContainsKey("Content-Type"))
            headers = headers.Add("Content-Type", parameters.Json is null ? "text/plain; charset=utf-8" : "application/json");
        if (!headers.ContainsKey("User-Agent"))
            headers = headers.Add("User-Agent", "runproof-http_call/1.0.0");
        if (method is "POST" or "PATCH" && !headers.ContainsKey("Idempotency-Key") && RefusalOfHeader("Idempotency-Key", idempotencyKey) is null)
            headers = headers.Add("Idempotency-Key", idempotencyKey);
        request = new HttpCallRequest(uri, method, headers, body);
        return null;
    }

    internal static bool IsRedirect(HttpResponseMessage response) =>
        response.StatusCode is HttpStatusCode.MovedPermanently or HttpStatusCode.Found or HttpStatusCode.SeeOther or HttpStatusCode.TemporaryRedirect or HttpStatusCode.PermanentRedirect
        && response.Headers.NonValidated.Contains("Location");

    internal HttpRequestMessage ToMessage()
    {
        var message = new HttpRequestMessage(_method, _uri);
        if (_body is not null)
            message.Content = new ByteArrayContent(_body);
        foreach (var (name, value) in _headers)
        {
            if (!message.Headers.TryAddWithoutValidation(name, value))
                (message.Content ??= new ByteArrayContent([])).Headers.TryAddWithoutValidation(name, value);
        }

        return message;
    }

    /// <summary>Becomes the request that a redirect asks for.</summary>
    /// <returns>Why it is not followed; null where it is.</returns>
    internal string? Follow(HttpResponseMessage response)
    {
        if (response.Headers.Location is not { } location || !Uri.TryCreate(_uri, location, out var next))
            return $"{Place} redirects to what is no URL";
        if (Refusal(next) is { } refusal)
            return $"{Place} redirects to a URL that {refusal}";
        if (_uri.Scheme == Uri.UriSchemeHttps && next.Scheme != Uri.UriSchemeHttps)
            return $"{Place} redirects from https to http";
        Previous = Url;
        if (!SameOrigin(_uri, next))
            _headers = _headers.RemoveRange(_headers.Keys.Where(name => !Harmless.Contains(name)));
        var becomesGet = response.StatusCode == HttpStatusCode.SeeOther || (response.StatusCode is HttpStatusCode.MovedPermanently or HttpStatusCode.Found && _method == HttpMethod.Post);
        if (becomesGet && _method != HttpMethod.Head)
        {
            _method = HttpMethod.Get;
            _body = null;
            _headers = _headers.RemoveRange(_headers.Keys.Where(name => name.StartsWith("Content-", StringComparison.OrdinalIgnoreCase) || name.Equals("Idempotency-Key", StringComparison.OrdinalIgnoreCase)));
        }

        _uri = next;
        return null;
    }

    private static bool SameOrigin(Uri one, Uri other) =>
        one.Scheme == other.Scheme && one.Port == other.Port && string.Equals(one.IdnHost, other.IdnHost, StringComparison.OrdinalIgnoreCase);

    private static string? Refusal(Uri uri)
    {
        if (uri.Scheme != Uri.UriSchemeHttp && uri.Scheme != Uri.UriSchemeHttps)
            return "is neither http nor https";
        if (uri.UserInfo.Length > 0)
            return "holds user information: put credentials into a header";
        return uri.IdnHost.Length == 0 ? "has no host" : null;
    }

    private static string? RefusalOfHeader(string name, string value)
    {
        if (name.Length == 0 || name.AsSpan().ContainsAnyExcept(TokenChars))
            return $"headers: \"{name}\" is no header name";
        if (OfTheConnection.Contains(name))
            return $"headers: {name} belongs to the connection and cannot be set";
        return value.AsSpan().ContainsAnyExceptInRange(' ', '~') ? $"headers: the value of {name} has characters other than printable ASCII" : null;
    }

    // RFC 9110 section 5.6.2.
    private static readonly System.Buffers.SearchValues<char> TokenChars =
        System.Buffers.SearchValues.Create("!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");
}
