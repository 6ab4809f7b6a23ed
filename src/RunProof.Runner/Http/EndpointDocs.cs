using RunProof.ServiceDefaults;

namespace RunProof.Runner;

/// <summary>What the OpenAPI document says of refusals.</summary>
internal static class EndpointDocs
{
    /// <summary>Documents the problems that an endpoint may answer; 500 and 503 are any endpoint's.</summary>
    public static RouteHandlerBuilder Refuses(this RouteHandlerBuilder endpoint, params ReadOnlySpan<int> statuses)
    {
        foreach (var status in statuses)
            endpoint.Produces<Problem>(status, Problem.MediaType);
        return endpoint.Produces<Problem>(500, Problem.MediaType).Produces<Problem>(503, Problem.MediaType);
    }
}
