using System.Buffers;
using System.Collections.Immutable;
using System.Globalization;
using System.Net;
using RunProof.Format;
using RunProof.Skills;

namespace RunProof.BuiltinSkills;

/// <summary>An HTTP request.</summary>
[Canonical(Name = "http_call.parameters")]
public sealed partial record HttpCallParameters
{
    /// <summary>An absolute http or https URL, without user information.</summary>
    public required string Url { get; init; }

    /// <summary>GET, HEAD, POST, PUT, PATCH, DELETE or OPTIONS.</summary>
    public string Method { get; init; } = "GET";

    /// <summary>Request headers. Those that belong to the connection (Host, Content-Length, Transfer-Encoding, …) are refused.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>A body of text, UTF-8; text/plain unless a header says otherwise. Not together with json.</summary>
    public string? Body { get; init; }

    /// <summary>A body of JSON, sent in its canonical form; application/json unless a header says otherwise.</summary>
    public CanonicalJson? Json { get; init; }

    /// <summary>Milliseconds for the whole call, redirects and body included: 1 to 300000.</summary>
    public int TimeoutMs { get; init; } = 20_000;

    /// <summary>Bytes of body, decompressed, after which the call is cut off: 0 to 16777216.</summary>
    public int MaxResponseBytes { get; init; } = 1_048_576;
}

/// <summary>The response.</summary>
[Canonical(Name = "http_call.outcome")]
public sealed partial record HttpCallOutcome
{
    /// <summary>The status code.</summary>
    public required int StatusCode { get; init; }

    /// <summary>Response headers that say what the body is and how the server took the request, by lower-case name. Cookies are never among them.</summary>
    public required IReadOnlyDictionary<string, string> Headers { get; init; }

    /// <summary>The body: JSON where it is JSON, else its exact bytes; null where it is text. Cut off where the call failed for its size.</summary>
    public required CanonicalJson? Body { get; init; }

    /// <summary>The body where it is no JSON but declared as text and well-formed UTF-8, so that people can read it and redaction sees into it.</summary>
    public required string? Text { get; init; }

    /// <summary>The URL that answered, after redirects.</summary>
    public required string Url { get; init; }

    /// <summary>The URLs that redirected, in order.</summary>
    public required IReadOnlyList<string> Redirects { get; init; }
}

/// <summary>
/// Makes one HTTP request and gives the response; a status of 400 or more is a failure that keeps it.
/// Only the public internet is reached, and what the operator has allowed.
/// </summary>
/// <remarks>
/// Follows up to five redirects, never from https to http; on another origin only harmless headers go along. POST and PATCH carry the step's idempotency key as
/// <c>Idempotency-Key</c>, unless the caller gave one, so that a retry is known to be one. Failures: <c>invalid_parameters</c>, <c>http_404</c> and its like,
/// <c>timeout</c>, <c>address_blocked</c>, <c>name_not_resolved</c>, <c>connect_failed</c>, <c>tls_failed</c>, <c>response_malformed</c>, <c>response_too_large</c>,
/// <c>redirect_refused</c>, <c>too_many_redirects</c>.
/// </remarks>
[Skill("http_call", Version = "1.0.0", Replay = ReplayBehavior.Check)]
public sealed partial class HttpCallSkill(HttpTransport transport) : IRepeatable<HttpCallParameters>
{
    private const int MostRedirects = 5;

    /// <summary>By the method: what RFC 9110 section 9.2.2 calls idempotent. POST and PATCH carry a key, but not every server knows it.</summary>
    /// <param name="parameters">The request.</param>
    /// <returns>Whether a server does no more by two of it than by one.</returns>
    public static bool MayRepeat(HttpCallParameters parameters) => parameters.Method.ToUpperInvariant() is "GET" or "HEAD" or "OPTIONS" or "PUT" or "DELETE";

    /// <summary>Makes the request.</summary>
    /// <param name="parameters">The request.</param>
    /// <param name="context">The step: its clock counts the timeout.</param>
    /// <param name="cancellationToken">Cuts the call off.</param>
    /// <exception cref="OperationCanceledException">The step timed out or the run was stopped; the call's own timeout is a failure.</exception>
    /// <returns>The response, or why there is none.</returns>
    public async Task<SkillResult<HttpCallOutcome>> ExecuteAsync(HttpCallParameters parameters, SkillContext context, CancellationToken cancellationToken)
    {
        if (HttpCallRequest.TryMake(parameters, context.IdempotencyKey, out var request) is { } invalid)
            return SkillResult<HttpCallOutcome>.Failed(new SkillFailure("invalid_parameters", invalid));
        // A replay asks again, and does nothing again.
        if (!request!.IsSafe)
            context.ReplayAs(ReplayBehavior.Skip);
        using var timeout = new CancellationTokenSource(TimeSpan.FromMilliseconds(parameters.TimeoutMs), context.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            var result = await FollowAsync(request, parameters.MaxResponseBytes, either.Token).ConfigureAwait(false);
            foreach (var place in HttpCallResponse.Varying(result.Outcome?.Headers.Keys ?? []))
                context.Varies(place);
            return result;
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return Failed("timeout", string.Create(CultureInfo.InvariantCulture, $"no complete response within {parameters.TimeoutMs} ms"), retryable: true);
        }
        catch (Exception e) when (FailureOf(e) is { } failure)
        {
            return SkillResult<HttpCallOutcome>.Failed(failure);
        }
    }

