using System.Collections.Immutable;

namespace RunProof.BuiltinSkills;

/// <summary>What of a response is evidence.</summary>
internal static class HttpCallResponse
{
    private const int LongestValue = 2048;

    private static readonly ImmutableSortedSet<string> Kept = ImmutableSortedSet.Create(
        StringComparer.Ordinal,
        "age", "allow", "cache-control", "content-disposition", "content-encoding", "content-language", "content-length", "content-location", "content-range", "content-type",
        "date", "deprecation", "etag", "expires", "last-modified", "link", "location", "retry-after", "server", "sunset", "vary", "via", "www-authenticate",
        "x-correlation-id", "x-github-request-id", "x-ratelimit-limit", "x-ratelimit-remaining", "x-ratelimit-reset", "x-request-id", "request-id", "traceparent");

    internal static ImmutableSortedDictionary<string, string> Headers(HttpResponseMessage response)
    {
        var headers = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        foreach (var (name, values) in response.Headers.NonValidated.Concat(response.Content.Headers.NonValidated))
        {
            var key = name.ToLowerInvariant();
            if (Kept.Contains(key))
                headers[key] = Clean(string.Join(", ", values));
        }

        return headers.ToImmutable();
    }

    internal static string MediaType(HttpResponseMessage response) =>
        response.Content.Headers.NonValidated.TryGetValues("Content-Type", out var values) ? Clean(values.ToString()) : "application/octet-stream";

    /// <summary>A server may send anything: no control character, nothing endless.</summary>
    private static string Clean(string value) =>
        string.Create(Math.Min(value.Length, LongestValue), value, static (target, source) =>
        {
            for (var i = 0; i < target.Length; i++)
                target[i] = char.IsControl(source[i]) || char.IsSurrogate(source[i]) ? ' ' : source[i];
        });
}
