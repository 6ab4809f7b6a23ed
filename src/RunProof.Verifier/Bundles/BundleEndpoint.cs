using System.Buffers;
using System.Globalization;
using Microsoft.AspNetCore.Mvc;
using RunProof.Format;
using RunProof.ServiceDefaults;

namespace RunProof.Verifier;

/// <summary><c>GET /runs/{run_id}/bundle</c>: the proof as one file.</summary>
internal static class BundleEndpoint
{
    internal static void MapBundles(this RouteGroupBuilder api) =>
        api.MapGet("/runs/{run_id}/bundle", AnswerAsync)
            .RequireScope(ApiKeyAuthentication.AuditorScope)
            .WithName("bundle_run")
            .WithSummary("A run's trace in one file that anybody can verify with the log's key alone (runproof verify FILE).")
            .WithTags("Proofs")
            .Produces<UnverifiedProblem>(409, Problem.MediaType)
            .ProducesProblems(400, 401, 403, 404, 503);

    private static async Task<IResult> AnswerAsync(
        HttpContext context,
        BundleSource bundles,
        InclusionWait inclusion,
        [FromRoute(Name = "run_id")] string runId,
        [FromQuery(Name = "payloads")] string? payloads,
        [FromQuery(Name = "trace")] string? trace,
        [FromQuery(Name = "wait")] string? wait,
        CancellationToken cancellationToken)
    {
        var errors = new Dictionary<string, string[]>(StringComparer.Ordinal);
        if (!TryRevealed(payloads ?? "all", out var revealed))
            errors["payloads"] = ["must be all, none, or step indices: 0,3,7"];
        if (!InclusionWait.TryParse(wait, out var patience))
            errors["wait"] = [InclusionWait.Rule];
        if (errors.Count > 0)
            return Problem.Invalid(errors);
        if (!RunId.TryParse(runId, out var run))
            return Problem.NotFound($"There is no run {runId}.");
        await inclusion.ForAsync(context.GetTenant(), run, trace, patience, cancellationToken);
        var (bundle, refusal) = await bundles.ReadAsync(context.GetTenant(), run, trace, revealed, cancellationToken);
        if (refusal is not null)
            return refusal;
        if (bundle is null)
            return Problem.NotFound($"There is no such trace of run {runId}.");
        var buffer = new ArrayBufferWriter<byte>();
        bundle.Write(buffer);
        context.Response.Headers.CacheControl = "no-store";
        return Results.File(buffer.WrittenSpan.ToArray(), "application/json; charset=utf-8", bundle.Header.TraceId.Value + ".runproof.json");
    }

    private static bool TryRevealed(string payloads, out Revealed revealed)
    {
        var steps = new HashSet<int>();
        revealed = new Revealed(payloads == "all", steps);
        if (payloads is "all" or "none")
            return true;
        foreach (var word in payloads.Split(','))
        {
            if (!int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var step))
                return false;
            steps.Add(step);
        }

        return true;
    }
}
