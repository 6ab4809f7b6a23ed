using Microsoft.AspNetCore.Mvc;
using RunProof.Execution;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.ServiceDefaults;

namespace RunProof.Runner;

/// <summary>What may be asked of a run: to be cancelled, paused, resumed, tried again. Asked twice, it is answered alike.</summary>
internal static class RunControlEndpoints
{
    private const int LongestReason = 2_000;

    public static void MapRunControl(this IEndpointRouteBuilder api)
    {
        var runs = api.MapGroup("/runs/{run_id}").WithTags("Runs");
        Describe(runs.MapPost("/cancel", CancelAsync), "cancelRun", "Ends a run: its step under way is cancelled, its trace sealed aborted with who asked and why.")
            .Accepts<CancelRun>("application/json").Refuses(400, 413, 415);
        Describe(runs.MapPost("/pause", PauseAsync), "pauseRun", "Pauses a run: the step under way ends, the next waits until the run is resumed.");
        Describe(runs.MapPost("/resume", ResumeAsync), "resumeRun", "Lets a paused run go on, in whichever process has a place.");
        Describe(runs.MapPost("/retry", RetryAsync), "retryRun", "Gives a run that ended without success another attempt, with a trace of its own.");
    }

    private static RouteHandlerBuilder Describe(RouteHandlerBuilder endpoint, string name, string summary) => endpoint
        .RequireScope(ApiKeyAuthentication.RunnerScope).WithName(name).WithSummary(summary)
        .WithDescription("200 where it is so now or was already, 202 where the process that has the run will obey; 409 where the run has ended or cannot do it.")
        .Produces<RunView>().Produces<RunView>(StatusCodes.Status202Accepted)
        .Refuses(401, 403, 404, 409);

    private static async Task<IResult> CancelAsync(HttpContext context, [FromServices] RunService runs, [FromRoute(Name = "run_id")] string runId)
    {
        var reason = default(string);
        if (context.Request.ContentLength is not (null or 0) || context.Request.Headers.TransferEncoding.Count > 0)
        {
            var (body, refusal) = await RequestBody.ReadObjectAsync(context);
            if (refusal is not null)
                return refusal;
            var reader = new ObjectReader();
            reader.RefuseOthers(body, "", ["reason"]);
            reason = body.TryGetProperty("reason", out var given) && given.ValueKind is not System.Text.Json.JsonValueKind.Null ? reader.String(body, "", "reason") : null;
            if (reason is { Length: 0 or > LongestReason })
                reader.Fail("reason", "must be 1 to 2000 characters");
            if (reader.Errors.Count > 0)
                return RequestBody.Refuse(reader.Errors);
        }

        return await AskAsync(context, runs, runId, id => runs.CancelAsync(context.GetTenant(), id, context.GetApiKeyId(), reason, context.RequestAborted));
    }

    private static Task<IResult> PauseAsync(HttpContext context, [FromServices] RunService runs, [FromRoute(Name = "run_id")] string runId) =>
        AskAsync(context, runs, runId, id => runs.PauseAsync(context.GetTenant(), id, context.RequestAborted));

    private static Task<IResult> ResumeAsync(HttpContext context, [FromServices] RunService runs, [FromRoute(Name = "run_id")] string runId) =>
        AskAsync(context, runs, runId, id => runs.ResumeAsync(context.GetTenant(), id, context.RequestAborted));

    private static Task<IResult> RetryAsync(HttpContext context, [FromServices] RunService runs, [FromRoute(Name = "run_id")] string runId) =>
        AskAsync(context, runs, runId, id => runs.RetryAsync(context.GetTenant(), id, context.GetApiKeyId(), context.RequestAborted));

    private static async Task<IResult> AskAsync(HttpContext context, RunService runs, string runId, Func<RunId, Task<RunAnswer>> ask)
    {
        // An id that cannot be one is not there; neither is another tenant's.
        if (!RunId.TryParse(runId, out var id))
            return Problem.NotFound("There is no such run.");
        var answer = await ask(id);
        if (Refusal(answer) is { } refusal)
            return refusal;
        var run = await runs.FindAsync(context.GetTenant(), id, context.RequestAborted);
        return run is null
            ? Problem.NotFound("There is no such run.")
            : TypedResults.Json(RunView.Of(run), RunnerJson.Default.RunView, statusCode: answer is RunAnswer.Asked ? StatusCodes.Status202Accepted : StatusCodes.Status200OK);
    }

    private static Problem? Refusal(RunAnswer answer) => answer switch
    {
        RunAnswer.NotFound => Problem.NotFound("There is no such run."),
        RunAnswer.Ended => Conflict(ProblemTypes.RunEnded, "The run has ended", "A run that has ended changes no more; POST …/retry gives one that did not succeed another attempt."),
        RunAnswer.Cancelling => Conflict(ProblemTypes.RunEnded, "The run has ended", "The run is being cancelled: it ends as soon as the process that has it obeys."),
        RunAnswer.Succeeded => Conflict(ProblemTypes.RunEnded, "The run has ended", "The run has succeeded: there is nothing to try again."),
        RunAnswer.TooMany => Conflict(ProblemTypes.RunEnded, "The run has ended", "The run had 100 attempts, the most that a run may have."),
        RunAnswer.NotKept => Conflict(
            ProblemTypes.PlanNotKept, "The plan is not kept", "The run's plan or goal held secrets, which no store keeps: only the process that took the run in can execute it, in one go."),
        _ => null,
    };

    private static Problem Conflict(string type, string title, string detail) => new(type, title, StatusCodes.Status409Conflict, detail);
}

/// <summary>The body of a request to cancel a run; it may be left out.</summary>
internal sealed record CancelRun
{
    [System.ComponentModel.Description("Why: 1 to 2,000 characters. It goes into the run's evidence, redacted.")]
    public string? Reason { get; init; }
}
