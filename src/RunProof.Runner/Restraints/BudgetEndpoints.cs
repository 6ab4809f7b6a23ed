using System.ComponentModel;
using Microsoft.AspNetCore.Mvc;
using RunProof.Execution;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Policies;
using RunProof.ServiceDefaults;

namespace RunProof.Runner;

/// <summary>Budgets: set, told of, retired. Only a governor's key changes them.</summary>
internal static class BudgetEndpoints
{
    public static void MapBudgets(this IEndpointRouteBuilder api)
    {
        var budgets = api.MapGroup("/budgets").WithTags("Budgets");
        budgets.MapPut("/{id}", SetAsync).RequireScope(ApiKeyAuthentication.GovernorScope)
            .WithName("setBudget").WithSummary("Sets a budget.")
            .WithDescription("201 where a new version is in force from now on, 200 where the same was already. In force for all runners within two seconds; what was used stays counted.")
            .Accepts<PutBudget>("application/json")
            .Produces<BudgetView>(StatusCodes.Status201Created).Produces<BudgetView>()
            .Refuses(400, 401, 403, 404, 409, 413, 415);
        budgets.MapDelete("/{id}", RetireAsync).RequireScope(ApiKeyAuthentication.GovernorScope)
            .WithName("retireBudget").WithSummary("Takes a budget out of force. Its versions and what was used of it stay to be seen.")
            .Produces<BudgetVersions>()
            .Refuses(401, 403, 404);
        budgets.MapGet("/{id}", GetAsync).RequireScope(ApiKeyAuthentication.AuditorScope)
            .WithName("getBudget").WithSummary("Tells of a budget and its versions.")
            .Produces<BudgetVersions>()
            .Refuses(401, 404);
        budgets.MapGet("/", ListAsync).RequireScope(ApiKeyAuthentication.AuditorScope)
            .WithName("listBudgets").WithSummary("Lists the tenant's budgets with their versions.")
            .Produces<BudgetPage>()
            .Refuses(401);
        budgets.MapGet("/{id}/usage", UsageAsync).RequireScope(ApiKeyAuthentication.AuditorScope)
            .WithName("getBudgetUsage").WithSummary("Tells what was used of a budget, the latest periods first.")
            .WithDescription("Empty for a budget of scope run: what a run used is in its evidence.")
            .Produces<BudgetUsageView>()
            .Refuses(400, 401, 404);
    }

    private static async Task<IResult> SetAsync(
        HttpContext context, string id, [FromServices] IRestraintStore budgets, [FromServices] PolicyGate gate, [FromServices] TimeProvider clock)
    {
        var (body, refusal) = await RequestBody.ReadObjectAsync(context);
        if (refusal is not null)
            return refusal;
        var reader = new ObjectReader();
        if (!BudgetWords.IsId(id))
            reader.Fail("id", "must be 1 to 64 of a-z 0-9 . _ - and not \"run\"");
        if (BudgetReader.Read(body, context.GetTenant(), id, reader) is not { } budget)
            return RequestBody.Refuse(reader.Errors);
        if (reader.Errors.Count > 0)
            return RequestBody.Refuse(reader.Errors);
        var (outcome, stored) = await budgets.SetAsync(
            budget with { CreatedAt = WireTime.Truncate(clock.GetUtcNow()), CreatedBy = context.GetApiKeyId() }, context.RequestAborted);
        gate.Forget(context.GetTenant());
        return outcome switch
        {
            BudgetSetting.Set => TypedResults.Json(BudgetView.Of(stored), RunnerJson.Default.BudgetView, statusCode: StatusCodes.Status201Created),
            BudgetSetting.Unchanged => TypedResults.Json(BudgetView.Of(stored), RunnerJson.Default.BudgetView),
            BudgetSetting.UnknownAgent => new Problem(
                ProblemTypes.UnknownAgent, "Unknown agent", StatusCodes.Status404NotFound, $"There is no agent \"{budget.AgentId?.Value}\"; create it first."),
            BudgetSetting.UnknownZone => Problem.Invalid("zone", "is not a zone that the database knows"),
            _ => new Problem(
                ProblemTypes.BudgetOfOtherKind, "The budget is of another kind", StatusCodes.Status409Conflict,
                $"Budget \"{id}\" is of scope {BudgetWords.Of(stored.Scope)}, period {BudgetWords.Of(stored.Period)}, zone {stored.Zone}, "
                + $"agent {stored.AgentId?.Value ?? "none"}; what it has added up would mean nothing for another. Set one under an id of its own, and retire this one."),
        };
    }

    private static async Task<IResult> RetireAsync(
        HttpContext context, string id, [FromServices] IRestraintStore budgets, [FromServices] PolicyGate gate, [FromServices] TimeProvider clock)
    {
        var retired = BudgetWords.IsId(id) && await budgets.RetireAsync(context.GetTenant(), id, context.GetApiKeyId(), clock.GetUtcNow(), context.RequestAborted);
        gate.Forget(context.GetTenant());
        return retired ? await GetAsync(context, id, budgets) : Problem.NotFound("No budget of this id is in force.");
    }

    private static async Task<IResult> GetAsync(HttpContext context, string id, [FromServices] IRestraintStore budgets)
    {
        var versions = BudgetWords.IsId(id) ? await budgets.ListAsync(context.GetTenant(), id, context.RequestAborted) : [];
        return versions.Count == 0
            ? Problem.NotFound("There is no such budget.")
            : TypedResults.Json(new BudgetVersions(id, [.. versions.Select(BudgetView.Of)]), RunnerJson.Default.BudgetVersions);
    }

    private static async Task<IResult> ListAsync(HttpContext context, [FromServices] IRestraintStore budgets)
    {
        var found = await budgets.ListAsync(context.GetTenant(), null, context.RequestAborted);
        return TypedResults.Json(new BudgetPage([.. found.Select(BudgetView.Of)]), RunnerJson.Default.BudgetPage);
    }

    private static async Task<IResult> UsageAsync(
        HttpContext context, string id, [FromServices] IRestraintStore budgets, [Description("At most so many rows, 1 to 1,000; default 100.")] string? limit)
    {
        var query = new QueryReader(context.Request.Query, nameof(limit));
        var most = query.Integer("limit", 1, 1000, 100);
        if (query.Errors.Count > 0)
            return RequestBody.Refuse(query.Errors);
        var versions = BudgetWords.IsId(id) ? await budgets.ListAsync(context.GetTenant(), id, context.RequestAborted) : [];
        if (versions.Count == 0)
            return Problem.NotFound("There is no such budget.");
        var usage = await budgets.ReadUsageAsync(context.GetTenant(), id, most, context.RequestAborted);
        return TypedResults.Json(
            new BudgetUsageView(BudgetView.Of(versions[0]), [.. usage.Select(row => UsageView.Of(versions[0], row))]), RunnerJson.Default.BudgetUsageView);
    }
}
