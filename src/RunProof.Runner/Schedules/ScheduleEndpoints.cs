using System.ComponentModel;
using System.Text.Json;
using Microsoft.AspNetCore.Mvc;
using RunProof.Execution;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.ServiceDefaults;

namespace RunProof.Runner;

/// <summary>Schedules: runs that the clock asks for.</summary>
internal static class ScheduleEndpoints
{
    private static readonly string[] Members = ["cron", "time_zone", "request", "enabled", "catch_up", "catch_up_limit", "overlap"];

    public static void MapSchedules(this IEndpointRouteBuilder api)
    {
        var schedules = api.MapGroup("/schedules").WithTags("Schedules");
        schedules.MapPut("/{name}", PutAsync).RequireScope(ApiKeyAuthentication.RunnerScope)
            .WithName("putSchedule").WithSummary("Defines a schedule.")
            .WithDescription("201 where it is new, 200 where it is defined anew: times that waited are forgotten, and it begins from now. The request is checked whole, as if it were made now.")
            .Accepts<PutSchedule>("application/json")
            .Produces<ScheduleView>(StatusCodes.Status201Created).Produces<ScheduleView>()
            .Refuses(400, 401, 403, 404, 413, 415);
        schedules.MapGet("/{name}", GetAsync).RequireScope(ApiKeyAuthentication.AuditorScope)
            .WithName("getSchedule").WithSummary("Tells of a schedule and its next times.")
            .Produces<ScheduleView>().Refuses(401, 404);
        schedules.MapGet("/", ListAsync).RequireScope(ApiKeyAuthentication.AuditorScope)
            .WithName("listSchedules").WithSummary("Lists the tenant's schedules by name.")
            .Produces<SchedulePage>().Refuses(400, 401);
        schedules.MapDelete("/{name}", RemoveAsync).RequireScope(ApiKeyAuthentication.RunnerScope)
            .WithName("removeSchedule").WithSummary("Removes a schedule; its runs stay.")
            .Produces(StatusCodes.Status204NoContent).Refuses(401, 403, 404);
        schedules.MapPost("/{name}/trigger", TriggerAsync).RequireScope(ApiKeyAuthentication.RunnerScope)
            .WithName("triggerSchedule").WithSummary("Asks for a run of a schedule now, whatever its times, and whether it is enabled or not.")
            .Produces<RunView>(StatusCodes.Status202Accepted).Refuses(400, 401, 403, 404);
        schedules.MapGet("/{name}/runs", RunsAsync).RequireScope(ApiKeyAuthentication.AuditorScope)
            .WithName("listScheduleRuns").WithSummary("Lists a schedule's runs, the latest first.")
            .Produces<RunPage>().Refuses(400, 401);
    }

    private static async Task<IResult> PutAsync(
        HttpContext context, string name, [FromServices] IScheduleStore schedules, [FromServices] RunService runs, [FromServices] TimeProvider clock)
    {
        var (body, refusal) = await RequestBody.ReadObjectAsync(context);
        if (refusal is not null)
            return refusal;
        var reader = new ObjectReader();
        var now = WireTime.Truncate(clock.GetUtcNow());
        var (schedule, request) = Read(context, name, body, now, reader);
        var inPlan = false;
        if (request is not null)
        {
            switch (await runs.CheckAsync(request, context.RequestAborted))
            {
                case Submission.Invalid invalid:
                    inPlan = invalid.InPlan && reader.Errors.Count == 0;
                    Fail(reader, invalid.Errors);
                    break;
                case Submission.UnknownAgent when reader.Errors.Count == 0:
                    return new Problem(
                        ProblemTypes.UnknownAgent, "Unknown agent", StatusCodes.Status404NotFound, $"There is no agent \"{request.AgentId.Value}\"; create it first.");
                case Submission.Ungoverned ungoverned:
                    return Problem.ForStatus(StatusCodes.Status503ServiceUnavailable, $"Nothing was stored: {ungoverned.Reason}. Send the request again later.");
                default:
                    break;
            }
        }

        if (schedule is null || reader.Errors.Count > 0)
            return RequestBody.Refuse(reader.Errors, inPlan);
        var (created, stored) = await schedules.PutAsync(schedule, context.RequestAborted);
        var view = ScheduleView.Of(stored, now);
        context.Response.Headers.Location = view.Links.Self;
        return TypedResults.Json(view, RunnerJson.Default.ScheduleView, statusCode: created ? StatusCodes.Status201Created : StatusCodes.Status200OK);
    }

