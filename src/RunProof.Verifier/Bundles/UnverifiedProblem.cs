using System.Text.Json;
using System.Text.Json.Serialization;
using RunProof.Format;
using RunProof.ServiceDefaults;
using RunProof.Verification;

namespace RunProof.Verifier;

/// <summary>Why evidence is not handed out as a proof: problem details with the findings.</summary>
/// <param name="Type">One of <see cref="ProblemTypes"/>.</param>
/// <param name="Title">What went wrong, the same words for every problem of the type.</param>
/// <param name="Status">409.</param>
/// <param name="Detail">What went wrong this time, and what the caller can do.</param>
/// <param name="Findings">What does not hold; or why nothing is proven yet. The first of them.</param>
/// <param name="FindingsOmitted">Findings beyond those.</param>
internal sealed record UnverifiedProblem(string Type, string Title, int Status, string Detail, IReadOnlyList<FindingResponse> Findings, long FindingsOmitted) : IResult, IStatusCodeHttpResult
{
    /// <summary>Findings told here; the run's proof has all of them.</summary>
    private const int MaxFindings = 100;

    int? IStatusCodeHttpResult.StatusCode => Status;

    /// <summary>The evidence does not hold.</summary>
    internal static UnverifiedProblem Failed(TraceReport report) => Of(
        ProblemTypes.NotVerified,
        "The evidence does not hold",
        $"{report.Findings[0].Message} ({report.Findings[0].Code}). Nothing is handed out as a proof of evidence that does not verify; see the run's proof.",
        report.Findings,
        report.FindingsOmitted);

    /// <summary>Nothing is wrong, and nothing is proven yet.</summary>
    internal static UnverifiedProblem NotYet(string why, IReadOnlyList<Finding> findings) =>
        Of(ProblemTypes.NotProvenYet, "There is no proof yet", $"{why}. Ask again, or with wait.", findings, 0);

    /// <summary>There is a proof, but not in this form.</summary>
    internal static UnverifiedProblem TooLong(string why) => Of(ProblemTypes.TraceTooLong, "The trace is too long for this", why, [], 0);

    /// <inheritdoc/>
    public async Task ExecuteAsync(HttpContext httpContext)
    {
        httpContext.Response.StatusCode = Status;
        httpContext.Response.ContentType = Problem.MediaType;
        httpContext.Response.Headers.CacheControl = "no-store";
        await JsonSerializer.SerializeAsync(httpContext.Response.BodyWriter, this, BundleJson.Default.UnverifiedProblem, httpContext.RequestAborted);
    }

    private static UnverifiedProblem Of(string type, string title, string detail, IReadOnlyList<Finding> findings, long omitted) =>
        new(type, title, 409, detail, [.. findings.Take(MaxFindings).Select(FindingResponse.Of)], omitted + Math.Max(0, findings.Count - MaxFindings));
}

/// <summary>Written without reflection. Members are the wire's snake_case.</summary>
[JsonSerializable(typeof(UnverifiedProblem))]
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
internal sealed partial class BundleJson : JsonSerializerContext;
