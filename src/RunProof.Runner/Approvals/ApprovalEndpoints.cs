using System.ComponentModel;
using System.Text.Json;
using Microsoft.AspNetCore.Mvc;
using RunProof.Execution;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.ServiceDefaults;

namespace RunProof.Runner;

/// <summary>Approvals: shown, given, refused. Only an approver's key decides, and never of a run that the same person asked for.</summary>
internal static class ApprovalEndpoints
{
    private const int LongestReason = 2_000;

    public static void MapApprovals(this IEndpointRouteBuilder api, IConfiguration configuration)
    {
        var settings = new ApprovalSettings(configuration.GetValue("RunProof:Approvals:AllowOwnRuns", false));
        var approvals = api.MapGroup("/approvals").WithTags("Approvals");
        approvals.MapGet("/", ListAsync).RequireScope(ApiKeyAuthentication.AuditorScope)
            .WithName("listApprovals").WithSummary("Lists the tenant's approvals, the newest first.")
            .Produces<ApprovalPage>()
            .Refuses(400, 401);
        approvals.MapGet("/{approval_id}", GetAsync).RequireScope(ApiKeyAuthentication.AuditorScope)
            .WithName("getApproval").WithSummary("Shows the exact action that people are asked about, with its digests.")
            .Produces<ApprovalView>()
            .Refuses(401, 404);
        Describe(approvals.MapPost("/{approval_id}/approve", (HttpContext context, [FromServices] ApprovalService service, [FromRoute(Name = "approval_id")] string approvalId) =>
            DecideAsync(context, service, approvalId, isApproval: true, settings)), "approve", "Approves the action of this digest; once enough people have, its run goes on.", settings);
        Describe(approvals.MapPost("/{approval_id}/reject", (HttpContext context, [FromServices] ApprovalService service, [FromRoute(Name = "approval_id")] string approvalId) =>
            DecideAsync(context, service, approvalId, isApproval: false, settings)), "reject", "Rejects the action of this digest: its step is blocked.", settings);
    }

    private static void Describe(RouteHandlerBuilder endpoint, string name, string summary, ApprovalSettings settings) => endpoint
        .RequireScope(settings.AllowOwnRuns ? ApiKeyAuthentication.AuditorScope : ApiKeyAuthentication.ApproverScope)
        .WithName(name + "Action").WithSummary(summary)
        .WithDescription("200 also where this person had decided so before. 409 where another digest is meant, where it was decided otherwise, or its time is over.")
        .Accepts<DecideApproval>("application/json")
        .Produces<ApprovalView>()
        .Refuses(400, 401, 403, 404, 409, 413, 415);

    private static async Task<IResult> ListAsync(
        HttpContext context, [FromServices] ApprovalService approvals,
        [Description("Only those that stand here: pending, approved, rejected, expired or withdrawn.")] string? status,
        [FromQuery(Name = "run_id"), Description("Only this run's.")] string? runId,
        [Description("At most so many, 1 to 200; default 50.")] string? limit, [Description("The next of the page before.")] string? cursor)
    {
        var query = new QueryReader(context.Request.Query, "status", "run_id", "limit", "cursor");
        var filter = Filter(query);
        if (query.Errors.Count > 0)
            return RequestBody.Refuse(query.Errors);
        var found = await approvals.ListAsync(context.GetTenant(), filter, context.RequestAborted);
        var next = found.Count == filter.Limit ? PageCursor.After(found[^1].RequestedAt, found[^1].Id) : null;
        return TypedResults.Json(new ApprovalPage([.. found.Select(ApprovalView.Of)], next), RunnerJson.Default.ApprovalPage);
    }

    private static ApprovalFilter Filter(QueryReader query) => new()
    {
        Status = query.Word<ApprovalStatus>("status", ApprovalWords.TryParse, ApprovalWords.All),
        RunId = query.Identity<RunId>("run_id"),
        Limit = query.Integer("limit", 1, 200, 50),
        After = query.Cursor("cursor"),
    };

