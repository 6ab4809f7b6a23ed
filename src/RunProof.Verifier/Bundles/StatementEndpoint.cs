using Microsoft.AspNetCore.Mvc;
using RunProof.Format;
using RunProof.ServiceDefaults;

namespace RunProof.Verifier;

/// <summary><c>GET /runs/{run_id}/statement</c>: that the log's key signs for a run, as an in-toto statement.</summary>
internal static class StatementEndpoint
{
    /// <summary>The media type of envelopes, as tools of the same format call it.</summary>
    internal const string MediaType = "application/vnd.dsse.envelope.v1+json";

    internal static void MapStatements(this RouteGroupBuilder api) =>
        api.MapGet("/runs/{run_id}/statement", AnswerAsync)
            .RequireScope(ApiKeyAuthentication.AuditorScope)
            .WithName("state_run")
            .WithSummary("An in-toto statement on a run's trace and its place in the log, signed by the log's key in a DSSE envelope.")
            .WithDescription(
                "The trace is recomputed now. Only where it verifies and the published checkpoint covers its seal is anything signed; else the answer is 409 with the findings. "
                + "The statement names the trace by its root_hash and holds none of its steps. runproof verify FILE --key VKEY verifies it.")
            .WithTags("Proofs")
            .Produces(200, contentType: MediaType)
            .Produces<UnverifiedProblem>(409, Problem.MediaType)
            .ProducesProblems(400, 401, 403, 404, 503);

    private static async Task<IResult> AnswerAsync(
        HttpContext context,
        StatementSource statements,
        InclusionWait inclusion,
        [FromRoute(Name = "run_id")] string runId,
        [FromQuery(Name = "trace")] string? trace,
        [FromQuery(Name = "wait")] string? wait,
        CancellationToken cancellationToken)
    {
        if (!InclusionWait.TryParse(wait, out var patience))
            return Problem.Invalid("wait", InclusionWait.Rule);
        if (!RunId.TryParse(runId, out var run))
            return Problem.NotFound($"There is no run {runId}.");
        await inclusion.ForAsync(context.GetTenant(), run, trace, patience, cancellationToken);
        var (envelope, id, refusal) = await statements.ReadAsync(context.GetTenant(), run, trace, cancellationToken);
        if (refusal is not null)
            return refusal;
        if (envelope is null)
            return Problem.NotFound($"There is no such trace of run {runId}.");
        context.Response.Headers.CacheControl = "no-store";
        return Results.File(envelope.ToJson(), MediaType, id + ".intoto.json");
    }
}
