using Microsoft.AspNetCore.Mvc;
using RunProof.Format;
using RunProof.ServiceDefaults;
using RunProof.Verification;

namespace RunProof.Verifier;

/// <summary><c>GET /runs/{run_id}/evidence</c>: the side records, compared with the evidence that they follow from.</summary>
internal static class EvidenceEndpoint
{
    internal static void MapEvidence(this RouteGroupBuilder api) =>
        api.MapGet("/runs/{run_id}/evidence", AnswerAsync)
            .RequireScope(ApiKeyAuthentication.AuditorScope)
            .WithName("show_evidence")
            .WithSummary("The side records of a run: governance, incidents, models, policies, integrity; each compared with the evidence that it follows from.")
            .Produces<EvidenceResponse>()
            .WithTags("Proofs")
            .ProducesProblems(401, 403, 404, 503);

    private static async Task<IResult> AnswerAsync(HttpContext context, ProofReader proofs, [FromRoute(Name = "run_id")] string runId, CancellationToken cancellationToken)
    {
        if (!RunId.TryParse(runId, out var run))
            return Unknown(runId);
        await using var proof = await proofs.OpenAsync(new ProofRequest(context.GetTenant(), run, IntegrityModel.HashChain, IncludePayloads: false), cancellationToken);
        if (proof is not { SideRecords: { } report })
            return Unknown(runId);
        context.Response.Headers.CacheControl = "no-store";
        return TypedResults.Ok(EvidenceResponse.Of(proof.Answer, report));
    }

    private static Problem Unknown(string run) => Problem.NotFound($"There is no run {run}.");
}
