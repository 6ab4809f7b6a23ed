using Microsoft.AspNetCore.Mvc;
using RunProof.Format;
using RunProof.Ledger;
using RunProof.Policies;
using RunProof.ServiceDefaults;

namespace RunProof.Runner;

/// <summary>Policies: put in force, told of, taken out of force. Only a governor's key changes them: who is governed does not govern.</summary>
internal static class PolicyEndpoints
{
    private static readonly string[] DocumentTypes = ["application/yaml", "application/json", "text/yaml", "application/x-yaml", "text/plain"];

    public static void MapPolicies(this IEndpointRouteBuilder api)
    {
        var policies = api.MapGroup("/policies").WithTags("Policies");
        policies.MapPut("/{name}", ApplyAsync).RequireScope(ApiKeyAuthentication.GovernorScope)
            .WithName("applyPolicy").WithSummary("Puts a policy in force.")
            .WithDescription("The body is the document, YAML or JSON. 201 where it is in force from now on, 200 where it was already. In force for all runners within two seconds.")
            .Accepts<string>("application/yaml", "application/json")
            .Produces<PolicyView>(StatusCodes.Status201Created).Produces<PolicyView>()
            .Refuses(400, 401, 403, 409, 413, 415);
        policies.MapPost("/{name}/retire", RetireAsync).RequireScope(ApiKeyAuthentication.GovernorScope)
            .WithName("retirePolicy").WithSummary("Takes a policy out of force.")
            .Produces<PolicyVersions>()
            .Refuses(401, 403, 404);
        policies.MapGet("/{name}", GetAsync).RequireScope(ApiKeyAuthentication.AuditorScope)
            .WithName("getPolicy").WithSummary("Tells of a policy and its versions.")
            .Produces<PolicyVersions>()
            .Refuses(401, 404);
        policies.MapGet("/", ListAsync).RequireScope(ApiKeyAuthentication.AuditorScope)
            .WithName("listPolicies").WithSummary("Lists the tenant's policies with their versions.")
            .Produces<PolicyPage>()
            .Refuses(401);
        policies.MapPost("/check", PolicyChecks.CheckAsync).RequireScope(ApiKeyAuthentication.AuditorScope)
            .WithName("checkPolicies").WithSummary("Says what the steps of a plan would come to, and executes none.")
            .Accepts<CheckPolicy>("application/json")
            .Produces<PolicyCheckView>()
            .Refuses(400, 401, 413, 415);
        api.MapGet("/policy-schema", static () => Results.Text(PolicyReader.Schema(), "application/schema+json")).WithTags("Policies")
            .WithName("getPolicySchema").WithSummary("The JSON Schema of policy documents.").Produces<string>(200, "application/schema+json").Refuses();
    }

    /// <summary>What is wrong with a document, as a problem: the messages by place.</summary>
    internal static Problem Refuse(IReadOnlyList<PolicyError> errors)
    {
        var byPlace = new Dictionary<string, string[]>(StringComparer.Ordinal);
        foreach (var place in errors.GroupBy(error => error.Place.Length == 0 ? "document" : error.Place, StringComparer.Ordinal))
            byPlace[place.Key] = [.. place.Select(error => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"line {error.Line}: {error.Message}"))];
        return Problem.Invalid(byPlace, ProblemTypes.InvalidPolicy, "The document is no policy");
    }

    private static async Task<IResult> ApplyAsync(
        HttpContext context, string name, [FromServices] IPolicyStore policies, [FromServices] TimeProvider clock)
    {
        var mediaType = context.Request.ContentType?.Split(';')[0].Trim();
        if (mediaType is null || !DocumentTypes.Contains(mediaType, StringComparer.OrdinalIgnoreCase))
            return Problem.ForStatus(StatusCodes.Status415UnsupportedMediaType, "The body is the document itself: send it as application/yaml or application/json.");
        if (context.Request.ContentLength > RequestBody.MaxBytes || await RequestBody.ReadAsync(context) is not { } document)
            return Problem.ForStatus(StatusCodes.Status413PayloadTooLarge, $"A policy may have at most {PolicyReader.MaxBytes} bytes.");
        var reading = PolicyReader.Read(document);
        if (reading.Policy is not { } policy)
            return Refuse(reading.Errors);
        if (policy.Name != name)
            return Problem.Invalid("name", $"is \"{name}\" in the address and \"{policy.Name}\" in the document");

        var text = System.Text.Encoding.UTF8.GetString(document).TrimStart('\uFEFF');
        var (outcome, stored) = await policies.ApplyAsync(
            new StoredPolicy
            {
                TenantId = context.GetTenant(), Name = policy.Name, Version = policy.Version, Document = text, Digest = policy.Digest, IsActive = true,
                CreatedAt = WireTime.Truncate(clock.GetUtcNow()), CreatedBy = context.GetApiKeyId(),
            },
            context.RequestAborted);
        if (outcome is PolicyApplication.VersionTaken)
        {
            return new Problem(
                ProblemTypes.VersionTaken, "The version is there already", StatusCodes.Status409Conflict,
                $"Version {policy.Version} of policy \"{name}\" is another document, with digest {stored.Digest}; versions never change. Give this one a version of its own.");
        }

        var status = outcome is PolicyApplication.Applied ? StatusCodes.Status201Created : StatusCodes.Status200OK;
        return TypedResults.Json(PolicyView.Of(stored), RunnerJson.Default.PolicyView, statusCode: status);
    }

    private static async Task<IResult> RetireAsync(HttpContext context, string name, [FromServices] IPolicyStore policies, [FromServices] TimeProvider clock) =>
        PolicyReader.IsName(name) && await policies.RetireAsync(context.GetTenant(), name, context.GetApiKeyId(), clock.GetUtcNow(), context.RequestAborted)
            ? await GetAsync(context, name, policies)
            : Problem.NotFound("No policy of this name is in force.");

    private static async Task<IResult> GetAsync(HttpContext context, string name, [FromServices] IPolicyStore policies)
    {
        var versions = PolicyReader.IsName(name) ? await policies.ListAsync(context.GetTenant(), name, context.RequestAborted) : [];
        return versions.Count == 0
            ? Problem.NotFound("There is no such policy.")
            : TypedResults.Json(new PolicyVersions(name, [.. versions.Select(PolicyView.Of)]), RunnerJson.Default.PolicyVersions);
    }

    private static async Task<IResult> ListAsync(HttpContext context, [FromServices] IPolicyStore policies)
    {
        var found = await policies.ListAsync(context.GetTenant(), null, context.RequestAborted);
        return TypedResults.Json(new PolicyPage([.. found.Select(PolicyView.Of)]), RunnerJson.Default.PolicyPage);
    }
}
