using System.Globalization;
using RunProof.Skills;

namespace RunProof.Models;

/// <summary>What a service's refusal means.</summary>
internal static class ServiceFailure
{
    private const int LongestMessage = 500;

    internal static SkillFailure Of(ModelConnection model, ModelReply reply, ReadOnlyMemory<byte> body, DateTimeOffset now)
    {
        var (message, code) = ChatAnswer.ReadError(body);
        var status = reply.Status.ToString(CultureInfo.InvariantCulture);
        var said = $"the service of \"{model.Name}\" answered {status}";
        // What it says of a key may quote the key.
        if (reply.Status is 401 or 403)
            return new SkillFailure("key_refused", said + ": it does not take the configured key");
        if (Clean(model, message) is { Length: > 0 } clean)
            said += ": " + clean;
        return reply.Status switch
        {
            429 when code is "insufficient_quota" or "billing_hard_limit_reached" => new SkillFailure("quota_exhausted", said),
            429 => new SkillFailure("rate_limited", said, Retryable: true) { RetryAfter = reply.Pause(now) },
            408 or 409 or 425 or >= 500 => new SkillFailure("model_unavailable", said, Retryable: true) { RetryAfter = reply.Pause(now) },
            >= 300 and < 400 => new SkillFailure("redirect_refused", $"the service of \"{model.Name}\" redirects ({status}); only its configured endpoint is called"),
            400 when code is "content_filter" or "content_policy_violation" => new SkillFailure("content_refused", said),
            _ => new SkillFailure("request_refused", said),
        };
    }

    private static string? Clean(ModelConnection model, string? message)
    {
        if (message is null)
            return null;
        if (model.Endpoint.ApiKey is { } key)
            message = message.Replace(key, "…", StringComparison.Ordinal);
        return message.Length <= LongestMessage ? message : message[..LongestMessage] + "…";
    }
}
