using System.Text.Json;
using Microsoft.AspNetCore.Mvc;
using Microsoft.Extensions.Options;
using RunProof.Format;
using RunProof.ServiceDefaults;
using RunProof.Verification;
using JsonOptions = Microsoft.AspNetCore.Http.Json.JsonOptions;

namespace RunProof.Verifier;

/// <summary><c>GET /runs/{run_id}/proof</c>.</summary>
internal static class ProofEndpoint
{
    internal static void MapProofs(this RouteGroupBuilder api) =>
        api.MapGet("/runs/{run_id}/proof", AnswerAsync)
            .RequireScope(ApiKeyAuthentication.AuditorScope)
            .WithName("prove_run")
            .WithSummary("Recomputes a run's evidence from what was recorded, and says what holds.")
            .Produces<ProofResponse>()
            .WithTags("Proofs")
            .ProducesProblems(400, 401, 403, 404, 503);

    private static async Task<IResult> AnswerAsync(
        HttpContext context,
        ProofReader proofs,
        InclusionWait inclusion,
        [FromRoute(Name = "run_id")] string runId,
        [FromQuery(Name = "model")] string? model,
        [FromQuery(Name = "include_payloads")] string? includePayloads,
        [FromQuery(Name = "wait")] string? wait,
        CancellationToken cancellationToken)
    {
        var errors = new Dictionary<string, string[]>(StringComparer.Ordinal);
        var asked = IntegrityModel.HashChain;
        if (model is not null && !IntegrityModels.TryParse(model, out asked))
            errors["model"] = ["must be HASH_CHAIN or MERKLE_TREE"];
        if (includePayloads is not (null or "true" or "false"))
            errors["include_payloads"] = ["must be true or false"];
        if (!InclusionWait.TryParse(wait, out var patience))
            errors["wait"] = [InclusionWait.Rule];
        if (errors.Count > 0)
            return Problem.Invalid(errors);
        if (!RunId.TryParse(runId, out var run))
            return Unknown(runId);
        await inclusion.ForAsync(context.GetTenant(), run, trace: null, patience, cancellationToken);
        var proof = await proofs.OpenAsync(new ProofRequest(context.GetTenant(), run, asked, includePayloads is "true"), cancellationToken);
        return proof is null ? Unknown(runId) : new StreamedProof(proof);
    }

    /// <summary>The same answer for a run that is nowhere and for one of another tenant.</summary>
    private static Problem Unknown(string run) => Problem.NotFound($"There is no run {run}.");
}

/// <summary>Writes an answer while its steps are read. A store that fails midway cuts the connection: half an answer must not look like a whole one.</summary>
internal sealed class StreamedProof(Proof proof) : IResult
{
    public async Task ExecuteAsync(HttpContext httpContext)
    {
        await using (proof)
        {
            var json = httpContext.RequestServices.GetRequiredService<IOptions<JsonOptions>>().Value.SerializerOptions;
            httpContext.Response.ContentType = "application/json; charset=utf-8";
            httpContext.Response.Headers.CacheControl = "no-store";
            await JsonSerializer.SerializeAsync(httpContext.Response.Body, proof.Answer, json.GetTypeInfo(typeof(ProofResponse)), httpContext.RequestAborted);
        }
    }
}
