using System.ComponentModel;
using Microsoft.AspNetCore.Mvc;
using RunProof.Execution;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.ServiceDefaults;

namespace RunProof.Runner;

/// <summary>Runs: asked for, told of, listed.</summary>
internal static class RunEndpoints
{
    private const string WaitWords = "Seconds (0 to 300) to wait for the run's end, or true for 60; default 0.";

    public static void MapRuns(this IEndpointRouteBuilder api)
    {
        var runs = api.MapGroup("/runs").WithTags("Runs");
        runs.MapPost("/", CreateAsync).RequireScope(ApiKeyAuthentication.RunnerScope)
            .WithName("createRun").WithSummary("Asks for a run.")
            .WithDescription("202 while it waits or runs, 200 where it has ended within wait, or where the same request made it before under its idempotency key.")
            .Accepts<CreateRun>("application/json")
            .Produces<RunView>(StatusCodes.Status202Accepted).Produces<RunView>()
            .Refuses(400, 401, 403, 404, 409, 413, 415);
        runs.MapGet("/{run_id}", GetAsync).RequireScope(ApiKeyAuthentication.AuditorScope)
            .WithName("getRun").WithSummary("Tells of a run.")
            .Produces<RunView>()
            .Refuses(400, 401, 404);
        runs.MapGet("/", ListAsync).RequireScope(ApiKeyAuthentication.AuditorScope)
            .WithName("listRuns").WithSummary("Lists the tenant's runs, the newest first.")
            .Produces<RunPage>()
            .Refuses(400, 401);
        api.MapGet("/plan-schema", static () => Results.Text(PlanParser.Schema(), "application/schema+json")).WithTags("Runs")
            .WithName("getPlanSchema").WithSummary("The JSON Schema of plans.").Produces<string>(200, "application/schema+json").Refuses();
    }

    private static async Task<IResult> CreateAsync(
        HttpContext context, [FromServices] RunService runs, [FromServices] IHostApplicationLifetime lifetime,
        [Description(WaitWords)] string? wait, [FromHeader(Name = "Idempotency-Key"), Description("As idempotency_key in the body.")] string? idempotencyKey)
    {
        var (body, refusal) = await RequestBody.ReadObjectAsync(context);
        if (refusal is not null)
            return refusal;
        var reader = new ObjectReader();
        var query = new QueryReader(context.Request.Query, nameof(wait));
        var request = CreateRunReader.Read(body, context.Request.Headers, context.GetTenant(), reader) is { } read ? read with { CreatedBy = context.GetApiKeyId() } : null;
        var patience = Waiting.Read(body, reader) ?? Waiting.Read(query) ?? TimeSpan.Zero;
        if (request is null || reader.Errors.Count + query.Errors.Count > 0)
            return RequestBody.Refuse([.. reader.Errors, .. query.Errors]);

        return await AnswerAsync(context, runs, lifetime, await runs.SubmitAsync(request, context.RequestAborted), request.AgentId.Value, patience);
    }

    /// <summary>Answers a submission: with the run, as it stands once the caller's patience is over, or with why there is none.</summary>
    internal static async Task<IResult> AnswerAsync(
        HttpContext context, RunService runs, IHostApplicationLifetime lifetime, Submission submission, string agent, TimeSpan patience) => submission switch
        {
            Submission.Accepted accepted => await AnswerAsync(context, runs, lifetime, accepted, patience),
            Submission.Invalid invalid => RequestBody.Refuse(invalid.Errors, invalid.InPlan),
            Submission.UnknownAgent => new Problem(
                ProblemTypes.UnknownAgent, "Unknown agent", StatusCodes.Status404NotFound, $"There is no agent \"{agent}\"; create it first."),
            Submission.IdempotencyConflict conflict => new Problem(
                ProblemTypes.IdempotencyConflict, "The idempotency key was used with another request", StatusCodes.Status409Conflict,
                $"Run {conflict.Existing.Id.Value} was made by another request under this key."),
            Submission.Killed killed => new Problem(
                ProblemTypes.Killed, "Runs like it are stopped", StatusCodes.Status409Conflict, $"Nothing was stored: {killed.By.Sentence}. Send the request again once that is released."),
            Submission.BudgetExceeded exceeded => new Problem(
                ProblemTypes.BudgetExceeded, "The budget is used up", StatusCodes.Status409Conflict, $"Nothing was stored: {exceeded.Reason}."),
            Submission.Ungoverned ungoverned => Problem.ForStatus(StatusCodes.Status503ServiceUnavailable, $"Nothing was stored: {ungoverned.Reason}. Send the request again later."),
            Submission.UnknownOrigin unknown => Problem.NotFound(unknown.Reason),
            Submission.OriginNotEnded => new Problem(
                ProblemTypes.RunNotEnded, "The run has not ended", StatusCodes.Status409Conflict, "A run is replayed or forked once its trace is sealed; wait for its end."),
            Submission.OriginNotKept => new Problem(
                ProblemTypes.PlanNotKept, "The plan is not kept", StatusCodes.Status409Conflict,
                "The run's plan or goal held secrets, which no store keeps: it cannot be executed again. A replay in mode dry executes nothing, and says what it cannot compare."),
            Submission.Overloaded overloaded => Overloaded(context, overloaded.Stopping),
            _ => throw new InvalidOperationException("a submission of an unknown kind"),
        };

