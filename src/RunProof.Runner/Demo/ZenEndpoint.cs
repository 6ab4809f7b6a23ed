namespace RunProof.Runner;

/// <summary>Something real for the stub planner to call, without a network: one sentence, always the same.</summary>
internal static class ZenEndpoint
{
    public const string Path = "/demo/zen";

    private const string Sentence = "Responsive is better than fast.";

    public static void MapZen(this IEndpointRouteBuilder app) =>
        app.MapGet(Path, () => TypedResults.Text(Sentence, "text/plain")).AllowAnonymous().WithTags("Demo")
            .WithName("zen").WithSummary("One sentence, always the same: what the stub planner calls by default.")
            .Produces<string>(StatusCodes.Status200OK, "text/plain");
}