    private static (Schedule? Schedule, RunRequest? Request) Read(HttpContext context, string name, JsonElement body, DateTimeOffset now, ObjectReader reader)
    {
        reader.RefuseOthers(body, "", Members);
        if (!IsName(name))
            reader.Fail("name", "must be 1 to 64 of a-z 0-9 _ -, beginning with a letter or a digit");
        var cron = reader.String(body, "", "cron", required: true) ?? "";
        var zone = reader.String(body, "", "time_zone") ?? "UTC";
        var times = CronTimes.Read(cron, zone, (place, message) => Fail(reader, place, message, body));
        var enabled = !body.TryGetProperty("enabled", out _) || reader.Boolean(body, "", "enabled");
        var catchUp = (CatchUp)reader.Word(body, "", "catch_up", ["none", "last", "all"], 0);
        var overlap = (Overlap)reader.Word(body, "", "overlap", ["skip", "allow", "queue"], 0);
        if (catchUp is CatchUp.All && overlap is Overlap.Skip)
            reader.Fail("overlap", "must be allow or queue where catch_up is all: runs that are made up for begin at once, and skip would pass over all but one");
        var limit = reader.Integer(body, "", "catch_up_limit", 1, 100, 10);
        if (body.TryGetProperty("catch_up_limit", out _) && catchUp is not CatchUp.All)
            reader.Fail("catch_up_limit", "must not be given unless catch_up is all");
        var (request, json) = Request(context, body, reader);
        if (times is null || json is null)
            return (null, request);
        var next = times.After(now);
        if (next is null)
            reader.Fail("cron", "never comes");
        var by = context.GetApiKeyId();
        return (new Schedule
        {
            TenantId = context.GetTenant(), Name = name, Cron = cron, TimeZone = zone, RequestJson = json, IsEnabled = enabled, CatchUp = catchUp, CatchUpLimit = limit,
            Overlap = overlap, NextDue = enabled ? next : null, LookAt = enabled ? next : null, CreatedAt = now, CreatedBy = by, UpdatedAt = now, UpdatedBy = by,
        }, request);
    }

    private static (RunRequest? Request, string? Json) Request(HttpContext context, JsonElement body, ObjectReader reader)
    {
        if (!body.TryGetProperty("request", out var given) || given.ValueKind is not JsonValueKind.Object)
        {
            reader.Fail("request", given.ValueKind is JsonValueKind.Undefined ? "is missing" : "must be an object: the body of a request for a run");
            return (null, null);
        }

        var inside = new ObjectReader();
        var request = Scheduler.Read(context.GetTenant(), given, inside);
        Fail(reader, inside.Errors);
        return (request is not null && inside.Errors.Count == 0 ? request : null, given.GetRawText());
    }

    private static void Fail(ObjectReader reader, IReadOnlyList<PlanError> errors)
    {
        foreach (var error in errors)
            reader.Fail("request." + error.Place, error.Message);
    }

    // A missing expression was said to be missing.
    private static void Fail(ObjectReader reader, string place, string message, JsonElement body)
    {
        if (place != "cron" || (body.TryGetProperty("cron", out var cron) && cron.ValueKind is JsonValueKind.String))
            reader.Fail(place, message);
    }

    private static async Task<IResult> GetAsync(HttpContext context, string name, [FromServices] IScheduleStore schedules, [FromServices] TimeProvider clock) =>
        IsName(name) && await schedules.FindAsync(context.GetTenant(), name, context.RequestAborted) is { } schedule
            ? TypedResults.Json(ScheduleView.Of(schedule, clock.GetUtcNow()), RunnerJson.Default.ScheduleView)
            : Problem.NotFound("There is no such schedule.");

