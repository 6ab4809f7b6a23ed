using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using RunProof.Format;
using RunProof.Skills;

namespace RunProof.BuiltinSkills;

/// <summary>What to tell, and whom.</summary>
[Canonical(Name = "webhook_send.parameters")]
public sealed partial record WebhookSendParameters
{
    /// <summary>The name that the operator gave the endpoint.</summary>
    public required string Endpoint { get; init; }

    /// <summary>What happened, as words with full stops between them: order.shipped.</summary>
    public required string Type { get; init; }

    /// <summary>What there is to say about it.</summary>
    public required CanonicalJson Data { get; init; }

    /// <summary>Milliseconds for the whole call: 1 to 300000.</summary>
    public int TimeoutMs { get; init; } = 20_000;
}

/// <summary>What was sent.</summary>
[Canonical(Name = "webhook_send.outcome")]
public sealed partial record WebhookSendOutcome
{
    /// <summary>The endpoint's name.</summary>
    public required string Endpoint { get; init; }

    /// <summary>The message's id, the same for every attempt of the step.</summary>
    public required string MessageId { get; init; }

    /// <summary>When it was signed, in seconds since 1970.</summary>
    public required long Timestamp { get; init; }

    /// <summary>The status that the receiver answered. Its words are not kept: they may hold what was secret.</summary>
    public required int StatusCode { get; init; }
}

/// <summary>Tells a configured endpoint that something happened, in a message that it can check: signed as Standard Webhooks says.</summary>
/// <remarks>
/// The body is <c>{"data":…,"timestamp":…,"type":…}</c> in canonical form. A redirect is a failure, as every status outside of 200 to 299. Failures:
/// <c>unknown_endpoint</c>, <c>invalid_parameters</c>, <c>http_410</c> and its like, <c>timeout</c>, and those of <c>http_call</c> for connections.
/// </remarks>
[Skill("webhook_send", Version = "1.0.0", Replay = ReplayBehavior.Skip)]
public sealed partial class WebhookSendSkill(WebhookEndpoints endpoints, TimeProvider clock)
{
    private const int LongestType = 256;
    private const int LongestBody = 1_048_576;

    /// <summary>Sends it.</summary>
    /// <param name="parameters">What and whom.</param>
    /// <param name="context">The step: its clock counts the timeout, its idempotency key makes the message's id.</param>
    /// <param name="cancellationToken">Cuts the call off.</param>
    /// <exception cref="OperationCanceledException">The step timed out or the run was stopped; the call's own timeout is a failure.</exception>
    /// <returns>What was sent, or why it was not taken.</returns>
    public async Task<SkillResult<WebhookSendOutcome>> ExecuteAsync(WebhookSendParameters parameters, SkillContext context, CancellationToken cancellationToken)
    {
        if (endpoints.Find(parameters.Endpoint, context.TenantId) is not { } endpoint)
            return Failed("unknown_endpoint", "the operator has given this tenant no webhook endpoint of that name");
        if (parameters.TimeoutMs is < 1 or > 300_000)
            return Failed("invalid_parameters", "timeout_ms must be from 1 to 300000");
        if (!IsType(parameters.Type))
            return Failed("invalid_parameters", "type must be words of A-Z a-z 0-9 _ - with full stops between them, 256 characters at most");
        var body = BodyOf(parameters, context.Clock.GetUtcNow());
        if (body.Length > LongestBody)
            return Failed("invalid_parameters", "data is too large: the message would have more than 1048576 bytes");
        var id = "msg_" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(context.IdempotencyKey)).AsSpan(0, 16));
        // A receiver compares the time with its own clock: a run's frozen one would make every message stale.
        var timestamp = clock.GetUtcNow().ToUnixTimeSeconds();
        using var timeout = new CancellationTokenSource(TimeSpan.FromMilliseconds(parameters.TimeoutMs), context.Clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        try
        {
            using var message = MessageOf(endpoint, id, timestamp, body);
            using var response = await endpoints.Transport.SendAsync(message, either.Token).ConfigureAwait(false);
            return Judge(response, new WebhookSendOutcome { Endpoint = parameters.Endpoint, MessageId = id, Timestamp = timestamp, StatusCode = (int)response.StatusCode });
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            return Failed("timeout", string.Create(CultureInfo.InvariantCulture, $"no answer within {parameters.TimeoutMs} ms"), retryable: true);
        }
        catch (Exception e) when (HttpCallSkill.FailureOf(e) is { } failure)
        {
            return SkillResult<WebhookSendOutcome>.Failed(failure);
        }
    }

    private static SkillResult<WebhookSendOutcome> Judge(HttpResponseMessage response, WebhookSendOutcome outcome)
    {
        if (response.IsSuccessStatusCode)
            return outcome;
        var status = outcome.StatusCode.ToString(CultureInfo.InvariantCulture);
        return SkillResult<WebhookSendOutcome>.Failed(
            new SkillFailure("http_" + status, $"the endpoint \"{outcome.Endpoint}\" answered {status}", HttpCallSkill.IsTransient(response.StatusCode)), outcome);
    }

    private static HttpRequestMessage MessageOf(WebhookEndpoints.Known endpoint, string id, long timestamp, ReadOnlyMemory<byte> body)
    {
        var message = new HttpRequestMessage(HttpMethod.Post, endpoint.Url) { Content = new ReadOnlyMemoryContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } } };
        message.Headers.TryAddWithoutValidation("webhook-id", id);
        message.Headers.TryAddWithoutValidation("webhook-timestamp", timestamp.ToString(CultureInfo.InvariantCulture));
        message.Headers.TryAddWithoutValidation("webhook-signature", endpoint.Sign(id, timestamp, body.Span));
        message.Headers.TryAddWithoutValidation("User-Agent", "runproof-webhook_send/1.0.0");
        return message;
    }

    private static ReadOnlyMemory<byte> BodyOf(WebhookSendParameters parameters, DateTimeOffset now)
    {
        var buffer = new System.Buffers.ArrayBufferWriter<byte>(256);
        var writer = new CanonicalWriter(buffer);
        writer.WriteRaw("{\"data\":"u8);
        writer.WriteJson(parameters.Data);
        writer.WriteRaw(",\"timestamp\":"u8);
        writer.WriteTime(now);
        writer.WriteRaw(",\"type\":"u8);
        writer.WriteString(parameters.Type);
        writer.WriteRaw("}"u8);
        writer.Flush();
        return buffer.WrittenMemory;
    }

    private static bool IsType(string type) =>
        type.Length is > 0 and <= LongestType
        && type.Split('.').All(word => word.Length > 0 && word.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-'));

    private static SkillResult<WebhookSendOutcome> Failed(string code, string message, bool retryable = false) =>
        SkillResult<WebhookSendOutcome>.Failed(new SkillFailure(code, message, retryable));
}