    private async Task<SkillResult<HttpCallOutcome>> FollowAsync(HttpCallRequest request, int maxBytes, CancellationToken cancellationToken)
    {
        var redirects = new List<string>();
        while (true)
        {
            using var message = request.ToMessage();
            using var response = await transport.SendAsync(message, cancellationToken).ConfigureAwait(false);
            if (!HttpCallRequest.IsRedirect(response))
                return await ReadAsync(request, response, redirects, maxBytes, cancellationToken).ConfigureAwait(false);
            if (redirects.Count == MostRedirects)
                return Failed("too_many_redirects", $"{request.Place} redirects after {MostRedirects.ToString(CultureInfo.InvariantCulture)} redirects");
            if (request.Follow(response) is { } refused)
                return Failed("redirect_refused", refused);
            redirects.Add(request.Previous!);
        }
    }

    private static async Task<SkillResult<HttpCallOutcome>> ReadAsync(
        HttpCallRequest request, HttpResponseMessage response, List<string> redirects, int maxBytes, CancellationToken cancellationToken)
    {
        var (body, isWhole) = await ReadBodyAsync(response, maxBytes, cancellationToken).ConfigureAwait(false);
        var (json, text) = HttpCallResponse.Body(response, body.Span);
        var outcome = new HttpCallOutcome
        {
            StatusCode = (int)response.StatusCode,
            Headers = HttpCallResponse.Headers(response),
            Body = json,
            Text = text,
            Url = request.Url,
            Redirects = redirects,
        };
        var status = outcome.StatusCode.ToString(CultureInfo.InvariantCulture);
        if (!isWhole)
            return SkillResult<HttpCallOutcome>.Failed(new SkillFailure("response_too_large", string.Create(CultureInfo.InvariantCulture, $"{request.Place} answered {status} with more than {maxBytes} bytes")), outcome);
        return outcome.StatusCode < 400
            ? outcome
            : SkillResult<HttpCallOutcome>.Failed(new SkillFailure("http_" + status, $"{request.Place} answered {status}", IsTransient(response.StatusCode)), outcome);
    }

    /// <summary>Reads up to a limit and no further, decompressing as it reads: what the server would send beyond it is never held.</summary>
    private static async Task<(ReadOnlyMemory<byte> Body, bool IsWhole)> ReadBodyAsync(HttpResponseMessage response, int maxBytes, CancellationToken cancellationToken)
    {
        var body = new ArrayBufferWriter<byte>();
        var stream = await response.Content.ReadAsStreamAsync(cancellationToken).ConfigureAwait(false);
        while (true)
        {
            var read = await stream.ReadAsync(body.GetMemory(8192), cancellationToken).ConfigureAwait(false);
            if (read == 0)
                return (body.WrittenMemory, true);
            var room = maxBytes - body.WrittenCount;
            body.Advance(Math.Min(read, room));
            if (read > room)
                return (body.WrittenMemory, false);
        }
    }

    internal static bool IsTransient(HttpStatusCode status) => status is HttpStatusCode.RequestTimeout or (HttpStatusCode)425 or HttpStatusCode.TooManyRequests or >= HttpStatusCode.InternalServerError;

    internal static SkillFailure? FailureOf(Exception thrown)
    {
        for (var e = thrown; e is not null; e = e.InnerException)
        {
            if (e is HttpCallException call)
                return call.Failure;
        }

        return thrown switch
        {
            HttpRequestException { HttpRequestError: HttpRequestError.SecureConnectionError } e => new SkillFailure("tls_failed", Reason(e)),
            HttpRequestException { HttpRequestError: HttpRequestError.ConfigurationLimitExceeded } e => new SkillFailure("response_too_large", Reason(e)),
            HttpRequestException { HttpRequestError: HttpRequestError.InvalidResponse or HttpRequestError.ResponseEnded or HttpRequestError.HttpProtocolError } e =>
                new SkillFailure("response_malformed", Reason(e), Retryable: true),
            HttpRequestException e => new SkillFailure("connect_failed", Reason(e), Retryable: true),
            TaskCanceledException { InnerException: TimeoutException } => new SkillFailure("connect_failed", "no connection within the time for one", Retryable: true),
            IOException or InvalidDataException => new SkillFailure("response_malformed", Reason(thrown), Retryable: true),
            _ => null,
        };
    }

    private static string Reason(Exception e) => e.InnerException is { } inner ? $"{e.Message} ({inner.Message})" : e.Message;

    private static SkillResult<HttpCallOutcome> Failed(string code, string message, bool retryable = false) =>
        SkillResult<HttpCallOutcome>.Failed(new SkillFailure(code, message, retryable));
}
