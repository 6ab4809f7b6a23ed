using Microsoft.AspNetCore.Mvc;
using RunProof.Format;
using RunProof.ServiceDefaults;
using RunProof.Verification;

namespace RunProof.Verifier;

/// <summary><c>GET /runs/{run_id}/replay-report</c> and <c>GET /runs/{a}/diff/{b}</c>.</summary>
internal static class ComparisonEndpoints
{
    internal static void MapComparisons(this RouteGroupBuilder api)
    {
        api.MapGet("/runs/{run_id}/replay-report", ReportAsync)
            .RequireScope(ApiKeyAuthentication.AuditorScope)
            .WithName("report_replay")
            .WithSummary("Where a replay is not as its origin was: both recomputed from their evidence, then compared by canonical bytes.")
            .WithDescription("Nothing that the replay says of itself is taken for true. status is equal, equal_as_far_as_compared (some of it is redacted or erased), diverged, or not_verified.")
            .Produces<ReplayReport>()
            .WithTags("Comparisons")
            .ProducesProblems(401, 403, 404, 503);
        api.MapGet("/runs/{a}/diff/{b}", DiffAsync)
            .RequireScope(ApiKeyAuthentication.AuditorScope)
            .WithName("diff_runs")
            .WithSummary("What two runs differ in: goal, plan, end, steps, parameters, outcomes, cost and time. Both are recomputed first.")
            .WithDescription("Steps are held against the same attempt of the same planned step. a_trace and b_trace name another trace than a run's last.")
            .Produces<TraceDiff>()
            .WithTags("Comparisons")
            .ProducesProblems(401, 403, 404, 503);
    }

    private static async Task<IResult> ReportAsync(
        HttpContext context, ComparisonSource comparisons, [FromRoute(Name = "run_id")] string runId, [FromQuery(Name = "trace")] string? trace, CancellationToken cancellationToken)
    {
        if (!RunId.TryParse(runId, out var run))
            return Problem.NotFound($"There is no run {runId}.");
        var (report, missing) = await comparisons.ReplayAsync(context.GetTenant(), run, trace, cancellationToken);
        return report is null ? Problem.NotFound(missing!) : Json(context, report.ToJson());
    }

    private static async Task<IResult> DiffAsync(
        HttpContext context, ComparisonSource comparisons, [FromRoute(Name = "a")] string a, [FromRoute(Name = "b")] string b,
        [FromQuery(Name = "a_trace")] string? aTrace, [FromQuery(Name = "b_trace")] string? bTrace, CancellationToken cancellationToken)
    {
        if (!RunId.TryParse(a, out var one))
            return Problem.NotFound($"There is no run {a}.");
        if (!RunId.TryParse(b, out var other))
            return Problem.NotFound($"There is no run {b}.");
        var missing = "";
        var diff = await comparisons.DiffAsync(context.GetTenant(), (one, aTrace), (other, bTrace), run => missing = run, cancellationToken);
        return diff is null ? Problem.NotFound($"There is no such trace of run {missing}.") : Json(context, diff.ToJson());
    }

    private static IResult Json(HttpContext context, byte[] json)
    {
        context.Response.Headers.CacheControl = "no-store";
        return Results.Bytes(json, "application/json; charset=utf-8");
    }
}
