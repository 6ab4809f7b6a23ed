using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Microsoft.AspNetCore.Http;

namespace RunProof.ServiceDefaults;

/// <summary>A refusal, as RFC 9457 problem details. Return it from an endpoint.</summary>
/// <param name="Type">One of <see cref="ProblemTypes"/>.</param>
/// <param name="Title">What went wrong, the same words for every problem of the type.</param>
/// <param name="Status">The HTTP status.</param>
/// <param name="Detail">What went wrong this time, and what the caller can do.</param>
/// <param name="Errors">For malformed input: the messages by place (<c>plan[0].params</c>). Null, and left out, otherwise.</param>
public sealed record Problem(
    string Type,
    string Title,
    int Status,
    string Detail,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] IReadOnlyDictionary<string, string[]>? Errors = null) : IResult, IStatusCodeHttpResult
{
    /// <summary>The media type of problem details.</summary>
    public const string MediaType = "application/problem+json";

    int? IStatusCodeHttpResult.StatusCode => Status;

    /// <summary>Input that is malformed at several places.</summary>
    /// <param name="errors">The messages by place.</param>
    /// <param name="type">A more precise type, or null for <see cref="ProblemTypes.InvalidRequest"/>.</param>
    /// <param name="title">The type's title, where one is given.</param>
    public static Problem Invalid(IReadOnlyDictionary<string, string[]> errors, string? type = null, string? title = null) =>
        new(type ?? ProblemTypes.InvalidRequest, title ?? "The request is not valid", 400, DetailOf(errors), errors);

    /// <summary>Input that is malformed at one place.</summary>
    /// <param name="place">Where: a member's path, a query parameter's or a header's name.</param>
    /// <param name="message">What is wrong there.</param>
    public static Problem Invalid(string place, string message) =>
        Invalid(new Dictionary<string, string[]>(StringComparer.Ordinal) { [place] = [message] });

    /// <summary>There is no such thing in the key's tenant.</summary>
    /// <param name="detail">What was looked for.</param>
    public static Problem NotFound(string detail) => new(ProblemTypes.NotFound, "Not found", 404, detail);

    /// <summary>The problem that a bare status stands for.</summary>
    /// <param name="status">An HTTP error status.</param>
    /// <param name="detail">What went wrong, or null for the status's own words.</param>
    public static Problem ForStatus(int status, string? detail = null)
    {
        var (title, words) = status switch
        {
            400 => ("The request is not valid", "The request could not be read."),
            401 => ("An API key is required", "Send a valid key as \"Authorization: Bearer rpk_…\" or \"X-API-Key: rpk_…\"."),
            403 => ("The API key does not allow this", "The key's scope is too narrow for this call."),
            404 => ("Not found", "There is no such route."),
            405 => ("Method not allowed", "The route has no such method; the Allow header lists those it has."),
            413 => ("The request is too large", "The body is larger than the service takes."),
            415 => ("Unsupported media type", "Send the body as application/json."),
            503 => ("The service is not available now", "The database cannot be reached or is overloaded. Try again later."),
            >= 500 => ("Internal error", "The request could not be answered."),
            _ => ("The request was refused", FormattableString.Invariant($"The server answers {status}.")),
        };
        return new Problem(ProblemTypes.ForStatus(status), title, status, detail ?? words);
    }

    /// <inheritdoc/>
    public async Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.StatusCode = Status;
        httpContext.Response.ContentType = MediaType;
        httpContext.Response.Headers.CacheControl = "no-store";
        await JsonSerializer.SerializeAsync(httpContext.Response.BodyWriter, this, ProblemJson.Readable.Problem, httpContext.RequestAborted);
    }

    private static string DetailOf(IReadOnlyDictionary<string, string[]> errors)
    {
        var (place, messages) = errors.First();
        var others = errors.Values.Sum(list => list.Length) - 1;
        var first = $"{place}: {messages[0]}";
        return others == 0 ? first : FormattableString.Invariant($"{first} (and {others} more)");
    }
}

[JsonSerializable(typeof(Problem))]
internal sealed partial class ProblemJson : JsonSerializerContext
{
    /// <summary>Relaxed so that quotes and dashes in a detail stay readable: the media type is never HTML.</summary>
    internal static ProblemJson Readable { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
