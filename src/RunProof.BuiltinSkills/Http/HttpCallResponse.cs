using System.Collections.Immutable;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Unicode;
using RunProof.Format;

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

    private static readonly ImmutableHashSet<string> Passing = ImmutableHashSet.Create(
        StringComparer.Ordinal, "age", "date", "expires", "request-id", "traceparent", "x-correlation-id", "x-github-request-id", "x-ratelimit-remaining", "x-ratelimit-reset", "x-request-id");

    /// <summary>Where in the outcome stands when and which response this is, and nothing of what it says.</summary>
    internal static IEnumerable<string> Varying(IEnumerable<string> headers) => headers.Where(Passing.Contains)
        .Select(static name => name.Contains('-', StringComparison.Ordinal) ? $"$.headers['{name}']" : $"$.headers.{name}");

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

    /// <summary>The body as JSON from outside (proof-format.md section 1, rules 2 and 3), or as text where rule 3 would hide readable text in base64.</summary>
    internal static (CanonicalJson? Json, string? Text) Body(HttpResponseMessage response, ReadOnlySpan<byte> body)
    {
        var declared = MediaType(response);
        var json = CanonicalJson.FromOutside(body, declared);
        // Nothing else begins like this: a received object with such a member is recorded under rule 2.
        var isOpaque = json.Bytes.Span.StartsWith("{\"$base64\":"u8);
        return isOpaque && IsText(declared) && Utf8.IsValid(body) ? (null, Encoding.UTF8.GetString(body)) : (json, null);
    }

    private static bool IsText(string declared) =>
        MediaTypeHeaderValue.TryParse(declared, out var type)
        && (type.CharSet is null or "" || type.CharSet.Trim('"').ToUpperInvariant() is "UTF-8" or "UTF8" or "US-ASCII")
        && (type.MediaType!.StartsWith("text/", StringComparison.OrdinalIgnoreCase)
            || type.MediaType.EndsWith("+xml", StringComparison.OrdinalIgnoreCase)
            || type.MediaType.ToUpperInvariant() is "APPLICATION/XML" or "APPLICATION/YAML" or "APPLICATION/JAVASCRIPT" or "APPLICATION/X-WWW-FORM-URLENCODED");

    private static string MediaType(HttpResponseMessage response) =>
        response.Content.Headers.NonValidated.TryGetValues("Content-Type", out var values) ? Clean(values.ToString()) : "application/octet-stream";

    /// <summary>A server may send anything: no control character, nothing endless.</summary>
    private static string Clean(string value) =>
        string.Create(Math.Min(value.Length, LongestValue), value, static (target, source) =>
        {
            for (var i = 0; i < target.Length; i++)
                target[i] = char.IsControl(source[i]) || char.IsSurrogate(source[i]) ? ' ' : source[i];
        });
}