    private static async Task<IResult> GetAsync(HttpContext context, [FromServices] ApprovalService approvals, [FromRoute(Name = "approval_id")] string approvalId) =>
        await approvals.FindAsync(context.GetTenant(), approvalId, context.RequestAborted) is { } found
            ? TypedResults.Json(ApprovalView.Of(found), RunnerJson.Default.ApprovalView)
            : NotFound();

    private static async Task<IResult> DecideAsync(HttpContext context, ApprovalService approvals, string approvalId, bool isApproval, ApprovalSettings settings)
    {
        var (body, refusal) = await RequestBody.ReadObjectAsync(context);
        if (refusal is not null)
            return refusal;
        var reader = new ObjectReader();
        reader.RefuseOthers(body, "", ["action_digest", "shown_digest", "reason"]);
        var action = DigestOf(body, "action_digest", reader, required: true);
        var shown = DigestOf(body, "shown_digest", reader, required: false);
        var reason = body.TryGetProperty("reason", out var given) && given.ValueKind is not JsonValueKind.Null ? reader.String(body, "", "reason") : null;
        if (reason is { Length: 0 or > LongestReason })
            reader.Fail("reason", "must be 1 to 2000 characters");
        if (reader.Errors.Count > 0)
            return RequestBody.Refuse(reader.Errors);

        var answer = await approvals.DecideAsync(
            new ApprovalVote(context.GetTenant(), approvalId, isApproval, context.GetApiKeyId(), action!.Value, shown, reason, default, settings.AllowOwnRuns), context.RequestAborted);
        return Refusal(answer) ?? await GetAsync(context, approvals, approvalId);
    }

    private static Digest? DigestOf(JsonElement body, string name, ObjectReader reader, bool required)
    {
        if (!required && (!body.TryGetProperty(name, out var given) || given.ValueKind is JsonValueKind.Null))
            return null;
        if (reader.String(body, "", name, required) is not { } text)
            return null;
        if (Digest.TryParse(text, out var digest))
            return digest;
        reader.Fail(name, "must be 64 lower-case hex digits");
        return null;
    }

    private static Problem NotFound() => Problem.NotFound("There is no such approval.");

    private static Problem? Refusal(ApprovalAnswer answer) => answer switch
    {
        ApprovalAnswer.NotFound => NotFound(),
        ApprovalAnswer.NotApprover => Problem.ForStatus(StatusCodes.Status403Forbidden, "The key may not decide this: its scope is not approver, or the rule names other approvers."),
        ApprovalAnswer.OwnRun => Problem.ForStatus(StatusCodes.Status403Forbidden, "Whoever asks for a run, sets its schedule or gives it another attempt does not approve what it does: another person must decide."),
        ApprovalAnswer.UnknownMaker => Problem.ForStatus(StatusCodes.Status403Forbidden, "Nobody knows who asked for the run, so nobody is known to be another person. Ask for it again, by a key."),
        ApprovalAnswer.ActionChanged => new Problem(
            ProblemTypes.ActionChanged, "The action is another one", StatusCodes.Status409Conflict,
            "The digests are not those of what would be executed, or what was shown was changed. Look at the approval again; where it keeps saying so, somebody changed it in the database."),
        ApprovalAnswer.Decided => Ended("It was decided before; a decision is not taken back."),
        ApprovalAnswer.Expired => Ended("Its time was over."),
        ApprovalAnswer.Withdrawn => Ended("It is needed no longer: its run has ended, or no rule asks for it any more."),
        _ => null,
    };

    private static Problem Ended(string detail) => new(ProblemTypes.ApprovalEnded, "The approval is pending no longer", StatusCodes.Status409Conflict, detail);

    /// <param name="AllowOwnRuns">Whether whoever asked for a run may approve what it does, by a key of any scope: for development.</param>
    private sealed record ApprovalSettings(bool AllowOwnRuns);
}
