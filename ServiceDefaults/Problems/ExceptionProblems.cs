using System.Data.Common;
using System.Diagnostics;
using System.Text.Json;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using RunProof.Format;
using RunProof.Ledger;

namespace RunProof.ServiceDefaults;

/// <summary>An exception that reached the pipeline's start, as a problem.</summary>
internal sealed class ExceptionProblems : IExceptionHandler
{
    public async ValueTask<bool> TryHandleAsync(HttpContext httpContext, Exception exception, CancellationToken cancellationToken)
    {
        if (exception is OperationCanceledException && httpContext.RequestAborted.IsCancellationRequested)
            return true;
        var problem = Of(exception);
        if (problem.Status == 503)
            httpContext.Response.Headers.RetryAfter = "1";
        await problem.ExecuteAsync(httpContext);
        return true;
    }

    private static Problem Of(Exception exception) => exception switch
    {
        BadHttpRequestException { InnerException: JsonException json } => Problem.Invalid(Place(json), Message(json)),
        BadHttpRequestException { StatusCode: 400 } bad => Problem.ForStatus(400, bad.Message),
        BadHttpRequestException bad => Problem.ForStatus(bad.StatusCode),
        JsonBindingException binding => Problem.Invalid(binding.Place, binding.Reason),
        RecordingException { IsTransient: true } or LogStoreException { IsTransient: true } or DbException { IsTransient: true } or TimeoutException => Problem.ForStatus(503),
        LogStoreException damaged => Problem.ForStatus(500, damaged.Message),
        _ => Problem.ForStatus(500, $"The request could not be answered. It is logged under the id {Activity.Current?.TraceId.ToString() ?? "none"}."),
    };

    /// <summary>System.Text.Json's path without its root: <c>$.plan[0].skill</c> → <c>plan[0].skill</c>, the whole body → <c>body</c>.</summary>
    private static string Place(JsonException json) =>
        json.Path is { Length: > 2 } path && path.StartsWith("$.", StringComparison.Ordinal) ? path[2..] : "body";

    /// <summary>The message without the path and position that System.Text.Json appends, but with the line for text that is no JSON.</summary>
    private static string Message(JsonException json)
    {
        var end = json.Message.IndexOf(" Path: ", StringComparison.Ordinal);
        var message = end < 0 ? json.Message : json.Message[..end];
        return json is { LineNumber: { } line, BytePositionInLine: { } at }
            ? FormattableString.Invariant($"{message} (line {line + 1}, byte {at + 1})")
            : message;
    }
}