    private static async Task<IResult> ListAsync(
        HttpContext context, [FromServices] IScheduleStore schedules, [FromServices] TimeProvider clock,
        [Description("At most so many, 1 to 200; default 50.")] string? limit, [Description("Names strictly after this one.")] string? after)
    {
        var query = new QueryReader(context.Request.Query, "limit", "after");
        var most = query.Integer("limit", 1, 200, 50);
        var name = query.Text("after");
        if (query.Errors.Count > 0)
            return RequestBody.Refuse(query.Errors);
        var found = await schedules.ListAsync(context.GetTenant(), name, most, context.RequestAborted);
        var now = clock.GetUtcNow();
        return TypedResults.Json(new SchedulePage([.. found.Select(one => ScheduleView.Of(one, now))], found.Count == most ? found[^1].Name : null), RunnerJson.Default.SchedulePage);
    }

    private static async Task<IResult> RemoveAsync(HttpContext context, string name, [FromServices] IScheduleStore schedules) =>
        IsName(name) && await schedules.RemoveAsync(context.GetTenant(), name, context.RequestAborted) ? TypedResults.NoContent() : Problem.NotFound("There is no such schedule.");

    private static async Task<IResult> TriggerAsync(
        HttpContext context, string name, [FromServices] IScheduleStore schedules, [FromServices] Scheduler scheduler, [FromServices] TimeProvider clock)
    {
        if (!IsName(name) || await schedules.FindAsync(context.GetTenant(), name, context.RequestAborted) is not { } schedule)
            return Problem.NotFound("There is no such schedule.");
        var now = clock.GetUtcNow();
        switch (await scheduler.AskAsync(schedule, ScheduledRun.KeyOf(name, now, Guid.CreateVersion7(now)), context.GetApiKeyId(), context.RequestAborted))
        {
            case Submission.Accepted accepted:
                var view = RunView.Of(accepted.Run);
                context.Response.Headers.Location = view.Links.Self;
                return TypedResults.Json(view, RunnerJson.Default.RunView, statusCode: StatusCodes.Status202Accepted);
            case Submission.Invalid invalid:
                return RequestBody.Refuse(invalid.Errors, invalid.InPlan);
            case Submission.UnknownAgent:
                return new Problem(ProblemTypes.UnknownAgent, "Unknown agent", StatusCodes.Status404NotFound, "The schedule's agent is not there.");
            default:
                return Problem.ForStatus(StatusCodes.Status503ServiceUnavailable, "The run could not be taken in; nothing was stored. Send the request again later.");
        }
    }

    private static async Task<IResult> RunsAsync(
        HttpContext context, string name, [FromServices] IScheduleStore schedules,
        [Description("At most so many, 1 to 200; default 50.")] string? limit, [Description("The next of the page before.")] string? cursor)
    {
        var query = new QueryReader(context.Request.Query, "limit", "cursor");
        var most = query.Integer("limit", 1, 200, 50);
        var before = query.Text("cursor");
        if (before is not null && ScheduledRun.Of(before)?.Name != name)
            query.Fail("cursor", "is not a cursor that this service gave");
        if (query.Errors.Count > 0)
            return RequestBody.Refuse(query.Errors);
        // Of one that is removed, too: its runs stay.
        var found = IsName(name) ? await schedules.RunsAsync(context.GetTenant(), name, before, most, context.RequestAborted) : [];
        return TypedResults.Json(new RunPage([.. found.Select(RunView.Of)], found.Count == most ? found[^1].IdempotencyKey : null), RunnerJson.Default.RunPage);
    }

    private static bool IsName(string name) =>
        name.Length is >= 1 and <= 64 && (char.IsAsciiLetterLower(name[0]) || char.IsAsciiDigit(name[0])) && name.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '_' or '-');
}
