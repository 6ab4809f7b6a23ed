using System.Buffers;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Features;
using RunProof.Execution;
using RunProof.Format;
using RunProof.ServiceDefaults;

namespace RunProof.Runner;

/// <summary>Reads a JSON body whole, and says all that is wrong with it.</summary>
internal static class RequestBody
{
    /// <summary>The largest body that is read: 8 MiB, room for a plan of ten thousand steps.</summary>
    public const int MaxBytes = 8 << 20;

    /// <summary>Reads a body that must be one JSON object.</summary>
    /// <param name="context">The request.</param>
    /// <returns>The object, or the problem to answer.</returns>
    public static async Task<(JsonElement Body, Problem? Refusal)> ReadObjectAsync(HttpContext context)
    {
        if (!context.Request.HasJsonContentType())
            return (default, Problem.ForStatus(StatusCodes.Status415UnsupportedMediaType));
        if (context.Request.ContentLength > MaxBytes || await ReadAsync(context) is not { } bytes)
            return (default, Problem.ForStatus(StatusCodes.Status413PayloadTooLarge, $"The body may have at most {MaxBytes} bytes."));
        try
        {
            // Canonical from here on: no duplicate names, no lone surrogates, no number that a record would have to round.
            var canonical = CanonicalJson.Parse(bytes);
            using var document = canonical.ToDocument();
            return document.RootElement.ValueKind is JsonValueKind.Object
                ? (document.RootElement.Clone(), null)
                : (default, Problem.Invalid("body", $"must be a JSON object, not {ObjectReader.Describe(document.RootElement)}"));
        }
        catch (CanonicalFormatException refused)
        {
            return (default, Problem.Invalid("body", refused.Message));
        }
    }

    /// <summary>Errors as a problem: the messages by place.</summary>
    public static Problem Refuse(IReadOnlyList<PlanError> errors, bool inPlan = false)
    {
        var byPlace = new Dictionary<string, string[]>(StringComparer.Ordinal);
        foreach (var place in errors.GroupBy(error => error.Place, StringComparer.Ordinal))
            byPlace[place.Key] = [.. place.Select(error => error.Message)];
        return inPlan ? Problem.Invalid(byPlace, ProblemTypes.InvalidPlan, "The plan cannot be executed") : Problem.Invalid(byPlace);
    }

    /// <summary>Reads a body whole.</summary>
    /// <returns>The bytes; null where there are more than <see cref="MaxBytes"/>.</returns>
    public static async Task<byte[]?> ReadAsync(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            limit.MaxRequestBodySize = MaxBytes + 1;
        var reader = context.Request.BodyReader;
        while (true)
        {
            var read = await reader.ReadAsync(context.RequestAborted);
            if (read.IsCompleted || read.Buffer.Length > MaxBytes)
            {
                var whole = read.Buffer.Length > MaxBytes ? null : read.Buffer.ToArray();
                reader.AdvanceTo(read.Buffer.End);
                return whole;
            }

            reader.AdvanceTo(read.Buffer.Start, read.Buffer.End);
        }
    }
}