    private static async Task<IResult> AnswerAsync(
        HttpContext context, RunService runs, IHostApplicationLifetime lifetime, Submission.Accepted accepted, TimeSpan patience)
    {
        var run = patience > TimeSpan.Zero ? await WaitAsync(context, runs, lifetime, accepted.Run.Id, patience) ?? accepted.Run : accepted.Run;
        var view = RunView.Of(run);
        context.Response.Headers.Location = view.Links.Self;
        var done = accepted.Existing || run.HasEnded;
        return TypedResults.Json(view, RunnerJson.Default.RunView, statusCode: done ? StatusCodes.Status200OK : StatusCodes.Status202Accepted);
    }

    private static async Task<IResult> GetAsync(
        HttpContext context, [FromServices] RunService runs, [FromServices] IHostApplicationLifetime lifetime,
        [FromRoute(Name = "run_id")] string runId, [Description(WaitWords)] string? wait)
    {
        var query = new QueryReader(context.Request.Query, nameof(wait));
        var patience = Waiting.Read(query) ?? TimeSpan.Zero;
        if (query.Errors.Count > 0)
            return RequestBody.Refuse(query.Errors);
        // An id that cannot be one is not there; neither is another tenant's.
        return RunId.TryParse(runId, out var id) && await WaitAsync(context, runs, lifetime, id, patience) is { } run
            ? TypedResults.Json(RunView.Of(run), RunnerJson.Default.RunView)
            : Problem.NotFound("There is no such run.");
    }

    // Whoever waits when the process is asked to stop is told how things stand, and may ask the next process.
    private static async Task<Run?> WaitAsync(HttpContext context, RunService runs, IHostApplicationLifetime lifetime, RunId run, TimeSpan patience)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, lifetime.ApplicationStopping);
        try
        {
            return await runs.WaitAsync(context.GetTenant(), run, patience, either.Token);
        }
        catch (OperationCanceledException) when (!context.RequestAborted.IsCancellationRequested)
        {
            return await runs.FindAsync(context.GetTenant(), run, context.RequestAborted);
        }
    }

    private static async Task<IResult> ListAsync(
        HttpContext context, [FromServices] RunService runs,
        [Description("Only runs of this status: queued, running, paused, waiting, succeeded, failed, aborted or cancelled.")] string? status,
        [FromQuery(Name = "agent_id"), Description("Only this agent's.")] string? agentId,
        [FromQuery(Name = "origin_system_id"), Description("Only those that this system asked for.")] string? originSystemId,
        [Description("Only sub-runs of this run.")] string? parent,
        [FromQuery(Name = "created_from"), Description("Only those created at or after this time.")] string? createdFrom,
        [FromQuery(Name = "created_before"), Description("Only those created before this time.")] string? createdBefore,
        [Description("At most so many, 1 to 200; default 50.")] string? limit, [Description("The next of the page before.")] string? cursor)
    {
        var query = new QueryReader(context.Request.Query, "status", "agent_id", "origin_system_id", "parent", "created_from", "created_before", "limit", "cursor");
        var filter = Filter(query);
        if (query.Errors.Count > 0)
            return RequestBody.Refuse(query.Errors);
        // A full page may have a next one; if it has not, that page is empty.
        var found = await runs.ListAsync(context.GetTenant(), filter, context.RequestAborted);
        var next = found.Count == filter.Limit ? PageCursor.After(found[^1].CreatedAt, found[^1].Id.Value) : null;
        return TypedResults.Json(new RunPage([.. found.Select(RunView.Of)], next), RunnerJson.Default.RunPage);
    }

    private static RunFilter Filter(QueryReader query) => new()
    {
        Status = query.Word<RunStatus>("status", RunWords.TryParse, RunWords.All),
        AgentId = query.Identity<AgentId>("agent_id"),
        OriginSystemId = query.Text("origin_system_id"),
        Parent = query.Identity<RunId>("parent"),
        CreatedFrom = query.Time("created_from"),
        CreatedBefore = query.Time("created_before"),
        Limit = query.Integer("limit", 1, 200, 50),
        After = query.Cursor("cursor") is { } place ? (place.Time, RunId.Parse(place.Id)) : null,
    };

    private static Problem Overloaded(HttpContext context, bool stopping)
    {
        context.Response.Headers.RetryAfter = "2";
        return Problem.ForStatus(
            StatusCodes.Status503ServiceUnavailable,
            stopping ? "This process is stopping; nothing was stored. Send the request again." : "Too many runs wait; nothing was stored. Send the request again later.");
    }
}
